//! What documents held that the pipeline does not expect.

use serde::{Deserialize, Serialize};

/// One way in which documents of a collection differ from the pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriftReport {
    /// Collection name.
    pub collection: String,
    /// What differs.
    #[serde(flatten)]
    pub kind: DriftKind,
    /// Documents that this was seen in, by this invocation.
    pub documents: u64,
    /// The path of one of them.
    pub example: String,
}

/// What differs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DriftKind {
    /// A field that no column maps.
    UnmappedField {
        /// Its path.
        field: String,
    },
    /// A value that its column's type cannot hold, and that was no reason to reject the document.
    Misfit {
        /// `table.column`.
        column: String,
        /// The type of what was there.
        found: String,
        /// `mismatch` of the column: what was done.
        rule: String,
    },
}
