//! How much memory the accumulators of a collection take, and what they give up when it is too much.
//!
//! What is added is charged as it comes; when that passes the limit, everything is measured, and if it is true, all
//! accumulators keep less: sets of values fewer of them, maps and arrays fewer levels. Whether it comes to that may
//! depend on the order of documents; what is kept then is again what all documents say.

use std::cell::Cell;

use super::{DEEPEST, MOST_KEYS};

/// Sets that other collections need keep this many times twice as much as others.
pub(super) const SPARED: u32 = 2;
/// Halvings after which sets keep next to nothing.
const MOST_HALVINGS: u32 = 20;
/// What a document may take beyond the limit before levels are given up in the midst of it: an eighth, each time.
const ALLOWANCE: usize = 8;

/// Bytes taken, and what is kept within the limit.
#[derive(Debug, Clone)]
pub(super) struct Meter {
    most: usize,
    used: Cell<usize>,
    halvings: Cell<u32>,
    deepest: Cell<usize>,
    /// Levels given up in the midst of a document: what is below is still there.
    lowered: Cell<usize>,
}

/// Bytes of accumulators, by what they are for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Bytes {
    /// Field paths: counts, ranges, examples.
    pub paths: usize,
    /// Sets of values.
    pub sets: usize,
}

impl std::ops::AddAssign for Bytes {
    fn add_assign(&mut self, other: Self) {
        self.paths += other.paths;
        self.sets += other.sets;
    }
}

impl Meter {
    /// A limit in bytes.
    pub fn new(most: usize) -> Self {
        let (used, halvings) = (Cell::new(0), Cell::new(0));
        Self { most, used, halvings, deepest: Cell::new(DEEPEST), lowered: Cell::new(0) }
    }

    /// So many bytes more.
    pub fn charge(&self, bytes: usize) {
        self.used.set(self.used.get().saturating_add(bytes));
    }

    /// What took so many bytes takes so many now.
    pub fn change(&self, before: usize, after: usize) {
        self.used.set(self.used.get().saturating_add(after).saturating_sub(before));
    }

    /// A field path more. One document alone may have more of them than fit.
    pub fn charge_path(&self, bytes: usize) {
        self.charge(bytes);
        let allowed = self.most + self.most / ALLOWANCE * (self.lowered.get() + 1);
        if self.used.get() > allowed && self.deepest.get() > 1 {
            self.deepest.set(self.deepest.get() - 1);
            self.lowered.set(self.lowered.get() + 1);
        }
    }

    /// The limit is passed, as far as is known without measuring.
    pub fn is_over(&self) -> bool {
        self.used.get() > self.most || self.lowered.get() > 0
    }

    /// So many values a set keeps that kept so many at first: the largest give way first.
    pub fn most(&self, at_first: usize, spared: u32) -> usize {
        at_first.min(MOST_KEYS >> self.halvings.get().saturating_sub(spared))
    }

    /// Deeper maps and arrays are only counted.
    pub fn deepest(&self) -> usize {
        self.deepest.get()
    }

    /// Times that sets were made to keep half as much.
    pub fn halvings(&self) -> u32 {
        self.halvings.get()
    }

    /// Decides what is given up next, if what was measured is too much; `false` when that is enough, or all there is.
    pub fn tighten(&self, measured: Bytes) -> bool {
        self.used.set(measured.paths + measured.sets);
        self.lowered.set(0);
        // Not at once again.
        if self.used.get() <= self.most / 8 * 7 {
            return false;
        }
        let (deep, full) = (self.deepest.get() > 1, self.halvings.get() < MOST_HALVINGS);
        if deep && (measured.paths > self.most / 2 || !full) {
            self.deepest.set(self.deepest.get() - 1);
        } else if full {
            self.halvings.set(self.halvings.get() + 1);
        }
        deep || full
    }
}
