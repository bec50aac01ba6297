//! Values, filters, orders and cursors in few words.

use std::collections::HashMap;

use firestore::gcloud_sdk::google::firestore::v1::structured_query::{
    self as sq, composite_filter, field_filter, filter, unary_filter,
};
use firestore::gcloud_sdk::google::firestore::v1::value::ValueType;
use firestore::gcloud_sdk::google::firestore::v1::{ArrayValue, Cursor, MapValue, StructuredQuery, Value};
use firestore::gcloud_sdk::google::r#type::LatLng;
use firestore::gcloud_sdk::prost_types::Timestamp;

pub use field_filter::Operator as Op;
pub use unary_filter::Operator as Unary;

/// Fields by name.
pub type Fields = HashMap<String, Value>;

/// A value of a type.
pub fn value(of: ValueType) -> Value {
    Value { value_type: Some(of) }
}

pub fn null() -> Value {
    value(ValueType::NullValue(0))
}

pub fn boolean(boolean: bool) -> Value {
    value(ValueType::BooleanValue(boolean))
}

pub fn integer(integer: i64) -> Value {
    value(ValueType::IntegerValue(integer))
}

pub fn double(double: f64) -> Value {
    value(ValueType::DoubleValue(double))
}

pub fn text(text: &str) -> Value {
    value(ValueType::StringValue(text.to_owned()))
}

pub fn bytes(bytes: &[u8]) -> Value {
    value(ValueType::BytesValue(bytes.to_vec()))
}

pub fn time(seconds: i64, nanos: i32) -> Value {
    value(ValueType::TimestampValue(Timestamp { seconds, nanos }))
}

pub fn reference(name: &str) -> Value {
    value(ValueType::ReferenceValue(name.to_owned()))
}

pub fn point(latitude: f64, longitude: f64) -> Value {
    value(ValueType::GeoPointValue(LatLng { latitude, longitude }))
}

pub fn array(values: &[Value]) -> Value {
    value(ValueType::ArrayValue(ArrayValue { values: values.to_vec() }))
}

pub fn map(fields: &[(&str, Value)]) -> Value {
    value(ValueType::MapValue(MapValue { fields: self::fields(fields) }))
}

/// A vector, as the clients write it.
pub fn vector(elements: &[f64]) -> Value {
    let values: Vec<Value> = elements.iter().map(|element| double(*element)).collect();
    map(&[("__type__", text("__vector__")), ("value", array(&values))])
}

pub fn fields(fields: &[(&str, Value)]) -> Fields {
    fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

fn field(path: &str) -> Option<sq::FieldReference> {
    Some(sq::FieldReference { field_path: path.to_owned() })
}

/// A comparison.
pub fn is(path: &str, op: Op, value: Value) -> sq::Filter {
    let filter = sq::FieldFilter { field: field(path), op: op as i32, value: Some(value) };
    sq::Filter { filter_type: Some(filter::FilterType::FieldFilter(filter)) }
}

/// A comparison without a value.
pub fn unary(path: &str, op: Unary) -> sq::Filter {
    let operand_type = field(path).map(unary_filter::OperandType::Field);
    let filter = sq::UnaryFilter { op: op as i32, operand_type };
    sq::Filter { filter_type: Some(filter::FilterType::UnaryFilter(filter)) }
}

fn composite(op: composite_filter::Operator, filters: &[sq::Filter]) -> sq::Filter {
    let filter = sq::CompositeFilter { op: op as i32, filters: filters.to_vec() };
    sq::Filter { filter_type: Some(filter::FilterType::CompositeFilter(filter)) }
}

pub fn all(filters: &[sq::Filter]) -> sq::Filter {
    composite(composite_filter::Operator::And, filters)
}

pub fn any(filters: &[sq::Filter]) -> sq::Filter {
    composite(composite_filter::Operator::Or, filters)
}

/// What queries lack to be written in one line.
pub trait Query: Sized {
    fn filtered(self, filter: sq::Filter) -> Self;
    fn ordered(self, path: &str) -> Self;
    fn descending(self, path: &str) -> Self;
    fn start(self, before: bool, values: &[Value]) -> Self;
    fn end(self, before: bool, values: &[Value]) -> Self;
    fn first(self, limit: i32) -> Self;
    fn skipping(self, offset: i32) -> Self;
    fn only(self, fields: &[&str]) -> Self;
}

impl Query for StructuredQuery {
    fn filtered(self, filter: sq::Filter) -> Self {
        Self { r#where: Some(filter), ..self }
    }

    fn ordered(mut self, path: &str) -> Self {
        self.order_by.push(sq::Order { field: field(path), direction: sq::Direction::Ascending as i32 });
        self
    }

    fn descending(mut self, path: &str) -> Self {
        self.order_by.push(sq::Order { field: field(path), direction: sq::Direction::Descending as i32 });
        self
    }

    fn start(self, before: bool, values: &[Value]) -> Self {
        Self { start_at: Some(Cursor { values: values.to_vec(), before }), ..self }
    }

    fn end(self, before: bool, values: &[Value]) -> Self {
        Self { end_at: Some(Cursor { values: values.to_vec(), before }), ..self }
    }

    fn first(self, limit: i32) -> Self {
        Self { limit: Some(limit), ..self }
    }

    fn skipping(self, offset: i32) -> Self {
        Self { offset, ..self }
    }

    fn only(self, fields: &[&str]) -> Self {
        let fields = fields.iter().filter_map(|path| field(path)).collect();
        Self { select: Some(sq::Projection { fields }), ..self }
    }
}
