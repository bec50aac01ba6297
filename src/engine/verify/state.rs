//! Where a comparison stands, so that it can go on after an interruption; kept in the ledger with what was found.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::hashes::Scratch;
use super::scope::Scope;
use crate::domain::cursor::Partition;
use crate::error::{Error, ErrorKind, Result};
use crate::ledger::Ledger;
use crate::ledger::files::private_create;
use crate::report::verify::{Difference, VerifyTotals};

/// Differences that are kept back before they are saved, and for how long.
const MOST_PENDING: usize = 500;
const PAUSE: Duration = Duration::from_secs(2);
/// Beside the scratch files, for a repair.
const FILE: &str = "state.json";

/// Where it stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    /// What must be the same to go on: run, pipeline, schema.
    pub about: Vec<String>,
    /// The point in time that the source is read at.
    pub snapshot: Option<String>,
    /// By collection.
    pub collections: BTreeMap<String, CollectionState>,
    /// Hashes in each scratch file.
    pub files: BTreeMap<String, u64>,
    /// Differences found so far.
    pub differences: u64,
}

/// Where one collection stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct CollectionState {
    /// Its partitions as they were when it began.
    pub partitions: Vec<Mark>,
    /// What was found.
    pub totals: VerifyTotals,
    /// Documents that were looked up.
    pub looked_up: u64,
    /// Of these, documents without a row.
    pub absent: u64,
    /// Per child table, stored rows of the documents that were looked up.
    pub stored: Vec<u64>,
    /// Documents that cannot be mapped.
    pub unmapped: u64,
    /// Of these, documents whose key is not known either.
    pub nameless: u64,
}

/// Where one partition stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// Its id.
    pub id: String,
    /// The source's description of it.
    pub bounds: String,
    /// Bookmark after the last document that was compared.
    pub after: Option<String>,
    /// Complete.
    pub done: bool,
}

impl Mark {
    /// The partition.
    pub fn partition(&self) -> Partition {
        Partition { id: self.id.clone(), bounds: self.bounds.clone() }
    }
}

impl State {
    /// Nothing was compared yet.
    pub fn new(scope: &Scope, pipeline: &str) -> Self {
        Self { about: Self::about(scope, pipeline), snapshot: scope.snapshot.clone(), ..Self::default() }
    }

    /// Keeps it beside the scratch files, for a repair.
    pub fn keep(&self, folder: &Path) -> Result<()> {
        let path = folder.join(FILE);
        let write = || {
            serde_json::to_writer(private_create(&path)?, self)?;
            std::io::Result::Ok(())
        };
        write().map_err(|error| {
            Error::new(ErrorKind::Ledger, "verify_scratch_failed", "the comparison's scratch files cannot be used")
                .file(&path)
                .caused_by(error)
        })
    }

    /// What was kept for a repair.
    pub fn load(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        let read = || serde_json::from_slice(&fs_err::read(&path)?).map_err(std::io::Error::from);
        read().map_err(|error: std::io::Error| {
            Error::new(
                ErrorKind::Ledger,
                "verify_scratch_failed",
                "what the comparison left for a repair cannot be read",
            )
            .file(&path)
            .hint("verify again with --repair")
            .caused_by(error)
        })
    }

    /// What must be the same to go on.
    pub fn about(scope: &Scope, pipeline: &str) -> Vec<String> {
        let run = scope.run.as_ref().map_or_else(String::new, |run| format!("{} {}", run.run, run.status));
        vec![run, pipeline.to_owned(), scope.schema.clone()]
    }
}

/// A comparison on its way: what was found, and where that is kept.
pub(super) struct Record<'a> {
    /// Its id.
    pub id: String,
    /// Where it stands.
    pub state: State,
    /// Hashes of keys.
    pub scratch: Scratch,
    ledger: &'a Ledger,
    pending: Vec<Difference>,
    /// Of those found, how many are in the ledger.
    saved: u64,
    saved_at: Instant,
}

impl<'a> Record<'a> {
    pub fn new(ledger: &'a Ledger, id: String, state: State, scratch: Scratch) -> Self {
        let saved = state.differences;
        Self { id, state, scratch, ledger, pending: Vec::new(), saved, saved_at: Instant::now() }
    }

    /// Keeps a difference.
    pub fn note(&mut self, difference: Difference) {
        self.pending.push(difference);
    }

    /// Saves from time to time. To be called where the state and what was found say the same.
    pub async fn save_sometimes(&mut self) -> Result<()> {
        if self.pending.len() >= MOST_PENDING || self.saved_at.elapsed() >= PAUSE { self.save().await } else { Ok(()) }
    }

    /// Saves everything.
    pub async fn save(&mut self) -> Result<()> {
        self.state.files = self.scratch.flush()?;
        self.state.differences = self.saved + self.pending.len() as u64;
        self.write().await
    }

    /// Saves what was found since without going further: whoever goes on finds it again.
    pub async fn save_beyond(&mut self, always: bool) -> Result<()> {
        if always || self.pending.len() >= MOST_PENDING { self.write().await } else { Ok(()) }
    }

    async fn write(&mut self) -> Result<()> {
        // Maps with string keys, numbers and strings always serialise.
        let text = serde_json::to_string(&self.state).unwrap_or_default();
        self.ledger.save_differences(&self.id, self.saved + 1, &self.pending, &text).await?;
        self.saved += self.pending.len() as u64;
        self.pending.clear();
        self.saved_at = Instant::now();
        Ok(())
    }
}
