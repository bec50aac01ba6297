//! Documents as the Firestore REST API writes them, one line each: what `kind: json` reads as `firestore_rest`.

use std::fmt::Write;

use super::text::string;
use super::write::{base64, double_text};
use crate::domain::document::{Document, DocumentPath};
use crate::domain::value::{GeoPoint, Map, Timestamp, Value};

/// Brackets within brackets that a reader follows.
const MOST_BRACKETS: usize = 128;

/// A document of a database whose name is `projects/…/databases/…`, as one line without line break. Fields are sorted by
/// their names, so that equal documents are equal lines.
///
/// # Errors
/// What the form cannot say: references that name no document, places that are none, values that no type holds,
/// documents that are nested too deep to be read again.
pub fn encode_rest(document: &Document, database: &str) -> Result<String, String> {
    let root = format!("{database}/documents/");
    let mut writer = Writer { out: String::with_capacity(512), root: &root, brackets: 1 };
    writer.out.push_str("{\"name\":");
    string(&mut writer.out, &format!("{root}{}", document.path));
    writer.out.push_str(",\"fields\":");
    writer.fields(&document.fields)?;
    writer.time("createTime", document.created);
    writer.time("updateTime", document.updated);
    writer.out.push('}');
    Ok(writer.out)
}

struct Writer<'a> {
    out: String,
    root: &'a str,
    brackets: usize,
}

type Written = Result<(), String>;

impl Writer<'_> {
    fn time(&mut self, name: &str, time: Option<Timestamp>) {
        if let Some(time) = time {
            let _ = write!(self.out, ",\"{name}\":\"{time}\"");
        }
    }

    fn open(&mut self, bracket: char) -> Written {
        self.brackets += 1;
        if self.brackets > MOST_BRACKETS {
            return Err("it is nested too deep to be read again".to_owned());
        }
        self.out.push(bracket);
        Ok(())
    }

    fn close(&mut self, bracket: char) {
        self.brackets -= 1;
        self.out.push(bracket);
    }

    fn fields(&mut self, map: &Map) -> Written {
        self.open('{')?;
        let mut fields: Vec<_> = map.iter().collect();
        fields.sort_unstable_by_key(|(name, _)| *name);
        for (number, (name, value)) in fields.into_iter().enumerate() {
            if number > 0 {
                self.out.push(',');
            }
            string(&mut self.out, name);
            self.out.push(':');
            self.value(value)?;
        }
        self.close('}');
        Ok(())
    }

    fn value(&mut self, value: &Value) -> Written {
        match value {
            Value::Null => self.plain("nullValue", "null"),
            Value::Boolean(flag) => self.plain("booleanValue", if *flag { "true" } else { "false" }),
            Value::Integer(number) => self.plain("integerValue", &format!("\"{number}\"")),
            Value::Double(number) => self.plain("doubleValue", &double(*number)),
            Value::Timestamp(time) => self.plain("timestampValue", &format!("\"{time}\"")),
            Value::String(text) => self.quoted("stringValue", text),
            Value::Reference(path) => {
                let name = reference(path, self.root)?;
                self.quoted("referenceValue", &name)
            }
            Value::Bytes(bytes) => {
                let mut text = String::new();
                base64(&mut text, bytes);
                self.plain("bytesValue", &text)
            }
            Value::GeoPoint(point) => {
                let text = geo_point(*point)?;
                self.plain("geoPointValue", &text)
            }
            Value::Array(values) => self.array(values),
            Value::Vector(numbers) => self.vector(numbers),
            Value::Map(map) => {
                self.begin("mapValue")?;
                if map.is_empty() {
                    self.open('{')?;
                } else {
                    self.open('{')?;
                    self.out.push_str("\"fields\":");
                    self.fields(map)?;
                }
                self.close('}');
                self.close('}');
                Ok(())
            }
            Value::Invalid(invalid) => Err(format!("it holds a value that no type does ({})", invalid.code.as_str())),
        }
    }

    fn begin(&mut self, kind: &str) -> Written {
        self.open('{')?;
        let _ = write!(self.out, "\"{kind}\":");
        Ok(())
    }

    fn plain(&mut self, kind: &str, json: &str) -> Written {
        self.begin(kind)?;
        self.out.push_str(json);
        self.close('}');
        Ok(())
    }

    fn quoted(&mut self, kind: &str, text: &str) -> Written {
        self.begin(kind)?;
        string(&mut self.out, text);
        self.close('}');
        Ok(())
    }

    fn array(&mut self, values: &[Value]) -> Written {
        self.begin("arrayValue")?;
        self.open('{')?;
        if !values.is_empty() {
            self.out.push_str("\"values\":");
            self.open('[')?;
            for (number, value) in values.iter().enumerate() {
                if number > 0 {
                    self.out.push(',');
                }
                self.value(value)?;
            }
            self.close(']');
        }
        self.close('}');
        self.close('}');
        Ok(())
    }

    /// A map of a form that is kept for vectors.
    fn vector(&mut self, numbers: &[f64]) -> Written {
        self.begin("mapValue")?;
        self.open('{')?;
        self.out.push_str("\"fields\":");
        self.open('{')?;
        self.out.push_str("\"__type__\":{\"stringValue\":\"__vector__\"},\"value\":");
        self.array(&numbers.iter().copied().map(Value::Double).collect::<Vec<_>>())?;
        self.close('}');
        self.close('}');
        self.close('}');
        Ok(())
    }
}

/// Numbers without fraction too are doubles here, and -0.0 keeps its sign.
fn double(number: f64) -> String {
    if number.is_finite() { double_text(number) } else { format!("\"{}\"", double_text(number)) }
}

fn geo_point(point: GeoPoint) -> Result<String, String> {
    if point.latitude.abs() <= 90.0 && point.longitude.abs() <= 180.0 {
        return Ok(format!("{{\"latitude\":{},\"longitude\":{}}}", double(point.latitude), double(point.longitude)));
    }
    Err("it holds a geopoint that is no place on Earth".to_owned())
}

/// The whole name; one into another database has it already.
fn reference(path: &str, root: &str) -> Result<String, String> {
    let in_database = match path.strip_prefix("projects/").and_then(|rest| rest.split_once("/documents/")) {
        Some((database, inner)) if is_database(database) => inner,
        _ => path,
    };
    match DocumentPath::parse(in_database) {
        Some(_) if in_database.len() == path.len() => Ok(format!("{root}{path}")),
        Some(_) => Ok(path.to_owned()),
        None => Err("it holds a reference that names no document".to_owned()),
    }
}

/// `p/databases/d`.
fn is_database(text: &str) -> bool {
    let mut parts = text.split('/');
    let fits = parts.next().is_some_and(|project| !project.is_empty())
        && parts.next() == Some("databases")
        && parts.next().is_some_and(|database| !database.is_empty());
    fits && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::domain::document::Origin;
    use crate::domain::json::decode;

    fn line(fields: &str) -> Result<String, String> {
        let Value::Map(fields) = decode(fields).unwrap() else { unreachable!() };
        let document = Document {
            path: DocumentPath::parse("users/a b/orders/1").unwrap(),
            fields,
            created: Some("2024-05-01T12:00:00.123456789Z".parse().unwrap()),
            updated: None,
            origin: Origin::default(),
        };
        encode_rest(&document, "projects/p/databases/(default)")
    }

    #[test]
    fn every_type_has_its_form() {
        let fields = r#"{"z":null,"b":true,"i":-9223372036854775808,"d":[1.0,-0.0,{"$double":"NaN"}],"t":{"$timestamp":"2024-01-01T00:00:00Z"},
            "s":"\"\u0000","r":{"$reference":"users/x"},"x":{"$bytes":"AP8="},"g":{"$geopoint":[1.5,-2.0]},"v":{"$vector":[0.5]},"m":{"k":{}},"e":[]}"#;
        let expected = concat!(
            r#"{"name":"projects/p/databases/(default)/documents/users/a b/orders/1","fields":{"b":{"booleanValue":true},"#,
            r#""d":{"arrayValue":{"values":[{"doubleValue":1.0},{"doubleValue":-0.0},{"doubleValue":"NaN"}]}},"#,
            r#""e":{"arrayValue":{}},"g":{"geoPointValue":{"latitude":1.5,"longitude":-2.0}},"#,
            r#""i":{"integerValue":"-9223372036854775808"},"m":{"mapValue":{"fields":{"k":{"mapValue":{}}}}},"#,
            r#""r":{"referenceValue":"projects/p/databases/(default)/documents/users/x"},"s":{"stringValue":"\"\u0000"},"#,
            r#""t":{"timestampValue":"2024-01-01T00:00:00.000000Z"},"v":{"mapValue":{"fields":{"__type__":{"stringValue":"__vector__"},"#,
            r#""value":{"arrayValue":{"values":[{"doubleValue":0.5}]}}}}},"x":{"bytesValue":"AP8="},"z":{"nullValue":null}},"#,
            r#""createTime":"2024-05-01T12:00:00.123456789Z"}"#
        );
        assert_eq!(line(fields).unwrap(), expected);
    }

    #[test]
    fn what_could_not_be_read_again_is_refused() {
        for (fields, words) in [
            (r#"{"r":{"$reference":"users"}}"#, "names no document"),
            (r#"{"r":{"$reference":"projects/p/databases/d/documents/users"}}"#, "names no document"),
            (r#"{"g":{"$geopoint":[91.0,0.0]}}"#, "no place on Earth"),
            (r#"{"n":{"$invalid":["integer_overflow","9223372036854775808"]}}"#, "integer_overflow"),
        ] {
            assert!(line(fields).unwrap_err().contains(words), "{fields}");
        }
        let nested = |depth: usize| line(&format!("{{\"a\":{}1{}}}", "[".repeat(depth), "]".repeat(depth)));
        assert!(nested(20).is_ok());
        assert!(nested(60).unwrap_err().contains("too deep"));
    }

    #[test]
    fn references_into_other_databases_keep_their_names() {
        let other = "projects/q/databases/d/documents/users/x";
        assert!(line(&format!(r#"{{"r":{{"$reference":"{other}"}}}}"#)).unwrap().contains(&format!(":\"{other}\"")));
        // A collection may be called so.
        assert!(line(r#"{"r":{"$reference":"projects/p"}}"#).unwrap().contains("documents/projects/p\""));
    }
}
