//! A profile as plain data, with stable field names.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::circles::Edges;
use super::distinct::Hashes;
use crate::domain::timestamp::Timestamp;

/// A source.
#[derive(Debug, Default, Serialize)]
pub struct Profile {
    /// Version of this document's form.
    pub version: u32,
    /// The source, for people.
    pub source: String,
    /// The point in time it was read at, where it has one.
    pub snapshot: Option<String>,
    /// Every document of every collection was read: what holds in the profile holds in the source.
    pub complete: bool,
    /// Whether reading this source is billed.
    pub billed: bool,
    /// By name.
    pub collections: Vec<CollectionProfile>,
}

/// A collection.
#[derive(Debug, Default, Serialize)]
pub struct CollectionProfile {
    /// Its path pattern.
    pub collection: String,
    /// Documents read.
    pub documents: u64,
    /// Documents it has, as counted by the source; `None` where it was not asked.
    pub total: Option<u64>,
    /// All of its documents were read.
    pub complete: bool,
    /// Records that are no documents.
    pub malformed: u64,
    /// Why, with counts.
    pub malformed_codes: BTreeMap<String, u64>,
    /// Documents whose path another one has too; `None` where there were too many to tell.
    pub repeated: Option<u64>,
    /// Bytes of source read.
    pub bytes: u64,
    /// Billed reads of the whole collection and their price, in US dollars.
    pub reads: Option<u64>,
    /// Their price.
    pub price: Option<f64>,
    /// The longest id, in bytes.
    pub longest_id: u64,
    /// Documents whose time of creation is known.
    pub created: u64,
    /// Documents whose time of change is known.
    pub updated: u64,
    /// Times of creation or change that are finer than microseconds.
    pub fine_times: u64,
    /// What memory did not suffice for.
    pub shortened: Option<Shortened>,
    /// Names at the top are too many to be told apart.
    pub too_many_names: bool,
    /// A field has an empty name, which nothing can select.
    pub nameless: bool,
    /// In a sub-collection: what is known of parents.
    pub parents: Option<Parents>,
    /// Fields, by name.
    pub fields: Vec<FieldProfile>,
    /// Documents, to resolve references.
    #[serde(skip)]
    pub(super) identities: Option<Hashes>,
    /// Parents of documents, to be resolved.
    #[serde(skip)]
    pub(super) parent_identities: Option<Hashes>,
}

/// What memory did not suffice for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Shortened {
    /// More different values of one field than this were only estimated.
    pub exact_values: Option<u64>,
    /// Maps and arrays below this level were only counted.
    pub levels: Option<u64>,
    /// Whether references lead anywhere, or somebody's references lead here, is not known everywhere.
    pub resolving: bool,
}

/// Parents of a sub-collection's documents.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Parents {
    /// Their collection.
    pub collection: String,
    /// Different ones.
    pub distinct: u64,
    /// Those of them that exist; `None` where that is not known.
    pub resolved: Option<u64>,
    /// No two documents of the collection have the same id, whatever their parents; `None` where not known.
    pub ids_unique: Option<bool>,
}

/// A field path.
#[derive(Debug, Clone, Default, Serialize)]
pub struct FieldProfile {
    /// As a pipeline writes it, `[]` for the elements of an array, `*` for the values of a dictionary.
    pub path: String,
    /// Its own name.
    #[serde(skip)]
    pub name: String,
    /// Places where it could stand: documents, maps, elements.
    pub of: u64,
    /// Places where it stands, null included.
    pub present: u64,
    /// Places where it is null.
    pub null: u64,
    /// Types other than null, most frequent first.
    pub types: Vec<TypeProfile>,
    /// Different values (of scalars).
    pub distinct: Option<Count>,
    /// No value occurs twice; `None` where that is not known.
    pub unique: Option<bool>,
    /// Values with their counts, where they are few and short.
    pub values: Option<BTreeMap<String, u64>>,
    /// Values that only repeat the document's id.
    pub repeats_id: u64,
    /// Of numbers.
    pub numbers: Option<Numbers>,
    /// Of texts.
    pub texts: Option<Texts>,
    /// Of timestamps.
    pub times: Option<Times>,
    /// Of bytes: all of them, and the longest.
    pub bytes: Option<(u64, u64)>,
    /// Of geopoints and vectors: what a column of their own would refuse.
    pub odd: Odd,
    /// What references lead to, most frequent first.
    pub references: Vec<Resolved>,
    /// References into another database, or to too many collections to tell.
    pub foreign_references: u64,
    /// Of texts that look like ids: collections that have documents of these ids, best first.
    pub resolves: Vec<Resolved>,
    /// Of arrays.
    pub array: Option<Box<ArrayProfile>>,
    /// Of maps.
    pub map: Option<Box<MapProfile>>,
    /// References into the own collection.
    #[serde(skip)]
    pub(super) own_references: Edges,
    /// Named like a key.
    #[serde(skip)]
    pub key_like: bool,
    /// Texts, to be resolved as ids.
    #[serde(skip)]
    pub(super) texts_seen: Option<Hashes>,
}

/// Values of one type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TypeProfile {
    /// Its name.
    #[serde(rename = "type")]
    pub name: &'static str,
    /// How many.
    pub count: u64,
    /// Some of them.
    pub examples: Vec<String>,
    /// A document that has one.
    pub document: Option<String>,
}

/// A number of different values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Count {
    /// How many.
    pub count: u64,
    /// Otherwise within a few per cent.
    pub exact: bool,
}

/// Numbers.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Numbers {
    /// Smallest integer.
    pub smallest_integer: Option<i64>,
    /// Largest integer.
    pub largest_integer: Option<i64>,
    /// Integers beyond ±2^53, which doubles do not hold.
    pub large_integers: u64,
    /// Smallest finite double.
    pub smallest_double: Option<f64>,
    /// Largest finite double.
    pub largest_double: Option<f64>,
    /// Doubles without a fraction.
    pub whole_doubles: u64,
    /// NaN and infinities.
    pub non_finite: u64,
    /// -0.0.
    pub negative_zeros: u64,
}

/// Texts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Texts {
    /// The longest, in bytes.
    pub longest: u64,
    /// All together, in bytes.
    pub bytes: u64,
    /// Empty ones.
    pub empty: u64,
    /// RFC 3339 times.
    pub times: u64,
    /// Integers in canonical form.
    pub integers: u64,
}

/// Timestamps.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Times {
    /// The earliest.
    #[serde(serialize_with = "time")]
    pub first: Option<Timestamp>,
    /// The latest.
    #[serde(serialize_with = "time")]
    pub last: Option<Timestamp>,
    /// Ones that six digits do not hold.
    pub finer_than_micros: u64,
}

fn time<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(|time| time.to_string()).serialize(serializer)
}

/// Values that a column of their type would refuse.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Odd {
    /// Geopoints outside of Earth.
    pub places: u64,
    /// Geopoints with a -0.0.
    pub negative_zeros: u64,
    /// Fewest and most components of vectors.
    pub components: Option<(u64, u64)>,
    /// Vectors that need 64 bits.
    pub wide_vectors: u64,
    /// Vectors with NaN or infinities.
    pub non_finite_vectors: u64,
}

/// What a field leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Resolved {
    /// The collection.
    pub collection: String,
    /// Values that lead there.
    pub count: u64,
    /// Different documents they name.
    pub distinct: u64,
    /// Those of them that exist; `None` where that is not known.
    pub resolved: Option<u64>,
    /// Of references into the own collection: following them leads back to where it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub circular: Option<bool>,
    #[serde(skip)]
    pub(super) identities: Option<IdentitySet>,
}

/// Hashes that are compared by nothing.
#[derive(Debug, Clone)]
pub(super) struct IdentitySet(pub Hashes);

impl PartialEq for IdentitySet {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for IdentitySet {}

/// Arrays.
#[derive(Debug, Clone, Serialize)]
pub struct ArrayProfile {
    /// Elements of the shortest.
    pub shortest: u64,
    /// Elements of the longest.
    pub longest: u64,
    /// Elements of all.
    pub total: u64,
    /// The elements.
    pub items: FieldProfile,
}

/// How maps are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MapKind {
    /// The same names in most maps: a record.
    Stable,
    /// Names are data.
    Dictionary,
}

/// Maps.
#[derive(Debug, Clone, Serialize)]
pub struct MapProfile {
    /// How they are used.
    pub kind: MapKind,
    /// Why we think so.
    pub because: String,
    /// Different names.
    pub names: Count,
    /// Most names in one map.
    pub largest: u64,
    /// All names in all maps.
    pub entries: u64,
    /// Maps without any.
    pub empty: u64,
    /// A name is empty, which nothing can select.
    pub nameless: bool,
    /// Of a stable map: its fields.
    pub fields: Vec<FieldProfile>,
    /// Of a dictionary: its values.
    pub values: Option<Box<FieldProfile>>,
}

impl FieldProfile {
    /// The least and the greatest of numbers and times, in words.
    pub fn ranges(&self) -> Vec<String> {
        let mut parts = Vec::new();
        if let Some(numbers) = &self.numbers {
            let integers = numbers.smallest_integer.zip(numbers.largest_integer);
            parts.extend(integers.map(|(least, most)| format!("{least} to {most}")));
            let doubles = numbers.smallest_double.zip(numbers.largest_double);
            parts.extend(doubles.map(|(least, most)| format!("{least:?} to {most:?}")));
        }
        if let Some((first, last)) = self.times.as_ref().and_then(|times| times.first.zip(times.last)) {
            parts.push(format!("{} to {}", first.text(0), last.text(0)));
        }
        parts
    }

    /// How many values of the type there are.
    pub fn count(&self, name: &str) -> u64 {
        self.types.iter().find(|found| found.name == name).map_or(0, |found| found.count)
    }

    /// Values other than null.
    pub fn filled(&self) -> u64 {
        self.present - self.null
    }

    /// The only type besides null, if there is just one.
    pub fn only_type(&self) -> Option<&'static str> {
        match self.types.as_slice() {
            [only] => Some(only.name),
            _ => None,
        }
    }
}
