//! `where` of a collection.

use crate::domain::filter::Operator;
use crate::pipeline::decode::{Declared, Form, Needed, Object, Problems, entries};
use crate::pipeline::mark::At;
use crate::pipeline::yaml::{Key, Kind, Node};

/// `where` for one field.
#[derive(Debug)]
pub struct Conditions {
    /// The field path.
    pub field: At<String>,
    /// Comparisons; the value node is converted later.
    pub comparisons: Vec<(Operator, Node)>,
}

/// Operators of the long form of `where`.
const OPERATORS: &[(&str, Operator)] = &[
    ("eq", Operator::Equal),
    ("ne", Operator::NotEqual),
    ("lt", Operator::Less),
    ("lte", Operator::LessOrEqual),
    ("gt", Operator::Greater),
    ("gte", Operator::GreaterOrEqual),
    ("in", Operator::In),
    ("exists", Operator::Exists),
];

/// Reads `where`: `field: value`, or `field: { gte: 5, lt: 10 }`.
pub(super) fn conditions(node: &Node, problems: &mut Problems<'_>) -> Vec<Conditions> {
    let fields = entries(node, "a map of fields and values", problems).unwrap_or_default();
    fields
        .iter()
        .map(|(key, node)| Conditions {
            field: At { value: key.text.clone(), mark: key.mark },
            comparisons: comparisons(node, problems),
        })
        .collect()
}

/// What `where` looks like.
pub(super) fn conditions_form() -> Form {
    let form_of = |operator: Operator| match operator {
        Operator::In => (|| Form::Any.list()) as fn() -> Form,
        Operator::Exists => || Form::Boolean,
        _ => Form::any,
    };
    let declared =
        |(key, operator): &(&'static str, Operator)| Declared { key, needed: Needed::No, form: form_of(*operator) };
    let operators = Object { what: "a condition", keys: OPERATORS.iter().map(declared).collect(), part: false };
    Form::Either(vec![Form::Scalar, Form::Typed, Form::Object(operators)]).map()
}

fn comparisons(node: &Node, problems: &mut Problems<'_>) -> Vec<(Operator, Node)> {
    match &node.kind {
        // A single key with `$` is a typed value: `{ $timestamp: … }`.
        Kind::Map(entries) if !entries.first().is_some_and(|(key, _)| key.text.starts_with('$')) => {
            entries.iter().filter_map(|(key, value)| comparison(key, value, problems)).collect()
        }
        Kind::List(_) => {
            let hint = "write `{ in: [ … ] }` for one of them, `{ eq: [ … ] }` for exactly this list";
            problems.add_with_hint("wrong_type", node.mark, "a list needs an operator here", hint);
            Vec::new()
        }
        _ => vec![(Operator::Equal, node.clone())],
    }
}

fn comparison(key: &Key, value: &Node, problems: &mut Problems<'_>) -> Option<(Operator, Node)> {
    let names = || OPERATORS.iter().map(|(name, _)| *name);
    let Some((_, operator)) = OPERATORS.iter().find(|(name, _)| *name == key.text) else {
        let message = format!("`{}` is not an operator of `where`", key.text);
        let valid = names().collect::<Vec<_>>().join(", ");
        let hint = format!("valid: {valid}; for a field inside a map write the path: `profile.city: Oslo`");
        problems.add_with_hint("unknown_operator", key.mark, message, hint);
        return None;
    };
    let fits = match operator {
        Operator::In => matches!(value.kind, Kind::List(_)),
        Operator::Exists => matches!(value.kind, Kind::Bool(_)),
        _ => true,
    };
    if !fits {
        let expected = if *operator == Operator::In { "a list" } else { "`true` or `false`" };
        let message = format!("`{}` needs {expected}, found {}", key.text, value.describe());
        problems.add("wrong_type", value.mark, message);
        return None;
    }
    Some((*operator, value.clone()))
}
