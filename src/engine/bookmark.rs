//! What the engine stores as a cursor: the source's cursor, and what the source looked like up to there.

use serde::{Deserialize, Serialize};

use crate::domain::cursor::Cursor;
use crate::error::{Error, ErrorKind, Result};

/// A cursor with the fingerprint that must still hold when reading goes on from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Bookmark {
    /// The source's own cursor.
    pub cursor: String,
    /// [`crate::source::Source::fingerprint`] at that cursor.
    pub fingerprint: String,
}

impl Bookmark {
    /// As stored in the destination's checkpoint.
    pub fn store(&self) -> Cursor {
        // A struct of two strings always serialises.
        Cursor(serde_json::to_string(self).unwrap_or_default())
    }

    /// From a checkpoint.
    pub fn load(stored: &Cursor) -> Result<Self> {
        serde_json::from_str(&stored.0).map_err(|error| {
            Error::new(ErrorKind::Destination, "checkpoint_damaged", "a checkpoint in the destination cannot be read")
                .hint("start the run again without --resume; rows that are already there will count as unchanged")
                .caused_by(error)
        })
    }
}
