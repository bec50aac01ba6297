//! A document, where it stands in Firestore, and where it was found.

use std::fmt;
use std::sync::Arc;

use super::value::{Map, Timestamp};

/// One document as read from a source.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Its path in the database.
    pub path: DocumentPath,
    /// Its fields.
    pub fields: Map,
    /// When Firestore created it, where the source knows.
    pub created: Option<Timestamp>,
    /// When Firestore last changed it, where the source knows.
    pub updated: Option<Timestamp>,
    /// Where it was read.
    pub origin: Origin,
}

/// A document's path: the actual collection path (`users/alice/orders`) and the id (`1`).
/// Ids are compared as bytes and never normalised.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DocumentPath {
    /// Collection path without wildcards; an odd number of segments.
    pub collection: Arc<str>,
    /// The document's id; never empty, never with a `/`.
    pub id: String,
}

impl DocumentPath {
    /// A path from its parts.
    pub fn new(collection: impl Into<Arc<str>>, id: impl Into<String>) -> Self {
        Self { collection: collection.into(), id: id.into() }
    }

    /// Parses `users/alice/orders/1`. `None` unless there is an even number of non-empty segments.
    pub fn parse(path: &str) -> Option<Self> {
        let (collection, id) = path.rsplit_once('/')?;
        let well_formed =
            path.split('/').all(|segment| !segment.is_empty()) && path.split('/').count().is_multiple_of(2);
        well_formed.then(|| Self::new(collection, id))
    }

    /// The id of the parent document of a sub-collection: `alice` for `users/alice/orders/1`.
    pub fn parent_id(&self) -> Option<&str> {
        self.parent_path().and_then(|path| path.rsplit('/').next())
    }

    /// The path of the parent document: `users/alice` for `users/alice/orders/1`.
    pub fn parent_path(&self) -> Option<&str> {
        self.collection.rsplit_once('/').map(|(parent, _)| parent)
    }
}

impl fmt::Display for DocumentPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.collection, self.id)
    }
}

/// Where a document or record was read: a file position, or nothing for a live source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// File path as given to the user, relative to the source's root.
    pub file: Option<Arc<str>>,
    /// Byte offset of the record in the (decompressed) file.
    pub offset: u64,
    /// Length of the record in bytes.
    pub length: u64,
    /// Line of the record's first byte, from 1; 0 when unknown.
    pub line: u64,
}

impl Origin {
    /// The file's name without folder and without extensions of format and compression: `ab12` for
    /// `sessions/ab12.json.gz`.
    pub fn file_stem(&self) -> Option<&str> {
        self.file.as_deref().map(file_stem)
    }
}

/// The name of a file without folder and without the extensions of format and compression.
pub fn file_stem(path: &str) -> &str {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let name = [".gz", ".zst"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    [".json", ".ndjson", ".jsonl"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name)
}

impl fmt::Display for Origin {
    /// `users.ndjson:12`, or with a byte offset where no line is known.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.line) {
            (Some(file), 0) => write!(f, "{file} at byte {}", self.offset),
            (Some(file), line) => write!(f, "{file}:{line}"),
            (None, _) => write!(f, "-"),
        }
    }
}

/// A collection's path pattern: `users`, `users/*/orders`. A `*` stands for one document id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CollectionPattern(Arc<str>);

impl CollectionPattern {
    /// Parses a pattern: an odd number of non-empty segments, `*` at every even place.
    pub fn parse(text: &str) -> Result<Self, String> {
        let segments: Vec<&str> = text.split('/').collect();
        if segments.iter().any(|segment| segment.is_empty()) {
            return Err(format!("`{text}` has an empty segment"));
        }
        if segments.len().is_multiple_of(2) {
            return Err(format!("`{text}` names a document, not a collection; write e.g. `users/*/orders`"));
        }
        if segments.iter().enumerate().any(|(index, segment)| (index % 2 == 1) != (*segment == "*")) {
            return Err(format!("`{text}` must have `*` exactly where document ids stand, e.g. `users/*/orders`"));
        }
        Ok(Self(text.into()))
    }

    /// The pattern of an actual collection path: `users/*/orders` for `users/alice/orders`.
    pub fn of(collection: &str) -> Self {
        let segments: Vec<&str> =
            collection.split('/').enumerate().map(|(i, segment)| if i % 2 == 1 { "*" } else { segment }).collect();
        Self(segments.join("/").into())
    }

    /// True for an actual collection path that fits.
    pub fn matches(&self, collection: &str) -> bool {
        let mut names = collection.split('/');
        let fits = self.0.split('/').all(|part| names.next().is_some_and(|name| part == "*" || part == name));
        fits && names.next().is_none()
    }

    /// True for a collection at the root of the database.
    pub fn is_root(&self) -> bool {
        !self.0.contains('/')
    }

    /// The last segment: `orders` for `users/*/orders`.
    pub fn leaf(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// The pattern of the parent collection: `users` for `users/*/orders`.
    pub fn parent(&self) -> Option<Self> {
        self.0.strip_suffix(self.leaf())?.strip_suffix("/*/").map(|parent| Self(parent.into()))
    }

    /// The pattern as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CollectionPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
