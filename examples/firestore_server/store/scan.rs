//! Documents of a range of names, a few at a time: nobody holds a lock while a client is slow.

use std::collections::VecDeque;
use std::ops::Bound;

use tonic::Status;

use super::{Clock, Content, Database, Entry, Key, Snapshot, above};
use crate::read_time;

/// How many entries one look under the lock takes.
const STEP: usize = 256;

/// Where a range of keys starts and ends.
pub type Bounds = (Bound<Vec<u8>>, Bound<Vec<u8>>);

/// Which documents, in the order of their names.
#[derive(Debug, Clone)]
pub struct Range {
    /// The collection id; `None` for any.
    pub collection_id: Option<String>,
    /// What every key starts with.
    pub prefix: Vec<u8>,
    /// How long the collection's path must be, in bytes of the key; `None` where documents of any depth are meant.
    pub collection_length: Option<usize>,
    /// Only direct children of collections that are direct children of the prefix.
    pub grandchildren: bool,
    /// From here on.
    pub lower: Bound<Vec<u8>>,
    /// Up to here.
    pub upper: Bound<Vec<u8>>,
    /// From the end to the start.
    pub descending: bool,
}

/// A document of a scan.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its path.
    pub key: Key,
    /// Its content at the snapshot's time.
    pub content: Content,
}

/// A scan under way.
#[derive(Debug)]
pub struct Scan {
    snapshot: Snapshot,
    range: Range,
    found: VecDeque<Found>,
    finished: bool,
}

impl Range {
    fn holds(&self, entry: &Entry) -> bool {
        if self.grandchildren {
            let end = super::segment_end(&entry.key, self.prefix.len());
            return entry.collection_length == end;
        }
        self.collection_length.is_none_or(|length| entry.collection_length == length)
    }

    /// Both bounds, never outside of the prefix; `None` when nothing can be between them.
    fn bounds(&self) -> Option<Bounds> {
        // What the prefix itself names is the parent, not part of the range.
        let lower = tighter(Bound::Excluded(self.prefix.clone()), self.lower.clone(), true);
        let upper = tighter(Bound::Excluded(above(&self.prefix)), self.upper.clone(), false);
        let empty = match (&lower, &upper) {
            (Bound::Included(from), Bound::Included(to)) => from > to,
            (Bound::Included(from) | Bound::Excluded(from), Bound::Included(to) | Bound::Excluded(to)) => from >= to,
            _ => false,
        };
        (!empty).then_some((lower, upper))
    }
}

/// The tighter one of two bounds.
pub fn tighter(a: Bound<Vec<u8>>, b: Bound<Vec<u8>>, lower: bool) -> Bound<Vec<u8>> {
    let (Bound::Included(x) | Bound::Excluded(x)) = &a else { return b };
    let (Bound::Included(y) | Bound::Excluded(y)) = &b else { return a };
    let a_is_tighter = match x.cmp(y) {
        std::cmp::Ordering::Equal => matches!(a, Bound::Excluded(_)),
        order => order.is_gt() == lower,
    };
    if a_is_tighter { a } else { b }
}

impl Scan {
    /// A scan of a range.
    pub fn new(snapshot: Snapshot, range: Range) -> Self {
        Self { snapshot, range, found: VecDeque::new(), finished: false }
    }

    fn fill(&mut self) {
        let database = self.snapshot.database.clone();
        let database = database.read();
        let Some((lower, upper)) = self.range.bounds() else {
            self.finished = true;
            return;
        };
        let last = self.look(&database, (lower, upper));
        match last {
            None => self.finished = true,
            Some(key) if self.range.descending => self.range.upper = Bound::Excluded(key.to_vec()),
            Some(key) => self.range.lower = Bound::Excluded(key.to_vec()),
        }
    }

    /// Takes up to `STEP` entries; returns the last one's key unless the range ended.
    fn look(&mut self, database: &Database, (lower, upper): Bounds) -> Option<Key> {
        let entries = database.entries(self.range.collection_id.as_deref())?;
        let range = entries.range::<[u8], _>((lower.as_ref().map(Vec::as_slice), upper.as_ref().map(Vec::as_slice)));
        let mut range =
            if self.range.descending { Box::new(range.rev()) as Box<dyn Iterator<Item = _>> } else { Box::new(range) };
        for taken in 1.. {
            let (key, entry) = range.next()?;
            if self.range.holds(entry)
                && let Some(content) = entry.at(self.snapshot.at)
            {
                self.found.push_back(Found { key: key.clone(), content: content.clone() });
            }
            if taken >= STEP {
                return Some(key.clone());
            }
        }
        None
    }
}

impl Iterator for Scan {
    type Item = Result<Found, Status>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.found.is_empty() && !self.finished {
            if Clock::wall() > self.snapshot.expires {
                self.finished = true;
                return Some(Err(read_time::too_old(self.snapshot.at)));
            }
            self.fill();
        }
        self.found.pop_front().map(Ok)
    }
}
