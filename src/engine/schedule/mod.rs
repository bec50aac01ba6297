//! When a repeated job has its next turn: pure, the time is given.

mod pace;

pub use pace::{CatchUp, Outcome, Pace, Policy, Turn};

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::error::{Error, ErrorKind, Result};

/// Times that were missed are counted up to here.
const MOST_MISSED: u64 = 10_000;

/// The times of a repeated job.
#[derive(Debug, Clone)]
pub enum Schedule {
    /// Again so long after the last time.
    Every(Duration),
    /// At the times that an expression names, in a time zone.
    Cron(Box<croner::Cron>, TimeZone),
}

/// A time of a schedule, and how many before it have passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Next {
    /// The first one in the future.
    pub at: Timestamp,
    /// Between the last one and now.
    pub missed: u64,
}

impl Schedule {
    /// A cron expression of five fields (six with seconds) in a zone such as `Europe/Kyiv`.
    ///
    /// # Errors
    /// `schedule_invalid`.
    pub fn cron(expression: &str, zone: &str) -> Result<Self> {
        let invalid = |what: String, hint: &str| Error::new(ErrorKind::Usage, "schedule_invalid", what).hint(hint);
        let zone = TimeZone::get(zone).map_err(|error| {
            invalid(format!("there is no time zone {zone}"), "name it as in the tz database: UTC, Europe/Kyiv")
                .caused_by(error)
        })?;
        let cron: croner::Cron = expression.parse().map_err(|error| {
            let hint = "five fields: minute, hour, day, month, weekday, e.g. \"*/15 * * * *\"";
            invalid(format!("`{expression}` is no cron expression"), hint).caused_by(error)
        })?;
        Ok(Self::Cron(Box::new(cron), zone))
    }

    /// The first time after `now`; `last` is the one before. `None` where an expression names none any more.
    pub fn next(&self, last: Timestamp, now: Timestamp) -> Option<Next> {
        match self {
            Self::Every(interval) => {
                let interval = i64::try_from(interval.as_nanos()).ok()?.max(1);
                let passed = i64::try_from((now.as_nanosecond() - last.as_nanosecond()).max(0)).ok()?;
                let missed = passed / interval;
                let ahead = interval.checked_mul(missed + 1)?;
                let at = last.checked_add(SignedDuration::from_nanos(ahead)).ok()?;
                Some(Next { at, missed: u64::try_from(missed).unwrap_or(0) })
            }
            Self::Cron(cron, zone) => {
                let mut time = last.to_zoned(zone.clone());
                for missed in 0..=MOST_MISSED {
                    time = cron.find_next_occurrence(&time, false).ok()?;
                    if time.timestamp() > now {
                        return Some(Next { at: time.timestamp(), missed });
                    }
                }
                let time = cron.find_next_occurrence(&now.to_zoned(zone.clone()), false).ok()?;
                Some(Next { at: time.timestamp(), missed: MOST_MISSED })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn an_interval_keeps_its_beat_and_counts_what_it_missed() {
        let every = Schedule::Every(Duration::from_secs(900));
        let start = at("2026-01-01T00:00:00Z");
        assert_eq!(every.next(start, start), Some(Next { at: at("2026-01-01T00:15:00Z"), missed: 0 }));
        let late = every.next(start, at("2026-01-01T00:50:00Z"));
        assert_eq!(late, Some(Next { at: at("2026-01-01T01:00:00Z"), missed: 3 }));
    }

    #[test]
    fn a_cron_expression_follows_its_zone_through_a_change_of_clocks() {
        let daily = Schedule::cron("30 3 * * *", "Europe/Kyiv").unwrap();
        let before = at("2026-03-28T01:30:00Z");
        // In the night to the 29th the clocks go from 3 to 4: half past three does not exist.
        let next = daily.next(before, before).unwrap();
        assert!(next.at > at("2026-03-29T00:00:00Z") && next.at <= at("2026-03-29T01:30:00Z"), "{next:?}");
        let later = daily.next(next.at, next.at).unwrap();
        assert_eq!(later.at, at("2026-03-30T00:30:00Z"));
        let missed = daily.next(before, at("2026-04-02T12:00:00Z")).unwrap();
        assert_eq!((missed.at, missed.missed), (at("2026-04-03T00:30:00Z"), 5));
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(Schedule::cron("61 * * * *", "UTC").unwrap_err().code(), "schedule_invalid");
        assert_eq!(Schedule::cron("* * * * *", "Mars/Olympus").unwrap_err().code(), "schedule_invalid");
    }
}
