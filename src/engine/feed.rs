//! Cuts the stream of batches into commits.

use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::budget::Budget;
use super::reader::Queue;
use crate::destination::{Batch, Feed};
use crate::error::{Error, Result};

/// How large a commit may become.
#[derive(Debug, Clone, Copy)]
pub(super) struct CommitLimits {
    /// Documents.
    pub documents: usize,
    /// Bytes of source.
    pub bytes: u64,
    /// Time from its first batch.
    pub time: Duration,
}

/// The batches of one commit, taken from the queue of a collection.
pub(super) struct QueueFeed<'a> {
    queue: &'a mut Queue,
    budget: &'a Budget,
    limits: CommitLimits,
    first: Option<Batch>,
    started: Instant,
    documents: usize,
    bytes: u64,
    closed: bool,
    /// The source failed after the batches given out; they are committed, then the run stops with this.
    pub failed: Option<Error>,
}

impl<'a> QueueFeed<'a> {
    /// A commit that begins with `first`.
    pub fn new(queue: &'a mut Queue, budget: &'a Budget, limits: CommitLimits, first: Batch) -> Self {
        Self {
            queue,
            budget,
            limits,
            first: Some(first),
            started: Instant::now(),
            documents: 0,
            bytes: 0,
            closed: false,
            failed: None,
        }
    }

    /// Whether no batch was taken yet: the same commit can be tried again.
    pub fn untouched(&self) -> bool {
        self.first.is_some()
    }

    fn full(&self) -> bool {
        self.closed
            || self.documents >= self.limits.documents
            || self.bytes >= self.limits.bytes
            || self.started.elapsed() >= self.limits.time
            || self.budget.stopped().is_some()
    }

    fn take(&mut self, batch: Batch) -> Batch {
        self.documents += batch.documents.len() + batch.rejects.len();
        self.bytes += batch.bytes;
        self.budget.add_bytes(batch.bytes);
        self.closed = batch.last;
        batch
    }

    async fn receive(&mut self) -> Option<Batch> {
        let left = self.limits.time.saturating_sub(self.started.elapsed());
        let received = tokio::select! {
            biased;
            () = self.budget.requested() => return None,
            received = tokio::time::timeout(left, self.queue.recv()) => received.ok()??,
        };
        match received {
            Ok(batch) => Some(batch),
            Err(error) => {
                self.failed = Some(error);
                None
            }
        }
    }
}

#[async_trait]
impl Feed for QueueFeed<'_> {
    async fn next(&mut self) -> Result<Option<Batch>> {
        if let Some(first) = self.first.take() {
            self.started = Instant::now();
            return Ok(Some(self.take(first)));
        }
        if self.full() {
            return Ok(None);
        }
        let received = self.receive().await;
        self.closed |= received.is_none();
        Ok(received.map(|batch| self.take(batch)))
    }
}

/// The batches of a commit that are in memory already.
pub(super) struct ReadyFeed(pub Option<Batch>);

#[async_trait]
impl Feed for ReadyFeed {
    async fn next(&mut self) -> Result<Option<Batch>> {
        Ok(self.0.take())
    }
}
