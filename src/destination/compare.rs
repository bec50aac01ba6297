//! What a comparison of documents with what is stored says, as plain data.

use crate::domain::row::{Row, SqlValue};

/// How a document's rows differ from what is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Its row.
    pub row: FoundRow,
    /// The child tables that differ, in the order of the target.
    pub children: Vec<FoundChildren>,
}

/// How a document's row differs.
#[derive(Debug, Clone, PartialEq)]
pub enum FoundRow {
    /// Not at all: only child rows do.
    Equal,
    /// There is no row with its key.
    Missing,
    /// In these columns: their place in the target, and what is stored. Text that is not valid UTF-8 is given as its bytes.
    Changed(Vec<(usize, SqlValue)>),
}

/// How a document's rows in one child table differ, as sets.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundChildren {
    /// Its place in the target.
    pub child: usize,
    /// Rows of the document that are not stored.
    pub missing: Vec<Row>,
    /// Stored rows that are not the document's.
    pub extra: Vec<Row>,
}

/// What to read of a table, in the order of what tells its rows apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Scan {
    /// The table.
    pub table: String,
    /// Columns whose values are wanted.
    pub columns: Vec<String>,
    /// Identity of the last row of the page before; `None` for the first page.
    pub after: Option<Row>,
    /// Only rows that have one of these values in these columns.
    pub among: Option<Among>,
    /// At most so many rows; `None`: as many as the destination likes to read at once.
    pub limit: Option<usize>,
}

/// Values that rows are looked for by.
#[derive(Debug, Clone, PartialEq)]
pub struct Among {
    /// The columns.
    pub columns: Vec<String>,
    /// Their values; at least one.
    pub values: Vec<Row>,
}

/// One row of a scan.
#[derive(Debug, Clone, PartialEq)]
pub struct ScannedRow {
    /// What tells it apart from all others of its table: the destination's own.
    pub identity: Row,
    /// The values of the columns asked for.
    pub values: Row,
}

/// Rows to be deleted from one table, if they still are as they were scanned.
#[derive(Debug, Clone, PartialEq)]
pub struct Doomed {
    /// The table.
    pub table: String,
    /// The columns that were scanned.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<ScannedRow>,
}

/// What crossed a network so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Traffic {
    /// Requests, repeated ones included.
    pub requests: u64,
    /// Bytes of their bodies.
    pub sent: u64,
    /// Bytes of the answers' bodies.
    pub received: u64,
}

impl Traffic {
    /// What crossed since `earlier`.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            requests: self.requests.saturating_sub(earlier.requests),
            sent: self.sent.saturating_sub(earlier.sent),
            received: self.received.saturating_sub(earlier.received),
        }
    }
}
