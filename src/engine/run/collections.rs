//! Loading the collections of a run in order, and settling their waiting documents.

use std::sync::Arc;
use std::time::Instant;

use super::super::budget::{Budget, Stop};
use super::super::details::{Details, UndoState};
use super::super::drift::Drift;
use super::super::feed::CommitLimits;
use super::super::load::{self, Loading, Tally};
use super::super::reader::{self, Readers, Reading, Start};
use super::super::sample::Selection;
use super::super::steps::Step;
use super::super::waiting::{LAST_PASS, RUN_PASSES, Waiting, WaitingCollection};
use super::Prepared;
use super::execute::Work;
use crate::destination::{PartitionState, Target};
use crate::error::Result;
use crate::report::run::CollectionReport;
use crate::source::ReadRequest;

fn targets(run: &Prepared, details: &Details) -> Vec<Target> {
    let unique_paths = run.ctx.source.capabilities().unique_paths;
    let empty = |step: &Step| step.tables().all(|table| details.rows_before.get(table).copied().unwrap_or(0) == 0);
    let empty = |step: &Step| step.reach.is_none() && empty(step);
    run.examination.steps.iter().map(|step| step.target(&run.options, empty(step), unique_paths)).collect()
}

fn readings(
    run: &Prepared,
    states: &[Vec<PartitionState>],
    selections: &[Option<Arc<Selection>>],
    drift: &Drift,
) -> Result<Vec<Reading>> {
    let steps = run.examination.steps.iter();
    let billed = run.ctx.source.capabilities().billed;
    steps
        .zip(states)
        .zip(selections)
        .map(|((step, states), selection)| {
            let open = states.iter().filter(|state| !state.done);
            let starts = open.map(|state| {
                let after = load::bookmark_of(state.cursor.as_ref())?;
                Ok(Start { partition: state.partition.clone(), after })
            });
            Ok(Reading {
                source: run.ctx.source.clone(),
                request: ReadRequest {
                    brief: selection.is_some(),
                    only: selection.as_ref().filter(|_| billed).map(|selection| selection.paths()),
                    ..step.request(&run.ctx, &run.options)
                },
                mapping: step.mapping.clone(),
                selection: selection.clone(),
                starts: starts.collect::<Result<_>>()?,
                drift: drift.of(&step.mapping),
            })
        })
        .collect()
}

/// Writes all collections in order, while later ones are read and mapped already.
pub(super) async fn load_all(
    run: &mut Prepared,
    work: &mut Work,
    budget: &Budget,
    selections: &[Option<Arc<Selection>>],
) -> Result<()> {
    run.ctx.progress.phase("load");
    let targets = targets(run, &work.details);
    run.ctx.destination.prepare(&run.run, &targets).await?;
    if work.details.undo == UndoState::On && targets.iter().any(|target| !target.empty_at_start) {
        run.ctx.destination.keep_undo_log().await?;
    }
    let states = states_by_step(run).await?;
    take_over_counts(run, work).await?;
    let settings = run.ctx.pipeline.settings.clone();
    let readings = readings(run, &states, selections, &work.drift)?;
    // What is read ahead of a limit would be paid for in vain.
    let readers = if run.max_reads().is_some() { 1 } else { settings.readers };
    let (_readers, mut queues): (Readers, _) = reader::start(readings, readers, settings.queue_batches);
    for (index, queue) in queues.iter_mut().enumerate() {
        let partitions = states.get(index).map(Vec::as_slice).unwrap_or_default();
        // Once a later collection has begun, this one's end is past: the passes over all collections see to the rest.
        let at_its_end = !states.iter().skip(index + 1).flatten().any(|state| state.sequence > 0);
        load_one(run, work, budget, index, partitions, queue, at_its_end).await?;
        if work.stop.is_some() {
            break;
        }
    }
    Ok(())
}

/// What earlier invocations of the run made durable.
async fn take_over_counts(run: &mut Prepared, work: &mut Work) -> Result<()> {
    let counted = match run.resumed {
        Some(_) => run.ctx.destination.counts(&run.run).await?,
        None => Vec::new(),
    };
    for step in &run.examination.steps {
        let counts =
            counted.iter().find(|(name, _)| name == step.name()).map(|(_, counts)| *counts).unwrap_or_default();
        work.totals += counts;
        work.read_before += counts.read;
        work.tallies.push(counts);
        let mut report = CollectionReport {
            collection: step.name().to_owned(),
            table: step.mapping.table.clone(),
            ..CollectionReport::default()
        };
        report.set_counts(&counts);
        work.collections.push(report);
    }
    Ok(())
}

async fn states_by_step(run: &mut Prepared) -> Result<Vec<Vec<PartitionState>>> {
    let states =
        if run.resumed.is_some() { run.ctx.destination.partitions(&run.run).await? } else { run.fresh_partitions() };
    let of = |step: &Step| states.iter().filter(|state| state.collection == step.name()).cloned().collect();
    Ok(run.examination.steps.iter().map(of).collect())
}

async fn load_one(
    run: &mut Prepared,
    work: &mut Work,
    budget: &Budget,
    index: usize,
    partitions: &[PartitionState],
    queue: &mut reader::Queue,
    at_its_end: bool,
) -> Result<()> {
    let Some(step) = run.examination.steps.get(index).cloned() else { return Ok(()) };
    let started = Instant::now();
    let mut tally = Tally { run: work.totals, collection: work.tallies.get(index).copied().unwrap_or_default() };
    let settings = run.ctx.pipeline.settings.clone();
    let capabilities = run.ctx.destination.capabilities();
    let billed = run.ctx.source.capabilities().billed;
    // What is under way is not durable yet.
    let unsaved = settings.max_unsaved_documents.div_ceil(capabilities.commits_in_flight.max(1));
    let unsaved = if billed { unsaved } else { usize::MAX };
    let progress = run.ctx.progress.clone();
    let loading = Loading {
        run: &run.run,
        target: index,
        collection: step.name(),
        total: work.details.source_counts.get(step.name()).copied(),
        settings: &settings,
        limits: CommitLimits {
            documents: settings
                .commit_documents
                .min(capabilities.commit_documents)
                .min(unsaved)
                .min(settings.max_rate.unwrap_or(usize::MAX)),
            bytes: settings.commit_bytes.min(capabilities.commit_bytes) as u64,
            time: settings.max_lock_time,
        },
        budget,
        progress: progress.as_ref(),
    };
    progress.collection_started(&loading.progress_of(&tally.collection));
    let destination = run.ctx.destination.as_mut();
    let mut result = loading.load(destination, partitions, queue, &mut tally).await;
    if at_its_end && matches!(result, Ok(None)) {
        let waiting = Waiting { run: &run.run, budget };
        let collection = WaitingCollection { target: index, mapping: &step.mapping };
        result = waiting.settle(destination, &collection, &mut tally).await;
    }
    progress.collection_finished(&loading.progress_of(&tally.collection));
    record(work, index, &tally, started);
    work.stop = result?;
    Ok(())
}

/// Takes over what is durable, also when an error follows.
fn record(work: &mut Work, index: usize, tally: &Tally, started: Instant) {
    work.totals = tally.run;
    if let Some(counts) = work.tallies.get_mut(index) {
        *counts = tally.collection;
    }
    if let Some(report) = work.collections.get_mut(index) {
        report.set_counts(&tally.collection);
        report.seconds += load::seconds(started);
    }
}

/// Retries the waiting documents of all collections until a whole pass changes nothing, then rejects the rest,
/// parents first.
pub(super) async fn settle_waiting(run: &mut Prepared, work: &mut Work, budget: &Budget) -> Result<()> {
    if work.totals.waiting > 0 {
        let last = run.ctx.destination.last_pass(&run.run, None).await?;
        let mut pass = last.clamp(RUN_PASSES, LAST_PASS - 1);
        // The pass that an interruption may have cut in two does not count as one without effect.
        let mut whole = last < RUN_PASSES;
        loop {
            let before = work.totals.waiting;
            pass_over_all(run, work, budget, pass).await?;
            if work.stop.is_some() || work.totals.waiting == 0 || (whole && work.totals.waiting == before) {
                break;
            }
            whole = true;
            pass += 1;
        }
        if work.stop.is_none() {
            pass_over_all(run, work, budget, LAST_PASS).await?;
        }
    }
    budget.judge_rejects(&work.totals, true);
    work.stop = work.stop.take().or_else(|| budget.stopped().filter(|stop| *stop != Stop::Requested));
    Ok(())
}

async fn pass_over_all(run: &mut Prepared, work: &mut Work, budget: &Budget, pass: u64) -> Result<()> {
    for (index, step) in run.examination.steps.iter().enumerate() {
        let started = Instant::now();
        let mut tally = Tally { run: work.totals, collection: work.tallies.get(index).copied().unwrap_or_default() };
        if tally.collection.waiting == 0 {
            continue;
        }
        let waiting = Waiting { run: &run.run, budget };
        let collection = WaitingCollection { target: index, mapping: &step.mapping };
        let result = waiting.pass(run.ctx.destination.as_mut(), &collection, pass, &mut tally).await;
        record(work, index, &tally, started);
        work.stop = result?;
        if work.stop.is_some() {
            break;
        }
    }
    Ok(())
}
