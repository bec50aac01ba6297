//! `max_rate`: no more documents in a second than a database in use can bear.

use std::time::{Duration, Instant};

use super::budget::Budget;

/// Counts documents against the clock.
#[derive(Debug)]
pub(super) struct Pace {
    /// Documents in a second.
    rate: Option<usize>,
    started: Instant,
    documents: u64,
}

impl Pace {
    /// Begins now.
    pub fn new(rate: Option<usize>) -> Self {
        Self { rate, started: Instant::now(), documents: 0 }
    }

    /// Takes so many more documents, and waits until they are due. A wish to stop ends the wait.
    pub async fn keep(&mut self, documents: usize, budget: &Budget) {
        self.documents += documents as u64;
        let Some(wait) = self.due().checked_sub(self.started.elapsed()) else { return };
        tokio::select! {
            () = budget.requested() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }

    /// The time from the beginning at which the next documents may follow.
    #[expect(clippy::cast_precision_loss, reason = "a pause need not be exact")]
    fn due(&self) -> Duration {
        let Some(rate) = self.rate else { return Duration::ZERO };
        Duration::from_secs_f64(self.documents as f64 / rate.max(1) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_due_at_the_rate_and_at_once_without_one() {
        let pace = |rate| Pace { documents: 3_000, ..Pace::new(rate) };
        assert_eq!(pace(Some(1_000)).due(), Duration::from_secs(3));
        assert_eq!(pace(None).due(), Duration::ZERO);
    }
}
