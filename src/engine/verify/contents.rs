//! `verify --contents`: every document, mapped again, against what is stored; then rows without a document.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use super::super::drift::Drift;
use super::super::load::bookmark_of;
use super::super::reader::{self, Reading, Start};
use super::super::{Context, RunOptions};
use super::begin::open;
use super::describe::Hidden;
use super::documents::Documents;
use super::scope::Scope;
use super::search::search_extras;
use super::state::{Mark, Record};
use crate::destination::Traffic;
use crate::domain::cursor::Cursor;
use crate::error::{Error, ErrorKind, Result};
use crate::ledger::{DifferenceFilter, Ledger};
use crate::report::verify::{CollectionContents, ContentsReport, Crossed, DifferenceKind, VerifyTotals};

/// Differences of a collection that the report itself shows.
const SHOWN: u64 = 10;

/// What was asked for.
#[derive(Debug, Clone, Default)]
pub struct ContentsOptions {
    /// Go on with the comparison that was interrupted.
    pub resume: bool,
    /// Show no values at all.
    pub hide_values: bool,
    /// A repair may follow: it needs the scratch files.
    pub keep: bool,
}

/// Compares. Changes nothing but the ledger.
///
/// # Errors
/// Kind `Interrupted` when asked to stop; what was compared is kept. Those of source, destination and ledger.
pub async fn contents(ctx: Context, ledger: Arc<Ledger>, options: ContentsOptions) -> Result<ContentsReport> {
    // A local file answers synchronously: it gets its own thread, and async threads stay free for readers.
    let runtime = tokio::runtime::Handle::current();
    let work = tokio::task::spawn_blocking(move || {
        runtime.block_on(async move {
            let mut ctx = ctx;
            compare(&mut ctx, &ledger, &options).await
        })
    });
    work.await.map_err(panicked)?
}

/// The work's own thread ended by a defect.
pub(in crate::engine) fn panicked(error: tokio::task::JoinError) -> Error {
    Error::new(ErrorKind::Internal, "engine_panicked", "the work ended by a defect in fireferry")
        .hint("please report this")
        .caused_by(error)
}

/// Which values are never shown, of all collections together.
pub(super) fn hidden(ctx: &Context, all: bool) -> Hidden {
    let columns = ctx.pipeline.collections.iter().flat_map(|collection| &collection.hidden_columns);
    Hidden { all, columns: columns.map(|column| column.to_ascii_lowercase()).collect() }
}

/// Where the scratch files of a comparison are.
pub(super) fn scratch_folder(ctx: &Context, id: &str) -> PathBuf {
    ctx.state.join("verify").join(id)
}

pub(super) async fn compare(ctx: &mut Context, ledger: &Ledger, options: &ContentsOptions) -> Result<ContentsReport> {
    let started_at = Timestamp::now();
    let crossed = ctx.destination.traffic();
    ctx.progress.phase("verify");
    let scope = Scope::find(ctx).await?;
    let hidden = hidden(ctx, options.hide_values);
    let mut record = open(ctx, ledger, options, &scope, started_at).await?;
    ctx.destination.begin_comparing(&scope.targets).await?;
    let compared = compare_documents(ctx, &scope, &hidden, &mut record).await;
    let mut notes = scope.notes.clone();
    let found = match compared {
        Ok(()) => search_extras(ctx, &scope, &hidden, &mut record, &mut notes).await,
        Err(error) => Err(error),
    };
    let ended = ctx.destination.end_comparing().await;
    let extra = found?;
    ended?;
    let crossed = ctx.destination.traffic().map(|now| crossing(now.since(crossed.unwrap_or_default())));
    let report = report(ctx, ledger, &scope, &record, &extra, notes, started_at, crossed).await?;
    ledger.verification_ended(&report).await?;
    if options.keep {
        record.state.keep(&scratch_folder(ctx, &record.id))?;
    } else {
        record.scratch.remove();
    }
    Ok(report)
}

fn crossing(traffic: Traffic) -> Crossed {
    Crossed { requests: traffic.requests, bytes_sent: traffic.sent, bytes_received: traffic.received }
}

async fn compare_documents(ctx: &mut Context, scope: &Scope, hidden: &Hidden, record: &mut Record<'_>) -> Result<()> {
    let mut readings = Vec::new();
    let drift = Drift::default();
    for step in &scope.steps {
        let marks = record.state.collections.get(step.name()).map(|state| state.partitions.clone()).unwrap_or_default();
        let start = |mark: &Mark| {
            let after = mark.after.clone().map(Cursor);
            Ok(Start { partition: mark.partition(), after: bookmark_of(after.as_ref())? })
        };
        readings.push(Reading {
            source: Arc::clone(&ctx.source),
            request: step.request(ctx, &RunOptions::default()),
            mapping: Arc::clone(&step.mapping),
            selection: None,
            starts: marks.iter().filter(|mark| !mark.done).map(start).collect::<Result<_>>()?,
            drift: drift.of(&step.mapping),
        });
    }
    let settings = &ctx.pipeline.settings;
    let readers = if settings.max_reads.is_some() { 1 } else { settings.readers };
    let (_readers, mut queues) = reader::start(readings, readers, settings.queue_batches);
    for (step, queue) in queues.iter_mut().enumerate() {
        let mut documents = Documents::begin(ctx, record, scope, step, hidden).await?;
        documents.compare(ctx, record, queue).await?;
    }
    record.save().await
}

#[expect(clippy::too_many_arguments, reason = "what a report says, from where it is known")]
async fn report(
    ctx: &Context,
    ledger: &Ledger,
    scope: &Scope,
    record: &Record<'_>,
    extra: &[u64],
    notes: Vec<String>,
    started_at: Timestamp,
    crossed: Option<Crossed>,
) -> Result<ContentsReport> {
    let mut collections = Vec::new();
    let mut totals = VerifyTotals::default();
    for (step, extra) in scope.steps.iter().zip(extra) {
        let state = record.state.collections.get(step.name());
        let own = VerifyTotals { extra: *extra, ..state.map(|state| state.totals).unwrap_or_default() };
        totals.add(&own);
        let filter =
            DifferenceFilter { collection: Some(step.name().to_owned()), limit: SHOWN, ..DifferenceFilter::default() };
        let shown = ledger.differences(&record.id, &filter).await?;
        collections.push(CollectionContents {
            collection: step.name().to_owned(),
            table: step.mapping.table.clone(),
            totals: own,
            differences: shown.into_iter().map(|shown| shown.difference).collect(),
        });
    }
    let filter = DifferenceFilter { kind: Some(DifferenceKind::General), limit: 1_000, ..DifferenceFilter::default() };
    let general = ledger.differences(&record.id, &filter).await?;
    let (accepted, unaccepted) = ledger.judge_differences(&record.id).await?;
    // What is beyond the ledger's bounds was counted all the same.
    let all = totals.missing + totals.extra + totals.changed + general.len() as u64;
    let beyond = all.saturating_sub(crate::ledger::MOST_DIFFERENCES);
    Ok(ContentsReport {
        verification: record.id.clone(),
        pipeline: ctx.pipeline.name.clone(),
        run: scope.run.as_ref().map(|run| run.run.clone()),
        run_status: scope.run.as_ref().map(|run| run.status.clone()),
        snapshot: scope.snapshot.clone(),
        started_at: started_at.to_string(),
        finished_at: format!("{:.6}", Timestamp::now()),
        consistent: unaccepted == 0 && beyond == 0,
        collections,
        totals,
        consistency_rate: totals.rate(),
        general: general.into_iter().map(|found| found.difference).collect(),
        accepted,
        unaccepted,
        notes,
        crossed,
    })
}
