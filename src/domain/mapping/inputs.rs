//! Where a column's value comes from.

use std::borrow::Cow;

use super::Input;
use super::reason::{invalid_value, shown};
use crate::domain::document::Document;
use crate::domain::reject::{RejectCode, Rejection};
use crate::domain::value::{Map, Value};

/// What the inputs of one row can see.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub document: &'a Document,
    /// The array or map element of a child row.
    pub element: Option<Element<'a>>,
    /// The fields that no column maps, where they are kept.
    pub unknown: Option<&'a Value>,
}

/// One element of an array or map.
#[derive(Clone, Copy)]
pub(super) struct Element<'a> {
    pub index: Index<'a>,
    pub item: &'a Value,
}

/// Where an element stands.
#[derive(Clone, Copy)]
pub(super) enum Index<'a> {
    Position(usize),
    Key(&'a str),
}

/// The input's value; `None` when it is missing.
pub(super) fn find<'a>(input: &Input, scope: Scope<'a>) -> Result<Option<Cow<'a, Value>>, Rejection> {
    let document = scope.document;
    let text = |text: &str| Some(Cow::Owned(Value::String(text.to_owned())));
    let time = |time| Some(Cow::Owned(Value::Timestamp(time)));
    Ok(match input {
        Input::Field(path) => field(&document.fields, path.segments())?.map(Cow::Borrowed),
        Input::Id => text(&document.path.id),
        Input::Path => Some(Cow::Owned(Value::String(document.path.to_string()))),
        Input::ParentId => document.path.parent_id().and_then(text),
        Input::Created => document.created.and_then(time),
        Input::Updated => document.updated.and_then(time),
        Input::FileStem => document.origin.file_stem().and_then(text),
        Input::Index => scope.element.map(|element| Cow::Owned(element.index.value())),
        Input::Item(path) => match scope.element {
            Some(element) => below(element.item, path.segments(), "$item")?.map(Cow::Borrowed),
            None => None,
        },
        Input::Unknown => scope.unknown.map(Cow::Borrowed),
    })
}

impl Index<'_> {
    fn value(self) -> Value {
        match self {
            Self::Position(position) => Value::Integer(position as i64),
            Self::Key(key) => Value::String(key.to_owned()),
        }
    }
}

/// A field of a map, however deep.
pub(super) fn field<'a>(map: &'a Map, path: &[String]) -> Result<Option<&'a Value>, Rejection> {
    let Some((name, rest)) = path.split_first() else { return Ok(None) };
    match map.get(name) {
        Some(value) => below(value, rest, name),
        None => Ok(None),
    }
}

/// A field below a value. Where a map should be and something else is, the field is not just missing: taking it so
/// would lose what is there. Null has nothing to lose.
fn below<'a>(start: &'a Value, path: &[String], name: &str) -> Result<Option<&'a Value>, Rejection> {
    let (mut value, mut holder) = (start, name);
    for name in path {
        value = match value {
            Value::Map(map) => match map.get(name) {
                Some(inner) => inner,
                None => return Ok(None),
            },
            Value::Null => return Ok(None),
            Value::Invalid(invalid) => return Err(invalid_value(invalid)),
            other => {
                let reason = format!("`{holder}` is {}, expected a map with `{name}`", shown(other));
                return Err(Rejection::new(RejectCode::WrongType, reason));
            }
        };
        holder = name;
    }
    Ok(Some(value))
}
