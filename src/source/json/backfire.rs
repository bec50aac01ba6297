//! firestore-backfire: special values lie as maps in the data and are listed by path beside it.

use std::borrow::Cow;
use std::collections::HashMap;

use super::parser::{Fault, Parsed, Parser};
use super::timestamp;
use super::value::{Style, duplicate, geo_point, map, reference};
use crate::domain::reject::RejectCode;
use crate::domain::value::{Map, Value};

/// The fields of a record: `{"path":…,"data":{…},"timestamps":[…],"geopoints":[…],"documents":[…],"queries":[…]}`.
pub(super) fn fields(parser: &mut Parser<'_>) -> Parsed<Map> {
    let mut data = None;
    let mut listed = HashMap::new();
    let mut seen: Vec<Cow<'_, str>> = Vec::new();
    parser.object(|parser, key| {
        if seen.contains(&key) {
            return Err(duplicate(&key));
        }
        let kind = match key.as_ref() {
            "timestamps" => Some(Listed::Timestamp),
            "geopoints" => Some(Listed::GeoPoint),
            "documents" => Some(Listed::Reference),
            _ => None,
        };
        match (key.as_ref(), kind, parser.peek()?) {
            ("data", _, b'{') => data = Some(map(parser, Style::Backfire)?),
            (_, Some(kind), b'[') => parser.array(|parser| {
                if parser.peek()? != b'"' {
                    parser.skip()?;
                    return Err(Fault::reject(RejectCode::MalformedRecord, format!("`{key}` must hold field paths")));
                }
                listed.insert(parser.string()?.into_owned(), (kind, false));
                Ok(())
            })?,
            _ => parser.skip()?,
        }
        seen.push(key);
        Ok(())
    })?;
    let missing = || Fault::reject(RejectCode::MalformedRecord, "`data` is missing or no object");
    restore(data.ok_or_else(missing)?, listed)
}

/// The type that the value at a listed path had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Listed {
    Timestamp,
    GeoPoint,
    Reference,
}

/// Listed paths, their types, and whether a value was found there. The tool joins names by dots, so that one path may
/// mean several values (`{"a.b":…}` and `{"a":{"b":…}}`): each that has the form of the type is of the type, just as
/// the tool recognised them.
type Paths = HashMap<String, (Listed, bool)>;

/// Turns listed values into what they were. A path that leads nowhere is a reject: its value would change silently.
fn restore(data: Map, mut listed: Paths) -> Parsed<Map> {
    if listed.is_empty() {
        return Ok(data);
    }
    let data = restore_map(data, &mut String::new(), &mut listed)?;
    let lost = listed.iter().filter(|(_, (_, found))| !found).map(|(path, (kind, _))| (path, kind));
    match lost.min_by_key(|(path, _)| path.as_str()) {
        None => Ok(data),
        Some((path, kind)) => {
            let reason = format!("`{path}` is listed as a {}, but `data` has none there", kind.name());
            Err(Fault::reject(RejectCode::MalformedRecord, reason))
        }
    }
}

/// `path` is the map's own, and is so again afterwards.
fn restore_map(map: Map, path: &mut String, listed: &mut Paths) -> Parsed<Map> {
    let own = path.len();
    let mut fields = Vec::with_capacity(map.len());
    for (name, value) in map {
        if own > 0 {
            path.push('.');
        }
        path.push_str(&name);
        fields.push((name, restore_value(value, path, listed)?));
        path.truncate(own);
    }
    Map::from_fields(fields).map_err(|name| duplicate(&name))
}

fn restore_value(value: Value, path: &mut String, listed: &mut Paths) -> Parsed<Value> {
    if let Some((kind, found)) = listed.get_mut(path.as_str())
        && let Some(restored) = kind.restore(&value)
    {
        *found = true;
        return Ok(restored);
    }
    match value {
        Value::Map(map) => restore_map(map, path, listed).map(Value::Map),
        Value::Array(mut elements) => {
            let own = path.len();
            for (index, element) in elements.iter_mut().enumerate() {
                path.push_str(&format!(".{index}"));
                *element = restore_value(std::mem::replace(element, Value::Null), path, listed)?;
                path.truncate(own);
            }
            Ok(Value::Array(elements))
        }
        other => Ok(other),
    }
}

impl Listed {
    fn name(self) -> &'static str {
        match self {
            Self::Timestamp => "timestamp",
            Self::GeoPoint => "geopoint",
            Self::Reference => "reference",
        }
    }

    /// The value that a map of this type's form stands for.
    fn restore(self, value: &Value) -> Option<Value> {
        let Value::Map(map) = value else { return None };
        let text = text(map);
        match self {
            Self::Timestamp => timestamp::from_map(map, &text),
            Self::GeoPoint => geo_point(map, &text),
            Self::Reference => reference(map, &text),
        }
    }
}

/// What stood in the place of a value that turns out to be none.
fn text(map: &Map) -> String {
    let fields = map.iter().map(|(name, value)| match value {
        Value::Integer(number) => format!("\"{name}\":{number}"),
        Value::Double(number) => format!("\"{name}\":{number:?}"),
        other => format!("\"{name}\":({})", other.type_name()),
    });
    format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn listed_paths_find_fields_with_dots_and_elements_of_arrays() {
        let data = r#"{"a.b":{"_seconds":1,"_nanoseconds":0},"l":[{"_seconds":2,"_nanoseconds":0}]}"#;
        let data = map(&mut Parser::new(data), Style::Backfire).unwrap();
        let paths = ["a.b", "l.0"].map(|path| (path.to_owned(), (Listed::Timestamp, false)));
        let restored = restore(data.clone(), HashMap::from(paths)).unwrap();
        assert!(matches!(restored.get("a.b"), Some(Value::Timestamp(_))));
        assert!(matches!(restored.get("l"), Some(Value::Array(l)) if matches!(l[0], Value::Timestamp(_))));
        let missing = HashMap::from([("c".to_owned(), (Listed::GeoPoint, false))]);
        assert!(restore(data, missing).is_err());
    }

    #[test]
    fn a_path_that_means_two_values_restores_what_has_the_form() {
        let time = r#"{"_seconds":1,"_nanoseconds":0}"#;
        for (data, times) in
            [(format!(r#"{{"a.b":{time},"a":{{"b":{time}}}}}"#), 2), (format!(r#"{{"a.b":5,"a":{{"b":{time}}}}}"#), 1)]
        {
            let record = format!(r#"{{"path":"x/y","data":{data},"timestamps":["a.b"]}}"#);
            let restored = fields(&mut Parser::new(&record)).unwrap();
            assert_eq!(format!("{restored:?}").matches("Timestamp(").count(), times, "{restored:?}");
        }
    }

    #[test]
    fn lists_of_something_else_are_rejects() {
        let record = r#"{"path":"x/y","data":{},"timestamps":[5]}"#;
        assert!(matches!(fields(&mut Parser::new(record)), Err(Fault::Reject(_))));
    }
}
