//! The names of inputs, column types and transforms, as pipelines write them and messages show them.

use std::fmt;

use super::{ColumnType, Input, Transform};
use crate::domain::schema::Affinity;

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(path) => path.fmt(f),
            Self::Id => f.write_str("$id"),
            Self::Path => f.write_str("$path"),
            Self::ParentId => f.write_str("$parent.id"),
            Self::Created => f.write_str("$created"),
            Self::Updated => f.write_str("$updated"),
            Self::FileStem => f.write_str("$file.stem"),
            Self::Index => f.write_str("$index"),
            Self::Item(path) if path.segments().is_empty() => f.write_str("$item"),
            Self::Item(path) => write!(f, "$item.{path}"),
            Self::Unknown => f.write_str("the unknown fields"),
        }
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Natural(Affinity::Text) => "auto for TEXT",
            Self::Natural(Affinity::Integer) => "auto for INTEGER",
            Self::Natural(Affinity::Real) => "auto for REAL",
            Self::Natural(Affinity::Numeric) => "auto for NUMERIC",
            Self::Natural(Affinity::Blob) | Self::Any => "any",
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Double => "double",
            Self::Boolean => "boolean",
            Self::Bytes => "bytes",
            Self::Timestamp { digits } => return write!(f, "timestamp with {digits} digits"),
            Self::TimestampMillis => "timestamp_millis",
            Self::TimestampMicros => "timestamp_micros",
            Self::ReferenceId => "reference_id",
            Self::ReferencePath => "reference_path",
            Self::Latitude => "latitude",
            Self::Longitude => "longitude",
            Self::Json => "json",
            Self::Vector32 => "vector32",
            Self::Vector64 => "vector64",
        })
    }
}

impl Transform {
    /// Every transform.
    pub const ALL: &[Self] = &[
        Self::Trim,
        Self::Lowercase,
        Self::Uppercase,
        Self::EmptyToNull,
        Self::ToText,
        Self::ParseInteger,
        Self::ParseDouble,
        Self::ParseTimestamp,
        Self::FromUnixSeconds,
        Self::FromUnixMillis,
        Self::WholeToInteger,
        Self::TruncateMicros,
        Self::TruncateMillis,
        Self::ParseJson,
    ];

    /// Its name in a pipeline.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trim => "trim",
            Self::Lowercase => "lowercase",
            Self::Uppercase => "uppercase",
            Self::EmptyToNull => "empty_to_null",
            Self::ToText => "to_text",
            Self::ParseInteger => "parse_integer",
            Self::ParseDouble => "parse_double",
            Self::ParseTimestamp => "parse_timestamp",
            Self::FromUnixSeconds => "from_unix_seconds",
            Self::FromUnixMillis => "from_unix_millis",
            Self::WholeToInteger => "whole_to_integer",
            Self::TruncateMicros => "truncate_micros",
            Self::TruncateMillis => "truncate_millis",
            Self::ParseJson => "parse_json",
        }
    }
}
