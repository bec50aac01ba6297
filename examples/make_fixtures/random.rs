//! A small seeded generator, so that the same command writes the same bytes everywhere and always.

/// SplitMix64: one number in, one number out, no state to get wrong.
pub struct Random(u64);

impl Random {
    /// A generator for one purpose; its numbers do not depend on what other purposes draw.
    pub fn new(purpose: &str) -> Self {
        let seed = purpose.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Self(seed)
    }

    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to `end`, without `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + (self.next() % (high - low + 1) as u64) as i64
    }

    /// True `percent` times of a hundred.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }

    /// One of the items.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    /// A double from 0 to 1 with all of its digits in use.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// So many bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| (self.next() >> 24) as u8).collect()
    }

    /// An id as Firestore makes them: 20 letters and digits.
    pub fn id(&mut self) -> String {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        (0..20).map(|_| char::from(*self.pick(LETTERS))).collect()
    }

    /// Different numbers below `end`, in random order.
    pub fn distinct(&mut self, count: usize, end: usize) -> Vec<usize> {
        let mut found = Vec::with_capacity(count);
        while found.len() < count.min(end) {
            let candidate = self.below(end);
            if !found.contains(&candidate) {
                found.push(candidate);
            }
        }
        found
    }
}
