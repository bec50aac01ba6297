//! Column types against declared types: nothing may be left to SQLite's coercion.

use super::super::{ColumnMapping, ColumnType, Input};
use super::BindProblem;
use crate::domain::schema::{Affinity, Column, Table};

/// How SQLite stores a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Storage {
    Integer,
    Real,
    Text,
    Blob,
}

/// The type to convert to; `Auto` becomes what the column's declaration asks for.
pub(super) fn resolve(column: &ColumnMapping, table: &Table, declared: &Column) -> Result<ColumnType, BindProblem> {
    let affinity = table.affinity(declared);
    let kind = match column.kind {
        ColumnType::Auto | ColumnType::Natural(_) => automatic(column, declared, affinity),
        kind => kind,
    };
    let refusal = match kind {
        ColumnType::Any if affinity == Affinity::Blob && !is_strict_blob(table, declared) => None,
        ColumnType::Any => Some("`any` needs a column that coerces nothing (ANY in a STRICT table, or no type)".into()),
        ColumnType::Natural(_) => None,
        kind => storage(kind)
            .filter(|storage| !keeps(table, declared, affinity, *storage))
            .map(|storage| format!("`{kind}` stores {}, which the column would change or refuse", storage.name())),
    };
    match refusal.or_else(|| unfit_input(column, kind)) {
        None => Ok(kind),
        Some(why) => Err(incompatible(table, declared, affinity, &why)),
    }
}

fn automatic(column: &ColumnMapping, declared: &Column, affinity: Affinity) -> ColumnType {
    let text = declared.declared_type.to_ascii_uppercase();
    let starts = |names: [&str; 2]| names.iter().any(|name| text.starts_with(name));
    match affinity {
        Affinity::Text | Affinity::Blob if column.input == Input::Unknown => ColumnType::Json,
        _ if starts(["F32_BLOB(", "FLOAT32("]) => ColumnType::Vector32,
        _ if starts(["F64_BLOB(", "FLOAT64("]) => ColumnType::Vector64,
        Affinity::Blob if text.contains("BLOB") => ColumnType::Bytes,
        Affinity::Blob => ColumnType::Any,
        other => ColumnType::Natural(other),
    }
}

/// What a type stores; `None` for those that store several.
fn storage(kind: ColumnType) -> Option<Storage> {
    match kind {
        ColumnType::Auto | ColumnType::Natural(_) | ColumnType::Any => None,
        ColumnType::Text
        | ColumnType::Timestamp { .. }
        | ColumnType::ReferenceId
        | ColumnType::ReferencePath
        | ColumnType::Json => Some(Storage::Text),
        ColumnType::Integer | ColumnType::Boolean | ColumnType::TimestampMillis | ColumnType::TimestampMicros => {
            Some(Storage::Integer)
        }
        ColumnType::Double | ColumnType::Latitude | ColumnType::Longitude => Some(Storage::Real),
        ColumnType::Bytes | ColumnType::Vector32 | ColumnType::Vector64 => Some(Storage::Blob),
    }
}

impl Storage {
    fn name(self) -> &'static str {
        match self {
            Self::Integer => "INTEGER",
            Self::Real => "REAL",
            Self::Text => "TEXT",
            Self::Blob => "BLOB",
        }
    }
}

/// Whether the column keeps every value of this storage as it is.
fn keeps(table: &Table, declared: &Column, affinity: Affinity, storage: Storage) -> bool {
    if table.strict {
        return match affinity {
            Affinity::Blob => !is_strict_blob(table, declared) || storage == Storage::Blob,
            Affinity::Text => storage == Storage::Text,
            Affinity::Integer => storage == Storage::Integer,
            Affinity::Real => storage == Storage::Real,
            Affinity::Numeric => false,
        };
    }
    match (affinity, storage) {
        // Affinities leave blobs alone.
        (Affinity::Blob, _) | (_, Storage::Blob) => true,
        (Affinity::Text, storage) => storage == Storage::Text,
        (Affinity::Integer | Affinity::Numeric, storage) => storage == Storage::Integer,
        (Affinity::Real, storage) => storage == Storage::Real,
    }
}

fn is_strict_blob(table: &Table, declared: &Column) -> bool {
    table.strict && declared.declared_type.eq_ignore_ascii_case("BLOB")
}

/// An input whose type is known beforehand and that the column type refuses: every document would be a reject.
fn unfit_input(column: &ColumnMapping, kind: ColumnType) -> Option<String> {
    use ColumnType::{Any, Json, Natural, Text, Timestamp, TimestampMicros, TimestampMillis};
    if !column.transforms.is_empty() || column.lookup.is_some() {
        return None;
    }
    let text = matches!(kind, Text | Any | Json | Natural(Affinity::Text | Affinity::Blob));
    let (found, fits) = match column.input {
        Input::Id | Input::Path | Input::ParentId | Input::FileStem => ("text", text),
        Input::Created | Input::Updated => (
            "a timestamp",
            matches!(kind, Any | Json | Timestamp { .. } | TimestampMillis | TimestampMicros)
                || matches!(kind, Natural(Affinity::Text | Affinity::Numeric | Affinity::Blob)),
        ),
        Input::Unknown => ("a map", matches!(kind, Any | Json)),
        Input::Field(_) | Input::Item(_) | Input::Index => return None,
    };
    (!fits).then(|| format!("`{}` is {found}, which `{kind}` refuses", column.input))
}

fn incompatible(table: &Table, declared: &Column, affinity: Affinity, why: &str) -> BindProblem {
    let strict = if table.strict { " in a STRICT table" } else { "" };
    let shown = if declared.declared_type.is_empty() { "no type" } else { &declared.declared_type };
    let fitting = match affinity {
        Affinity::Text => "text, json, timestamp, reference_id or reference_path",
        Affinity::Integer => "integer, boolean, timestamp_millis or timestamp_micros",
        Affinity::Real => "double, latitude or longitude",
        Affinity::Numeric => "integer, boolean, timestamp_millis or timestamp_micros, or leave `type` out",
        Affinity::Blob => "bytes, vector32 or vector64",
    };
    BindProblem::error(
        "type_incompatible",
        format!("`{}.{}` ({shown}{strict}): {why}", table.name, declared.name),
        format!("use `type` {fitting}, or declare the column otherwise"),
    )
}
