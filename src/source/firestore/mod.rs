//! A live Firestore database.
//!
//! [`FirestoreSource`] implements [`Source`](super::Source) on the `firestore` crate's authenticated connection and the
//! service's own messages. A request's way: `source` → `bounds` (stored partitions) → `ahead` (what comes next is read
//! already) → `stretch` (queries, pages, retries) → `session` (point in time, billed reads, requests under way). `scope`
//! makes queries, `value` reads messages, `status` judges refusals.

mod ahead;
mod bounds;
mod connection;
mod count;
mod discover;
mod filter;
mod limiter;
mod meter;
mod names;
mod peek;
mod picked;
mod room;
mod scope;
mod session;
mod sizes;
mod snapshot;
mod source;
mod splits;
mod status;
mod stretch;
mod value;
mod way;

use std::path::PathBuf;
use std::time::Duration;

pub use source::FirestoreSource;

/// Which database, and how to read it.
#[derive(Debug, Clone, PartialEq)]
pub struct FirestoreOptions {
    /// The Google Cloud project.
    pub project: String,
    /// The database; `(default)` is the first one of a project.
    pub database: String,
    /// The JSON key of a service account; `None` for what the environment offers.
    pub credentials: Option<PathBuf>,
    /// The point in time that a run reads at.
    pub snapshot: SnapshotPolicy,
    /// Partitions of a collection; `None` for one per 50,000 documents.
    pub partitions: Option<usize>,
    /// Requests under way at most.
    pub concurrency: usize,
    /// Let the service evaluate the conditions that it can.
    pub push_down: bool,
    /// What 100,000 billed reads cost.
    pub price_per_100k_reads: f64,
    /// Tries of one request without progress.
    pub max_retries: usize,
    /// Longest time spent on them.
    pub max_retry_time: Duration,
    /// Documents of each collection below which sub-collections are looked for.
    pub look_below: u32,
}

/// The point in time that a run reads at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnapshotPolicy {
    /// When the run starts; the service keeps it for an hour.
    Now,
    /// The next whole minute, which the service keeps for 7 days where point-in-time recovery is on.
    Minute,
    /// Every document is read as it is when it is read.
    Off,
}
