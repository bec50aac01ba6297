//! Values and documents to canonical JSON.

use std::fmt::Write;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::text::{escape, string};
use crate::domain::document::Document;
use crate::domain::reject::Rejection;
use crate::domain::value::{GeoPoint, InvalidValue, Map, Timestamp, Value};

/// The canonical JSON of a value; refuses a value that holds an invalid one, with that one's code.
pub fn encode(value: &Value) -> Result<String, Rejection> {
    let mut out = String::with_capacity(64);
    write_value(&mut out, value, false).map_err(|invalid| {
        Rejection::new(invalid.code, format!("holds `{}`, which no Firestore type can", invalid.text))
    })?;
    Ok(out)
}

/// The canonical JSON of any value: an invalid one inside is kept as `$invalid`.
pub fn encode_lossless(value: &Value) -> String {
    let mut out = String::with_capacity(64);
    write_lossless(&mut out, value);
    out
}

/// A whole document as canonical JSON: `created`, `fields`, `origin`, `path`, `updated`. Nothing of it is lost.
pub fn encode_document(document: &Document) -> String {
    let mut out = String::with_capacity(512);
    out.push_str("{\"created\":");
    optional_time(&mut out, document.created);
    out.push_str(",\"fields\":");
    // Not through `Value::Map`: that would need a copy of the fields.
    let _ = write_map(&mut out, &document.fields, true);
    out.push_str(",\"origin\":{\"file\":");
    match &document.origin.file {
        Some(file) => string(&mut out, file),
        None => out.push_str("null"),
    }
    let origin = &document.origin;
    let _ = write!(out, ",\"length\":{},\"line\":{},\"offset\":{}}}", origin.length, origin.line, origin.offset);
    out.push_str(",\"path\":");
    string(&mut out, &document.path.to_string());
    out.push_str(",\"updated\":");
    optional_time(&mut out, document.updated);
    out.push('}');
    out
}

/// The canonical text of a finite double (`1.0`, `-0.0`, `1e300`), or `NaN`, `Infinity`, `-Infinity`.
pub fn double_text(double: f64) -> String {
    // The standard library's shortest form never changed; those of JSON crates did (`1e300`, `1e+300`).
    if double.is_finite() { format!("{double:?}") } else { non_finite(double).to_owned() }
}

fn non_finite(double: f64) -> &'static str {
    if double.is_nan() {
        "NaN"
    } else if double > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}

fn write_lossless(out: &mut String, value: &Value) {
    // With `lossless` nothing is refused.
    let _ = write_value(out, value, true);
}

fn write_value<'a>(out: &mut String, value: &'a Value, lossless: bool) -> Result<(), &'a InvalidValue> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Boolean(true) => out.push_str("true"),
        Value::Boolean(false) => out.push_str("false"),
        Value::Integer(number) => integer(out, *number),
        Value::Double(number) => double(out, *number),
        Value::String(text) => string(out, text),
        Value::Timestamp(time) => special(out, "timestamp", |out| string(out, &time.to_string())),
        Value::Bytes(bytes) => special(out, "bytes", |out| base64(out, bytes)),
        Value::Reference(path) => special(out, "reference", |out| string(out, path)),
        Value::GeoPoint(GeoPoint { latitude, longitude }) => {
            special(out, "geopoint", |out| doubles(out, &[*latitude, *longitude]));
        }
        Value::Vector(numbers) => special(out, "vector", |out| doubles(out, numbers)),
        Value::Array(values) => return write_array(out, values, lossless),
        Value::Map(map) => return write_map(out, map, lossless),
        Value::Invalid(invalid) if lossless => special(out, "invalid", |out| {
            out.push('[');
            string(out, invalid.code.as_str());
            out.push(',');
            string(out, &invalid.text);
            out.push(']');
        }),
        Value::Invalid(invalid) => return Err(invalid),
    }
    Ok(())
}

fn write_array<'a>(out: &mut String, values: &'a [Value], lossless: bool) -> Result<(), &'a InvalidValue> {
    out.push('[');
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_value(out, value, lossless)?;
    }
    out.push(']');
    Ok(())
}

fn write_map<'a>(out: &mut String, map: &'a Map, lossless: bool) -> Result<(), &'a InvalidValue> {
    out.push('{');
    if map.iter().is_sorted_by(|(a, _), (b, _)| a < b) {
        write_fields(out, map.iter(), lossless)?;
    } else {
        let mut fields: Vec<_> = map.iter().collect();
        fields.sort_unstable_by_key(|(name, _)| *name);
        write_fields(out, fields.into_iter(), lossless)?;
    }
    out.push('}');
    Ok(())
}

fn write_fields<'a>(
    out: &mut String,
    fields: impl Iterator<Item = (&'a str, &'a Value)>,
    lossless: bool,
) -> Result<(), &'a InvalidValue> {
    for (index, (name, value)) in fields.enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push('"');
        if name.starts_with('$') {
            out.push('$');
        }
        escape(out, name);
        out.push_str("\":");
        write_value(out, value, lossless)?;
    }
    Ok(())
}

fn special(out: &mut String, name: &str, content: impl FnOnce(&mut String)) {
    out.push_str("{\"$");
    out.push_str(name);
    out.push_str("\":");
    content(out);
    out.push('}');
}

fn optional_time(out: &mut String, time: Option<Timestamp>) {
    match time {
        Some(time) => special(out, "timestamp", |out| string(out, &time.to_string())),
        None => out.push_str("null"),
    }
}

pub(super) fn integer(out: &mut String, number: i64) {
    let _ = write!(out, "{number}");
}

pub(super) fn double(out: &mut String, number: f64) {
    if number.is_finite() {
        let _ = write!(out, "{number:?}");
    } else {
        special(out, "double", |out| string(out, non_finite(number)));
    }
}

fn doubles(out: &mut String, numbers: &[f64]) {
    out.push('[');
    for (index, number) in numbers.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        double(out, *number);
    }
    out.push(']');
}

pub(super) fn base64(out: &mut String, bytes: &[u8]) {
    out.push('"');
    BASE64_STANDARD.encode_string(bytes, out);
    out.push('"');
}
