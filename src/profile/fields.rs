//! Maps: the names in them, as long as those are few; of a map with many names only what all its values have in common.

use std::collections::HashMap;

use super::distinct::{Distinct, hash_text};
use super::meter::{Bytes, Meter};
use super::node::{Node, Place};
use super::{Known, MOST_NAMES, MOST_VALUES};
use crate::domain::value::Map;

/// Bytes of a name besides its text, in the list and in the index.
const NAME: usize = 64;
/// Bytes of a new field path: its accumulator, in a list that doubles as it grows, and its first values.
const PATH: usize = 2 * size_of::<Node>() + 2_048 + NAME;

/// All maps found at one field path.
#[derive(Debug, Clone)]
pub(super) struct Fields {
    /// Maps seen.
    pub maps: u64,
    /// Of those, empty ones.
    pub empty: u64,
    /// Values in all of them.
    pub entries: u64,
    /// Most values in one.
    pub largest: u64,
    /// Names seen.
    pub names: Distinct,
    /// Nothing can be selected from a map by an empty name.
    pub nameless: bool,
    pub content: Content,
    pub depth: usize,
}

#[derive(Debug, Clone)]
pub(super) enum Content {
    /// By name.
    Named(Named),
    /// Too many names: all values together.
    Merged(Box<Node>),
}

/// Accumulators by name.
#[derive(Debug, Clone, Default)]
pub(super) struct Named {
    pub nodes: Vec<(String, Node)>,
    places: HashMap<String, usize>,
}

impl Named {
    /// The accumulator of a name that is expected at a place: documents tend to have their fields in one order.
    fn find(&mut self, name: &str, expected: usize) -> Option<usize> {
        match self.nodes.get(expected) {
            Some((there, _)) if there == name => Some(expected),
            _ => self.places.get(name).copied(),
        }
    }

    fn add(&mut self, name: &str, node: Node) -> usize {
        self.places.insert(name.to_owned(), self.nodes.len());
        self.nodes.push((name.to_owned(), node));
        self.nodes.len() - 1
    }
}

impl Fields {
    /// Of maps so deep inside of documents; 0 for the documents themselves.
    pub fn new(depth: usize) -> Self {
        Self {
            maps: 0,
            empty: 0,
            entries: 0,
            largest: 0,
            names: Distinct::new(MOST_VALUES),
            nameless: false,
            content: Content::Named(Named::default()),
            depth,
        }
    }

    /// Takes a map in.
    pub fn observe(&mut self, map: &Map, place: Place<'_>) {
        let length = map.len() as u64;
        self.maps += 1;
        self.empty += u64::from(length == 0);
        self.entries += length;
        self.largest = self.largest.max(length);
        for (index, (name, value)) in map.iter().enumerate() {
            self.nameless |= name.is_empty();
            match &mut self.content {
                Content::Merged(node) => {
                    self.names.add(hash_text(name), place.meter);
                    node.observe(name, value, place);
                }
                Content::Named(named) => {
                    let at = named.find(name, index).unwrap_or_else(|| {
                        self.names.add(hash_text(name), place.meter);
                        place.meter.charge_path(PATH + 2 * name.len());
                        named.add(name, Node::new(place.known.most(name, self.depth)))
                    });
                    named.nodes[at].1.observe(name, value, place);
                    self.limit(place.meter);
                }
            }
        }
    }

    /// Bytes that they take.
    pub fn bytes(&self) -> Bytes {
        let mut all = Bytes { paths: size_of::<Self>(), sets: self.names.bytes() };
        match &self.content {
            Content::Merged(node) => all += node.bytes(),
            Content::Named(named) => {
                all.paths += (named.nodes.capacity() - named.nodes.len()) * size_of::<(String, Node)>();
                for (name, node) in &named.nodes {
                    all.paths += 2 * name.len() + NAME;
                    all += node.bytes();
                }
            }
        }
        all
    }

    /// Keeps no more than is kept now.
    pub fn tighten(&mut self, meter: &Meter) {
        self.names.tighten(meter);
        match &mut self.content {
            Content::Merged(node) => node.tighten(self.depth, meter),
            Content::Named(named) => named.nodes.iter_mut().for_each(|(_, node)| node.tighten(self.depth, meter)),
        }
    }

    /// A map with too many names is a dictionary.
    fn limit(&mut self, meter: &Meter) {
        let most = MOST_NAMES[self.depth.min(MOST_NAMES.len() - 1)];
        if let Content::Named(named) = &mut self.content
            && named.nodes.len() > most
        {
            self.content = Content::Merged(Box::new(merged(std::mem::take(named), self.depth, meter)));
        }
    }

    /// Adds what another has seen.
    pub fn merge(&mut self, other: Self, meter: &Meter) {
        self.maps += other.maps;
        self.empty += other.empty;
        self.entries += other.entries;
        self.largest = self.largest.max(other.largest);
        self.names.merge(other.names, meter);
        self.nameless |= other.nameless;
        match (&mut self.content, other.content) {
            (Content::Merged(ours), Content::Merged(theirs)) => ours.merge(*theirs, meter),
            (Content::Merged(ours), Content::Named(theirs)) => ours.merge(merged(theirs, self.depth, meter), meter),
            (Content::Named(ours), Content::Merged(mut theirs)) => {
                theirs.merge(merged(std::mem::take(ours), self.depth, meter), meter);
                self.content = Content::Merged(theirs);
            }
            (Content::Named(ours), Content::Named(theirs)) => {
                for (name, node) in theirs.nodes {
                    match ours.find(&name, 0) {
                        Some(at) => ours.nodes[at].1.merge(node, meter),
                        None => {
                            ours.add(&name, node);
                        }
                    }
                }
                self.limit(meter);
            }
        }
    }
}

/// All values of a map as if they stood at one path.
pub(super) fn merged(named: Named, depth: usize, meter: &Meter) -> Node {
    // No more than what each of them keeps: what one has forgotten, all together have.
    let mut all = Node::new(Known::default().most("", depth));
    named.nodes.into_iter().for_each(|(_, node)| all.merge(node, meter));
    all
}
