//! One collection, document by document.

use std::collections::BTreeSet;

use super::distinct::{Distinct, hash_text};
use super::fields::Fields;
use super::finish;
use super::meter::{Meter, SPARED};
use super::model::CollectionProfile;
use super::node::Place;
use super::references::identity;
use super::{MOST_DEEP_VALUES, MOST_KEYS, MOST_VALUES};
use crate::domain::document::{CollectionPattern, Document};

/// Last words of the names of fields that tend to be keys or to refer to something.
const KEY_WORDS: [&str; 26] = [
    "id", "ids", "uid", "uids", "uuid", "guid", "key", "keys", "code", "slug", "email", "mail", "sku", "isbn", "ean",
    "serial", "token", "username", "login", "handle", "ref", "refs", "phone", "iban", "number", "nr",
];

/// What is known of the source before any document.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Names of collections, in the singular.
    collections: BTreeSet<String>,
}

impl Known {
    /// A source with these collections.
    pub fn new<'a>(collections: impl IntoIterator<Item = &'a CollectionPattern>) -> Self {
        Self {
            collections: collections.into_iter().map(|pattern| singular(&words(pattern.leaf()).join("_"))).collect(),
        }
    }

    /// Whether a field of this name may be a key, or refer to something.
    pub fn is_key_like(&self, name: &str) -> bool {
        let words = words(name);
        let last = words.last().map_or("", String::as_str);
        KEY_WORDS.contains(&last) || self.collections.contains(&singular(&words.join("_")))
    }

    /// Values of a field that are kept exactly.
    pub(super) fn most(&self, name: &str, depth: usize) -> usize {
        match depth {
            _ if self.is_key_like(name) => MOST_KEYS,
            0..=2 => MOST_VALUES,
            _ => MOST_DEEP_VALUES,
        }
    }
}

/// The words of a name, in lower case: `createdAt` → created, at; `HTTPCode2` → http, code2.
pub fn words(name: &str) -> Vec<String> {
    let chars: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (index, char) in chars.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| chars[before]);
        let starts = char.is_uppercase()
            && (before.is_some_and(|before| before.is_lowercase() || before.is_numeric())
                || before.is_some_and(char::is_uppercase)
                    && chars.get(index + 1).is_some_and(|next| next.is_lowercase()));
        if starts || !char.is_alphanumeric() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| char.is_alphanumeric()) {
            word.extend(char.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// An English noun in the singular, near enough.
pub fn singular(word: &str) -> String {
    let irregular = [("people", "person"), ("children", "child"), ("indices", "index"), ("data", "data")];
    if let Some((_, one)) = irregular.iter().find(|(many, _)| *many == word) {
        return (*one).to_owned();
    }
    if ["ss", "us", "is", "news", "series"].iter().any(|end| word.ends_with(end)) {
        return word.to_owned();
    }
    if let Some(stem) = word.strip_suffix("ies").filter(|stem| stem.len() > 1) {
        return format!("{stem}y");
    }
    let sibilant = ["sses", "shes", "ches", "xes", "zes"].iter().any(|end| word.ends_with(end));
    let plain = if sibilant { word.strip_suffix("es") } else { word.strip_suffix('s') };
    plain.filter(|stem| !stem.is_empty()).unwrap_or(word).to_owned()
}

/// Accumulates one collection.
pub struct Collector {
    pub(super) pattern: CollectionPattern,
    pub(super) known: Known,
    pub(super) documents: u64,
    pub(super) fields: Fields,
    /// Documents, by [`identity`].
    pub(super) identities: Distinct,
    /// Below the root: ids alone.
    pub(super) ids: Distinct,
    /// Below the root: parents, by their identity.
    pub(super) parents: Distinct,
    pub(super) created: u64,
    pub(super) updated: u64,
    pub(super) longest_id: u64,
    /// Times of creation or change that are finer than microseconds.
    pub(super) fine_times: u64,
    pub(super) meter: Meter,
}

impl Collector {
    /// For the documents of a collection, in about so many bytes of memory.
    pub fn new(pattern: CollectionPattern, known: Known, memory: usize) -> Self {
        Self {
            pattern,
            known,
            documents: 0,
            fields: Fields::new(0),
            identities: Distinct::spared(MOST_KEYS, SPARED),
            ids: Distinct::spared(MOST_KEYS, SPARED),
            parents: Distinct::spared(MOST_KEYS, SPARED),
            created: 0,
            updated: 0,
            longest_id: 0,
            fine_times: 0,
            meter: Meter::new(memory),
        }
    }

    /// Takes a document in.
    pub fn observe(&mut self, document: &Document) {
        let hash = identity(&document.path);
        self.documents += 1;
        self.identities.add(hash, &self.meter);
        self.longest_id = self.longest_id.max(document.path.id.len() as u64);
        self.created += u64::from(document.created.is_some());
        self.updated += u64::from(document.updated.is_some());
        let times = [document.created, document.updated];
        self.fine_times += times.iter().flatten().filter(|time| !time.fits(6)).count() as u64;
        if let Some(parent) = document.path.parent_path() {
            self.ids.add(hash_text(&document.path.id), &self.meter);
            // As `identity` of the parent, without taking its path apart.
            let root = parent.matches('/').count() == 1;
            let name = if root { document.path.parent_id().unwrap_or(parent) } else { parent };
            self.parents.add(hash_text(name), &self.meter);
        }
        let place =
            Place { document, hash, depth: 0, own: self.pattern.as_str(), known: &self.known, meter: &self.meter };
        self.fields.observe(&document.fields, place);
        if self.meter.is_over() {
            self.tighten();
        }
    }

    /// Gives up what memory does not suffice for.
    fn tighten(&mut self) {
        loop {
            self.fields.tighten(&self.meter);
            let mut all = self.fields.bytes();
            for set in [&mut self.identities, &mut self.ids, &mut self.parents] {
                set.tighten(&self.meter);
                all.sets += set.bytes();
            }
            if !self.meter.tighten(all) {
                return;
            }
        }
    }

    /// The profile; what refers to other collections is for [`super::resolve`] to find out.
    pub fn finish(self) -> CollectionProfile {
        finish::collection(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_words() {
        let joined = |name: &str| words(name).join(" ");
        assert_eq!(joined("createdAt"), "created at");
        assert_eq!(joined("HTTPStatusCode2"), "http status code2");
        assert_eq!(joined("__user-ID.x"), "user id x");
        assert_eq!(joined("userIDs"), "user i ds", "nothing is perfect");
        assert_eq!(joined("страна"), "страна");
    }

    #[test]
    fn nouns_have_singulars() {
        let pairs = [
            "users user",
            "batches batch",
            "categories category",
            "status status",
            "progress progress",
            "people person",
            "s s",
        ];
        for pair in pairs {
            let (many, one) = pair.split_once(' ').unwrap_or_default();
            assert_eq!(singular(many), one);
        }
    }
}
