//! What a rollback asks of a destination, as plain data.

use serde::Serialize;

/// A run that is to be taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollback {
    /// The run.
    pub run: String,
    /// The tables it wrote, in the order of their loading: a child table after its parent.
    pub tables: Vec<RollbackTable>,
    /// Rows that others changed since, or that stand in the way, do not stop it.
    pub force: bool,
    /// Rows of one step, unless the destination takes fewer at once.
    pub at_once: u64,
}

/// One table that the run wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollbackTable {
    /// Its name.
    pub table: String,
    /// How it was before.
    pub before: Before,
    /// What the run did to it, once that is known: what is not needed is then not done.
    pub extent: Option<Extent>,
}

/// What a run did to the rows of a table, in short.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Extent {
    /// It inserted rows.
    pub inserted: bool,
    /// It deleted rows.
    pub deleted: bool,
    /// Columns in which rows that it changed are not as they were.
    pub columns: Vec<String>,
}

/// How a table was before the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// Empty: every row goes, of which there may be no more than `rows`.
    Empty {
        /// Rows that the user was told of.
        rows: u64,
    },
    /// As the undo log says.
    Logged,
}

/// What taking a run back does to one table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TableChanges {
    /// The table.
    pub table: String,
    /// Rows that the run inserted: they go.
    pub deleted: u64,
    /// Rows that the run changed: they become what they were.
    pub restored: u64,
    /// Rows that the run deleted: they come back.
    pub put_back: u64,
    /// The same in short.
    pub extent: Option<Extent>,
    /// What speaks against it, at most a few of each kind.
    pub conflicts: Vec<RollbackConflict>,
}

/// A row that somebody else changed since, or that would be left without its parent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RollbackConflict {
    /// The table.
    pub table: String,
    /// The row's key.
    pub row: String,
    /// What is the matter with it.
    pub reason: String,
}
