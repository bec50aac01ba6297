//! The lease: one row, timed by the server's clock, that every write checks in its own transaction. A process that was
//! paused while another took over finds its name gone, and writes nothing.

use std::time::Duration;

use super::connection::{Connection, Rows, answers_to_questions, questions, unexpected};
use super::hrana::batch::Builder;
use super::hrana::{Request, Response, Stmt, Trouble};
use super::place::Place;
use super::survey::{self, Survey};
use crate::destination::libsql::failure::Failure;
use crate::destination::libsql::statement::{Statement, integer, text};
use crate::domain::row::SqlValue;
use crate::error::{Error, ErrorKind, Result};

/// Milliseconds since 1970 by the server's clock.
const NOW: &str = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)";

const TABLE: &str = "CREATE TABLE IF NOT EXISTS _fireferry_lease (
  id      INTEGER PRIMARY KEY CHECK (id = 1),
  owner   TEXT NOT NULL,    -- for people
  place   TEXT NOT NULL,    -- machine and process
  holder  TEXT NOT NULL,    -- this very acquisition; empty when it was given back
  epoch   INTEGER NOT NULL, -- acquisitions so far
  expires INTEGER NOT NULL, -- milliseconds since 1970
  mark    TEXT NOT NULL     -- the last transaction of the holder
) STRICT";

/// Code of the error when another process took over.
pub(super) const LEASE_LOST: &str = "lease_lost";

/// Fails the transaction unless the statement before changed exactly one row.
pub(super) const CHANGED_ONE: &str = "SELECT CASE WHEN changes() = 1 THEN 1 ELSE abs(-9223372036854775807 - 1) END";

/// A lease that is held.
#[derive(Debug)]
pub(super) struct Lease {
    /// Names this acquisition.
    pub holder: String,
    /// The last transaction that is known to be applied.
    pub mark: String,
    time: Duration,
    /// Renews it while nothing else is written. Ends with this value.
    _heartbeat: Heartbeat,
}

#[derive(Debug)]
struct Heartbeat(tokio::task::JoinHandle<()>);

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The row of the lease.
struct Held {
    owner: String,
    place: String,
    holder: String,
    milliseconds_left: i64,
    mark: String,
}

impl Lease {
    /// Takes the lease, and reads what only its holder changes from now on.
    ///
    /// # Errors
    /// Kind `LeaseHeld` naming the holder and when it ends.
    pub async fn acquire(connection: &Connection, owner: &str, time: Duration) -> Result<(Self, Survey)> {
        let holder = uuid::Uuid::now_v7().to_string();
        let place = Place::here().to_string();
        let mut dead = String::new();
        loop {
            let (held, survey) = take(connection, owner, &place, &holder, &dead, time).await?;
            if held.holder == holder {
                let heartbeat = Heartbeat(tokio::spawn(beat(connection.clone(), holder.clone(), time)));
                let lease = Self { holder, mark: held.mark, time, _heartbeat: heartbeat };
                return Ok((lease, Survey::decode(survey)?));
            }
            // The holder died on this machine: nobody has to wait until its time is over.
            if dead.is_empty() && Place::parse(&held.place).is_some_and(|place| place.is_dead()) {
                dead = held.holder;
                continue;
            }
            return Err(held_by(&held, connection.host()));
        }
    }

    /// Steps that fail the transaction unless the lease is still held, and renew it.
    pub fn guard(&self) -> [Statement; 2] {
        let sql = format!("UPDATE _fireferry_lease SET expires = {NOW} + ?2 WHERE id = 1 AND holder = ?1");
        [
            Statement::new(sql, vec![text_value(&self.holder), milliseconds(self.time)]),
            Statement::new(CHANGED_ONE, vec![]),
        ]
    }

    /// Like [`Self::guard`], and the transaction gets a mark: applied twice, it fails the second time.
    pub fn guard_once(&self, mark: &str) -> [Statement; 2] {
        let sql = format!(
            "UPDATE _fireferry_lease SET expires = {NOW} + ?2, mark = ?3 WHERE id = 1 AND holder = ?1 AND mark = ?4"
        );
        let values = vec![text_value(&self.holder), milliseconds(self.time), text_value(mark), text_value(&self.mark)];
        [Statement::new(sql, values), Statement::new(CHANGED_ONE, vec![])]
    }

    /// Milliseconds since the guard of the transaction that asks, as SQL.
    pub fn elapsed(&self) -> String {
        format!("max(0, {NOW} - (SELECT expires - {} FROM _fireferry_lease WHERE id = 1))", self.time.as_millis())
    }

    /// What the server says of the lease now: the mark while it is held.
    ///
    /// # Errors
    /// Code `lease_lost` when another process took over.
    pub async fn look(&self, connection: &Connection) -> Result<String> {
        let held = connection.query(select()).await?;
        let held = held.first().map(|row| decode(row)).transpose()?;
        match held {
            Some(held) if held.holder == self.holder => Ok(held.mark),
            Some(held) => Err(lost(Some(&held))),
            None => Err(lost(None)),
        }
    }

    /// The step that gives it back.
    pub fn give_back(&self) -> Statement {
        let sql = "UPDATE _fireferry_lease SET holder = '', expires = 0 WHERE id = 1 AND holder = ?1";
        Statement::new(sql, vec![text_value(&self.holder)])
    }

    /// Gives it back. In a database that fireferry never wrote to, nothing is left of it.
    pub async fn release(self, connection: &Connection, written: bool) -> Result<()> {
        let mut statements = vec![self.give_back()];
        if !written {
            statements.push(Statement::new(CHANGED_ONE, vec![]));
            statements.push(Statement::new("DROP TABLE _fireferry_lease", vec![]));
        }
        let (batch, _) = super::hrana::batch::transaction(statements.into_iter().map(Stmt::effect));
        let requests = [Request::batch(batch), Request::Close];
        let mut pauses = connection.pauses();
        loop {
            match connection.client().pipeline(None, &requests).await {
                // Where it was lost meanwhile, there is nothing to give back.
                Ok(_) => return Ok(()),
                Err(trouble) => pauses.next(trouble, connection.host()).await?,
            }
        }
    }
}

/// Renews the lease while the holder lives, three times as often as needed. What fails is tried again next time: whether
/// the lease is still held is checked by the writes themselves.
async fn beat(connection: Connection, holder: String, time: Duration) {
    let sql = format!("UPDATE _fireferry_lease SET expires = {NOW} + ?2 WHERE id = 1 AND holder = ?1");
    let renew = Stmt::effect(Statement::new(sql, vec![text_value(&holder), milliseconds(time)]));
    let requests = [Request::Execute { stmt: renew }, Request::Close];
    loop {
        tokio::time::sleep(time / 3).await;
        // A write that is under way renews the lease itself.
        let Some(_alone) = connection.alone() else { continue };
        if let Err(trouble) = connection.client().pipeline(None, &requests).await {
            tracing::debug!("the lease could not be renewed: {trouble:?}");
        }
    }
}

/// Takes the lease if it is free, and reads whose it is, and what the server says of itself. Harmless when repeated.
async fn take(
    connection: &Connection,
    owner: &str,
    place: &str,
    holder: &str,
    dead: &str,
    time: Duration,
) -> Result<(Held, Vec<Result<Rows, Failure>>)> {
    let sql = format!(
        "INSERT INTO _fireferry_lease (id, owner, place, holder, epoch, expires, mark)
         VALUES (1, ?1, ?2, ?3, 1, {NOW} + ?4, '')
         ON CONFLICT (id) DO UPDATE SET owner = excluded.owner, place = excluded.place, holder = excluded.holder,
           epoch = epoch + 1, expires = excluded.expires, mark = ''
         WHERE holder <> excluded.holder AND (expires <= {NOW} OR holder = ?5)"
    );
    let values = vec![text_value(owner), text_value(place), text_value(holder), milliseconds(time), text_value(dead)];
    let mut builder = Builder::default();
    builder.then_sql(TABLE);
    builder.then(Stmt::effect(Statement::new(sql, values)));
    let read = builder.then(Stmt::query(select()));
    let batch = Request::batch(builder.build());
    let requests: Vec<Request> =
        [batch].into_iter().chain(questions(survey::questions())).chain([Request::Close]).collect();
    let mut pauses = connection.pauses();
    loop {
        match taken(connection, &requests, read).await {
            Ok((row, answers)) => return Ok((decode(&row)?, answers)),
            Err(trouble) => pauses.next(trouble, connection.host()).await?,
        }
    }
}

async fn taken(
    connection: &Connection,
    requests: &[Request],
    read: usize,
) -> Result<(Vec<SqlValue>, Vec<Result<Rows, Failure>>), Trouble> {
    let mut responses = connection.client().pipeline(None, requests).await?.responses.into_iter();
    match responses.next() {
        Some(Ok(Response::Batch { result })) => {
            if let Some((_, error)) = result.first_error() {
                return Err(connection.client().judge(error));
            }
            let row = result.result(read).and_then(|answer| answer.rows.first().cloned());
            let row = row.ok_or_else(|| unexpected("no row of the lease"))?;
            Ok((row, answers_to_questions(responses)?))
        }
        Some(Err(trouble)) => Err(trouble),
        _ => Err(unexpected("something else than a batch")),
    }
}

fn select() -> Statement {
    Statement::new(
        format!(
            "SELECT CAST(owner AS BLOB), CAST(place AS BLOB), CAST(holder AS BLOB), expires - {NOW}, CAST(mark AS BLOB)
             FROM _fireferry_lease WHERE id = 1"
        ),
        vec![],
    )
}

fn decode(row: &[SqlValue]) -> Result<Held> {
    let read = || -> Result<Held, Failure> {
        Ok(Held {
            owner: text(row, 0)?,
            place: text(row, 1)?,
            holder: text(row, 2)?,
            milliseconds_left: integer(row, 3)?,
            mark: text(row, 4)?,
        })
    };
    read().map_err(|failure| Error::new(ErrorKind::Internal, "lease_unreadable", failure.message))
}

fn held_by(held: &Held, host: &str) -> Error {
    let seconds = held.milliseconds_left.max(0) / 1000 + 1;
    Error::new(ErrorKind::LeaseHeld, "lease_held", format!("the destination {host} is in use by {}", held.owner)).hint(
        format!(
            "wait until it has finished; if it is no longer alive, its lease ends in {seconds} s (it lives on while its \
             holder is heard of)"
        ),
    )
}

fn lost(by: Option<&Held>) -> Error {
    let what = match by {
        Some(held) if held.holder.is_empty() => "the lease was taken over by another run, which has ended".to_owned(),
        Some(held) => format!("the lease was taken over by {}", held.owner),
        None => "the lease is gone from the destination".to_owned(),
    };
    Error::new(ErrorKind::LeaseHeld, LEASE_LOST, format!("{what}; nothing more was written")).hint(
        "this process was silent for longer than `lease_time`; go on with --resume when the other one has finished",
    )
}

fn text_value(text: &str) -> SqlValue {
    SqlValue::Text(text.to_owned())
}

fn milliseconds(time: Duration) -> SqlValue {
    SqlValue::Integer(i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
}
