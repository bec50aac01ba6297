//! `schema up` and `schema down`: every migration in its own transaction, a backup before data goes, and a look at the
//! schema afterwards.

use serde::Serialize;

use super::plan::{MigrationPlan, plan_down, plan_up};
use super::{apply, load, validate};
use crate::engine::lease::leased;
use crate::engine::{Context, backup};
use crate::error::Result;
use crate::pipeline::resolved::BackupPolicy;
use crate::report::finding::Finding;

/// How far, and what is left out.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// The version that the destination is at afterwards.
    pub to: Option<u64>,
    /// No backup is taken, whatever goes.
    pub no_backup: bool,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// `0002_more`, in the order they ran.
    pub migrations: Vec<String>,
    /// The backup taken first.
    pub backup: Option<String>,
    /// What may be gone now.
    pub dangers: Vec<String>,
    /// What is wrong with the schema or its rows now.
    pub problems: Vec<Finding>,
}

/// Applies pending migrations up to a version (all by default).
pub async fn up(ctx: &mut Context, options: Options) -> Result<Outcome> {
    perform(ctx, options, true).await
}

/// Takes migrations back: one, or down to a version (0: all). The caller has the user's consent.
pub async fn down(ctx: &mut Context, options: Options) -> Result<Outcome> {
    perform(ctx, options, false).await
}

async fn perform(ctx: &mut Context, options: Options, upwards: bool) -> Result<Outcome> {
    // A folder that is wrong is told before anything is locked.
    load(ctx)?;
    ctx.destination.check().await?;
    leased(ctx, async |ctx| held(ctx, options, upwards).await).await
}

async fn held(ctx: &mut Context, options: Options, upwards: bool) -> Result<Outcome> {
    let plan = if upwards { plan_up(ctx, options.to).await? } else { plan_down(ctx, options.to).await? };
    let backup = back_up(ctx, options, &plan, upwards).await?;
    for danger in plan.dangers() {
        ctx.progress.message(&format!("warning: {danger}"));
    }
    let saying = if upwards { "applied migration" } else { "took back migration" };
    let migrations = apply(ctx, &plan.sequence, saying).await?;
    let problems = if migrations.is_empty() { Vec::new() } else { validate::problems(ctx).await? };
    Ok(Outcome { migrations, backup, dangers: plan.dangers(), problems })
}

async fn back_up(ctx: &mut Context, options: Options, plan: &MigrationPlan, upwards: bool) -> Result<Option<String>> {
    // The way down is always one that loses something, if only what a later `up` puts in.
    let wanted = !plan.sequence.is_empty() && (plan.is_destructive() || !upwards);
    if !wanted || options.no_backup || (upwards && ctx.pipeline.backup == BackupPolicy::Never) {
        return Ok(None);
    }
    let entry = backup::take(ctx, if upwards { "schema-up" } else { "schema-down" }).await?;
    ctx.progress.message(&format!("backed up the destination to {}", entry.path.display()));
    Ok(Some(entry.path.display().to_string()))
}
