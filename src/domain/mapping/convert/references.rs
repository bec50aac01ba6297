//! References as the id or the path of the document.

use std::borrow::Cow;

use super::super::reason::{shown, wrong_type};
use super::Converted;
use crate::domain::document::DocumentPath;
use crate::domain::reject::{RejectCode, Rejection};
use crate::domain::row::SqlValue;
use crate::domain::value::Value;

pub(super) fn id(value: &Value) -> Converted {
    let Value::Reference(path) = value else { return Err(wrong_type(value, "a reference")) };
    if path.starts_with("projects/") && path.contains("/documents/") {
        return Err(refused(value, "which is in another database, so that its id means nothing (`reference_path`)"));
    }
    match DocumentPath::parse(path) {
        Some(path) => Ok(SqlValue::Text(path.id)),
        None => Err(refused(value, "which is no document's path")),
    }
}

pub(super) fn path(value: Cow<'_, Value>) -> Converted {
    match value {
        Cow::Borrowed(Value::Reference(path)) => Ok(SqlValue::Text(path.clone())),
        Cow::Owned(Value::Reference(path)) => Ok(SqlValue::Text(path)),
        other => Err(wrong_type(&other, "a reference")),
    }
}

fn refused(value: &Value, why: &str) -> Rejection {
    Rejection::new(RejectCode::InvalidValue, format!("found {}, {why}", shown(value)))
}
