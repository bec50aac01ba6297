//! Which documents changed since a time, by a field that the application keeps: `watermark:` of a collection.

use std::time::Duration;

use super::field_path::FieldPath;
use super::value::{Timestamp, Value};

/// The field that says when a document changed last, and how far back an incremental run looks again.
#[derive(Debug, Clone, PartialEq)]
pub struct Watermark {
    /// The field.
    pub field: FieldPath,
    /// What it holds.
    pub unit: TimeUnit,
    /// Late writers and clocks that differ: what changed so long before the snapshot is read again.
    pub overlap: Duration,
}

/// How a field holds a point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeUnit {
    /// A timestamp.
    Timestamp,
    /// A number of seconds since 1970.
    Seconds,
    /// A number of milliseconds since 1970.
    Millis,
    /// A number of microseconds since 1970.
    Micros,
}

/// Documents whose field is at a value or behind it.
#[derive(Debug, Clone, PartialEq)]
pub struct Since {
    /// The field.
    pub field: FieldPath,
    /// The value; only values of its type are found.
    pub from: Value,
}

impl Watermark {
    /// The watermark of a collection of which everything was read at this point in time. Never above it: a document
    /// dated 2099 must not hide those that change until then.
    pub fn after(&self, snapshot: Timestamp) -> Timestamp {
        let overlap = i128::try_from(self.overlap.as_nanos()).unwrap_or(i128::MAX);
        let nanos = snapshot.as_nanosecond().saturating_sub(overlap);
        // Before the year 1 there is nothing to be looked for.
        Timestamp::from_nanosecond(nanos).unwrap_or(Timestamp::MIN)
    }

    /// What changed at this time or later.
    pub fn since(&self, time: Timestamp) -> Since {
        let from = match self.unit {
            TimeUnit::Timestamp => Value::Timestamp(time),
            TimeUnit::Seconds => Value::Integer(time.as_second()),
            TimeUnit::Millis => Value::Integer(time.as_millisecond()),
            TimeUnit::Micros => Value::Integer(time.as_microsecond()),
        };
        Since { field: self.field.clone(), from }
    }

    /// Everything that has the field at all.
    pub fn ever(&self) -> Since {
        let from = match self.unit {
            TimeUnit::Timestamp => Value::Timestamp(Timestamp::MIN),
            _ => Value::Integer(i64::MIN),
        };
        Since { field: self.field.clone(), from }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn watermark(unit: TimeUnit) -> Watermark {
        Watermark { field: FieldPath::parse("updatedAt").unwrap(), unit, overlap: Duration::from_secs(300) }
    }

    #[test]
    fn a_watermark_stays_below_the_snapshot_by_the_overlap() {
        let snapshot: Timestamp = "2026-01-01T00:10:00Z".parse().unwrap();
        let after = watermark(TimeUnit::Timestamp).after(snapshot);
        assert_eq!(after, "2026-01-01T00:05:00Z".parse().unwrap());
        let early: Timestamp = "0001-01-01T00:00:01Z".parse().unwrap();
        assert_eq!(watermark(TimeUnit::Timestamp).after(early), Timestamp::MIN);
    }

    #[test]
    fn numbers_are_rounded_down_so_that_nothing_is_passed_over() {
        let time: Timestamp = "1969-12-31T23:59:59.9999Z".parse().unwrap();
        let of = |unit| watermark(unit).since(time).from;
        assert_eq!(of(TimeUnit::Seconds), Value::Integer(-1));
        assert_eq!(of(TimeUnit::Millis), Value::Integer(-1));
        assert_eq!(of(TimeUnit::Micros), Value::Integer(-100));
        assert_eq!(of(TimeUnit::Timestamp), Value::Timestamp(time));
    }
}
