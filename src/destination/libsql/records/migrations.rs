//! `schema_migrations`: which migrations a database has.

use super::super::failure::Failure;
use super::super::statement::{Statement, integer, number, text};
use crate::destination::{AppliedMigration, MigrationStep};
use crate::domain::row::SqlValue;
use crate::domain::sql_text;
use crate::error::{Error, ErrorKind, Result};

/// The record of applied migrations; not part of the schema it describes.
pub const MIGRATIONS: &str = "schema_migrations";

/// Makes the table; part of every migration's transaction.
pub const CREATE: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (
  version     INTEGER PRIMARY KEY,
  name        TEXT NOT NULL,
  checksum    TEXT NOT NULL,
  applied_at  TEXT NOT NULL,
  duration_ms INTEGER NOT NULL,
  dirty       INTEGER NOT NULL DEFAULT 0 CHECK (dirty IN (0, 1))
) STRICT";

const COLUMNS: [&str; 6] = ["version", "name", "checksum", "applied_at", "duration_ms", "dirty"];

/// The names of the table's columns, for [`exists`].
pub fn columns() -> Statement {
    Statement::new("SELECT CAST(name AS BLOB) FROM pragma_table_info(?1)", vec![MIGRATIONS.into()])
}

/// Whether the table with these columns is there; another tool's table is refused.
pub fn exists(columns: &[String]) -> Result<bool> {
    if columns.is_empty() {
        return Ok(false);
    }
    match COLUMNS.iter().find(|name| !columns.iter().any(|column| column == *name)) {
        None => Ok(true),
        Some(missing) => Err(Error::new(
            ErrorKind::Destination,
            "migrations_of_another_tool",
            format!("the table {MIGRATIONS} has no column {missing}: another tool made it"),
        )
        .hint("rename that tool's table, or leave `schema:` out of the pipeline")),
    }
}

/// Applied migrations by version.
pub fn select() -> Statement {
    let sql = "SELECT version, CAST(name AS BLOB), CAST(checksum AS BLOB), CAST(applied_at AS BLOB), duration_ms, dirty
               FROM schema_migrations ORDER BY version";
    Statement::new(sql, vec![])
}

/// A row of [`select`].
pub fn decode(row: &[SqlValue]) -> Result<AppliedMigration, Failure> {
    Ok(AppliedMigration {
        version: u64::try_from(integer(row, 0)?).unwrap_or_default(),
        name: text(row, 1)?,
        checksum: text(row, 2)?,
        applied_at: text(row, 3)?,
        duration_ms: u64::try_from(integer(row, 4)?).unwrap_or_default(),
        dirty: integer(row, 5)? != 0,
    })
}

/// The record of a step, after [`CREATE`]: a row more, or, taken back, a row less. `milliseconds` is SQL: how long it took.
pub fn record(step: &MigrationStep, milliseconds: &str) -> Statement {
    let version = number(step.version);
    if !step.up {
        return Statement::new("DELETE FROM schema_migrations WHERE version = ?1", vec![version]);
    }
    let insert = format!(
        "INSERT INTO schema_migrations (version, name, checksum, applied_at, duration_ms)
         VALUES (?1, ?2, ?3, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), {milliseconds})"
    );
    Statement::new(insert, vec![version, step.name.as_str().into(), step.checksum.as_str().into()])
}

/// Number of rows without a parent, before and after a step.
pub fn orphans() -> Statement {
    Statement::new("SELECT count(*) FROM pragma_foreign_key_check", vec![])
}

/// One row without a parent: its table and the parent's, for [`orphaned`].
pub fn orphan() -> Statement {
    let sql = "SELECT CAST(\"table\" AS BLOB), CAST(parent AS BLOB) FROM pragma_foreign_key_check LIMIT 1";
    Statement::new(sql, vec![])
}

/// A row of [`orphan`].
pub fn decode_orphan(row: &[SqlValue]) -> Result<(String, String), Failure> {
    Ok((text(row, 0)?, text(row, 1)?))
}

/// The step left more rows without a parent than there were. Those that were there before are not its fault.
pub fn orphaned(step: &MigrationStep, (table, parent): &(String, String)) -> Error {
    failed(step, 1, &format!("afterwards rows of {table} would have no parent in {parent}"))
}

/// Refuses a statement that would begin or end a transaction.
pub fn require_no_control(step: &MigrationStep, statement: &sql_text::Statement<'_>) -> Result<()> {
    match statement.transaction_control() {
        None => Ok(()),
        Some(word) => {
            Err(failed(step, statement.line, &format!("{word}: a migration runs in one transaction already")))
        }
    }
}

/// The migration's own mistake, at a line of its file.
pub fn failed(step: &MigrationStep, line: u64, message: &str) -> Error {
    let direction = if step.up { "up" } else { "down" };
    let file = format!("{:04}_{}.{direction}.sql", step.version, step.name);
    Error::new(
        ErrorKind::Destination,
        "migration_failed",
        format!("migration {file} failed and nothing of it was applied: {message}"),
    )
    .position(line, None)
    .hint("correct the file and apply it again")
}
