//! Schema migrations: a file's statements and their record, in one transaction.

use std::time::Instant;

use super::super::failure::primary;
use super::super::records::migrations;
use super::super::statement::{integer, text};
use super::LibsqlFile;
use super::database::Database;
use crate::crossing::crossing;
use crate::destination::{AppliedMigration, MigrationStep};
use crate::domain::sql_text::statements;
use crate::error::Result;

impl LibsqlFile {
    /// Applied migrations by version.
    pub(super) fn applied_migrations(&mut self) -> Result<Vec<AppliedMigration>> {
        let columns = self.database.rows(&migrations::columns(), |row| text(row, 0))?;
        if !migrations::exists(&columns)? {
            return Ok(vec![]);
        }
        self.database.rows(&migrations::select(), migrations::decode)
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
            crossing("schema.applied");
            require_foreign_keys(database, step, before)?;
            database.execute(migrations::CREATE, vec![])?;
            database.run(&migrations::record(step, &started.elapsed().as_millis().to_string())).map(drop)
        });
        self.pragma("foreign_keys = ON")?;
        result
    }
}

fn run_statements(database: &Database, step: &MigrationStep) -> Result<()> {
    for statement in statements(&step.sql) {
        migrations::require_no_control(step, &statement)?;
        database.try_execute(statement.text, vec![]).map_err(|failure| match failure.primary() {
            primary::ERROR | primary::CONSTRAINT => migrations::failed(step, statement.line, &failure.message),
            _ => database.error(failure),
        })?;
    }
    Ok(())
}

/// Rows without a parent.
fn orphans(database: &Database) -> Result<i64> {
    Ok(database.row(&migrations::orphans(), |row| integer(row, 0))?.unwrap_or_default())
}

/// Orphans that were there before are not this migration's fault.
fn require_foreign_keys(database: &Database, step: &MigrationStep, before: i64) -> Result<()> {
    if orphans(database)? <= before {
        return Ok(());
    }
    let orphan = database.row(&migrations::orphan(), migrations::decode_orphan)?;
    Err(migrations::orphaned(step, &orphan.unwrap_or_default()))
}
