//! The messages of Hrana 3 over HTTP in JSON, as far as they are used: what is sent is written by `body`.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;

use super::value::{from_wire, from_wire_once};
use crate::domain::row::SqlValue;

/// One request on a stream.
#[derive(Debug, Clone)]
pub enum Request {
    /// One statement.
    Execute {
        /// The statement.
        stmt: Stmt,
    },
    /// Statements with conditions.
    Batch {
        /// The steps.
        batch: Arc<Batch>,
    },
    /// The stream is not needed any more; an open transaction is rolled back.
    Close,
}

/// A body as it was sent.
#[derive(Debug, Deserialize)]
pub struct SentPipeline {
    /// The requests.
    pub requests: Vec<SentRequest>,
}

/// A request of [`SentPipeline`].
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum SentRequest {
    /// As in [`Request`].
    Batch {
        /// The steps.
        batch: Batch,
    },
    /// Anything else.
    #[serde(other)]
    Other,
}

/// A statement with its arguments.
#[derive(Debug, Clone, Deserialize)]
pub struct Stmt {
    /// Its text.
    pub sql: Cow<'static, str>,
    /// Values for `?1`, `?2`, …
    #[serde(deserialize_with = "from_wire_once")]
    pub args: Vec<SqlValue>,
    /// Whether result rows are sent back.
    pub want_rows: bool,
}

/// Steps, each executed if its condition holds.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Batch {
    /// In order.
    pub steps: Vec<Step>,
}

/// One step of a batch.
#[derive(Debug, Clone, Deserialize)]
pub struct Step {
    /// `None`: always.
    #[serde(default)]
    pub condition: Option<Condition>,
    /// What is executed.
    pub stmt: Stmt,
}

/// When a step is executed. Steps are named by their index in the batch.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Condition {
    /// The step was executed and succeeded.
    Ok {
        /// The step.
        step: usize,
    },
    /// The other way round: failed or was not executed.
    Not {
        /// What is negated.
        cond: Box<Condition>,
    },
    /// All of them.
    And {
        /// The parts.
        conds: Vec<Condition>,
    },
    /// At least one of them.
    Or {
        /// The parts.
        conds: Vec<Condition>,
    },
}

/// The answer to a pipeline.
#[derive(Debug, Deserialize)]
pub struct PipelineAnswer {
    /// Names the stream for the next request; `None` once it is closed.
    pub baton: Option<String>,
    /// Where the stream's next request must go, if elsewhere.
    pub base_url: Option<String>,
    /// One per request.
    pub results: Vec<RequestAnswer>,
}

/// The answer to one request.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum RequestAnswer {
    /// It was executed.
    Ok {
        /// What came out.
        response: Response,
    },
    /// It was not.
    Error {
        /// Why.
        error: ServerError,
    },
}

/// What came out of a request.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Response {
    /// Of a statement.
    Execute {
        /// Its result.
        result: StmtAnswer,
    },
    /// Of a batch.
    Batch {
        /// Its results.
        result: BatchAnswer,
    },
    /// The stream is closed.
    Close,
}

/// The result of a statement.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct StmtAnswer {
    /// Result rows, if they were wanted.
    #[serde(default, deserialize_with = "from_wire")]
    pub rows: Vec<Vec<SqlValue>>,
    /// Rows inserted, updated or deleted.
    #[serde(default)]
    pub affected_row_count: u64,
    /// Where the server's log stood when it answered, if it says so.
    #[serde(default)]
    pub replication_index: Option<serde_json::Value>,
    /// How long the server took, where it says so.
    #[serde(default)]
    pub query_duration_ms: Option<f64>,
}

/// The results of a batch: for every step one of result, error, or neither (it was not executed).
#[derive(Debug, Clone, Default, Deserialize)]
pub struct BatchAnswer {
    /// Results of steps that succeeded.
    pub step_results: Vec<Option<StmtAnswer>>,
    /// Errors of steps that failed.
    pub step_errors: Vec<Option<ServerError>>,
}

/// What the server says of a failure.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ServerError {
    /// In words.
    pub message: String,
    /// `SQLITE_CONSTRAINT`, `STREAM_EXPIRED`, …
    #[serde(default)]
    pub code: Option<String>,
}
