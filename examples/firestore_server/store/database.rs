//! The documents of one database, in all their versions.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use super::key::{decode_path, encode_path, segment_end};
use crate::name;
use crate::proto::Bytes;

/// A document's path, see [`super::key`].
pub type Key = Arc<[u8]>;

/// A document at a time, ready to be sent.
#[derive(Debug, Clone)]
pub struct Content {
    /// The encoded message, with name and times.
    pub bytes: Bytes,
    /// When it was created, in microseconds.
    pub created: i64,
    /// When it last changed.
    pub updated: i64,
}

/// What a commit left of a document.
#[derive(Debug, Clone)]
struct Version {
    at: i64,
    /// `None` where it was deleted.
    content: Option<Content>,
}

/// A document that exists or existed.
#[derive(Debug)]
pub struct Entry {
    /// Its path.
    pub key: Key,
    /// How many bytes of the key are the path of its collection.
    pub collection_length: usize,
    /// Ascending in time.
    versions: Vec<Version>,
}

impl Entry {
    /// The document as it was at a time.
    pub fn at(&self, time: i64) -> Option<&Content> {
        self.versions.iter().rev().find(|version| version.at <= time).and_then(|version| version.content.as_ref())
    }
}

/// Documents in the order of their names.
pub type Entries = BTreeMap<Key, Arc<Entry>>;

/// All documents, and the same once more by collection id.
#[derive(Debug, Default)]
pub struct Database {
    all: Entries,
    groups: HashMap<String, Entries>,
}

impl Database {
    /// Documents in the order of names: of all collections with one id, or of all.
    pub fn entries(&self, collection_id: Option<&str>) -> Option<&Entries> {
        collection_id.map_or(Some(&self.all), |id| self.groups.get(id))
    }

    /// A document by path.
    pub fn get(&self, path: &str, at: i64) -> Option<&Content> {
        self.all.get(encode_path(path).as_slice()).and_then(|entry| entry.at(at))
    }

    /// Whether the document ever existed.
    pub fn knows(&self, path: &str) -> bool {
        self.all.contains_key(encode_path(path).as_slice())
    }

    /// The first document that exists at a time in a range of keys below `upper`.
    pub fn first(&self, lower: Bound<&[u8]>, upper: &[u8], at: i64) -> Option<&Arc<Entry>> {
        let start = match lower {
            Bound::Included(key) | Bound::Excluded(key) => key,
            Bound::Unbounded => &[],
        };
        if start >= upper {
            return None;
        }
        let mut range = self.all.range::<[u8], _>((lower, Bound::Excluded(upper)));
        range.find(|(_, entry)| entry.at(at).is_some()).map(|(_, entry)| entry)
    }

    /// Adds a version; `None` deletes.
    pub fn put(&mut self, path: &str, at: i64, content: Option<Content>) {
        let key: Key = encode_path(path).into();
        let (key, collection_length, mut versions) = match self.all.get(&key) {
            Some(entry) => (entry.key.clone(), entry.collection_length, entry.versions.clone()),
            None => (key.clone(), collection_length(&key), Vec::new()),
        };
        versions.push(Version { at, content });
        versions.shrink_to_fit();
        let entry = Arc::new(Entry { key: key.clone(), collection_length, versions });
        let id = name::collection_id(path);
        match self.groups.get_mut(id) {
            Some(group) => drop(group.insert(key.clone(), entry.clone())),
            None => drop(self.groups.insert(id.to_owned(), [(key.clone(), entry.clone())].into())),
        }
        self.all.insert(key, entry);
    }
}

/// Where a key's last segment starts.
fn collection_length(key: &[u8]) -> usize {
    let mut from = 0;
    loop {
        let end = segment_end(key, from);
        if end >= key.len() {
            return from;
        }
        from = end;
    }
}

impl Entry {
    /// The path as text.
    pub fn path(&self) -> String {
        decode_path(&self.key)
    }
}
