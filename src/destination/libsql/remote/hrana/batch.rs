//! Batches whose steps depend on each other.

use std::sync::Arc;

use super::trouble::Trouble;
use super::wire::{
    Batch, BatchAnswer, Condition, Request, SentPipeline, SentRequest, ServerError, Step, Stmt, StmtAnswer,
};
use crate::destination::libsql::statement::Statement;
use crate::domain::row::SqlValue;
use crate::error::{Error, ErrorKind};

impl Stmt {
    /// A statement of which the rows are wanted.
    pub fn query(statement: Statement) -> Self {
        Self { sql: statement.sql, args: statement.values, want_rows: true }
    }

    /// A statement of which only the effect is wanted.
    pub fn effect(statement: Statement) -> Self {
        Self { want_rows: false, ..Self::query(statement) }
    }

    /// About how many bytes it takes in a body.
    pub fn size(&self) -> usize {
        let value = |value: &SqlValue| match value {
            // Quotes within are escaped.
            SqlValue::Text(text) => text.len() + text.len() / 8,
            SqlValue::Blob(bytes) => bytes.len() * 4 / 3,
            _ => 20,
        };
        let overhead = |argument| 40 + value(argument);
        100 + self.sql.len() + self.args.iter().map(overhead).sum::<usize>()
    }
}

impl Request {
    /// A batch.
    pub fn batch(batch: Batch) -> Self {
        Self::Batch { batch: Arc::new(batch) }
    }
}

/// Makes a batch in which a failure stops everything after it.
#[derive(Debug, Default)]
pub struct Builder {
    batch: Batch,
    /// The step that the next one depends on.
    last: Option<usize>,
}

impl Builder {
    /// Index of the next step.
    pub fn next(&self) -> usize {
        self.batch.steps.len()
    }

    /// A step that is executed if the one before it was and succeeded. Returns its index.
    pub fn then(&mut self, stmt: Stmt) -> usize {
        let index = self.push(self.last.map(ok), stmt);
        self.last = Some(index);
        index
    }

    /// Like [`Self::then`], by SQL text alone.
    pub fn then_sql(&mut self, sql: &'static str) -> usize {
        self.then(Stmt::effect(Statement::new(sql, vec![])))
    }

    /// A step with a condition of its own; what follows does not depend on it.
    pub fn aside(&mut self, condition: Condition, stmt: Stmt) -> usize {
        self.push(Some(condition), stmt)
    }

    /// What follows depends on this step.
    pub fn go_on_from(&mut self, step: usize) {
        self.last = Some(step);
    }

    fn push(&mut self, condition: Option<Condition>, stmt: Stmt) -> usize {
        self.batch.steps.push(Step { condition, stmt });
        self.batch.steps.len() - 1
    }

    /// The batch.
    pub fn build(self) -> Batch {
        self.batch
    }
}

/// The step succeeded.
pub fn ok(step: usize) -> Condition {
    Condition::Ok { step }
}

/// The step failed or was not executed.
pub fn not_ok(step: usize) -> Condition {
    Condition::Not { cond: Box::new(ok(step)) }
}

/// Both hold.
pub fn both(first: Condition, second: Condition) -> Condition {
    Condition::And { conds: vec![first, second] }
}

/// One of them holds.
pub fn either(first: Condition, second: Condition) -> Condition {
    Condition::Or { conds: vec![first, second] }
}

/// `BEGIN IMMEDIATE`, the statements, `COMMIT`; a failure anywhere takes everything back. Statements start at step 1.
pub fn transaction(statements: impl IntoIterator<Item = Stmt>) -> (Batch, usize) {
    let mut builder = Builder::default();
    builder.then_sql("BEGIN IMMEDIATE");
    for stmt in statements {
        builder.then(stmt);
    }
    let commit = builder.then_sql("COMMIT");
    builder.aside(not_ok(commit), Stmt::effect(Statement::new("ROLLBACK", vec![])));
    (builder.build(), commit)
}

impl Batch {
    /// The batch that a body consists of.
    pub fn of_body(body: &[u8]) -> Result<Self, Trouble> {
        let sent: SentPipeline = serde_json::from_slice(body).map_err(|cause| {
            let error = Error::new(ErrorKind::Internal, "hrana_decode", "a request cannot be read back");
            Trouble::Stop(Box::new(error.caused_by(cause)))
        })?;
        let mut batches = sent.requests.into_iter().filter_map(|request| match request {
            SentRequest::Batch { batch } => Some(batch),
            SentRequest::Other => None,
        });
        Ok(batches.next().unwrap_or_default())
    }
}

impl BatchAnswer {
    /// Whether the step was executed and succeeded.
    pub fn succeeded(&self, step: usize) -> bool {
        self.result(step).is_some()
    }

    /// The result of a step that succeeded.
    pub fn result(&self, step: usize) -> Option<&StmtAnswer> {
        self.step_results.get(step)?.as_ref()
    }

    /// The error of a step that failed.
    pub fn error(&self, step: usize) -> Option<&ServerError> {
        self.step_errors.get(step)?.as_ref()
    }

    /// The first step that failed, and why.
    pub fn first_error(&self) -> Option<(usize, &ServerError)> {
        self.step_errors.iter().enumerate().find_map(|(step, error)| Some((step, error.as_ref()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_ends_in_commit_or_rollback() {
        let (batch, commit) = transaction([Stmt::effect(Statement::new("DELETE FROM t", vec![]))]);
        let texts: Vec<&str> = batch.steps.iter().map(|step| step.stmt.sql.as_ref()).collect();
        assert_eq!((texts.as_slice(), commit), (&["BEGIN IMMEDIATE", "DELETE FROM t", "COMMIT", "ROLLBACK"][..], 2));
        let body = super::super::Client::body(&[Request::batch(batch)]);
        let text = String::from_utf8_lossy(&body);
        assert!(text.contains(r#"{"condition":{"type":"ok","step":0},"stmt":{"sql":"DELETE FROM t""#), "{text}");
        assert!(text.contains(r#"{"condition":{"type":"not","cond":{"type":"ok","step":2}},"stmt":{"sql":"ROLLBACK""#));
    }

    #[test]
    fn a_batch_is_read_back_from_its_body() {
        let values =
            vec![SqlValue::Null, SqlValue::Real(0.1), SqlValue::Text("a\"".into()), SqlValue::Blob(vec![0, 255])];
        let (batch, _) = transaction([Stmt::effect(Statement::new("DELETE FROM t", values))]);
        let body = super::super::Client::body(&[Request::batch(batch)]);
        let read = Batch::of_body(&body).map(|batch| super::super::Client::body(&[Request::batch(batch)]));
        assert_eq!(read.ok(), Some(body));
        assert!(matches!(Batch::of_body(b"{"), Err(Trouble::Stop(_))));
    }
}
