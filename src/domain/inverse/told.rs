//! What is told of an inverse before any row is read.

use std::collections::BTreeSet;
use std::fmt;

use super::slots::Slots;
use crate::domain::filter::Operator;
use crate::domain::mapping::{Input, Mapping, UnknownFields};
use crate::domain::value::Value;

/// How well the value of a column comes back, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fidelity {
    /// As it was.
    Exact,
    /// It is computed again from a field that another column gives back.
    Derived,
    /// What is stored stands for several values; the usual one is taken.
    Assumed,
    /// As it is stored, which is not as it was.
    AsStored,
    /// Not at all.
    Lost,
}

impl Fidelity {
    /// Its name in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Derived => "derived",
            Self::Assumed => "assumed",
            Self::AsStored => "as_stored",
            Self::Lost => "lost",
        }
    }
}

impl fmt::Display for Fidelity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What becomes of one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnReturn {
    /// Its table.
    pub table: String,
    /// Its name.
    pub column: String,
    /// Where its value came from: a field, or `$id`.
    pub from: String,
    /// How well its value comes back.
    pub fidelity: Fidelity,
    /// Why not better; empty when exact.
    pub reason: String,
}

/// What holds for the collection as a whole.
pub(super) fn notes(mapping: &Mapping, slots: &Slots) -> Vec<String> {
    let mut notes = Vec::new();
    if mapping.unknown_fields == UnknownFields::Ignore {
        notes.push("fields that no column maps are not in the destination, and cannot come back".to_owned());
    }
    if slots.nullable() {
        notes.push("a field that was null comes back as a missing one: both are NULL".to_owned());
    }
    let lists: BTreeSet<String> = mapping.children.iter().map(|child| format!("`{}`", child.each)).collect();
    if !lists.is_empty() {
        let names = Vec::from_iter(lists).join(", ");
        notes.push(format!("without a row, {names} comes back missing, also where it was empty or null"));
    }
    for condition in &mapping.filter.conditions {
        let known = match condition.operator {
            Operator::Equal => true,
            Operator::In => matches!(&condition.value, Value::Array(list) if list.len() == 1),
            Operator::Exists => condition.value == Value::Boolean(false),
            _ => false,
        };
        let path = condition.field.segments();
        let kept = mapping.columns.iter().any(|column| column.input == Input::Field(condition.field.clone()));
        if known && !kept {
            notes.push(format!("`{}` comes back as `where` demands it", condition.field));
        } else if !slots.cover(path) {
            notes.push(format!(
                "`{}` of `where` is not mapped and cannot come back: a run would leave the documents out",
                condition.field
            ));
        }
    }
    notes
}
