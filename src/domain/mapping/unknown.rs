//! Fields that no column maps; [`super::UnknownFields`] says which those are.

use std::sync::Arc;

use super::{ColumnMapping, Input, Mapping};
use crate::domain::document::Document;
use crate::domain::reject::{RejectCode, Rejection};
use crate::domain::value::{Map, Value};

/// Most names that a reason lists.
const LISTED: usize = 5;

/// How a field stands to the known paths.
enum Standing<'a> {
    Known,
    /// The rests of the paths that lead into it.
    Partly(Vec<&'a [String]>),
    Unknown,
}

impl Mapping {
    /// The unknown fields as a map, with the structure they have; `None` without any. `kept` are fields that count as
    /// unknown this time.
    pub(super) fn unknown_value(&self, document: &Document, kept: &[&[String]]) -> Option<Value> {
        let mut known = self.known_paths(document);
        known.retain(|path| !kept.contains(path));
        let unknown = unknown_of(&document.fields, &known);
        (!unknown.is_empty()).then_some(Value::Map(unknown))
    }

    /// A rejection that names the unknown fields, if there are any.
    pub(super) fn refuse_unknown(&self, document: &Document) -> Result<(), Rejection> {
        let mut names = Vec::new();
        list_unknown(&document.fields, &self.known_paths(document), "", &mut names);
        if names.is_empty() {
            return Ok(());
        }
        names.sort_unstable();
        let more = names.len().saturating_sub(LISTED);
        names.truncate(LISTED);
        let mut reason = format!("no column maps `{}`", names.join("`, `"));
        if more > 0 {
            reason.push_str(&format!(" and {more} more fields"));
        }
        Err(Rejection::new(RejectCode::UnknownField, reason))
    }

    fn known_paths(&self, document: &Document) -> Vec<&[String]> {
        let mut known = self.paths();
        let id = self.id_field.iter().filter(|name| is_id(document, name));
        known.extend(id.map(std::slice::from_ref));
        known
    }

    /// Every path that is mapped, in whatever document.
    pub fn paths(&self) -> Vec<&[String]> {
        let mut known = Vec::with_capacity(self.columns.len() + self.children.len() + 4);
        known.extend(self.columns.iter().filter_map(named_field));
        for child in &self.children {
            known.push(child.each.segments());
            known.extend(child.columns.iter().filter_map(named_field));
        }
        known.extend(self.filter.conditions.iter().map(|condition| condition.field.segments()));
        known
    }
}

/// The names of a mapping, prepared so that a document without any other field is told at once.
#[derive(Debug, Clone)]
pub struct KnownFields {
    /// Fields that are mapped whole, sorted.
    whole: Vec<String>,
    mapping: Arc<Mapping>,
}

impl KnownFields {
    /// Of this mapping.
    pub fn of(mapping: Arc<Mapping>) -> Self {
        let paths = mapping.paths();
        let whole = paths.iter().filter(|path| path.len() == 1).filter_map(|path| path.first().cloned());
        let mut whole: Vec<String> = whole.collect();
        whole.sort_unstable();
        Self { whole, mapping }
    }

    /// The fields of a document that no column maps, as paths.
    pub fn unknown(&self, document: &Document) -> Vec<String> {
        let mut names = Vec::new();
        if document.fields.iter().any(|(name, _)| !self.knows(document, name)) {
            list_unknown(&document.fields, &self.mapping.known_paths(document), "", &mut names);
        }
        names
    }

    fn knows(&self, document: &Document, name: &str) -> bool {
        self.whole.binary_search_by(|known| known.as_str().cmp(name)).is_ok()
            || (self.mapping.id_field.as_deref() == Some(name) && is_id(document, name))
    }
}

/// Whether the field only repeats the document's id, so that nothing is lost without it.
fn is_id(document: &Document, name: &str) -> bool {
    match document.fields.get(name) {
        Some(Value::String(text)) => *text == document.path.id,
        Some(Value::Integer(number)) => number.to_string() == document.path.id,
        _ => false,
    }
}

fn named_field(column: &ColumnMapping) -> Option<&[String]> {
    match &column.input {
        Input::Field(path) => Some(path.segments()),
        _ => None,
    }
}

fn standing<'a>(name: &str, known: &[&'a [String]]) -> Standing<'a> {
    let mut inside = Vec::new();
    for path in known {
        match path.split_first() {
            Some((first, [])) if first == name => return Standing::Known,
            Some((first, rest)) if first == name => inside.push(rest),
            _ => {}
        }
    }
    if inside.is_empty() { Standing::Unknown } else { Standing::Partly(inside) }
}

fn unknown_of(map: &Map, known: &[&[String]]) -> Map {
    let mut unknown = Vec::new();
    for (name, value) in map.iter() {
        match (standing(name, known), value) {
            (Standing::Known, _) | (Standing::Partly(_), Value::Null) => {}
            (Standing::Partly(inside), Value::Map(map)) => {
                let rest = unknown_of(map, &inside);
                if !rest.is_empty() {
                    unknown.push((name.into(), Value::Map(rest)));
                }
            }
            (Standing::Partly(_) | Standing::Unknown, value) => unknown.push((name.into(), value.clone())),
        }
    }
    // Names of one map are unique.
    Map::from_fields(unknown).unwrap_or_default()
}

fn list_unknown(map: &Map, known: &[&[String]], prefix: &str, names: &mut Vec<String>) {
    for (name, value) in map.iter() {
        match (standing(name, known), value) {
            (Standing::Known, _) | (Standing::Partly(_), Value::Null) => {}
            (Standing::Partly(inside), Value::Map(map)) => {
                list_unknown(map, &inside, &format!("{prefix}{name}."), names);
            }
            (Standing::Partly(_) | Standing::Unknown, _) => names.push(format!("{prefix}{name}")),
        }
    }
}
