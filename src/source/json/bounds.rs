//! What a partition and a cursor say, as JSON text.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::files::Stamp;
use super::shape::{Layout, Shape};
use super::split::Mark;
use crate::domain::cursor::{Cursor, Partition};
use crate::error::{Error, ErrorKind, Result};

/// One file of a collection, with everything that was found out about it when the run started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Bounds {
    /// The file's name relative to the source.
    pub(super) file: String,
    /// Its shape.
    pub(super) shape: Shape,
    /// How its records lie.
    pub(super) layout: Layout,
    /// The collection that its name gives, `*` for ids that it does not say; only where records do not say theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) collection: Option<String>,
    /// Its state.
    pub(super) stamp: Stamp,
}

impl Bounds {
    /// As a partition; its name sorts like its file.
    pub(super) fn to_partition(&self) -> Result<Partition> {
        Ok(Partition { id: self.file.clone(), bounds: to_text(self)? })
    }

    /// Of a partition.
    pub(super) fn of(partition: &Partition) -> Result<Self> {
        from_text(&partition.bounds, "partition")
    }
}

/// A mark as a cursor.
pub(super) fn to_cursor(mark: &Mark) -> Result<Cursor> {
    to_text(mark).map(Cursor)
}

/// The mark of a cursor; the beginning without one.
pub(super) fn to_mark(cursor: Option<&Cursor>) -> Result<Mark> {
    cursor.map_or(Ok(Mark::START), |cursor| from_text(&cursor.0, "cursor"))
}

fn to_text<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| {
        Error::new(ErrorKind::Internal, "cursor_not_written", "a position in a file cannot be written").caused_by(error)
    })
}

fn from_text<T: DeserializeOwned>(text: &str, what: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| {
        Error::new(ErrorKind::Source, "cursor_not_understood", format!("the stored {what} is not one of JSON files"))
            .hint("it was written for another source or by another version; start a new run")
            .caused_by(error)
    })
}
