//! Field values in the shapes that write them as ordinary JSON, with or without conventions for what JSON lacks.

use super::parser::{Fault, Parsed, Parser, numeric};
use super::timestamp;
use crate::domain::reject::RejectCode;
use crate::domain::value::{GeoPoint, Map, Value};

/// Which conventions a shape uses for types that JSON has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// None: a map is a map.
    Json,
    /// What `JSON.stringify` makes of the Admin SDK's objects.
    Admin,
    /// `{"__datatype__":…,"value":…}`; vectors as the Admin SDK has them.
    Node,
    /// Special values are listed beside the data; vectors as the Admin SDK has them.
    Backfire,
}

/// The next value.
pub(super) fn value(parser: &mut Parser<'_>, style: Style) -> Parsed<Value> {
    match parser.peek()? {
        b'"' => Ok(Value::String(parser.string()?.into_owned())),
        b'{' => {
            let start = parser.start();
            let map = map(parser, style)?;
            Ok(interpret(map, style, parser.since(start)))
        }
        b'[' => {
            let mut elements = Vec::new();
            parser.array(|parser| {
                elements.push(value(parser, style)?);
                Ok(())
            })?;
            Ok(Value::Array(elements))
        }
        b'-' | b'0'..=b'9' => parser.number().map(|(text, integer)| numeric(text, integer)),
        _ => Ok(parser.word()?.map_or(Value::Null, Value::Boolean)),
    }
}

/// The fields of the next object.
pub(super) fn map(parser: &mut Parser<'_>, style: Style) -> Parsed<Map> {
    let mut fields = Vec::with_capacity(12);
    parser.object(|parser, key| {
        let value = value(parser, style)?;
        fields.push((key.into(), value));
        Ok(())
    })?;
    Map::from_fields(fields).map_err(|name| duplicate(&name))
}

/// The fault of an object with a key twice.
pub(super) fn duplicate(name: &str) -> Fault {
    Fault::reject(RejectCode::DuplicateField, format!("the field `{name}` occurs twice in one object"))
}

fn interpret(map: Map, style: Style, text: &str) -> Value {
    let first = map.iter().next().map_or("", |(name, _)| name);
    let special = match style {
        Style::Json => None,
        Style::Admin if first.starts_with('_') => timestamp::from_map(&map, text)
            .or_else(|| geo_point(&map, text))
            .or_else(|| reference(&map, text))
            .or_else(|| vector(&map)),
        Style::Admin if first == "type" => buffer(&map, text),
        Style::Backfire | Style::Node if first == "_values" => vector(&map),
        Style::Node if map.len() == 2 => datatype(&map, text),
        Style::Admin | Style::Backfire | Style::Node => None,
    };
    special.unwrap_or(Value::Map(map))
}

/// `{"_latitude":…,"_longitude":…}`.
pub(super) fn geo_point(map: &Map, text: &str) -> Option<Value> {
    let latitude = number(map.get("_latitude")?)?;
    let longitude = number(map.get("_longitude")?)?;
    (map.len() == 2).then(|| place(latitude, longitude, text))
}

/// A geopoint, unless it is nowhere on Earth.
pub(super) fn place(latitude: f64, longitude: f64, text: &str) -> Value {
    if (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude) {
        Value::GeoPoint(GeoPoint { latitude, longitude })
    } else {
        Value::invalid(RejectCode::InvalidValue, text)
    }
}

/// `{"_firestore":…,"_path":{"segments":[…]},"_converter":…}`.
pub(super) fn reference(map: &Map, text: &str) -> Option<Value> {
    let Value::Map(path) = map.get("_path")? else { return None };
    let Value::Array(segments) = path.get("segments")? else { return None };
    if map.iter().any(|(name, _)| !matches!(name, "_firestore" | "_path" | "_converter")) {
        return None;
    }
    let names = segments.iter().map(|segment| match segment {
        Value::String(name) if !name.is_empty() && !name.contains('/') => Some(name.as_str()),
        _ => None,
    });
    let path = names.collect::<Option<Vec<_>>>().filter(|names| !names.is_empty() && names.len().is_multiple_of(2));
    Some(path.map_or_else(|| Value::invalid(RejectCode::InvalidValue, text), |names| Value::Reference(names.join("/"))))
}

/// `{"_values":[…]}`.
fn vector(map: &Map) -> Option<Value> {
    let Value::Array(values) = map.get("_values")? else { return None };
    let numbers = values.iter().map(number).collect::<Option<Vec<_>>>()?;
    (map.len() == 1).then_some(Value::Vector(numbers))
}

/// `{"type":"Buffer","data":[…]}`.
fn buffer(map: &Map, text: &str) -> Option<Value> {
    let (Value::String(kind), Value::Array(data)) = (map.get("type")?, map.get("data")?) else { return None };
    if map.len() != 2 || kind != "Buffer" {
        return None;
    }
    let bytes = data.iter().map(|byte| match byte {
        Value::Integer(byte) => u8::try_from(*byte).ok(),
        _ => None,
    });
    Some(bytes.collect::<Option<Vec<_>>>().map_or_else(|| Value::invalid(RejectCode::InvalidValue, text), Value::Bytes))
}

/// `{"__datatype__":"timestamp"|"geopoint"|"documentReference","value":…}`.
fn datatype(map: &Map, text: &str) -> Option<Value> {
    let (Value::String(kind), value) = (map.get("__datatype__")?, map.get("value")?) else { return None };
    let found = match (kind.as_str(), value) {
        ("timestamp", Value::Map(parts)) => timestamp::from_map(parts, text),
        ("timestamp", Value::String(time)) => {
            let time = timestamp::parse(time);
            Some(time.map_or_else(|| Value::invalid(RejectCode::InvalidTimestamp, text), Value::Timestamp))
        }
        ("geopoint", Value::Map(parts)) => geo_point(parts, text),
        ("documentReference", Value::String(path)) if is_document_path(path) => Some(Value::Reference(path.clone())),
        _ => None,
    };
    Some(found.unwrap_or_else(|| Value::invalid(RejectCode::InvalidValue, text)))
}

/// An even number of segments, none empty.
pub(super) fn is_document_path(path: &str) -> bool {
    path.split('/').count().is_multiple_of(2) && path.split('/').all(|segment| !segment.is_empty())
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(integer) if integer.unsigned_abs() <= 1 << 53 => Some(*integer as f64),
        Value::Double(double) => Some(*double),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(text: &str, style: Style) -> Value {
        value(&mut Parser::new(text), style).unwrap()
    }

    #[test]
    fn numbers_keep_their_kind_and_every_bit() {
        assert_eq!(read("9223372036854775807", Style::Json), Value::Integer(i64::MAX));
        assert_eq!(read("-9223372036854775808", Style::Json), Value::Integer(i64::MIN));
        let overflow = |text: &str| Value::invalid(RejectCode::IntegerOverflow, text);
        for text in ["9223372036854775808", "-9223372036854775809", "100000000000000000000000"] {
            assert_eq!(read(text, Style::Json), overflow(text));
        }
        assert_eq!(read("1.0", Style::Json), Value::Double(1.0));
        assert_eq!(read("1e2", Style::Json), Value::Double(100.0));
        assert_eq!(read("1e999", Style::Json), Value::invalid(RejectCode::NonFiniteDouble, "1e999"));
        for text in ["-0", "-0.0"] {
            let Value::Double(zero) = read(text, Style::Json) else { panic!("{text} is a double") };
            assert_eq!(zero.to_bits(), (-0.0f64).to_bits());
        }
    }

    #[test]
    fn the_admin_sdk_forms_are_recognised_only_when_exact() {
        assert!(matches!(read(r#"{"_seconds":1,"_nanoseconds":2}"#, Style::Admin), Value::Timestamp(_)));
        assert!(matches!(read(r#"{"_seconds":1,"_nanoseconds":2}"#, Style::Json), Value::Map(_)));
        assert!(matches!(read(r#"{"_seconds":1,"_nanoseconds":2,"x":3}"#, Style::Admin), Value::Map(_)));
        assert!(matches!(read(r#"{"_seconds":"1","_nanoseconds":2}"#, Style::Admin), Value::Map(_)));
        assert!(matches!(read(r#"{"_longitude":1,"_latitude":2.5}"#, Style::Admin), Value::GeoPoint(_)));
        assert!(matches!(read(r#"{"_longitude":1,"_latitude":92}"#, Style::Admin), Value::Invalid(_)));
        assert_eq!(read(r#"{"type":"Buffer","data":[0,255]}"#, Style::Admin), Value::Bytes(vec![0, 255]));
        assert_eq!(read(r#"{"_values":[1,2.5]}"#, Style::Admin), Value::Vector(vec![1.0, 2.5]));
        let text = r#"{"_firestore":{"projectId":"p"},"_path":{"segments":["users","a"]},"_converter":{}}"#;
        assert_eq!(read(text, Style::Admin), Value::Reference("users/a".to_owned()));
    }

    #[test]
    fn a_key_that_occurs_twice_is_a_reject_at_any_depth() {
        let fault = value(&mut Parser::new(r#"{"a":[{"b":1,"b":1}]}"#), Style::Json).unwrap_err();
        assert!(matches!(fault, Fault::Reject(reject) if reject.code == RejectCode::DuplicateField));
    }
}
