//! All values found at one field path.

use super::Known;
use super::distinct::{Distinct, hash_of, hash_text};
use super::examples::Examples;
use super::fields::Fields;
use super::meter::{Bytes, Meter};
use super::model::{Numbers, Texts, Times};
use super::references::References;
use super::scalars::{Places, Vectors};
use super::values::Counted;
use crate::domain::document::Document;
use crate::domain::value::Value;

/// Names of types as users write them, by [`kind`].
pub(super) const KINDS: [&str; 13] = [
    "null",
    "boolean",
    "integer",
    "double",
    "timestamp",
    "string",
    "bytes",
    "reference",
    "geopoint",
    "array",
    "vector",
    "map",
    "invalid",
];

/// Where values of a type are counted.
pub(super) const fn kind(value: &Value) -> usize {
    match value {
        Value::Null => 0,
        Value::Boolean(_) => 1,
        Value::Integer(_) => 2,
        Value::Double(_) => 3,
        Value::Timestamp(_) => 4,
        Value::String(_) => 5,
        Value::Bytes(_) => 6,
        Value::Reference(_) => 7,
        Value::GeoPoint(_) => 8,
        Value::Array(_) => 9,
        Value::Vector(_) => 10,
        Value::Map(_) => 11,
        Value::Invalid(_) => 12,
    }
}

/// Where a value stands.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// In which document.
    pub document: &'a Document,
    /// That document's identity, to choose one by.
    pub hash: u64,
    /// So many maps and arrays are around it.
    pub depth: usize,
    /// The document's collection.
    pub own: &'a str,
    /// What is known of the source.
    pub known: &'a Known,
    /// What memory suffices for.
    pub meter: &'a Meter,
}

/// Values of one type.
#[derive(Debug, Clone, Default)]
pub(super) struct OfType {
    pub count: u64,
    pub examples: Examples,
    /// A document that has one, chosen by its hash.
    pub document: Option<(u64, String)>,
}

/// An accumulator.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub types: [OfType; KINDS.len()],
    /// Different values, of all types that are neither null, array nor map.
    pub distinct: Distinct,
    pub counted: Counted,
    pub numbers: Numbers,
    pub texts: Texts,
    pub times: Times,
    /// Bytes of bytes values.
    pub bytes: u64,
    pub longest_bytes: u64,
    pub places: Places,
    pub vectors: Vectors,
    pub references: References,
    /// Values that only repeat the document's id.
    pub ids: u64,
    pub fields: Option<Box<Fields>>,
    pub items: Option<Box<Items>>,
}

/// What arrays hold.
#[derive(Debug, Clone)]
pub(super) struct Items {
    pub shortest: u64,
    pub longest: u64,
    pub total: u64,
    pub node: Node,
}

impl Node {
    /// An accumulator that keeps so many values exactly.
    pub fn new(most: usize) -> Self {
        Self {
            types: Default::default(),
            distinct: Distinct::new(most),
            counted: Counted::default(),
            numbers: Numbers::default(),
            texts: Texts::default(),
            times: Times::default(),
            bytes: 0,
            longest_bytes: 0,
            places: Places::default(),
            vectors: Vectors::default(),
            references: References::default(),
            ids: 0,
            fields: None,
            items: None,
        }
    }

    /// Takes a value in. `name` is the field's, also for the elements of its array.
    pub fn observe(&mut self, name: &str, value: &Value, place: Place<'_>) {
        let hash = self.scalar(value, place);
        let of_type = &mut self.types[kind(value)];
        of_type.count += 1;
        if of_type.document.as_ref().is_none_or(|(least, _)| place.hash < *least) {
            let path = place.document.path.to_string();
            place.meter.charge(path.len());
            of_type.document = Some((place.hash, path));
        }
        match (value, hash) {
            (Value::Array(items), _) => self.array(name, items, place),
            (Value::Map(map), _) if place.depth < place.meter.deepest() => {
                let fields = self.fields.get_or_insert_with(|| {
                    place.meter.charge_path(size_of::<Fields>() + 2_048);
                    Box::new(Fields::new(place.depth + 1))
                });
                fields.observe(map, Place { depth: place.depth + 1, ..place });
            }
            (_, Some(hash)) => {
                of_type.examples.offer(hash, value);
                self.distinct.add(hash, place.meter);
            }
            _ => {}
        }
    }

    /// Takes in what is special about the value's type; the hash of what has one.
    fn scalar(&mut self, value: &Value, place: Place<'_>) -> Option<u64> {
        let root = place.depth == 0;
        match value {
            Value::Null | Value::Array(_) | Value::Map(_) | Value::Invalid(_) => None,
            Value::Boolean(flag) => Some(hash_of(flag)),
            Value::Integer(number) => {
                self.numbers.integer(*number);
                let id = &place.document.path.id;
                self.ids += u64::from(root && id.len() < 21 && id.parse() == Ok(*number));
                Some(hash_of(number))
            }
            Value::Double(number) => {
                self.numbers.double(*number);
                Some(hash_of(&number.to_bits()))
            }
            Value::Timestamp(time) => {
                self.times.time(*time);
                Some(hash_of(time))
            }
            Value::String(text) => {
                self.texts.text(text);
                self.counted.add(text, 1);
                self.ids += u64::from(root && *text == place.document.path.id);
                Some(hash_text(text))
            }
            Value::Bytes(bytes) => {
                self.bytes += bytes.len() as u64;
                self.longest_bytes = self.longest_bytes.max(bytes.len() as u64);
                Some(hash_of(bytes))
            }
            Value::Reference(path) => {
                self.references.reference(path, place);
                Some(hash_text(path))
            }
            Value::GeoPoint(point) => {
                self.places.place(*point);
                Some(hash_of(&(point.latitude.to_bits(), point.longitude.to_bits())))
            }
            Value::Vector(components) => {
                self.vectors.vector(components);
                Some(hash_of(&components.iter().map(|number| number.to_bits()).collect::<Vec<_>>()))
            }
        }
    }

    fn array(&mut self, name: &str, items: &[Value], place: Place<'_>) {
        if place.depth >= place.meter.deepest() {
            return;
        }
        let length = items.len() as u64;
        let depth = place.depth + 1;
        let known = self.items.get_or_insert_with(|| {
            place.meter.charge_path(size_of::<Items>() + 2_048);
            let node = Node::new(place.known.most(name, depth));
            Box::new(Items { shortest: u64::MAX, longest: 0, total: 0, node })
        });
        known.shortest = known.shortest.min(length);
        known.longest = known.longest.max(length);
        known.total += length;
        items.iter().for_each(|item| known.node.observe(name, item, Place { depth, ..place }));
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> Bytes {
        let types = self.types.iter().map(OfType::bytes).sum::<usize>();
        let sets = self.distinct.bytes() + self.references.bytes();
        let mut all = Bytes { paths: size_of::<Self>() + types + self.counted.bytes(), sets };
        if let Some(fields) = &self.fields {
            all += fields.bytes();
        }
        if let Some(items) = &self.items {
            all.paths += size_of::<Items>() - size_of::<Self>();
            all += items.node.bytes();
        }
        all
    }

    /// Keeps no more than is kept now, at this depth.
    pub fn tighten(&mut self, depth: usize, meter: &Meter) {
        self.distinct.tighten(meter);
        self.references.tighten(meter);
        if depth >= meter.deepest() {
            (self.fields, self.items) = (None, None);
        }
        if let Some(fields) = &mut self.fields {
            fields.tighten(meter);
        }
        if let Some(items) = &mut self.items {
            items.node.tighten(depth + 1, meter);
        }
    }

    /// Adds what another has seen.
    pub fn merge(&mut self, other: Self, meter: &Meter) {
        for (ours, theirs) in self.types.iter_mut().zip(other.types) {
            ours.merge(theirs);
        }
        self.distinct.merge(other.distinct, meter);
        self.counted.merge(other.counted);
        self.numbers.merge(&other.numbers);
        self.texts.merge(&other.texts);
        self.times.merge(&other.times);
        self.bytes += other.bytes;
        self.longest_bytes = self.longest_bytes.max(other.longest_bytes);
        self.places.merge(&other.places);
        self.vectors.merge(&other.vectors);
        self.references.merge(other.references, meter);
        self.ids += other.ids;
        match (&mut self.fields, other.fields) {
            (Some(ours), Some(theirs)) => ours.merge(*theirs, meter),
            (ours @ None, theirs) => *ours = theirs,
            (Some(_), None) => {}
        }
        match (&mut self.items, other.items) {
            (Some(ours), Some(theirs)) => ours.merge(*theirs, meter),
            (ours @ None, theirs) => *ours = theirs,
            (Some(_), None) => {}
        }
    }

    /// Values of any type, null included.
    pub fn seen(&self) -> u64 {
        self.types.iter().map(|of_type| of_type.count).sum()
    }
}

impl OfType {
    fn bytes(&self) -> usize {
        self.examples.bytes() + self.document.as_ref().map_or(0, |(_, path)| path.capacity())
    }

    fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.examples.merge(other.examples);
        self.document = match (self.document.take(), other.document) {
            (Some(ours), Some(theirs)) => Some(ours.min(theirs)),
            (ours, theirs) => ours.or(theirs),
        };
    }
}

impl Items {
    fn merge(&mut self, other: Self, meter: &Meter) {
        self.shortest = self.shortest.min(other.shortest);
        self.longest = self.longest.max(other.longest);
        self.total += other.total;
        self.node.merge(other.node, meter);
    }
}
