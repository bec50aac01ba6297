//! Schema migrations: a folder of versioned pairs of SQL files, compared with what a destination has applied.

mod compare;
mod folder;

use std::path::PathBuf;

use crate::destination::MigrationStep;

pub use compare::{MigrationState, MigrationStatus};
pub use folder::check_name;

/// The migrations of a folder, by version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migrations {
    folder: PathBuf,
    files: Vec<Migration>,
}

/// One pair of files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// From the file's name, from 1 without gaps.
    pub version: u64,
    /// From the file's name.
    pub name: String,
    /// SQL text of `NNNN_name.up.sql`.
    pub up: String,
    /// SQL text of `NNNN_name.down.sql`.
    pub down: String,
    /// BLAKE3 of the up file, hexadecimal.
    pub checksum: String,
}

impl Migration {
    /// One that is in no folder yet.
    pub fn new(version: u64, name: &str, up: String, down: String) -> Self {
        let checksum = blake3::hash(up.as_bytes()).to_hex().to_string();
        Self { version, name: name.to_owned(), up, down, checksum }
    }

    /// The name of its down file.
    pub fn down_file_name(&self) -> String {
        format!("{:04}_{}.down.sql", self.version, self.name)
    }

    /// The name of its up file.
    pub fn file_name(&self) -> String {
        format!("{:04}_{}.up.sql", self.version, self.name)
    }

    /// The step that applies it (or takes it back).
    pub fn step(&self, up: bool) -> MigrationStep {
        MigrationStep {
            version: self.version,
            name: self.name.clone(),
            checksum: self.checksum.clone(),
            sql: if up { self.up.clone() } else { self.down.clone() },
            up,
        }
    }
}

impl Migrations {
    /// All of them, by version.
    pub fn all(&self) -> &[Migration] {
        &self.files
    }
}
