//! Commits under way: several at once, in order, each known to be applied or not before it is called durable.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use super::parts::post_in_parts;
use super::pending::Pending;
use super::request::{Request, Role};
use crate::destination::libsql::records::checkpoints;
use crate::destination::libsql::remote::connection::{Connection, Pauses, unexpected};
use crate::destination::libsql::remote::hrana::batch::{Builder, ok};
use crate::destination::libsql::remote::hrana::{Answer, BatchAnswer, Request as Hrana, Response, Stmt, Trouble};
use crate::destination::libsql::statement::Statement;
use crate::error::{Error, ErrorKind, Result};

/// A commit that was sent.
#[derive(Debug)]
pub(super) struct Flight {
    pub pending: Pending,
    pub request: Request,
    reply: JoinHandle<(Result<Answer, Trouble>, Instant)>,
    sent: Instant,
}

/// Commits under way, the oldest first.
#[derive(Debug, Default)]
pub(in super::super) struct Flights {
    pub(super) queue: VecDeque<Flight>,
    /// When the last reply came.
    last_reply: Option<Instant>,
}

/// What became of a commit.
#[derive(Debug)]
pub(super) enum Landed {
    /// It is durable. What it cost is not known if its reply was lost.
    Applied(Option<Took>),
    /// The database did not accept its rows.
    Refused,
    /// Its turn had not come: an earlier one is not applied (yet).
    OutOfTurn,
}

/// What a commit cost.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Took {
    /// How long the server was busy with it; about, where it does not say so.
    pub busy: Duration,
    /// How long it was on the way besides.
    pub travel: Duration,
}

impl Flights {
    /// Sends a commit and does not wait for it.
    pub(super) fn send(&mut self, connection: &Connection, pending: Pending, request: Request) {
        let (connection, body) = (connection.clone(), request.body.clone());
        let reply = tokio::spawn(async move {
            let _writing = connection.writing().await;
            let reply = connection.client().post(body).await;
            (reply, Instant::now())
        });
        self.queue.push_back(Flight { pending, request, reply, sent: Instant::now() });
    }

    /// Waits for the oldest commit and finds out what became of it, whatever happened to its reply.
    pub(super) async fn land(&mut self, connection: &Connection) -> Option<Result<(Flight, Landed)>> {
        let mut flight = self.queue.pop_front()?;
        let mut pauses = connection.pauses();
        let (reply, at) = match (&mut flight.reply).await {
            Ok(reply) => reply,
            Err(error) => return Some(Err(internal(&error.to_string()))),
        };
        // Of several under way, the server works on one after another.
        let before = self.last_reply.map_or(flight.sent, |last| last.max(flight.sent));
        self.last_reply = Some(at);
        let between = at.saturating_duration_since(before);
        let landed = land(connection, &flight, reply, between, &mut pauses).await;
        Some(landed.map(|landed| (flight, landed)))
    }

    /// Whether anything is under way.
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether every reply is there, while some were waited for: the server has nothing to do.
    pub(super) fn have_landed(&self) -> bool {
        !self.queue.is_empty() && self.queue.iter().all(|flight| flight.reply.is_finished())
    }

    /// How many are under way.
    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }
}

/// Sends a commit and finds out what became of it.
pub(super) async fn fly(connection: &Connection, pending: Pending, request: Request) -> Result<(Flight, Landed)> {
    let mut flights = Flights::default();
    flights.send(connection, pending, request);
    match flights.land(connection).await {
        Some(landed) => landed,
        None => Err(internal("a commit was not sent")),
    }
}

async fn land(
    connection: &Connection,
    flight: &Flight,
    first: Result<Answer, Trouble>,
    between: Duration,
    pauses: &mut Pauses,
) -> Result<Landed> {
    let (mut reply, mut in_parts) = (first, false);
    loop {
        let trouble = match judge(connection, &flight.request.roles, reply, between, in_parts) {
            Ok(Landed::OutOfTurn) if applied(connection, flight, pauses).await? => {
                return Ok(Landed::Applied(None));
            }
            Ok(landed) => return Ok(landed),
            Err(Fatal::Trouble(trouble)) => trouble,
            Err(Fatal::Error(error)) => return Err(*error),
        };
        if matches!(trouble, Trouble::TooLarge(_)) && !in_parts {
            in_parts = true;
        } else {
            pauses.next(trouble, connection.host()).await?;
            if applied(connection, flight, pauses).await? {
                return Ok(Landed::Applied(None));
            }
        }
        let _writing = connection.writing().await;
        // Nothing of it is there. If the lost request arrives after all, one of the two finds its turn gone.
        reply = match in_parts {
            false => connection.client().post(flight.request.body.clone()).await,
            true => post_in_parts(connection.client(), &flight.request.body).await,
        };
    }
}

enum Fatal {
    Trouble(Trouble),
    Error(Box<Error>),
}

fn judge(
    connection: &Connection,
    roles: &[Role],
    reply: Result<Answer, Trouble>,
    between: Duration,
    in_parts: bool,
) -> Result<Landed, Fatal> {
    let answer = match reply.map_err(Fatal::Trouble)?.responses.into_iter().next() {
        Some(Ok(Response::Batch { result })) => result,
        Some(Err(trouble)) => return Err(Fatal::Trouble(trouble)),
        _ => return Err(Fatal::Trouble(unexpected("something else than a batch"))),
    };
    if roles.iter().position(|role| *role == Role::Commit).is_some_and(|commit| answer.succeeded(commit)) {
        let busy = busy(&answer).unwrap_or(between);
        let took = Took { busy, travel: between.saturating_sub(busy) };
        return Ok(Landed::Applied((!in_parts).then_some(took)));
    }
    let Some((step, error)) = answer.first_error() else {
        return Err(Fatal::Trouble(unexpected("neither success nor an error")));
    };
    let role = roles.get(step).copied().unwrap_or(Role::Rollback);
    match (connection.client().judge(error), role) {
        (Trouble::Sql(_), Role::Lease) => Err(Fatal::Error(Box::new(lease_lost()))),
        (Trouble::Sql(_), Role::Sequence) => Ok(Landed::OutOfTurn),
        (Trouble::Sql(_), Role::Schema) => Err(Fatal::Error(Box::new(schema_changed(connection.host())))),
        (Trouble::Sql(failure), Role::Rows(_)) if failure.is_about_the_row() => Ok(Landed::Refused),
        (Trouble::Sql(failure), Role::Commit) if failure.message.contains("FOREIGN KEY") => {
            Err(Fatal::Error(Box::new(deferred(failure.message))))
        }
        (trouble, _) => Err(Fatal::Trouble(trouble)),
    }
}

/// How long the server itself was busy, where it says so.
fn busy(answer: &BatchAnswer) -> Option<Duration> {
    let times = answer.step_results.iter().flatten().filter_map(|result| result.query_duration_ms);
    let sum: f64 = times.sum();
    (sum > 0.0).then(|| Duration::from_secs_f64(sum / 1000.0))
}

/// Whether the commit is applied: asked inside a transaction of its own, which takes its turn behind one that is still at
/// work.
async fn applied(connection: &Connection, flight: &Flight, pauses: &mut Pauses) -> Result<bool> {
    let _writing = connection.writing().await;
    let (header, collection) = (&flight.pending.header, flight.request.collection.as_str());
    let own = checkpoints::of(header, collection, flight.request.receipt.to.as_ref());
    let mut builder = Builder::default();
    let begin = builder.then_sql("BEGIN IMMEDIATE");
    let read = builder.then(Stmt::query(own));
    builder.aside(ok(begin), Stmt::effect(Statement::new("ROLLBACK", vec![])));
    let requests = [Hrana::batch(builder.build()), Hrana::Close];
    loop {
        let trouble = match connection.client().pipeline(None, &requests).await {
            Ok(answer) => match answer.responses.into_iter().next() {
                Some(Ok(Response::Batch { result })) => match result.first_error() {
                    Some((_, error)) => connection.client().judge(error),
                    None => {
                        let rows = result.result(read).map(|answer| answer.rows.as_slice()).unwrap_or_default();
                        return Ok(!rows.is_empty());
                    }
                },
                Some(Err(trouble)) => trouble,
                _ => unexpected("something else than a batch"),
            },
            Err(trouble) => trouble,
        };
        pauses.next(trouble, connection.host()).await?;
    }
}

fn lease_lost() -> Error {
    Error::new(
        ErrorKind::LeaseHeld,
        "lease_lost",
        "another process took over the destination; nothing more was written",
    )
    .hint("this process was silent for longer than `lease_time`; go on with --resume when the other one has finished")
}

fn schema_changed(host: &str) -> Error {
    Error::new(
        ErrorKind::Destination,
        "schema_changed",
        format!("the schema of {host} was changed by another program during the run"),
    )
    .hint("check the schema, then start a new run")
}

fn deferred(cause: String) -> Error {
    Error::new(
        ErrorKind::Destination,
        "deferred_foreign_key",
        "a foreign key declared DEFERRABLE INITIALLY DEFERRED failed at COMMIT, which names no row",
    )
    .hint("declare the foreign key without INITIALLY DEFERRED; documents may still come before their parents")
    .caused_by(cause)
}

fn internal(message: &str) -> Error {
    Error::new(ErrorKind::Internal, "destination_internal", message)
}
