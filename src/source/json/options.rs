//! What a JSON source is opened with.

use std::path::PathBuf;

use super::shape::Shape;
use crate::domain::document::CollectionPattern;

/// Where the files are and how to read them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonOptions {
    /// A file, or a folder with one file or one folder of files per collection.
    pub path: PathBuf,
    /// The shape of every file; `None` detects it file by file.
    pub shape: Option<Shape>,
    /// The field that holds the id of plain objects; usually `id`.
    pub id_field: String,
    /// The collection of every file whose records do not say theirs; `None` takes the file's or folder's name.
    pub collection: Option<CollectionPattern>,
    /// Whether `retire` renames files to `*.migrated`.
    pub rename_migrated: bool,
}

impl JsonOptions {
    /// Options with every default for a path.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), shape: None, id_field: "id".to_owned(), collection: None, rename_migrated: false }
    }
}
