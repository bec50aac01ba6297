//! The limits that stop a run cleanly: rejects, time, bytes, and the user.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::RunOptions;
use crate::domain::cursor::Counts;
use crate::pipeline::resolved::{RejectLimit, Settings};

/// A percentage of rejects is judged once so many documents were read.
const JUDGED_FROM: u64 = 1_000;

/// Why a run stopped before its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// Ctrl-C, SIGTERM or `runs cancel`.
    Requested,
    /// A budget; the text says which and how to go on.
    Budget(String),
}

/// Watches the limits of one invocation. Limits of time and bytes count from its start, rejects over the whole run.
pub(super) struct Budget {
    started: Instant,
    max_time: Option<Duration>,
    max_bytes: Option<u64>,
    max_rejects: Option<RejectLimit>,
    stop: CancellationToken,
    bytes: AtomicU64,
    reached: Mutex<Option<String>>,
}

impl Budget {
    /// The limits of the pipeline, each replaced by the command line's where given.
    pub fn new(settings: &Settings, options: &RunOptions, stop: CancellationToken, started: Instant) -> Self {
        Self {
            started,
            max_time: options.max_time.or(settings.max_time),
            max_bytes: options.max_bytes.or(settings.max_bytes),
            max_rejects: options.max_rejects.or(settings.max_rejects),
            stop,
            bytes: AtomicU64::new(0),
            reached: Mutex::new(None),
        }
    }

    /// Why the run should stop now, if it should. Asked before every batch.
    pub fn stopped(&self) -> Option<Stop> {
        if self.stop.is_cancelled() {
            return Some(Stop::Requested);
        }
        if let Some(limit) = self.max_time
            && self.started.elapsed() >= limit
        {
            self.reach(format!("--max-time of {} s is reached", limit.as_secs_f64()));
        }
        let reached = self.reached.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        reached.clone().map(Stop::Budget)
    }

    /// Completes when the user asks to stop.
    pub async fn requested(&self) {
        self.stop.cancelled().await;
    }

    /// Counts bytes taken into a commit of this invocation.
    pub fn add_bytes(&self, bytes: u64) {
        let total = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if let Some(limit) = self.max_bytes
            && total >= limit
        {
            self.reach(format!("--max-bytes of {limit} is reached"));
        }
    }

    /// Judges the rejects of the run so far.
    pub fn judge_rejects(&self, totals: &Counts, at_end: bool) {
        let Some(limit) = self.max_rejects else { return };
        let rejected = u64::try_from(totals.rejected).unwrap_or(0);
        let read = u64::try_from(totals.read).unwrap_or(0);
        match limit {
            RejectLimit::Count(most) if rejected > most => {
                self.reach(format!("{rejected} documents were rejected, more than max_rejects allows ({most})"));
            }
            #[expect(clippy::cast_precision_loss, reason = "a percentage for a limit")]
            RejectLimit::Percent(most)
                if (at_end || read >= JUDGED_FROM) && rejected as f64 * 100.0 > most * read as f64 =>
            {
                self.reach(format!(
                    "{rejected} of {read} documents were rejected, more than max_rejects allows ({most} %)"
                ));
            }
            _ => {}
        }
    }

    fn reach(&self, reason: String) {
        let mut reached = self.reached.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        reached.get_or_insert(reason);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(options: &RunOptions) -> Budget {
        Budget::new(&crate::engine::test_settings(), options, CancellationToken::new(), Instant::now())
    }

    fn counts(read: i64, rejected: i64) -> Counts {
        Counts { read, rejected, ..Counts::default() }
    }

    #[test]
    fn a_count_of_rejects_stops_once_it_is_exceeded() {
        let budget = budget(&RunOptions { max_rejects: Some(RejectLimit::Count(2)), ..RunOptions::default() });
        budget.judge_rejects(&counts(10, 2), false);
        assert_eq!(budget.stopped(), None);
        budget.judge_rejects(&counts(10, 3), false);
        assert!(matches!(budget.stopped(), Some(Stop::Budget(reason)) if reason.contains("3 documents")));
    }

    #[test]
    fn a_percentage_of_rejects_is_judged_from_1000_documents_on_and_at_the_end() {
        let options = RunOptions { max_rejects: Some(RejectLimit::Percent(1.0)), ..RunOptions::default() };
        let early = budget(&options);
        early.judge_rejects(&counts(999, 500), false);
        assert_eq!(early.stopped(), None);
        early.judge_rejects(&counts(999, 500), true);
        assert!(early.stopped().is_some());
        let exact = budget(&options);
        exact.judge_rejects(&counts(1_000, 10), false);
        assert_eq!(exact.stopped(), None, "exactly 1 % is allowed");
        exact.judge_rejects(&counts(1_000, 11), false);
        assert!(exact.stopped().is_some());
    }

    #[test]
    fn bytes_stop_once_reached_and_a_request_comes_before_everything() {
        let budget = budget(&RunOptions { max_bytes: Some(100), ..RunOptions::default() });
        budget.add_bytes(99);
        assert_eq!(budget.stopped(), None);
        budget.add_bytes(1);
        assert!(matches!(budget.stopped(), Some(Stop::Budget(reason)) if reason.contains("--max-bytes of 100")));
        budget.stop.cancel();
        assert_eq!(budget.stopped(), Some(Stop::Requested));
    }
}
