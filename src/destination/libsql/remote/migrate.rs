//! Schema migrations: a file's statements and their record, in one transaction on the server.

use std::time::Instant;

use super::RemoteDatabase;
use super::records::decoded;
use super::transaction::Foreign;
use crate::destination::libsql::failure::primary;
use crate::destination::libsql::records::migrations;
use crate::destination::libsql::statement::{Statement, integer, text};
use crate::destination::libsql::tokens::statements;
use crate::destination::{AppliedMigration, MigrationStep};
use crate::domain::row::SqlValue;
use crate::error::Result;

/// Fails the transaction when more rows than before have no parent.
const NO_NEW_ORPHANS: &str = "SELECT CASE WHEN (SELECT count(*) FROM pragma_foreign_key_check) <= ?1 THEN 1
   ELSE abs(-9223372036854775807 - 1) END";

impl RemoteDatabase {
    /// Applied migrations by version.
    pub(super) async fn applied_migrations(&self) -> Result<Vec<AppliedMigration>> {
        let columns = decoded(&self.connection.query(migrations::columns()).await?, |row| text(row, 0))?;
        if !migrations::exists(&columns)? {
            return Ok(vec![]);
        }
        decoded(&self.connection.query(migrations::select()).await?, migrations::decode)
    }

    /// Applies one migration (or takes it back) with its record. On an error nothing of it is applied.
    pub(super) async fn apply_migration(&mut self, step: &MigrationStep) -> Result<()> {
        self.session = None;
        self.applied_migrations().await?;
        let orphans = decoded(&self.connection.query(migrations::orphans()).await?, |row| integer(row, 0))?;
        let parts = statements(&step.sql);
        for part in &parts {
            migrations::require_no_control(step, part)?;
        }
        let mut all: Vec<Statement> = parts.iter().map(|part| Statement::new(part.text.to_owned(), vec![])).collect();
        let before = orphans.first().copied().unwrap_or_default();
        all.push(Statement::new(NO_NEW_ORPHANS, vec![SqlValue::Integer(before)]));
        all.push(Statement::new(migrations::CREATE, vec![]));
        all.push(migrations::record(step, 0));
        let started = Instant::now();
        // Rebuilding a table must not cascade into its children; what is left is checked before the commit.
        match self.try_transaction(&all, Foreign::Unchecked).await? {
            Ok(_) if step.up => {
                let took = i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX);
                let version = i64::try_from(step.version).unwrap_or(i64::MAX);
                let update = "UPDATE schema_migrations SET duration_ms = ?2 WHERE version = ?1";
                let values = vec![SqlValue::Integer(version), SqlValue::Integer(took)];
                self.transaction(&[Statement::new(update, values)]).await.map(drop)
            }
            Ok(_) => Ok(()),
            Err(refused) if refused.statement == parts.len() => {
                let somewhere = ("some table".to_owned(), "the table it refers to".to_owned());
                Err(migrations::orphaned(step, &somewhere))
            }
            Err(refused) => match (parts.get(refused.statement), refused.failure.primary()) {
                (Some(part), primary::ERROR | primary::CONSTRAINT) => {
                    Err(migrations::failed(step, part.line, &refused.failure.message))
                }
                _ => Err(super::hrana::Trouble::Sql(refused.failure).into_error(self.connection.host())),
            },
        }
    }
}
