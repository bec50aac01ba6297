//! `schema test`: every migration up, down and up again, on an empty database and on a copy with the destination's rows.

use serde::Serialize;

use super::plan::version;
use super::validate::expected;
use super::{load, name_of};
use crate::destination::Destination;
use crate::domain::schema::Schema;
use crate::domain::schema_diff::differences;
use crate::engine::Context;
use crate::engine::steps::{blank, scratch};
use crate::error::{Error, ErrorKind, Result};
use crate::schema::{Migration, Migrations};

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RehearsalReport {
    /// Every migration can be applied, taken back and applied again.
    pub valid: bool,
    /// Tried on an empty database.
    pub migrations: Vec<String>,
    /// Tried on a copy with the destination's rows.
    pub with_rows: Vec<String>,
    /// What went wrong.
    pub problems: Vec<String>,
}

/// Tries all of them. Changes nothing.
pub async fn rehearse(ctx: &mut Context) -> Result<RehearsalReport> {
    ctx.destination.check().await?;
    let migrations = load(ctx)?;
    let applied = ctx.destination.migrations().await?;
    migrations.pending(&applied)?;
    let mut problems = Vec::new();
    on_nothing(ctx, &migrations, &mut problems).await?;
    let with_rows = on_rows(ctx, &migrations, version(&applied), &mut problems).await?;
    let names = migrations.all().iter().map(name_of).collect();
    Ok(RehearsalReport { valid: problems.is_empty(), migrations: names, with_rows, problems })
}

async fn on_nothing(ctx: &mut Context, migrations: &Migrations, problems: &mut Vec<String>) -> Result<()> {
    let (mut database, _guard) = blank(ctx).await?;
    let nothing = database.inspect().await?;
    for file in migrations.all() {
        if !there_and_back(database.as_mut(), file, problems).await? {
            return Ok(());
        }
    }
    let newest = database.inspect().await?;
    for file in migrations.all().iter().rev() {
        database.migrate(&file.step(false)).await?;
    }
    expect(&database.inspect().await?, &nothing, "after taking all of them back", problems);
    for file in migrations.all() {
        database.migrate(&file.step(true)).await?;
    }
    expect(&database.inspect().await?, &newest, "after applying all of them again", problems);
    Ok(())
}

/// What the folder of migrations makes of an empty database, and the version that a next one has.
pub async fn made(ctx: &mut Context) -> Result<(Schema, u64)> {
    let migrations = load(ctx)?;
    let newest = migrations.all().last().map_or(0, |file| file.version);
    Ok((expected(ctx, &migrations, newest).await?, newest + 1))
}

/// Tries a migration that is not in the folder yet, behind all that are: the schema after it.
///
/// # Errors
/// Code `migration_failed` when it fails, `migration_one_way` when taking it back does not give what was before.
pub async fn rehearse_next(ctx: &mut Context, next: &Migration) -> Result<Schema> {
    let migrations = load(ctx)?;
    let (mut database, _guard) = blank(ctx).await?;
    for file in migrations.all() {
        database.migrate(&file.step(true)).await?;
    }
    let mut problems = Vec::new();
    there_and_back(database.as_mut(), next, &mut problems).await?;
    match problems.into_iter().next() {
        None => database.inspect().await,
        Some(problem) => Err(Error::new(ErrorKind::Internal, "migration_one_way", problem)
            .hint("please report it, with the migrations of the pipeline")),
    }
}

/// The pending ones, or the newest applied one when none is pending.
async fn on_rows(
    ctx: &mut Context,
    migrations: &Migrations,
    applied: u64,
    problems: &mut Vec<String>,
) -> Result<Vec<String>> {
    let schema = ctx.destination.inspect().await?;
    let tables: Vec<String> = schema.tables.iter().map(|table| table.name.clone()).collect();
    if tables.is_empty() || !problems.is_empty() {
        return Ok(Vec::new());
    }
    let (mut database, _guard) = scratch(ctx, &tables).await?;
    let mut tried = Vec::new();
    for file in migrations.all().iter().filter(|file| file.version > applied) {
        tried.push(name_of(file));
        if !there_and_back(database.as_mut(), file, problems).await? {
            return Ok(tried);
        }
    }
    if let Some(file) = migrations.all().iter().find(|file| tried.is_empty() && file.version == applied) {
        tried.push(name_of(file));
        let before = database.inspect().await?;
        if step(database.as_mut(), file, false, problems).await?
            && step(database.as_mut(), file, true, problems).await?
        {
            expect(&database.inspect().await?, &before, &format!("after {} again", name_of(file)), problems);
        }
    }
    Ok(tried)
}

/// Up, down, up; false when a step failed.
async fn there_and_back(database: &mut dyn Destination, file: &Migration, problems: &mut Vec<String>) -> Result<bool> {
    let before = database.inspect().await?;
    if !step(database, file, true, problems).await? {
        return Ok(false);
    }
    let after = database.inspect().await?;
    if !step(database, file, false, problems).await? {
        return Ok(false);
    }
    expect(&database.inspect().await?, &before, &format!("after taking {} back", name_of(file)), problems);
    if !step(database, file, true, problems).await? {
        return Ok(false);
    }
    expect(&database.inspect().await?, &after, &format!("after {} again", name_of(file)), problems);
    Ok(true)
}

async fn step(database: &mut dyn Destination, file: &Migration, up: bool, problems: &mut Vec<String>) -> Result<bool> {
    match database.migrate(&file.step(up)).await {
        Ok(()) => Ok(true),
        Err(error) if error.code() == "migration_failed" => {
            problems.push(error.to_string());
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

fn expect(actual: &Schema, expected: &Schema, when: &str, problems: &mut Vec<String>) {
    let found = differences(actual, expected);
    problems.extend(found.into_iter().map(|difference| format!("{when}: {}", difference.what)));
}
