//! What becomes of fields on their way in.

use std::collections::HashMap;

use tonic::Status;

use crate::proto::{MapValue, Value, ValueType, value};
use crate::query::field_path::{FieldPath, as_map};

/// Fields by name.
pub type Fields = HashMap<String, Value>;

/// Whether Firestore would keep these fields.
pub fn check_fields(fields: &Fields) -> Result<(), String> {
    for (name, value) in fields {
        check_name(name).map_err(|why| format!("the field \"{name}\": {why}"))?;
        check_value(value, name)?;
    }
    Ok(())
}

/// Whether Firestore takes a field name. `__type__` is how vectors are written.
pub fn check_name(name: &str) -> Result<(), String> {
    let reserved = name.len() >= 4 && name.starts_with("__") && name.ends_with("__") && name != "__type__";
    match () {
        () if name.is_empty() => Err("a field name cannot be empty".to_owned()),
        () if reserved => Err("the field name is reserved".to_owned()),
        () if name.len() > 1_500 => Err("the field name is longer than 1500 bytes".to_owned()),
        () => Ok(()),
    }
}

fn check_value(value: &Value, field: &str) -> Result<(), String> {
    match &value.value_type {
        None => Err(format!("the field \"{field}\" has no value")),
        Some(ValueType::MapValue(map)) => check_fields(&map.fields),
        Some(ValueType::ArrayValue(array)) => array.values.iter().try_for_each(|element| match &element.value_type {
            Some(ValueType::ArrayValue(_)) => Err(format!("the field \"{field}\" has an array directly in an array")),
            _ => check_value(element, field),
        }),
        Some(_) => Ok(()),
    }
}

/// Cuts timestamps to microseconds and makes every NaN the same one, wherever they are.
pub fn normalize(value: &mut Value) {
    match &mut value.value_type {
        Some(ValueType::TimestampValue(time)) => time.nanos -= time.nanos.rem_euclid(1_000),
        Some(ValueType::DoubleValue(double)) if double.is_nan() => *double = f64::NAN,
        Some(ValueType::ArrayValue(array)) => array.values.iter_mut().for_each(normalize),
        Some(ValueType::MapValue(map)) => map.fields.values_mut().for_each(normalize),
        _ => {}
    }
}

/// The old fields with those of the mask replaced; what the new ones lack is deleted.
pub fn merge(old: Option<&Fields>, new: &Fields, mask: &[String]) -> Result<Fields, Status> {
    let mut merged = old.cloned().unwrap_or_default();
    for path in mask {
        let path = FieldPath::parse(path)?;
        put(&mut merged, &path.0, find(new, &path.0));
    }
    Ok(merged)
}

fn find<'a>(fields: &'a Fields, path: &[String]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(fields.get(first)?, |value, name| as_map(value)?.fields.get(name))
}

fn put(fields: &mut Fields, path: &[String], new: Option<&Value>) {
    let Some((name, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        match new {
            Some(new) => drop(fields.insert(name.clone(), new.clone())),
            None => drop(fields.remove(name)),
        }
        return;
    }
    if fields.get(name).and_then(as_map).is_none() {
        if new.is_none() {
            return;
        }
        fields.insert(name.clone(), value(ValueType::MapValue(MapValue::default())));
    }
    if let Some(Value { value_type: Some(ValueType::MapValue(map)) }) = fields.get_mut(name) {
        put(&mut map.fields, rest, new);
    }
}
