//! The documents of one collection, read and mapped again, compared page by page with what is stored.

use super::super::Context;
use super::super::progress::CollectionProgress;
use super::super::reader::Queue;
use super::super::rejects::origin_name;
use super::describe::{Hidden, of_document};
use super::hashes::{Distinct, hash, hash_bytes};
use super::scope::Scope;
use super::state::{CollectionState, Record};
use super::strategy;
use crate::destination::{Batch, Found, FoundRow, RejectQuery, Target};
use crate::domain::row::{MappedDocument, Row};
use crate::error::{Error, ErrorKind, Result};
use crate::report::verify::DifferenceKind;

/// Documents, and bytes of their source, that are compared at once.
const DOCUMENTS: usize = 5_000;
const BYTES: u64 = 4 << 20;
/// Rejects read at once.
const REJECTS: usize = 500;

/// Names of the scratch files of a collection (by its number).
pub(super) fn keys_file(step: usize) -> String {
    format!("{step}-keys")
}

/// Where a child table is linked by other columns than the key.
pub(super) fn links_file(step: usize, child: usize) -> String {
    format!("{step}-links-{child}")
}

/// Keys of documents that were rejected, as texts.
pub(super) fn rejected_file(step: usize) -> String {
    format!("{step}-rejected")
}

/// Whether the child table's links are the key, in its order.
pub(super) fn links_are_key(target: &Target, child: usize) -> bool {
    let Some(child) = target.children.get(child) else { return true };
    child.link.iter().map(|(_, parent)| parent).eq(&target.key)
}

/// One collection being compared.
pub(super) struct Documents<'a> {
    pub scope: &'a Scope,
    /// Its number.
    pub step: usize,
    pub hidden: &'a Hidden,
    /// Documents that the run rejected, by path and origin.
    rejected: Distinct,
}

impl<'a> Documents<'a> {
    /// Reads which documents the run rejected.
    pub async fn begin(
        ctx: &mut Context,
        record: &mut Record<'_>,
        scope: &'a Scope,
        step: usize,
        hidden: &'a Hidden,
    ) -> Result<Self> {
        let names = format!("{step}-reject-names");
        if let (Some(run), Some(target)) = (&scope.run, scope.targets.get(step)) {
            let mut query = RejectQuery {
                run: Some(run.run.clone()),
                collection: Some(target.collection.as_str().to_owned()),
                limit: REJECTS,
                ..RejectQuery::default()
            };
            loop {
                let page = ctx.destination.rejects(&query).await?;
                let Some(last) = page.last() else { break };
                query.after = Some(last.id);
                for stored in page {
                    let reject = stored.reject;
                    if let Some(path) = &reject.document {
                        record.scratch.add(&names, hash_bytes(origin_name(path, &reject.origin).as_bytes()))?;
                    }
                    if let Some(key) = &reject.key {
                        record.scratch.add(&rejected_file(step), hash_bytes(key.as_bytes()))?;
                    }
                }
            }
        }
        Ok(Self { scope, step, hidden, rejected: record.scratch.distinct(&[names])? })
    }

    fn target(&self) -> Result<&'a Target> {
        self.scope
            .targets
            .get(self.step)
            .ok_or_else(|| Error::new(ErrorKind::Internal, "verify_internal", "a comparison of an unknown collection"))
    }

    /// Compares all that is left of the collection.
    pub async fn compare(&mut self, ctx: &mut Context, record: &mut Record<'_>, queue: &mut Queue) -> Result<()> {
        let target = self.target()?;
        let name = target.collection.as_str();
        let total = self.scope.details.source_counts.get(name).copied();
        let mut state = record.state.collections.remove(name).unwrap_or_default();
        ctx.progress.collection_started(&progress(name, &state, total));
        let mut at = state.partitions.iter().position(|mark| !mark.done);
        while let Some(partition) = at {
            let (page, stop) = self.page(ctx, queue, name).await?;
            let end = page.last().map(|batch| (batch.to.0.clone(), batch.last));
            for batch in &page {
                self.unmapped(batch, record, &mut state)?;
            }
            let documents: Vec<MappedDocument> = page.into_iter().flat_map(|batch| batch.documents).collect();
            self.judge_all(ctx, record, &mut state, &documents).await?;
            if let (Some((after, done)), Some(mark)) = (end, state.partitions.get_mut(partition)) {
                mark.after = Some(after);
                mark.done = done;
            }
            ctx.progress.committed(&progress(name, &state, total));
            record.state.collections.insert(name.to_owned(), state);
            if stop {
                record.save().await?;
                return Err(interrupted(ctx));
            }
            record.save_sometimes().await?;
            state = record.state.collections.remove(name).unwrap_or_default();
            at = state.partitions.iter().position(|mark| !mark.done);
        }
        ctx.progress.collection_finished(&progress(name, &state, total));
        record.state.collections.insert(name.to_owned(), state);
        Ok(())
    }

    /// Batches until there are enough documents, the partition ends, or someone wants to stop.
    async fn page(&self, ctx: &Context, queue: &mut Queue, collection: &str) -> Result<(Vec<Batch>, bool)> {
        let (mut page, mut documents, mut bytes) = (Vec::new(), 0, 0);
        while documents < DOCUMENTS && bytes < BYTES {
            let batch = tokio::select! {
                biased;
                () = ctx.stop.cancelled() => return Ok((page, true)),
                received = queue.recv() => received.ok_or_else(|| cut(collection))??,
            };
            documents += batch.documents.len();
            bytes += batch.bytes;
            let last = batch.last;
            page.push(batch);
            if last {
                break;
            }
        }
        Ok((page, false))
    }

    /// What has no rows to compare.
    fn unmapped(&self, batch: &Batch, record: &mut Record<'_>, state: &mut CollectionState) -> Result<()> {
        let rejected = batch.rejects.len() as u64;
        state.totals.read += batch.skipped + rejected;
        state.totals.skipped += batch.skipped;
        state.totals.rejected += rejected;
        state.unmapped += rejected;
        for reject in &batch.rejects {
            match &reject.key {
                Some(key) => record.scratch.add(&rejected_file(self.step), hash_bytes(key.as_bytes()))?,
                None => state.nameless += 1,
            }
        }
        Ok(())
    }

    async fn judge_all(
        &mut self,
        ctx: &mut Context,
        record: &mut Record<'_>,
        state: &mut CollectionState,
        documents: &[MappedDocument],
    ) -> Result<()> {
        if documents.is_empty() {
            return Ok(());
        }
        let mut unlike = ctx.destination.compare(self.step, documents).await?.into_iter().peekable();
        for (place, document) in documents.iter().enumerate() {
            let found = unlike.next_if(|(at, _)| *at == place).map(|(_, found)| found);
            self.remember(record, state, document, found.as_ref())?;
            self.judge(record, state, document, found)?;
        }
        Ok(())
    }

    /// What the search for extra rows needs to know.
    fn remember(
        &self,
        record: &mut Record<'_>,
        state: &mut CollectionState,
        document: &MappedDocument,
        found: Option<&Found>,
    ) -> Result<()> {
        let target = self.target()?;
        record
            .scratch
            .add(&keys_file(self.step), hash(target.key.iter().filter_map(|index| document.row.get(*index))))?;
        state.looked_up += 1;
        state.absent += u64::from(found.is_some_and(|found| found.row == FoundRow::Missing));
        state.stored.resize(target.children.len(), 0);
        for (index, child) in target.children.iter().enumerate() {
            if !links_are_key(target, index) {
                let link = child.link.iter().filter_map(|(_, parent)| document.row.get(*parent));
                record.scratch.add(&links_file(self.step, index), hash(link))?;
            }
            let unlike = found.and_then(|found| found.children.iter().find(|unlike| unlike.child == index));
            let (missing, extra) = unlike.map_or((0, 0), |unlike| (unlike.missing.len(), unlike.extra.len()));
            let own = document.children.get(index).map_or(0, Vec::<Row>::len);
            if let Some(stored) = state.stored.get_mut(index) {
                *stored += (own + extra - missing) as u64;
            }
        }
        Ok(())
    }

    fn judge(
        &mut self,
        record: &mut Record<'_>,
        state: &mut CollectionState,
        document: &MappedDocument,
        found: Option<Found>,
    ) -> Result<()> {
        let target = self.target()?;
        let totals = &mut state.totals;
        totals.read += 1;
        if self.is_rejected(document)? {
            totals.rejected += 1;
            return Ok(());
        }
        let Some(found) = found else {
            totals.consistent += 1;
            return Ok(());
        };
        let missing = found.row == FoundRow::Missing;
        if missing && self.scope.details.sample.is_some() {
            totals.skipped += 1;
            return Ok(());
        }
        let kept = self.scope.steps.get(self.step).is_some_and(|step| {
            let (strategy, had_rows) = (self.scope.strategy(step), self.scope.had_rows(step));
            strategy::explains(&strategy, had_rows, target, document, &found)
        });
        let (kind, counter) = match (kept, missing) {
            (true, _) => (DifferenceKind::Kept, &mut totals.kept),
            (false, true) => (DifferenceKind::Missing, &mut totals.missing),
            (false, false) => (DifferenceKind::Changed, &mut totals.changed),
        };
        *counter += 1;
        if !kept {
            totals.child_missing += found.children.iter().map(|unlike| unlike.missing.len() as u64).sum::<u64>();
            totals.child_extra += found.children.iter().map(|unlike| unlike.extra.len() as u64).sum::<u64>();
        }
        record.note(of_document(target, self.hidden, document, &found, kind));
        Ok(())
    }

    /// Whether the run rejected this very document: of two with one path, the other one is.
    pub fn is_rejected(&mut self, document: &MappedDocument) -> Result<bool> {
        if self.rejected.len() == 0 {
            return Ok(false);
        }
        let name = origin_name(&document.document.path.to_string(), &document.document.origin);
        self.rejected.contains(hash_bytes(name.as_bytes()))
    }
}

fn progress(collection: &str, state: &CollectionState, total: Option<u64>) -> CollectionProgress {
    CollectionProgress {
        collection: collection.to_owned(),
        current: state.totals.read,
        total,
        rejected: state.totals.rejected,
    }
}

/// Stopped on request, between two pages.
pub(super) fn interrupted(ctx: &Context) -> Error {
    Error::new(
        ErrorKind::Interrupted,
        "verify_interrupted",
        "the comparison was stopped on request; nothing was changed",
    )
    .hint(format!("go on: fireferry verify {} --contents --resume", ctx.pipeline.arguments()))
}

fn cut(collection: &str) -> Error {
    Error::new(ErrorKind::Source, "source_cut", "reading ended before its end marker")
        .collection(collection)
        .hint("what was compared so far is kept; go on with `--resume`")
}
