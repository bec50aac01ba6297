//! The answer of `plan`.

use serde::{Deserialize, Serialize};

/// How long a run will take, and why we think so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Lower end, in seconds.
    pub seconds_low: f64,
    /// Upper end, in seconds.
    pub seconds_high: f64,
    /// Middle of the range.
    pub documents_per_second: f64,
    /// What it rests on: `calibration of 2000 documents`, `3 earlier runs`.
    pub basis: String,
    /// Set when the upper end exceeds `time_limit`.
    pub warning: Option<String>,
}

/// One collection of a plan, in order.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlannedCollection {
    /// Collection name.
    pub collection: String,
    /// Its table.
    pub table: String,
    /// Documents in the source.
    pub documents: u64,
    /// Rows in the table now; `None` while the table does not exist.
    pub rows: Option<u64>,
    /// Collections that come before it, and why.
    pub after: Vec<String>,
}

/// What reading will be billed for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PlannedReads {
    /// Of the run.
    pub billed: u64,
    /// Their price, by the pipeline's `price_per_100k_reads`.
    pub price: f64,
    /// Of this plan itself.
    pub plan: u64,
}

/// Order, counts, estimate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlanReport {
    /// The pipeline.
    pub pipeline: String,
    /// The source, for people.
    pub source: String,
    /// The destination, for people.
    pub destination: String,
    /// In the order of the run.
    pub collections: Vec<PlannedCollection>,
    /// Collections of the source that no definition covers.
    pub uncovered: Vec<String>,
    /// Sum of documents.
    pub documents: u64,
    /// The time it will take.
    pub estimate: Option<Estimate>,
    /// The point in time that was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
    /// Billed reads of the whole run and their price; `None` where reading costs nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reads: Option<PlannedReads>,
    /// Migrations that the run would apply.
    pub migrations: Vec<String>,
}
