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

    /// Documents and records given out.
    pub fn taken(&self) -> usize {
        self.documents
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

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::domain::cursor::Cursor;
    use crate::engine::RunOptions;
    use crate::error::ErrorKind;

    const LIMITS: CommitLimits = CommitLimits { documents: 1_000, bytes: 250, time: Duration::from_secs(60) };

    fn batch(to: &str, bytes: u64, last: bool) -> Batch {
        Batch { documents: vec![], rejects: vec![], skipped: 0, bytes, to: Cursor(to.to_owned()), last }
    }

    fn budget(stop: CancellationToken) -> Budget {
        Budget::new(&crate::engine::test_settings(), &RunOptions::default(), stop, Instant::now())
    }

    async fn drain(feed: &mut QueueFeed<'_>) -> Vec<String> {
        let mut taken = Vec::new();
        while let Ok(Some(batch)) = feed.next().await {
            taken.push(batch.to.0);
        }
        taken
    }

    #[tokio::test]
    async fn a_commit_closes_when_it_is_full_and_the_rest_stays_in_the_queue() {
        let (sender, mut queue) = mpsc::channel(8);
        for name in ["b", "c", "d"] {
            assert!(sender.try_send(Ok(batch(name, 100, false))).is_ok());
        }
        let budget = budget(CancellationToken::new());
        let mut feed = QueueFeed::new(&mut queue, &budget, LIMITS, batch("a", 100, false));
        assert_eq!(drain(&mut feed).await, ["a", "b", "c"]);
        assert!(queue.try_recv().is_ok_and(|left| left.is_ok_and(|batch| batch.to.0 == "d")));
    }

    #[tokio::test]
    async fn a_commit_closes_at_the_end_of_its_partition() {
        let (sender, mut queue) = mpsc::channel(8);
        assert!(sender.try_send(Ok(batch("b", 1, true))).is_ok());
        assert!(sender.try_send(Ok(batch("next partition", 1, false))).is_ok());
        let budget = budget(CancellationToken::new());
        let mut feed = QueueFeed::new(&mut queue, &budget, LIMITS, batch("a", 1, false));
        assert_eq!(drain(&mut feed).await, ["a", "b"]);
    }

    #[tokio::test]
    async fn what_was_read_before_an_error_is_committed_and_the_error_is_kept() {
        let (sender, mut queue) = mpsc::channel(8);
        let error = Error::new(ErrorKind::Source, "broken", "broken");
        assert!(sender.try_send(Err(error)).is_ok());
        let budget = budget(CancellationToken::new());
        let mut feed = QueueFeed::new(&mut queue, &budget, LIMITS, batch("a", 1, false));
        assert_eq!(drain(&mut feed).await, ["a"]);
        assert_eq!(feed.failed.as_ref().map(Error::code), Some("broken"));
    }

    #[tokio::test]
    async fn a_wish_to_stop_closes_the_commit_even_while_the_source_is_silent() {
        let (_sender, mut queue) = mpsc::channel(8);
        let stop = CancellationToken::new();
        let budget = budget(stop.clone());
        let mut feed = QueueFeed::new(&mut queue, &budget, LIMITS, batch("a", 1, false));
        assert!(feed.untouched());
        assert!(matches!(feed.next().await, Ok(Some(_))));
        assert!(!feed.untouched());
        stop.cancel();
        assert_eq!(drain(&mut feed).await, Vec::<String>::new());
    }
}
