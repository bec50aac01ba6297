//! What a run must remember to be resumed, beyond its checkpoints.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::incremental::Mark;
use crate::error::{Error, ErrorKind, Result};

/// Stored as JSON in the destination's run record before the first commit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Details {
    /// Rows per table (child tables included) when the run started.
    pub rows_before: BTreeMap<String, u64>,
    /// Documents in the source per collection, counted when the run started.
    pub source_counts: BTreeMap<String, u64>,
    /// Fingerprint of each partition's source at its start: (collection, partition, fingerprint).
    pub partitions: Vec<(String, String, String)>,
    /// `--sample`.
    pub sample: Option<u64>,
    /// Collections of the run in order (all of the pipeline's, or those of `--only`).
    pub collections: Vec<String>,
    /// `--on-conflict`.
    pub on_conflict: Option<String>,
    /// Backup taken before the run.
    pub backup: Option<String>,
    /// The point in time that is read at; `None` without a snapshot.
    #[serde(default)]
    pub snapshot: Option<String>,
    /// Collections that were read at another one, before a resume with a new snapshot.
    #[serde(default)]
    pub earlier_snapshots: BTreeMap<String, String>,
    /// Billed reads of earlier invocations.
    #[serde(default)]
    pub reads: u64,
    /// The run whose rejects it writes again.
    #[serde(default)]
    pub retry_of: Option<String>,
    /// Started with `--incremental`.
    #[serde(default)]
    pub incremental: bool,
    /// Started with `--deletes`.
    #[serde(default)]
    pub deletes: bool,
    /// Collections that are read by their changes: since when.
    #[serde(default)]
    pub since: BTreeMap<String, String>,
    /// Collections whose watermark this run moves: in effect once their partitions are complete.
    #[serde(default)]
    pub watermarks: BTreeMap<String, Mark>,
    /// Rejects of earlier runs that this one decides anew.
    #[serde(default)]
    pub closes: Vec<i64>,
    /// Counts are valid and the source may be put away; a later run finishes what was left.
    pub retire: bool,
    /// It removed rows whose documents are gone (or took such a mark away), which the undo log does not have.
    #[serde(default)]
    pub removed: bool,
    /// Whether what the run changed is kept for a rollback.
    #[serde(default)]
    pub undo: UndoState,
    /// Which tables each collection is written to, in the order of the run.
    #[serde(default)]
    pub written: Vec<Written>,
    /// Migrations that the run applied.
    #[serde(default)]
    pub migrations: Vec<String>,
    /// Tables that were empty when the run started, but not when it began with them once more at a new snapshot.
    #[serde(default)]
    pub began_empty: Vec<String>,
    /// Tables that a rollback under way has emptied.
    #[serde(default)]
    pub emptied: Vec<String>,
}

/// Whether what a run changed is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum UndoState {
    /// It never was.
    #[default]
    Off,
    /// It is.
    On,
    /// It is being forgotten.
    Pruning,
    /// It was.
    Pruned,
}

/// The tables of one collection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Written {
    /// The collection.
    pub collection: String,
    /// Its table.
    pub table: String,
    /// Its child tables.
    pub children: Vec<String>,
}

impl Written {
    /// The table, then its child tables.
    pub fn tables(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.table.as_str()).chain(self.children.iter().map(String::as_str))
    }
}

impl Details {
    /// As stored.
    pub fn store(&self) -> String {
        // Maps with string keys, numbers and strings always serialise.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// From a run record.
    pub fn load(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|error| {
            Error::new(
                ErrorKind::Destination,
                "run_record_damaged",
                "the run's record in the destination cannot be read",
            )
            .hint("start the run again without --resume; rows that are already there will count as unchanged")
            .caused_by(error)
        })
    }
}
