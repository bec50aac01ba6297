//! Which conditions the service can evaluate itself, with the same meaning and in the order of names.

use firestore::gcloud_sdk::google::firestore::v1 as proto;
use proto::structured_query::composite_filter::Operator as Composite;
use proto::structured_query::field_filter::Operator as Comparison;
use proto::structured_query::filter::FilterType;
use proto::structured_query::unary_filter::{OperandType, Operator as Unary};
use proto::structured_query::{CompositeFilter, FieldFilter, Filter as FilterMessage, UnaryFilter};
use proto::value::ValueType;

use super::scope::{field, quoted};
use super::value::message;
use crate::domain::filter::{Condition, Filter, Operator};
use crate::domain::value::Value;
use crate::domain::watermark::Since;

/// Most values of an `in` that the service takes.
const MOST_VALUES: usize = 30;
/// Longer texts are indexed by their beginning only.
const LONGEST_TEXT: usize = 1_000;

/// The conditions that the service evaluates. Others are evaluated here, on documents that were read (and billed):
/// inequalities would have to be read in the order of their field, not of names, so that neither partitions nor the
/// order between competing documents would be the same.
pub(super) fn pushed(documents: &str, filter: &Filter) -> Option<FilterMessage> {
    let mut parts: Vec<FilterMessage> =
        filter.conditions.iter().filter_map(|condition| one(documents, condition)).collect();
    match parts.len() {
        0 | 1 => parts.pop(),
        _ => Some(FilterMessage {
            filter_type: Some(FilterType::CompositeFilter(CompositeFilter {
                op: Composite::And as i32,
                filters: parts,
            })),
        }),
    }
}

/// Documents whose field is at a value or behind it.
pub(super) fn at_least(documents: &str, since: &Since) -> FilterMessage {
    let value = message(documents, &since.from).unwrap_or_default();
    let comparison = comparison(&quoted(&since.field), Comparison::GreaterThanOrEqual, value);
    FilterMessage { filter_type: Some(comparison) }
}

/// The conditions that are left to be evaluated here, for people.
pub(super) fn left_here(documents: &str, filter: &Filter) -> Vec<String> {
    let left = filter.conditions.iter().filter(|condition| one(documents, condition).is_none());
    left.map(|condition| format!("{} {}", condition.field, condition.operator)).collect()
}

fn one(documents: &str, condition: &Condition) -> Option<FilterMessage> {
    let path = quoted(&condition.field);
    let filter = match (condition.operator, &condition.value) {
        (Operator::Equal, Value::Null) => FilterType::UnaryFilter(UnaryFilter {
            op: Unary::IsNull as i32,
            operand_type: Some(OperandType::Field(field(&path))),
        }),
        (Operator::Equal, value) => comparison(&path, Comparison::Equal, exact(documents, value)?),
        (Operator::In, Value::Array(values)) if (1..=MOST_VALUES).contains(&values.len()) => {
            let values = values.iter().map(|value| exact(documents, value)).collect::<Option<Vec<_>>>()?;
            let list = ValueType::ArrayValue(proto::ArrayValue { values });
            comparison(&path, Comparison::In, proto::Value { value_type: Some(list) })
        }
        _ => return None,
    };
    Some(FilterMessage { filter_type: Some(filter) })
}

fn comparison(path: &str, operator: Comparison, value: proto::Value) -> FilterType {
    FilterType::FieldFilter(FieldFilter { field: Some(field(path)), op: operator as i32, value: Some(value) })
}

/// A value that the service compares as we do.
fn exact(documents: &str, value: &Value) -> Option<proto::Value> {
    let long = match value {
        Value::String(text) | Value::Reference(text) => text.len() > LONGEST_TEXT,
        Value::Bytes(bytes) => bytes.len() > LONGEST_TEXT,
        _ => false,
    };
    message(documents, value).filter(|_| !long)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::domain::field_path::FieldPath;

    fn condition(operator: Operator, value: Value) -> Condition {
        Condition { field: FieldPath::parse("a.b").unwrap(), operator, value }
    }

    #[test]
    fn equality_is_pushed_and_order_is_not() {
        let filter = Filter {
            conditions: vec![
                condition(Operator::Equal, Value::Boolean(true)),
                condition(Operator::In, Value::Array(vec![Value::Integer(1), Value::String("x".to_owned())])),
                condition(Operator::Greater, Value::Integer(5)),
                condition(Operator::Exists, Value::Boolean(true)),
            ],
        };
        let Some(FilterType::CompositeFilter(composite)) = pushed("d", &filter).unwrap().filter_type else {
            unreachable!()
        };
        assert_eq!(composite.filters.len(), 2);
        assert_eq!(left_here("d", &filter), ["a.b >", "a.b exists"]);
    }

    #[test]
    fn values_that_the_service_compares_differently_stay_here() {
        for value in [Value::Double(f64::NAN), Value::String("x".repeat(1_500)), Value::Array(vec![])] {
            assert!(pushed("d", &Filter { conditions: vec![condition(Operator::Equal, value)] }).is_none());
        }
        let nulls = Value::Array(vec![Value::Null]);
        assert!(pushed("d", &Filter { conditions: vec![condition(Operator::In, nulls)] }).is_none());
        assert!(pushed("d", &Filter { conditions: vec![condition(Operator::Equal, Value::Null)] }).is_some());
    }
}
