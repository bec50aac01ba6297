//! Canonical JSON: one text per value, lossless both ways.
//!
//! Object keys are sorted by their UTF-8 bytes, there is no white space, integers are digits, doubles always have a
//! fraction or an exponent. What JSON lacks is an object with one `$` key:
//!
//! | value | text |
//! | --- | --- |
//! | timestamp | `{"$timestamp":"2024-05-01T12:00:00.000000Z"}` (nine digits where six do not hold it) |
//! | bytes | `{"$bytes":"AAEC"}` (standard base64, padded) |
//! | reference | `{"$reference":"users/alice"}` |
//! | geopoint | `{"$geopoint":[47.5,8.5]}` |
//! | vector | `{"$vector":[0.5,1.0]}` |
//! | NaN, infinities | `{"$double":"NaN"}`, `"Infinity"`, `"-Infinity"` |
//! | a value no type can hold | `{"$invalid":["integer_overflow","9223372036854775808"]}`, only in kept documents |
//!
//! A real key that starts with `$` gets one more `$` in front.

mod merge;
mod parse;
mod read;
mod rest;
mod sql;
mod text;
mod write;

pub use merge::merge;
pub use parse::{JsonError, parse};
pub use read::{decode, decode_document};
pub use rest::encode_rest;
pub use sql::{encode_key, json_to_sql, sql_to_json};
pub use text::{escape, plain_end, string};
pub use write::{double_text, encode, encode_document, encode_lossless};

/// How deep values may nest for [`decode`] and [`parse`] to read them (Firestore allows 20). Sources refuse deeper
/// ones, so that nothing is kept that cannot be read back.
pub const MAX_DEPTH: usize = 500;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::domain::document::{Document, DocumentPath, Origin};
    use crate::domain::reject::RejectCode;
    use crate::domain::value::{GeoPoint, Map, Value};

    fn map(fields: Vec<(&str, Value)>) -> Value {
        Value::Map(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    fn every_type() -> Value {
        map(vec![
            ("ä", Value::String("\u{0}\u{1f}\u{7f}\"\\/\u{2028}😀".into())),
            ("z", Value::Null),
            ("$timestamp", Value::Boolean(true)),
            ("$$", Value::Integer(i64::MIN)),
            ("a", Value::Timestamp("2024-05-01T12:00:00.123456789Z".parse().unwrap())),
            ("a.b", Value::Bytes(vec![0, 255])),
            ("", Value::Reference("users/alice".into())),
            ("B", Value::GeoPoint(GeoPoint { latitude: -0.0, longitude: 180.0 })),
            ("c", Value::Vector(vec![1.0, f64::NAN, 0.1])),
            ("d", Value::Array(vec![Value::Double(f64::NEG_INFINITY), Value::Double(1e16), Value::Double(5e-324)])),
        ])
    }

    /// The text is a format: databases hold it. A change here is a change of format.
    #[test]
    fn the_canonical_text_of_every_type() {
        let expected = concat!(
            r#"{"":{"$reference":"users/alice"},"$$$":-9223372036854775808,"$$timestamp":true,"#,
            r#""B":{"$geopoint":[-0.0,180.0]},"a":{"$timestamp":"2024-05-01T12:00:00.123456789Z"},"#,
            r#""a.b":{"$bytes":"AP8="},"c":{"$vector":[1.0,{"$double":"NaN"},0.1]},"#,
            r#""d":[{"$double":"-Infinity"},1e16,5e-324],"z":null,"#,
            "\"ä\":\"\\u0000\\u001f\u{7f}\\\"\\\\/\u{2028}😀\"}"
        );
        assert_eq!(encode(&every_type()).unwrap(), expected);
        assert_eq!(encode(&decode(expected).unwrap()).unwrap(), expected);
    }

    #[test]
    fn doubles_have_one_text_each() {
        for (double, text) in [
            (1.0, "1.0"),
            (-0.0, "-0.0"),
            (0.1, "0.1"),
            (1e300, "1e300"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e16"),
            (1.2345e-7, "1.2345e-7"),
            (1e-5, "1e-5"),
            (0.0001, "0.0001"),
            (f64::MAX, "1.7976931348623157e308"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(double_text(double), text);
        }
    }

    #[test]
    fn a_column_refuses_an_invalid_value_and_a_kept_document_holds_it() {
        let invalid = Value::invalid(RejectCode::IntegerOverflow, "9223372036854775808");
        let value = map(vec![("list", Value::Array(vec![invalid]))]);
        let rejection = encode(&value).unwrap_err();
        assert_eq!(rejection.code, RejectCode::IntegerOverflow);
        assert!(rejection.reason.contains("9223372036854775808"));
        let text = encode_lossless(&value);
        assert_eq!(text, r#"{"list":[{"$invalid":["integer_overflow","9223372036854775808"]}]}"#);
        assert_eq!(decode(&text).unwrap(), value);
    }

    #[test]
    fn a_document_comes_back_whole() {
        let Value::Map(fields) = every_type() else { unreachable!() };
        let document = Document {
            path: DocumentPath::parse("users/alice/orders/ö 1").unwrap(),
            fields,
            created: Some("0001-01-01T00:00:00Z".parse().unwrap()),
            updated: None,
            origin: Origin { file: Some("a/b.json.gz".into()), offset: u64::MAX, length: 7, line: 3 },
        };
        let text = encode_document(&document);
        assert_eq!(encode_document(&decode_document(&text).unwrap()), text);
        assert!(text.starts_with(r#"{"created":{"$timestamp":"0001-01-01T00:00:00.000000Z"},"fields":{"":"#));
        let empty =
            Document { path: DocumentPath::new("a", "b"), fields: Map::new(), origin: Origin::default(), ..document };
        let empty = Document { created: None, ..empty };
        assert_eq!(decode_document(&encode_document(&empty)).unwrap(), empty);
    }

    #[test]
    fn what_the_convention_does_not_know_is_refused() {
        for text in [
            r#"{"$unknown":1}"#,
            r#"{"$timestamp":"yesterday"}"#,
            r#"{"$timestamp":1}"#,
            r#"{"$bytes":"?"}"#,
            r#"{"$geopoint":[1.0]}"#,
            r#"{"$vector":[1]}"#,
            r#"{"$bytes":"","x":1}"#,
            r#"{"a":[{"$invalid":["no_such_code","x"]}]}"#,
        ] {
            assert!(decode(text).is_err(), "{text}");
        }
        for text in ["[]", "{}", r#"{"created":null,"fields":{},"origin":{},"path":"a","updated":null}"#] {
            assert!(decode_document(text).is_err(), "{text}");
        }
    }
}
