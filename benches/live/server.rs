//! The example server in a process of its own, and what it costs.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

/// A server with generated documents; gone when it is dropped.
pub struct Server {
    child: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    address: String,
    /// CPU seconds that were spent before anybody asked for anything.
    began: f64,
}

/// Builds the example with the profile that this benchmark was built with.
pub fn build(root: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--release", "--locked", "--example", "firestore_server", "--manifest-path"]);
    command.arg(root.join("Cargo.toml"));
    // `cargo bench` sets these for us. Build scripts look at them, and would build half of the tree once more.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
            command.env_remove(name);
        }
    }
    if !command.status()?.success() {
        return Err("the example server does not build".into());
    }
    let program = Path::new(env!("CARGO_BIN_EXE_fireferry"));
    Ok(program.with_file_name("examples").join(format!("firestore_server{}", std::env::consts::EXE_SUFFIX)))
}

impl Server {
    /// Starts one with so many documents of so many bytes in `items`. They are there when this returns.
    pub fn start(program: &Path, documents: u64, bytes: u64) -> Result<Self, Box<dyn Error>> {
        let mut child = Command::new(program)
            .args(["--listen", "127.0.0.1:0", "--until-stdin-closes", "--generate"])
            .arg(format!("items:{documents}:{bytes}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let commands = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().ok_or("no output")?);
        let mut server = Self { child, commands, answers, address: String::new(), began: 0.0 };
        let started = server.answer()?;
        server.address = started["listening"].as_str().ok_or("the server does not listen")?.to_owned();
        server.began = server.spent()?;
        Ok(server)
    }

    /// `127.0.0.1:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// CPU seconds since it listens, and the documents sent in that time.
    pub fn served(&mut self) -> Result<(f64, u64), Box<dyn Error>> {
        let commands = self.commands.as_mut().ok_or("the server was told to end")?;
        writeln!(commands, "stats")?;
        commands.flush()?;
        let documents = self.answer()?["documents_sent"].as_u64().ok_or("no documents_sent")?;
        Ok((self.spent()? - self.began, documents))
    }

    /// CPU seconds of the process so far: it goes on, so `wait4` cannot tell. Counted by the kernel in hundredths.
    fn spent(&self) -> Result<f64, Box<dyn Error>> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name may hold anything; after it come state, then the 11th and 12th field: user and system time.
        let after = stat.rsplit_once(')').ok_or("/proc is not understood")?.1;
        let ticks: Vec<u64> = after.split_whitespace().skip(11).take(2).filter_map(|part| part.parse().ok()).collect();
        Ok(ticks.iter().sum::<u64>() as f64 / 100.0)
    }

    fn answer(&mut self) -> Result<Value, Box<dyn Error>> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(serde_json::from_str(&line)?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It ends by itself with its standard input; a kill is quicker, and harmless: it keeps nothing.
        drop(self.commands.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
