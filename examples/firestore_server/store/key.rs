//! Document paths as bytes that sort as Firestore sorts names.
//!
//! Every segment is a tag, its content and an end, so that a document's descendants are exactly the keys that start
//! with its own: a numeric id `__id7__` is 1 and eight bytes, any other is 2 and its UTF-8 bytes with 0 escaped.

/// The number of an id such as `__id-7__`, in the one way of writing it.
pub fn numeric_id(segment: &str) -> Option<i64> {
    let digits = segment.strip_prefix("__id")?.strip_suffix("__")?;
    digits.parse::<i64>().ok().filter(|number| number.to_string() == digits)
}

/// The key of a path; empty for the root.
pub fn encode_path(path: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(path.len() + 12);
    path.split('/').filter(|segment| !segment.is_empty()).for_each(|segment| push_segment(&mut key, segment));
    key
}

/// Adds a segment to a key.
pub fn push_segment(key: &mut Vec<u8>, segment: &str) {
    if let Some(number) = numeric_id(segment) {
        key.push(1);
        key.extend_from_slice(&((number as u64) ^ (1 << 63)).to_be_bytes());
        return;
    }
    key.push(2);
    for byte in segment.bytes() {
        key.push(byte);
        if byte == 0 {
            key.push(0xFF);
        }
    }
    key.extend_from_slice(&[0, 1]);
}

/// Where the segment that starts at `from` ends.
pub fn segment_end(key: &[u8], from: usize) -> usize {
    if key.get(from) == Some(&1) {
        return (from + 9).min(key.len());
    }
    let mut at = from + 1;
    while at + 1 < key.len() {
        match (key[at], key[at + 1]) {
            (0, 1) => return at + 2,
            (0, _) => at += 2,
            _ => at += 1,
        }
    }
    key.len()
}

/// The path of a key.
pub fn decode_path(key: &[u8]) -> String {
    let mut segments = Vec::new();
    let mut from = 0;
    while from < key.len() {
        let end = segment_end(key, from);
        segments.push(decode_segment(&key[from..end]));
        from = end;
    }
    segments.join("/")
}

/// The text of one segment.
pub fn decode_segment(segment: &[u8]) -> String {
    match segment.split_first() {
        Some((1, number)) => {
            let bytes = number.try_into().unwrap_or([0; 8]);
            format!("__id{}__", (u64::from_be_bytes(bytes) ^ (1 << 63)) as i64)
        }
        Some((_, text)) => {
            let mut bytes = Vec::with_capacity(text.len());
            let mut content = text.strip_suffix(&[0, 1]).unwrap_or(text).iter();
            while let Some(byte) = content.next() {
                bytes.push(*byte);
                if *byte == 0 {
                    content.next();
                }
            }
            String::from_utf8_lossy(&bytes).into_owned()
        }
        None => String::new(),
    }
}

/// A key above every key that starts with this one. Tags are 1 and 2, so 255 is above them.
pub fn above(prefix: &[u8]) -> Vec<u8> {
    [prefix, &[0xFF]].concat()
}
