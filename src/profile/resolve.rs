//! Do references lead anywhere? Asked once all collections are known.

use std::collections::BTreeMap;

use super::circles::Edges;
use super::distinct::Hashes;
use super::meter::Meter;
use super::model::{CollectionProfile, FieldProfile, Resolved};

/// Documents by collection, where all of them are known.
type Identities = BTreeMap<String, Hashes>;

/// Fills in what of each collection refers to documents of others, and forgets what it needed for that.
pub fn resolve(collections: &mut [CollectionProfile]) {
    let mut identities = Identities::new();
    for collection in collections.iter_mut() {
        // Of a collection that was read in part, nobody can tell what it lacks.
        if let Some(found) = collection.identities.take().filter(|_| collection.complete) {
            identities.insert(collection.collection.clone(), found);
        }
    }
    for collection in collections {
        let seen = collection.parent_identities.take();
        if let Some(parents) = &mut collection.parents {
            let known = identities.get(&parents.collection).zip(seen);
            parents.resolved = known.map(|(known, seen)| count(&seen, known));
        }
        let mut circles = Circles { own: &collection.collection, edges: Edges::default() };
        collection.fields.iter_mut().for_each(|field| self::field(field, &identities, &mut circles));
    }
}

fn count(seen: &Hashes, known: &Hashes) -> u64 {
    seen.iter().filter(|hash| known.binary_search(hash).is_ok()).count() as u64
}

/// References of a collection to itself. Two fields that lead in no circle each may do so together, so that those of one
/// after the other are added as long as there is none.
struct Circles<'a> {
    own: &'a str,
    edges: Edges,
}

impl Circles<'_> {
    fn judge(&mut self, edges: Edges) -> Option<bool> {
        let mut all = self.edges.clone();
        all.merge(edges, &Meter::new(usize::MAX));
        let circular = all.circular();
        if circular == Some(false) {
            self.edges = all;
        }
        circular
    }
}

fn field(field: &mut FieldProfile, identities: &Identities, circles: &mut Circles<'_>) {
    let edges = std::mem::take(&mut field.own_references);
    if let Some(target) = field.references.iter_mut().find(|target| target.collection == circles.own) {
        target.circular = circles.judge(edges);
    }
    for target in &mut field.references {
        let known = identities.get(&target.collection).zip(target.identities.take());
        target.resolved = known.map(|(known, seen)| count(&seen.0, known));
    }
    if let Some(texts) = field.texts_seen.take() {
        field.resolves = candidates(&texts, field.count("string"), identities);
    }
    if let Some(array) = &mut field.array {
        self::field(&mut array.items, identities, circles);
    }
    if let Some(map) = &mut field.map {
        let inner = map.fields.iter_mut().chain(map.values.as_deref_mut());
        inner.for_each(|inner| self::field(inner, identities, circles));
    }
}

/// Root collections that have documents of these ids. Ids below the root mean nothing without their parents.
fn candidates(texts: &Hashes, values: u64, identities: &Identities) -> Vec<Resolved> {
    let roots = identities.iter().filter(|(name, _)| !name.contains('/'));
    let mut found: Vec<Resolved> = roots
        .map(|(name, known)| Resolved {
            collection: name.clone(),
            count: values,
            distinct: texts.len() as u64,
            resolved: Some(count(texts, known)),
            circular: None,
            identities: None,
        })
        .filter(|candidate| candidate.resolved > Some(0))
        .collect();
    found.sort_by(|a, b| b.resolved.cmp(&a.resolved).then(a.collection.cmp(&b.collection)));
    found
}
