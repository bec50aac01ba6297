//! Resource names: `projects/P/databases/D/documents/users/alice`.

use tonic::Status;

/// A place in a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// `projects/P/databases/D`.
    pub database: String,
    /// The path below `documents`; empty for the root.
    pub path: String,
}

impl Name {
    /// Parses a document's name, or the root's.
    pub fn parent(text: &str) -> Result<Self, Status> {
        let mut parts = text.splitn(6, '/');
        let mut next = || parts.next().unwrap_or_default();
        let (projects, project, databases, database, documents) = (next(), next(), next(), next(), next());
        let path = next();
        let framed = projects == "projects" && databases == "databases" && documents == "documents";
        if !framed || project.is_empty() || database.is_empty() {
            return Err(invalid(text, "must start with \"projects/{project}/databases/{database}/documents\""));
        }
        if !path.is_empty() && !is_document(path) {
            return Err(invalid(text, "must name a document"));
        }
        Ok(Self { database: format!("projects/{project}/databases/{database}"), path: path.to_owned() })
    }

    /// Parses a document's name.
    pub fn document(text: &str) -> Result<Self, Status> {
        let name = Self::parent(text)?;
        if name.path.is_empty() { Err(invalid(text, "must name a document")) } else { Ok(name) }
    }

    /// A document's name that must be in this database.
    pub fn document_in(database: &str, text: &str) -> Result<Self, Status> {
        let name = Self::document(text)?;
        if name.database == database { Ok(name) } else { Err(invalid(text, "is in another database")) }
    }

    /// The collection id of a document.
    pub fn collection_id(&self) -> &str {
        collection_id(&self.path)
    }
}

/// The collection id of a document's path: the last segment but one.
pub fn collection_id(path: &str) -> &str {
    path.rsplit('/').nth(1).unwrap_or_default()
}

/// The full name of a document's path.
pub fn full(database: &str, path: &str) -> String {
    format!("{database}/documents/{path}")
}

/// Whether Firestore would take the path for a new document.
pub fn check_writable(path: &str) -> Result<(), String> {
    for segment in path.split('/') {
        let reserved = segment.len() >= 4 && segment.starts_with("__") && segment.ends_with("__");
        if segment == "." || segment == ".." || (reserved && crate::store::numeric_id(segment).is_none()) {
            return Err(format!("the id \"{segment}\" is reserved"));
        }
        if segment.len() > 1_500 {
            return Err("an id is longer than 1500 bytes".to_owned());
        }
    }
    Ok(())
}

/// An even number of segments, none of them empty.
fn is_document(path: &str) -> bool {
    path.split('/').all(|segment| !segment.is_empty()) && path.split('/').count().is_multiple_of(2)
}

fn invalid(name: &str, why: &str) -> Status {
    Status::invalid_argument(format!("Invalid resource name \"{name}\": {why}."))
}
