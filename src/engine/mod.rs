//! Plan and run: the engine knows sources and destinations only by their traits.
//!
//! The path of a run: [`run::prepare`] (lease, preflight, estimate; nothing is changed) → [`run::Prepared::execute`]
//! (backup, migrations, load, waiting documents, validation) → a report. Reading and mapping happen in `reader`,
//! writing in `load`; the bounded queue between them is what makes a slow destination slow the source.

pub mod backup;
mod bookmark;
mod budget;
pub mod clear;
mod deletes;
mod details;
mod drift;
mod estimate;
pub mod export;
mod feed;
pub mod gate;
mod incremental;
pub mod init;
mod lease;
mod load;
pub mod migrate;
mod pace;
pub mod plan;
pub mod preflight;
pub mod progress;
mod reader;
mod rejects;
mod retry;
pub mod retrying;
pub mod rollback;
pub mod run;
mod sample;
mod samples;
pub mod schedule;
pub mod stage;
pub mod stats;
mod steps;
mod validate;
pub mod verify;
mod waiting;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::destination::{Destination, OnConflict};
use crate::domain::document::CollectionPattern;
use crate::domain::value::Timestamp;
use crate::pipeline::resolved::{Pipeline, RejectLimit};
use crate::source::Source;
use progress::Progress;

/// Everything an operation of the engine works with, made by the caller (the command line wires the adapters).
pub struct Context {
    /// What to do.
    pub pipeline: Pipeline,
    /// Opened by `pipeline.source`.
    pub source: Arc<dyn Source>,
    /// Opened by `pipeline.destination`.
    pub destination: Box<dyn Destination>,
    /// The state folder; exists already.
    pub state: PathBuf,
    /// Told what happens.
    pub progress: Arc<dyn Progress>,
    /// Cancelled for a clean, resumable stop.
    pub stop: CancellationToken,
    /// `user@host`.
    pub initiated_by: String,
    /// How the run is staged, if it is.
    pub stage: Option<stage::Stage>,
}

/// What `run` was asked for, beyond the pipeline file.
#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    /// Change nothing anywhere.
    pub dry_run: bool,
    /// Only so many documents per collection, and their parents.
    pub sample: Option<u64>,
    /// Only these collections (and the parents they need).
    pub only: Vec<CollectionPattern>,
    /// Go on with a run: `Some(None)` the latest, `Some(Some(id))` that one.
    pub resume: Option<Option<String>>,
    /// Documents in a batch.
    pub batch_size: Option<usize>,
    /// Instead of the collections' own strategy.
    pub on_conflict: Option<OnConflict>,
    /// Apply pending migrations to a destination that is not empty.
    pub migrate: bool,
    /// Take no backup.
    pub no_backup: bool,
    /// Do not validate counts.
    pub no_verify: bool,
    /// Stop resumably at so many rejects.
    pub max_rejects: Option<RejectLimit>,
    /// Stop resumably after this time.
    pub max_time: Option<Duration>,
    /// Stop resumably after so many bytes of source.
    pub max_bytes: Option<u64>,
    /// Stop resumably before more billed reads than this.
    pub max_reads: Option<u64>,
    /// Go on with a run at a new point in time: what is complete stays, what is half read begins again.
    pub new_snapshot: bool,
    /// Read only what changed since the last run.
    pub incremental: bool,
    /// … or since this time.
    pub since: Option<Timestamp>,
    /// Go on with the newest run if it is unfinished; else begin a new one.
    pub go_on: bool,
    /// Look for deleted documents when that was last done so long ago.
    pub deletes_every: Option<Duration>,
    /// Look for documents that were deleted, and remove their rows as the pipeline says.
    pub deletes: bool,
    /// Remove so many rows of a table at most.
    pub max_deletes: Option<RejectLimit>,
    /// What the run that is resumed reads of collections by their changes: since when.
    pub resumed_since: Option<BTreeMap<String, String>>,
    /// The rejects of another run are what is read.
    pub retry: Option<Arc<retrying::Retry>>,
    /// The point in time of the run that is resumed.
    pub read_time: Option<String>,
}

#[cfg(test)]
fn test_settings() -> crate::pipeline::resolved::Settings {
    crate::pipeline::resolved::Settings {
        commit_documents: 1_000,
        max_rate: None,
        commit_bytes: 1 << 20,
        max_lock_time: Duration::from_secs(5),
        batch_bytes: 1 << 16,
        queue_batches: 2,
        readers: 1,
        max_document_bytes: 1 << 20,
        max_rejects: None,
        max_deletes: RejectLimit::Percent(10.0),
        max_time: None,
        max_bytes: None,
        max_reads: None,
        max_unsaved_documents: 1_000,
        mapped_fields_only: false,
        time_limit: None,
        max_retries: 3,
        max_retry_time: Duration::from_secs(1),
        ledger_required: true,
        undo: true,
        undo_keep: 5,
        undo_keep_time: None,
        rollback_on_failure: false,
    }
}
