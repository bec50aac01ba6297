//! `run`: prepare (nothing is changed yet), then execute.

mod collections;
mod execute;
pub(super) mod outcome;
mod reading;
mod renew;
mod resume;
mod retire;

use std::time::Instant;

use jiff::Timestamp;

use super::preflight::{Examination, examine};
use super::steps::{self, ScratchGuard, Step};
use super::{Context, RunOptions, estimate, stage};
use crate::crossing::crossing;
use crate::destination::PartitionState;
use crate::domain::cursor::Partition;
use crate::error::{Error, ErrorKind, Result};
use crate::report::finding::{Finding, Severity};
use crate::report::plan::Estimate;
use crate::report::run::RunReport;
pub(super) use execute::Work;
pub(super) use resume::OVER;
use resume::Resumed;

/// A run that may start: lease held, preflight passed, time estimated.
pub struct Prepared {
    pub(super) ctx: Context,
    options: RunOptions,
    run: String,
    resumed: Option<Resumed>,
    examination: Examination,
    estimate: Option<Estimate>,
    started_at: Timestamp,
    started: Instant,
    /// Keeps the dry run's shadow until the end.
    _shadow: Option<ScratchGuard>,
}

/// Prepares and executes.
pub async fn run(ctx: Context, options: RunOptions) -> Result<RunReport> {
    prepare(ctx, options).await?.execute().await
}

/// Takes the lease, runs preflight, estimates, and refuses what is not safe. A dry run gets its shadow here.
pub async fn prepare(mut ctx: Context, options: RunOptions) -> Result<Prepared> {
    let started_at = Timestamp::now();
    let started = Instant::now();
    let fresh_stage = stage::enter(&mut ctx, &options).await?;
    if ctx.stage.as_ref().is_some_and(|stage| stage.entry().is_some()) {
        return resume::complete_stage(ctx, options, started_at, started).await;
    }
    let ready = match make_ready(&mut ctx, options).await {
        Ok(ready) => ready,
        Err(error) => {
            give_up(&mut ctx).await;
            return Err(error);
        }
    };
    if let Some(fresh) = fresh_stage {
        fresh.keep();
    }
    let Ready { options, run, resumed, examination, estimate, shadow } = ready;
    Ok(Prepared { ctx, options, run, resumed, examination, estimate, started_at, started, _shadow: shadow })
}

/// What a run may start with.
struct Ready {
    options: RunOptions,
    run: String,
    resumed: Option<Resumed>,
    examination: Examination,
    estimate: Option<Estimate>,
    shadow: Option<ScratchGuard>,
}

/// Leaves nothing behind of a run that does not start: no lease that others would have to wait for.
async fn give_up(ctx: &mut Context) {
    // Why it does not start is what counts.
    let _ = ctx.destination.release_lease().await;
    if let Some(stage) = &mut ctx.stage {
        stage.give_up().await;
    }
}

async fn make_ready(ctx: &mut Context, options: RunOptions) -> Result<Ready> {
    if !options.dry_run && may_hold_lease(ctx).await {
        ctx.destination.acquire_lease(&ctx.initiated_by).await?;
        crossing("lease.taken");
        retire::finish_earlier(ctx).await?;
    }
    let (options, record) = resume::find(ctx, options).await?;
    if let Some(most) = options.max_reads.or(ctx.pipeline.settings.max_reads) {
        ctx.source.limit_reads(most);
    }
    if record.is_none() && !options.dry_run && options.retry.is_none() {
        resume::mention_unfinished(ctx).await;
    }
    ctx.progress.phase("preflight");
    let mut examination = examine(ctx, &options).await?;
    examination.refuse_unless_safe()?;
    crossing("preflight.passed");
    let options = RunOptions { deletes: options.deletes || examination.deletes_due, ..options };
    if !options.dry_run {
        // What was in the way at first may be gone by now; without the lease nothing is written.
        ctx.destination.acquire_lease(&ctx.initiated_by).await?;
    }
    let resumed = match record {
        Some(record) => Some(resume::compare(ctx, record, &examination).await?),
        None => None,
    };
    for finding in examination.findings.iter().filter(|finding| finding.severity > Severity::Info) {
        ctx.progress.message(&format!("warning: {}", finding.message));
    }
    let estimate = match resumed {
        None if !examination.nothing_left => {
            estimate::estimate(ctx, &options, &examination.steps, &examination.counts).await?
        }
        _ => None,
    };
    if let Some(warning) = estimate.as_ref().and_then(|estimate| estimate.warning.clone()) {
        ctx.progress.message(&format!("warning: {warning}"));
        examination.findings.push(Finding::new(Severity::Warning, "time_limit", warning));
    }
    let shadow = if options.dry_run { Some(enter_shadow(ctx, &examination.steps).await?) } else { None };
    let run = match (&resumed, &ctx.stage) {
        (Some(resumed), _) => resumed.record.run.clone(),
        (None, Some(stage)) => stage.run().to_owned(),
        (None, None) => uuid::Uuid::now_v7().to_string(),
    };
    Ok(Ready { options, run, resumed, examination, estimate, shadow })
}

/// False for a destination that cannot be written at all, which preflight explains. One that is busy can be leased: it
/// may be busy because another run holds the lease. A server says by the lease itself whether it can be written.
async fn may_hold_lease(ctx: &mut Context) -> bool {
    let allowed = |result: Result<()>| result.map_or_else(|error| error.kind() == ErrorKind::Transient, |()| true);
    let local = ctx.destination.capabilities().local;
    allowed(ctx.destination.check().await) && (!local || allowed(ctx.destination.check_writable().await))
}

impl Prepared {
    /// Id of the run; that of the interrupted one when it is resumed.
    pub fn run_id(&self) -> &str {
        &self.run
    }

    /// Whether it goes on with an earlier run.
    pub fn is_resumed(&self) -> bool {
        self.resumed.is_some()
    }

    /// The partitions of a run that wrote nothing yet.
    fn fresh_partitions(&self) -> Vec<PartitionState> {
        let steps = self.examination.steps.iter().zip(&self.examination.partitions);
        let of = |(step, partitions): (&Step, &Vec<Partition>)| {
            let name = step.name().to_owned();
            partitions.clone().into_iter().map(move |partition| PartitionState::at_start(name.clone(), partition))
        };
        steps.flat_map(of).collect()
    }

    /// The limit of billed reads.
    fn max_reads(&self) -> Option<u64> {
        self.options.max_reads.or(self.ctx.pipeline.settings.max_reads)
    }

    /// When it was started.
    pub fn started_at(&self) -> Timestamp {
        self.started_at
    }

    /// Does the work. Once this is called, whatever happens is told by the report, errors too.
    pub async fn execute(self) -> Result<RunReport> {
        // The writer is synchronous inside: it gets its own thread, and async threads stay free for readers.
        let runtime = tokio::runtime::Handle::current();
        let work = tokio::task::spawn_blocking(move || runtime.block_on(execute::execute(self)));
        work.await.map_err(|error| {
            Error::new(ErrorKind::Internal, "engine_panicked", "the run ended by a defect in fireferry")
                .hint("what was committed is safe; go on with `--resume`, and please report this")
                .caused_by(error)
        })
    }
}

/// Replaces the destination by a throw-away copy: the pipeline's tables with their rows.
async fn enter_shadow(ctx: &mut Context, steps: &[Step]) -> Result<ScratchGuard> {
    let schema = ctx.destination.inspect().await?;
    let tables: Vec<String> =
        steps.iter().flat_map(Step::tables).filter(|name| schema.table(name).is_some()).map(str::to_owned).collect();
    let (shadow, guard) = steps::scratch(ctx, &tables).await?;
    ctx.destination = shadow;
    Ok(guard)
}
