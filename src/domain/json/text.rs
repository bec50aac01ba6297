//! JSON's strings: what is escaped in them, and where a plain stretch ends.

use std::fmt::Write;

/// Appends a string with its quotes.
pub fn string(out: &mut String, text: &str) {
    out.push('"');
    escape(out, text);
    out.push('"');
}

/// Appends the content of a string. Escapes what JSON demands and nothing more, copying the stretches in between as they
/// are.
pub fn escape(out: &mut String, text: &str) {
    let mut copied = 0;
    loop {
        let at = plain_end(text.as_bytes(), copied);
        out.push_str(&text[copied..at]);
        let Some(byte) = text.as_bytes().get(at) else { return };
        copied = at + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            0x08 => out.push_str("\\b"),
            0x0c => out.push_str("\\f"),
            other => {
                let _ = write!(out, "\\u{other:04x}");
            }
        }
    }
}

/// Index of the first byte from `start` that ends a string or is not plain: quote, backslash, control character.
#[inline]
pub fn plain_end(bytes: &[u8], start: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let mut at = start;
    // Eight bytes at a time: a byte is special where subtracting borrows into its high bit.
    while let Some(Ok(eight)) = bytes.get(at..at + 8).map(<[u8; 8]>::try_from) {
        let word = u64::from_le_bytes(eight);
        let control = word.wrapping_sub(ONES * 0x20);
        let quote = (word ^ (ONES * 0x22)).wrapping_sub(ONES);
        let backslash = (word ^ (ONES * 0x5c)).wrapping_sub(ONES);
        // Exact for the lowest special byte; a borrow can only make a later one look special.
        let special = (control | quote | backslash) & !word & HIGHS;
        if special != 0 {
            return at + (special.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while at < bytes.len() && bytes[at] >= 0x20 && bytes[at] != b'"' && bytes[at] != b'\\' {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn any_string_is_read_back(text: String, noise in "[\"\\\\\u{0}-\u{1f}a-zé]{0,40}") {
            for text in [text, noise] {
                let mut out = String::new();
                string(&mut out, &text);
                proptest::prop_assert_eq!(serde_json::from_str::<String>(&out).ok(), Some(text));
            }
        }
    }

    #[test]
    fn a_plain_stretch_ends_at_what_is_escaped() {
        for (text, end) in
            [("", 0), ("abc", 3), ("0123456789abcdef\"", 16), ("é\\", 2), ("12345678\n", 8), ("\u{7f}", 1)]
        {
            assert_eq!(plain_end(text.as_bytes(), 0), end, "{text:?}");
        }
    }
}
