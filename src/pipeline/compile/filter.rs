//! `where`.

use super::Scope;
use super::value::value_of;
use crate::domain::field_path::FieldPath;
use crate::domain::filter::{Condition, Filter, Operator};
use crate::domain::value::Value;
use crate::pipeline::model::Conditions;
use crate::pipeline::yaml::Node;

/// Compiles the conditions of a collection.
pub(super) fn filter(models: &[Conditions], scope: &mut Scope<'_, '_>, warnings: &mut Vec<String>) -> Filter {
    let mut filter = Filter::default();
    for model in models {
        let field = match FieldPath::parse(&model.field.value) {
            Ok(field) => field,
            Err(message) => {
                scope.problems.add_quoting("invalid_field_path", model.field.mark, message);
                continue;
            }
        };
        for (operator, node) in &model.comparisons {
            let Some(value) = value_of(node, scope.problems) else { continue };
            warn_of_text_timestamp(*operator, &value, node, &field, warnings);
            filter.conditions.push(Condition { field: field.clone(), operator: *operator, value });
        }
    }
    filter
}

/// Text never equals a timestamp, so this condition would silently let nothing through.
fn warn_of_text_timestamp(
    operator: Operator,
    value: &Value,
    node: &Node,
    field: &FieldPath,
    warnings: &mut Vec<String>,
) {
    let Value::String(text) = value else { return };
    if operator != Operator::Exists && node.written.is_none() && text.parse::<crate::domain::value::Timestamp>().is_ok()
    {
        warnings.push(format!(
            "line {}: `where` compares `{field}` with the text {text:?}; text never equals a timestamp, write \
             `{{ $timestamp: {text:?} }}` if a timestamp is meant",
            node.mark.line
        ));
    }
}
