//! Do references of a collection to itself lead in circles? Documents of a circle can only be written together, which no
//! foreign key that is checked row by row allows.

use std::collections::HashMap;

use super::MOST_KEYS;
use super::meter::Meter;

/// Who refers to whom, up to a cap.
#[derive(Debug, Clone, Default)]
pub(super) struct Edges {
    pairs: Vec<(u64, u64)>,
    forgotten: bool,
}

impl Edges {
    /// Adds a reference; one to the document itself is none.
    pub fn add(&mut self, from: u64, to: u64, meter: &Meter) {
        if self.forgotten || from == to {
            return;
        }
        let before = self.bytes();
        self.pairs.push((from, to));
        meter.charge(self.bytes() - before);
        if self.pairs.len() > meter.most(MOST_KEYS, 0) {
            self.forget();
        }
    }

    /// Bytes that they take.
    pub fn bytes(&self) -> usize {
        self.pairs.capacity() * size_of::<(u64, u64)>()
    }

    /// Nothing is known any more.
    pub fn forget(&mut self) {
        *self = Self { pairs: Vec::new(), forgotten: true };
    }

    /// Forgets them if they are more than are kept now.
    pub fn tighten(&mut self, meter: &Meter) {
        if self.pairs.len() > meter.most(MOST_KEYS, 0) {
            self.forget();
        }
    }

    /// Adds those of another.
    pub fn merge(&mut self, other: Self, meter: &Meter) {
        if other.forgotten {
            self.forget();
        }
        other.pairs.into_iter().for_each(|(from, to)| self.add(from, to, meter));
    }

    /// Whether following them ever leads back to where it began; `None` where they are not known.
    pub fn circular(&self) -> Option<bool> {
        (!self.forgotten).then(|| !is_acyclic(&self.pairs))
    }
}

/// Takes documents away that refer to none that is left; what cannot be taken away is a circle.
fn is_acyclic(pairs: &[(u64, u64)]) -> bool {
    let mut places: HashMap<u64, u32> = HashMap::new();
    let mut place = |hash: u64| {
        let next = places.len() as u32;
        *places.entry(hash).or_insert(next)
    };
    let mut edges: Vec<(u32, u32)> = pairs.iter().map(|(from, to)| (place(*to), place(*from))).collect();
    let documents = places.len();
    drop(places);
    // By the document referred to, so that those who refer to it stand together.
    edges.sort_unstable();
    let mut left = vec![0_u32; documents];
    edges.iter().for_each(|(_, from)| left[*from as usize] += 1);
    let mut free: Vec<u32> = (0..documents as u32).filter(|document| left[*document as usize] == 0).collect();
    let mut taken = 0;
    while let Some(document) = free.pop() {
        taken += 1;
        let start = edges.partition_point(|(to, _)| *to < document);
        for (_, from) in edges[start..].iter().take_while(|(to, _)| *to == document) {
            let left = &mut left[*from as usize];
            *left -= 1;
            if *left == 0 {
                free.push(*from);
            }
        }
    }
    taken == documents
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn circles_are_found_whatever_hangs_on_them() {
        let circular = |pairs: &[(u64, u64)]| {
            let mut edges = Edges::default();
            pairs.iter().for_each(|(from, to)| edges.add(*from, *to, &Meter::new(usize::MAX)));
            edges.circular()
        };
        assert_eq!(circular(&[]), Some(false));
        assert_eq!(circular(&[(1, 1)]), Some(false));
        assert_eq!(circular(&[(1, 2), (2, 3), (1, 3), (4, 3), (4, 3)]), Some(false));
        assert_eq!(circular(&[(1, 2), (2, 3), (3, 1), (4, 1)]), Some(true));
        assert_eq!(circular(&[(1, 2), (2, 1)]), Some(true));
    }
}
