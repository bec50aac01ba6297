//! The type of a column for values that are neither flattened nor a table of their own.

use super::model::Stored;
use crate::profile::FieldProfile;

/// Canonical JSON: holds whatever a document can hold.
pub(super) fn json() -> Stored {
    Stored::new("json", "TEXT")
}

/// What holds every value of the field exactly, or by a rule that is named. References and geopoints of their own kind
/// are decided before.
pub(super) fn stored(field: &FieldProfile) -> Stored {
    let types: Vec<&str> = field.types.iter().map(|found| found.name).filter(|name| *name != "invalid").collect();
    match types.as_slice() {
        ["boolean"] => Stored::new("boolean", "INTEGER"),
        ["integer"] => Stored::new("integer", "INTEGER"),
        ["double"] => double(field),
        ["timestamp"] => timestamp(field),
        ["string"] => Stored::new("text", "TEXT"),
        ["bytes"] => Stored::new("bytes", "BLOB"),
        ["vector"] => vector(field),
        ["integer", "double"] | ["double", "integer"] if !large_integers(field) => double(field),
        mixed if mixed.iter().all(|name| ["integer", "double", "string", "bytes"].contains(name)) => any(field, mixed),
        _ => json(),
    }
}

fn large_integers(field: &FieldProfile) -> bool {
    field.numbers.as_ref().is_some_and(|numbers| numbers.large_integers > 0)
}

/// NaN and infinities are no SQL numbers; zero loses its sign, which no calculation notices.
fn double(field: &FieldProfile) -> Stored {
    with_rules(field, Stored::new("double", "REAL"))
}

/// Values that a column without a type keeps apart.
fn any(field: &FieldProfile, types: &[&str]) -> Stored {
    // Nothing was ever there: JSON takes what may come.
    if types.is_empty() { json() } else { with_rules(field, Stored::new("any", "ANY")) }
}

fn with_rules(field: &FieldProfile, stored: Stored) -> Stored {
    match &field.numbers {
        Some(numbers) if numbers.non_finite > 0 => json(),
        Some(numbers) if numbers.negative_zeros > 0 => stored.with("negative_zero", "zero"),
        _ => stored,
    }
}

fn timestamp(field: &FieldProfile) -> Stored {
    let stored = Stored::new("timestamp", "TEXT");
    match &field.times {
        Some(times) if times.finer_than_micros > 0 => stored.with("digits", "9"),
        _ => stored,
    }
}

/// All of one length, so that they can be compared; else JSON.
fn vector(field: &FieldProfile) -> Stored {
    let odd = &field.odd;
    let one_length = odd.components.is_some_and(|(least, most)| least == most && least > 0);
    match (one_length && odd.non_finite_vectors == 0, odd.wide_vectors) {
        (false, _) => json(),
        (true, 0) => Stored::new("vector32", "BLOB"),
        (true, _) => Stored::new("vector64", "BLOB"),
    }
}

/// The condition that holds for whatever the mapper stores, documents read or not.
pub(super) fn check(stored: &Stored, column: &str) -> Option<String> {
    match stored.kind {
        Some("boolean") => Some(format!("{column} IN (0, 1)")),
        Some("json") => Some(format!("json_valid({column})")),
        Some("latitude") => Some(format!("{column} BETWEEN -90 AND 90")),
        Some("longitude") => Some(format!("{column} BETWEEN -180 AND 180")),
        _ => None,
    }
}
