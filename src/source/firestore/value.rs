//! Firestore's messages as domain values: every type, exactly.

use firestore::gcloud_sdk::google::firestore::v1 as proto;
use firestore::gcloud_sdk::prost::Message;
use firestore::gcloud_sdk::prost_types;
use proto::value::ValueType;

use super::names;
use crate::domain::document::{Document, DocumentPath, Origin};
use crate::domain::field_path::FieldPath;
use crate::domain::reject::{RejectCode, Rejection};
use crate::domain::value::{FieldName, GeoPoint, Map, Timestamp, Value};
use crate::source::{MalformedRecord, Record};

/// The key by which a map says that it is something else.
const TYPE: &str = "__type__";
/// The type of a map that is a vector.
const VECTOR: &str = "__vector__";

/// A document of so many bytes on the wire as a record of the database whose documents start with `documents`; one of
/// more than `most` bytes is not decoded. Nothing is left out: what is no document of this database is malformed.
pub(super) fn record(documents: &str, message: proto::Document, bytes: usize, most: usize) -> Record {
    let rejection = match names::relative(documents, &message.name).and_then(DocumentPath::parse) {
        Some(path) if bytes <= most => {
            return Record::Document(Document {
                path,
                fields: map(documents, message.fields),
                created: message.create_time.and_then(time),
                updated: message.update_time.and_then(time),
                origin: Origin::default(),
            });
        }
        Some(_) => {
            let reason = format!("the document has {bytes} bytes; max_document_bytes is {most}");
            Rejection::new(RejectCode::OversizedDocument, reason)
        }
        None => Rejection::new(RejectCode::InvalidId, format!("`{}` is no document of this database", message.name)),
    };
    Record::Malformed(MalformedRecord {
        rejection,
        origin: Origin::default(),
        document: Some(names::relative(documents, &message.name).unwrap_or(&message.name).to_owned()),
        raw: None,
        hash: Some(blake3::hash(&message.encode_to_vec()).to_hex().to_string()),
    })
}

/// Fields in the order of their names: that of the message is different every time.
fn map(documents: &str, fields: impl IntoIterator<Item = (String, proto::Value)>) -> Map {
    let mut fields: Vec<(FieldName, Value)> =
        fields.into_iter().map(|(name, message)| (name.into(), value(documents, message))).collect();
    fields.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    // The names come from a map, so none occurs twice.
    Map::from_fields(fields).unwrap_or_default()
}

/// A point in time; `None` outside of the years 1 to 9999.
pub(super) fn time(message: prost_types::Timestamp) -> Option<Timestamp> {
    Timestamp::new(message.seconds, message.nanos).ok()
}

/// The value of a field; `None` where it is missing.
pub(super) fn at(documents: &str, document: &proto::Document, field: &FieldPath) -> Option<Value> {
    let (first, rest) = field.segments().split_first()?;
    let found = rest.iter().try_fold(document.fields.get(first)?, |found, name| match &found.value_type {
        Some(ValueType::MapValue(map)) => map.fields.get(name),
        _ => None,
    });
    found.cloned().map(|found| value(documents, found))
}

fn value(documents: &str, message: proto::Value) -> Value {
    let Some(kind) = message.value_type else {
        return Value::invalid(RejectCode::InvalidValue, "a value without a type");
    };
    match kind {
        ValueType::NullValue(_) => Value::Null,
        ValueType::BooleanValue(value) => Value::Boolean(value),
        ValueType::IntegerValue(value) => Value::Integer(value),
        ValueType::DoubleValue(value) => Value::Double(value),
        ValueType::TimestampValue(value) => time(value).map_or_else(
            || Value::invalid(RejectCode::InvalidTimestamp, format!("{} s {} ns", value.seconds, value.nanos)),
            Value::Timestamp,
        ),
        ValueType::StringValue(value) => Value::String(value),
        ValueType::BytesValue(value) => Value::Bytes(value),
        ValueType::ReferenceValue(name) => match names::relative(documents, &name) {
            Some(path) => Value::Reference(path.to_owned()),
            None => Value::Reference(name),
        },
        ValueType::GeoPointValue(point) => {
            Value::GeoPoint(GeoPoint { latitude: point.latitude, longitude: point.longitude })
        }
        ValueType::ArrayValue(array) => {
            Value::Array(array.values.into_iter().map(|item| value(documents, item)).collect())
        }
        ValueType::MapValue(message) => match vector(&message) {
            Some(components) => Value::Vector(components),
            None => Value::Map(map(documents, message.fields)),
        },
        // Expressions of pipelines; no document holds them.
        other => Value::invalid(RejectCode::InvalidValue, format!("{other:?}")),
    }
}

/// The components of a map that is a vector. Anything that is not exactly one stays a map.
fn vector(message: &proto::MapValue) -> Option<Vec<f64>> {
    let kind = |name: &str| message.fields.get(name).and_then(|value| value.value_type.as_ref());
    let is_vector =
        message.fields.len() == 2 && matches!(kind(TYPE), Some(ValueType::StringValue(text)) if text == VECTOR);
    let Some(ValueType::ArrayValue(array)) = kind("value").filter(|_| is_vector) else { return None };
    let component = |value: &proto::Value| match value.value_type {
        Some(ValueType::DoubleValue(component)) => Some(component),
        _ => None,
    };
    array.values.iter().map(component).collect()
}

/// A value as a message, for conditions. `None` for what Firestore compares differently from us, or not at all.
pub(super) fn message(documents: &str, value: &Value) -> Option<proto::Value> {
    let kind = match value {
        Value::Boolean(value) => ValueType::BooleanValue(*value),
        Value::Integer(value) => ValueType::IntegerValue(*value),
        Value::Double(value) if !value.is_nan() => ValueType::DoubleValue(*value),
        Value::Timestamp(value) => ValueType::TimestampValue(time_message(*value)),
        Value::String(value) => ValueType::StringValue(value.clone()),
        Value::Bytes(value) => ValueType::BytesValue(value.clone()),
        Value::Reference(path) if path.starts_with("projects/") => ValueType::ReferenceValue(path.clone()),
        Value::Reference(path) => ValueType::ReferenceValue(format!("{documents}/{path}")),
        _ => return None,
    };
    Some(proto::Value { value_type: Some(kind) })
}

/// A point in time as a message.
pub(super) fn time_message(time: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: time.as_second(), nanos: time.subsec_nanosecond() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const DOCUMENTS: &str = "projects/p/databases/(default)/documents";

    fn of(kind: ValueType) -> Value {
        value(DOCUMENTS, proto::Value { value_type: Some(kind) })
    }

    fn of_map(fields: Vec<(&str, ValueType)>) -> proto::MapValue {
        let wrap = |(name, kind): (&str, ValueType)| (name.to_owned(), proto::Value { value_type: Some(kind) });
        proto::MapValue { fields: fields.into_iter().map(wrap).collect() }
    }

    fn doubles(values: &[f64]) -> ValueType {
        let wrap = |value: &f64| proto::Value { value_type: Some(ValueType::DoubleValue(*value)) };
        ValueType::ArrayValue(proto::ArrayValue { values: values.iter().map(wrap).collect() })
    }

    #[test]
    fn doubles_keep_their_bits() {
        for bits in [0x8000_0000_0000_0000, 0x7ff8_0000_0000_0001, 0x7ff0_0000_0000_0000, 1] {
            let Value::Double(found) = of(ValueType::DoubleValue(f64::from_bits(bits))) else { unreachable!() };
            assert_eq!(found.to_bits(), bits);
        }
    }

    #[test]
    fn a_reference_into_another_database_keeps_its_name() {
        let own = of(ValueType::ReferenceValue(format!("{DOCUMENTS}/users/a")));
        assert_eq!(own, Value::Reference("users/a".to_owned()));
        let other = "projects/p/databases/x/documents/users/a";
        assert_eq!(of(ValueType::ReferenceValue(other.to_owned())), Value::Reference(other.to_owned()));
    }

    #[test]
    fn only_a_real_vector_is_one() {
        let marked = || (TYPE, ValueType::StringValue(VECTOR.to_owned()));
        let real = of_map(vec![marked(), ("value", doubles(&[1.5, -0.0]))]);
        assert_eq!(of(ValueType::MapValue(real)), Value::Vector(vec![1.5, -0.0]));
        let more = of_map(vec![marked(), ("value", doubles(&[1.0])), ("x", ValueType::NullValue(0))]);
        assert!(matches!(of(ValueType::MapValue(more)), Value::Map(map) if map.len() == 3));
    }

    #[test]
    fn a_value_without_a_type_does_no_harm_until_it_is_mapped() {
        assert!(matches!(value(DOCUMENTS, proto::Value { value_type: None }), Value::Invalid(_)));
        let never = prost_types::Timestamp { seconds: i64::MAX, nanos: 0 };
        assert!(matches!(of(ValueType::TimestampValue(never)), Value::Invalid(_)));
    }

    #[test]
    fn fields_are_in_the_order_of_their_names() {
        let fields = of_map(vec![("b", ValueType::NullValue(0)), ("", ValueType::NullValue(0))]);
        let Value::Map(map) = of(ValueType::MapValue(fields)) else { unreachable!() };
        assert_eq!(map.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["", "b"]);
    }
}
