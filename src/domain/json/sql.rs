//! SQL values as JSON: keys of documents, samples, expected rows.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Number, Value as Json, json};

use super::text::string;
use super::write::{base64, double, integer};
use crate::domain::row::SqlValue;

/// Key values as a canonical JSON array: equal text, equal key.
pub fn encode_key(values: &[&SqlValue]) -> String {
    let mut out = String::with_capacity(32);
    out.push('[');
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        match value {
            SqlValue::Null => out.push_str("null"),
            SqlValue::Integer(number) => integer(&mut out, *number),
            SqlValue::Real(number) => double(&mut out, *number),
            SqlValue::Text(text) => string(&mut out, text),
            SqlValue::Blob(bytes) => {
                out.push_str("{\"$bytes\":");
                base64(&mut out, bytes);
                out.push('}');
            }
        }
    }
    out.push(']');
    out
}

/// A SQL value for people and reports; a blob as `{"$bytes": base64}`.
pub fn sql_to_json(value: &SqlValue) -> Json {
    match value {
        SqlValue::Null => Json::Null,
        SqlValue::Integer(number) => json!(number),
        SqlValue::Real(number) => Number::from_f64(*number).map_or(Json::Null, Json::Number),
        SqlValue::Text(text) => json!(text),
        SqlValue::Blob(bytes) => json!({ "$bytes": BASE64_STANDARD.encode(bytes) }),
    }
}

/// The SQL value that [`sql_to_json`] wrote, or that a person did: true and false are 1 and 0.
pub fn json_to_sql(value: &Json) -> Result<SqlValue, String> {
    match value {
        Json::Null => Ok(SqlValue::Null),
        Json::Bool(flag) => Ok(SqlValue::Integer(i64::from(*flag))),
        Json::String(text) => Ok(SqlValue::Text(text.clone())),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => Ok(SqlValue::Integer(integer)),
            (None, Some(double)) if number.is_f64() => Ok(SqlValue::Real(double)),
            _ => Err(format!("{number} does not fit into 64 bits")),
        },
        Json::Object(map) if map.len() == 1 => match map.get("$bytes") {
            Some(Json::String(text)) => {
                BASE64_STANDARD.decode(text).map(SqlValue::Blob).map_err(|error| format!("`$bytes`: {error}"))
            }
            _ => Err(no_sql_value(value)),
        },
        Json::Array(_) | Json::Object(_) => Err(no_sql_value(value)),
    }
}

fn no_sql_value(value: &Json) -> String {
    format!("{value} is no SQL value; write what a JSON column holds as text, bytes as {{\"$bytes\": \"base64\"}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_tell_types_apart() {
        let text = |value: SqlValue| encode_key(&[&value]);
        assert_eq!(text(SqlValue::Integer(1)), "[1]");
        assert_eq!(text(SqlValue::Real(1.0)), "[1.0]");
        assert_eq!(text(SqlValue::Text("1".into())), "[\"1\"]");
        assert_eq!(text(SqlValue::Blob(b"1".to_vec())), "[{\"$bytes\":\"MQ==\"}]");
        assert_eq!(encode_key(&[&SqlValue::Null, &SqlValue::Text("ä\"\n".into())]), "[null,\"ä\\\"\\n\"]");
    }

    #[test]
    fn sql_values_come_back_from_json() {
        for value in [
            SqlValue::Null,
            SqlValue::Integer(i64::MIN),
            SqlValue::Real(1.0),
            SqlValue::Text("{\"a\":1}".into()),
            SqlValue::Blob(vec![0, 255]),
        ] {
            assert_eq!(json_to_sql(&sql_to_json(&value)), Ok(value));
        }
        assert_eq!(json_to_sql(&json!(true)), Ok(SqlValue::Integer(1)));
        for none in [json!([1]), json!({"a": 1}), json!(18446744073709551615_u64)] {
            assert!(json_to_sql(&none).is_err());
        }
    }
}
