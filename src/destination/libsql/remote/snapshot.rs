//! Reading many rows as they are at one moment: one read transaction on one stream, page by page.

use super::RemoteDatabase;
use super::connection::{Connection, Rows, unexpected};
use super::hrana::{Request, Response, Stmt, StmtAnswer, Stream, Trouble};
use crate::destination::libsql::copied::{self, Copied, Outlined, Position, decode_outline};
use crate::destination::libsql::failure::Failure;
use crate::destination::libsql::statement::Statement;
use crate::domain::row::{Row, SqlValue};
use crate::error::Result;

/// A read transaction. Dropped, its stream is left to expire.
pub(super) struct Snapshot<'a> {
    connection: &'a Connection,
    stream: Option<Stream>,
    moment: Option<serde_json::Value>,
}

impl RemoteDatabase {
    /// Opens a read transaction.
    pub(super) async fn snapshot(&self) -> Result<Snapshot<'_>> {
        let mut pauses = self.connection.pauses();
        loop {
            match Snapshot::begin(&self.connection).await {
                Ok(snapshot) => return Ok(snapshot),
                Err(trouble) => pauses.next(trouble, self.connection.host()).await?,
            }
        }
    }
}

impl<'a> Snapshot<'a> {
    /// Opens a read transaction.
    pub async fn begin(connection: &'a Connection) -> Result<Self, Trouble> {
        let mut snapshot = Self { connection, stream: None, moment: None };
        // The first read fixes the moment.
        let begin = ["SELECT 1", "BEGIN", "SELECT count(*) FROM sqlite_schema"].map(|sql| Statement::new(sql, vec![]));
        let answers = snapshot.answers(&begin).await?;
        let index = |place: usize| answers.get(place).and_then(|answer| answer.replication_index.clone());
        // The same before and after: nothing was written in between, so this is the moment that was fixed.
        snapshot.moment = index(0).filter(|before| index(2).as_ref() == Some(before));
        Ok(snapshot)
    }

    /// Where the server's log stood at the moment that is read; `None` where that cannot be said for certain. Two
    /// transactions with the same one read the same.
    pub fn moment(&self) -> Option<&serde_json::Value> {
        self.moment.as_ref()
    }

    /// The rows of a query.
    pub async fn query(&mut self, statement: Statement) -> Result<Rows, Trouble> {
        Ok(self.queries(&[statement]).await?.pop().unwrap_or_default())
    }

    /// The rows of queries.
    pub async fn queries(&mut self, statements: &[Statement]) -> Result<Vec<Rows>, Trouble> {
        Ok(self.answers(statements).await?.into_iter().map(|answer| answer.rows).collect())
    }

    async fn answers(&mut self, statements: &[Statement]) -> Result<Vec<StmtAnswer>, Trouble> {
        let requests: Vec<Request> =
            statements.iter().map(|statement| Request::Execute { stmt: Stmt::query(statement.clone()) }).collect();
        let answer = self.connection.client().pipeline(self.stream.as_ref(), &requests).await?;
        self.stream = answer.stream;
        if self.stream.is_none() {
            return Err(Trouble::StreamGone("the server closed the read transaction".to_owned()));
        }
        let answers = answer.responses.into_iter().map(|response| match response? {
            Response::Execute { result } => Ok(result),
            _ => Err(unexpected("something else than rows")),
        });
        answers.collect()
    }

    /// The next rows of a table in the order of its identity; none at its end.
    pub async fn page(&mut self, table: &Copied, position: &mut Position) -> Result<Vec<Row>, Trouble> {
        let rows = loop {
            match self.query(position.select(table)).await {
                Err(Trouble::AnswerTooLarge) if position.shrink() => {}
                Err(Trouble::AnswerTooLarge) => break self.large_row(table, position).await?,
                rows => break decoded(&rows?, |row| copied::decode(row, table))?,
            }
        };
        position.advance(table, &rows);
        Ok(rows)
    }

    /// One row that is too large for an answer: its large values come in parts.
    async fn large_row(&mut self, table: &Copied, position: &Position) -> Result<Vec<Row>, Trouble> {
        let outlines = decoded(&self.query(position.outline(table)).await?, |row| decode_outline(row, table))?;
        let Some(outline) = outlines.into_iter().next() else { return Ok(Vec::new()) };
        let small = |value: &Outlined| if let Outlined::Whole(value) = value { value.clone() } else { SqlValue::Null };
        let mut row: Row = outline.iter().map(small).collect();
        let identity = table.identity_of(&row);
        for ((value, column), outlined) in row.iter_mut().zip(&table.columns).zip(outline) {
            let Outlined::Large { kind, length } = outlined else { continue };
            let mut bytes = Vec::with_capacity(length);
            while bytes.len() < length {
                match self
                    .query(table.part(column, &identity, bytes.len() + 1))
                    .await?
                    .pop()
                    .and_then(|mut row| row.pop())
                {
                    Some(SqlValue::Blob(part)) if !part.is_empty() => bytes.extend(part),
                    _ => return Err(unexpected("less than a value's length")),
                }
            }
            *value = copied::joined(&kind, bytes).map_err(Trouble::Sql)?;
        }
        Ok(vec![row])
    }

    /// Ends the transaction.
    pub async fn close(self) {
        if let Some(stream) = &self.stream {
            // What is not closed expires.
            let _ = self.connection.client().pipeline(Some(stream), &[Request::Close]).await;
        }
    }
}

fn decoded<T>(rows: &Rows, decode: impl Fn(&[SqlValue]) -> Result<T, Failure>) -> Result<Vec<T>, Trouble> {
    rows.iter().map(|row| decode(row)).collect::<Result<_, _>>().map_err(Trouble::Sql)
}
