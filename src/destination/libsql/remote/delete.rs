//! Deleting rows that no document explains: exactly these, in one transaction.

use super::RemoteDatabase;
use super::records::unreadable;
use super::transaction::Foreign;
use super::write::sql;
use crate::destination::libsql::comparing::{delete, delete_refused, identity};
use crate::destination::libsql::removing;
use crate::destination::libsql::sql::quote;
use crate::destination::libsql::statement::Statement;
use crate::destination::{Doomed, Removal};
use crate::domain::schema::{Schema, Table};
use crate::error::{Error, ErrorKind, Result};

impl RemoteDatabase {
    /// Removes rows of documents that are gone.
    pub(super) async fn remove_rows(&mut self, removal: &Removal<'_>) -> Result<u64> {
        self.session = None;
        let schema = self.survey().await?.schema()?.clone();
        let answers = self.transaction(&removing::statements(&schema, removal)).await?;
        // Applied, but the answer was lost: as many as could be.
        let changed = answers.map(|answers| answers.last().map_or(0, |answer| answer.affected_row_count));
        Ok(changed.unwrap_or(removal.keys.len() as u64))
    }

    /// Deletes exactly these rows, or nothing.
    pub(super) async fn delete_rows(&mut self, doomed: &[Doomed]) -> Result<()> {
        self.session = None;
        let schema = self.survey().await?.schema()?.clone();
        let mut statements = Vec::new();
        let mut tables = Vec::new();
        for some in doomed {
            let table = schema.table(&some.table).ok_or_else(|| unknown(&some.table))?;
            if !table.triggers.is_empty() && !some.rows.is_empty() {
                return Err(delete_refused(&some.table, "it has a trigger, which may change other rows"));
            }
            let identity = identity(table).map_err(unreadable)?;
            for row in &some.rows {
                for guard in guards(&schema, table, &identity) {
                    statements.push(Statement::new(guard, row.identity.clone()));
                }
                statements.push(delete(&some.table, &identity, &some.columns, row));
                statements.push(sql::changed(1));
                tables.resize(statements.len(), some.table.as_str());
            }
        }
        match self.try_transaction(&statements, Foreign::Checked).await? {
            Ok(_) => Ok(()),
            Err(refused) => {
                let table = refused.statement.and_then(|place| tables.get(place)).copied().unwrap_or("the destination");
                let why = match refused.failure.message.contains("integer overflow") {
                    true => "a row is not as it was compared any more, or others would be changed with it",
                    false => refused.failure.message.as_str(),
                };
                Err(delete_refused(table, why))
            }
        }
    }
}

/// Each fails while a row refers to the one with this identity by a foreign key that would change or delete it too.
fn guards(schema: &Schema, table: &Table, identity: &[String]) -> Vec<String> {
    let mut guards = Vec::new();
    for child in &schema.tables {
        for key in &child.foreign_keys {
            let acts = !matches!(key.on_delete.as_str(), "NO ACTION" | "RESTRICT" | "");
            if !acts || !key.parent.eq_ignore_ascii_case(&table.name) {
                continue;
            }
            let parent: Vec<String> = key.parent_columns.iter().map(|column| format!("p.{}", quote(column))).collect();
            let own: Vec<String> = key.columns.iter().map(|column| format!("c.{}", quote(column))).collect();
            let pairs = parent.iter().zip(&own).map(|(parent, own)| format!("{own} = {parent}")).collect::<Vec<_>>();
            let numbers: Vec<String> = (1..=identity.len()).map(|number| format!("?{number}")).collect();
            guards.push(format!(
                "SELECT CASE WHEN EXISTS (SELECT 1 FROM {} AS p JOIN {} AS c ON {} WHERE ({}) = ({})) \
                 THEN abs(-9223372036854775807 - 1) ELSE 1 END",
                quote(&table.name),
                quote(&child.name),
                pairs.join(" AND "),
                identity.iter().map(|name| format!("p.{}", quote(name))).collect::<Vec<_>>().join(", "),
                numbers.join(", ")
            ));
        }
    }
    guards
}

fn unknown(table: &str) -> Error {
    Error::new(ErrorKind::Internal, "destination_internal", format!("rows of the unknown table {table}"))
}
