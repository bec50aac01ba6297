//! Writes one collection: commit after commit, each with its checkpoint.

use std::time::Instant;

use super::bookmark::Bookmark;
use super::budget::{Budget, Stop};
use super::feed::{CommitLimits, QueueFeed};
use super::pace::Pace;
use super::progress::{CollectionProgress, Progress};
use super::reader::Queue;
use super::retry;
use crate::crossing::crossing;
use crate::destination::{Batch, CommitHeader, Destination, PartitionState, Receipt, Written};
use crate::domain::cursor::{Counts, Cursor};
use crate::error::{Error, ErrorKind, Policy, Result};
use crate::pipeline::resolved::Settings;

/// What writing a collection needs.
pub(super) struct Loading<'a> {
    /// The run.
    pub run: &'a str,
    /// Index of the collection's target.
    pub target: usize,
    /// Name of the collection.
    pub collection: &'a str,
    /// Documents in the source.
    pub total: Option<u64>,
    /// Retries and sizes.
    pub settings: &'a Settings,
    /// Size of commits.
    pub limits: CommitLimits,
    /// Limits of the run.
    pub budget: &'a Budget,
    /// Told after every commit.
    pub progress: &'a dyn Progress,
}

/// Durable so far, over the whole run and this collection.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// All collections.
    pub run: Counts,
    /// This one.
    pub collection: Counts,
}

impl Loading<'_> {
    /// Writes the partitions that are not done, in order. Everything counted is durable.
    pub async fn load(
        &self,
        destination: &mut dyn Destination,
        partitions: &[PartitionState],
        queue: &mut Queue,
        tally: &mut Tally,
    ) -> Result<Option<Stop>> {
        for state in partitions.iter().filter(|state| !state.done) {
            if let Some(stop) = self.load_partition(destination, state, queue, tally).await? {
                return Ok(Some(stop));
            }
        }
        Ok(None)
    }

    async fn load_partition(
        &self,
        destination: &mut dyn Destination,
        state: &PartitionState,
        queue: &mut Queue,
        tally: &mut Tally,
    ) -> Result<Option<Stop>> {
        let mut header = CommitHeader {
            run: self.run.to_owned(),
            target: self.target,
            partition: state.partition.id.clone(),
            sequence: state.sequence,
            from: state.cursor.clone(),
            finalize: false,
            pass: 0,
        };
        let mut known = state.counts;
        let mut pace = Pace::new(self.settings.max_rate);
        loop {
            let first = match self.next(queue).await {
                Ok(batch) => batch,
                Err(stopped) => {
                    let rest = destination.flush().await.map_err(|error| error.collection(self.collection))?;
                    self.account(&rest, &mut known, tally);
                    return stopped.map(Some);
                }
            };
            header.sequence += 1;
            let mut feed = QueueFeed::new(queue, self.budget, self.limits, first);
            let written = self.commit(destination, &header, &mut feed, known).await?;
            let (failed, taken) = (feed.failed.take(), feed.taken());
            self.account(&written.durable, &mut known, tally);
            crossing("commit.accounted");
            if failed.is_some() || written.last {
                let rest = destination.flush().await.map_err(|error| error.collection(self.collection))?;
                self.account(&rest, &mut known, tally);
                return failed.map(stopped_by).transpose();
            }
            header.from = written.to;
            pace.keep(taken, self.budget).await;
        }
    }

    /// The batch that begins the next commit, or why there is none.
    async fn next(&self, queue: &mut Queue) -> Result<Batch, Result<Stop>> {
        if let Some(stop) = self.budget.stopped() {
            return Err(Ok(stop));
        }
        tokio::select! {
            biased;
            () = self.budget.requested() => Err(Ok(Stop::Requested)),
            received = queue.recv() => match received {
                Some(Ok(batch)) => Ok(batch),
                Some(Err(error)) => Err(stopped_by(error)),
                None => Err(Err(self.cut())),
            },
        }
    }

    async fn commit(
        &self,
        destination: &mut dyn Destination,
        header: &CommitHeader,
        feed: &mut QueueFeed<'_>,
        known: Counts,
    ) -> Result<Written> {
        let mut pauses = retry::pauses(self.settings);
        loop {
            let error = match destination.write(header, feed).await {
                Ok(written) => return Ok(written),
                Err(error) => error.collection(self.collection),
            };
            if error.kind().policy() == Policy::Settle
                && let Some(receipt) = settle(destination, header, known).await?
            {
                return Ok(Written { to: receipt.to.clone(), last: receipt.last, durable: vec![receipt] });
            }
            if !feed.untouched() {
                return Err(error);
            }
            retry::pause(error, &mut pauses, self.progress).await?;
        }
    }

    fn account(&self, durable: &[Receipt], known: &mut Counts, tally: &mut Tally) {
        for receipt in durable {
            *known += receipt.counts;
            tally.run += receipt.counts;
            tally.collection += receipt.counts;
            self.budget.judge_rejects(&tally.run, false);
            self.progress.committed(&self.progress_of(&tally.collection));
        }
    }

    /// Progress as told to the caller.
    pub fn progress_of(&self, counts: &Counts) -> CollectionProgress {
        let positive = |number: i64| u64::try_from(number).unwrap_or(0);
        CollectionProgress {
            collection: self.collection.to_owned(),
            current: positive(counts.read),
            total: self.total,
            rejected: positive(counts.rejected + counts.waiting),
        }
    }

    fn cut(&self) -> Error {
        Error::new(ErrorKind::Source, "source_cut", "reading ended before its end marker")
            .collection(self.collection)
            .hint("what was read so far is safe; go on with `--resume`")
    }
}

/// A limit that the source keeps stops the run like any other limit; everything else fails it.
fn stopped_by(error: Error) -> Result<Stop> {
    if error.kind() == ErrorKind::Budget { Ok(Stop::Budget(error.message().to_owned())) } else { Err(error) }
}

/// After a lost reply: the receipt, if the commit was applied after all.
async fn settle(destination: &mut dyn Destination, header: &CommitHeader, known: Counts) -> Result<Option<Receipt>> {
    let states = destination.partitions(&header.run).await?;
    let state = states.into_iter().find(|state| state.partition.id == header.partition);
    Ok(state.filter(|state| state.sequence >= header.sequence).map(|state| Receipt {
        counts: difference(state.counts, known),
        to: state.cursor,
        last: state.done,
    }))
}

fn difference(new: Counts, old: Counts) -> Counts {
    let mut counts = new;
    counts += Counts {
        read: -old.read,
        inserted: -old.inserted,
        updated: -old.updated,
        unchanged: -old.unchanged,
        skipped: -old.skipped,
        rejected: -old.rejected,
        waiting: -old.waiting,
        bytes: -old.bytes,
        child_inserted: -old.child_inserted,
        child_deleted: -old.child_deleted,
    };
    counts
}

/// Where reading of a partition goes on.
pub(super) fn bookmark_of(cursor: Option<&Cursor>) -> Result<Option<Bookmark>> {
    cursor.map(Bookmark::load).transpose()
}

/// Seconds since `since`, for reports.
pub(super) fn seconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64()
}
