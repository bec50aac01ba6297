//! Rows of documents that the source does not have any more.

use super::Target;
use crate::domain::row::Row;

/// What becomes of the rows of some documents.
#[derive(Debug, Clone, Copy)]
pub struct Removal<'a> {
    /// Their table and its child tables.
    pub target: &'a Target,
    /// Their keys.
    pub keys: &'a [Row],
    /// What becomes of them.
    pub how: How<'a>,
}

/// What becomes of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How<'a> {
    /// They are deleted with their child rows, except those that rows of other tables refer to.
    Delete,
    /// A column says since when the document is known to be gone. Rows that say so already stay as they are.
    Mark {
        /// The column.
        column: &'a str,
        /// RFC 3339.
        since: &'a str,
    },
    /// The document is there again: the column becomes NULL.
    Unmark {
        /// The column.
        column: &'a str,
    },
}
