//! Retries waiting documents until nothing moves any more, and then rejects what is left.
//!
//! Retries go in *passes*: every waiting document once, in source order. Each document remembers the last pass that it
//! was tried in, so a resume goes on in the middle of a pass exactly where it was: where documents compete for a
//! unique value, the same one wins whether the run was interrupted or not.

use std::sync::Arc;

use super::budget::{Budget, Stop};
use super::feed::ReadyFeed;
use super::load::Tally;
use crate::crossing::crossing;
use crate::destination::{Batch, CommitHeader, Destination, RejectQuery, StoredReject};
use crate::domain::cursor::{Counts, Cursor};
use crate::domain::json;
use crate::domain::mapping::{Mapped, Mapping};
use crate::domain::reject::RejectData;
use crate::domain::row::MappedDocument;
use crate::error::{Error, ErrorKind, Result};

/// Waiting documents tried in one commit.
const PAGE: usize = 500;
/// Passes over all collections, at the end of a run, are numbered from here; those at the end of one collection below.
pub(super) const RUN_PASSES: u64 = 1 << 32;
/// The pass that rejects.
pub(super) const LAST_PASS: u64 = 1 << 33;

/// Retries the waiting documents of one run.
pub(super) struct Waiting<'a> {
    /// The run.
    pub run: &'a str,
    /// Limits of the run.
    pub budget: &'a Budget,
}

/// One collection whose documents may be waiting.
pub(super) struct WaitingCollection<'a> {
    /// Index of its target.
    pub target: usize,
    /// Its mapping.
    pub mapping: &'a Arc<Mapping>,
}

impl Waiting<'_> {
    /// Retries one collection at its end, until a whole pass changes nothing.
    pub async fn settle(
        &self,
        destination: &mut dyn Destination,
        collection: &WaitingCollection<'_>,
        tally: &mut Tally,
    ) -> Result<Option<Stop>> {
        let name = collection.mapping.collection.as_str();
        let mut pass = match tally.collection.waiting {
            0 => return Ok(None),
            _ => destination.last_pass(self.run, Some(name)).await?,
        };
        // The pass that an interruption may have cut in two does not count as one without effect.
        let mut whole = false;
        loop {
            let before = tally.collection.waiting;
            if let Some(stop) = self.pass(destination, collection, pass, tally).await? {
                return Ok(Some(stop));
            }
            if tally.collection.waiting == 0 || (whole && tally.collection.waiting == before) {
                return Ok(None);
            }
            whole = true;
            pass += 1;
        }
    }

    /// Tries every waiting document that was not tried in this pass yet, in source order.
    pub async fn pass(
        &self,
        destination: &mut dyn Destination,
        collection: &WaitingCollection<'_>,
        pass: u64,
        tally: &mut Tally,
    ) -> Result<Option<Stop>> {
        let mut query = RejectQuery {
            run: Some(self.run.to_owned()),
            collection: Some(collection.mapping.collection.as_str().to_owned()),
            waiting: Some(true),
            after: None,
            before_pass: Some(pass),
            limit: PAGE,
        };
        let partition = format!("~{}", uuid::Uuid::now_v7().simple());
        for sequence in 1.. {
            if let Some(stop) = self.budget.stopped() {
                return Ok(Some(stop));
            }
            let page = destination.rejects(&query).await?;
            let Some(end) = page.last() else { break };
            query.after = Some(end.id);
            let header = CommitHeader {
                run: self.run.to_owned(),
                target: collection.target,
                partition: partition.clone(),
                sequence,
                from: None,
                finalize: pass >= LAST_PASS,
                pass,
            };
            let counts = retry_page(destination, &header, collection.mapping, &page).await?;
            crossing("waiting.tried");
            tally.run += counts;
            tally.collection += counts;
        }
        Ok(None)
    }
}

async fn retry_page(
    destination: &mut dyn Destination,
    header: &CommitHeader,
    mapping: &Mapping,
    page: &[StoredReject],
) -> Result<Counts> {
    let documents = page.iter().map(|stored| remap(mapping, stored)).collect::<Result<Vec<_>>>()?;
    let batch = Batch { documents, rejects: Vec::new(), skipped: 0, bytes: 0, to: Cursor(String::new()), last: false };
    let written = destination.write(header, &mut ReadyFeed(Some(batch))).await?;
    let mut counts = Counts::default();
    for receipt in written.durable.into_iter().chain(destination.flush().await?) {
        counts += receipt.counts;
    }
    Ok(counts)
}

/// Maps a kept document again. Mapping is pure, so what mapped once maps again.
fn remap(mapping: &Mapping, stored: &StoredReject) -> Result<MappedDocument> {
    let damaged = |reason: String| {
        Error::new(
            ErrorKind::Destination,
            "reject_damaged",
            format!("a waiting document cannot be read back: {reason}"),
        )
        .collection(mapping.collection.as_str())
        .document(stored.reject.document.clone().unwrap_or_default())
        .hint("start the run again without --resume")
    };
    let RejectData::Document(text) = &stored.reject.data else {
        return Err(damaged("its content was not kept".to_owned()));
    };
    match mapping.map(json::decode_document(text).map_err(damaged)?) {
        Mapped::Rows(mapped) => Ok(MappedDocument { waiting: Some(stored.id), ..mapped }),
        Mapped::Filtered | Mapped::Rejected { .. } => Err(damaged("its mapping has changed".to_owned())),
    }
}
