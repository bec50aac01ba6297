//! From SQL values to field values: one rule per column type, the inverse of the mapping's conversions.

use crate::domain::json::decode;
use crate::domain::mapping::ColumnType;
use crate::domain::row::SqlValue;
use crate::domain::schema::Affinity;
use crate::domain::value::{Timestamp, Value};

/// The last byte of a vector of 64-bit floats.
const FLOAT64: u8 = 2;

/// The value that a column of this type stores so; `None` where it never would. `home`: the collection that its
/// references are into. Coordinates are no value of their own.
pub(super) fn value(kind: ColumnType, stored: &SqlValue, home: Option<&str>) -> Option<Value> {
    use ColumnType as T;
    use SqlValue as S;
    Some(match (kind, stored) {
        (_, S::Null) => Value::Null,
        (T::Json, S::Text(text)) => decode(text).ok()?,
        (T::Timestamp { .. }, S::Text(text)) => Value::Timestamp(text.parse().ok()?),
        (T::TimestampMillis, S::Integer(number)) => Value::Timestamp(Timestamp::from_millisecond(*number).ok()?),
        (T::TimestampMicros, S::Integer(number)) => Value::Timestamp(Timestamp::from_microsecond(*number).ok()?),
        (T::ReferenceId, S::Text(id)) => Value::Reference(format!("{}/{id}", home?)),
        (T::ReferencePath, S::Text(path)) => Value::Reference(path.clone()),
        (T::Boolean, S::Integer(number @ (0 | 1))) => Value::Boolean(*number == 1),
        (T::Vector32, S::Blob(bytes)) => vector32(bytes)?,
        (T::Vector64, S::Blob(bytes)) => vector64(bytes)?,
        // Of all that such a column takes, only times are text.
        (T::Natural(Affinity::Numeric), S::Text(text)) => Value::Timestamp(text.parse().ok()?),
        (T::Text | T::Auto | T::Any | T::Natural(_), S::Text(text)) => Value::String(text.clone()),
        (T::Integer | T::Auto | T::Any | T::Natural(_), S::Integer(number)) => Value::Integer(*number),
        (T::Double | T::Auto | T::Any | T::Natural(_), S::Real(number)) => Value::Double(*number),
        (T::Bytes | T::Auto | T::Any | T::Natural(_), S::Blob(bytes)) => Value::Bytes(bytes.clone()),
        _ => return None,
    })
}

/// The time that a column fed from one stores.
pub(super) fn time(kind: ColumnType, stored: &SqlValue) -> Option<Timestamp> {
    match value(kind, stored, None)? {
        Value::Timestamp(time) => Some(time),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn vector32(bytes: &[u8]) -> Option<Value> {
    let (numbers, rest) = bytes.as_chunks::<4>();
    rest.is_empty().then(|| Value::Vector(numbers.iter().map(|four| f32::from_le_bytes(*four).into()).collect()))
}

fn vector64(bytes: &[u8]) -> Option<Value> {
    let (numbers, rest) = bytes.as_chunks::<8>();
    (rest == [FLOAT64]).then(|| Value::Vector(numbers.iter().map(|eight| f64::from_le_bytes(*eight)).collect()))
}

/// Plain JSON as `parse_json` reads it; `None` for a value that no such text stands for.
pub(super) fn plain_json(value: &Value) -> Option<serde_json::Value> {
    Some(match value {
        Value::Null => serde_json::Value::Null,
        Value::Boolean(flag) => (*flag).into(),
        Value::Integer(number) => (*number).into(),
        Value::Double(number) => serde_json::Number::from_f64(*number)?.into(),
        Value::String(text) => text.as_str().into(),
        Value::Array(values) => serde_json::Value::Array(values.iter().map(plain_json).collect::<Option<_>>()?),
        Value::Map(map) => {
            let fields = map.iter().map(|(name, value)| Some((name.to_owned(), plain_json(value)?)));
            serde_json::Value::Object(fields.collect::<Option<_>>()?)
        }
        _ => return None,
    })
}
