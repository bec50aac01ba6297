//! The tables that a pipeline writes.

use super::OnConflict;
use crate::domain::document::CollectionPattern;

/// One table that a pipeline writes, and its child tables.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// The collection that fills it.
    pub collection: CollectionPattern,
    /// Table name as in the schema.
    pub table: String,
    /// Mapped columns, in the order of the values of a row.
    pub columns: Vec<String>,
    /// Indexes into `columns` that make the key; they have a unique index in the table.
    pub key: Vec<usize>,
    /// Child tables, in the order of `MappedDocument::children`.
    pub children: Vec<ChildTarget>,
    /// What to do with existing rows. A column that it names is one of `columns`, outside of the key.
    pub on_conflict: OnConflict,
    /// Indexes into `columns` of those that hold JSON; `OnConflict::Merge` merges their objects.
    pub json: Vec<usize>,
    /// The table and its child tables had no row when the run started: an existing key was written by this very
    /// run, so a second one is a duplicate.
    pub empty_at_start: bool,
    /// The source may contain one key twice: while the table was not empty, keys seen must be remembered
    /// (`_fireferry_seen`) for the run.
    pub remember_keys: bool,
}

impl Target {
    /// Index of the column that decides which of row and document stays.
    pub fn deciding(&self) -> Option<usize> {
        let name = self.on_conflict.column()?;
        self.columns.iter().position(|column| column.eq_ignore_ascii_case(name))
    }
}

/// A child table: a document's rows in it are a set, replaced as a whole when they differ.
#[derive(Debug, Clone, PartialEq)]
pub struct ChildTarget {
    /// Table name.
    pub table: String,
    /// Mapped columns, in the order of the values of a row.
    pub columns: Vec<String>,
    /// Pairs (index into these columns, index into the parent row's columns) whose equality links child rows to
    /// their document.
    pub link: Vec<(usize, usize)>,
}

impl ChildTarget {
    /// Rows of several documents may be one set: what links them does not hold the whole key.
    pub fn is_shared(&self, target: &Target) -> bool {
        !target.key.iter().all(|key| self.link.iter().any(|(_, parent)| parent == key))
    }
}
