//! The work of a run, step by step. What is durable is kept in [`Work`], so that the report tells the truth
//! whatever happens.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::budget::{Budget, Stop};
use super::super::details::{Details, UndoState, Written};
use super::super::drift::Drift;
use super::super::incremental::Mark;
use super::super::sample::{self, Selection};
use super::super::steps::Step;
use super::super::validate::{Known, passed_over, tables_of, validate, validate_sum};
use super::super::{backup, deletes, migrate, rejects, rollback, samples, stage};
use super::{Prepared, collections, outcome, reading, renew, retire};
use crate::crossing::crossing;
use crate::destination::{OnConflict, RunRecord};
use crate::domain::cursor::{Counts, Partition};
use crate::error::Result;
use crate::report::run::{CollectionReport, RejectReport, RunReport, Sample, Status};

/// Records of incremental runs that are kept in the destination; the ledger has all of them.
const RUNS_KEPT: u64 = 100;
/// Rejects taken off their lists in one transaction.
const CLOSED_AT_ONCE: usize = 1_000;
/// Rows without a parent that are shown per table.
const VIOLATIONS: usize = 10;

/// What became of a run so far.
#[derive(Default)]
pub(in super::super) struct Work {
    pub record: Option<RunRecord>,
    pub details: Details,
    pub collections: Vec<CollectionReport>,
    pub tallies: Vec<Counts>,
    pub totals: Counts,
    /// Documents that earlier invocations had read.
    pub read_before: i64,
    pub stop: Option<Stop>,
    pub rejects: Vec<RejectReport>,
    pub total_rejects: u64,
    pub samples: Vec<Sample>,
    pub drift: Drift,
    pub warnings: Vec<String>,
    /// The run failed, and was taken back.
    pub rolled_back: bool,
}

/// Runs everything and reports.
pub(super) async fn execute(mut run: Prepared) -> RunReport {
    let mut work = Work { warnings: run.examination.warnings(), ..Work::default() };
    work.warnings.extend(run.options.retry.iter().flat_map(|retry| retry.warnings.clone()));
    let result = perform(&mut run, &mut work).await;
    let result = conclude(&mut run, &mut work, result).await;
    if let Some(retry) = run.options.retry.as_ref().filter(|_| outcome::is_over(&work, &result)) {
        retry.forget();
    }
    outcome::report(&run, &mut work, &result)
}

async fn perform(run: &mut Prepared, work: &mut Work) -> Result<()> {
    if let Some(entry) = run.ctx.stage.as_ref().and_then(|stage| stage.entry()).cloned() {
        // Everything but the import was done before.
        work.take_over(run, entry.report);
        return conclude_load(run, work).await;
    }
    if run.examination.nothing_left {
        work.warnings.push("nothing left to do: the source holds only what earlier runs put away".to_owned());
        return Ok(());
    }
    let rows_before = prepare_destination(run, work).await?;
    let selections = select(run).await?;
    begin(run, work, &selections, rows_before).await?;
    let budget = Budget::new(&run.ctx.pipeline.settings, &run.options, run.ctx.stop.clone(), run.started);
    collections::load_all(run, work, &budget, &selections).await?;
    if work.stop.is_none() {
        collections::settle_waiting(run, work, &budget).await?;
    }
    if work.stop.is_none() {
        finish(run, work).await?;
        settle_retry(run, work).await?;
        close_rejects(run, work).await?;
        remove_deleted(run, work).await?;
        prune(run).await?;
        conclude_load(run, work).await?;
    }
    Ok(())
}

/// All documents of a retry are decided: they leave the list of the run that rejected them.
async fn settle_retry(run: &mut Prepared, work: &Work) -> Result<()> {
    let Some(retry) = run.options.retry.clone().filter(|_| !run.options.dry_run) else { return Ok(()) };
    let kept_by = (work.details.undo == UndoState::On).then_some(run.run.as_str());
    retry.settle(run.ctx.destination.as_mut(), run.ctx.source.clone(), kept_by).await?;
    rejects::export(run.ctx.destination.as_mut(), &run.ctx.state, &retry.of).await.map(drop)
}

/// Documents that earlier runs rejected, and this one read again: they are decided, or on this run's list.
async fn close_rejects(run: &mut Prepared, work: &Work) -> Result<()> {
    let kept_by = (work.details.undo == UndoState::On).then_some(run.run.as_str());
    for ids in work.details.closes.chunks(CLOSED_AT_ONCE) {
        run.ctx.destination.close_rejects(ids, kept_by).await?;
    }
    Ok(())
}

/// After the last document was written, and counts were looked at: these rows belong to no document.
async fn remove_deleted(run: &mut Prepared, work: &mut Work) -> Result<()> {
    if run.options.sample.is_some() || run.options.retry.is_some() {
        return Ok(());
    }
    let steps = run.examination.steps.clone();
    deletes::remove(&mut run.ctx, &run.options, &steps, work).await
}

/// Frequent runs leave no more records than somebody will look at.
async fn prune(run: &mut Prepared) -> Result<()> {
    if run.options.incremental && !run.options.dry_run {
        run.ctx.destination.prune_runs(&run.ctx.pipeline.name, RUNS_KEPT).await?;
    }
    Ok(())
}

/// The steps of which everything is read.
fn whole(steps: &[Step]) -> Vec<Step> {
    steps.iter().filter(|step| step.reach.is_none()).cloned().collect()
}

/// What comes after a load whose counts were looked at: a stage's import, putting the source away.
async fn conclude_load(run: &mut Prepared, work: &mut Work) -> Result<()> {
    stage::push(run, work).await?;
    if work.stop.is_none() { retire_source(run, work).await } else { Ok(()) }
}

/// Backup, then migrations, then fireferry's own tables. Returns the rows of every table before a new run.
async fn prepare_destination(run: &mut Prepared, work: &mut Work) -> Result<BTreeMap<String, u64>> {
    if !run.options.dry_run
        && run.resumed.is_none()
        && let Some(entry) = backup::before_run(&mut run.ctx, &run.options).await?
    {
        run.ctx.progress.message(&format!("backed up the destination to {}", entry.path.display()));
        work.details.backup = Some(entry.path.display().to_string());
    }
    if let Some(future) = &run.examination.future {
        let pending = future.pending.clone();
        let saying = if run.options.dry_run { "a real run would apply migration" } else { "applied migration" };
        migrate::apply(&mut run.ctx, &pending, saying).await?;
    }
    // A resumed run knows what was there before it.
    let tables = if run.resumed.is_some() { Vec::new() } else { tables_of(&whole(&run.examination.steps)) };
    let rows = run.ctx.destination.initialize_and_count(&tables).await?;
    crossing("tables.made");
    Ok(tables.into_iter().zip(rows).collect())
}

async fn select(run: &Prepared) -> Result<Vec<Option<Arc<Selection>>>> {
    let steps = &run.examination.steps;
    match (run.options.sample, &run.examination.future) {
        (Some(size), Some(future)) => {
            let selections = sample::select(&run.ctx, &run.options, steps, &future.schema, size).await?;
            Ok(selections.into_iter().map(Some).collect())
        }
        _ => Ok(steps.iter().map(|_| None).collect()),
    }
}

/// Stores the run with its partitions before the first commit, or takes over the one that is resumed.
async fn begin(
    run: &mut Prepared,
    work: &mut Work,
    selections: &[Option<Arc<Selection>>],
    rows_before: BTreeMap<String, u64>,
) -> Result<()> {
    if let Some(resumed) = &mut run.resumed {
        work.details = resumed.details.clone();
        resumed.record.status = Status::Running.as_str().to_owned();
        work.record = Some(resumed.record.clone());
        if run.options.new_snapshot {
            return renew::renew(run, work).await;
        }
        return run.ctx.destination.update_run(&resumed.record).await;
    }
    let backup = work.details.backup.take();
    work.details = Details { backup, rows_before, ..details_of(run, selections).await? };
    let record = RunRecord {
        run: run.run.clone(),
        pipeline: run.ctx.pipeline.name.clone(),
        started_at: run.started_at.to_string(),
        status: Status::Running.as_str().to_owned(),
        pipeline_fingerprint: run.ctx.pipeline.fingerprint.clone(),
        schema_fingerprint: run.ctx.destination.inspect().await?.fingerprint,
        details: work.details.store(),
    };
    let fresh = run.fresh_partitions().into_iter();
    let partitions: Vec<(String, Partition)> = fresh.map(|state| (state.collection, state.partition)).collect();
    run.ctx.destination.start_run(&record, &partitions).await?;
    crossing("run.stored");
    work.record = Some(record);
    Ok(())
}

async fn details_of(run: &mut Prepared, selections: &[Option<Arc<Selection>>]) -> Result<Details> {
    let mut details = Details {
        sample: run.options.sample,
        retry_of: run.options.retry.as_ref().map(|retry| retry.of.clone()),
        on_conflict: run.options.on_conflict.as_ref().map(OnConflict::to_string),
        snapshot: run.examination.snapshot.clone(),
        incremental: run.options.incremental,
        deletes: run.options.deletes,
        closes: run.examination.closes.clone(),
        ..Details::default()
    };
    if ctx_keeps_undo(run) {
        details.undo = UndoState::On;
    }
    if let Some(future) = &run.examination.future {
        details.migrations = future.pending.iter().map(|step| format!("{:04}_{}", step.version, step.name)).collect();
    }
    let read_at = run.ctx.source.read_at().filter(|_| run.options.sample.is_none() && run.options.retry.is_none());
    for (index, step) in run.examination.steps.iter().enumerate() {
        let counted = run.examination.counts.get(index).copied().unwrap_or(0);
        let selected = selections.get(index).and_then(|selection| selection.as_ref().map(|chosen| chosen.len()));
        match &step.reach {
            Some(reach) => drop(details.since.insert(step.name().to_owned(), reach.since.clone())),
            None => drop(details.source_counts.insert(step.name().to_owned(), selected.unwrap_or(counted))),
        }
        let advances = step.reach.as_ref().is_none_or(|reach| reach.advances);
        if let (Some(watermark), Some(read_at), true) = (&step.collection.watermark, read_at, advances) {
            details.watermarks.insert(step.name().to_owned(), Mark::after(watermark, read_at));
        }
        details.collections.push(step.name().to_owned());
        details.written.push(Written {
            collection: step.name().to_owned(),
            table: step.mapping.table.clone(),
            children: step.mapping.children.iter().map(|child| child.table.clone()).collect(),
        });
        for partition in run.examination.partitions.get(index).into_iter().flatten() {
            let fingerprint = run.ctx.source.fingerprint(partition, None).await?;
            details.partitions.push((step.name().to_owned(), partition.id.clone(), fingerprint));
        }
    }
    Ok(details)
}

/// A dry run writes into a throw-away database, of which nothing is ever taken back.
fn ctx_keeps_undo(run: &Prepared) -> bool {
    run.ctx.pipeline.settings.undo && !run.options.dry_run
}

/// Validation, foreign keys, optimisation, samples.
async fn finish(run: &mut Prepared, work: &mut Work) -> Result<()> {
    crossing("load.complete");
    run.ctx.destination.finish(&run.run).await?;
    crossing("load.finished");
    // Of what was read by its changes, rows were not counted.
    let had_rows = work.details.rows_before.values().any(|rows| *rows > 0) || !work.details.since.is_empty();
    if !run.options.dry_run && had_rows {
        rollback::prune(&mut run.ctx, &run.run).await?;
    }
    if run.options.no_verify {
        work.warnings.push("counts were not validated (--no-verify)".to_owned());
    } else {
        run.ctx.progress.phase("validate");
        validate_all(run, work).await?;
        crossing("counts.validated");
    }
    if run.options.dry_run {
        work.samples = samples::samples(run.ctx.destination.as_mut(), &run.examination.steps).await?;
    }
    if run.options.retry.is_none() {
        work.warn_of_nothing_but_rejects();
    }
    reading::warn_of_changes(run, work);
    Ok(())
}

/// Puts the source away where the pipeline asks for it, and nothing speaks against it.
async fn retire_source(run: &mut Prepared, work: &mut Work) -> Result<()> {
    if run.options.dry_run || run.options.sample.is_some() || !run.ctx.source.capabilities().retire {
        return Ok(());
    }
    let against = if run.options.no_verify {
        Some("counts were not validated".to_owned())
    } else if !work.valid() {
        Some("counts differ".to_owned())
    } else if work.totals.rejected > 0 {
        Some(format!("{} documents were rejected", work.totals.rejected))
    } else {
        None
    };
    if let Some(reason) = against {
        work.warnings.push(format!("the source files were not renamed, because {reason}"));
        return Ok(());
    }
    let Some(mut record) = work.record.take() else { return Ok(()) };
    let retired = retire::retire(&mut run.ctx, &mut record, &mut work.details).await;
    work.record = Some(record);
    retired
}

async fn validate_all(run: &mut Prepared, work: &mut Work) -> Result<()> {
    let steps = run.examination.steps.clone();
    let tables = tables_of(&whole(&steps));
    let (states, rows) = run.ctx.destination.partitions_and_count(&run.run, &tables).await?;
    let rows = tables.iter().cloned().zip(rows).collect();
    let violations = run.ctx.destination.foreign_key_check(&tables, VIOLATIONS).await?;
    for (index, step) in steps.iter().enumerate() {
        let counts = work.tallies.get(index).copied().unwrap_or_default();
        if step.reach.is_some() {
            // Rows that others changed meanwhile are not this run's matter, and counting takes as long as tables are.
            if let Some(report) = work.collections.get_mut(index) {
                report.validation = Some(validate_sum(&counts));
            }
            continue;
        }
        let passed_over = passed_over(run.ctx.source.as_ref(), &states, step.name());
        let read = u64::try_from(counts.read).unwrap_or(0) + passed_over;
        let source_count = reading::source_count(run, work, step, read).await?;
        let known = Known { step, counts, source_count, passed_over };
        let mut validation = validate(&known, &work.details.rows_before, &rows);
        let own = |table: &str| step.tables().any(|name| name.eq_ignore_ascii_case(table));
        for violation in violations.iter().filter(|violation| own(&violation.table)) {
            validation.differences.push(format!("a row of {} has no parent in {}", violation.table, violation.parent));
            validation.valid = false;
        }
        if let Some(report) = work.collections.get_mut(index) {
            report.validation = Some(validation);
        }
    }
    Ok(())
}

/// Status and rejects, recorded also after an error. The first error wins.
async fn conclude(run: &mut Prepared, work: &mut Work, result: Result<()>) -> Result<()> {
    let status = outcome::status(work, &result);
    if work.stop.is_some() || result.is_err() {
        // Readers end a moment later; what they might still ask for would be in no report.
        run.ctx.source.limit_reads(0);
    }
    let Some(mut record) = work.record.clone() else { return result };
    let recorded = async {
        if run.options.dry_run {
            return shown_rejects(run, work).await;
        }
        record.status = status.as_str().to_owned();
        let mut details = work.details.clone();
        details.reads += run.ctx.source.usage().bill.map_or(0, |bill| bill.reads);
        record.details = details.store();
        // A destination far away need not be asked for what is known.
        if result.is_ok() && work.totals.rejected + work.totals.waiting == 0 {
            rejects::forget(&run.ctx.state, &run.run)?;
            crossing("rejects.forgotten");
            return run.ctx.destination.conclude_run(&record).await;
        }
        run.ctx.destination.update_run(&record).await?;
        crossing("run.concluded");
        let exported = rejects::export(run.ctx.destination.as_mut(), &run.ctx.state, &run.run).await;
        (work.rejects, work.total_rejects) = exported?;
        crossing("rejects.exported");
        if status == Status::Failed {
            roll_back_failed(run, work).await;
        }
        run.ctx.destination.release_lease().await
    };
    let recorded = recorded.await;
    result.and(recorded)
}

/// Takes back what a failed run did, where the pipeline asks for it. Why it failed stays what is reported.
async fn roll_back_failed(run: &mut Prepared, work: &mut Work) {
    if !run.ctx.pipeline.settings.rollback_on_failure || run.ctx.stage.is_some() {
        return;
    }
    match rollback::after_failure(&mut run.ctx, &run.run).await {
        Ok(()) => work.rolled_back = true,
        Err(error) => work.warnings.push(format!("the failed run could not be taken back: {error}")),
    }
}

async fn shown_rejects(run: &mut Prepared, work: &mut Work) -> Result<()> {
    let folder = run.ctx.state.join(format!("dry-run-{}", run.run));
    let exported = rejects::export(run.ctx.destination.as_mut(), &folder, &run.run).await;
    // A dry run leaves nothing behind.
    let _ = std::fs::remove_dir_all(&folder);
    (work.rejects, work.total_rejects) = exported?;
    Ok(())
}

impl Work {
    /// What an earlier invocation did, of which only the import is left.
    fn take_over(&mut self, run: &mut Prepared, report: RunReport) {
        if let Some(resumed) = &run.resumed {
            self.details = resumed.details.clone();
            self.record = Some(resumed.record.clone());
        }
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        self.totals =
            Counts { read: number(report.totals.read), rejected: number(report.totals.rejected), ..Counts::default() };
        self.read_before = self.totals.read;
        self.collections = report.collections;
        run.options.no_verify = self.collections.iter().any(|collection| collection.validation.is_none());
        self.warnings = report.warnings;
        run.estimate = report.estimate;
    }

    /// A collection of which nothing was written is most likely read in the wrong way.
    fn warn_of_nothing_but_rejects(&mut self) {
        // Of what changed, the only document may well be a bad one.
        let whole = |report: &&CollectionReport| !self.details.since.contains_key(&report.collection);
        let rejected = |report: &&CollectionReport| report.read > 0 && report.rejected == report.read;
        for report in self.collections.iter().filter(whole).filter(rejected) {
            self.warnings.push(format!(
                "every document of {} was rejected: are path, shape and mapping those of this source?",
                report.collection
            ));
        }
    }

    /// Whether every validation done is valid.
    pub fn valid(&self) -> bool {
        self.collections.iter().filter_map(|report| report.validation.as_ref()).all(|validation| validation.valid)
    }
}
