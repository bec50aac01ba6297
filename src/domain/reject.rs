//! Documents that could not be written: why, and everything needed to try again.

use std::fmt;

use super::document::{CollectionPattern, Origin};

macro_rules! reject_codes {
    ($($(#[$doc:meta])+ $name:ident = $text:literal),+ $(,)?) => {
        /// Why a document was rejected. The text form is stable.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum RejectCode { $($(#[$doc])+ $name),+ }

        impl RejectCode {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The stable text form.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }
        }
    };
}

reject_codes! {
    /// The record is not valid JSON, or not the JSON that its shape demands.
    MalformedRecord = "malformed_record",
    /// The record is not valid UTF-8.
    InvalidUtf8 = "invalid_utf8",
    /// An object has the same key twice.
    DuplicateField = "duplicate_field",
    /// The document is larger than `max_document_bytes`.
    OversizedDocument = "oversized_document",
    /// The document has no id.
    MissingId = "missing_id",
    /// The id is empty, not text, or contains a `/`.
    InvalidId = "invalid_id",
    /// An earlier document of the run has the same key.
    DuplicateKey = "duplicate_key",
    /// A required field is missing or null.
    MissingField = "missing_field",
    /// The value's type does not fit the column's type.
    WrongType = "wrong_type",
    /// An integer outside of 64 bits.
    IntegerOverflow = "integer_overflow",
    /// NaN or an infinity, which SQL cannot hold, without a rule that says what to do.
    NonFiniteDouble = "non_finite_double",
    /// -0.0, which a REAL column cannot hold, without a rule that says what to do.
    NegativeZero = "negative_zero",
    /// A timestamp that is none, or outside of the years 1 to 9999.
    InvalidTimestamp = "invalid_timestamp",
    /// A timestamp finer than the column's digits.
    TimestampPrecision = "timestamp_precision",
    /// Bytes that are not valid base64, a broken reference, a geopoint out of range.
    InvalidValue = "invalid_value",
    /// A single value larger than `max_value_bytes`.
    OversizedValue = "oversized_value",
    /// A field that no column maps, under `unknown_fields: reject`.
    UnknownField = "unknown_field",
    /// A lookup has no entry for the value.
    LookupMissing = "lookup_missing",
    /// Another row holds the same value of a UNIQUE column.
    UniqueViolation = "unique_violation",
    /// A CHECK constraint failed.
    CheckFailed = "check_failed",
    /// A NOT NULL column would be NULL.
    NotNull = "not_null",
    /// A foreign key's parent row does not exist.
    ParentMissing = "parent_missing",
    /// The parent document was rejected itself.
    ParentRejected = "parent_rejected",
    /// The row exists already with other content, under `on_conflict: fail`.
    RowExists = "row_exists",
    /// The row's value that decides which is newer is of another type than the document's.
    NotComparable = "not_comparable",
    /// A trigger or another rule of the database refused the row.
    Constraint = "constraint",
}

impl fmt::Display for RejectCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl RejectCode {
    /// The code of a text form.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }
}

/// What mapping or decoding says of a document that it refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// Why.
    pub code: RejectCode,
    /// One sentence naming field, value and what was expected.
    pub reason: String,
}

impl Rejection {
    /// A rejection.
    pub fn new(code: RejectCode, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }
}

/// Whether a reject may still succeed in this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectState {
    /// Its parent may still come, or the row that holds its unique value may still change.
    Waiting,
    /// Final for this run.
    Rejected,
}

impl RejectState {
    /// The text form in `_fireferry_rejects`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Rejected => "rejected",
        }
    }
}

/// A reject, whole: nothing of the document is lost.
#[derive(Debug, Clone, PartialEq)]
pub struct Reject {
    /// The collection it was read for.
    pub collection: CollectionPattern,
    /// Document path, where the record got far enough to have one.
    pub document: Option<String>,
    /// Key values as a canonical JSON array, where they could be computed.
    pub key: Option<String>,
    /// Why.
    pub rejection: Rejection,
    /// Final or not.
    pub state: RejectState,
    /// Where it was read.
    pub origin: Origin,
    /// The document or record itself.
    pub data: RejectData,
}

/// The kept content of a reject.
#[derive(Debug, Clone, PartialEq)]
pub enum RejectData {
    /// The decoded document as lossless canonical JSON (`domain::json::encode_document`).
    Document(String),
    /// The bytes of a record that could not be decoded.
    Raw(Vec<u8>),
    /// Too large to keep: the place is in the reject's origin; this is the BLAKE3 hash of the bytes, in hex.
    Elsewhere {
        /// BLAKE3 of the record's bytes, hexadecimal.
        hash: String,
    },
}
