//! The shapes of JSON files: which tool wrote them, and how their records lie in the file.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The way a tool writes documents as JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Plain objects; the id in a field, the collection in the file's or folder's name.
    Plain,
    /// Typed values of the Firestore REST API: `{"name":…,"fields":{"n":{"integerValue":"1"}}}`.
    FirestoreRest,
    /// firestore-export-import: `{"users":{"alice":{…,"subCollection":{…}}}}`.
    FirestoreExportImport,
    /// node-firestore-import-export: `{"__collections__":{"users":{"alice":{…}}}}`.
    NodeFirestoreImportExport,
    /// firestore-backfire: `{"path":"users/alice","data":{…},"timestamps":[…]}` per line.
    FirestoreBackfire,
    /// firebase-to-supabase's firestore2json: an array of objects with `firestore_id`.
    FirebaseToSupabase,
    /// `firebase auth:export`: `{"users":[{"localId":…}]}`.
    FirebaseAuthExport,
}

impl Shape {
    /// Every shape.
    pub const ALL: &[Self] = &[
        Self::Plain,
        Self::FirestoreRest,
        Self::FirestoreExportImport,
        Self::NodeFirestoreImportExport,
        Self::FirestoreBackfire,
        Self::FirebaseToSupabase,
        Self::FirebaseAuthExport,
    ];

    /// The name as users write it in `source: { shape: … }`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::FirestoreRest => "firestore_rest",
            Self::FirestoreExportImport => "firestore_export_import",
            Self::NodeFirestoreImportExport => "node_firestore_import_export",
            Self::FirestoreBackfire => "firestore_backfire",
            Self::FirebaseToSupabase => "firebase_to_supabase",
            Self::FirebaseAuthExport => "firebase_auth_export",
        }
    }

    /// The shape of a name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|shape| shape.as_str() == text)
    }

    /// Whether every record says in which collection it is, so that one file may hold several.
    pub(super) const fn carries_paths(self) -> bool {
        match self {
            Self::FirestoreRest
            | Self::FirestoreExportImport
            | Self::NodeFirestoreImportExport
            | Self::FirestoreBackfire => true,
            Self::Plain | Self::FirebaseToSupabase | Self::FirebaseAuthExport => false,
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How records lie in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Layout {
    /// One record per line.
    Lines,
    /// The elements of an array.
    Array,
    /// One value after another, each over as many lines as it likes.
    Values,
    /// The elements of the array `documents` of an object (a REST `list` answer).
    Documents,
    /// The elements of the array `users` of an object.
    Users,
    /// An object of collections, each an object of documents by id.
    Collections,
    /// An object whose `__collections__` is an object of collections.
    Database,
    /// An object of documents by id, of one collection.
    Collection,
}

impl Layout {
    /// The member of the root object that holds the array of records.
    pub(super) const fn member(self) -> Option<&'static str> {
        match self {
            Self::Documents => Some("documents"),
            Self::Users => Some("users"),
            _ => None,
        }
    }

    /// Whether documents are nested by collection and id.
    pub(super) const fn is_tree(self) -> bool {
        matches!(self, Self::Collections | Self::Database | Self::Collection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_is_found_by_its_name() {
        for shape in Shape::ALL {
            assert_eq!(Shape::parse(shape.as_str()), Some(*shape));
        }
        assert_eq!(Shape::parse("csv"), None);
    }
}
