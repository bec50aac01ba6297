//! Timestamps as text of fixed width, which sorts as time does, or as integers.

use super::super::reason::wrong_type;
use super::Converted;
use crate::domain::reject::{RejectCode, Rejection};
use crate::domain::row::SqlValue;
use crate::domain::value::{Timestamp, Value};

pub(super) fn text(value: &Value, digits: u8) -> Converted {
    exact(value, digits).map(|time| SqlValue::Text(time.text(digits)))
}

pub(super) fn millis(value: &Value) -> Converted {
    exact(value, 3).map(|time| SqlValue::Integer(time.as_millisecond()))
}

pub(super) fn micros(value: &Value) -> Converted {
    exact(value, 6).map(|time| SqlValue::Integer(time.as_microsecond()))
}

/// The timestamp, if so many digits hold it.
fn exact(value: &Value, digits: u8) -> Result<Timestamp, Rejection> {
    match value {
        Value::Timestamp(time) if time.fits(digits) => Ok(*time),
        Value::Timestamp(time) => Err(Rejection::new(
            RejectCode::TimestampPrecision,
            format!("found timestamp {time}, finer than {digits} digits (`truncate_micros` or `truncate_millis` cut)"),
        )),
        Value::String(text) if text.parse::<Timestamp>().is_ok() => {
            Err(wrong_type(value, "a timestamp (the transform `parse_timestamp` makes one)"))
        }
        other => Err(wrong_type(other, "a timestamp")),
    }
}
