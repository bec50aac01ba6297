//! SQL values in Hrana's JSON: integers as text, doubles as numbers that are read back by bits, BLOBs as base64.

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain::row::SqlValue;

/// Servers differ in whether they pad.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Sent<'a> {
    Null,
    Integer { value: String },
    Float { value: f64 },
    Text { value: &'a str },
    Blob { base64: String },
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Received {
    Null,
    Integer { value: String },
    Float { value: f64 },
    Text { value: String },
    Blob { base64: String },
}

/// Writes values as arguments.
pub(super) fn to_wire<S: Serializer>(values: &[SqlValue], serializer: S) -> Result<S::Ok, S::Error> {
    let mut list = serializer.serialize_seq(Some(values.len()))?;
    for value in values {
        list.serialize_element(&match value {
            SqlValue::Null => Sent::Null,
            SqlValue::Integer(number) => Sent::Integer { value: number.to_string() },
            SqlValue::Real(value) => Sent::Float { value: *value },
            SqlValue::Text(value) => Sent::Text { value },
            SqlValue::Blob(bytes) => Sent::Blob { base64: STANDARD.encode(bytes) },
        })?;
    }
    list.end()
}

/// Reads result rows.
pub(super) fn from_wire<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Vec<SqlValue>>, D::Error> {
    let rows = Vec::<Vec<Received>>::deserialize(deserializer)?;
    rows.into_iter().map(|row| row.into_iter().map(received).collect()).collect()
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
    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Both {
        #[serde(serialize_with = "one_row", deserialize_with = "from_wire")]
        rows: Vec<Vec<SqlValue>>,
    }

    #[expect(clippy::ptr_arg, reason = "serde gives the field as it is")]
    fn one_row<S: Serializer>(rows: &Vec<Vec<SqlValue>>, serializer: S) -> Result<S::Ok, S::Error> {
        struct Row<'a>(&'a [SqlValue]);
        impl Serialize for Row<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                to_wire(self.0, serializer)
            }
        }
        serializer.collect_seq(rows.iter().map(|row| Row(row)))
    }

    fn round_trip(value: &SqlValue) -> SqlValue {
        let text = serde_json::to_string(&Both { rows: vec![vec![value.clone()]] }).unwrap_or_default();
        let back: Both = serde_json::from_str(&text).unwrap_or(Both { rows: vec![] });
        back.rows.into_iter().flatten().next().unwrap_or(SqlValue::Text("nothing came back".into()))
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
        let read: Both = serde_json::from_str(text).unwrap_or(Both { rows: vec![] });
        let blob = SqlValue::Blob(vec![0, 255]);
        assert_eq!(read.rows, [[SqlValue::Real(3.0), blob.clone(), blob]]);
    }
}
