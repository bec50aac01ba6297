//! What a commit holds until it is durable.

use crate::destination::{Batch, CommitHeader, Feed};
use crate::domain::cursor::Cursor;
use crate::domain::reject::Reject;
use crate::domain::row::MappedDocument;
use crate::error::Result;

/// One commit's content, in source order.
#[derive(Debug, Clone)]
pub(super) struct Pending {
    pub header: CommitHeader,
    pub items: Vec<Item>,
    /// Documents filtered out by `where`.
    pub skipped: i64,
    /// Bytes of source.
    pub bytes: i64,
    pub to: Option<Cursor>,
    pub last: bool,
}

/// A document, or a record that did not become one.
#[derive(Debug, Clone)]
pub(super) enum Item {
    Document(MappedDocument),
    Reject(Reject),
}

impl Pending {
    /// Takes batches from the feed until it says `None` or enough is taken; the rest stays in the feed. Less is enough for a
    /// server that waits for it.
    pub async fn collect(
        header: &CommitHeader,
        feed: &mut dyn Feed,
        enough: Enough,
        waits: impl Fn() -> bool,
    ) -> Result<Self> {
        let mut pending = Self {
            header: header.clone(),
            items: Vec::new(),
            skipped: 0,
            bytes: 0,
            to: header.from.clone(),
            last: false,
        };
        let closed =
            |pending: &Self| enough.reached(pending) || (pending.items.len() >= enough.for_who_waits && waits());
        while !closed(&pending)
            && let Some(batch) = feed.next().await?
        {
            pending.add(batch);
        }
        Ok(pending)
    }

    fn add(&mut self, batch: Batch) {
        self.skipped += signed(batch.skipped);
        self.bytes += signed(batch.bytes);
        // In this order rejects are numbered on a local file, too.
        self.items.extend(batch.rejects.into_iter().map(Item::Reject));
        self.items.extend(batch.documents.into_iter().map(Item::Document));
        self.to = Some(batch.to);
        self.last = batch.last;
    }

    /// The documents, with their places among the items.
    pub fn documents(&self) -> impl Iterator<Item = (usize, &MappedDocument)> + Clone {
        self.items.iter().enumerate().filter_map(|(index, item)| match item {
            Item::Document(document) => Some((index, document)),
            Item::Reject(_) => None,
        })
    }
}

/// When a commit is closed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Enough {
    pub documents: usize,
    /// Documents for a server that has nothing to do.
    pub for_who_waits: usize,
    pub bytes: i64,
}

impl Enough {
    /// A batch of ordinary size would be too much.
    fn reached(self, pending: &Pending) -> bool {
        pending.items.len() >= self.documents || pending.bytes >= self.bytes
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
