//! A draft as plain data.

use serde::Serialize;

/// Tables, and the mapping that fills them.
#[derive(Debug, Default, Serialize)]
pub struct Draft {
    /// In the order of collections, each followed by its child tables.
    pub tables: Vec<Table>,
    /// What the user should decide.
    pub doubts: Vec<Doubt>,
    /// Fields that an incremental run could go by.
    pub watermarks: Vec<Watermark>,
}

/// A table.
#[derive(Debug, Default, Serialize)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// The collection that fills it.
    pub collection: String,
    /// In a child table: the array or map that fills it.
    pub each: Option<String>,
    /// What it holds, and why it is a table.
    pub note: String,
    /// Rows that the profiled documents make.
    pub rows: u64,
    /// Columns.
    pub columns: Vec<Column>,
    /// Names of the key's columns.
    pub key: Vec<String>,
    /// Foreign keys of several columns.
    pub foreign_keys: Vec<ForeignKey>,
    /// Columns that are searched by.
    pub indexes: Vec<String>,
    /// Fields that no column maps are kept in this column.
    pub keep_unknown: Option<String>,
    /// Proposals that the evidence did not suffice for.
    pub proposals: Vec<String>,
    /// The table is there already: these columns come to it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub extends: bool,
}

/// A column.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its input in the pipeline.
    pub from: String,
    /// How it is stored.
    pub stored: Stored,
    /// NOT NULL.
    pub not_null: bool,
    /// UNIQUE.
    pub unique: bool,
    /// A condition of CHECK.
    pub check: Option<String>,
    /// Table and column it refers to.
    pub references: Option<(String, String)>,
    /// What the documents say.
    pub evidence: String,
    /// The table has the column already, and nothing is mapped to it yet.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub there: bool,
}

/// Types on both sides.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Stored {
    /// The pipeline's type; `None` where it follows from the column's.
    pub kind: Option<&'static str>,
    /// More settings of the pipeline's column.
    pub settings: Vec<(&'static str, &'static str)>,
    /// The column's type in a STRICT table.
    pub declared: &'static str,
}

impl Stored {
    /// A type on both sides.
    pub(super) fn new(kind: &'static str, declared: &'static str) -> Self {
        Self { kind: Some(kind), settings: Vec::new(), declared }
    }

    /// With one more setting.
    pub(super) fn with(mut self, key: &'static str, value: &'static str) -> Self {
        self.settings.push((key, value));
        self
    }
}

/// A foreign key of several columns.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ForeignKey {
    /// Its columns.
    pub columns: Vec<String>,
    /// The table it refers to.
    pub parent: String,
    /// That table's key.
    pub parent_columns: Vec<String>,
}

/// Something that only the user can decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Doubt {
    /// The collection.
    pub collection: String,
    /// The field, or nothing where it is about the whole collection.
    pub field: Option<String>,
    /// What was found.
    pub found: String,
    /// What the draft does about it.
    pub chosen: String,
    /// What else could be done.
    pub instead: String,
    /// Documents may be rejected, or something may be lost.
    pub serious: bool,
}

/// A field that an incremental run could go by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Watermark {
    /// The collection.
    pub collection: String,
    /// The field.
    pub field: String,
    /// Why.
    pub because: String,
}
