//! How one document becomes rows. Pure: the same document and mapping give the same rows, always.
//!
//! A column's value goes through: input → default (if missing) → transforms → lookup → required? → conversion to the
//! column's type → size limit. Null passes transforms and lookup, never takes the default, and is stored as NULL.

mod bind;
mod children;
mod convert;
mod fingerprint;
mod inputs;
mod map;
mod mismatch;
mod names;
mod needs;
mod reason;
mod transforms;
mod unknown;

pub use bind::BindProblem;
pub use mismatch::Misfit;
pub use unknown::KnownFields;

use std::collections::HashMap;
use std::sync::Arc;

use super::document::{CollectionPattern, Document};
use super::field_path::FieldPath;
use super::filter::Filter;
use super::reject::Rejection;
use super::row::{MappedDocument, SqlValue};
use super::schema::Affinity;
use super::value::Value;

/// The mapping of one collection, validated.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapping {
    /// The collection.
    pub collection: CollectionPattern,
    /// Its table.
    pub table: String,
    /// Columns, in the order of a row's values.
    pub columns: Vec<ColumnMapping>,
    /// Indexes into `columns` that make the key.
    pub key: Vec<usize>,
    /// Child tables.
    pub children: Vec<ChildMapping>,
    /// Which documents are wanted.
    pub filter: Filter,
    /// What to do with fields that no column maps.
    pub unknown_fields: UnknownFields,
    /// The field that plain objects have their id in: where it holds the document's id it is not an unknown field.
    pub id_field: Option<String>,
    /// A single value above this many bytes is an `oversized_value`.
    pub max_value_bytes: usize,
}

/// A child table filled from an array or map of the document.
#[derive(Debug, Clone, PartialEq)]
pub struct ChildMapping {
    /// Its table.
    pub table: String,
    /// The array or map whose elements become rows; missing or null gives none, another type is `wrong_type`.
    pub each: FieldPath,
    /// Columns; `$index` is the position (array) or key (map), `$item` the element.
    pub columns: Vec<ColumnMapping>,
    /// Indexes into `columns` that make the child table's key.
    pub key: Vec<usize>,
    /// Pairs (child column, parent column) that link a child row to its document: columns with the same input.
    pub link: Vec<(usize, usize)>,
}

/// One column of a row.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnMapping {
    /// Column name.
    pub name: String,
    /// Where its value comes from.
    pub input: Input,
    /// What it is stored as; `Auto` until the mapping is bound to a schema.
    pub kind: ColumnType,
    /// Missing or null (after the default) is a `missing_field` reject.
    pub required: bool,
    /// Stands in for the field when it is missing (not when it is null); transforms and lookup apply to it too.
    pub default: Option<Value>,
    /// Applied in order, before the conversion.
    pub transforms: Vec<Transform>,
    /// Translates the value after the transforms.
    pub lookup: Option<Arc<Lookup>>,
    /// What to do with doubles that a column cannot hold.
    pub doubles: DoubleRules,
    /// What to do with a value that the column's type cannot hold.
    pub mismatch: Mismatch,
}

impl ColumnMapping {
    /// Whether the column holds a value as it comes from a document; transforms and lookup are not asked.
    pub fn holds(&self, value: &Value) -> bool {
        self.stores(value).is_some()
    }

    /// What the column stores for a value as it comes from its lookup; `None` where its type cannot.
    pub(in crate::domain) fn stores(&self, value: &Value) -> Option<SqlValue> {
        convert::convert(std::borrow::Cow::Borrowed(value), self.kind, self.doubles).ok()
    }
}

/// Where a column's value comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// A field of the document.
    Field(FieldPath),
    /// `$id`.
    Id,
    /// `$path`.
    Path,
    /// `$parent.id`.
    ParentId,
    /// `$created`.
    Created,
    /// `$updated`.
    Updated,
    /// `$file.stem`.
    FileStem,
    /// `$index` of a child row.
    Index,
    /// `$item` or `$item.field` of a child row.
    Item(FieldPath),
    /// The fields that no column maps, as one map (`unknown_fields: { keep: column }`).
    Unknown,
}

/// What a value is stored as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// Decided by the destination's declared column type; see `bind`. Before that, the same as `Any`.
    Auto,
    /// What `Auto` becomes for a column of this affinity; refuses what the column would coerce.
    ///
    /// TEXT: strings, timestamps (6 digits), references (id). INTEGER: integers and booleans, doubles as for
    /// `Integer`. REAL: as for `Double`. NUMERIC: integers, booleans, doubles (whole ones as integers, as SQLite
    /// would), timestamps (6 digits). BLOB: as for `Any`.
    Natural(Affinity),
    /// Any value in its natural storage, for columns that coerce nothing (ANY, BLOB): booleans as 0 or 1, timestamps
    /// as text with 6 digits, references as id, arrays, maps, vectors and geopoints as canonical JSON.
    Any,
    /// TEXT from strings.
    Text,
    /// INTEGER from integers, and from doubles that are whole numbers up to 2^53 (above, a double stands for many
    /// integers; `whole_to_integer` takes those too).
    Integer,
    /// REAL from doubles, and from integers that a double holds exactly.
    Double,
    /// INTEGER 0 or 1.
    Boolean,
    /// BLOB from bytes.
    Bytes,
    /// RFC 3339 text of fixed width in UTC with 3, 6 or 9 digits.
    Timestamp {
        /// Digits after the second.
        digits: u8,
    },
    /// INTEGER milliseconds since 1970.
    TimestampMillis,
    /// INTEGER microseconds since 1970.
    TimestampMicros,
    /// TEXT: the id of the referenced document; a reference into another database is refused.
    ReferenceId,
    /// TEXT: the path of the referenced document.
    ReferencePath,
    /// REAL: a geopoint's latitude.
    Latitude,
    /// REAL: a geopoint's longitude.
    Longitude,
    /// TEXT: canonical JSON of any value (see `domain::json`).
    Json,
    /// BLOB of 32-bit floats as libSQL's `F32_BLOB` holds them, from vectors and arrays of numbers; a component that
    /// 32 bits cannot hold exactly is rejected, and so are NaN and infinities.
    Vector32,
    /// BLOB of 64-bit floats as libSQL's `F64_BLOB` holds them, from vectors and arrays of numbers.
    Vector64,
}

/// What to do with a value that a column's type cannot hold. Default: reject the document.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mismatch {
    /// Reject the document.
    #[default]
    Reject,
    /// Store NULL.
    Null,
    /// Store what says the same in the column's type; reject the document where nothing does.
    Coerce,
    /// Store NULL, and keep the value with the fields that no column maps.
    Keep,
}

impl Mismatch {
    /// The name in a pipeline file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reject => "reject",
            Self::Null => "null",
            Self::Coerce => "coerce",
            Self::Keep => "keep",
        }
    }
}

/// Rules for doubles that SQL cannot hold. Default: reject.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DoubleRules {
    /// NaN and infinities.
    pub non_finite: NonFinite,
    /// -0.0.
    pub negative_zero: NegativeZero,
}

/// What to do with NaN and infinities.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NonFinite {
    /// Reject the document.
    #[default]
    Reject,
    /// Store NULL.
    Null,
}

/// What to do with -0.0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NegativeZero {
    /// Reject the document.
    #[default]
    Reject,
    /// Store 0.0.
    Zero,
}

/// A named change of a value before its conversion. A value that a transform does not apply to (another type) is a
/// `wrong_type` reject; null passes, and so does a value that is already of the type that the transform makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transform {
    /// Strings: white space off both ends.
    Trim,
    /// Strings: Unicode lower case.
    Lowercase,
    /// Strings: Unicode upper case.
    Uppercase,
    /// Strings: an empty one becomes null.
    EmptyToNull,
    /// Integers, booleans, doubles, timestamps become their canonical text.
    ToText,
    /// Decimal strings become integers, exactly.
    ParseInteger,
    /// Decimal strings become doubles (the nearest).
    ParseDouble,
    /// RFC 3339 strings become timestamps.
    ParseTimestamp,
    /// Integer seconds since 1970 become a timestamp.
    FromUnixSeconds,
    /// Integer milliseconds since 1970 become a timestamp.
    FromUnixMillis,
    /// Doubles without fraction become integers, exactly.
    WholeToInteger,
    /// Timestamps are cut to microseconds.
    TruncateMicros,
    /// Timestamps are cut to milliseconds.
    TruncateMillis,
    /// Strings holding JSON become the value they describe. Plain JSON: `$` keys are keys like others.
    ParseJson,
}

/// A table of replacements, loaded from a file: string keys to values. Null passes; a value that is no string has no
/// entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Lookup {
    /// File name, for messages.
    pub name: String,
    /// The entries.
    pub entries: HashMap<String, Value>,
    /// What to do with a value that has no entry.
    pub missing: LookupMissing,
}

/// What to do with a value that a lookup does not have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LookupMissing {
    /// A `lookup_missing` reject.
    #[default]
    Reject,
    /// NULL.
    Null,
    /// The value itself.
    Keep,
}

/// What to do with fields that no column maps.
///
/// A field is known when a column, a column of a child table, the `each` of a child table or `where` names it. A map
/// of which only fields inside are named is searched: its other fields are unknown. A map named whole is known whole,
/// and so is all below `each`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum UnknownFields {
    /// Leave them out.
    #[default]
    Ignore,
    /// An `unknown_field` reject.
    Reject,
    /// Keep them, canonical JSON, in the column whose input is [`Input::Unknown`].
    Keep,
}

/// What became of a document.
#[derive(Debug, Clone)]
pub enum Mapped {
    /// Rows.
    Rows(MappedDocument),
    /// Not wanted by `where`.
    Filtered,
    /// Refused.
    Rejected {
        /// The document, whole.
        document: Box<Document>,
        /// Why.
        rejection: Rejection,
        /// The key's values as a canonical JSON array, where they could be computed.
        key: Option<String>,
    },
}
