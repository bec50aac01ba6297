//! The names that columns may use: types, transforms, rules.

use crate::domain::mapping::{LookupMissing, Mismatch, NegativeZero, NonFinite, Transform};
use crate::pipeline::decode::Choice;

/// `type` as written; `digits` and `reference` refine it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TypeName {
    /// `auto`
    Auto,
    /// `any`
    Any,
    /// `text`
    Text,
    /// `integer`
    Integer,
    /// `double`
    Double,
    /// `boolean`
    Boolean,
    /// `bytes`
    Bytes,
    /// `timestamp`
    Timestamp,
    /// `timestamp_millis`
    TimestampMillis,
    /// `timestamp_micros`
    TimestampMicros,
    /// `reference`
    Reference,
    /// `latitude`
    Latitude,
    /// `longitude`
    Longitude,
    /// `json`
    Json,
    /// `vector32`
    Vector32,
    /// `vector64`
    Vector64,
}

impl Choice for TypeName {
    const WHAT: &'static str = "a column type";
    const CODE: &'static str = "unknown_type";
    const SYNONYMS: &'static [(&'static str, &'static str)] = &[
        ("string", "text"),
        ("varchar", "text"),
        ("int64", "integer"),
        ("number", "double"),
        ("float", "double"),
        ("real", "double"),
        ("date", "timestamp"),
        ("datetime", "timestamp"),
        ("blob", "bytes"),
        ("binary", "bytes"),
        ("map", "json"),
        ("object", "json"),
        ("array", "json"),
        ("list", "json"),
        ("geopoint", "latitude"),
        ("vector", "vector32"),
    ];
    const NAMES: &'static [(&'static str, Self)] = &[
        ("auto", Self::Auto),
        ("any", Self::Any),
        ("text", Self::Text),
        ("integer", Self::Integer),
        ("double", Self::Double),
        ("boolean", Self::Boolean),
        ("bytes", Self::Bytes),
        ("timestamp", Self::Timestamp),
        ("timestamp_millis", Self::TimestampMillis),
        ("timestamp_micros", Self::TimestampMicros),
        ("reference", Self::Reference),
        ("latitude", Self::Latitude),
        ("longitude", Self::Longitude),
        ("json", Self::Json),
        ("vector32", Self::Vector32),
        ("vector64", Self::Vector64),
    ];
}

/// `reference`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReferencePart {
    /// `id`
    Id,
    /// `path`
    Path,
}

impl Choice for ReferencePart {
    const WHAT: &'static str = "a part of a reference";
    const NAMES: &'static [(&'static str, Self)] = &[("id", Self::Id), ("path", Self::Path)];
}

impl Choice for NonFinite {
    const WHAT: &'static str = "a rule for NaN and infinities";
    const NAMES: &'static [(&'static str, Self)] = &[("reject", Self::Reject), ("null", Self::Null)];
}

impl Choice for Mismatch {
    const WHAT: &'static str = "a rule for values that do not fit";
    const NAMES: &'static [(&'static str, Self)] =
        &[("reject", Self::Reject), ("null", Self::Null), ("coerce", Self::Coerce), ("keep", Self::Keep)];
}

impl Choice for NegativeZero {
    const WHAT: &'static str = "a rule for -0.0";
    const NAMES: &'static [(&'static str, Self)] = &[("reject", Self::Reject), ("zero", Self::Zero)];
}

impl Choice for LookupMissing {
    const WHAT: &'static str = "a rule for values that the lookup does not have";
    const NAMES: &'static [(&'static str, Self)] =
        &[("reject", Self::Reject), ("null", Self::Null), ("keep", Self::Keep)];
}

impl Choice for Transform {
    const WHAT: &'static str = "a transform";
    const CODE: &'static str = "unknown_transform";
    const NAMES: &'static [(&'static str, Self)] = &[
        ("trim", Self::Trim),
        ("lowercase", Self::Lowercase),
        ("uppercase", Self::Uppercase),
        ("empty_to_null", Self::EmptyToNull),
        ("to_text", Self::ToText),
        ("parse_integer", Self::ParseInteger),
        ("parse_double", Self::ParseDouble),
        ("parse_timestamp", Self::ParseTimestamp),
        ("from_unix_seconds", Self::FromUnixSeconds),
        ("from_unix_millis", Self::FromUnixMillis),
        ("whole_to_integer", Self::WholeToInteger),
        ("truncate_micros", Self::TruncateMicros),
        ("truncate_millis", Self::TruncateMillis),
        ("parse_json", Self::ParseJson),
    ];
}
