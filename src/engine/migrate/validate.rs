//! `schema validate`: is the schema what the applied migrations make, and are its rows sound?

use serde::Serialize;

use super::load;
use super::plan::version;
use crate::domain::schema::Schema;
use crate::domain::schema_diff::{Kind, differences};
use crate::engine::Context;
use crate::engine::steps::blank;
use crate::error::Result;
use crate::report::finding::{Finding, Severity};
use crate::schema::Migrations;

/// Rows without a parent that are shown per table.
const SHOWN: usize = 10;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SchemaReport {
    /// No finding is an error.
    pub valid: bool,
    /// The destination, for people.
    pub destination: String,
    /// The newest applied migration; 0 before the first.
    pub version: u64,
    /// Everything that was found.
    pub problems: Vec<Finding>,
}

/// Checks checksums, the schema against what the migrations make of an empty database, integrity and foreign keys.
/// Changes nothing.
pub async fn validate(ctx: &mut Context) -> Result<SchemaReport> {
    ctx.destination.check().await?;
    let version = version(&ctx.destination.migrations().await?);
    let problems = problems(ctx).await?;
    let valid = problems.iter().all(|finding| finding.severity < Severity::Error);
    Ok(SchemaReport { valid, destination: ctx.destination.describe(), version, problems })
}

/// What is wrong now.
pub(super) async fn problems(ctx: &mut Context) -> Result<Vec<Finding>> {
    let migrations = load(ctx)?;
    let applied = ctx.destination.migrations().await?;
    let mut found = Vec::new();
    match migrations.pending(&applied) {
        Err(error) => found.push(Finding::of_error(&error)),
        Ok(_) => {
            let expected = expected(ctx, &migrations, version(&applied)).await?;
            found.extend(compare(&ctx.destination.inspect().await?, &expected));
        }
    }
    for problem in ctx.destination.integrity(true).await? {
        let finding = Finding::new(Severity::Error, "destination_damaged", problem);
        found.push(finding.hint("restore a backup (`fireferry backup list`)"));
    }
    let schema = ctx.destination.inspect().await?;
    let tables: Vec<String> = schema.tables.iter().map(|table| table.name.clone()).collect();
    for violation in ctx.destination.foreign_key_check(&tables, SHOWN).await? {
        let row = violation.rowid.map_or_else(|| "a row".to_owned(), |rowid| format!("row {rowid}"));
        let what = format!("{row} of table {} has no parent in {}", violation.table, violation.parent);
        found.push(Finding::new(Severity::Error, "foreign_key_violated", what).hint("mend or delete it"));
    }
    Ok(found)
}

/// What the first migrations make of an empty database.
pub(super) async fn expected(ctx: &mut Context, migrations: &Migrations, version: u64) -> Result<Schema> {
    let (mut scratch, _guard) = blank(ctx).await?;
    for file in migrations.all().iter().filter(|file| file.version <= version) {
        scratch.migrate(&file.step(true)).await?;
    }
    scratch.inspect().await
}

/// What differs, as findings. What the migrations know nothing of is somebody else's, and no error.
pub(super) fn compare(actual: &Schema, expected: &Schema) -> Vec<Finding> {
    let finding = |difference: crate::domain::schema_diff::Difference| {
        let severity = if difference.kind == Kind::Extra { Severity::Warning } else { Severity::Error };
        Finding::new(severity, "schema_differs", difference.what)
            .hint("the migrations make something else: write the difference as a migration, or undo it by hand")
    };
    differences(actual, expected).into_iter().map(finding).collect()
}
