//! Promise 6: every value is stored exactly, converted by a rule that the pipeline names, or rejected.

use super::generate::{any_document, any_mapping, any_rules, any_type, any_value, cases};
use super::json::same;
use super::*;
use fireferry::domain::json::{decode_document, encode_document};
use fireferry::domain::mapping::{NegativeZero, NonFinite};
use fireferry::domain::schema::Affinity;
use fireferry::domain::value::Timestamp;
use proptest::prelude::*;

/// Whether a stored value says exactly what the column type promises to keep of the field's value.
pub fn is_exact(kind: ColumnType, rules: DoubleRules, value: &Value, stored: &SqlValue) -> bool {
    use ColumnType as T;
    match (kind, value, stored) {
        (_, Value::Null, stored) => *stored == SqlValue::Null,
        (T::Json, value, SqlValue::Text(text)) => same(&decode(text).unwrap(), value),
        (T::Text, Value::String(a), SqlValue::Text(b)) => a == b,
        (T::Bytes, Value::Bytes(a), SqlValue::Blob(b)) => a == b,
        (T::Boolean, Value::Boolean(a), SqlValue::Integer(b)) => i64::from(*a) == *b,
        (T::Integer, Value::Integer(a), SqlValue::Integer(b)) => a == b,
        (T::Integer | T::Double, Value::Double(a), SqlValue::Null) => is_ruled_null(rules, *a),
        (T::Integer, Value::Double(a), SqlValue::Integer(b)) => {
            b.unsigned_abs() <= 1 << 53 && is_ruled(rules, *a, *b as f64)
        }
        (T::Double, Value::Double(a), SqlValue::Real(b)) => is_ruled(rules, *a, *b),
        (T::Double, Value::Integer(a), SqlValue::Real(b)) => *b as i128 == i128::from(*a),
        (T::Timestamp { digits }, Value::Timestamp(time), SqlValue::Text(text)) => {
            text.len() == 21 + usize::from(digits) && text.parse() == Ok(*time)
        }
        (T::TimestampMillis, Value::Timestamp(a), SqlValue::Integer(b)) => Timestamp::from_millisecond(*b) == Ok(*a),
        (T::TimestampMicros, Value::Timestamp(a), SqlValue::Integer(b)) => Timestamp::from_microsecond(*b) == Ok(*a),
        (T::ReferencePath, Value::Reference(a), SqlValue::Text(b)) => a == b,
        (T::ReferenceId, Value::Reference(path), SqlValue::Text(id)) => {
            path.ends_with(&format!("/{id}")) && !id.contains('/') && !id.is_empty() && !path.starts_with("projects/")
        }
        (T::Latitude, Value::GeoPoint(a), SqlValue::Real(b)) => is_ruled(rules, a.latitude, *b),
        (T::Longitude, Value::GeoPoint(a), SqlValue::Real(b)) => is_ruled(rules, a.longitude, *b),
        (T::Latitude, Value::GeoPoint(a), SqlValue::Null) => is_ruled_null(rules, a.latitude),
        (T::Longitude, Value::GeoPoint(a), SqlValue::Null) => is_ruled_null(rules, a.longitude),
        (T::Vector32, _, SqlValue::Blob(blob)) => {
            let floats = blob.chunks_exact(4).map(|four| f64::from(f32::from_le_bytes(four.try_into().unwrap())));
            is_vector(value, blob.len() % 4 == 0, floats.collect())
        }
        (T::Vector64, _, SqlValue::Blob(blob)) => {
            let floats = blob.chunks_exact(8).map(|eight| f64::from_le_bytes(eight.try_into().unwrap()));
            is_vector(value, blob.len() % 8 == 1 && blob.last() == Some(&2), floats.collect())
        }
        (T::Auto | T::Any | T::Natural(Affinity::Blob), value, stored) => {
            let storage = match value {
                Value::Boolean(_) => T::Boolean,
                Value::Integer(_) => T::Integer,
                Value::Double(_) => T::Double,
                Value::String(_) => T::Text,
                Value::Bytes(_) => T::Bytes,
                Value::Timestamp(_) => T::Timestamp { digits: 6 },
                Value::Reference(_) => T::ReferenceId,
                _ => T::Json,
            };
            is_exact(storage, rules, value, stored)
        }
        (T::Natural(Affinity::Text), value, stored) => {
            matches!(value, Value::String(_) | Value::Timestamp(_) | Value::Reference(_))
                && is_exact(T::Any, rules, value, stored)
        }
        (T::Natural(Affinity::Integer), Value::Boolean(_), stored) => is_exact(T::Boolean, rules, value, stored),
        (T::Natural(Affinity::Integer), value, stored) => is_exact(T::Integer, rules, value, stored),
        (T::Natural(Affinity::Real), value, stored) => is_exact(T::Double, rules, value, stored),
        (T::Natural(Affinity::Numeric), Value::Double(a), SqlValue::Integer(b)) => {
            is_ruled(rules, *a, *b as f64) && (*b as f64) as i128 == i128::from(*b)
        }
        (T::Natural(Affinity::Numeric), Value::Double(a), SqlValue::Real(b)) => {
            // A double that SQLite would turn into an integer must not arrive as one.
            (b.fract() != 0.0 || b.abs() >= 9.2e18) && is_ruled(rules, *a, *b)
        }
        (
            T::Natural(Affinity::Numeric),
            Value::Integer(_) | Value::Boolean(_) | Value::Timestamp(_) | Value::Double(_),
            stored,
        ) => is_exact(T::Any, rules, value, stored),
        _ => false,
    }
}

fn is_ruled(rules: DoubleRules, original: f64, stored: f64) -> bool {
    let zero = original == 0.0 && original.is_sign_negative();
    if zero {
        rules.negative_zero == NegativeZero::Zero && stored.to_bits() == 0
    } else {
        original.to_bits() == stored.to_bits()
    }
}

fn is_ruled_null(rules: DoubleRules, original: f64) -> bool {
    rules.non_finite == NonFinite::Null && !original.is_finite()
}

fn is_vector(value: &Value, well_formed: bool, found: Vec<f64>) -> bool {
    let components: Option<Vec<f64>> = match value {
        Value::Vector(numbers) => Some(numbers.clone()),
        Value::Array(values) => values
            .iter()
            .map(|value| match value {
                Value::Double(double) => Some(*double),
                Value::Integer(integer) => Some(*integer as f64).filter(|d| *d as i128 == i128::from(*integer)),
                _ => None,
            })
            .collect(),
        _ => None,
    };
    let bits = |numbers: Vec<f64>| numbers.into_iter().map(f64::to_bits).collect::<Vec<_>>();
    well_formed && components.is_some_and(|components| bits(components) == bits(found))
}

fn outcome(mapped: &Mapped) -> String {
    match mapped {
        Mapped::Rows(rows) => format!("{:?} {:?}", rows.row, rows.children),
        Mapped::Filtered => "filtered".into(),
        Mapped::Rejected { rejection, key, .. } => format!("{rejection:?} {key:?}"),
    }
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn every_value_is_stored_exactly_or_rejected(value in any_value(), kind in any_type(), rules in any_rules()) {
        let mut under_test = column("v", "v", kind);
        under_test.doubles = rules;
        let mapping = mapping(vec![column("id", "$id", ColumnType::Text), under_test]);
        let mut document = document("{}");
        document.fields.insert("v", value.clone());
        match mapping.map(document) {
            Mapped::Rows(rows) => {
                let stored = &rows.row[1];
                prop_assert!(is_exact(kind, rules, &value, stored), "{kind:?} {value:?} -> {stored:?}");
            }
            Mapped::Rejected { rejection, key, .. } => {
                prop_assert!(rejection.reason.starts_with("column `users.v` from `v`: "), "{}", rejection.reason);
                prop_assert_eq!(key.as_deref(), Some(r#"["alice"]"#));
            }
            Mapped::Filtered => prop_assert!(false, "filtered"),
        }
    }

    #[test]
    fn a_kept_document_maps_as_it_did(document in any_document(), mapping in any_mapping()) {
        let kept = decode_document(&encode_document(&document)).unwrap();
        let first = mapping.map(document.clone());
        prop_assert_eq!(outcome(&first), outcome(&mapping.map(kept)));
        match first {
            Mapped::Rows(rows) => {
                prop_assert_eq!(rows.row.len(), mapping.columns.len());
                prop_assert_eq!(rows.children.len(), mapping.children.len());
                prop_assert_eq!(encode_document(&rows.document), encode_document(&document));
            }
            Mapped::Rejected { document: kept, rejection, .. } => {
                prop_assert!(!rejection.reason.is_empty());
                prop_assert_eq!(encode_document(&kept), encode_document(&document));
            }
            Mapped::Filtered => prop_assert!(false, "nothing filters"),
        }
    }
}
