//! Helpers that run the program, as a user does, in a folder of its own.
//!
//! ```ignore
//! let sandbox = Sandbox::new();
//! sandbox.write("p.yaml", "version: 1\n…");
//! let outcome = sandbox.run(&["check", "p.yaml"]);
//! assert_eq!(outcome.code, 2);
//! insta::assert_snapshot!(outcome.seen());
//! ```
// Not every test module uses every helper.
#![allow(dead_code, unused_imports)]

pub mod database;
pub mod documents;
pub mod dump;
pub mod http;
pub mod memory;
pub mod proxy;
mod redact;
pub mod servers;
pub mod shim;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

pub use redact::{redact_json, redact_text};

/// The program under test.
pub fn binary() -> PathBuf {
    assert_cmd::cargo::cargo_bin!("fireferry").to_path_buf()
}

/// A path in the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A folder that goes away with the test.
pub struct Sandbox {
    folder: TempDir,
}

impl Sandbox {
    /// An empty one.
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// A path in it; `""` is the folder itself.
    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Writes a file, with the folders above it.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Reads a text file.
    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path(path)).unwrap()
    }

    /// Copies a file or folder of the repository to the same place here.
    pub fn bring(&self, path: &str) {
        copy(&repository(path), &self.path(path));
    }

    /// The program, ready to start here: no colour, no environment of the developer.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        clean_environment(&mut command);
        command.current_dir(self.folder.path()).args(arguments).stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    pub fn run(&self, arguments: &[&str]) -> Outcome {
        self.run_with(arguments, &[])
    }

    /// Runs the program to its end with environment variables.
    pub fn run_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Outcome {
        let output = self.command(arguments).envs(environment.iter().copied()).output().unwrap();
        Outcome::new(&output, self.folder.path())
    }

    /// Runs a shell script here, in which `$0` is the program.
    pub fn run_in_shell(&self, script: &str) -> Outcome {
        let mut shell = Command::new("sh");
        shell.args(["-c", script]).arg(binary()).current_dir(self.folder.path()).stdin(Stdio::null());
        clean_environment(&mut shell);
        Outcome::new(&shell.output().unwrap(), self.folder.path())
    }

    /// Starts the program; its output is caught.
    pub fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Waits for a program that was started.
    pub fn finish(&self, child: Child) -> Outcome {
        Outcome::new(&child.wait_with_output().unwrap(), self.folder.path())
    }

    /// Every file here with its content, by relative path; for "nothing else changed".
    pub fn files(&self) -> std::collections::BTreeMap<String, Vec<u8>> {
        let mut found = std::collections::BTreeMap::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(self.folder.path()).unwrap().to_string_lossy().into_owned();
                    found.insert(name, std::fs::read(&path).unwrap());
                }
            }
        }
        found
    }
}

/// No colour, nothing of the developer's settings.
fn clean_environment(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if ["FIREFERRY_", "TURSO_", "FIRESTORE_", "GOOGLE_"].iter().any(|prefix| text.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    command.env("NO_COLOR", "1").env("USER", "tester").env_remove("RUST_BACKTRACE");
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(from, to).unwrap();
    }
}

/// What a program that ended left.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Exit code; -1 when a signal ended it.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    folder: PathBuf,
}

impl Outcome {
    fn new(output: &Output, folder: &Path) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout.clone()).unwrap(),
            stderr: String::from_utf8(output.stderr.clone()).unwrap(),
            folder: folder.to_owned(),
        }
    }

    /// Fails with everything that was said unless the exit code is this one.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "exit code\n--- stdout\n{}\n--- stderr\n{}", self.stdout, self.stderr);
        self
    }

    /// The one JSON document on stdout.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("stdout is no JSON document: {error}\n{}\n{}", self.stdout, self.stderr))
    }

    /// Exit code, stdout and stderr as the user sees them; what differs from run to run is replaced.
    pub fn seen(&self) -> String {
        let part = |name: &str, text: &str| match text {
            "" => String::new(),
            text => format!("--- {name}\n{}", redact_text(text, &self.folder)),
        };
        format!("exit code {}\n{}{}", self.code, part("stdout", &self.stdout), part("stderr", &self.stderr))
    }
}
