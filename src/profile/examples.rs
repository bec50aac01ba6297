//! A few values to look at. Those with the smallest hashes: the same whatever the order of documents.

use crate::domain::json;
use crate::domain::value::Value;

/// Kept per type.
const MOST: usize = 3;
/// Longer ones are cut, in characters.
const LONGEST: usize = 48;

/// Values with the smallest hashes, by hash.
#[derive(Debug, Clone, Default)]
pub(super) struct Examples(Vec<(u64, String)>);

impl Examples {
    /// Keeps the value if it is one of the smallest.
    pub fn offer(&mut self, hash: u64, value: &Value) {
        if self.wants(hash) {
            self.insert(hash, shown(value));
        }
    }

    /// Bytes that they take.
    pub fn bytes(&self) -> usize {
        self.0.capacity() * size_of::<(u64, String)>() + self.0.iter().map(|(_, text)| text.capacity()).sum::<usize>()
    }

    fn wants(&self, hash: u64) -> bool {
        (self.0.len() < MOST || self.0.last().is_some_and(|(last, _)| hash < *last))
            && !self.0.iter().any(|(known, _)| *known == hash)
    }

    fn insert(&mut self, hash: u64, text: String) {
        let at = self.0.partition_point(|(known, _)| *known < hash);
        self.0.insert(at, (hash, text));
        self.0.truncate(MOST);
    }

    /// Keeps the smallest of both.
    pub fn merge(&mut self, other: Self) {
        for (hash, text) in other.0 {
            if self.wants(hash) {
                self.insert(hash, text);
            }
        }
    }

    /// The values as text.
    pub fn into_texts(self) -> Vec<String> {
        self.0.into_iter().map(|(_, text)| text).collect()
    }
}

/// A value in little space: as canonical JSON, cut.
fn shown(value: &Value) -> String {
    let text = match value {
        // The rest of a megabyte is not worth encoding.
        Value::String(text) => json::encode(&Value::String(text.chars().take(LONGEST).collect())),
        Value::Bytes(bytes) => return format!("{} bytes", bytes.len()),
        Value::Vector(components) => return format!("{} components", components.len()),
        value => json::encode(value),
    };
    let text = text.unwrap_or_else(|_| value.type_name().to_owned());
    let cut = text.chars().count() > LONGEST;
    if cut { text.chars().take(LONGEST).chain(['…']).collect() } else { text }
}
