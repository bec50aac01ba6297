//! Transactions besides commits: applied once, or not at all, whatever happens to the replies.

use super::RemoteDatabase;
use super::connection::{Rows, answers_to_questions, questions, unexpected};
use super::hrana::batch::{Builder, not_ok};
use super::hrana::{BatchAnswer, Request, Response, Stmt, StmtAnswer, Trouble};
use super::survey::{self, Survey};
use crate::destination::libsql::failure::Failure;
use crate::destination::libsql::statement::Statement;
use crate::error::{Error, ErrorKind, Result};

/// The first step that is not the transaction's own: PRAGMA, BEGIN, and the two of the guard come before.
const FIRST: usize = 4;

/// Whether foreign keys are checked row by row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Foreign {
    /// As always.
    Checked,
    /// The statements see to it themselves.
    Unchecked,
}

/// A transaction that was refused.
pub(super) struct Refused {
    /// Index of the statement; `None` when the server could not even read one of them.
    pub statement: Option<usize>,
    /// Why.
    pub failure: Failure,
}

impl RemoteDatabase {
    /// Applies statements in one transaction, guarded by the lease.
    ///
    /// Every transaction leaves a mark that the next one demands: one that was sent twice because its reply was lost is
    /// refused the second time. `None`: applied, but what it answered was lost.
    pub(super) async fn transaction(&mut self, statements: &[Statement]) -> Result<Option<Vec<StmtAnswer>>> {
        match self.try_transaction(statements, Foreign::Checked).await? {
            Ok(answers) => Ok(answers),
            Err(refused) => Err(Trouble::Sql(refused.failure).into_error(self.connection.host())),
        }
    }

    /// Like [`Self::transaction`]; a statement that SQLite refuses is told apart from everything else.
    pub(super) async fn try_transaction(
        &mut self,
        statements: &[Statement],
        foreign: Foreign,
    ) -> Result<Result<Option<Vec<StmtAnswer>>, Refused>> {
        Ok(self.transact(statements, foreign, vec![]).await?.map(|applied| applied.map(|(answers, _)| answers)))
    }

    /// A transaction that changes the schema, and what the server says of itself afterwards; `also` is asked after that.
    /// `None`: applied, but the answers were lost.
    pub(super) async fn schema_transaction(
        &mut self,
        statements: &[Statement],
        foreign: Foreign,
        also: Vec<Statement>,
    ) -> Result<Result<Option<Vec<Result<Rows, Failure>>>, Refused>> {
        self.survey = None;
        let mut questions = survey::questions();
        let own = questions.len();
        questions.extend(also);
        match self.transact(statements, foreign, questions).await? {
            Ok(Some((_, mut answers))) => {
                let others = answers.split_off(own.min(answers.len()));
                self.survey = Some(Survey::decode(answers)?);
                Ok(Ok(Some(others)))
            }
            Ok(None) => Ok(Ok(None)),
            Err(refused) => Ok(Err(refused)),
        }
    }

    /// The answers of the transaction's statements, and those of what is asked after it.
    async fn transact(
        &mut self,
        statements: &[Statement],
        foreign: Foreign,
        after: Vec<Statement>,
    ) -> Result<Result<Option<Answers>, Refused>> {
        let Some(lease) = &mut self.lease else { return Err(no_lease()) };
        let mark = uuid::Uuid::now_v7().to_string();
        let mut builder = Builder::default();
        builder.then_sql(match foreign {
            Foreign::Checked => "PRAGMA foreign_keys = ON",
            Foreign::Unchecked => "PRAGMA foreign_keys = OFF",
        });
        builder.then_sql("BEGIN IMMEDIATE");
        for guard in lease.guard_once(&mark) {
            builder.then(Stmt::effect(guard));
        }
        for statement in statements {
            builder.then(Stmt::query(statement.clone()));
        }
        let commit = builder.then_sql("COMMIT");
        builder.aside(not_ok(commit), Stmt::effect(Statement::new("ROLLBACK", vec![])));
        let batch = Request::batch(builder.build());
        let requests: Vec<Request> = [batch].into_iter().chain(questions(after)).chain([Request::Close]).collect();
        let mut pauses = self.connection.pauses();
        let _writing = self.connection.writing().await;
        loop {
            match outcome(&self.connection, &requests, commit).await {
                Outcome::Applied(answers) => {
                    lease.mark = mark;
                    return Ok(Ok(Some(answers)));
                }
                Outcome::Guarded => {
                    // Either an earlier try of this very transaction was applied, or somebody took over.
                    let now = lease.look(&self.connection).await?;
                    if now == mark {
                        lease.mark = mark;
                        return Ok(Ok(None));
                    }
                    return Err(Error::new(
                        ErrorKind::Internal,
                        "lease_mark",
                        "the lease's mark is not this process's",
                    ));
                }
                Outcome::Refused(refused) => return Ok(Err(refused)),
                Outcome::Trouble(trouble) => pauses.next(trouble, self.connection.host()).await?,
            }
        }
    }
}

/// Of a transaction's statements, and of questions after it.
type Answers = (Vec<StmtAnswer>, Vec<Result<Rows, Failure>>);

enum Outcome {
    Applied(Answers),
    /// The lease's guard failed.
    Guarded,
    Refused(Refused),
    Trouble(Trouble),
}

async fn outcome(connection: &super::connection::Connection, requests: &[Request], commit: usize) -> Outcome {
    let mut responses = match connection.client().pipeline(None, requests).await {
        Ok(answer) => answer.responses.into_iter(),
        Err(trouble) => return Outcome::Trouble(trouble),
    };
    match responses.next() {
        Some(Ok(Response::Batch { result })) => match of_batch(connection, &result, commit) {
            Outcome::Applied((answers, _)) => match answers_to_questions(responses) {
                Ok(after) => Outcome::Applied((answers, after)),
                // It is applied; another try finds that out.
                Err(trouble) => Outcome::Trouble(trouble),
            },
            outcome => outcome,
        },
        Some(Err(Trouble::Sql(failure))) => Outcome::Refused(Refused { statement: None, failure }),
        Some(Err(trouble)) => Outcome::Trouble(trouble),
        _ => Outcome::Trouble(unexpected("something else than a batch")),
    }
}

fn of_batch(connection: &super::connection::Connection, result: &BatchAnswer, commit: usize) -> Outcome {
    if result.succeeded(commit) {
        let answers = (FIRST..commit).map(|step| result.result(step).cloned().unwrap_or_default());
        return Outcome::Applied((answers.collect(), Vec::new()));
    }
    let Some((step, error)) = result.first_error() else {
        return Outcome::Trouble(unexpected("neither success nor an error"));
    };
    match connection.client().judge(error) {
        Trouble::Sql(_) if step < FIRST && step > 1 => Outcome::Guarded,
        Trouble::Sql(failure) if step >= FIRST && step < commit => {
            Outcome::Refused(Refused { statement: Some(step - FIRST), failure })
        }
        trouble => Outcome::Trouble(trouble),
    }
}

fn no_lease() -> Error {
    Error::new(ErrorKind::Internal, "lease_missing", "a remote destination is written without its lease")
}
