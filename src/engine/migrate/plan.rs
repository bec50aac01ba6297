//! What migrations would do, tried on a throw-away copy of the schema: which tables and columns they drop, and which
//! statements change rows.

use serde::Serialize;

use super::{load, name};
use crate::destination::{AppliedMigration, MigrationStep};
use crate::domain::schema_diff::losses;
use crate::domain::sql_text::statements;
use crate::engine::{Context, steps};
use crate::error::{Error, ErrorKind, Result};
use crate::schema::Migrations;

/// Steps, and what they take away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MigrationPlan {
    /// The destination, for people.
    pub destination: String,
    /// In the order they would run.
    pub steps: Vec<PlannedStep>,
    /// Tables and columns that are gone afterwards.
    pub losses: Vec<Loss>,
    /// Statements that change or delete rows: `0002_more.up.sql:3: DELETE`.
    pub row_changes: Vec<String>,
    #[serde(skip)]
    pub(super) sequence: Vec<MigrationStep>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedStep {
    /// `0002_more.up.sql`.
    pub file: String,
    /// Its text.
    pub sql: String,
}

/// What is gone afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Loss {
    /// The table.
    pub table: String,
    /// The column; the whole table without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// Rows in the table now.
    pub rows: u64,
}

impl MigrationPlan {
    /// Whether data may be gone afterwards.
    pub fn is_destructive(&self) -> bool {
        !self.losses.is_empty() || !self.row_changes.is_empty()
    }

    /// What may be gone afterwards, in words.
    pub fn dangers(&self) -> Vec<String> {
        let loss = |loss: &Loss| match &loss.column {
            Some(column) => format!("column {}.{column} goes (rows in the table: {})", loss.table, loss.rows),
            None => format!("table {} goes (rows in it: {})", loss.table, loss.rows),
        };
        let change = |change: &String| format!("{change} changes rows");
        self.losses.iter().map(loss).chain(self.row_changes.iter().map(change)).collect()
    }
}

/// What `up` would do. Changes nothing.
pub async fn plan_up(ctx: &mut Context, to: Option<u64>) -> Result<MigrationPlan> {
    ctx.destination.check().await?;
    let migrations = load(ctx)?;
    let applied = ctx.destination.migrations().await?;
    let steps = upwards(&migrations, &applied, to)?;
    plan(ctx, steps).await
}

/// What `down` would do: one version back, or down to a version (0: all). Changes nothing.
pub async fn plan_down(ctx: &mut Context, to: Option<u64>) -> Result<MigrationPlan> {
    ctx.destination.check().await?;
    let migrations = load(ctx)?;
    let applied = ctx.destination.migrations().await?;
    let steps = downwards(&migrations, &applied, to)?;
    plan(ctx, steps).await
}

/// Pending migrations up to a version.
pub(super) fn upwards(
    migrations: &Migrations,
    applied: &[AppliedMigration],
    to: Option<u64>,
) -> Result<Vec<MigrationStep>> {
    let (current, newest) = (version(applied), migrations.all().len() as u64);
    let pending = migrations.pending(applied)?;
    match to {
        Some(wanted) if wanted > newest => Err(unknown(wanted, newest)),
        Some(wanted) if wanted < current => Err(Error::new(
            ErrorKind::Usage,
            "migration_direction",
            format!("the destination is at version {current} already, which is after {wanted}"),
        )
        .hint(format!("`fireferry schema down PIPELINE --to {wanted}` takes migrations back"))),
        _ => Ok(pending.into_iter().filter(|step| to.is_none_or(|wanted| step.version <= wanted)).collect()),
    }
}

/// Applied migrations to take back, the newest first.
pub(super) fn downwards(
    migrations: &Migrations,
    applied: &[AppliedMigration],
    to: Option<u64>,
) -> Result<Vec<MigrationStep>> {
    // What was applied must be what the folder holds: else its down files belong to something else.
    migrations.pending(applied)?;
    let current = version(applied);
    let wanted = to.unwrap_or(current.saturating_sub(1));
    if wanted > current {
        let message = format!("the destination is at version {current}, which is before {wanted}");
        return Err(Error::new(ErrorKind::Usage, "migration_direction", message)
            .hint(format!("`fireferry schema up PIPELINE --to {wanted}` applies migrations")));
    }
    let files = migrations.all().iter().rev().filter(|file| file.version > wanted && file.version <= current);
    Ok(files.map(|file| file.step(false)).collect())
}

/// The newest applied version.
pub(super) fn version(applied: &[AppliedMigration]) -> u64 {
    applied.iter().map(|record| record.version).max().unwrap_or(0)
}

fn unknown(wanted: u64, newest: u64) -> Error {
    Error::new(ErrorKind::Usage, "migration_unknown", format!("there is no version {wanted}: the newest is {newest}"))
        .hint("`fireferry schema status PIPELINE` lists them")
}

/// Tries the steps on a copy of the schema.
async fn plan(ctx: &mut Context, sequence: Vec<MigrationStep>) -> Result<MigrationPlan> {
    let mut found = MigrationPlan {
        destination: ctx.destination.describe(),
        steps: sequence.iter().map(|step| PlannedStep { file: file(step), sql: step.sql.clone() }).collect(),
        losses: Vec::new(),
        row_changes: sequence.iter().flat_map(row_changes).collect(),
        sequence,
    };
    if found.sequence.is_empty() {
        return Ok(found);
    }
    let (mut scratch, _guard) = steps::scratch(ctx, &[]).await?;
    let before = scratch.inspect().await?;
    for step in &found.sequence {
        scratch.migrate(step).await?;
    }
    let lost = losses(&before, &scratch.inspect().await?);
    let tables: Vec<String> = lost.iter().map(|loss| loss.table.clone()).collect();
    let rows = ctx.destination.count(&tables).await?;
    let lost = lost.into_iter().zip(rows);
    found.losses = lost.map(|(loss, rows)| Loss { table: loss.table, column: loss.column, rows }).collect();
    Ok(found)
}

/// The name of the step's file.
fn file(step: &MigrationStep) -> String {
    format!("{}.{}.sql", name(step), if step.up { "up" } else { "down" })
}

fn row_changes(step: &MigrationStep) -> Vec<String> {
    let statements = statements(&step.sql);
    let changes = statements.iter().filter_map(|statement| Some((statement.line, statement.row_change()?)));
    changes.map(|(line, word)| format!("{}:{line}: {}", file(step), word.to_ascii_uppercase())).collect()
}
