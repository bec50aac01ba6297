//! fireferry's values as Firestore's, written for this server alone.

use std::collections::HashMap;

use fireferry::domain::value::{Map, Value as Domain};

use crate::proto::{ArrayValue, LatLng, MapValue, Timestamp, Value, ValueType, value};
use crate::write::check_name;

/// What a conversion needs to know, and what it leaves out.
pub struct Conversion<'a> {
    /// The database that relative references point into.
    pub database: &'a str,
    /// Keeps field names that the real service would refuse.
    pub lenient: bool,
    /// One line for each value left out.
    pub refused: Vec<String>,
}

impl Conversion<'_> {
    /// The fields that Firestore can hold.
    pub fn fields(&mut self, map: &Map) -> HashMap<String, Value> {
        let mut kept = HashMap::with_capacity(map.len());
        for (name, from) in map.iter() {
            match self.named(name, from) {
                Ok(value) => drop(kept.insert(name.to_owned(), value)),
                Err(why) => self.refused.push(format!("the field \"{name}\": {why}")),
            }
        }
        kept
    }

    fn named(&mut self, name: &str, from: &Domain) -> Result<Value, String> {
        if !self.lenient {
            check_name(name)?;
        }
        self.convert(from)
    }

    fn convert(&mut self, from: &Domain) -> Result<Value, String> {
        Ok(value(match from {
            Domain::Null => ValueType::NullValue(0),
            Domain::Boolean(boolean) => ValueType::BooleanValue(*boolean),
            Domain::Integer(integer) => ValueType::IntegerValue(*integer),
            Domain::Double(double) => ValueType::DoubleValue(*double),
            Domain::Timestamp(time) => {
                let time = time.truncate(6);
                ValueType::TimestampValue(Timestamp { seconds: time.as_second(), nanos: time.subsec_nanosecond() })
            }
            Domain::String(text) => ValueType::StringValue(text.clone()),
            Domain::Bytes(bytes) => ValueType::BytesValue(bytes.clone()),
            Domain::Reference(path) if path.starts_with("projects/") => ValueType::ReferenceValue(path.clone()),
            Domain::Reference(path) => ValueType::ReferenceValue(crate::name::full(self.database, path)),
            Domain::GeoPoint(point) => {
                ValueType::GeoPointValue(LatLng { latitude: point.latitude, longitude: point.longitude })
            }
            Domain::Array(elements) => ValueType::ArrayValue(ArrayValue { values: self.elements(elements)? }),
            Domain::Vector(elements) => vector(elements),
            Domain::Map(map) => ValueType::MapValue(MapValue { fields: self.fields(map) }),
            Domain::Invalid(invalid) => return Err(format!("{} ({})", invalid.code, invalid.text)),
        }))
    }

    /// All or nothing: without one element the others would not be where they were.
    fn elements(&mut self, elements: &[Domain]) -> Result<Vec<Value>, String> {
        let element = |element| match element {
            &Domain::Array(_) => Err("an array directly in an array".to_owned()),
            other => self.convert(other),
        };
        elements.iter().map(element).collect()
    }
}

/// Vectors are maps with a mark.
fn vector(elements: &[f64]) -> ValueType {
    let values = elements.iter().map(|element| value(ValueType::DoubleValue(*element))).collect();
    let fields = [
        ("__type__".to_owned(), value(ValueType::StringValue("__vector__".to_owned()))),
        ("value".to_owned(), value(ValueType::ArrayValue(ArrayValue { values }))),
    ];
    ValueType::MapValue(MapValue { fields: HashMap::from(fields) })
}

/// Plain JSON, for writes by hand.
pub fn plain(json: &serde_json::Value) -> Value {
    value(match json {
        serde_json::Value::Null => ValueType::NullValue(0),
        serde_json::Value::Bool(boolean) => ValueType::BooleanValue(*boolean),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(integer) => ValueType::IntegerValue(integer),
            None => ValueType::DoubleValue(number.as_f64().unwrap_or(f64::NAN)),
        },
        serde_json::Value::String(text) => ValueType::StringValue(text.clone()),
        serde_json::Value::Array(elements) => {
            ValueType::ArrayValue(ArrayValue { values: elements.iter().map(plain).collect() })
        }
        serde_json::Value::Object(fields) => match time(fields) {
            Some(time) => ValueType::TimestampValue(time),
            None => ValueType::MapValue(MapValue { fields: plain_fields(fields) }),
        },
    })
}

/// `{"$timestamp": "2026-01-01T00:00:00Z"}`, or `{"$now": -5000}`: the clock and so many milliseconds.
fn time(fields: &serde_json::Map<String, serde_json::Value>) -> Option<Timestamp> {
    let (name, value) = fields.iter().next().filter(|_| fields.len() == 1)?;
    let micros = match name.as_str() {
        "$timestamp" => value.as_str()?.parse::<fireferry::domain::value::Timestamp>().ok()?.as_microsecond(),
        "$now" => jiff::Timestamp::now().as_microsecond() + value.as_i64()? * 1_000,
        _ => return None,
    };
    let nanos = micros.rem_euclid(1_000_000) as i32 * 1_000;
    Some(Timestamp { seconds: micros.div_euclid(1_000_000), nanos })
}

/// The fields of a plain JSON object.
pub fn plain_fields(fields: &serde_json::Map<String, serde_json::Value>) -> HashMap<String, Value> {
    fields.iter().map(|(name, value)| (name.clone(), plain(value))).collect()
}
