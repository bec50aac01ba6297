//! How many different values there are: exactly up to a cap, about beyond it.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::meter::Meter;

/// 2^10 registers: the estimate is off by 3 % on average.
const REGISTERS: usize = 1 << 10;
/// Values that wait to be sorted, at least.
const FEWEST_WAITING: usize = 256;

/// Hashes of values, sorted, each once: half the space of a table, and no more work when most values are old.
pub(super) type Hashes = Vec<u64>;

/// The hash of anything: the same in every run.
pub(super) fn hash_of(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
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
    /// Gives way later than others: see [`Meter::most`].
    spared: u32,
    state: State,
    /// Not yet among the known ones, in any order and number.
    waiting: Vec<u64>,
}

#[derive(Debug, Clone)]
enum State {
    Exact(Hashes),
    About(Box<[u8; REGISTERS]>),
}

impl Distinct {
    /// An empty set that remembers at most so many values.
    pub fn new(most: usize) -> Self {
        Self { most, spared: 0, state: State::Exact(Hashes::new()), waiting: Vec::new() }
    }

    /// The same, which gives way later when memory is short.
    pub fn spared(most: usize, spared: u32) -> Self {
        Self { spared, ..Self::new(most) }
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        let kept = match &self.state {
            State::Exact(known) => known.capacity() * size_of::<u64>(),
            State::About(_) => REGISTERS,
        };
        kept + self.waiting.capacity() * size_of::<u64>()
    }

    /// Forgets which values there were if they are more than are kept now.
    pub fn tighten(&mut self, meter: &Meter) {
        self.settle(meter.most(self.most, self.spared));
    }

    /// Adds a value.
    pub fn add(&mut self, hash: u64, meter: &Meter) {
        match &mut self.state {
            State::About(registers) => register(registers, hash),
            State::Exact(known) => {
                let room = self.waiting.capacity();
                self.waiting.push(hash);
                meter.charge((self.waiting.capacity() - room) * size_of::<u64>());
                if self.waiting.len() >= FEWEST_WAITING.max(known.len() / 8) {
                    let before = self.bytes();
                    self.settle(meter.most(self.most, self.spared));
                    meter.change(before, self.bytes());
                }
            }
        }
    }

    /// Puts what waits among the known ones. Whether there are too many depends on all values, not on their order.
    fn settle(&mut self, most: usize) {
        let State::Exact(known) = &mut self.state else { return };
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.sort_unstable();
        waiting.dedup();
        waiting.retain(|hash| known.binary_search(hash).is_err());
        if !waiting.is_empty() {
            *known = merged(known, &waiting);
        }
        if known.len() > most {
            self.forget();
        } else if known.len() < FEWEST_WAITING {
            // The common case of few values: the room is used again.
            waiting.clear();
            self.waiting = waiting;
        }
    }

    /// Which values there were does not matter any more, only how many.
    fn forget(&mut self) {
        if let State::Exact(known) = &self.state {
            let mut registers = Box::new([0; REGISTERS]);
            known.iter().chain(&self.waiting).for_each(|hash| register(&mut registers, *hash));
            self.state = State::About(registers);
            self.waiting = Vec::new();
        }
    }

    /// Adds the values of another set.
    pub fn merge(&mut self, mut other: Self, meter: &Meter) {
        other.tighten(meter);
        match other.state {
            State::Exact(hashes) => hashes.into_iter().for_each(|hash| self.add(hash, meter)),
            State::About(theirs) => {
                self.forget();
                if let State::About(ours) = &mut self.state {
                    ours.iter_mut().zip(theirs.iter()).for_each(|(ours, theirs)| *ours = (*ours).max(*theirs));
                }
            }
        }
    }

    /// The size, and whether it is exact.
    pub fn count(&mut self, meter: &Meter) -> (u64, bool) {
        self.tighten(meter);
        match &self.state {
            State::Exact(hashes) => (hashes.len() as u64, true),
            State::About(registers) => (estimate(registers), false),
        }
    }

    /// The values, where all of them are known.
    pub fn into_hashes(mut self, meter: &Meter) -> Option<Hashes> {
        self.tighten(meter);
        match self.state {
            State::Exact(hashes) => Some(hashes),
            State::About(_) => None,
        }
    }
}

/// Two sorted lists without a common value as one.
fn merged(a: &[u64], b: &[u64]) -> Hashes {
    let mut all = Vec::with_capacity(a.len() + b.len());
    let (mut left, mut right) = (a.iter().peekable(), b.iter().peekable());
    while let (Some(first), Some(second)) = (left.peek(), right.peek()) {
        let next = if first < second { left.next() } else { right.next() };
        all.extend(next);
    }
    all.extend(left);
    all.extend(right);
    all
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
        let meter = Meter::new(usize::MAX);
        for (number, most) in [(900_u64, 1_000), (100_000, 1_000), (2_000_000, 100)] {
            let mut set = Distinct::new(most);
            for value in (0..number).chain(0..number) {
                set.add(hash_of(&value), &meter);
            }
            let (count, exact) = set.count(&meter);
            assert_eq!(exact, number <= most as u64);
            let off = count.abs_diff(number) * 100 / number;
            assert!(off <= if exact { 0 } else { 12 }, "{count} for {number}");
        }
    }

    #[test]
    fn merged_sets_are_those_of_all_values() {
        let meter = Meter::new(usize::MAX);
        let of = |range: std::ops::Range<u64>, most| {
            let mut set = Distinct::new(most);
            for value in range {
                set.add(hash_of(&value), &meter);
            }
            set
        };
        for most in [100, 10_000] {
            let mut merged = of(0..600, most);
            merged.merge(of(400..1_000, most), &meter);
            assert_eq!(merged.count(&meter), of(0..1_000, most).count(&meter));
        }
    }
}
