//! Canonical JSON: lossless, one text per value, real JSON.

use super::generate::{any_document, any_value, cases};
use super::*;
use fireferry::domain::json::{decode_document, encode, encode_document, encode_lossless, parse};
use fireferry::domain::value::Map;
use proptest::prelude::*;

/// Equal by bits; all NaNs are one.
pub fn same(a: &Value, b: &Value) -> bool {
    let bits = |a: f64, b: f64| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan();
    match (a, b) {
        (Value::Double(a), Value::Double(b)) => bits(*a, *b),
        (Value::GeoPoint(a), Value::GeoPoint(b)) => bits(a.latitude, b.latitude) && bits(a.longitude, b.longitude),
        (Value::Vector(a), Value::Vector(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| bits(*a, *b)),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Map(a), Value::Map(b)) => same_fields(a, b),
        (Value::Invalid(a), Value::Invalid(b)) => a == b,
        _ => a == b,
    }
}

fn same_fields(a: &Map, b: &Map) -> bool {
    a.len() == b.len() && a.iter().all(|(name, value)| b.get(name).is_some_and(|other| same(value, other)))
}

fn reversed(value: &Value) -> Value {
    match value {
        Value::Array(values) => Value::Array(values.iter().map(reversed).collect()),
        Value::Map(map) => {
            let mut fields: Vec<_> = map.iter().map(|(name, value)| (name.to_owned(), reversed(value))).collect();
            fields.reverse();
            Value::Map(fields.into_iter().collect())
        }
        other => other.clone(),
    }
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn every_value_comes_back_by_bits(value in any_value()) {
        let text = encode(&value).unwrap();
        let back = decode(&text).unwrap();
        prop_assert!(same(&value, &back), "{text}\n{value:?}\n{back:?}");
        prop_assert_eq!(encode_lossless(&value), text);
    }

    #[test]
    fn the_order_of_fields_does_not_show(value in any_value()) {
        prop_assert_eq!(encode(&value).unwrap(), encode(&reversed(&value)).unwrap());
    }

    #[test]
    fn canonical_text_is_json_for_everyone(value in any_value()) {
        let text = encode(&value).unwrap();
        let theirs: serde_json::Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(decode(&theirs.to_string()).map(|value| encode(&value).unwrap()), Ok(text));
    }

    #[test]
    fn every_document_comes_back_whole(document in any_document()) {
        let text = encode_document(&document);
        let back = decode_document(&text).unwrap();
        prop_assert!(same_fields(&document.fields, &back.fields), "{}", text);
        prop_assert_eq!((&document.path, &document.origin), (&back.path, &back.origin));
        prop_assert_eq!((document.created, document.updated), (back.created, back.updated));
        prop_assert_eq!(encode_document(&back), text);
    }

    #[test]
    fn the_parser_accepts_exactly_json(text in "[\\[\\]{}\",:0-9.eE+\\-u\\\\d8 ]{0,12}|[\\[{]\"?[a0\\\\]\"?[:,]?-?[0-9.e]{0,4}[\\]}]") {
        match (parse(&text), serde_json::from_str::<serde_json::Value>(&text)) {
            (Ok(value), Err(error)) => {
                let out_of_range = encode(&value).is_err() && error.to_string().contains("out of range");
                prop_assert!(out_of_range, "{} {:?} {}", text, value, error);
            }
            (Err(error), Ok(value)) => {
                prop_assert_eq!(error.code, RejectCode::DuplicateField, "{} {:?}", text, value);
            }
            _ => {}
        }
    }

    #[test]
    fn no_text_makes_the_decoder_panic(text in any::<String>()) {
        let _ = decode(&text);
        let _ = decode_document(&text);
    }
}

#[test]
fn deep_nesting_comes_back() {
    let mut value = Value::Vector(vec![f64::NAN]);
    for level in 0..400 {
        value = match level % 2 {
            0 => Value::Array(vec![value]),
            _ => Value::Map([("$".to_owned(), value)].into_iter().collect()),
        };
    }
    assert!(same(&decode(&encode(&value).unwrap()).unwrap(), &value));
}
