//! How far a string, an object or an array reaches.

use memchr::memchr2;

/// What a stretch of bytes did to an open value.
pub(super) enum Step {
    More,
    Done,
    Mismatch,
}

/// Brackets are compared up to this depth; deeper ones are only counted, so that memory stays bounded.
const COMPARED: usize = 512;

/// The state between two stretches of a string, an object or an array.
#[derive(Default)]
pub(super) struct Extent {
    in_string: bool,
    escaped: bool,
    depth: usize,
    /// One bit per level: 1 for an object.
    kinds: [u64; COMPARED / 64],
}

impl Extent {
    /// Goes through `chunk`; gives how much of it belongs to the value.
    pub(super) fn run(&mut self, chunk: &[u8]) -> (usize, Step) {
        let mut at = 0;
        while at < chunk.len() {
            if self.in_string {
                at = self.string(chunk, at);
                if !self.in_string && self.depth == 0 {
                    return (at, Step::Done);
                }
                continue;
            }
            let byte = chunk[at];
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.open(byte == b'{'),
                b'}' | b']' => {
                    if !self.close(byte == b'}') {
                        return (at, Step::Mismatch);
                    }
                    if self.depth == 0 {
                        return (at + 1, Step::Done);
                    }
                }
                _ => {}
            }
            at += 1;
        }
        (at, Step::More)
    }

    /// Goes on inside of a string; gives the place after its end, or the chunk's end.
    fn string(&mut self, chunk: &[u8], mut at: usize) -> usize {
        if self.escaped {
            self.escaped = false;
            at += 1;
        }
        while let Some(found) = chunk.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
            at += found + 1;
            if chunk[at - 1] == b'"' {
                self.in_string = false;
                return at;
            }
            if at == chunk.len() {
                self.escaped = true;
                return at;
            }
            at += 1;
        }
        chunk.len()
    }

    fn open(&mut self, object: bool) {
        if let Some(word) = self.kinds.get_mut(self.depth / 64) {
            let bit = 1 << (self.depth % 64);
            *word = if object { *word | bit } else { *word & !bit };
        }
        self.depth += 1;
    }

    fn close(&mut self, object: bool) -> bool {
        self.depth -= 1;
        self.kinds.get(self.depth / 64).is_none_or(|word| (word >> (self.depth % 64) & 1 == 1) == object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The length of the value at the start of `text`, given in chunks of `size`.
    fn length(text: &str, size: usize) -> Option<usize> {
        let mut extent = Extent::default();
        let mut sum = 0;
        for chunk in text.as_bytes().chunks(size) {
            let (length, step) = extent.run(chunk);
            sum += length;
            match step {
                Step::More => {}
                Step::Done => return Some(sum),
                Step::Mismatch => return None,
            }
        }
        None
    }

    #[test]
    fn values_end_at_the_same_place_whatever_the_chunks() {
        for value in [r#""""#, r#""a\\\"b""#, r#"{"a]\\":["}"]}"#, "[[{}],[]]", "[1,{\"x\":\"{\"}]"] {
            let text = format!("{value},rest]");
            for size in 1..text.len() {
                assert_eq!(length(&text, size), Some(value.len()), "{text} by {size}");
            }
        }
    }

    #[test]
    fn brackets_must_match_and_depth_costs_no_memory() {
        assert_eq!(length("[{]}", 10), None);
        assert_eq!(length("[(}", 10), None);
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(length(&deep, 999), Some(200_000));
    }
}
