//! Named changes of a value before its conversion.

use std::borrow::Cow;

use super::reason::{shortened, wrong_type};
use super::{DoubleRules, Lookup, LookupMissing, Transform};
use crate::domain::json::{double_text, parse};
use crate::domain::number;
use crate::domain::reject::{RejectCode, Rejection};
use crate::domain::timestamp::TimestampError;
use crate::domain::value::{Timestamp, Value};

type Changed<'a> = Result<Cow<'a, Value>, Rejection>;

/// Applies one transform.
pub(super) fn apply<'a>(transform: Transform, value: Cow<'a, Value>, doubles: DoubleRules) -> Changed<'a> {
    if *value == Value::Null {
        return Ok(value);
    }
    match transform {
        Transform::Trim => text(value, |text| changed(text, text.trim())),
        Transform::Lowercase => text(value, |text| changed(text, &text.to_lowercase())),
        Transform::Uppercase => text(value, |text| changed(text, &text.to_uppercase())),
        Transform::EmptyToNull => text(value, |text| text.is_empty().then_some(Value::Null)),
        Transform::ToText => to_text(value),
        Transform::ParseInteger => parsed(value, "integer", parse_integer),
        Transform::ParseDouble => parsed(value, "double", parse_double),
        Transform::ParseTimestamp => parsed(value, "timestamp", parse_timestamp),
        Transform::ParseJson => parse_json(&value),
        Transform::FromUnixSeconds => from_unix(value, Timestamp::from_second),
        Transform::FromUnixMillis => from_unix(value, Timestamp::from_millisecond),
        Transform::WholeToInteger => whole_to_integer(value, doubles),
        Transform::TruncateMicros => truncate(value, 6),
        Transform::TruncateMillis => truncate(value, 3),
    }
}

/// Translates a value.
pub(super) fn look_up<'a>(lookup: &'a Lookup, value: Cow<'a, Value>) -> Changed<'a> {
    let entry = match &*value {
        Value::Null => return Ok(value),
        Value::String(key) => lookup.entries.get(key),
        _ => None,
    };
    match (entry, lookup.missing) {
        (Some(entry), _) => Ok(Cow::Borrowed(entry)),
        (None, LookupMissing::Null) => Ok(Cow::Owned(Value::Null)),
        (None, LookupMissing::Keep) => Ok(value),
        (None, LookupMissing::Reject) => Err(match &*value {
            Value::String(key) => Rejection::new(
                RejectCode::LookupMissing,
                format!("the lookup `{}` has no entry for {:?}", lookup.name, shortened(key)),
            ),
            other => wrong_type(other, "a string to look up (`to_text` makes one)"),
        }),
    }
}

/// Changes strings; `None` leaves one as it is.
fn text<'a>(value: Cow<'a, Value>, change: impl FnOnce(&str) -> Option<Value>) -> Changed<'a> {
    let Value::String(found) = &*value else { return Err(wrong_type(&value, "a string")) };
    Ok(match change(found) {
        Some(new) => Cow::Owned(new),
        None => value,
    })
}

fn changed(old: &str, new: &str) -> Option<Value> {
    (old != new).then(|| Value::String(new.to_owned()))
}

fn to_text(value: Cow<'_, Value>) -> Changed<'_> {
    let text = match &*value {
        Value::String(_) => return Ok(value),
        Value::Integer(number) => number.to_string(),
        Value::Boolean(flag) => flag.to_string(),
        Value::Double(double) => double_text(*double),
        Value::Timestamp(time) => time.to_string(),
        other => return Err(wrong_type(other, "an integer, boolean, double or timestamp")),
    };
    Ok(Cow::Owned(Value::String(text)))
}

/// Makes a value of the type named out of a string; one that is there already passes.
fn parsed<'a>(
    value: Cow<'a, Value>,
    type_name: &str,
    parse: impl FnOnce(&str) -> Result<Value, Rejection>,
) -> Changed<'a> {
    match &*value {
        Value::String(text) => parse(text).map(Cow::Owned),
        found if found.type_name() == type_name => Ok(value),
        found => Err(wrong_type(found, &format!("a string with a {type_name}"))),
    }
}

fn not_a(code: RejectCode, text: &str, what: &str) -> Rejection {
    Rejection::new(code, format!("found string {:?}, which is {what}", shortened(text)))
}

fn parse_integer(text: &str) -> Result<Value, Rejection> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(not_a(RejectCode::InvalidValue, text, "no decimal integer"));
    }
    let number = text.parse().map_err(|_| not_a(RejectCode::IntegerOverflow, text, "an integer beyond 64 bits"))?;
    Ok(Value::Integer(number))
}

fn parse_double(text: &str) -> Result<Value, Rejection> {
    // Rust's own parser also takes words: `inf`, `nan`.
    let decimal = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    match text.parse::<f64>() {
        Ok(double) if decimal && double.is_finite() => Ok(Value::Double(double)),
        Ok(_) if decimal => Err(not_a(RejectCode::InvalidValue, text, "larger than every double")),
        _ => Err(not_a(RejectCode::InvalidValue, text, "no decimal number")),
    }
}

fn parse_timestamp(text: &str) -> Result<Value, Rejection> {
    text.parse().map(Value::Timestamp).map_err(|error: TimestampError| {
        let code = match error {
            TimestampError::Precision => RejectCode::TimestampPrecision,
            TimestampError::Syntax | TimestampError::OutOfRange => RejectCode::InvalidTimestamp,
        };
        not_a(code, text, &error.to_string())
    })
}

fn parse_json(value: &Value) -> Changed<'static> {
    let Value::String(text) = value else { return Err(wrong_type(value, "a string with JSON")) };
    let parsed = parse(text).map_err(|error| {
        let code = match error.code {
            RejectCode::DuplicateField => RejectCode::DuplicateField,
            _ => RejectCode::InvalidValue,
        };
        not_a(code, text, &format!("not JSON: {error}"))
    })?;
    Ok(Cow::Owned(parsed))
}

fn from_unix<'a>(value: Cow<'a, Value>, make: impl FnOnce(i64) -> Result<Timestamp, TimestampError>) -> Changed<'a> {
    match &*value {
        Value::Timestamp(_) => Ok(value),
        Value::Integer(number) => match make(*number) {
            Ok(time) => Ok(Cow::Owned(Value::Timestamp(time))),
            Err(error) => {
                Err(Rejection::new(RejectCode::InvalidTimestamp, format!("found integer {number}, a time {error}")))
            }
        },
        found => Err(wrong_type(found, "an integer counting from 1970")),
    }
}

fn whole_to_integer(value: Cow<'_, Value>, doubles: DoubleRules) -> Changed<'_> {
    let double = match &*value {
        Value::Integer(_) => return Ok(value),
        Value::Double(double) => *double,
        found => return Err(wrong_type(found, "a whole number")),
    };
    let Some(double) = doubles.allowed(double)? else { return Ok(Cow::Owned(Value::Null)) };
    match number::to_integer(double) {
        Some(integer) => Ok(Cow::Owned(Value::Integer(integer))),
        None if double.fract() == 0.0 => Err(Rejection::new(
            RejectCode::IntegerOverflow,
            format!("found double {}, beyond 64 bits", double_text(double)),
        )),
        None => Err(wrong_type(&value, "a whole number")),
    }
}

fn truncate(value: Cow<'_, Value>, digits: u8) -> Changed<'_> {
    match &*value {
        Value::Timestamp(time) if time.fits(digits) => Ok(value),
        Value::Timestamp(time) => Ok(Cow::Owned(Value::Timestamp(time.truncate(digits)))),
        found => Err(wrong_type(found, "a timestamp")),
    }
}
