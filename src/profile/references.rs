//! What references refer to.

use std::collections::BTreeMap;

use super::circles::Edges;
use super::distinct::{Distinct, hash_text};
use super::meter::Meter;
use super::node::Place;
use super::{MOST_KEYS, MOST_TARGETS};
use crate::domain::document::{CollectionPattern, DocumentPath};

/// Bytes of a target with its first values, about.
const TARGET: usize = 2_400;

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
            self.own.add(place.hash, hash, place.meter);
        }
        if let Some(target) = self.target(pattern.as_str(), place.meter) {
            target.count += 1;
            target.documents.add(hash, place.meter);
        }
    }

    fn target(&mut self, pattern: &str, meter: &Meter) -> Option<&mut Target> {
        if !self.many && !self.targets.contains_key(pattern) {
            self.many = self.targets.len() >= MOST_TARGETS;
            if self.many {
                self.targets.clear();
            } else {
                meter.charge(TARGET + pattern.len());
                self.targets.insert(pattern.to_owned(), Target { count: 0, documents: Distinct::new(MOST_KEYS) });
            }
        }
        self.targets.get_mut(pattern)
    }

    /// Bytes that they take.
    pub fn bytes(&self) -> usize {
        let target = |(pattern, target): (&String, &Target)| TARGET + pattern.len() + target.documents.bytes();
        self.own.bytes() + self.targets.iter().map(target).sum::<usize>()
    }

    /// Keeps no more than is kept now.
    pub fn tighten(&mut self, meter: &Meter) {
        self.own.tighten(meter);
        self.targets.values_mut().for_each(|target| target.documents.tighten(meter));
    }

    pub fn merge(&mut self, other: Self, meter: &Meter) {
        self.foreign += other.foreign;
        self.own.merge(other.own, meter);
        if other.many {
            self.many = true;
            self.targets.clear();
        }
        for (pattern, theirs) in other.targets {
            if let Some(target) = self.target(&pattern, meter) {
                target.count += theirs.count;
                target.documents.merge(theirs.documents, meter);
            }
        }
    }
}
