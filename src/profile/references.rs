//! What references refer to.

use std::collections::BTreeMap;

use super::circles::Edges;
use super::distinct::{Distinct, hash_text};
use super::node::Place;
use super::{MOST_KEYS, MOST_TARGETS};
use crate::domain::document::{CollectionPattern, DocumentPath};

/// References of one field, by the collection they lead to.
#[derive(Debug, Clone, Default)]
pub(super) struct References {
    /// References into the same database, by collection pattern.
    pub targets: BTreeMap<String, Target>,
    /// They lead to too many collections to tell them apart.
    pub many: bool,
    /// References into another database, or that are no document's path.
    pub foreign: u64,
    /// References into the own collection, from which document to which.
    pub own: Edges,
}

/// References to one collection.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub count: u64,
    /// By [`identity`].
    pub documents: Distinct,
}

/// What a document is known by among those of its collection: by its id at the root, by its path below.
pub(super) fn identity(path: &DocumentPath) -> u64 {
    if path.collection.contains('/') { hash_text(&path.to_string()) } else { hash_text(&path.id) }
}

impl References {
    pub fn reference(&mut self, text: &str, place: Place<'_>) {
        let foreign = text.starts_with("projects/") && text.contains("/documents/");
        let Some(path) = DocumentPath::parse(text).filter(|_| !foreign) else {
            self.foreign += 1;
            return;
        };
        let pattern = CollectionPattern::of(&path.collection);
        let hash = identity(&path);
        if pattern.as_str() == place.own {
            self.own.add(place.hash, hash);
        }
        if let Some(target) = self.target(pattern.as_str()) {
            target.count += 1;
            target.documents.add(hash);
        }
    }

    fn target(&mut self, pattern: &str) -> Option<&mut Target> {
        if !self.many && !self.targets.contains_key(pattern) {
            self.many = self.targets.len() >= MOST_TARGETS;
            if self.many {
                self.targets.clear();
            } else {
                self.targets.insert(pattern.to_owned(), Target { count: 0, documents: Distinct::new(MOST_KEYS) });
            }
        }
        self.targets.get_mut(pattern)
    }

    pub fn merge(&mut self, other: Self) {
        self.foreign += other.foreign;
        self.own.merge(other.own);
        if other.many {
            self.many = true;
            self.targets.clear();
        }
        for (pattern, theirs) in other.targets {
            if let Some(target) = self.target(&pattern) {
                target.count += theirs.count;
                target.documents.merge(theirs.documents);
            }
        }
    }
}
