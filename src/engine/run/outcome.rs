//! How a run ended, and its report.

use jiff::Timestamp;

use super::super::budget::Stop;
use super::Prepared;
use super::execute::Work;
use crate::error::{ErrorKind, Result};
use crate::report::failure::Failure;
use crate::report::run::{RunReport, Status, Totals};

/// The status that tells most: an error before a stop, a stop before differences, those before rejects.
pub(in super::super) fn status(work: &Work, result: &Result<()>) -> Status {
    match (result, &work.stop) {
        (Err(error), _) => match error.kind() {
            ErrorKind::Interrupted => Status::Interrupted,
            ErrorKind::Budget => Status::BudgetReached,
            _ => Status::Failed,
        },
        (Ok(()), Some(Stop::Requested)) => Status::Interrupted,
        (Ok(()), Some(Stop::Budget(_))) => Status::BudgetReached,
        (Ok(()), None) if !work.valid() => Status::CompletedWithDifferences,
        (Ok(()), None) if work.totals.rejected + work.totals.waiting > 0 => Status::CompletedWithRejects,
        (Ok(()), None) => Status::Completed,
    }
}

/// Whether the run needs no resume any more.
pub(super) fn is_over(work: &Work, result: &Result<()>) -> bool {
    super::resume::OVER.contains(&status(work, result).as_str())
}

/// The report of a run.
pub(in super::super) fn report(run: &Prepared, work: &mut Work, result: &Result<()>) -> RunReport {
    let status = if work.rolled_back { Status::RolledBack } else { status(work, result) };
    let seconds = run.started.elapsed().as_secs_f64();
    if let Some(Stop::Budget(reason)) = &work.stop {
        work.warnings.push(format!("stopped: {reason}; go on with `--resume`"));
    }
    let reads = super::reading::reads(run, work);
    for report in &mut work.collections {
        report.since = work.details.since.get(&report.collection).cloned();
        report.snapshot = work.details.earlier_snapshots.get(&report.collection).cloned();
    }
    RunReport {
        run_id: run.run.clone(),
        pipeline: run.ctx.pipeline.name.clone(),
        status,
        dry_run: run.options.dry_run,
        initiated_by: run.ctx.initiated_by.clone(),
        started_at: run.started_at.to_string(),
        finished_at: Timestamp::now().to_string(),
        duration_seconds: seconds,
        estimate: run.estimate.clone(),
        snapshot: work.details.snapshot.clone(),
        reads,
        backup: work.details.backup.clone(),
        retry_of: run.options.retry.as_ref().map(|retry| retry.of.clone()),
        stage: run.ctx.stage.as_ref().map(|stage| stage.file().display().to_string()),
        totals: totals(work, seconds),
        collections: work.collections.clone(),
        rejects: std::mem::take(&mut work.rejects),
        total_rejects: work.total_rejects,
        warnings: work.warnings.clone(),
        drift: work.drift.report(),
        samples: std::mem::take(&mut work.samples),
        rollback: None,
        error: result.as_ref().err().map(Failure::from),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rate for people")]
fn totals(work: &Work, seconds: f64) -> Totals {
    let mut totals = Totals::of(&work.collections);
    totals.documents_per_second = (work.totals.read - work.read_before) as f64 / seconds.max(1e-6);
    totals
}
