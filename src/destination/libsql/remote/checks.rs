//! Questions that change nothing: is it there, may it be written, is it sound, how many rows.

use super::RemoteDatabase;
use super::connection::{Rows, unexpected};
use super::hrana::batch::{Builder, ok};
use super::hrana::{Request, Response, Stmt};
use super::records::decoded;
use crate::destination::ForeignKeyViolation;
use crate::destination::libsql::sql::{exact, list, quote};
use crate::destination::libsql::statement::{Statement, exact_row, integer, text};
use crate::domain::row::{Row, SqlValue};
use crate::error::Result;

impl RemoteDatabase {
    /// Reads the schema table. What is half restored is not what anybody wants to read.
    pub(super) async fn check_readable(&mut self) -> Result<()> {
        if self.lease.is_none() {
            self.survey = None;
        }
        self.refuse_unfinished_restore().await?;
        self.refuse_unfinished_rollback().await
    }

    /// Makes a table and takes that back. A token that may only read could take the lock as well, but not do this. Who
    /// holds the lease has written already.
    pub(super) async fn check_write_access(&mut self) -> Result<()> {
        if self.lease.is_some() {
            return Ok(());
        }
        let mut builder = Builder::default();
        let begin = builder.then_sql("BEGIN IMMEDIATE");
        builder.then_sql("CREATE TABLE IF NOT EXISTS _fireferry_probe (id)");
        let rollback = builder.aside(ok(begin), Stmt::effect(Statement::new("ROLLBACK", vec![])));
        let requests = [Request::batch(builder.build()), Request::Close];
        let mut pauses = self.connection.pauses();
        loop {
            let trouble = match self.connection.client().pipeline(None, &requests).await {
                Ok(answer) => match answer.responses.into_iter().next() {
                    Some(Ok(Response::Batch { result })) => match result.first_error() {
                        Some((_, error)) => self.connection.client().judge(error),
                        None if result.succeeded(rollback) => return Ok(()),
                        None => unexpected("neither success nor an error"),
                    },
                    Some(Err(trouble)) => trouble,
                    _ => unexpected("something else than a batch"),
                },
                Err(trouble) => trouble,
            };
            pauses.next(trouble, self.connection.host()).await?;
        }
    }

    /// What `quick_check` says, except `ok`; nothing where the server does not let it be asked. The pages are the
    /// server's to keep sound, and reading all of them is billed: frequent small runs leave it out. A token that may only
    /// read may call a pragma's function, but not say PRAGMA.
    pub(super) async fn check_integrity(&self, thorough: bool) -> Result<Vec<String>> {
        if !thorough {
            return Ok(Vec::new());
        }
        let checked =
            self.connection.try_query(Statement::new("SELECT * FROM pragma_quick_check(100)", vec![])).await?;
        let Ok(rows) = checked else { return Ok(Vec::new()) };
        let problems = decoded(&rows, |row| text(row, 0))?;
        Ok(problems.into_iter().filter(|problem| problem != "ok").collect())
    }

    pub(super) async fn foreign_key_violations(
        &mut self,
        tables: &[String],
        limit: usize,
    ) -> Result<Vec<ForeignKeyViolation>> {
        let sql =
            "SELECT CAST(\"table\" AS BLOB), rowid, CAST(parent AS BLOB) FROM pragma_foreign_key_check(?1) LIMIT ?2";
        let most = SqlValue::Integer(i64::try_from(limit).unwrap_or(i64::MAX));
        let question = |table: &String| Statement::new(sql, vec![SqlValue::Text(table.clone()), most.clone()]);
        let schema = self.survey().await?.schema()?;
        let refers = |name: &&String| schema.table(name).is_some_and(|table| !table.foreign_keys.is_empty());
        let questions = tables.iter().filter(refers).map(question).collect();
        let answers = self.connection.queries(questions).await?;
        decoded(&answers.concat(), |row| {
            let rowid = if let Some(SqlValue::Integer(rowid)) = row.get(1) { Some(*rowid) } else { None };
            Ok(ForeignKeyViolation { table: text(row, 0)?, rowid, parent: text(row, 2)? })
        })
    }

    pub(super) async fn count_rows(&self, tables: &[String]) -> Result<Vec<u64>> {
        let answers = self.connection.queries(row_counts(tables)).await?;
        decode_row_counts(&answers.concat())
    }

    /// The first rows in the order of the primary key.
    pub(super) async fn sample_rows(&mut self, table: &str, columns: &[String], limit: usize) -> Result<Vec<Row>> {
        let key = self.survey().await?.schema()?.table(table).map(|table| list(&table.primary_key)).unwrap_or_default();
        let order = if key.is_empty() { String::new() } else { format!("ORDER BY {key}") };
        let selected: Vec<String> = columns.iter().map(|column| exact(&quote(column))).collect();
        let sql = format!("SELECT {} FROM {} {order} LIMIT ?1", selected.join(", "), quote(table));
        let limit = SqlValue::Integer(i64::try_from(limit).unwrap_or(i64::MAX));
        decoded(&self.connection.query(Statement::new(sql, vec![limit])).await?, |row| exact_row(row, columns.len()))
    }
}

/// Rows of every table, one question each.
pub(super) fn row_counts(tables: &[String]) -> Vec<Statement> {
    let count = |table: &String| Statement::new(format!("SELECT count(*) FROM {}", quote(table)), vec![]);
    tables.iter().map(count).collect()
}

/// The answers to [`row_counts`], one row each.
pub(super) fn decode_row_counts(rows: &Rows) -> Result<Vec<u64>> {
    let counts = decoded(rows, |row| integer(row, 0))?;
    Ok(counts.into_iter().map(|rows| u64::try_from(rows).unwrap_or_default()).collect())
}
