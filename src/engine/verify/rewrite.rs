//! The documents that differ, read again by name and written again whatever is there.

use std::sync::Arc;
use std::time::Instant;

use super::super::budget::Budget;
use super::super::drift::Drift;
use super::super::feed::ReadyFeed;
use super::super::load::Tally;
use super::super::reader::{self, Reading, Start};
use super::super::sample::Selection;
use super::super::waiting::{LAST_PASS, RUN_PASSES, Waiting, WaitingCollection};
use super::super::{Context, RunOptions};
use super::describe::Hidden;
use super::documents::Documents;
use super::repair::Work;
use super::scope::Scope;
use super::state::Record;
use crate::crossing::crossing;
use crate::destination::{Batch, CommitHeader, Destination};
use crate::domain::cursor::{Counts, Cursor};
use crate::error::{Error, ErrorKind, Result};
use crate::ledger::{DifferenceFilter, Ledger};
use crate::report::run::CollectionReport;
use crate::report::verify::DifferenceKind;

/// Documents that are read again together where each of them is asked for by name, and where all are read to find them.
const NAMED: usize = 500;
const SOUGHT: usize = 200_000;
/// Differences read at once.
const PAGE: u64 = 1_000;

/// What to write again.
pub(super) struct Rewrite<'a> {
    pub ledger: &'a Ledger,
    pub scope: &'a Scope,
    pub verification: &'a str,
}

impl Rewrite<'_> {
    /// Writes again all documents that are missing or changed and not accepted, parents first.
    pub async fn rewrite(&self, ctx: &mut Context, record: &mut Record<'_>, work: &mut Work) -> Result<()> {
        let mut tallies = Vec::new();
        for step in 0..self.scope.steps.len() {
            let mut tally = Tally::default();
            let done = self.collection(ctx, record, work, step, &mut tally).await;
            tallies.push(tally);
            done?;
        }
        self.settle(ctx, work, &mut tallies).await?;
        for (step, tally) in self.scope.steps.iter().zip(&tallies) {
            let (collection, table) = (step.name().to_owned(), step.mapping.table.clone());
            let mut row = CollectionReport { collection, table, ..CollectionReport::default() };
            row.set_counts(&tally.collection);
            work.report.written += row.inserted + row.updated + row.unchanged;
            work.totals.push(row);
        }
        Ok(())
    }

    async fn collection(
        &self,
        ctx: &mut Context,
        record: &mut Record<'_>,
        work: &mut Work,
        step: usize,
        tally: &mut Tally,
    ) -> Result<()> {
        let hidden = Hidden::default();
        let mut documents = Documents::begin(ctx, record, self.scope, step, &hidden).await?;
        let most = if ctx.source.capabilities().billed { NAMED } else { SOUGHT };
        let mut after = 0;
        loop {
            let (paths, last) = self.paths(step, after, most).await?;
            if paths.is_empty() {
                return Ok(());
            }
            after = last;
            self.write_again(ctx, work, step, paths, &mut documents, tally).await?;
        }
    }

    /// Paths of differing documents after a number, and the number of the last one.
    async fn paths(&self, step: usize, after: u64, most: usize) -> Result<(Vec<String>, u64)> {
        let collection = self.scope.steps.get(step).map(|step| step.name().to_owned());
        let mut filter = DifferenceFilter { collection, kind: None, after, limit: PAGE };
        let mut paths = Vec::new();
        while paths.len() < most {
            let page = self.ledger.differences(self.verification, &filter).await?;
            let Some(last) = page.last() else { break };
            filter.after = last.number;
            let repairable = |kind| matches!(kind, DifferenceKind::Missing | DifferenceKind::Changed);
            let found = page.into_iter().map(|found| found.difference);
            let found = found.filter(|found| repairable(found.kind) && found.accepted.is_none());
            paths.extend(found.filter_map(|found| found.document));
        }
        Ok((paths, filter.after))
    }

    async fn write_again(
        &self,
        ctx: &mut Context,
        work: &mut Work,
        step_number: usize,
        paths: Vec<String>,
        documents: &mut Documents<'_>,
        tally: &mut Tally,
    ) -> Result<()> {
        let Some(step) = self.scope.steps.get(step_number) else { return Ok(()) };
        let wanted = paths.len() as u64;
        let mut request = step.request(ctx, &RunOptions::default());
        request.only = Some(paths.clone().into());
        let partitions = ctx.source.partitions(&request).await?;
        let open = partitions.len();
        let reading = Reading {
            source: Arc::clone(&ctx.source),
            request,
            mapping: Arc::clone(&step.mapping),
            selection: Some(Arc::new(Selection::of(paths))),
            starts: partitions.into_iter().map(|partition| Start { partition, after: None }).collect(),
            drift: Drift::default().of(&step.mapping),
        };
        let (_readers, mut queues) = reader::start(vec![reading], 1, ctx.pipeline.settings.queue_batches);
        let Some(queue) = queues.first_mut() else { return Ok(()) };
        let partition = format!("~{}", uuid::Uuid::now_v7().simple());
        let (mut sequence, mut ended, mut seen) = (0, 0, 0);
        while ended < open {
            if ctx.stop.is_cancelled() {
                return Err(interrupted());
            }
            let Some(received) = queue.recv().await else { break };
            let mut batch = received?;
            ended += usize::from(batch.last);
            let mut own = Vec::with_capacity(batch.documents.len());
            for document in batch.documents {
                if !documents.is_rejected(&document)? {
                    own.push(document);
                }
            }
            batch = Batch { documents: own, bytes: 0, skipped: 0, to: Cursor(String::new()), last: false, ..batch };
            let records = (batch.documents.len() + batch.rejects.len()) as u64;
            if records == 0 {
                continue;
            }
            seen += records;
            sequence += 1;
            let header = CommitHeader {
                run: work.run.clone(),
                target: step_number,
                partition: partition.clone(),
                sequence,
                from: None,
                finalize: false,
                pass: 0,
            };
            self.commit(ctx, work, &header, batch, tally).await?;
            crossing("repair.written");
        }
        work.report.gone += wanted.saturating_sub(seen);
        Ok(())
    }

    /// Writes a batch and looks at it again. What waits is looked at by the one who retries it.
    async fn commit(
        &self,
        ctx: &mut Context,
        work: &mut Work,
        header: &CommitHeader,
        batch: Batch,
        tally: &mut Tally,
    ) -> Result<()> {
        let (documents, unmapped) = (batch.documents.clone(), batch.rejects.len());
        ctx.destination.prepare(&header.run, &self.scope.targets).await?;
        let counts = write(ctx.destination.as_mut(), header, batch).await?;
        tally.run += counts;
        tally.collection += counts;
        ctx.destination.begin_comparing(&self.scope.targets).await?;
        let unlike = ctx.destination.compare(header.target, &documents).await;
        ctx.destination.end_comparing().await?;
        let refused = u64::try_from(counts.rejected + counts.waiting).unwrap_or(0).saturating_sub(unmapped as u64);
        work.report.still_different += (unlike?.len() as u64).saturating_sub(refused);
        Ok(())
    }

    /// Tries what waits until a whole pass changes nothing, then rejects it.
    async fn settle(&self, ctx: &mut Context, work: &Work, tallies: &mut [Tally]) -> Result<()> {
        let waits = |tallies: &[Tally]| tallies.iter().map(|tally| tally.collection.waiting).sum::<i64>();
        if waits(tallies) == 0 {
            return Ok(());
        }
        ctx.destination.prepare(&work.run, &self.scope.targets).await?;
        let budget = Budget::new(&ctx.pipeline.settings, &RunOptions::default(), ctx.stop.clone(), Instant::now());
        let waiting = Waiting { run: &work.run, budget: &budget };
        let mut pass = RUN_PASSES;
        while pass <= LAST_PASS {
            let before = waits(tallies);
            for (target, (step, tally)) in self.scope.steps.iter().zip(tallies.iter_mut()).enumerate() {
                let collection = WaitingCollection { target, mapping: &step.mapping };
                if waiting.pass(ctx.destination.as_mut(), &collection, pass, tally).await?.is_some() {
                    return Err(interrupted());
                }
            }
            pass = match waits(tallies) {
                0 => break,
                now if now == before && pass < LAST_PASS => LAST_PASS,
                _ => pass + 1,
            };
        }
        Ok(())
    }
}

async fn write(destination: &mut dyn Destination, header: &CommitHeader, batch: Batch) -> Result<Counts> {
    let written = destination.write(header, &mut ReadyFeed(Some(batch))).await?;
    let mut counts = Counts::default();
    for receipt in written.durable.into_iter().chain(destination.flush().await?) {
        counts += receipt.counts;
    }
    Ok(counts)
}

fn interrupted() -> Error {
    Error::new(
        ErrorKind::Interrupted,
        "repair_interrupted",
        "the repair was stopped on request; what was written stays",
    )
    .hint("verify with --repair again: it finds what is left")
}
