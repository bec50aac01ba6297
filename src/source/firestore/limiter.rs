//! How many requests are under way at once: more while the service answers quickly, fewer when it slows down or says
//! that it is too much.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

/// Where it begins.
const START: f64 = 4.0;
/// An answer that takes so many times the quickest one seen says that the service is busy.
const SLOW: u32 = 4;
/// Differences below this are noise.
const NOISE: Duration = Duration::from_millis(20);

/// Hands out permits for requests.
#[derive(Debug, Clone)]
pub(super) struct Limiter(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    most: f64,
    state: Mutex<State>,
    freed: Notify,
}

#[derive(Debug)]
struct State {
    limit: f64,
    in_use: usize,
    quickest: Option<Duration>,
}

impl Limiter {
    /// At most `most` at once.
    pub fn new(most: usize) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a small number")]
        let most = most.max(1) as f64;
        let state = Mutex::new(State { limit: START.min(most), in_use: 0, quickest: None });
        Self(Arc::new(Inner { most, state, freed: Notify::new() }))
    }

    /// Waits until one more request may start.
    pub async fn acquire(&self) -> Permit {
        loop {
            let freed = self.0.freed.notified();
            {
                let mut state = self.state();
                #[expect(clippy::cast_precision_loss, reason = "a small number")]
                if (state.in_use as f64) < state.limit.floor().max(1.0) {
                    state.in_use += 1;
                    return Permit(self.clone());
                }
            }
            freed.await;
        }
    }

    /// A request was answered after this time.
    pub fn answered(&self, after: Duration) {
        let mut state = self.state();
        let quickest = state.quickest.map_or(after, |quickest| quickest.min(after));
        state.quickest = Some(quickest);
        state.limit = if after > quickest * SLOW + NOISE {
            (state.limit * 0.9).max(1.0)
        } else {
            (state.limit + 1.0 / state.limit).min(self.0.most)
        };
        drop(state);
        self.0.freed.notify_waiters();
    }

    /// The service said that it is too much, or failed.
    pub fn failed(&self) {
        let mut state = self.state();
        state.limit = (state.limit / 2.0).max(1.0);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request under way; dropped, it makes room for another.
#[derive(Debug)]
pub(super) struct Permit(Limiter);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.state().in_use -= 1;
        self.0.0.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(limiter: &Limiter) -> f64 {
        limiter.state().limit
    }

    #[test]
    fn it_grows_with_quick_answers_and_halves_on_failures() {
        let limiter = Limiter::new(16);
        for _ in 0..200 {
            limiter.answered(Duration::from_millis(10));
        }
        assert!((limit(&limiter) - 16.0).abs() < 1e-9);
        limiter.failed();
        assert!((limit(&limiter) - 8.0).abs() < 1e-9);
        (0..20).for_each(|_| limiter.failed());
        assert!((limit(&limiter) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn it_shrinks_when_answers_become_slow() {
        let limiter = Limiter::new(8);
        limiter.answered(Duration::from_millis(10));
        let before = limit(&limiter);
        limiter.answered(Duration::from_millis(500));
        assert!(limit(&limiter) < before);
    }

    #[tokio::test]
    async fn no_more_than_the_limit_are_under_way() {
        let limiter = Limiter::new(2);
        let first = limiter.acquire().await;
        let _second = limiter.acquire().await;
        let third = tokio::spawn({
            let limiter = limiter.clone();
            async move { drop(limiter.acquire().await) }
        });
        tokio::task::yield_now().await;
        assert!(!third.is_finished());
        drop(first);
        assert!(third.await.is_ok());
    }
}
