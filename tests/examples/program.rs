//! The built program in a folder of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder with a database and a state folder, gone after the test.
pub struct Place {
    folder: tempfile::TempDir,
}

/// How a command ended.
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Place {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub fn database(&self) -> PathBuf {
        self.folder.path().join("destination.db")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs fireferry from the repository's folder.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        let output = Command::new(env!("CARGO_BIN_EXE_fireferry"))
            .current_dir(root())
            .env_remove("TURSO_DATABASE_URL")
            .env_remove("TURSO_AUTH_TOKEN")
            .args(arguments)
            .arg("--destination")
            .arg(format!("file:{}", self.database().display()))
            .arg("--state-dir")
            .arg(self.path("state"))
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ended { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Ended {
    /// The JSON answer of a command that ended with this code.
    pub fn json(&self, code: i32) -> Value {
        assert_eq!(self.code, code, "\n{}\n{}", self.stdout, self.stderr);
        serde_json::from_str(&self.stdout).unwrap()
    }
}

/// A number of a report's totals.
pub fn total(report: &Value, name: &str) -> u64 {
    report["totals"][name].as_u64().unwrap()
}
