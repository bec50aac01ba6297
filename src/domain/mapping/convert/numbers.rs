//! Integers, doubles and coordinates.

use super::super::reason::{shown, wrong_type};
use super::super::{DoubleRules, NegativeZero, NonFinite};
use super::Converted;
use crate::domain::json::double_text;
use crate::domain::number::{SAFE_INTEGER, is_negative_zero, to_double, to_integer};
use crate::domain::reject::{RejectCode, Rejection};
use crate::domain::row::SqlValue;
use crate::domain::value::{GeoPoint, Value};

impl DoubleRules {
    /// The double that may be stored for this one; `None` where NULL is to be stored.
    pub(in crate::domain::mapping) fn allowed(self, double: f64) -> Result<Option<f64>, Rejection> {
        if !double.is_finite() {
            return match self.non_finite {
                NonFinite::Null => Ok(None),
                NonFinite::Reject => Err(Rejection::new(
                    RejectCode::NonFiniteDouble,
                    format!("found double {}, which SQL cannot hold", double_text(double)),
                )),
            };
        }
        if is_negative_zero(double) {
            return match self.negative_zero {
                NegativeZero::Zero => Ok(Some(0.0)),
                NegativeZero::Reject => {
                    Err(Rejection::new(RejectCode::NegativeZero, "found double -0.0, which SQL cannot hold"))
                }
            };
        }
        Ok(Some(double))
    }
}

pub(super) fn integer(value: &Value, rules: DoubleRules) -> Converted {
    match value {
        Value::Integer(number) => Ok(SqlValue::Integer(*number)),
        Value::Double(double) => {
            let Some(double) = rules.allowed(*double)? else { return Ok(SqlValue::Null) };
            match to_integer(double) {
                Some(number) if double.abs() <= SAFE_INTEGER => Ok(SqlValue::Integer(number)),
                _ => Err(wrong_type(value, "an integer, or a double that is a whole number of at most 2^53")),
            }
        }
        other => Err(wrong_type(other, &format!("an integer{}", advice(other, "parse_integer")))),
    }
}

pub(super) fn double(value: &Value, rules: DoubleRules) -> Converted {
    match value {
        Value::Double(double) => Ok(rules.allowed(*double)?.map_or(SqlValue::Null, SqlValue::Real)),
        Value::Integer(number) => to_double(*number)
            .map(SqlValue::Real)
            .ok_or_else(|| wrong_type(value, "a double, or an integer that a double holds exactly")),
        other => Err(wrong_type(other, &format!("a double{}", advice(other, "parse_double")))),
    }
}

/// What helps when a number stands in a string.
fn advice(found: &Value, transform: &str) -> String {
    match found {
        Value::String(text) if text.starts_with(|char: char| char.is_ascii_digit() || char == '-') => {
            format!(" (the transform `{transform}` makes one)")
        }
        _ => String::new(),
    }
}

pub(super) fn latitude(value: &Value, rules: DoubleRules) -> Converted {
    coordinate(value, rules, |point| point.latitude)
}

pub(super) fn longitude(value: &Value, rules: DoubleRules) -> Converted {
    coordinate(value, rules, |point| point.longitude)
}

fn coordinate(value: &Value, rules: DoubleRules, part: fn(&GeoPoint) -> f64) -> Converted {
    let Value::GeoPoint(point) = value else { return Err(wrong_type(value, "a geopoint")) };
    if point.latitude.abs() > 90.0 || point.longitude.abs() > 180.0 {
        let reason = format!("found {}, expected at most 90 and 180 degrees", shown(value));
        return Err(Rejection::new(RejectCode::InvalidValue, reason));
    }
    Ok(rules.allowed(part(point))?.map_or(SqlValue::Null, SqlValue::Real))
}
