//! The report of a run.

use serde::{Deserialize, Serialize};

use super::plan::Estimate;
use crate::domain::cursor::Counts;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Before the first commit.
    Starting,
    /// Loading.
    Running,
    /// Counts are being checked.
    Verifying,
    /// Everything written, counts valid.
    Completed,
    /// Some documents were rejected.
    CompletedWithRejects,
    /// Counts do not add up.
    CompletedWithDifferences,
    /// Stopped by an error.
    Failed,
    /// Stopped on request; resumable.
    Interrupted,
    /// A limit was reached; resumable.
    BudgetReached,
}

impl Status {
    /// The text form, as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Verifying => "verifying",
            Self::Completed => "completed",
            Self::CompletedWithRejects => "completed_with_rejects",
            Self::CompletedWithDifferences => "completed_with_differences",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
            Self::BudgetReached => "budget_reached",
        }
    }
}

/// Count validation of one collection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Validation {
    /// Nothing differs.
    pub valid: bool,
    /// Independent count of the source.
    pub source_count: Option<u64>,
    /// Rows in the table when the run started.
    pub rows_before: u64,
    /// Rows after it.
    pub rows_after: u64,
    /// What does not add up, one sentence each.
    pub differences: Vec<String>,
}

/// One collection of a report.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct CollectionReport {
    /// Collection name.
    pub collection: String,
    /// Its table.
    pub table: String,
    /// Documents read.
    pub read: u64,
    /// New rows.
    pub inserted: u64,
    /// Changed rows.
    pub updated: u64,
    /// Equal already.
    pub unchanged: u64,
    /// Filtered out or left alone.
    pub skipped: u64,
    /// Rejected, those still waiting included.
    pub rejected: u64,
    /// Bytes of source.
    pub bytes: u64,
    /// Time spent, in seconds.
    pub seconds: f64,
    /// Count validation; `None` when not done.
    pub validation: Option<Validation>,
}

impl CollectionReport {
    /// Takes over the counts of the destination.
    pub fn set_counts(&mut self, counts: &Counts) {
        let positive = |number: i64| u64::try_from(number).unwrap_or(0);
        self.read = positive(counts.read);
        self.inserted = positive(counts.inserted);
        self.updated = positive(counts.updated);
        self.unchanged = positive(counts.unchanged);
        self.skipped = positive(counts.skipped);
        self.rejected = positive(counts.rejected + counts.waiting);
        self.bytes = positive(counts.bytes);
    }
}

/// Sums over the collections.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Totals {
    /// Documents read.
    pub read: u64,
    /// New rows.
    pub inserted: u64,
    /// Changed rows.
    pub updated: u64,
    /// Equal already.
    pub unchanged: u64,
    /// Filtered out or left alone.
    pub skipped: u64,
    /// Rejected.
    pub rejected: u64,
    /// Bytes of source.
    pub bytes: u64,
    /// Documents read per second of the whole run.
    pub documents_per_second: f64,
}

/// A reject as shown in reports and lists.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RejectReport {
    /// Collection name.
    pub collection: String,
    /// Document path, or the place of a record without one.
    pub document: String,
    /// Stable code.
    pub code: String,
    /// Why.
    pub reason: String,
    /// `users.ndjson:12`.
    pub origin: String,
    /// The document as JSON, or what is known of it.
    pub data: serde_json::Value,
}

/// A sample of mapped rows, shown by a dry run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sample {
    /// Table name.
    pub table: String,
    /// Column names.
    pub columns: Vec<String>,
    /// Values as JSON (blobs as `{"$bytes": base64}`).
    pub rows: Vec<Vec<serde_json::Value>>,
}

/// Everything that a run tells.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunReport {
    /// Id of the run.
    pub run_id: String,
    /// The pipeline.
    pub pipeline: String,
    /// How it ended.
    pub status: Status,
    /// Nothing was changed anywhere.
    pub dry_run: bool,
    /// Who started it: `user@host`.
    pub initiated_by: String,
    /// RFC 3339.
    pub started_at: String,
    /// RFC 3339.
    pub finished_at: String,
    /// Of this invocation.
    pub duration_seconds: f64,
    /// Measured before the load.
    pub estimate: Option<Estimate>,
    /// The `read_time` of a snapshot source.
    pub snapshot: Option<String>,
    /// The backup taken.
    pub backup: Option<String>,
    /// In the order of the run.
    pub collections: Vec<CollectionReport>,
    /// Sums.
    pub totals: Totals,
    /// The first 50.
    pub rejects: Vec<RejectReport>,
    /// All of them.
    pub total_rejects: u64,
    /// Things worth knowing.
    pub warnings: Vec<String>,
    /// Mapped rows, in a dry run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<Sample>,
    /// What stopped it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
