//! YAML values to field values: plain ones as they are, typed ones by the convention of canonical JSON.

use crate::domain::json::{decode, double_text};
use crate::domain::value::{Map, Value};
use crate::pipeline::decode::Problems;
use crate::pipeline::yaml::{Kind, Node};

/// The value that a node stands for.
pub(super) fn value_of(node: &Node, problems: &mut Problems<'_>) -> Option<Value> {
    let mut text = String::new();
    write(node, false, &mut text);
    match decode(&text) {
        Ok(value) => Some(value),
        Err(message) => {
            // The message may quote the value.
            let message = if holds_variable(node) { "the value does not fit its type".to_owned() } else { message };
            problems.add_with_hint("invalid_value", node.mark, message, HINT);
            None
        }
    }
}

const HINT: &str = "typed values: { $timestamp: \"2024-05-01T12:00:00Z\" }, { $bytes: \"base64\" }, { $reference: users/a }, \
                    { $geopoint: [47.5, 8.5] }, { $vector: [0.5, 1.0] }";

/// The fields of a document, each at its own place.
pub(super) fn fields_of(node: &Node, problems: &mut Problems<'_>) -> Option<Map> {
    let Kind::Map(entries) = &node.kind else {
        problems.add("wrong_type", node.mark, format!("expected a map of fields, found {}", node.describe()));
        return None;
    };
    let mut map = Map::with_capacity(entries.len());
    for (key, value) in entries {
        let name = match key.text.strip_prefix('$') {
            Some(escaped) if escaped.starts_with('$') => escaped,
            Some(_) => {
                let hint = format!("a field whose name starts with `$` is written `${}`", key.text);
                problems.add_with_hint("invalid_value", key.mark, format!("`{}` is not a field", key.text), hint);
                return None;
            }
            None => key.text.as_str(),
        };
        map.insert(name, value_of(value, problems)?);
    }
    Some(map)
}

fn holds_variable(node: &Node) -> bool {
    node.written.is_some()
        || match &node.kind {
            Kind::List(items) => items.iter().any(holds_variable),
            Kind::Map(entries) => entries.iter().any(|(_, value)| holds_variable(value)),
            _ => false,
        }
}

/// Writes the node as JSON. In geopoints and vectors (`doubles`) a person may write `47` for `47.0`.
fn write(node: &Node, doubles: bool, out: &mut String) {
    match &node.kind {
        Kind::Null => out.push_str("null"),
        Kind::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Kind::Integer(number) if doubles && (*number as f64) as i64 == *number => {
            out.push_str(&double_text(*number as f64));
        }
        Kind::Integer(number) => out.push_str(&number.to_string()),
        Kind::HugeInteger(digits) => out.push_str(digits.trim_start_matches('+')),
        Kind::Float(number) if number.is_finite() => out.push_str(&double_text(*number)),
        Kind::Float(number) => out.push_str(&format!("{{\"$double\":\"{}\"}}", double_text(*number))),
        Kind::Text(text) => push_string(text, out),
        Kind::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(item, doubles, out);
            }
            out.push(']');
        }
        Kind::Map(entries) => {
            out.push('{');
            for (index, (key, value)) in entries.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                push_string(&key.text, out);
                out.push(':');
                write(value, matches!(key.text.as_str(), "$geopoint" | "$vector"), out);
            }
            out.push('}');
        }
    }
}

fn push_string(text: &str, out: &mut String) {
    out.push_str(&serde_json::Value::from(text).to_string());
}
