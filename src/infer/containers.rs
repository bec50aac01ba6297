//! What becomes of arrays and maps: columns, tables, or JSON. Each by a rule that has a name.

use super::scalar::{json, stored};
use super::{DEEPEST_FLATTENED, LONG_ARRAY, MOST_FLATTENED};
use crate::profile::FieldProfile;
use crate::profile::model::{MapKind, MapProfile};

/// A decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// One column (two for a place).
    Scalar,
    /// A column per field of the map.
    Flattened,
    /// A row per element of the array, a column per field of the elements.
    Records,
    /// A row per element of the array.
    Elements,
    /// A row per entry of the map.
    Entries,
    /// One column with JSON, and why.
    Json(&'static str),
}

/// Decides. Only a document's own arrays and maps can be tables; those inside of elements cannot.
pub(super) fn form(field: &FieldProfile, depth: usize, inside: bool) -> Form {
    match field.only_type() {
        Some("array") => array(field, inside),
        Some("map") => {
            field.map.as_deref().map_or(Form::Json("maps nested too deep"), |map| self::map(map, depth, inside))
        }
        _ => Form::Scalar,
    }
}

fn array(field: &FieldProfile, inside: bool) -> Form {
    let Some(array) = field.array.as_deref() else { return Form::Json("arrays nested too deep") };
    let items = &array.items;
    if array.total == 0 {
        return Form::Json("arrays that are all empty");
    }
    if inside {
        return Form::Json("arrays inside of another table's rows");
    }
    if is_record(items) {
        return Form::Records;
    }
    let of_one_type = items.only_type().is_some() && stored(items) != json();
    let refers = items.only_type() == Some("reference") || refers_fully(items);
    match (refers, of_one_type && array.longest > LONG_ARRAY) {
        (true, _) | (_, true) => Form::Elements,
        _ if of_one_type => Form::Json("short arrays"),
        _ => Form::Json("arrays of mixed or nested elements"),
    }
}

/// Texts that are ids of documents, every one of them.
fn refers_fully(field: &FieldProfile) -> bool {
    let found = field.only_type() == Some("string") && field.key_like;
    found && field.resolves.first().is_some_and(|best| best.resolved == Some(best.distinct) && best.distinct > 1)
}

/// Maps with stable names, and nothing else.
fn is_record(field: &FieldProfile) -> bool {
    let stable =
        field.map.as_ref().is_some_and(|map| map.kind == MapKind::Stable && !map.nameless && !map.fields.is_empty());
    field.only_type() == Some("map") && field.null == 0 && stable
}

fn map(map: &MapProfile, depth: usize, inside: bool) -> Form {
    if map.nameless {
        return Form::Json("maps with an empty name");
    }
    if map.kind == MapKind::Stable {
        return match leaves(map, depth) {
            0 => Form::Json("maps that are all empty"),
            1..=MOST_FLATTENED => Form::Flattened,
            _ => Form::Json("maps with many fields, or deep ones"),
        };
    }
    let Some(values) = &map.values else { return Form::Json("dictionaries") };
    match values.only_type() {
        _ if inside => Form::Json("dictionaries inside of another table's rows"),
        Some("map") if is_record(values) => Form::Entries,
        Some("reference" | "geopoint") => Form::Entries,
        Some(_) if stored(values) != json() => Form::Entries,
        _ => Form::Json("dictionaries of mixed or nested values"),
    }
}

/// Columns that the map would become; more than fit where it is too deep.
fn leaves(map: &MapProfile, depth: usize) -> usize {
    if depth >= DEEPEST_FLATTENED {
        return MOST_FLATTENED + 1;
    }
    let of = |field: &FieldProfile| match (field.only_type(), &field.map) {
        (Some("map"), Some(inner)) if inner.kind == MapKind::Stable && !inner.nameless => {
            leaves(inner, depth + 1).max(1)
        }
        _ => 1,
    };
    map.fields.iter().map(of).sum()
}
