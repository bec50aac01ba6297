//! Counts what documents hold that the pipeline does not expect, while they are read.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::document::Document;
use crate::domain::mapping::{KnownFields, Mapping, Misfit, UnknownFields};
use crate::report::drift::{DriftKind, DriftReport};

/// Ways to differ that are told apart; fields of maps with keys of their own would be without end.
const MOST: usize = 200;

/// Shared by the readers of a run.
#[derive(Debug, Clone, Default)]
pub(super) struct Drift(Arc<Mutex<BTreeMap<(String, DriftKind), Seen>>>);

#[derive(Debug)]
struct Seen {
    documents: u64,
    example: String,
}

/// The drift of one collection.
#[derive(Debug)]
pub(super) struct CollectionDrift {
    all: Drift,
    collection: String,
    /// `None` where unmapped fields are kept or rejected anyway.
    known: Option<KnownFields>,
}

impl Drift {
    /// For documents of this mapping.
    pub fn of(&self, mapping: &Arc<Mapping>) -> CollectionDrift {
        let ignored = mapping.unknown_fields == UnknownFields::Ignore;
        CollectionDrift {
            all: self.clone(),
            collection: mapping.collection.as_str().to_owned(),
            known: ignored.then(|| KnownFields::of(Arc::clone(mapping))),
        }
    }

    /// Everything seen, by collection.
    pub fn report(&self) -> Vec<DriftReport> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let report = |((collection, kind), seen): (&(String, DriftKind), &Seen)| DriftReport {
            collection: collection.clone(),
            kind: kind.clone(),
            documents: seen.documents,
            example: seen.example.clone(),
        };
        seen.iter().map(report).collect()
    }

    fn add(&self, collection: &str, kind: DriftKind, example: &str) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (collection.to_owned(), kind);
        let full = seen.len() >= MOST;
        match seen.get_mut(&key) {
            Some(seen) => {
                seen.documents += 1;
                // The first by path, whichever reader came first.
                if *example < *seen.example {
                    seen.example = example.to_owned();
                }
            }
            None if !full => {
                seen.insert(key, Seen { documents: 1, example: example.to_owned() });
            }
            None => {}
        }
    }
}

impl CollectionDrift {
    /// Fields of a document that no column maps.
    pub fn look(&self, document: &Document) {
        let Some(known) = &self.known else { return };
        for field in known.unknown(document) {
            self.all.add(&self.collection, DriftKind::UnmappedField { field }, &document.path.to_string());
        }
    }

    /// Values of a document that did not fit.
    pub fn note(&self, path: &str, misfits: &mut Vec<Misfit>) {
        for misfit in misfits.drain(..) {
            let Misfit { column, found, rule, .. } = misfit;
            let kind = DriftKind::Misfit { column, found: found.to_owned(), rule: rule.as_str().to_owned() };
            self.all.add(&self.collection, kind, path);
        }
    }
}
