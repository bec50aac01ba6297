//! What happens to one document of a commit.

use crate::destination::libsql::existing::Merged;
use crate::destination::libsql::failure::Failure;
use crate::destination::libsql::refusal::{Refusal, Spot};

/// What a document does, as far as its rows are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Inserted,
    Updated,
    Unchanged,
    Skipped,
}

/// The statements that a document needs.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Write {
    pub row: RowWrite,
    /// What an update writes instead of the document's row.
    pub merged: Option<Merged>,
    /// Per child table: the stored rows to delete first, and whether the document's are inserted.
    pub children: Vec<ChildWrite>,
    /// What `_fireferry_seen` is told.
    pub remember: Remember,
    pub outcome: Outcome,
}

/// What happens to the document's own row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowWrite {
    Insert,
    Update,
    Keep,
}

/// What happens to a document's rows in one child table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct ChildWrite {
    pub delete: u64,
    pub insert: bool,
}

/// What happens to a document's key in `_fireferry_seen`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remember {
    No,
    /// It must be new: else the document is a duplicate.
    MustBeNew,
    /// It is there afterwards.
    Keep,
}

impl Write {
    /// A new row with all of its child rows.
    pub fn insert(children: usize, remember: Remember) -> Self {
        Self {
            row: RowWrite::Insert,
            merged: None,
            children: vec![ChildWrite { delete: 0, insert: true }; children],
            remember,
            outcome: Outcome::Inserted,
        }
    }
}

/// What is known of a document.
#[derive(Debug, Clone)]
pub(super) enum Fate {
    /// Nothing speaks against it yet.
    Write(Write),
    /// The database refused it, and is still to be asked why.
    Failing(Write, Failing),
    /// Refused, and why.
    Refused(Refusal),
}

/// How a document failed.
#[derive(Debug, Clone)]
pub(super) struct Failing {
    pub spot: Place,
    /// `None`: a statement changed fewer rows than it should have.
    pub failure: Option<Failure>,
}

/// The statement of a document that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Its key in `_fireferry_seen`.
    Seen,
    /// The update of its row.
    Update,
    /// One of its rows, or all stored ones of a child table.
    At(Spot),
}
