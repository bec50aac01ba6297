//! How large the documents of a collection are, learnt while they are read.

use std::sync::atomic::{AtomicU64, Ordering};

/// Assumed before the first document was seen: few are asked for then, as they may be large.
const GUESS: u64 = 128 << 10;

/// A moving average of sizes; 0 before the first. Being a little off does no harm, so no lock is needed.
#[derive(Debug, Default)]
pub(super) struct Sizes(AtomicU64);

impl Sizes {
    /// A document has so many bytes.
    pub fn learn(&self, bytes: usize) {
        let bytes = bytes as u64;
        let new = match self.0.load(Ordering::Relaxed) {
            0 => bytes,
            old if bytes > old => (old * 3 + bytes) / 4,
            old => (old * 31 + bytes) / 32,
        };
        self.0.store(new.max(1), Ordering::Relaxed);
    }

    /// How many documents fit into `bytes`, at most `most`.
    pub fn documents(&self, most: usize, bytes: u64) -> usize {
        let size = Some(self.0.load(Ordering::Relaxed)).filter(|size| *size > 0).unwrap_or(GUESS);
        let fitting = bytes / size;
        usize::try_from(fitting).unwrap_or(most).clamp(1, most.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_documents_are_asked_for_one_by_one() {
        let sizes = Sizes::default();
        assert_eq!(sizes.documents(500, 1 << 20), 8, "nothing is known yet");
        sizes.learn(500);
        assert_eq!(sizes.documents(500, 1 << 20), 500);
        (0..20).for_each(|_| sizes.learn(1 << 20));
        assert_eq!(sizes.documents(500, 1 << 20), 1);
        (0..400).for_each(|_| sizes.learn(500));
        assert_eq!(sizes.documents(500, 1 << 20), 500);
    }
}
