//! Which documents a collection wants (`where:`), with Firestore's meaning: conditions are joined by "and",
//! a missing field satisfies none, and only values of the same type are ordered.

use super::field_path::FieldPath;
use super::value::{Map, Value};

/// Conditions, all of which must hold. Empty: every document.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// The conditions.
    pub conditions: Vec<Condition>,
}

/// One condition on one field.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The field.
    pub field: FieldPath,
    /// The comparison.
    pub operator: Operator,
    /// What it is compared with; an array for `In`.
    pub value: Value,
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// One of a list.
    In,
    /// Present (true) or missing (false).
    Exists,
}

impl Filter {
    /// Whether the document is wanted.
    pub fn accepts(&self, fields: &Map) -> bool {
        self.conditions.iter().all(|condition| condition.accepts(fields))
    }
}

impl Condition {
    /// Whether the document satisfies the condition.
    pub fn accepts(&self, fields: &Map) -> bool {
        let found = self.field.get(fields);
        match (self.operator, found) {
            (Operator::Exists, found) => found.is_some() == (self.value == Value::Boolean(true)),
            (_, None) => false,
            (Operator::Equal, Some(value)) => *value == self.value,
            _ => false,
        }
    }
}
