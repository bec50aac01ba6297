//! A connection to a local libSQL file: the `libsql` crate behind a small synchronous face that closes its traps.
//!
//! - Local calls of the crate are synchronous inside of `async`; [`now`] takes their result.
//! - `bind` ignores return codes, so counts and lengths of parameters are checked here, and statements are always
//!   reset before the next bind (a bind to a running statement is silently ignored).
//! - Reading TEXT through the crate stops at a NUL and panics on invalid UTF-8, so text is read as a BLOB
//!   ([`super::super::sql::exact`]) and decoded by `statement`.

use std::path::{Path, PathBuf};

use futures::FutureExt;
use libsql::params::Params;
use libsql::{Connection, Row, Value};

use super::super::failure::Failure;
use super::super::statement::Statement;
use crate::domain::row::SqlValue;
use crate::error::Result;

/// SQLite's own limit for one value (`SQLITE_MAX_LENGTH`).
const MAX_VALUE: usize = 1_000_000_000;

/// A connection and the path it was opened by, for messages.
pub(super) struct Database {
    connection: Connection,
    path: PathBuf,
}

/// A statement that is used again and again.
pub(super) struct Prepared {
    statement: libsql::Statement,
    parameters: usize,
}

/// The result of a local call, which never waits.
pub(super) fn now<T>(future: impl Future<Output = libsql::Result<T>>) -> Result<T, Failure> {
    match future.now_or_never() {
        Some(result) => result.map_err(Failure::from),
        None => Err(Failure::internal("a local database call did not answer at once")),
    }
}

impl Database {
    pub(super) fn new(connection: Connection, path: &Path) -> Self {
        Self { connection, path: path.to_owned() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// No transaction is open: after an error inside of one, all of it is lost.
    pub(super) fn is_autocommit(&self) -> bool {
        self.connection.is_autocommit()
    }

    /// The number of the row that was inserted last.
    pub(super) fn last_number(&self) -> i64 {
        self.connection.last_insert_rowid()
    }

    /// Waits up to `timeout` for other processes' locks.
    pub(super) fn busy_timeout(&self, timeout: std::time::Duration) -> Result<()> {
        self.connection.busy_timeout(timeout).map_err(|error| self.error(error.into()))
    }

    /// The error for a user, with this file's name.
    pub(super) fn error(&self, failure: Failure) -> crate::error::Error {
        failure.into_error(&self.path)
    }

    pub(super) fn prepare(&self, sql: &str) -> Result<Prepared, Failure> {
        let statement = now(self.connection.prepare(sql))?;
        let parameters = statement.parameter_count();
        Ok(Prepared { statement, parameters })
    }

    /// Runs one statement; the number of rows changed.
    pub(super) fn try_execute(&self, sql: &str, values: Vec<SqlValue>) -> Result<u64, Failure> {
        let prepared = self.prepare(sql)?;
        let values = bound(values);
        prepared.check(&values)?;
        let before = self.connection.total_changes();
        // `query` instead of `execute`: a PRAGMA may answer with a row, which is not an error here.
        let mut rows = now(prepared.statement.query(Params::Positional(values)))?;
        while now(rows.next())?.is_some() {}
        Ok(if self.connection.total_changes() == before { 0 } else { self.connection.changes() })
    }

    /// Like [`Self::try_execute`], with the error for users.
    pub(super) fn execute(&self, sql: &str, values: Vec<SqlValue>) -> Result<u64> {
        self.try_execute(sql, values).map_err(|failure| self.error(failure))
    }

    /// Runs a statement; the number of rows changed.
    pub(super) fn try_run(&self, statement: &Statement) -> Result<u64, Failure> {
        self.try_execute(&statement.sql, statement.values.clone())
    }

    /// Like [`Self::try_run`], with the error for users.
    pub(super) fn run(&self, statement: &Statement) -> Result<u64> {
        self.try_run(statement).map_err(|failure| self.error(failure))
    }

    /// Runs the statements in one transaction; the number of rows that each of them changed.
    pub(super) fn run_all(&self, statements: &[Statement]) -> Result<Vec<u64>> {
        self.transaction(|database| statements.iter().map(|statement| database.run(statement)).collect())
    }

    /// Every row of a query, read by `read`.
    pub(super) fn try_query<T>(
        &self,
        sql: &str,
        values: Vec<SqlValue>,
        mut read: impl FnMut(&[SqlValue]) -> Result<T, Failure>,
    ) -> Result<Vec<T>, Failure> {
        self.prepare(sql)?.query(bound(values), |row| read(&whole(row)?))
    }

    /// Like [`Self::try_query`], with the error for users.
    pub(super) fn query<T>(
        &self,
        sql: &str,
        values: Vec<SqlValue>,
        read: impl FnMut(&[SqlValue]) -> Result<T, Failure>,
    ) -> Result<Vec<T>> {
        self.try_query(sql, values, read).map_err(|failure| self.error(failure))
    }

    /// The first row of a query.
    pub(super) fn query_one<T>(
        &self,
        sql: &str,
        values: Vec<SqlValue>,
        read: impl FnMut(&[SqlValue]) -> Result<T, Failure>,
    ) -> Result<Option<T>> {
        Ok(self.query(sql, values, read)?.into_iter().next())
    }

    /// Rows of a statement, for as long as `read` wants more.
    pub(super) fn try_query_while(
        &self,
        statement: &Statement,
        mut read: impl FnMut(&[SqlValue]) -> Result<bool, Failure>,
    ) -> Result<(), Failure> {
        let prepared = self.prepare(&statement.sql)?;
        let values = bind_all(&statement.values);
        prepared.check(&values)?;
        let mut rows = now(prepared.statement.query(Params::Positional(values)))?;
        while let Some(row) = now(rows.next())? {
            if !read(&whole(&row)?)? {
                break;
            }
        }
        Ok(())
    }

    /// Every row of a statement.
    pub(super) fn try_rows(&self, statement: &Statement) -> Result<Vec<Vec<SqlValue>>, Failure> {
        self.try_query(&statement.sql, statement.values.clone(), |row| Ok(row.to_vec()))
    }

    /// Every row of a statement, read by `read`.
    pub(super) fn rows<T>(
        &self,
        statement: &Statement,
        read: impl FnMut(&[SqlValue]) -> Result<T, Failure>,
    ) -> Result<Vec<T>> {
        self.query(&statement.sql, statement.values.clone(), read)
    }

    /// The first row of a statement, read by `read`.
    pub(super) fn row<T>(
        &self,
        statement: &Statement,
        read: impl FnMut(&[SqlValue]) -> Result<T, Failure>,
    ) -> Result<Option<T>> {
        Ok(self.rows(statement, read)?.into_iter().next())
    }

    /// Runs `work` in one transaction that takes the write lock at once; any error takes all of it back.
    pub(super) fn transaction<T>(&self, work: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        self.execute("BEGIN IMMEDIATE", vec![])?;
        let result = work(self).and_then(|done| self.execute("COMMIT", vec![]).map(|_| done));
        if result.is_err() && !self.is_autocommit() {
            // The first error is the one to report; a failing ROLLBACK ends with the connection.
            let _ = self.try_execute("ROLLBACK", vec![]);
        }
        result
    }
}

impl Prepared {
    fn check(&self, values: &[Value]) -> Result<(), Failure> {
        if values.len() != self.parameters {
            return Err(Failure::internal(format!("{} values for {} parameters", values.len(), self.parameters)));
        }
        let too_long = values.iter().any(|value| match value {
            Value::Text(text) => text.len() > MAX_VALUE,
            Value::Blob(bytes) => bytes.len() > MAX_VALUE,
            _ => false,
        });
        if too_long { Err(Failure::too_big()) } else { Ok(()) }
    }

    /// Runs the statement; the number of rows it changed.
    pub(super) fn execute(&self, values: Vec<Value>) -> Result<usize, Failure> {
        self.check(&values)?;
        let result = now(self.statement.execute(Params::Positional(values)));
        self.statement.reset();
        result
    }

    /// Runs the shared statement that this one was prepared from; the number of rows it changed.
    pub(super) fn run(&self, statement: Statement) -> Result<usize, Failure> {
        self.execute(bound(statement.values))
    }

    /// Every row, read by `read`.
    pub(super) fn query<T>(
        &self,
        values: Vec<Value>,
        mut read: impl FnMut(&Row) -> Result<T, Failure>,
    ) -> Result<Vec<T>, Failure> {
        self.check(&values)?;
        let mut found = Vec::new();
        let result = now(self.statement.query(Params::Positional(values))).and_then(|mut rows| {
            while let Some(row) = now(rows.next())? {
                found.push(read(&row)?);
            }
            Ok(())
        });
        self.statement.reset();
        result.map(|()| found)
    }
}

/// A value to bind.
pub(super) fn bind(value: &SqlValue) -> Value {
    match value {
        SqlValue::Null => Value::Null,
        SqlValue::Integer(number) => Value::Integer(*number),
        SqlValue::Real(number) => Value::Real(*number),
        SqlValue::Text(text) => Value::Text(text.clone()),
        SqlValue::Blob(bytes) => Value::Blob(bytes.clone()),
    }
}

/// Values to bind.
pub(super) fn bind_all(values: &[SqlValue]) -> Vec<Value> {
    values.iter().map(bind).collect()
}

/// Values to bind that nobody else needs.
pub(super) fn bound(values: Vec<SqlValue>) -> Vec<Value> {
    let bind = |value| match value {
        SqlValue::Null => Value::Null,
        SqlValue::Integer(number) => Value::Integer(number),
        SqlValue::Real(number) => Value::Real(number),
        SqlValue::Text(text) => Value::Text(text),
        SqlValue::Blob(bytes) => Value::Blob(bytes),
    };
    values.into_iter().map(bind).collect()
}

/// One value of a result, as it is.
pub(super) fn value(row: &Row, column: i32) -> Result<SqlValue, Failure> {
    Ok(match row.get_value(column)? {
        Value::Null => SqlValue::Null,
        Value::Integer(number) => SqlValue::Integer(number),
        Value::Real(number) => SqlValue::Real(number),
        Value::Text(text) => SqlValue::Text(text),
        Value::Blob(bytes) => SqlValue::Blob(bytes),
    })
}

/// All values of a result's row.
pub(super) fn whole(row: &Row) -> Result<Vec<SqlValue>, Failure> {
    (0..row.column_count()).map(|column| value(row, column)).collect()
}
