//! The report of a run.

use serde::{Deserialize, Serialize};

use super::drift::DriftReport;
use super::failure::Failure;
use super::plan::Estimate;
use super::rollback::RollbackReport;
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
    /// Taken back: as if it had never been.
    RolledBack,
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
            Self::RolledBack => "rolled_back",
        }
    }
}

/// Count validation of one collection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validation {
    /// Nothing differs.
    pub valid: bool,
    /// Independent count of the source.
    pub source_count: Option<u64>,
    /// Rows in the table when the run started; not counted where only what changed was read.
    pub rows_before: Option<u64>,
    /// Rows after it.
    pub rows_after: Option<u64>,
    /// What does not add up, one sentence each.
    pub differences: Vec<String>,
}

/// Of what most runs have none is said nothing.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// One collection of a report.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
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
    /// Rows of documents that the source does not have any more, removed as the pipeline says.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub deleted: u64,
    /// Only what changed since this time was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// The point in time it was read at, when that is not the run's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
}

/// What reading was billed for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Reads {
    /// By this invocation; an upper bound where connections broke.
    pub billed: u64,
    /// Their price, by the pipeline's `price_per_100k_reads`.
    pub price: f64,
    /// By all invocations of the run that came to an end.
    pub whole_run: u64,
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
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
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

impl Totals {
    /// Of these collections; without the rate.
    #[must_use]
    pub fn of(collections: &[CollectionReport]) -> Self {
        let mut totals = Self::default();
        for report in collections {
            totals.read += report.read;
            totals.inserted += report.inserted;
            totals.updated += report.updated;
            totals.unchanged += report.unchanged;
            totals.skipped += report.skipped;
            totals.rejected += report.rejected;
            totals.bytes += report.bytes;
        }
        totals
    }
}

/// A reject as shown in reports and lists.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Table name.
    pub table: String,
    /// Column names.
    pub columns: Vec<String>,
    /// Values as JSON (blobs as `{"$bytes": base64}`).
    pub rows: Vec<Vec<serde_json::Value>>,
}

/// Everything that a run tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    /// Billed reads; `None` where reading costs nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reads: Option<Reads>,
    /// The backup taken.
    pub backup: Option<String>,
    /// The run whose rejects it wrote again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_of: Option<String>,
    /// The local file of a staged run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
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
    /// What documents held that the pipeline does not expect.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<DriftReport>,
    /// Mapped rows, in a dry run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<Sample>,
    /// The run that this one took back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<RollbackReport>,
    /// What stopped it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
}

/// Reports for the tests of the renderers.
#[cfg(test)]
pub(crate) mod samples_for_tests {
    use super::*;

    /// A run that ended well before it read anything.
    pub fn empty() -> RunReport {
        RunReport {
            run_id: "0197a1c2-0000-7000-8000-000000000001".to_owned(),
            pipeline: "classroom".to_owned(),
            status: Status::Completed,
            dry_run: false,
            initiated_by: "ada@lovelace".to_owned(),
            started_at: "2025-06-01T20:00:00Z".to_owned(),
            finished_at: "2025-06-01T20:00:02Z".to_owned(),
            duration_seconds: 1.5,
            estimate: None,
            snapshot: None,
            reads: None,
            backup: None,
            retry_of: None,
            stage: None,
            collections: Vec::new(),
            totals: Totals::default(),
            rejects: Vec::new(),
            total_rejects: 0,
            warnings: Vec::new(),
            drift: vec![],
            samples: Vec::new(),
            rollback: None,
            error: None,
        }
    }

    /// A run with 12 rejects.
    pub fn dirty() -> RunReport {
        let users = CollectionReport {
            collection: "users".to_owned(),
            table: "users".to_owned(),
            read: 1_000,
            inserted: 900,
            updated: 20,
            unchanged: 60,
            skipped: 8,
            rejected: 12,
            bytes: 440_000,
            seconds: 1.0,
            validation: Some(Validation { valid: true, source_count: Some(1_000), ..Validation::default() }),
            snapshot: None,
            since: None,
            deleted: 0,
        };
        let reject = |number: u64| RejectReport {
            collection: "users".to_owned(),
            document: format!("users/u{number}"),
            code: "unique_violation".to_owned(),
            reason: format!("users.email: 'a{number}@b.c' is in the table already"),
            origin: format!("users.ndjson:{number}"),
            data: serde_json::json!({ "email": format!("a{number}@b.c") }),
        };
        let mut report = empty();
        report.status = Status::CompletedWithRejects;
        report.estimate = Some(Estimate {
            seconds_low: 1.0,
            seconds_high: 3.0,
            documents_per_second: 500.0,
            basis: "calibration of 2,000 documents".to_owned(),
            warning: None,
        });
        report.backup = Some(".fireferry/backups/classroom/2025-06-01.db".to_owned());
        report.totals = Totals {
            read: 1_000,
            inserted: 900,
            updated: 20,
            unchanged: 60,
            skipped: 8,
            rejected: 12,
            bytes: 440_000,
            documents_per_second: 666.7,
        };
        report.collections = vec![users];
        report.rejects = (1..=12).map(reject).collect();
        report.total_rejects = 12;
        report.warnings = vec!["the trigger audit on users runs for every row".to_owned()];
        report
    }
}
