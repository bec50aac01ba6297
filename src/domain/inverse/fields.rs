//! Fields of maps by path.

use crate::domain::value::{Map, Value};

/// The value at a path; `None` when it is missing.
pub(super) fn get<'a>(map: &'a Map, path: &[String]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(map.get(first)?, |value, name| match value {
        Value::Map(inner) => inner.get(name),
        _ => None,
    })
}

/// Puts a value at a path, with the maps above it; `both` decides where there is one already. Where something else than
/// a map is in the way, nothing changes.
pub(super) fn set(map: &mut Map, path: &[String], value: Value, both: impl FnOnce(Value, Value) -> Value) {
    let Some((name, rest)) = path.split_first() else { return };
    let old = map.remove(name);
    let new = if rest.is_empty() {
        match old {
            Some(old) => both(old, value),
            None => value,
        }
    } else {
        match old {
            Some(Value::Map(mut inner)) => {
                set(&mut inner, rest, value, both);
                Value::Map(inner)
            }
            Some(other) => other,
            None => {
                let mut inner = Map::new();
                set(&mut inner, rest, value, both);
                Value::Map(inner)
            }
        }
    };
    map.insert(name.as_str(), new);
}

/// Two values of one place: maps have the fields of both, else the first counts.
pub(super) fn merged(first: Value, second: Value) -> Value {
    match (first, second) {
        (Value::Map(mut first), Value::Map(second)) => {
            for (name, value) in second {
                let both = match first.remove(&name) {
                    Some(own) => merged(own, value),
                    None => value,
                };
                first.insert(name, both);
            }
            Value::Map(first)
        }
        (Value::Null, second) => second,
        (first, _) => first,
    }
}
