//! Which documents a collection wants (`where:`), with Firestore's meaning: conditions are joined by "and",
//! a missing field satisfies none, and only values of the same type are ordered.

use std::cmp::Ordering;
use std::fmt;

use super::field_path::FieldPath;
use super::order::{compare, type_rank};
use super::value::{InvalidValue, Map, Value};

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

    /// The first field whose value cannot be compared, because no type holds it: whether the document is wanted
    /// cannot be said, so it must not be left out.
    pub fn undecidable<'a>(&'a self, fields: &'a Map) -> Option<(&'a FieldPath, &'a InvalidValue)> {
        self.conditions.iter().find_map(|condition| match condition.field.get(fields) {
            Some(Value::Invalid(invalid)) if condition.operator != Operator::Exists => {
                Some((&condition.field, &**invalid))
            }
            _ => None,
        })
    }
}

impl Condition {
    /// Whether the document satisfies the condition.
    pub fn accepts(&self, fields: &Map) -> bool {
        match (self.operator, self.field.get(fields)) {
            (Operator::Exists, found) => found.is_some() == (self.value == Value::Boolean(true)),
            (_, None) => false,
            (operator, Some(found)) => operator.holds(found, &self.value),
        }
    }
}

impl Operator {
    /// Whether it holds between a value that is present and the one it is compared with.
    fn holds(self, found: &Value, wanted: &Value) -> bool {
        let ordered = |fits: fn(Ordering) -> bool| {
            // Nothing is before or after null or NaN.
            let comparable = type_rank(found) == type_rank(wanted)
                && !matches!(found, Value::Null | Value::Invalid(_))
                && !matches!(found, Value::Double(double) if double.is_nan());
            comparable && fits(compare(found, wanted))
        };
        match self {
            Self::Equal => compare(found, wanted).is_eq(),
            Self::NotEqual => *found != Value::Null && compare(found, wanted).is_ne(),
            Self::Less => ordered(Ordering::is_lt),
            Self::LessOrEqual => ordered(Ordering::is_le),
            Self::Greater => ordered(Ordering::is_gt),
            Self::GreaterOrEqual => ordered(Ordering::is_ge),
            Self::In => matches!(wanted, Value::Array(list) if list.iter().any(|one| compare(found, one).is_eq())),
            Self::Exists => *wanted == Value::Boolean(true),
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::In => "in",
            Self::Exists => "exists",
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::domain::json::decode;

    /// Whether a document, given as canonical JSON, satisfies one condition on its field `a.b`.
    fn holds(fields: &str, operator: Operator, value: &str) -> bool {
        let Value::Map(fields) = decode(fields).unwrap() else { unreachable!() };
        let field = FieldPath::parse("a.b").unwrap();
        Filter { conditions: vec![Condition { field, operator, value: decode(value).unwrap() }] }.accepts(&fields)
    }

    const ALL: [Operator; 7] = [
        Operator::Equal,
        Operator::NotEqual,
        Operator::Less,
        Operator::LessOrEqual,
        Operator::Greater,
        Operator::GreaterOrEqual,
        Operator::In,
    ];

    #[test]
    fn a_missing_field_satisfies_only_that_it_is_missing() {
        for fields in ["{}", r#"{"a":1}"#, r#"{"a":{}}"#, r#"{"a":[{"b":1}]}"#] {
            for operator in ALL {
                assert!(!holds(fields, operator, "1"), "{fields} {operator}");
            }
            assert!(holds(fields, Operator::Exists, "false"));
            assert!(!holds(fields, Operator::Exists, "true"));
        }
        assert!(holds(r#"{"a":{"b":null}}"#, Operator::Exists, "true"));
    }

    #[test]
    fn null_equals_null_and_is_never_unequal() {
        let null = r#"{"a":{"b":null}}"#;
        assert!(holds(null, Operator::Equal, "null"));
        assert!(!holds(null, Operator::NotEqual, "1"));
        assert!(!holds(null, Operator::LessOrEqual, "null"));
        assert!(holds(r#"{"a":{"b":0}}"#, Operator::NotEqual, "null"));
    }

    #[test]
    fn only_values_of_one_type_are_ordered() {
        let five = r#"{"a":{"b":5}}"#;
        assert!(holds(five, Operator::Greater, "4.5"));
        assert!(holds(five, Operator::LessOrEqual, "5.0"));
        assert!(holds(five, Operator::Equal, "5.0"));
        for operator in [Operator::Less, Operator::LessOrEqual, Operator::Greater, Operator::GreaterOrEqual] {
            for other in ["\"4\"", "true", "null", "[4]", r#"{"$double":"NaN"}"#] {
                assert!(!holds(five, operator, other), "5 {operator} {other}");
            }
        }
        assert!(holds(five, Operator::NotEqual, "\"5\""));
        assert!(!holds(r#"{"a":{"b":{"$double":"NaN"}}}"#, Operator::Less, "5"));
    }

    #[test]
    fn large_integers_are_not_rounded_to_doubles() {
        let large = r#"{"a":{"b":9007199254740993}}"#;
        assert!(holds(large, Operator::Greater, "9007199254740992.0"));
        assert!(!holds(large, Operator::Equal, "9007199254740992.0"));
        assert!(holds(large, Operator::Less, "9007199254740994"));
    }

    #[test]
    fn in_looks_for_an_equal_value() {
        assert!(holds(r#"{"a":{"b":2}}"#, Operator::In, "[1,2.0]"));
        assert!(!holds(r#"{"a":{"b":3}}"#, Operator::In, "[1,2]"));
        assert!(!holds(r#"{"a":{"b":3}}"#, Operator::In, "3"));
        assert!(holds(r#"{"a":{"b":[3]}}"#, Operator::In, "[[3]]"));
    }

    #[test]
    fn texts_and_times_are_ordered() {
        assert!(holds(r#"{"a":{"b":"Z"}}"#, Operator::Less, "\"a\""));
        let time = r#"{"a":{"b":{"$timestamp":"2024-01-01T00:00:00Z"}}}"#;
        assert!(holds(time, Operator::GreaterOrEqual, r#"{"$timestamp":"2023-12-31T23:59:59.999999999Z"}"#));
        assert!(!holds(time, Operator::Less, "\"2025\""));
    }

    #[test]
    fn a_value_that_no_type_holds_cannot_be_judged() {
        let Value::Map(fields) = decode(r#"{"n":9223372036854775808}"#).unwrap() else { unreachable!() };
        let condition =
            |operator| Condition { field: FieldPath::parse("n").unwrap(), operator, value: Value::Boolean(true) };
        let filter = |operator| Filter { conditions: vec![condition(operator)] };
        assert!(filter(Operator::Less).undecidable(&fields).is_some());
        assert!(filter(Operator::Exists).undecidable(&fields).is_none());
        assert!(filter(Operator::Exists).accepts(&fields));
    }
}
