//! Schema migrations: a file's statements and their record, in one transaction on the server.

use super::RemoteDatabase;
use super::hrana::Trouble;
use super::lease::Lease;
use super::records::decoded;
use super::transaction::{Foreign, Refused};
use crate::destination::MigrationStep;
use crate::destination::libsql::failure::primary;
use crate::destination::libsql::records::migrations;
use crate::destination::libsql::statement::{Statement, integer};
use crate::domain::row::SqlValue;
use crate::domain::sql_text::{self, statements};
use crate::error::{Error, Result};

/// Fails the transaction when more rows than before have no parent.
const NO_NEW_ORPHANS: &str = "SELECT CASE WHEN (SELECT count(*) FROM pragma_foreign_key_check) <= ?1 THEN 1
   ELSE abs(-9223372036854775807 - 1) END";

impl RemoteDatabase {
    /// Applies one migration (or takes it back) with its record. On an error nothing of it is applied.
    pub(super) async fn apply_migration(&mut self, step: &MigrationStep) -> Result<()> {
        self.session = None;
        self.survey().await?.migrations()?;
        let before = self.orphans().await?;
        let parts = statements(&step.sql);
        for part in &parts {
            migrations::require_no_control(step, part)?;
        }
        let mut all: Vec<Statement> = parts.iter().map(|part| Statement::new(part.text.to_owned(), vec![])).collect();
        all.push(Statement::new(NO_NEW_ORPHANS, vec![SqlValue::Integer(before)]));
        all.push(Statement::new(migrations::CREATE, vec![]));
        let elapsed = self.lease.as_ref().map_or_else(|| "0".to_owned(), Lease::elapsed);
        all.push(migrations::record(step, &elapsed));
        // Rebuilding a table must not cascade into its children; what is left is checked before the commit.
        match self.schema_transaction(&all, Foreign::Unchecked, vec![]).await? {
            Ok(_) => Ok(()),
            Err(refused) if refused.statement == Some(parts.len()) => {
                let somewhere = ("some table".to_owned(), "the table it refers to".to_owned());
                Err(migrations::orphaned(step, &somewhere))
            }
            Err(refused) => Err(self.blamed(step, &parts, refused).await),
        }
    }

    /// Rows without a parent.
    async fn orphans(&mut self) -> Result<i64> {
        if self.survey().await?.schema()?.tables.iter().all(|table| table.foreign_keys.is_empty()) {
            return Ok(0);
        }
        let orphans = decoded(&self.connection.query(migrations::orphans()).await?, |row| integer(row, 0))?;
        Ok(orphans.first().copied().unwrap_or_default())
    }

    /// The error for a migration that was refused, with the line that it comes from.
    async fn blamed(&self, step: &MigrationStep, parts: &[sql_text::Statement<'_>], refused: Refused) -> Error {
        let primary = refused.failure.primary();
        let own = matches!(primary, primary::ERROR | primary::CONSTRAINT);
        let part = match refused.statement {
            Some(index) => parts.get(index).map(|part| (part.line, refused.failure.message.clone())),
            None => self.unreadable_part(parts).await,
        };
        match part.filter(|_| own) {
            Some((line, message)) => migrations::failed(step, line, &message),
            None => Trouble::Sql(refused.failure).into_error(self.connection.host()),
        }
    }

    /// The first statement that the server cannot read, and why. It refuses them all together, without saying which.
    async fn unreadable_part(&self, parts: &[sql_text::Statement<'_>]) -> Option<(u64, String)> {
        let texts: Vec<&str> = parts.iter().map(|part| part.text).collect();
        let refusals = self.refusals(&texts).await.ok()?;
        parts.iter().zip(refusals).find_map(|(part, refusal)| Some((part.line, refusal?)))
    }
}
