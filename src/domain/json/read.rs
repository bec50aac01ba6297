//! Canonical JSON back to values and documents.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::parse::parse;
use crate::domain::document::{Document, DocumentPath, Origin};
use crate::domain::reject::RejectCode;
use crate::domain::value::{GeoPoint, Map, Timestamp, Value};

/// The value that a canonical JSON text stands for.
pub fn decode(text: &str) -> Result<Value, String> {
    interpret(parse(text).map_err(|error| error.to_string())?)
}

/// The document that [`super::encode_document`] wrote.
pub fn decode_document(text: &str) -> Result<Document, String> {
    let Value::Map(mut parts) = parse(text).map_err(|error| error.to_string())? else {
        return Err("expected an object with `path` and `fields`".into());
    };
    let mut part = |name: &str| parts.remove(name).ok_or_else(|| format!("`{name}` is missing"));
    Ok(Document {
        path: path(part("path")?)?,
        fields: fields(part("fields")?)?,
        created: optional_time(part("created")?)?,
        updated: optional_time(part("updated")?)?,
        origin: origin(part("origin")?)?,
    })
}

fn path(value: Value) -> Result<DocumentPath, String> {
    match value {
        Value::String(text) => match text.rsplit_once('/') {
            Some((collection, id)) => Ok(DocumentPath::new(collection, id)),
            None => Err(format!("`{text}` is not a document path")),
        },
        other => Err(format!("`path` is a {}", other.type_name())),
    }
}

fn fields(value: Value) -> Result<Map, String> {
    match value {
        Value::Map(map) => interpret_fields(map),
        other => Err(format!("`fields` is a {}", other.type_name())),
    }
}

fn optional_time(value: Value) -> Result<Option<Timestamp>, String> {
    match interpret(value)? {
        Value::Null => Ok(None),
        Value::Timestamp(time) => Ok(Some(time)),
        other => Err(format!("expected a timestamp, found a {}", other.type_name())),
    }
}

fn origin(value: Value) -> Result<Origin, String> {
    let Value::Map(map) = value else { return Err("`origin` is not an object".into()) };
    let number = |name: &str| match map.get(name) {
        Some(Value::Integer(number)) => u64::try_from(*number).map_err(|error| format!("`{name}`: {error}")),
        Some(Value::Invalid(large)) => large.text.parse().map_err(|error| format!("`{name}`: {error}")),
        _ => Err(format!("`{name}` of `origin` is not a number")),
    };
    let file = match map.get("file") {
        Some(Value::String(file)) => Some(file.as_str().into()),
        Some(Value::Null) => None,
        _ => return Err("`file` of `origin` is not a string".into()),
    };
    Ok(Origin { file, offset: number("offset")?, length: number("length")?, line: number("line")? })
}

/// Turns plain JSON into what it stands for.
fn interpret(value: Value) -> Result<Value, String> {
    match value {
        Value::Array(values) => values.into_iter().map(interpret).collect::<Result<_, _>>().map(Value::Array),
        Value::Map(map) if map.len() == 1 && map.iter().all(|(name, _)| is_special(name)) => special(map),
        Value::Map(map) => interpret_fields(map).map(Value::Map),
        other => Ok(other),
    }
}

fn interpret_fields(map: Map) -> Result<Map, String> {
    let fields = map.into_iter().map(|(mut name, value)| {
        if is_special(&name) {
            return Err(format!("`{name}` cannot stand beside other keys; a real key would be `${name}`"));
        }
        if name.starts_with('$') {
            name.remove(0);
        }
        Ok((name, interpret(value)?))
    });
    Map::from_fields(fields.collect::<Result<_, _>>()?).map_err(|name| format!("the key `{name}` occurs twice"))
}

fn is_special(name: &str) -> bool {
    name.starts_with('$') && !name.starts_with("$$")
}

fn special(map: Map) -> Result<Value, String> {
    let Some((name, content)) = map.into_iter().next() else { return Ok(Value::Map(Map::new())) };
    let unfit = || format!("`{name}` does not hold what it should");
    match (name.as_str(), content) {
        ("$timestamp", Value::String(text)) => {
            text.parse().map(Value::Timestamp).map_err(|error| format!("`{text}` is {error}"))
        }
        ("$bytes", Value::String(text)) => {
            BASE64_STANDARD.decode(&text).map(Value::Bytes).map_err(|error| format!("`$bytes`: {error}"))
        }
        ("$reference", Value::String(path)) => Ok(Value::Reference(path)),
        ("$double", Value::String(text)) => non_finite(&text).map(Value::Double).ok_or_else(unfit),
        ("$geopoint", Value::Array(values)) => match doubles(values).ok_or_else(unfit)?[..] {
            [latitude, longitude] => Ok(Value::GeoPoint(GeoPoint { latitude, longitude })),
            _ => Err(unfit()),
        },
        ("$vector", Value::Array(values)) => doubles(values).map(Value::Vector).ok_or_else(unfit),
        ("$invalid", Value::Array(values)) => invalid(&values).ok_or_else(unfit),
        _ => Err(unfit()),
    }
}

fn non_finite(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

fn doubles(values: Vec<Value>) -> Option<Vec<f64>> {
    let double = |value| match interpret(value) {
        Ok(Value::Double(double)) => Some(double),
        _ => None,
    };
    values.into_iter().map(double).collect()
}

fn invalid(values: &[Value]) -> Option<Value> {
    match values {
        [Value::String(code), Value::String(text)] => Some(Value::invalid(RejectCode::parse(code)?, text.as_str())),
        _ => None,
    }
}
