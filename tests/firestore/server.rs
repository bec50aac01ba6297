//! The example server as a child process.
// Not every test module uses every helper.
#![allow(dead_code)]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

/// A server on a free port; gone when it is dropped.
pub struct Server {
    child: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    address: String,
}

/// The built example: `cargo test` builds the examples next to the program.
pub fn binary() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_fireferry"));
    program.with_file_name("examples").join(format!("firestore_server{}", std::env::consts::EXE_SUFFIX))
}

impl Server {
    /// Starts one with these arguments, in the repository's folder. It is loaded and listens when this returns.
    #[track_caller]
    pub fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(binary())
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(["--listen", "127.0.0.1:0", "--until-stdin-closes"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", binary().display()));
        let commands = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().unwrap());
        let mut server = Self { child, commands, answers, address: String::new() };
        let started = server.answer();
        server.address = started["listening"].as_str().unwrap_or_else(|| panic!("{started}")).to_owned();
        server
    }

    /// `127.0.0.1:PORT`, for `FIRESTORE_EMULATOR_HOST`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The process, to watch its CPU time or memory.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a command; returns the answer, which may have an `error`.
    #[track_caller]
    pub fn command(&mut self, line: &str) -> Value {
        let commands = self.commands.as_mut().unwrap();
        writeln!(commands, "{line}").and_then(|()| commands.flush()).unwrap();
        self.answer()
    }

    /// Sends a command that must succeed.
    #[track_caller]
    pub fn tell(&mut self, line: &str) {
        let answer = self.command(line);
        assert_eq!(answer["ok"], true, "{line}: {answer}");
    }

    /// The counters.
    #[track_caller]
    pub fn stats(&mut self) -> Value {
        self.command("stats")
    }

    /// The script of faults from now on.
    #[track_caller]
    pub fn faults(&mut self, rules: &Value) {
        self.tell(&format!("faults {rules}"));
    }

    /// Writes a document of plain JSON into the server's default database.
    #[track_caller]
    pub fn put(&mut self, path: &str, fields: &Value) {
        self.tell(&format!("put {path} {fields}"));
    }

    #[track_caller]
    fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "the server ended");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
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
