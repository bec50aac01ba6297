//! Where the bytes of one record go while it is read: into memory up to a limit, beyond it into a hash.

/// Kept of an oversized record, to find its path in.
const HEAD: usize = 4096;

/// Collects one record after another.
pub(super) struct Sink {
    limit: usize,
    kept: Vec<u8>,
    hasher: Option<Box<blake3::Hasher>>,
    length: u64,
    blank: bool,
    counting: bool,
}

/// A record as collected.
pub(super) enum Body<'a> {
    /// All of it.
    Whole(&'a [u8]),
    /// It was larger than the limit.
    Oversized {
        /// Its first bytes.
        head: &'a [u8],
        /// BLAKE3 of all its bytes, hexadecimal.
        hash: String,
    },
}

impl Sink {
    /// Keeps records of at most `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, kept: Vec::new(), hasher: None, length: 0, blank: true, counting: false }
    }

    /// Keeps nothing.
    pub(super) fn counting() -> Self {
        Self { counting: true, ..Self::new(0) }
    }

    /// Forgets the record.
    pub(super) fn clear(&mut self) {
        // A rare giant must not be paid for until the end of the file.
        if self.kept.capacity() > 1 << 20 && self.kept.len() < 1 << 16 {
            self.kept = Vec::new();
        }
        self.kept.clear();
        self.hasher = None;
        self.length = 0;
        self.blank = true;
    }

    /// Takes the next bytes of the record.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        self.blank = self.blank && bytes.iter().all(u8::is_ascii_whitespace);
        if self.counting {
            return;
        }
        if let Some(hasher) = &mut self.hasher {
            hasher.update(bytes);
        } else if self.kept.len() + bytes.len() <= self.limit {
            self.kept.extend_from_slice(bytes);
        } else {
            let mut hasher = Box::new(blake3::Hasher::new());
            hasher.update(&self.kept).update(bytes);
            self.hasher = Some(hasher);
            let more = HEAD.saturating_sub(self.kept.len()).min(bytes.len());
            self.kept.extend_from_slice(&bytes[..more]);
            self.kept.truncate(HEAD);
        }
    }

    /// Bytes taken.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Whether nothing is kept.
    pub(super) fn is_counting(&self) -> bool {
        self.counting
    }

    /// Whether there was nothing but white space.
    pub(super) fn is_blank(&self) -> bool {
        self.blank
    }

    /// The record, unless it was larger than the limit.
    pub(super) fn whole(&self) -> Option<&[u8]> {
        self.hasher.is_none().then_some(self.kept.as_slice())
    }

    /// The record, or what is known of it.
    pub(super) fn body(&self) -> Body<'_> {
        match &self.hasher {
            None => Body::Whole(&self.kept),
            Some(hasher) => Body::Oversized { head: &self.kept, hash: hasher.finalize().to_hex().to_string() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_over_the_limit_is_hashed_and_only_its_head_kept() {
        let bytes: Vec<u8> = (0..100_000u32).map(|byte| byte as u8).collect();
        let mut sink = Sink::new(10_000);
        for chunk in bytes.chunks(7_000) {
            sink.push(chunk);
        }
        assert_eq!(sink.length(), 100_000);
        let Body::Oversized { head, hash } = sink.body() else { panic!("it is oversized") };
        assert_eq!(head, &bytes[..HEAD]);
        assert_eq!(hash, blake3::hash(&bytes).to_hex().to_string());
        sink.clear();
        sink.push(b"{}");
        assert_eq!(sink.whole(), Some(b"{}".as_slice()));
    }

    #[test]
    fn a_record_of_exactly_the_limit_is_kept() {
        let mut sink = Sink::new(4);
        sink.push(b"12");
        sink.push(b"34");
        assert!(sink.whole().is_some());
        sink.push(b"5");
        assert!(sink.whole().is_none());
    }
}
