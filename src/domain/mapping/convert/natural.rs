//! Columns without a type in the pipeline: what is stored follows from the value and from the column's affinity.

use std::borrow::Cow;

use super::super::DoubleRules;
use super::super::reason::wrong_type;
use super::{Converted, boolean, bytes, json, numbers, references, times};
use crate::domain::number::to_integer;
use crate::domain::row::SqlValue;
use crate::domain::value::Value;

/// Digits of timestamps where nothing else is said: what Firestore keeps.
const DIGITS: u8 = 6;

/// A column that keeps everything as it comes.
pub(super) fn any(value: Cow<'_, Value>, rules: DoubleRules) -> Converted {
    match &*value {
        Value::Null => Ok(SqlValue::Null),
        Value::Boolean(_) => boolean(&value),
        Value::Integer(number) => Ok(SqlValue::Integer(*number)),
        Value::Double(_) => numbers::double(&value, rules),
        Value::Timestamp(_) => times::text(&value, DIGITS),
        Value::String(_) => super::text(value),
        Value::Bytes(_) => bytes(value),
        Value::Reference(_) => references::id(&value),
        Value::GeoPoint(_) | Value::Array(_) | Value::Vector(_) | Value::Map(_) | Value::Invalid(_) => json(&value),
    }
}

/// A TEXT column.
pub(super) fn text(value: Cow<'_, Value>) -> Converted {
    match &*value {
        Value::String(_) => super::text(value),
        Value::Timestamp(_) => times::text(&value, DIGITS),
        Value::Reference(_) => references::id(&value),
        Value::GeoPoint(_) | Value::Array(_) | Value::Vector(_) | Value::Map(_) => {
            Err(wrong_type(&value, "a string (`type: json` stores any value)"))
        }
        other => Err(wrong_type(other, "a string (the transform `to_text` makes one)")),
    }
}

/// An INTEGER column.
pub(super) fn integer(value: &Value, rules: DoubleRules) -> Converted {
    match value {
        Value::Boolean(_) => boolean(value),
        other => numbers::integer(other, rules),
    }
}

/// A column of NUMERIC affinity turns whole doubles into integers, and text that looks like a number too: so the
/// first is done here, and strings are refused. Timestamps never look like numbers.
pub(super) fn numeric(value: &Value, rules: DoubleRules) -> Converted {
    match value {
        Value::Boolean(_) => boolean(value),
        Value::Integer(number) => Ok(SqlValue::Integer(*number)),
        Value::Double(double) => Ok(match rules.allowed(*double)? {
            None => SqlValue::Null,
            Some(double) => to_integer(double).map_or(SqlValue::Real(double), SqlValue::Integer),
        }),
        Value::Timestamp(_) => times::text(value, DIGITS),
        other => Err(wrong_type(other, "a number, true, false or a timestamp for a NUMERIC column")),
    }
}
