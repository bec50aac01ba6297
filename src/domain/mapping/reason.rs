//! The sentences of rejections: what was found, shortened, and what was expected.

use super::ColumnMapping;
use crate::domain::json::encode_lossless;
use crate::domain::reject::{RejectCode, Rejection};
use crate::domain::value::{InvalidValue, Value};

/// Longest piece of a value that a reason shows, in characters.
const SHOWN: usize = 60;

/// A value with its type, shortened: `string "abc"`, `map {"a":1}`.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Invalid(invalid) => format!("`{}`", shortened(&invalid.text)),
        Value::Timestamp(time) => format!("timestamp {time}"),
        Value::Reference(path) => format!("reference `{}`", shortened(path)),
        Value::Bytes(bytes) => format!("{} bytes", bytes.len()),
        Value::String(text) => format!("string {:?}", shortened(text)),
        Value::Double(double) => format!("double {}", crate::domain::json::double_text(*double)),
        other => format!("{} {}", other.type_name(), shortened(&encode_lossless(other))),
    }
}

/// The first characters of a text.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A value of the wrong type. `expected` may go on with advice.
pub(super) fn wrong_type(found: &Value, expected: &str) -> Rejection {
    match found {
        Value::Invalid(invalid) => invalid_value(invalid),
        found => Rejection::new(RejectCode::WrongType, format!("found {}, expected {expected}", shown(found))),
    }
}

/// A value that no type can hold.
pub(super) fn invalid_value(invalid: &InvalidValue) -> Rejection {
    let why = match invalid.code {
        RejectCode::IntegerOverflow => "an integer beyond 64 bits",
        RejectCode::InvalidTimestamp => "which is no timestamp of the years 1 to 9999",
        RejectCode::NonFiniteDouble => "which is no finite number",
        RejectCode::InvalidValue => "which is not valid",
        other => other.as_str(),
    };
    Rejection::new(invalid.code, format!("found `{}`, {why}", shortened(&invalid.text)))
}

/// Puts the column in front of what is wrong with its value.
pub(super) fn in_column(table: &str, column: &ColumnMapping, inner: Rejection) -> Rejection {
    let ColumnMapping { name, input, .. } = column;
    Rejection::new(inner.code, format!("column `{table}.{name}` from `{input}`: {}", inner.reason))
}
