//! How many different values there are: exactly up to a cap, about beyond it.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hash, Hasher};

/// Hashes of values.
pub type Hashes = HashSet<u64, BuildHasherDefault<Itself>>;

/// 2^10 registers: the estimate is off by 3 % on average.
const REGISTERS: usize = 1 << 10;

/// Uses a hash as it is.
#[derive(Default)]
pub struct Itself(u64);

impl Hasher for Itself {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        // Only numbers are hashed with it; others would still be hashed, if badly.
        self.0 = bytes.iter().fold(self.0, |hash, byte| hash.rotate_left(8) ^ u64::from(*byte));
    }
    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

/// The hash of anything: the same in every run.
pub(super) fn hash_of(value: &impl Hash) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// The hash of a text, and of a document's id.
pub(super) fn hash_text(text: &str) -> u64 {
    hash_of(&text)
}

/// A set of values by their hashes, up to a cap; then only an estimate of its size.
#[derive(Debug, Clone)]
pub(super) struct Distinct {
    most: usize,
    state: State,
}

#[derive(Debug, Clone)]
enum State {
    Exact(Hashes),
    About(Box<[u8; REGISTERS]>),
}

impl Distinct {
    /// An empty set that remembers at most so many values.
    pub fn new(most: usize) -> Self {
        Self { most, state: State::Exact(Hashes::default()) }
    }

    /// Adds a value; `false` where it is known to have been there.
    pub fn add(&mut self, hash: u64) -> bool {
        match &mut self.state {
            State::Exact(hashes) => {
                let new = hashes.insert(hash);
                if hashes.len() > self.most {
                    self.forget();
                }
                new
            }
            State::About(registers) => {
                register(registers, hash);
                true
            }
        }
    }

    /// Which values there were does not matter any more, only how many.
    fn forget(&mut self) {
        if let State::Exact(hashes) = &self.state {
            let mut registers = Box::new([0; REGISTERS]);
            hashes.iter().for_each(|hash| register(&mut registers, *hash));
            self.state = State::About(registers);
        }
    }

    /// Adds the values of another set.
    pub fn merge(&mut self, other: Self) {
        match other.state {
            State::Exact(hashes) => hashes.into_iter().for_each(|hash| {
                self.add(hash);
            }),
            State::About(theirs) => {
                self.forget();
                if let State::About(ours) = &mut self.state {
                    ours.iter_mut().zip(theirs.iter()).for_each(|(ours, theirs)| *ours = (*ours).max(*theirs));
                }
            }
        }
    }

    /// The size, and whether it is exact.
    pub fn count(&self) -> (u64, bool) {
        match &self.state {
            State::Exact(hashes) => (hashes.len() as u64, true),
            State::About(registers) => (estimate(registers), false),
        }
    }

    /// The values, where all of them are known.
    pub fn into_hashes(self) -> Option<Hashes> {
        match self.state {
            State::Exact(hashes) => Some(hashes),
            State::About(_) => None,
        }
    }
}

/// `HyperLogLog`: the register of a hash remembers the longest run of zeros.
fn register(registers: &mut [u8; REGISTERS], hash: u64) {
    let index = (hash % REGISTERS as u64) as usize;
    let rank = ((hash / REGISTERS as u64).trailing_zeros().min(53) + 1) as u8;
    registers[index] = registers[index].max(rank);
}

/// Two digits are what such an estimate is good for.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate")]
fn estimate(registers: &[u8; REGISTERS]) -> u64 {
    let size = REGISTERS as f64;
    let alpha = 0.7213 / (1.0 + 1.079 / size);
    let sum: f64 = registers.iter().map(|rank| (-f64::from(*rank)).exp2()).sum();
    let raw = (alpha * size * size / sum) as u64;
    let scale = 10_u64.pow(raw.max(1).ilog10().saturating_sub(1));
    (raw + scale / 2) / scale * scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_exact_up_to_their_cap_and_close_beyond() {
        for (number, most) in [(900_u64, 1_000), (100_000, 1_000), (2_000_000, 100)] {
            let mut set = Distinct::new(most);
            for value in (0..number).chain(0..number) {
                set.add(hash_of(&value));
            }
            let (count, exact) = set.count();
            assert_eq!(exact, number <= most as u64);
            let off = count.abs_diff(number) * 100 / number;
            assert!(off <= if exact { 0 } else { 12 }, "{count} for {number}");
        }
    }

    #[test]
    fn merged_sets_are_those_of_all_values() {
        let of = |range: std::ops::Range<u64>, most| {
            let mut set = Distinct::new(most);
            for value in range {
                set.add(hash_of(&value));
            }
            set
        };
        for most in [100, 10_000] {
            let mut merged = of(0..600, most);
            merged.merge(of(400..1_000, most));
            assert_eq!(merged.count(), of(0..1_000, most).count());
        }
    }
}
