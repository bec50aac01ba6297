//! What an export wrote, and what it could not.

use serde::Serialize;

/// The answer of `export`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExportReport {
    /// The pipeline.
    pub pipeline: String,
    /// The destination, for people.
    pub destination: String,
    /// The folder that was written.
    pub folder: String,
    /// Every row of the tables is in the export, and its document becomes exactly this row again.
    pub complete: bool,
    /// In the order of the pipeline.
    pub collections: Vec<ExportedCollection>,
    /// Rows that are not, or not exactly, in the export; the first of each collection.
    pub shortfalls: Vec<Shortfall>,
    /// Rejects of the newest run, whose documents are in no table.
    pub rejects: u64,
    /// What else to know, in sentences.
    pub warnings: Vec<String>,
}

/// One collection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExportedCollection {
    /// Its path pattern.
    pub collection: String,
    /// Its table.
    pub table: String,
    /// The file, in the folder.
    pub file: String,
    /// Documents written.
    pub documents: u64,
    /// Of these, documents that do not become exactly their rows again.
    pub inexact: u64,
    /// Rows that no document could be written for.
    pub left_out: u64,
    /// Rows of documents that are gone (`deletes: { soft: … }`): they are no documents any more.
    pub gone: u64,
    /// Child rows that belong to no row.
    pub orphans: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// What becomes of each column.
    pub columns: Vec<ExportedColumn>,
    /// What holds for all documents, in sentences.
    pub notes: Vec<String>,
}

/// What becomes of one column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExportedColumn {
    /// `table.column`.
    pub column: String,
    /// Where its value came from: a field, or `$id`.
    pub from: String,
    /// `exact`, `derived`, `assumed`, `as_stored` or `lost`.
    pub comes_back: &'static str,
    /// Why not exactly; empty where it does.
    pub reason: String,
}

/// A row that is not, or not exactly, in the export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shortfall {
    /// The collection.
    pub collection: String,
    /// The document's path, or the key of a row that names none.
    pub document: String,
    /// Written, but not exactly (`true`), or not at all.
    pub written: bool,
    /// Why.
    pub reason: String,
}
