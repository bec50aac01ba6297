//! Firestore's order of values: by type first, then by content.

use std::cmp::Ordering;

use super::number;
use super::value::{Map, Value};

/// The place of a value's type in Firestore's order. Integers and doubles share one, NaN has its own.
pub fn type_rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Boolean(_) => 1,
        Value::Double(double) if double.is_nan() => 2,
        Value::Integer(_) | Value::Double(_) => 3,
        Value::Timestamp(_) => 4,
        Value::String(_) => 5,
        Value::Bytes(_) => 6,
        Value::Reference(_) => 7,
        Value::GeoPoint(_) => 8,
        Value::Array(_) => 9,
        Value::Vector(_) => 10,
        Value::Map(_) => 11,
        Value::Invalid(_) => 12,
    }
}

/// Compares two values of any types. Numbers compare as numbers, exactly: 1 equals 1.0, and 0.0 equals -0.0.
pub fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Boolean(a), Value::Boolean(b)) => a.cmp(b),
        (Value::Integer(a), Value::Integer(b)) => a.cmp(b),
        (Value::Integer(a), Value::Double(b)) => number::compare(*a, *b).unwrap_or(Ordering::Greater),
        (Value::Double(a), Value::Integer(b)) => number::compare(*b, *a).map_or(Ordering::Less, Ordering::reverse),
        (Value::Double(a), Value::Double(b)) => compare_doubles(*a, *b),
        (Value::Timestamp(a), Value::Timestamp(b)) => a.cmp(b),
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Bytes(a), Value::Bytes(b)) => a.cmp(b),
        (Value::Reference(a), Value::Reference(b)) => a.split('/').cmp(b.split('/')),
        (Value::GeoPoint(a), Value::GeoPoint(b)) => {
            compare_doubles(a.latitude, b.latitude).then_with(|| compare_doubles(a.longitude, b.longitude))
        }
        (Value::Array(a), Value::Array(b)) => {
            let differing = a.iter().zip(b).map(|(a, b)| compare(a, b)).find(|order| order.is_ne());
            differing.unwrap_or_else(|| a.len().cmp(&b.len()))
        }
        (Value::Vector(a), Value::Vector(b)) => a.len().cmp(&b.len()).then_with(|| {
            let differing = a.iter().zip(b).map(|(a, b)| compare_doubles(*a, *b)).find(|order| order.is_ne());
            differing.unwrap_or(Ordering::Equal)
        }),
        (Value::Map(a), Value::Map(b)) => compare_maps(a, b),
        (Value::Invalid(a), Value::Invalid(b)) => a.text.cmp(&b.text),
        _ => type_rank(a).cmp(&type_rank(b)),
    }
}

/// NaN comes first and equals itself; the zeros are equal.
fn compare_doubles(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan()))
}

fn compare_maps(a: &Map, b: &Map) -> Ordering {
    for ((left, x), (right, y)) in sorted(a).into_iter().zip(sorted(b)) {
        let order = left.cmp(right).then_with(|| compare(x, y));
        if order.is_ne() {
            return order;
        }
    }
    a.len().cmp(&b.len())
}

fn sorted(map: &Map) -> Vec<(&str, &Value)> {
    let mut fields: Vec<_> = map.iter().collect();
    fields.sort_unstable_by_key(|(name, _)| *name);
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::value::GeoPoint;

    #[test]
    fn values_are_ordered_as_in_firestore() {
        let text = |text: &str| Value::String(text.into());
        let map = |name: &str, value| Value::Map([(name.to_owned(), value)].into_iter().collect());
        let ascending = [
            Value::Null,
            Value::Boolean(false),
            Value::Boolean(true),
            Value::Double(f64::NAN),
            Value::Double(f64::NEG_INFINITY),
            Value::Integer(i64::MIN),
            Value::Double(-0.5),
            Value::Integer(0),
            Value::Double(9_007_199_254_740_992.0),
            Value::Integer(9_007_199_254_740_993),
            Value::Double(f64::INFINITY),
            Value::Timestamp(crate::domain::value::Timestamp::MIN),
            text(""),
            text("a"),
            text("ä"),
            text("😀"),
            Value::Bytes(vec![0]),
            Value::Bytes(vec![0, 0]),
            Value::Reference("a/b".into()),
            Value::Reference("a/b/c/d".into()),
            Value::Reference("a-/b".into()),
            Value::GeoPoint(GeoPoint { latitude: -1.0, longitude: 5.0 }),
            Value::GeoPoint(GeoPoint { latitude: 1.0, longitude: -5.0 }),
            Value::Array(vec![]),
            Value::Array(vec![Value::Null, Value::Null]),
            Value::Array(vec![Value::Integer(1)]),
            Value::Vector(vec![9.0]),
            Value::Vector(vec![1.0, 2.0]),
            map("a", Value::Integer(1)),
            map("a", Value::Integer(2)),
            map("b", Value::Null),
        ];
        for (i, a) in ascending.iter().enumerate() {
            for (j, b) in ascending.iter().enumerate() {
                assert_eq!(compare(a, b), i.cmp(&j), "{a:?} against {b:?}");
            }
        }
    }

    #[test]
    fn numbers_of_both_types_are_equal_when_they_are() {
        assert!(compare(&Value::Integer(0), &Value::Double(-0.0)).is_eq());
        assert!(compare(&Value::Double(0.0), &Value::Double(-0.0)).is_eq());
        assert!(compare(&Value::Double(f64::NAN), &Value::Double(f64::NAN)).is_eq());
    }
}
