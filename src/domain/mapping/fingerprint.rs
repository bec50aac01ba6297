//! Everything of a mapping that determines rows, as one text: equal text, equal rows.

use std::fmt::Write;

use super::{ColumnMapping, Input, Lookup, Mapping, Mismatch};
use crate::domain::json::encode_lossless;

impl Mapping {
    /// A deterministic text of all that determines the rows: columns, key, child tables, filter, unknown fields,
    /// contents of lookups. Not `max_value_bytes`: a limit does not change what a row is.
    pub fn fingerprint_text(&self) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = writeln!(out, "collection {:?} table {:?} key {:?}", self.collection.as_str(), self.table, self.key);
        let _ = writeln!(out, "unknown {:?} id field {:?}", self.unknown_fields, self.id_field);
        for condition in &self.filter.conditions {
            let (field, operator) = (condition.field.segments(), condition.operator);
            let _ = writeln!(out, "where {field:?} {operator} {}", encode_lossless(&condition.value));
        }
        write_columns(&mut out, &self.columns);
        for child in &self.children {
            let each = child.each.segments();
            let _ = writeln!(out, "child {:?} each {each:?} key {:?} link {:?}", child.table, child.key, child.link);
            write_columns(&mut out, &child.columns);
        }
        out
    }
}

fn write_columns(out: &mut String, columns: &[ColumnMapping]) {
    for column in columns {
        let ColumnMapping { name, input, kind, required, default, transforms, lookup, doubles, mismatch } = column;
        let default = default.as_ref().map(encode_lossless);
        let _ = writeln!(
            out,
            "column {name:?} from {} type {kind} required {required} default {default:?} transforms {} doubles {doubles:?}",
            input_text(input),
            transforms.iter().map(|transform| transform.as_str()).collect::<Vec<_>>().join(",")
        );
        // Not said of the default, so that runs of earlier versions can be resumed.
        if *mismatch != Mismatch::Reject {
            let _ = writeln!(out, "mismatch {}", mismatch.as_str());
        }
        if let Some(lookup) = lookup {
            write_lookup(out, lookup);
        }
    }
}

/// Like its name, but a field called `$id` is not `$id`.
fn input_text(input: &Input) -> String {
    match input {
        Input::Field(path) => format!("field {:?}", path.segments()),
        Input::Item(path) => format!("item {:?}", path.segments()),
        other => other.to_string(),
    }
}

/// The entries, sorted; not the file's name, which changes nothing.
fn write_lookup(out: &mut String, lookup: &Lookup) {
    let _ = writeln!(out, "lookup missing {:?}", lookup.missing);
    let mut entries: Vec<_> = lookup.entries.iter().collect();
    entries.sort_unstable_by_key(|(key, _)| *key);
    for (key, value) in entries {
        let _ = writeln!(out, "entry {key:?} {}", encode_lossless(value));
    }
}
