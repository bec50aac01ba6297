//! The typed values of the Firestore REST API.

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::parser::{Fault, Parsed, Parser, numeric};
use super::timestamp;
use super::value::{duplicate, is_document_path, place};
use crate::domain::reject::RejectCode;
use crate::domain::value::{Map, Timestamp, Value};

/// A document as the API writes it, without its name.
#[derive(Debug, Default)]
pub(super) struct RestDocument {
    pub(super) fields: Map,
    pub(super) created: Option<Timestamp>,
    pub(super) updated: Option<Timestamp>,
}

/// Splits `projects/…/databases/…/documents/users/alice` into its database, with the `/` at the end, and the path.
pub(super) fn split_name(name: &str) -> Option<(&str, &str)> {
    let mut parts = name.splitn(6, '/');
    let fixed = (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let path = parts.next()?;
    let well_formed = fixed.0 == "projects" && fixed.2 == "databases" && fixed.4 == "documents";
    (well_formed && is_document_path(path)).then(|| name.split_at(name.len() - path.len()))
}

/// The next document: bare, or inside of a `runQuery` or `batchGet` answer. `own` is the database of its name, which
/// was found before (see `locate`).
pub(super) fn document(parser: &mut Parser<'_>, own: &str) -> Parsed<RestDocument> {
    let mut document = RestDocument::default();
    let mut seen = Vec::new();
    parser.object(|parser, key| {
        if seen.contains(&key) {
            return Err(duplicate(&key));
        }
        match key.as_ref() {
            "document" | "found" if parser.peek()? == b'{' => document = self::document(parser, own)?,
            "fields" => document.fields = fields(parser, own)?,
            "createTime" => document.created = Some(time(parser, &key)?),
            "updateTime" => document.updated = Some(time(parser, &key)?),
            _ => parser.skip()?,
        }
        seen.push(key);
        Ok(())
    })?;
    Ok(document)
}

fn time(parser: &mut Parser<'_>, key: &str) -> Parsed<Timestamp> {
    let text = if parser.peek()? == b'"' { parser.string()? } else { parser.skip().map(|()| "".into())? };
    timestamp::parse(&text).ok_or_else(|| {
        Fault::reject(RejectCode::InvalidTimestamp, format!("`{key}` is not an RFC 3339 timestamp: `{text}`"))
    })
}

fn fields(parser: &mut Parser<'_>, own: &str) -> Parsed<Map> {
    if parser.peek()? != b'{' {
        parser.skip()?;
        return Err(Fault::reject(RejectCode::MalformedRecord, "`fields` must be an object"));
    }
    let mut fields = Vec::with_capacity(12);
    parser.object(|parser, key| {
        let value = value(parser, own)?;
        fields.push((key.into(), value));
        Ok(())
    })?;
    Map::from_fields(fields).map_err(|name| duplicate(&name))
}

/// `{"integerValue":"1"}`: an object with exactly one member.
fn value(parser: &mut Parser<'_>, own: &str) -> Parsed<Value> {
    let start = parser.start();
    let mut found = None;
    let mut kinds = 0;
    if parser.peek()? == b'{' {
        let mut first = None;
        parser.object(|parser, kind| {
            kinds += 1;
            match &first {
                None => {
                    found = typed(parser, &kind, own)?;
                    first = Some(kind);
                    Ok(())
                }
                Some(earlier) if *earlier == kind => Err(duplicate(&kind)),
                Some(_) => parser.skip(),
            }
        })?;
    } else {
        parser.skip()?;
    }
    let found = found.filter(|_| kinds == 1);
    Ok(found.unwrap_or_else(|| Value::invalid(RejectCode::InvalidValue, parser.since(start))))
}

/// The value of one kind; `None` where it is not of that kind's form.
fn typed(parser: &mut Parser<'_>, kind: &str, own: &str) -> Parsed<Option<Value>> {
    let first = parser.peek()?;
    let value = match (kind, first) {
        ("stringValue", b'"') => Some(Value::String(parser.string()?.into_owned())),
        ("integerValue", b'"') => integer(&parser.string()?),
        ("integerValue", b'-' | b'0'..=b'9') => integer(parser.number()?.0),
        ("doubleValue", b'"') => double(&parser.string()?),
        ("doubleValue", b'-' | b'0'..=b'9') => Some(numeric(parser.number()?.0, false)),
        ("booleanValue", b't' | b'f') => parser.word()?.map(Value::Boolean),
        ("nullValue", b'n') => {
            parser.word()?;
            Some(Value::Null)
        }
        ("nullValue", b'"') => (parser.string()? == "NULL_VALUE").then_some(Value::Null),
        ("timestampValue", b'"') => {
            let text = parser.string()?;
            let time = timestamp::parse(&text);
            Some(time.map_or_else(|| Value::invalid(RejectCode::InvalidTimestamp, text), Value::Timestamp))
        }
        ("bytesValue", b'"') => bytes(&parser.string()?),
        ("referenceValue", b'"') => reference(&parser.string()?, own),
        ("geoPointValue", b'{') => geo_point(parser)?,
        ("arrayValue", b'{') => array(parser, own)?.map(Value::Array),
        ("mapValue", b'{') => nested(parser, own)?,
        _ => {
            parser.skip()?;
            None
        }
    };
    Ok(value)
}

fn integer(text: &str) -> Option<Value> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let decimal = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    decimal.then(|| match text.parse() {
        Ok(number) => Value::Integer(number),
        Err(_) => Value::invalid(RejectCode::IntegerOverflow, text),
    })
}

fn double(text: &str) -> Option<Value> {
    match text {
        "NaN" => Some(Value::Double(f64::NAN)),
        "Infinity" => Some(Value::Double(f64::INFINITY)),
        "-Infinity" => Some(Value::Double(f64::NEG_INFINITY)),
        _ => {
            let mut parser = Parser::new(text);
            let (number, _) = parser.number().ok()?;
            (number.len() == text.len()).then(|| numeric(number, false))
        }
    }
}

fn bytes(text: &str) -> Option<Value> {
    const LENIENT: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    const ORDINARY: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);
    const FOR_URLS: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LENIENT);
    let engine = if text.contains(['-', '_']) { &FOR_URLS } else { &ORDINARY };
    engine.decode(text).ok().map(Value::Bytes)
}

/// Relative where it points into the document's own database.
fn reference(text: &str, own: &str) -> Option<Value> {
    let (database, path) = split_name(text)?;
    Some(Value::Reference(if database == own { path.to_owned() } else { text.to_owned() }))
}

/// Coordinates that are 0 may be left out.
fn geo_point(parser: &mut Parser<'_>) -> Parsed<Option<Value>> {
    let start = parser.start();
    let mut coordinates = [0.0, 0.0];
    let mut sound = true;
    parser.object(|parser, key| {
        let index = match key.as_ref() {
            "latitude" => 0,
            "longitude" => 1,
            _ => {
                sound = false;
                return parser.skip();
            }
        };
        match parser.peek()? {
            b'-' | b'0'..=b'9' => match numeric(parser.number()?.0, false) {
                Value::Double(number) => coordinates[index] = number,
                _ => sound = false,
            },
            _ => {
                sound = false;
                parser.skip()?;
            }
        }
        Ok(())
    })?;
    Ok(sound.then(|| place(coordinates[0], coordinates[1], parser.since(start))))
}

/// `{}` or `{"values":[…]}`.
fn array(parser: &mut Parser<'_>, own: &str) -> Parsed<Option<Vec<Value>>> {
    let mut values = Some(Vec::new());
    parser.object(|parser, key| {
        if key != "values" || parser.peek()? != b'[' {
            values = None;
            return parser.skip();
        }
        parser.array(|parser| {
            let element = value(parser, own)?;
            if let Some(values) = &mut values {
                values.push(element);
            }
            Ok(())
        })
    })?;
    Ok(values)
}

/// `{}` or `{"fields":{…}}`; a map of the vector convention is a vector.
fn nested(parser: &mut Parser<'_>, own: &str) -> Parsed<Option<Value>> {
    let mut map = Some(Map::new());
    parser.object(|parser, key| {
        if key != "fields" || parser.peek()? != b'{' {
            map = None;
            return parser.skip();
        }
        let inner = fields(parser, own)?;
        map = map.take().map(|_| inner);
        Ok(())
    })?;
    Ok(map.map(|map| vector(&map).unwrap_or(Value::Map(map))))
}

/// `{"__type__": "__vector__", "value": [doubles]}`.
fn vector(map: &Map) -> Option<Value> {
    let (Value::String(kind), Value::Array(values)) = (map.get("__type__")?, map.get("value")?) else { return None };
    if kind != "__vector__" || map.len() != 2 {
        return None;
    }
    let numbers = values.iter().map(|value| match value {
        Value::Double(number) => Some(*number),
        Value::Integer(number) if number.unsigned_abs() <= 1 << 53 => Some(*number as f64),
        _ => None,
    });
    numbers.collect::<Option<Vec<_>>>().map(Value::Vector)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const OWN: &str = "projects/p/databases/(default)/documents/";

    fn read(text: &str) -> Value {
        value(&mut Parser::new(text), OWN).unwrap()
    }

    fn invalid(code: RejectCode, text: &str) -> Value {
        Value::invalid(code, text)
    }

    #[test]
    fn every_kind_of_value_is_read_exactly() {
        assert_eq!(read(r#"{"integerValue":"-9223372036854775808"}"#), Value::Integer(i64::MIN));
        assert_eq!(read(r#"{"integerValue":7}"#), Value::Integer(7));
        assert_eq!(read(r#"{"doubleValue":3}"#), Value::Double(3.0));
        assert_eq!(read(r#"{"doubleValue":"-Infinity"}"#), Value::Double(f64::NEG_INFINITY));
        assert!(matches!(read(r#"{"doubleValue":"NaN"}"#), Value::Double(number) if number.is_nan()));
        assert!(matches!(read(r#"{"doubleValue":-0}"#), Value::Double(zero) if zero.is_sign_negative()));
        assert_eq!(read(r#"{"nullValue":null}"#), Value::Null);
        assert_eq!(read(r#"{"bytesValue":"AP8="}"#), Value::Bytes(vec![0, 255]));
        assert_eq!(read(r#"{"bytesValue":"-_8"}"#), Value::Bytes(vec![0xfb, 0xff]));
        assert_eq!(read(r#"{"arrayValue":{}}"#), Value::Array(Vec::new()));
        assert_eq!(read(r#"{"mapValue":{}}"#), Value::Map(Map::new()));
        assert!(
            matches!(read(r#"{"geoPointValue":{"longitude":5}}"#), Value::GeoPoint(point) if point.latitude == 0.0)
        );
    }

    #[test]
    fn references_are_relative_only_within_their_own_database() {
        let inside = format!(r#"{{"referenceValue":"{OWN}users/a"}}"#);
        assert_eq!(read(&inside), Value::Reference("users/a".to_owned()));
        let other = "projects/q/databases/(default)/documents/users/a";
        assert_eq!(read(&format!(r#"{{"referenceValue":"{other}"}}"#)), Value::Reference(other.to_owned()));
        assert!(matches!(read(r#"{"referenceValue":"users/a"}"#), Value::Invalid(_)));
    }

    #[test]
    fn the_vector_convention_is_a_vector_and_only_that() {
        let vector = r#"{"mapValue":{"fields":{"__type__":{"stringValue":"__vector__"},
            "value":{"arrayValue":{"values":[{"doubleValue":1},{"doubleValue":-2.5}]}}}}}"#;
        assert_eq!(read(vector), Value::Vector(vec![1.0, -2.5]));
        assert!(matches!(read(&vector.replace("__vector__", "vector")), Value::Map(_)));
    }

    #[test]
    fn values_that_no_type_can_hold_are_invalid_and_keep_their_text() {
        let overflow = invalid(RejectCode::IntegerOverflow, "9223372036854775808");
        assert_eq!(read(r#"{"integerValue":"9223372036854775808"}"#), overflow);
        assert_eq!(read(r#"{"timestampValue":"soon"}"#), invalid(RejectCode::InvalidTimestamp, "soon"));
        for text in [
            r#"{"bytesValue":"?"}"#,
            r#"{"integerValue":"1.5"}"#,
            r#"{"booleanValue":"true"}"#,
            r#"{"geoPointValue":{"latitude":91}}"#,
            r#"{"newValue":1}"#,
            r#"{"integerValue":"1","stringValue":"1"}"#,
            r#"{}"#,
            "5",
        ] {
            match read(text) {
                Value::Invalid(value) => assert_eq!(value.code, RejectCode::InvalidValue, "{text}"),
                other => panic!("{text} gave {other:?}"),
            }
        }
    }

    #[test]
    fn names_split_into_database_and_path() {
        let name = format!("{OWN}users/a/orders/1");
        assert_eq!(split_name(&name), Some((OWN, "users/a/orders/1")));
        for name in ["users/a", "projects/p/databases/d/documents", "projects/p/databases/d/documents/users"] {
            assert_eq!(split_name(name), None);
        }
    }
}
