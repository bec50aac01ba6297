//! `rollback`: takes back exactly what one run did, so that afterwards it counts as never having happened.

mod plan;
mod prune;

pub(super) use prune::prune;

use super::lease::leased;
use super::{Context, backup, rejects};
use crate::crossing::crossing;
use crate::destination::Rollback;
use crate::error::{Error, ErrorKind, Result};
use crate::report::rollback::RollbackReport;
use plan::Planned;

/// Code of a destination's refusal while a run is half taken back.
const UNFINISHED: &str = "rollback_unfinished";

/// What a rollback was asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct RollbackOptions {
    /// Rows that others changed since, or that are in the way, do not stop it.
    pub force: bool,
    /// Take no backup first.
    pub no_backup: bool,
}

/// What taking the run back would do, and what speaks against it. Changes nothing.
///
/// # Errors
/// Codes `run_unknown`, `rollback_newer_run`, `rollback_no_log`, `rollback_schema_changed`.
pub async fn plan(ctx: &mut Context, run: &str) -> Result<RollbackReport> {
    check(ctx, run).await?;
    plan::plan(ctx, run, false).await.map(|planned| planned.report)
}

/// Whether the run could be taken back, without a look at its rows.
///
/// # Errors
/// Those of [`plan`].
pub async fn outline(ctx: &mut Context, run: &str) -> Result<RollbackReport> {
    check(ctx, run).await?;
    plan::outline(ctx, run, false).await.map(|planned| planned.report)
}

/// Takes the run back. The caller has the user's consent. What was interrupted goes on.
///
/// # Errors
/// Those of [`plan`], and `rollback_conflicts` unless it is forced.
pub async fn rollback(ctx: &mut Context, run: &str, options: RollbackOptions) -> Result<RollbackReport> {
    check(ctx, run).await?;
    leased(ctx, async |ctx| {
        let Planned { mut report, rollback, retry_of } = plan::plan(ctx, run, options.force).await?;
        if !options.force {
            refuse_conflicts(&report)?;
        }
        if !options.no_backup && !report.unfinished {
            let taken = backup::take(ctx, "rollback").await?;
            report.backup = Some(taken.path.display().to_string());
        }
        take_back(ctx, &rollback).await?;
        if let Some(first) = retry_of {
            rejects::export(ctx.destination.as_mut(), &ctx.state, &first).await?;
        }
        Ok(report)
    })
    .await
}

/// Takes back the run of this very process, which holds the lease and failed.
pub(super) async fn after_failure(ctx: &mut Context, run: &str) -> Result<()> {
    let Planned { report, rollback, .. } = plan::plan(ctx, run, false).await?;
    refuse_conflicts(&report)?;
    take_back(ctx, &rollback).await
}

/// A destination in which this very run is half taken back is what a rollback is for.
async fn check(ctx: &mut Context, run: &str) -> Result<()> {
    match ctx.destination.check().await {
        Err(error) if error.code() == UNFINISHED && error.message().contains(run) => Ok(()),
        checked => checked,
    }
}

fn refuse_conflicts(report: &RollbackReport) -> Result<()> {
    if report.conflicts.is_empty() {
        return Ok(());
    }
    let others = report.conflicts.iter().map(|conflict| {
        let message = format!("{} [{}]: {}", conflict.table, conflict.row, conflict.reason);
        Error::new(ErrorKind::Preflight, "rollback_conflict", message)
    });
    let message = format!("run {} is not taken back: rows were changed since, or are in the way", report.run);
    Err(Error::new(ErrorKind::Preflight, "rollback_conflicts", message)
        .hint("nothing was changed; look at these rows, or use --force: what others did to them is then lost")
        .and_others(others.collect()))
}

/// Child tables first, so that whoever reads meanwhile finds few rows without their parents.
async fn take_back(ctx: &mut Context, rollback: &Rollback) -> Result<()> {
    ctx.progress.phase("rollback");
    ctx.destination.begin_rollback(rollback).await?;
    crossing("rollback.begun");
    for index in (0..rollback.tables.len()).rev() {
        while ctx.destination.roll_back(rollback, index).await? > 0 {
            crossing("rollback.step");
            stop_if_asked(ctx, rollback)?;
        }
    }
    while ctx.destination.forget_run(&rollback.run).await? {
        crossing("rollback.forgetting");
        stop_if_asked(ctx, rollback)?;
    }
    crossing("rollback.forgotten");
    Ok(())
}

fn stop_if_asked(ctx: &Context, rollback: &Rollback) -> Result<()> {
    if !ctx.stop.is_cancelled() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Interrupted, "rollback_interrupted", "the rollback was stopped on request, half done")
        .hint(format!(
            "go on with `fireferry rollback {}`; until then nothing else uses the destination",
            rollback.run
        )))
}
