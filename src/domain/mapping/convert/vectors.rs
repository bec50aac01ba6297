//! Vectors in libSQL's own formats: little-endian floats, and a type byte at the end of 64-bit ones.

use super::super::reason::wrong_type;
use super::Converted;
use crate::domain::json::double_text;
use crate::domain::number::to_double;
use crate::domain::reject::{RejectCode, Rejection};
use crate::domain::row::SqlValue;
use crate::domain::value::Value;

/// The last byte of a vector of 64-bit floats; one of 32-bit floats has none.
const FLOAT64: u8 = 2;

pub(super) fn vector32(value: &Value) -> Converted {
    let mut blob = Vec::new();
    for component in components(value)? {
        let component = component?;
        let narrow = component as f32;
        if f64::from(narrow) != component {
            let reason = format!("found component {}, which 32 bits cannot hold exactly", double_text(component));
            return Err(Rejection::new(RejectCode::InvalidValue, reason));
        }
        blob.extend_from_slice(&narrow.to_le_bytes());
    }
    Ok(SqlValue::Blob(blob))
}

pub(super) fn vector64(value: &Value) -> Converted {
    let mut blob = Vec::new();
    for component in components(value)? {
        blob.extend_from_slice(&component?.to_le_bytes());
    }
    blob.push(FLOAT64);
    Ok(SqlValue::Blob(blob))
}

type Components<'a> = Box<dyn Iterator<Item = Result<f64, Rejection>> + 'a>;

/// The components of a vector, or of an array of numbers (plain JSON has no vectors).
fn components(value: &Value) -> Result<Components<'_>, Rejection> {
    match value {
        Value::Vector(numbers) => Ok(Box::new(numbers.iter().copied().map(finite))),
        Value::Array(values) => Ok(Box::new(values.iter().map(|value| number(value).and_then(finite)))),
        other => Err(wrong_type(other, "a vector or an array of numbers")),
    }
}

fn number(value: &Value) -> Result<f64, Rejection> {
    match value {
        Value::Double(double) => Ok(*double),
        Value::Integer(integer) => {
            to_double(*integer).ok_or_else(|| wrong_type(value, "components that a double holds exactly"))
        }
        other => Err(wrong_type(other, "numbers as components")),
    }
}

/// Vector functions make nothing of NaN and infinities.
fn finite(double: f64) -> Result<f64, Rejection> {
    if double.is_finite() {
        return Ok(double);
    }
    let reason = format!("found component {}, which a vector cannot hold", double_text(double));
    Err(Rejection::new(RejectCode::NonFiniteDouble, reason))
}
