//! Child rows back to arrays and maps.

use std::collections::BTreeMap;

use super::column::{Way, not_its_type};
use super::fields::{merged, set};
use super::home::Homes;
use super::slots::Slots;
use super::told::{ColumnReturn, Fidelity};
use crate::domain::mapping::{ChildMapping, ColumnMapping, Input, Mapping};
use crate::domain::row::Row;
use crate::domain::value::{Map, Value};

/// The arrays and maps that child tables hold.
#[derive(Debug, Clone, Default)]
pub(super) struct Lists(Vec<Option<List>>);

/// One child table; no list where a column holds it whole.
#[derive(Debug, Clone)]
struct List {
    table: String,
    path: Vec<String>,
    /// Place and way of the column that says where an element stands.
    index: Option<(usize, Box<Way>, ColumnMapping)>,
    items: Slots,
}

/// The elements of one list by where they stand.
enum Elements {
    Array(BTreeMap<i64, Value>),
    Map(BTreeMap<String, Value>),
}

impl Lists {
    pub fn of(mapping: &Mapping, slots: &Slots, homes: &Homes, told: &mut Vec<ColumnReturn>) -> Self {
        Self(mapping.children.iter().map(|child| List::of(mapping, child, slots, homes, told)).collect())
    }

    /// Puts the arrays and maps into the fields.
    pub fn fill(&self, fields: &mut Map, children: &[Vec<Row>], trouble: &mut Option<String>) {
        for (list, rows) in self.0.iter().zip(children) {
            if let Some(list) = list.as_ref().filter(|_| !rows.is_empty()) {
                let value = list.value(rows, trouble);
                set(fields, &list.path, value, both);
            }
        }
    }
}

/// What two child tables say of one list.
fn both(first: Value, second: Value) -> Value {
    match (first, second) {
        (Value::Array(first), Value::Array(second)) if first.len() == second.len() => {
            Value::Array(first.into_iter().zip(second).map(|(one, other)| merged(one, other)).collect())
        }
        (first, second) => merged(first, second),
    }
}

impl List {
    fn of(
        mapping: &Mapping,
        child: &ChildMapping,
        slots: &Slots,
        homes: &Homes,
        told: &mut Vec<ColumnReturn>,
    ) -> Option<Self> {
        let path = child.each.segments().to_vec();
        let whole = slots.cover_whole(&path);
        let item = |input: &Input| match input {
            Input::Item(path) => Some(path.segments().to_vec()),
            _ => None,
        };
        let first = told.len();
        let other = |column: &ColumnMapping| other(mapping, child, column, homes);
        let items = Slots::of(&child.table, &child.columns, homes, told, item, other);
        if whole {
            for column in told.iter_mut().skip(first) {
                column.fidelity = Fidelity::Derived;
                column.reason = format!("part of `{}`, which comes back whole", child.each);
            }
            return None;
        }
        let index = child.columns.iter().position(|column| column.input == Input::Index);
        let index = index.and_then(|place| {
            let column = child.columns.get(place)?;
            Some((place, Box::new(Way::of(&child.table, column, homes).0), column.clone()))
        });
        Some(Self { table: child.table.clone(), path, index, items })
    }

    fn value(&self, rows: &[Row], trouble: &mut Option<String>) -> Value {
        let mut elements: Option<Elements> = None;
        for (number, row) in rows.iter().enumerate() {
            let element = self.items.element(row, trouble);
            let place = match &self.index {
                Some((place, way, column)) => {
                    let found = row.get(*place).and_then(|stored| way.value(stored));
                    if !matches!(found, Some(Value::Integer(_) | Value::String(_))) {
                        not_its_type(trouble, &self.table, column);
                    }
                    found
                }
                // In the order of the rows.
                None => Some(Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))),
            };
            match (place, &mut elements) {
                (Some(Value::Integer(place)), None) => elements = Some(Elements::Array([(place, element)].into())),
                (Some(Value::String(name)), None) => elements = Some(Elements::Map([(name, element)].into())),
                (Some(Value::Integer(place)), Some(Elements::Array(array))) => drop(array.insert(place, element)),
                (Some(Value::String(name)), Some(Elements::Map(map))) => drop(map.insert(name, element)),
                // Neither an array nor a map: what comes of it will not be these rows.
                _ => {}
            }
        }
        match elements {
            Some(Elements::Array(array)) => Value::Array(array.into_values().collect()),
            Some(Elements::Map(map)) => Value::Map(map.into_iter().collect()),
            None => Value::Null,
        }
    }
}

/// A column that is no part of an element.
fn other(mapping: &Mapping, child: &ChildMapping, column: &ColumnMapping, homes: &Homes) -> (Fidelity, String) {
    let indexed = child.columns.iter().any(|column| column.input == Input::Index);
    match column.input {
        Input::Index => {
            let (_, fidelity, reason) = Way::of(&child.table, column, homes);
            if column.transforms.is_empty() && column.lookup.is_none() {
                (Fidelity::Exact, String::new())
            } else {
                (fidelity, reason)
            }
        }
        _ if mapping.columns.iter().any(|own| own.input == column.input) && indexed => (Fidelity::Exact, String::new()),
        _ if mapping.columns.iter().any(|own| own.input == column.input) => {
            (Fidelity::Assumed, "no column has `$index`: an array in the order of the rows comes back".to_owned())
        }
        _ => (Fidelity::Lost, "the document's own table does not have it".to_owned()),
    }
}
