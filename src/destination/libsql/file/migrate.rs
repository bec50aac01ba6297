//! Schema migrations: a file's statements and their record, in one transaction.

use std::time::Instant;

use libsql::Value;

use super::super::tokens::statements;
use super::LibsqlFile;
use super::database::{Database, integer, text};
use super::inspect::MIGRATIONS;
use crate::destination::{AppliedMigration, MigrationStep};
use crate::error::{Error, ErrorKind, Result};

const TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (
  version     INTEGER PRIMARY KEY,
  name        TEXT NOT NULL,
  checksum    TEXT NOT NULL,
  applied_at  TEXT NOT NULL,
  duration_ms INTEGER NOT NULL,
  dirty       INTEGER NOT NULL DEFAULT 0 CHECK (dirty IN (0, 1))
) STRICT";

const COLUMNS: [&str; 6] = ["version", "name", "checksum", "applied_at", "duration_ms", "dirty"];

impl LibsqlFile {
    /// Applied migrations by version.
    pub(super) fn applied_migrations(&mut self) -> Result<Vec<AppliedMigration>> {
        let columns = self.database.query(
            "SELECT CAST(name AS BLOB) FROM pragma_table_info(?1)",
            vec![MIGRATIONS.into()],
            |row| text(row, 0),
        )?;
        if columns.is_empty() {
            return Ok(vec![]);
        }
        if let Some(missing) = COLUMNS.iter().find(|name| !columns.iter().any(|column| column == *name)) {
            return Err(Error::new(
                ErrorKind::Destination,
                "migrations_of_another_tool",
                format!("the table {MIGRATIONS} has no column {missing}: another tool made it"),
            )
            .hint("rename that tool's table, or leave `schema:` out of the pipeline"));
        }
        let sql = "SELECT version, CAST(name AS BLOB), CAST(checksum AS BLOB), CAST(applied_at AS BLOB), duration_ms
                   FROM schema_migrations ORDER BY version";
        self.database.query(sql, vec![], |row| {
            Ok(AppliedMigration {
                version: u64::try_from(integer(row, 0)?).unwrap_or_default(),
                name: text(row, 1)?,
                checksum: text(row, 2)?,
                applied_at: text(row, 3)?,
                duration_ms: u64::try_from(integer(row, 4)?).unwrap_or_default(),
            })
        })
    }

    /// Applies one migration (or takes it back) with its record. On an error nothing of it is applied.
    pub(super) fn apply_migration(&mut self, step: &MigrationStep) -> Result<()> {
        self.writable()?;
        self.session = None;
        self.applied_migrations()?;
        // Rebuilding a table must not cascade into its children; what is left is checked before the commit.
        self.pragma("foreign_keys = OFF")?;
        let result = self.database.transaction(|database| {
            let started = Instant::now();
            let before = orphans(database)?;
            run_statements(database, step)?;
            require_foreign_keys(database, step, before)?;
            record(database, step, started.elapsed().as_millis())
        });
        self.pragma("foreign_keys = ON")?;
        result
    }
}

fn run_statements(database: &Database, step: &MigrationStep) -> Result<()> {
    for statement in statements(&step.sql) {
        if let Some(word) = statement.transaction_control() {
            return Err(failed(step, statement.line, &format!("{word}: a migration runs in one transaction already")));
        }
        database.try_execute(statement.text, vec![]).map_err(|failure| match failure.primary() {
            super::failure::primary::ERROR | super::failure::primary::CONSTRAINT => {
                failed(step, statement.line, &failure.message)
            }
            _ => database.error(failure),
        })?;
    }
    Ok(())
}

/// Rows without a parent.
fn orphans(database: &Database) -> Result<i64> {
    let count = "SELECT count(*) FROM pragma_foreign_key_check";
    Ok(database.query_one(count, vec![], |row| integer(row, 0))?.unwrap_or_default())
}

/// Orphans that were there before are not this migration's fault.
fn require_foreign_keys(database: &Database, step: &MigrationStep, before: i64) -> Result<()> {
    if orphans(database)? <= before {
        return Ok(());
    }
    let sql = "SELECT CAST(\"table\" AS BLOB), CAST(parent AS BLOB) FROM pragma_foreign_key_check LIMIT 1";
    let found = database.query_one(sql, vec![], |row| Ok((text(row, 0)?, text(row, 1)?)))?;
    let (table, parent) = found.unwrap_or_default();
    Err(failed(step, 1, &format!("afterwards rows of {table} would have no parent in {parent}")))
}

fn record(database: &Database, step: &MigrationStep, milliseconds: u128) -> Result<()> {
    database.execute(TABLE, vec![])?;
    let version = Value::Integer(i64::try_from(step.version).unwrap_or(i64::MAX));
    if !step.up {
        return database.execute("DELETE FROM schema_migrations WHERE version = ?1", vec![version]).map(|_| ());
    }
    let insert = "INSERT INTO schema_migrations (version, name, checksum, applied_at, duration_ms)
                  VALUES (?1, ?2, ?3, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), ?4)";
    let duration = Value::Integer(i64::try_from(milliseconds).unwrap_or(i64::MAX));
    let values = vec![version, step.name.as_str().into(), step.checksum.as_str().into(), duration];
    database.execute(insert, values).map(|_| ())
}

fn failed(step: &MigrationStep, line: u64, message: &str) -> Error {
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
