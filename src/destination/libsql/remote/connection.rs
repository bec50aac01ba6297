//! Questions to the server, with retries, each of which has an end.

use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

use super::hrana::{Client, Request, Response, Stmt, StmtAnswer, Trouble};
use crate::destination::libsql::failure::Failure;
use crate::destination::libsql::statement::Statement;
use crate::domain::row::SqlValue;
use crate::error::{Error, ErrorKind, Result};

/// Rows of an answer.
pub(super) type Rows = Vec<Vec<SqlValue>>;

/// A server, and how often it is asked again.
#[derive(Debug, Clone)]
pub(super) struct Connection {
    client: Client,
    max_retries: usize,
    max_retry_time: Duration,
    writing: Arc<RwLock<()>>,
}

/// The pauses between the tries of one request.
pub(super) struct Pauses {
    pauses: Box<dyn Iterator<Item = Duration> + Send>,
    client: Client,
    tries: usize,
}

/// Tries to connect to a server that never answered: its name is more likely wrong than the network.
const FIRST_TRIES: usize = 3;

impl Pauses {
    /// Waits before another try, or gives the error when there is none.
    pub async fn next(&mut self, trouble: Trouble, host: &str) -> Result<()> {
        let asked = match &trouble {
            Trouble::Transient { after, .. } => *after,
            Trouble::Lost(_) | Trouble::StreamGone(_) => None,
            _ => return Err(trouble.into_error(host)),
        };
        self.tries += 1;
        let never = trouble.is_unreachable() && !self.client.was_reached() && self.tries >= FIRST_TRIES;
        let Some(pause) = self.pauses.next().filter(|_| !never) else {
            self.client.give_up();
            return Err(trouble.into_error(host));
        };
        // A server that asks for minutes is no longer waited for than the longest pause of our own.
        let pause = pause.max(asked.unwrap_or_default().min(Duration::from_secs(30)));
        tracing::warn!(pause_ms = pause.as_millis(), "{}; trying again", trouble.into_error(host));
        tokio::time::sleep(pause).await;
        Ok(())
    }
}

impl Connection {
    pub fn new(client: Client, max_retries: usize, max_retry_time: Duration) -> Self {
        Self { client, max_retries, max_retry_time, writing: Arc::default() }
    }

    pub fn client(&self) -> &Client {
        &self.client
    }

    pub fn host(&self) -> &str {
        self.client.host()
    }

    /// Held while a write is under way. A server with two writers waiting can lock up (see ARCHITECTURE.md), so the
    /// lease's heartbeat, which is not needed then, stays away.
    pub async fn writing(&self) -> OwnedRwLockReadGuard<()> {
        Arc::clone(&self.writing).read_owned().await
    }

    /// The right to write while nobody else of this process does; `None` if somebody does.
    pub fn alone(&self) -> Option<OwnedRwLockWriteGuard<()>> {
        Arc::clone(&self.writing).try_write_owned().ok()
    }

    /// After a request that was given up, the next ones are tried once more only: the run ends, and what it still wants to
    /// note is not worth the same wait again.
    pub fn pauses(&self) -> Pauses {
        let tries = if self.client.was_given_up() { 1.min(self.max_retries) } else { self.max_retries };
        let pauses = ExponentialBuilder::default()
            .with_jitter()
            .with_min_delay(Duration::from_millis(50))
            .with_max_delay(Duration::from_secs(5))
            .with_max_times(tries)
            .with_total_delay(Some(self.max_retry_time))
            .build();
        Pauses { pauses: Box::new(pauses), client: self.client.clone(), tries: 0 }
    }

    /// The rows of every query, in one round trip. They must only read: they are asked again when an answer is lost.
    pub async fn queries(&self, statements: Vec<Statement>) -> Result<Vec<Rows>> {
        if statements.is_empty() {
            return Ok(Vec::new());
        }
        let asked = statements.len();
        let requests: Vec<Request> = questions(statements).chain([Request::Close]).collect();
        let mut pauses = self.pauses();
        loop {
            match self.answers(&requests).await {
                Ok(answers) => return Ok(answers.into_iter().take(asked).map(|answer| answer.rows).collect()),
                Err(trouble) => pauses.next(trouble, self.host()).await?,
            }
        }
    }

    /// The rows of one query.
    pub async fn query(&self, statement: Statement) -> Result<Rows> {
        Ok(self.queries(vec![statement]).await?.pop().unwrap_or_default())
    }

    /// The rows of every query, or what SQLite says against it, in one round trip.
    pub async fn ask(&self, statements: Vec<Statement>) -> Result<Vec<Result<Rows, Failure>>> {
        let requests: Vec<Request> = questions(statements).chain([Request::Close]).collect();
        let mut pauses = self.pauses();
        loop {
            let asked = self.client.pipeline(None, &requests).await;
            match asked.and_then(|answer| answers_to_questions(answer.responses)) {
                Ok(answers) => return Ok(answers),
                Err(trouble) => pauses.next(trouble, self.host()).await?,
            }
        }
    }

    /// The rows of one query, or what SQLite says against it.
    pub async fn try_query(&self, statement: Statement) -> Result<Result<Rows, Failure>> {
        let answers = self.ask(vec![statement]).await?;
        Ok(answers.into_iter().next().unwrap_or_else(|| Ok(Rows::new())))
    }

    async fn answers(&self, requests: &[Request]) -> Result<Vec<StmtAnswer>, Trouble> {
        let answer = self.client.pipeline(None, requests).await?;
        let results = answer.responses.into_iter().map(|response| match response? {
            Response::Execute { result } => Ok(result),
            Response::Close => Ok(StmtAnswer::default()),
            Response::Batch { .. } => Err(unexpected("a batch")),
        });
        results.collect()
    }
}

/// Each of them for itself: one that fails does not stop the next.
pub(super) fn questions(statements: Vec<Statement>) -> impl Iterator<Item = Request> {
    statements.into_iter().map(|statement| Request::Execute { stmt: Stmt::query(statement) })
}

/// The answers to [`questions`].
pub(super) fn answers_to_questions(
    responses: impl IntoIterator<Item = Result<Response, Trouble>>,
) -> Result<Vec<Result<Rows, Failure>>, Trouble> {
    let answers = responses.into_iter().filter_map(|response| match response {
        Ok(Response::Execute { result }) => Some(Ok(Ok(result.rows))),
        Ok(Response::Close) => None,
        Ok(Response::Batch { .. }) => Some(Err(unexpected("a batch"))),
        Err(Trouble::Sql(failure)) => Some(Ok(Err(failure))),
        Err(trouble) => Some(Err(trouble)),
    });
    answers.collect()
}

/// An answer to something that was not asked.
pub(super) fn unexpected(what: &str) -> Trouble {
    let message = format!("the server answered with {what}, which was not asked for");
    let error = Error::new(ErrorKind::Destination, "destination_protocol", message);
    Trouble::Stop(Box::new(error.hint("is this the URL of a libSQL server?")))
}
