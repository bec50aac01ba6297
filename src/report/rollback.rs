//! What taking a run back does, or did.

use serde::{Deserialize, Serialize};

/// One table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollbackTable {
    /// Its name.
    pub table: String,
    /// Rows that the run inserted: they go.
    pub deleted: u64,
    /// Rows that the run changed: they become what they were.
    pub restored: u64,
    /// Rows that the run deleted: they come back.
    pub put_back: u64,
}

/// A row that somebody else changed since, or that would be left without its parent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollbackConflict {
    /// Its table.
    pub table: String,
    /// Its key.
    pub row: String,
    /// What is the matter with it.
    pub reason: String,
}

/// The plan of a rollback, and its report.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollbackReport {
    /// The run that is taken back.
    pub run: String,
    /// Its pipeline.
    pub pipeline: String,
    /// Where, for people.
    pub destination: String,
    /// When the run was started, RFC 3339.
    pub started_at: String,
    /// How it ended.
    pub status: String,
    /// An earlier rollback of it was not finished: this is what is left of it.
    pub unfinished: bool,
    /// Nothing was changed.
    pub dry_run: bool,
    /// In the order of its loading.
    pub tables: Vec<RollbackTable>,
    /// Rejects of the run, which are forgotten with it.
    pub rejects: u64,
    /// What speaks against it.
    pub conflicts: Vec<RollbackConflict>,
    /// What it does not take back.
    pub notes: Vec<String>,
    /// The backup taken first.
    pub backup: Option<String>,
}
