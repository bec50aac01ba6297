//! Enumerations: how often each of a few short values occurs.

use std::collections::BTreeMap;

use super::{LONGEST_COUNTED, MOST_COUNTED};

/// Bytes of an entry without its text, about.
const ENTRY: usize = 64;

/// Values with their counts; nothing once there are too many.
#[derive(Debug, Clone)]
pub(super) struct Counted(Option<BTreeMap<String, u64>>);

impl Default for Counted {
    fn default() -> Self {
        Self(Some(BTreeMap::new()))
    }
}

impl Counted {
    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.0.iter().flat_map(|counts| counts.keys()).map(|text| text.len() + ENTRY).sum()
    }

    /// Counts a value so many times.
    pub fn add(&mut self, text: &str, times: u64) {
        let Some(counts) = &mut self.0 else { return };
        if let Some(count) = counts.get_mut(text) {
            *count += times;
        } else if text.len() > LONGEST_COUNTED || counts.len() >= MOST_COUNTED {
            self.0 = None;
        } else {
            counts.insert(text.to_owned(), times);
        }
    }

    /// Adds the counts of another.
    pub fn merge(&mut self, other: Self) {
        match other.0 {
            None => self.0 = None,
            Some(counts) => counts.iter().for_each(|(text, times)| self.add(text, *times)),
        }
    }

    /// The values, if there are few and at least one.
    pub fn into_counts(self) -> Option<BTreeMap<String, u64>> {
        self.0.filter(|counts| !counts.is_empty())
    }
}
