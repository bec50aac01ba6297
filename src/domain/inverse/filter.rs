//! What `where` says of every document that has a row.

use super::fields::set;
use super::slots::{Slots, has};
use crate::domain::filter::{Filter, Operator};
use crate::domain::value::{Map, Value};

/// Puts fields there that a condition leaves only one value for.
pub(super) fn complete(fields: &mut Map, filter: &Filter, slots: &Slots) {
    for condition in &filter.conditions {
        let path = condition.field.segments();
        if has(fields, path) {
            continue;
        }
        let value = match (condition.operator, &condition.value) {
            (Operator::Equal, value) => value.clone(),
            (Operator::In, Value::Array(list)) if let [only] = list.as_slice() => only.clone(),
            // It was there, and is NULL.
            (Operator::Exists, Value::Boolean(true)) if slots.cover(path) => Value::Null,
            _ => continue,
        };
        set(fields, path, value, |old, _| old);
    }
}
