//! Firestore's order of values, and what a value may be.

use std::cmp::Ordering;

use crate::proto::{MapValue, Message, Value, ValueType};
use crate::store::encode_path;

/// The place of a value's type in the order. NaN has its own.
pub fn rank(value: &Value) -> u8 {
    match &value.value_type {
        None | Some(ValueType::NullValue(_)) => 0,
        Some(ValueType::BooleanValue(_)) => 1,
        Some(ValueType::DoubleValue(double)) if double.is_nan() => 2,
        Some(ValueType::IntegerValue(_) | ValueType::DoubleValue(_)) => 3,
        Some(ValueType::TimestampValue(_)) => 4,
        Some(ValueType::StringValue(_)) => 5,
        Some(ValueType::BytesValue(_)) => 6,
        Some(ValueType::ReferenceValue(_)) => 7,
        Some(ValueType::GeoPointValue(_)) => 8,
        Some(ValueType::ArrayValue(_)) => 9,
        Some(ValueType::MapValue(map)) => 10 + u8::from(vector(map).is_none()),
        Some(_) => 12,
    }
}

/// Whether a range filter compares these types at all. NaN is a number here.
pub fn comparable(a: &Value, b: &Value) -> bool {
    let group = |value| if rank(value) == 2 { 3 } else { rank(value) };
    group(a) == group(b)
}

/// Compares two values of any types.
pub fn compare(a: &Value, b: &Value) -> Ordering {
    use ValueType as T;
    let (Some(left), Some(right)) = (&a.value_type, &b.value_type) else { return rank(a).cmp(&rank(b)) };
    match (left, right) {
        (T::BooleanValue(a), T::BooleanValue(b)) => a.cmp(b),
        (T::IntegerValue(a), T::IntegerValue(b)) => a.cmp(b),
        (T::DoubleValue(a), T::DoubleValue(b)) => doubles(*a, *b),
        (T::IntegerValue(a), T::DoubleValue(b)) => integer_and_double(*a, *b),
        (T::DoubleValue(a), T::IntegerValue(b)) => integer_and_double(*b, *a).reverse(),
        (T::TimestampValue(a), T::TimestampValue(b)) => (a.seconds, a.nanos).cmp(&(b.seconds, b.nanos)),
        (T::StringValue(a), T::StringValue(b)) => a.as_bytes().cmp(b.as_bytes()),
        (T::BytesValue(a), T::BytesValue(b)) => a.cmp(b),
        (T::ReferenceValue(a), T::ReferenceValue(b)) => encode_path(a).cmp(&encode_path(b)),
        (T::GeoPointValue(a), T::GeoPointValue(b)) => {
            doubles(a.latitude, b.latitude).then_with(|| doubles(a.longitude, b.longitude))
        }
        (T::ArrayValue(a), T::ArrayValue(b)) => arrays(&a.values, &b.values),
        (T::MapValue(left), T::MapValue(right)) => match (vector(left), vector(right)) {
            (Some(a), Some(b)) => a.len().cmp(&b.len()).then_with(|| arrays(a, b)),
            (None, None) => maps(left, right),
            _ => rank(a).cmp(&rank(b)),
        },
        _ => rank(a).cmp(&rank(b)),
    }
}

/// The elements of a map that stands for a vector.
pub fn vector(map: &MapValue) -> Option<&[Value]> {
    let kind = map.fields.get("__type__")?.value_type.as_ref()?;
    let elements = map.fields.get("value")?.value_type.as_ref()?;
    match (kind, elements) {
        (ValueType::StringValue(kind), ValueType::ArrayValue(array)) if kind == "__vector__" => Some(&array.values),
        _ => None,
    }
}

/// Whether two values are the same to the bit: -0.0 is not 0, and NaN is NaN.
pub fn identical(a: &Value, b: &Value) -> bool {
    use ValueType as T;
    match (&a.value_type, &b.value_type) {
        (Some(T::DoubleValue(a)), Some(T::DoubleValue(b))) => a.to_bits() == b.to_bits(),
        (Some(T::ArrayValue(a)), Some(T::ArrayValue(b))) => {
            a.values.len() == b.values.len() && a.values.iter().zip(&b.values).all(|(a, b)| identical(a, b))
        }
        (Some(T::MapValue(a)), Some(T::MapValue(b))) => identical_maps(a, b),
        (Some(T::GeoPointValue(a)), Some(T::GeoPointValue(b))) => a.encode_to_vec() == b.encode_to_vec(),
        (a, b) => a == b,
    }
}

/// The same for the fields of two documents or maps.
pub fn identical_maps(a: &MapValue, b: &MapValue) -> bool {
    a.fields.len() == b.fields.len()
        && a.fields.iter().all(|(name, value)| b.fields.get(name).is_some_and(|other| identical(value, other)))
}

fn doubles(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan()))
}

/// Exact: 2^53 + 1 is more than 2^53 as a double.
fn integer_and_double(integer: i64, double: f64) -> Ordering {
    const END: f64 = 9_223_372_036_854_775_808.0;
    if double.is_nan() || double < -END {
        return Ordering::Greater;
    }
    if double >= END {
        return Ordering::Less;
    }
    let floor = double.floor();
    integer.cmp(&(floor as i64)).then(if double > floor { Ordering::Less } else { Ordering::Equal })
}

fn arrays(a: &[Value], b: &[Value]) -> Ordering {
    let differing = a.iter().zip(b).map(|(a, b)| compare(a, b)).find(|order| order.is_ne());
    differing.unwrap_or_else(|| a.len().cmp(&b.len()))
}

fn maps(a: &MapValue, b: &MapValue) -> Ordering {
    let sorted = |map: &MapValue| {
        let mut names: Vec<String> = map.fields.keys().cloned().collect();
        names.sort_unstable();
        names
    };
    let (left, right) = (sorted(a), sorted(b));
    for (x, y) in left.iter().zip(&right) {
        let order = x.cmp(y).then_with(|| compare(&a.fields[x], &b.fields[y]));
        if order.is_ne() {
            return order;
        }
    }
    left.len().cmp(&right.len())
}
