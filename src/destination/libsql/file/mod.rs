//! Local libSQL files.
//!
//! [`LibsqlFile`] implements [`Destination`](crate::destination::Destination) with the `libsql` crate. One file has one
//! purpose: `database` is the connection, behind a face of plain statements; `write`, `document`, `children`, `plan` and
//! what they keep (`rejects`, `seen`, `claims`) are the hot path, with prepared statements; the rest is one operation
//! each.

mod address;
mod backup;
mod checks;
mod children;
mod claims;
mod clear;
mod compare;
mod copy;
mod database;
mod destination;
mod document;
mod failure;
mod holder;
mod inspect;
mod lease;
mod migrate;
mod mirror;
mod open;
mod plan;
mod refusal;
mod rejects;
mod restore;
mod runs;
mod seen;
mod shadow;
mod state;
mod undo;
mod write;

use std::path::{Path, PathBuf};

use address::Stamp;
use compare::Comparing;
use database::Database;
use lease::Lease;
use plan::Session;

pub(super) use backup::{Temporary, failed as backup_failed};
pub(super) use copy::{Extras, has_sequences, keep_copy, orphans};
pub(super) use shadow::with_parents;

/// What a file is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// No byte of the database or its WAL changes. A missing file is read as an empty database.
    ReadOnly,
    /// Reading and writing.
    ReadWrite {
        /// A missing file is created.
        create: bool,
    },
    /// Putting a backup back: as for reading and writing, made if missing, and whatever is there may be damaged or no
    /// database at all. Then only a restore makes something of it.
    Replace,
}

/// A local libSQL (or SQLite) database file.
pub struct LibsqlFile {
    /// The real file: absolute, symbolic links followed.
    file: PathBuf,
    mode: Mode,
    database: Database,
    /// False for a missing file opened read-only.
    exists: bool,
    /// Set while the file is read as immutable (or as missing): what it looked like when it was opened.
    frozen: Option<Stamp>,
    /// What is there cannot be read, and is only opened to be replaced: the connection is to nothing.
    unreadable: bool,
    /// Commits survive a power loss; false for a shadow.
    durable: bool,
    /// The journal mode was set.
    journal_ready: bool,
    /// fireferry's tables exist in a format that is known.
    state_ready: bool,
    lease: Option<Lease>,
    session: Option<Session>,
    /// While documents are compared: statements, and the schema at that moment.
    comparing: Option<Comparing>,
    /// How the database was when a rollback looked at it.
    looked: Option<i64>,
}

impl LibsqlFile {
    fn new(file: PathBuf, mode: Mode, database: Database, exists: bool) -> Self {
        Self {
            file,
            mode,
            database,
            exists,
            frozen: None,
            unreadable: false,
            durable: true,
            journal_ready: false,
            state_ready: false,
            lease: None,
            session: None,
            comparing: None,
            looked: None,
        }
    }

    /// The real file: absolute, symbolic links followed.
    pub fn path(&self) -> &Path {
        &self.file
    }

    /// Whether the file exists (a missing one can only be opened read-only).
    pub fn exists(&self) -> bool {
        self.exists
    }
}
