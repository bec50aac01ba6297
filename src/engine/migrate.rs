//! `schema up` and `schema status`.

use serde::Serialize;

use super::Context;
use crate::destination::{AppliedMigration, MigrationStep};
use crate::error::{Error, ErrorKind, Result};
use crate::schema::Migrations;

/// Where the destination's schema stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MigrationStatus {
    /// The destination, for people.
    pub destination: String,
    /// Applied, by version.
    pub applied: Vec<AppliedMigration>,
    /// `NNNN_name` of those not applied yet, by version.
    pub pending: Vec<String>,
}

/// Compares the folder of migrations with the destination. Changes nothing.
pub async fn status(ctx: &mut Context) -> Result<MigrationStatus> {
    ctx.destination.check().await?;
    let applied = ctx.destination.migrations().await?;
    let pending = load(ctx)?.pending(&applied)?.iter().map(name).collect();
    Ok(MigrationStatus { destination: ctx.destination.describe(), applied, pending })
}

/// Applies pending migrations up to a version (all by default), each in its own transaction. Returns their names.
pub async fn up(ctx: &mut Context, to: Option<u64>) -> Result<Vec<String>> {
    ctx.destination.check().await?;
    let migrations = load(ctx)?;
    ctx.destination.acquire_lease(&ctx.initiated_by).await?;
    let pending = migrations.pending(&ctx.destination.migrations().await?)?;
    let wanted = pending.into_iter().filter(|step| to.is_none_or(|version| step.version <= version));
    let applied = apply(ctx, &wanted.collect::<Vec<_>>(), "applied migration").await;
    ctx.destination.release_lease().await?;
    applied
}

/// Applies migrations in order and says so: `applied migration 0001_users`.
pub(super) async fn apply(ctx: &mut Context, pending: &[MigrationStep], saying: &str) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for step in pending {
        ctx.destination.migrate(step).await?;
        ctx.progress.message(&format!("{saying} {}", name(step)));
        names.push(name(step));
    }
    Ok(names)
}

/// `0001_create_users`.
pub(super) fn name(step: &MigrationStep) -> String {
    format!("{:04}_{}", step.version, step.name)
}

fn load(ctx: &Context) -> Result<Migrations> {
    let folder = ctx.pipeline.schema.as_ref().ok_or_else(|| {
        Error::new(ErrorKind::Config, "no_schema", "the pipeline names no folder of migrations")
            .file(&ctx.pipeline.file)
            .hint("add `schema: ../schemas/NAME` to the pipeline")
    })?;
    Migrations::load(folder)
}
