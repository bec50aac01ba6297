//! SQL values read from Hrana's JSON: integers are text, doubles are numbers that are read back by bits, BLOBs base64.

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde::{Deserialize, Deserializer};

use crate::domain::row::SqlValue;

/// Servers differ in whether they pad.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Received {
    Null,
    Integer { value: String },
    Float { value: f64 },
    Text { value: String },
    Blob { base64: String },
}

/// Reads result rows.
pub(super) fn from_wire<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Vec<SqlValue>>, D::Error> {
    let rows = Vec::<Vec<Received>>::deserialize(deserializer)?;
    rows.into_iter().map(|row| row.into_iter().map(received).collect()).collect()
}

/// Reads arguments.
pub(super) fn from_wire_once<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<SqlValue>, D::Error> {
    Vec::<Received>::deserialize(deserializer)?.into_iter().map(received).collect()
}

fn received<E: serde::de::Error>(value: Received) -> Result<SqlValue, E> {
    Ok(match value {
        Received::Null => SqlValue::Null,
        Received::Integer { value } => SqlValue::Integer(value.parse().map_err(E::custom)?),
        Received::Float { value } => SqlValue::Real(value),
        Received::Text { value } => SqlValue::Text(value),
        Received::Blob { base64 } => SqlValue::Blob(LENIENT.decode(base64).map_err(E::custom)?),
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Batch, Client, Request, Step, Stmt};
    use super::*;
    use crate::destination::libsql::statement::Statement;

    #[derive(Deserialize)]
    struct Rows {
        #[serde(deserialize_with = "from_wire")]
        rows: Vec<Vec<SqlValue>>,
    }

    fn round_trip(value: &SqlValue) -> SqlValue {
        let stmt = Stmt::effect(Statement::new("", vec![value.clone()]));
        let body = Client::body(&[Request::batch(Batch { steps: vec![Step { condition: None, stmt }] })]);
        let values = Batch::of_body(&body).ok().and_then(|mut batch| batch.steps.pop()).map(|step| step.stmt.args);
        values.and_then(|mut values| values.pop()).unwrap_or(SqlValue::Text("nothing came back".into()))
    }

    fn same(a: &SqlValue, b: &SqlValue) -> bool {
        match (a, b) {
            (SqlValue::Real(a), SqlValue::Real(b)) => a.to_bits() == b.to_bits(),
            _ => a == b,
        }
    }

    proptest::proptest! {
        #[test]
        fn any_value_survives_the_wire(number: i64, bits: u64, text: String, bytes: Vec<u8>) {
            let double = f64::from_bits(bits);
            let real = SqlValue::Real(if double.is_finite() { double } else { 0.5 });
            for value in [SqlValue::Null, SqlValue::Integer(number), real, SqlValue::Text(text), SqlValue::Blob(bytes)] {
                let back = round_trip(&value);
                proptest::prop_assert!(same(&back, &value), "{value:?} came back as {back:?}");
            }
        }
    }

    #[test]
    fn answers_of_other_servers_are_read_too() {
        let text =
            r#"{"rows":[[{"type":"float","value":3},{"type":"blob","base64":"AP8"},{"type":"blob","base64":"AP8="}]]}"#;
        let read: Rows = serde_json::from_str(text).unwrap_or(Rows { rows: vec![] });
        let blob = SqlValue::Blob(vec![0, 255]);
        assert_eq!(read.rows, [[SqlValue::Real(3.0), blob.clone(), blob]]);
    }
}
