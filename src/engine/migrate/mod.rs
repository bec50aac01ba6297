//! Versioned migrations of the destination: what they would do, doing it, and whether the schema is what they say.

mod adopt;
mod plan;
mod rehearse;
mod take;
mod validate;

use std::path::Path;

use serde::Serialize;

use super::Context;
use crate::crossing::crossing;
use crate::destination::{AppliedMigration, Destination, MigrationStep};
use crate::error::{Error, ErrorKind, Result};
use crate::schema::{Migration, Migrations};

pub use adopt::{AdoptReport, adopt};
pub use plan::{Loss, MigrationPlan, PlannedStep, plan_down, plan_up};
pub use rehearse::{RehearsalReport, made, rehearse, rehearse_next};
pub use take::{Options, Outcome, down, up};
pub use validate::{SchemaReport, validate};

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

/// For programs that migrate their own database when they start: applies what the folder has and the destination has not.
/// Returns the names of what was applied; two programs that start at once take turns.
///
/// # Errors
/// As `schema up`: a folder that is not what was applied, a migration that fails (nothing of it is applied then), a
/// destination that somebody else holds.
pub async fn migrate_at_start(destination: &mut dyn Destination, folder: &Path, owner: &str) -> Result<Vec<String>> {
    let migrations = Migrations::load(folder)?;
    destination.check().await?;
    if migrations.pending(&destination.migrations().await?)?.is_empty() {
        return Ok(Vec::new());
    }
    destination.acquire_lease(owner).await?;
    let applied = async {
        let mut names = Vec::new();
        // Asked again: somebody else may have applied them meanwhile.
        for step in migrations.pending(&destination.migrations().await?)? {
            destination.migrate(&step).await?;
            names.push(name(&step));
        }
        Ok(names)
    };
    let applied = applied.await;
    destination.release_lease().await?;
    applied
}

/// Applies migrations in order and says so: `applied migration 0001_users`.
pub(super) async fn apply(ctx: &mut Context, pending: &[MigrationStep], saying: &str) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for step in pending {
        ctx.destination.migrate(step).await?;
        crossing("schema.migrated");
        ctx.progress.message(&format!("{saying} {}", name(step)));
        names.push(name(step));
    }
    Ok(names)
}

/// `0001_create_users`.
pub(super) fn name(step: &MigrationStep) -> String {
    format!("{:04}_{}", step.version, step.name)
}

/// The same of a file.
fn name_of(file: &Migration) -> String {
    name(&file.step(true))
}

/// The pipeline's migrations.
pub(super) fn load(ctx: &Context) -> Result<Migrations> {
    let folder = ctx.pipeline.schema.as_ref().ok_or_else(|| {
        Error::new(ErrorKind::Config, "no_schema", "the pipeline names no folder of migrations")
            .file(&ctx.pipeline.file)
            .hint("add `schema: ../schemas/NAME` to the pipeline")
    })?;
    Migrations::load(folder)
}
