//! Values that a column's type cannot hold, where the pipeline says what becomes of them instead of a reject.

use std::borrow::Cow;

use super::convert::convert;
use super::inputs::{Scope, find};
use super::{ColumnMapping, ColumnType, Input, Mismatch};
use crate::domain::json::{double_text, encode};
use crate::domain::reject::{RejectCode, Rejection};
use crate::domain::row::SqlValue;
use crate::domain::schema::Affinity;
use crate::domain::timestamp::Timestamp;
use crate::domain::value::Value;

/// A value that did not fit, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// `table.column`.
    pub column: String,
    /// The type of what was there.
    pub found: &'static str,
    /// What was done.
    pub rule: Mismatch,
    /// The field, if it is one of the document's.
    pub(super) field: Option<Vec<String>>,
}

/// What becomes of a value that was refused: what is stored instead, or the rejection.
pub(super) fn settle(
    table: &str,
    column: &ColumnMapping,
    scope: Scope<'_>,
    rejection: Rejection,
    misfits: &mut Vec<Misfit>,
) -> Result<SqlValue, Rejection> {
    // These are no matter of type.
    if matches!(rejection.code, RejectCode::MissingField | RejectCode::OversizedValue) {
        return Err(rejection);
    }
    let value = find(&column.input, scope);
    let stored = match (column.mismatch, &value) {
        (Mismatch::Null | Mismatch::Keep, _) => SqlValue::Null,
        (Mismatch::Coerce, Ok(Some(value))) => match coerced(value, column) {
            Some(stored) => stored,
            None => return Err(rejection),
        },
        (Mismatch::Coerce | Mismatch::Reject, _) => return Err(rejection),
    };
    let field = if let Input::Field(path) = &column.input { Some(path.segments().to_vec()) } else { None };
    let found = value.ok().flatten().map_or("no map", |value| value.type_name());
    misfits.push(Misfit { column: format!("{table}.{}", column.name), found, rule: column.mismatch, field });
    Ok(stored)
}

/// The value in the column's type, by the rules of `mismatch: coerce`: only what says the same in another type.
fn coerced(value: &Value, column: &ColumnMapping) -> Option<SqlValue> {
    let other = match column.kind {
        ColumnType::Text | ColumnType::Natural(Affinity::Text) => Value::String(text_of(value)?),
        ColumnType::Integer | ColumnType::Natural(Affinity::Integer | Affinity::Numeric) => integer_of(value)?,
        ColumnType::Double | ColumnType::Natural(Affinity::Real) => double_of(value)?,
        ColumnType::Boolean => boolean_of(value)?,
        ColumnType::Timestamp { .. } | ColumnType::TimestampMillis | ColumnType::TimestampMicros => {
            let Value::String(text) = value else { return None };
            Value::Timestamp(text.trim().parse::<Timestamp>().ok()?)
        }
        _ => return None,
    };
    convert(Cow::Owned(other), column.kind, column.doubles).ok()
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Integer(number) => Some(number.to_string()),
        Value::Double(number) => Some(double_text(*number)),
        Value::Boolean(flag) => Some(flag.to_string()),
        Value::Timestamp(time) => Some(time.to_string()),
        Value::Reference(path) => Some(path.clone()),
        Value::Array(_) | Value::Map(_) | Value::Vector(_) | Value::GeoPoint(_) => encode(value).ok(),
        _ => None,
    }
}

fn integer_of(value: &Value) -> Option<Value> {
    match value {
        Value::String(text) => text.trim().parse().ok().map(Value::Integer),
        Value::Boolean(flag) => Some(Value::Integer(i64::from(*flag))),
        _ => None,
    }
}

fn double_of(value: &Value) -> Option<Value> {
    let Value::String(text) = value else { return None };
    text.trim().parse().ok().filter(|number: &f64| number.is_finite()).map(Value::Double)
}

fn boolean_of(value: &Value) -> Option<Value> {
    let flag = match value {
        Value::Integer(0) => false,
        Value::Integer(1) => true,
        Value::String(text) if text.trim().eq_ignore_ascii_case("true") => true,
        Value::String(text) if text.trim().eq_ignore_ascii_case("false") => false,
        _ => return None,
    };
    Some(Value::Boolean(flag))
}
