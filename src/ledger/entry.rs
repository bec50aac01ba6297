//! What the ledger holds, as plain data.

use serde::Serialize;

use crate::report::run::{RunReport, Status};

/// What is known of a run when it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunStart {
    /// The run's id.
    pub id: String,
    /// The pipeline's name.
    pub pipeline: String,
    /// Its file, and ` --env NAME` where it ran in an environment: what one types to run it again.
    pub pipeline_file: String,
    /// The destination for people, without secrets.
    pub destination: String,
    /// The destination's address, without secrets.
    pub destination_url: String,
    /// `user@host`.
    pub initiated_by: String,
    /// Of this invocation: RFC 3339 of fixed width, because runs are ordered by it.
    pub started_at: String,
    /// The run that this one takes back, if it is a rollback.
    pub rolls_back: Option<String>,
}

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Going on.
    Active,
    /// Ended, and said how.
    Ended,
    /// Its process is gone without a word; resumable.
    Died,
}

/// One run, without its report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunEntry {
    /// The run's id.
    pub run_id: String,
    /// The pipeline's name.
    pub pipeline: String,
    /// Its file, and ` --env NAME` where it ran in an environment: what one types to run it again.
    pub pipeline_file: String,
    /// The destination for people.
    pub destination: String,
    /// Its address, without secrets.
    pub destination_url: String,
    /// As in the report; `interrupted` for a run whose process is gone.
    pub status: String,
    /// How it stands.
    pub state: RunState,
    /// `user@host`.
    pub initiated_by: String,
    /// RFC 3339.
    pub started_at: String,
    /// RFC 3339.
    pub finished_at: Option<String>,
    /// The machine it ran on.
    pub host: String,
    /// Its process there.
    pub pid: i64,
    /// Someone asked it to stop.
    pub cancel_requested: bool,
    /// Documents read, once it ended.
    pub read: Option<u64>,
    /// Documents rejected, once it ended.
    pub rejected: Option<u64>,
    /// The run whose rejects it wrote again, once it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_of: Option<String>,
    /// `run`, or `rollback`.
    pub kind: &'static str,
    /// The run that a rollback takes back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rolls_back: Option<String>,
}

impl RunEntry {
    /// True while the status as stored is not a final one.
    pub(super) fn is_open(status: &str) -> bool {
        [Status::Starting, Status::Running, Status::Verifying].iter().any(|open| open.as_str() == status)
    }
}

/// Which rejects of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RejectFilter {
    /// Only of this collection.
    pub collection: Option<String>,
    /// Only with this code.
    pub code: Option<String>,
    /// Only after this number.
    pub after: u64,
    /// At most so many.
    pub limit: u64,
}

/// What became of a reject later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Retried {
    /// The retry.
    pub run: String,
    /// It was written (or not wanted any more); else the retry rejected it again.
    pub written: bool,
}

/// A reject as copied into the ledger.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LedgerReject {
    /// Its number in the run, from 1.
    #[serde(skip)]
    pub number: u64,
    /// The retry that decided it, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retried: Option<Retried>,
    /// The reject. Its data is null when it was too large to be copied.
    #[serde(flatten)]
    pub reject: crate::report::run::RejectReport,
}

/// A run with its report, if it ended.
pub type RunWithReport = (RunEntry, Option<RunReport>);
