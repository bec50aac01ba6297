//! `schema adopt`: a database whose tables were made by other means is taken over at a version, if it is what that version
//! makes.

use serde::Serialize;

use super::plan::version;
use super::validate::expected;
use super::{load, name_of};
use crate::destination::MigrationStep;
use crate::domain::schema_diff::{Difference, Kind, differences};
use crate::engine::Context;
use crate::engine::lease::leased;
use crate::error::{Error, ErrorKind, Result};
use crate::schema::Migrations;

/// What was taken over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AdoptReport {
    /// Migrations that count as applied from now on, without having been run.
    pub adopted: Vec<String>,
    /// What is not quite as the migrations make it.
    pub differences: Vec<String>,
}

/// Records the migrations up to a version as applied. None of their statements is executed.
///
/// # Errors
/// Kind `Preflight`: tables, columns, keys or foreign keys are not what these migrations make.
pub async fn adopt(ctx: &mut Context, to: u64) -> Result<AdoptReport> {
    let migrations = load(ctx)?;
    ctx.destination.check().await?;
    leased(ctx, async |ctx| held(ctx, &migrations, to).await).await
}

async fn held(ctx: &mut Context, migrations: &Migrations, to: u64) -> Result<AdoptReport> {
    let applied = ctx.destination.migrations().await?;
    migrations.pending(&applied)?;
    let known = version(&applied);
    let wanted: Vec<_> = migrations.all().iter().filter(|file| file.version > known && file.version <= to).collect();
    if wanted.is_empty() || migrations.all().len() < usize::try_from(to).unwrap_or(usize::MAX) {
        let message = format!("there is nothing to adopt up to version {to}: the destination is at {known}");
        return Err(Error::new(ErrorKind::Usage, "nothing_to_adopt", message)
            .hint("`fireferry schema status PIPELINE` lists the migrations"));
    }
    let expected = expected(ctx, migrations, to).await?;
    let found = differences(&ctx.destination.inspect().await?, &expected);
    refuse_others(&found, to)?;
    let mut adopted = Vec::new();
    for file in wanted {
        let step = MigrationStep { sql: String::new(), ..file.step(true) };
        ctx.destination.migrate(&step).await?;
        ctx.progress.message(&format!("adopted migration {}", name_of(file)));
        adopted.push(name_of(file));
    }
    Ok(AdoptReport { adopted, differences: found.into_iter().map(|difference| difference.what).collect() })
}

fn refuse_others(found: &[Difference], to: u64) -> Result<()> {
    let wrong: Vec<&str> =
        found.iter().filter(|found| found.kind == Kind::Structure).map(|found| found.what.as_str()).collect();
    if wrong.is_empty() {
        return Ok(());
    }
    let list: String = wrong.iter().map(|what| format!("\n  - {what}")).collect();
    let message = format!("the destination is not what the migrations up to {to} make:{list}");
    Err(Error::new(ErrorKind::Preflight, "schema_differs", message)
        .hint("adopt another version, or make the difference a migration of its own"))
}
