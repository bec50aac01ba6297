//! How large the documents of a collection are, learnt while they are read.

use std::sync::atomic::{AtomicU64, Ordering};

/// Assumed before the first document was seen.
const GUESS: u64 = 2_048;

/// A moving average of sizes. Being a little off does no harm, so no lock is needed.
#[derive(Debug)]
pub(super) struct Sizes(AtomicU64);

impl Default for Sizes {
    fn default() -> Self {
        Self(AtomicU64::new(GUESS))
    }
}

impl Sizes {
    /// A document has so many bytes.
    pub fn learn(&self, bytes: usize) {
        let old = self.0.load(Ordering::Relaxed);
        let new = if bytes as u64 > old { (old * 3 + bytes as u64) / 4 } else { (old * 31 + bytes as u64) / 32 };
        self.0.store(new.max(1), Ordering::Relaxed);
    }

    /// How many documents fit into `bytes`, at most `most`.
    pub fn documents(&self, most: usize, bytes: usize) -> usize {
        let fitting = bytes as u64 / self.0.load(Ordering::Relaxed).max(1);
        usize::try_from(fitting).unwrap_or(most).clamp(1, most.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_documents_are_asked_for_one_by_one() {
        let sizes = Sizes::default();
        assert_eq!(sizes.documents(500, 1 << 20), 500);
        (0..20).for_each(|_| sizes.learn(1 << 20));
        assert_eq!(sizes.documents(500, 1 << 20), 1);
        (0..400).for_each(|_| sizes.learn(500));
        assert_eq!(sizes.documents(500, 1 << 20), 500);
    }
}
