//! Retries waiting documents until nothing moves any more, and then rejects what is left.

use std::sync::Arc;

use super::budget::{Budget, Stop};
use super::feed::ReadyFeed;
use super::load::Tally;
use crate::destination::{Batch, CommitHeader, Destination, RejectQuery, StoredReject};
use crate::domain::cursor::{Counts, Cursor};
use crate::domain::json;
use crate::domain::mapping::{Mapped, Mapping};
use crate::domain::reject::RejectData;
use crate::domain::row::MappedDocument;
use crate::error::{Error, ErrorKind, Result};

/// Waiting documents read at a time.
const PAGE: usize = 500;

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
    /// Retries one collection until a pass changes nothing. Passes alternate their direction, so that chains in
    /// either order dissolve in one.
    pub async fn settle(
        &self,
        destination: &mut dyn Destination,
        collection: &WaitingCollection<'_>,
        tally: &mut Tally,
    ) -> Result<Option<Stop>> {
        let mut descending = false;
        while tally.collection.waiting > 0 {
            if let Some(stop) = self.budget.stopped() {
                return Ok(Some(stop));
            }
            let before = tally.collection.waiting;
            self.pass(destination, collection, descending, false, tally).await?;
            if tally.collection.waiting == before {
                break;
            }
            descending = !descending;
        }
        Ok(None)
    }

    /// Rejects for good what still cannot be written.
    pub async fn finalize(
        &self,
        destination: &mut dyn Destination,
        collection: &WaitingCollection<'_>,
        tally: &mut Tally,
    ) -> Result<()> {
        if tally.collection.waiting > 0 {
            self.pass(destination, collection, false, true, tally).await?;
        }
        if tally.collection.waiting == 0 {
            return Ok(());
        }
        let message = format!("{} documents are still waiting after the last pass", tally.collection.waiting);
        Err(Error::new(ErrorKind::Internal, "waiting_left", message).collection(collection.mapping.collection.as_str()))
    }

    async fn pass(
        &self,
        destination: &mut dyn Destination,
        collection: &WaitingCollection<'_>,
        descending: bool,
        finalize: bool,
        tally: &mut Tally,
    ) -> Result<()> {
        let mut after = None;
        let partition = format!("~{}", uuid::Uuid::now_v7().simple());
        for sequence in 1.. {
            let query = RejectQuery {
                run: Some(self.run.to_owned()),
                collection: Some(collection.mapping.collection.as_str().to_owned()),
                waiting: Some(true),
                after,
                descending,
                limit: PAGE,
            };
            let page = destination.rejects(&query).await?;
            let Some(end) = page.last() else { break };
            after = Some(end.id);
            let header = CommitHeader {
                run: self.run.to_owned(),
                target: collection.target,
                partition: partition.clone(),
                sequence,
                from: None,
                finalize,
            };
            let counts = retry_page(destination, &header, collection.mapping, &page).await?;
            tally.run += counts;
            tally.collection += counts;
        }
        Ok(())
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
    Ok(destination.write(header, &mut ReadyFeed(Some(batch))).await?.counts)
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
