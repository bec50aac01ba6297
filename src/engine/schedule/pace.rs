//! What follows a turn: the next one, later after failures, or the end.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Schedule;

/// The first pause after a failure; each further one doubles it.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
/// No pause is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);

/// What to do about turns that passed while another one was under way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CatchUp {
    /// Wait for the next one.
    #[default]
    Skip,
    /// Have one at once for all of them.
    Once,
}

/// How a job is repeated.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Its times.
    pub schedule: Schedule,
    /// Each turn begins up to so much later, so that not all begin at once.
    pub jitter: Duration,
    /// Turns that passed.
    pub catch_up: CatchUp,
    /// So many failures in a row are the end.
    pub max_failures: u32,
}

/// How a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Well.
    Done,
    /// Somebody else was at it.
    Skipped,
    /// Not at all.
    Failed,
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// The next turn; turns that passed without one.
    At(Timestamp, u64),
    /// Too many failures in a row.
    GiveUp(u32),
    /// The schedule has no further time.
    Over,
}

/// Where a repeated job stands.
#[derive(Debug, Clone)]
pub struct Pace {
    policy: Policy,
    last: Timestamp,
    failures: u32,
}

impl Pace {
    /// The first turn is now.
    pub fn new(policy: Policy, now: Timestamp) -> Self {
        Self { policy, last: now, failures: 0 }
    }

    /// Failures since the last turn that ended well.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// What follows a turn that ended now. `random` decides the jitter.
    pub fn after(&mut self, outcome: Outcome, now: Timestamp, random: u64) -> Turn {
        match outcome {
            Outcome::Done => self.failures = 0,
            Outcome::Skipped => {}
            Outcome::Failed => self.failures += 1,
        }
        if self.failures >= self.policy.max_failures.max(1) {
            return Turn::GiveUp(self.failures);
        }
        let Some(next) = self.policy.schedule.next(self.last, now) else { return Turn::Over };
        let (at, missed) = match self.policy.catch_up {
            CatchUp::Once if next.missed > 0 && self.failures == 0 => (now, next.missed - 1),
            _ => (next.at, next.missed),
        };
        // The beat stays, whatever is added to a turn.
        self.last = if at == now { self.passed(now) } else { at };
        let at = later(at, self.jitter(random));
        let pause = self.pause();
        let at = if pause.is_zero() { at } else { at.max(later(now, pause)) };
        Turn::At(at, missed)
    }

    /// The last time of the schedule that passed.
    fn passed(&self, now: Timestamp) -> Timestamp {
        match &self.policy.schedule {
            Schedule::Every(interval) => {
                let interval = i128::try_from(interval.as_nanos()).unwrap_or(i128::MAX).max(1);
                let beats = (now.as_nanosecond() - self.last.as_nanosecond()).max(0) / interval;
                Timestamp::from_nanosecond(self.last.as_nanosecond() + beats * interval).unwrap_or(now)
            }
            Schedule::Cron(..) => now,
        }
    }

    fn jitter(&self, random: u64) -> Duration {
        let most = u64::try_from(self.policy.jitter.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(if most == 0 { 0 } else { random % (most + 1) })
    }

    fn pause(&self) -> Duration {
        match self.failures {
            0 => Duration::ZERO,
            failures => FIRST_PAUSE.saturating_mul(1 << (failures - 1).min(20)).min(LONGEST_PAUSE),
        }
    }
}

fn later(at: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by).ok().and_then(|by| at.checked_add(by).ok()).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(text: &str) -> Timestamp {
        format!("2026-01-01T{text}Z").parse().unwrap()
    }

    fn pace(catch_up: CatchUp, jitter: u64) -> Pace {
        let schedule = Schedule::Every(Duration::from_secs(60));
        let jitter = Duration::from_secs(jitter);
        Pace::new(Policy { schedule, jitter, catch_up, max_failures: 4 }, at("00:00:00"))
    }

    #[test]
    fn turns_never_overlap_and_those_that_passed_are_counted() {
        let mut pace = pace(CatchUp::Skip, 0);
        assert_eq!(pace.after(Outcome::Done, at("00:00:10"), 0), Turn::At(at("00:01:00"), 0));
        assert_eq!(pace.after(Outcome::Done, at("00:03:30"), 0), Turn::At(at("00:04:00"), 2));
        assert_eq!(pace.after(Outcome::Skipped, at("00:04:01"), 0), Turn::At(at("00:05:00"), 0));
    }

    #[test]
    fn one_turn_makes_up_for_all_that_passed() {
        let mut pace = pace(CatchUp::Once, 0);
        assert_eq!(pace.after(Outcome::Done, at("00:03:30"), 0), Turn::At(at("00:03:30"), 2));
        assert_eq!(pace.after(Outcome::Done, at("00:03:40"), 0), Turn::At(at("00:04:00"), 0));
    }

    #[test]
    fn failures_make_pauses_longer_until_they_are_too_many() {
        let mut pace = pace(CatchUp::Skip, 0);
        assert_eq!(pace.after(Outcome::Failed, at("00:00:50"), 0), Turn::At(at("00:01:20"), 0));
        assert_eq!(pace.after(Outcome::Failed, at("00:01:25"), 0), Turn::At(at("00:02:25"), 0));
        assert_eq!(pace.after(Outcome::Failed, at("00:02:30"), 0), Turn::At(at("00:04:30"), 0));
        let mut mended = pace.clone();
        assert_eq!(pace.after(Outcome::Failed, at("00:04:31"), 0), Turn::GiveUp(4));
        assert_eq!(mended.after(Outcome::Done, at("00:04:31"), 0), Turn::At(at("00:05:00"), 1));
        assert_eq!(mended.failures(), 0);
    }

    #[test]
    fn jitter_delays_a_turn_and_not_the_beat() {
        let mut pace = pace(CatchUp::Skip, 10);
        assert_eq!(pace.after(Outcome::Done, at("00:00:01"), 10_000), Turn::At(at("00:01:10"), 0));
        assert_eq!(pace.after(Outcome::Done, at("00:01:11"), 10_001), Turn::At(at("00:02:00"), 0));
    }
}
