//! Commits: what is written together, and what is durable of a partition.

use async_trait::async_trait;

use crate::domain::cursor::{Counts, Cursor, Partition};
use crate::domain::reject::Reject;
use crate::domain::row::MappedDocument;
use crate::error::Result;

/// A page after mapping: the unit of retry. Its counts arise when it is written.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Documents with rows, in source order.
    pub documents: Vec<MappedDocument>,
    /// Documents and records that decoding or mapping rejected.
    pub rejects: Vec<Reject>,
    /// Documents filtered out by `where`.
    pub skipped: u64,
    /// Bytes of source behind the batch.
    pub bytes: u64,
    /// Cursor after the batch.
    pub to: Cursor,
    /// The partition ends here.
    pub last: bool,
}

/// The batches of one commit, in order. `None` closes the commit.
#[async_trait]
pub trait Feed: Send {
    /// The next batch of this commit.
    async fn next(&mut self) -> Result<Option<Batch>>;
}

/// Which part of which run a commit belongs to.
#[derive(Debug, Clone, PartialEq)]
pub struct CommitHeader {
    /// The run.
    pub run: String,
    /// Index into the targets given to `prepare`.
    pub target: usize,
    /// Id of the partition, or `~` and a unique text for retries of waiting documents (then `sequence` counts from 1
    /// for each such text, and the partition is not one of `start_run`).
    pub partition: String,
    /// Number of this commit in its partition, from 1 without gaps.
    pub sequence: u64,
    /// Cursor that the commit starts after; `None` at the partition's start.
    pub from: Option<Cursor>,
    /// Waiting documents that still cannot be written become final rejects.
    pub finalize: bool,
    /// Number of the pass over waiting documents; one that fails again remembers it. 0 while loading.
    pub pass: u64,
}

/// Proof that a commit is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// What this commit did (a difference, not a running sum).
    pub counts: Counts,
    /// Cursor that the checkpoint now holds.
    pub to: Option<Cursor>,
    /// The partition is complete.
    pub last: bool,
}

/// What became of a commit, and of earlier ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// Cursor after this commit.
    pub to: Option<Cursor>,
    /// The partition ends with it.
    pub last: bool,
    /// Commits that became durable, in order: this one, or earlier ones while this one is still under way.
    pub durable: Vec<Receipt>,
}

/// Durable state of one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionState {
    /// The partition as stored at the start of the run.
    pub partition: Partition,
    /// Collection name.
    pub collection: String,
    /// Number of the last commit without a gap before it; 0 before the first.
    pub sequence: u64,
    /// Cursor of that commit.
    pub cursor: Option<Cursor>,
    /// Complete.
    pub done: bool,
    /// Sum of the commits' counts.
    pub counts: Counts,
}

impl PartitionState {
    /// Nothing of it was written yet.
    #[must_use]
    pub fn at_start(collection: String, partition: Partition) -> Self {
        Self { partition, collection, sequence: 0, cursor: None, done: false, counts: Counts::default() }
    }
}
