//! Billed reads: how many there were, and that there are never more than allowed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::error::{Error, ErrorKind, Result};

/// Counts billed reads. What might still be billed by requests under way is set aside, so that a limit holds whatever
/// they return.
#[derive(Debug, Clone, Default)]
pub(super) struct Meter(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    state: Mutex<State>,
    settled: Notify,
}

#[derive(Debug, Default)]
struct State {
    most: Option<u64>,
    used: u64,
    set_aside: u64,
}

impl Meter {
    /// Allows so many reads in all.
    pub fn limit(&self, most: u64) {
        self.state().most = Some(most);
    }

    /// Whether there is a limit.
    pub fn is_limited(&self) -> bool {
        self.state().most.is_some()
    }

    /// Reads billed so far, with what requests under way may still be billed for: never less than the bill.
    pub fn used(&self) -> u64 {
        let state = self.state();
        state.used + state.set_aside
    }

    /// The error of the limit that is reached.
    pub fn reached(&self) -> Error {
        let state = self.state();
        reached(state.most.unwrap_or(state.used))
    }

    /// Sets reads aside for a request: at least one, at most `wanted`. Waits for requests under way when they hold all
    /// that is left, and fails when nothing is left.
    pub async fn reserve(&self, wanted: u64) -> Result<Reservation> {
        loop {
            let settled = self.0.settled.notified();
            {
                let mut state = self.state();
                let left = state.most.map_or(u64::MAX, |most| most.saturating_sub(state.used + state.set_aside));
                if left > 0 {
                    let granted = wanted.clamp(1, left);
                    state.set_aside += granted;
                    return Ok(Reservation { meter: self.clone(), granted });
                }
                if state.set_aside == 0 {
                    return Err(reached(state.most.unwrap_or(state.used)));
                }
            }
            settled.await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The error of a limit that is reached.
fn reached(most: u64) -> Error {
    Error::new(ErrorKind::Budget, "max_reads", format!("--max-reads of {most} is reached"))
        .hint("go on with `--resume`, with a higher --max-reads or none")
}

/// Reads set aside for one request. Dropped without being settled, all of them count: nobody knows what was billed.
#[derive(Debug)]
pub(super) struct Reservation {
    meter: Meter,
    granted: u64,
}

impl Reservation {
    /// How many.
    pub fn granted(&self) -> u64 {
        self.granted
    }

    /// The request is over and was billed for so many, and at least for one.
    pub fn settle(mut self, billed: u64) {
        self.give_back(billed.max(1));
    }

    /// The server refused the request before it did anything.
    pub fn refused(mut self) {
        self.give_back(0);
    }

    fn give_back(&mut self, billed: u64) {
        let granted = std::mem::take(&mut self.granted);
        let mut state = self.meter.state();
        state.set_aside -= granted;
        state.used += billed;
        drop(state);
        self.meter.0.settled.notify_waiters();
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.granted > 0 {
            let granted = self.granted;
            self.give_back(granted);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn never_more_than_allowed_whatever_requests_return() {
        let meter = Meter::default();
        meter.limit(10);
        let first = meter.reserve(7).await.unwrap();
        let second = meter.reserve(7).await.unwrap();
        assert_eq!((first.granted(), second.granted()), (7, 3));
        first.settle(7);
        second.settle(1);
        let third = meter.reserve(5).await.unwrap();
        assert_eq!(third.granted(), 2);
        drop(third);
        assert_eq!(meter.used(), 10, "a request without an answer counts whole");
        assert_eq!(meter.reserve(1).await.unwrap_err().kind(), ErrorKind::Budget);
    }

    #[tokio::test]
    async fn what_a_request_gives_back_is_waited_for() {
        let meter = Meter::default();
        meter.limit(5);
        let first = meter.reserve(5).await.unwrap();
        let waiting = tokio::spawn({
            let meter = meter.clone();
            async move { meter.reserve(5).await.map(|reservation| reservation.granted()) }
        });
        tokio::task::yield_now().await;
        first.settle(2);
        assert_eq!(waiting.await.unwrap().unwrap(), 3);
    }

    #[tokio::test]
    async fn a_query_without_results_is_billed_as_one_and_a_refused_one_not_at_all() {
        let meter = Meter::default();
        meter.reserve(9).await.unwrap().settle(0);
        meter.reserve(9).await.unwrap().refused();
        assert_eq!(meter.used(), 1);
    }
}
