//! From field values to SQL values: one function per column type. Exactly, or not at all.

mod natural;
mod numbers;
mod references;
mod times;
mod vectors;

use std::borrow::Cow;

use super::reason::wrong_type;
use super::{ColumnType, DoubleRules};
use crate::domain::json::encode;
use crate::domain::reject::Rejection;
use crate::domain::row::SqlValue;
use crate::domain::schema::Affinity;
use crate::domain::value::Value;

type Converted = Result<SqlValue, Rejection>;

/// What a column of this type stores for the value. Null is NULL in every type.
pub(super) fn convert(value: Cow<'_, Value>, kind: ColumnType, rules: DoubleRules) -> Converted {
    if *value == Value::Null {
        return Ok(SqlValue::Null);
    }
    match kind {
        ColumnType::Text => text(value),
        ColumnType::Integer => numbers::integer(&value, rules),
        ColumnType::Double => numbers::double(&value, rules),
        ColumnType::Boolean => boolean(&value),
        ColumnType::Bytes => bytes(value),
        ColumnType::Timestamp { digits } => times::text(&value, digits),
        ColumnType::TimestampMillis => times::millis(&value),
        ColumnType::TimestampMicros => times::micros(&value),
        ColumnType::ReferenceId => references::id(&value),
        ColumnType::ReferencePath => references::path(value),
        ColumnType::Latitude => numbers::latitude(&value, rules),
        ColumnType::Longitude => numbers::longitude(&value, rules),
        ColumnType::Json => json(&value),
        ColumnType::Vector32 => vectors::vector32(&value),
        ColumnType::Vector64 => vectors::vector64(&value),
        ColumnType::Auto | ColumnType::Any | ColumnType::Natural(Affinity::Blob) => natural::any(value, rules),
        ColumnType::Natural(Affinity::Text) => natural::text(value),
        ColumnType::Natural(Affinity::Integer) => natural::integer(&value, rules),
        ColumnType::Natural(Affinity::Real) => numbers::double(&value, rules),
        ColumnType::Natural(Affinity::Numeric) => natural::numeric(&value, rules),
    }
}

fn text(value: Cow<'_, Value>) -> Converted {
    match value {
        Cow::Borrowed(Value::String(text)) => Ok(SqlValue::Text(text.clone())),
        Cow::Owned(Value::String(text)) => Ok(SqlValue::Text(text)),
        other => Err(wrong_type(&other, "a string")),
    }
}

fn boolean(value: &Value) -> Converted {
    match value {
        Value::Boolean(flag) => Ok(SqlValue::Integer(i64::from(*flag))),
        other => Err(wrong_type(other, "true or false")),
    }
}

fn bytes(value: Cow<'_, Value>) -> Converted {
    match value {
        Cow::Borrowed(Value::Bytes(bytes)) => Ok(SqlValue::Blob(bytes.clone())),
        Cow::Owned(Value::Bytes(bytes)) => Ok(SqlValue::Blob(bytes)),
        other => Err(wrong_type(&other, "bytes")),
    }
}

fn json(value: &Value) -> Converted {
    match value {
        Value::Invalid(_) => Err(wrong_type(value, "a value")),
        value => encode(value).map(SqlValue::Text),
    }
}
