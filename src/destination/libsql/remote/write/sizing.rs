//! How much goes into one commit: as much as the server writes in a moment.

use std::time::Duration;

use super::flights::Took;
use super::pending::Enough;

/// Documents in the first commit to a server nearby.
const FIRST: usize = 5_000;
/// As many times more are in the first commit to a server that is several times [`NEARBY`] away, up to this.
const FARTHEST: u32 = 3;
/// There and back.
const NEARBY: Duration = Duration::from_millis(50);
/// Fewer are never asked for.
const FEWEST: usize = 50;
/// Time that the server should be busy with one commit at least: the more rows, the fewer pages are written twice.
const BUSY: Duration = Duration::from_millis(250);
/// It should be busy for several times as long as a commit is on the way, so that distance matters little.
const TRAVELS: u32 = 4;
/// How much larger than the last one a commit is at most.
const GROWTH: f64 = 4.0;

/// The size of commits, growing and shrinking with what the server needs for them.
#[derive(Debug)]
pub(in super::super) struct Sizing {
    documents: usize,
    most_documents: usize,
    most_bytes: i64,
    /// The longest time that the server may be busy with one commit, for the sake of others who want to write.
    most_busy: Duration,
}

impl Sizing {
    /// Limits: documents and bytes of one commit, and the longest time a commit may keep the write lock.
    pub fn new(most_documents: usize, most_bytes: usize, max_lock_time: Duration) -> Self {
        Self {
            documents: FIRST.min(most_documents),
            most_documents,
            most_bytes: i64::try_from(most_bytes).unwrap_or(i64::MAX),
            most_busy: max_lock_time / 2,
        }
    }

    /// What is known before the first commit: how far away the server is, there and back.
    pub(super) fn begin(&mut self, distance: Duration) {
        let times = distance.div_duration_f64(NEARBY).clamp(1.0, f64::from(FARTHEST));
        self.documents = self.documents.max(grown(FIRST, times)).min(self.most_documents);
    }

    /// What the next commit takes.
    pub(super) fn enough(&self) -> Enough {
        Enough { documents: self.documents, for_who_waits: FIRST, bytes: self.most_bytes }
    }

    /// Learns from a commit: more next time if the server needed less than half of the time that it should, half as much if
    /// it needed more than twice that time, or more than it may.
    pub fn observe(&mut self, documents: usize, took: Took) {
        let wanted = BUSY.max(took.travel * TRAVELS).min(self.most_busy);
        if took.busy > self.most_busy.min(wanted * 2) {
            self.shrink();
        } else if took.busy < wanted / 2 && documents >= self.documents {
            let times = (wanted.as_secs_f64() / took.busy.as_secs_f64().max(1e-6)).min(GROWTH);
            self.documents = grown(self.documents, times).min(self.most_documents);
        }
    }

    /// The server did not take a commit of this size.
    pub fn shrink(&mut self) {
        self.documents = (self.documents / 2).max(FEWEST).min(self.most_documents);
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a size, about"
)]
fn grown(documents: usize, times: f64) -> usize {
    (documents as f64 * times) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn took(busy: u64, travel: u64) -> Took {
        Took { busy: Duration::from_millis(busy), travel: Duration::from_millis(travel) }
    }

    fn grown(times: usize, took: Took) -> usize {
        let mut sizing = Sizing::new(50_000, 1 << 20, Duration::from_secs(5));
        for _ in 0..times {
            sizing.observe(sizing.documents, took);
        }
        sizing.documents
    }

    #[test]
    fn commits_grow_to_the_limit_while_the_server_is_quick_and_shrink_while_it_is_not() {
        assert_eq!(grown(1, took(20, 1)), 4 * FIRST);
        assert_eq!(grown(1, took(100, 1)), FIRST * 5 / 2);
        assert_eq!(grown(30, took(20, 1)), 50_000);
        assert_eq!(grown(30, took(200, 1)), FIRST);
        assert_eq!(grown(30, took(400, 1)), FIRST);
        assert_eq!(grown(30, took(600, 1)), FEWEST);
    }

    #[test]
    fn over_a_long_way_commits_are_larger() {
        assert_eq!(grown(1, took(200, 1)), FIRST);
        assert_eq!(grown(1, took(200, 200)), 4 * FIRST);
        // But never so large that others wait for longer than they should.
        assert_eq!(grown(1, took(2_600, 5_000)), FIRST / 2);
    }

    #[test]
    fn far_away_already_the_first_commit_is_larger() {
        let first = |distance| {
            let mut sizing = Sizing::new(50_000, 1 << 20, Duration::from_secs(5));
            sizing.begin(Duration::from_millis(distance));
            sizing.documents
        };
        assert_eq!([0, 20, 100, 1_000].map(first), [FIRST, FIRST, 2 * FIRST, 3 * FIRST]);
    }

    #[test]
    fn a_short_lock_time_makes_small_commits() {
        let mut sizing = Sizing::new(20_000, 1 << 20, Duration::from_millis(20));
        sizing.observe(FIRST, took(15, 1));
        assert_eq!(sizing.documents, FIRST / 2);
    }

    #[test]
    fn a_commit_that_was_not_full_says_nothing_about_larger_ones() {
        let mut sizing = Sizing::new(50_000, 1 << 20, Duration::from_secs(5));
        sizing.observe(10, took(1, 1));
        assert_eq!(sizing.documents, FIRST);
    }
}
