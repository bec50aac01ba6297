//! Reading the values of a row.

use libsql::Value;

/// The values of one row.
pub(super) struct Values(pub Vec<Value>);

impl Values {
    /// The text at `index`, empty where there is none. Columns that are NOT NULL TEXT in a STRICT table have one.
    pub fn text(&self, index: usize) -> String {
        self.optional_text(index).unwrap_or_default()
    }

    /// The text at `index`, if it is not null.
    pub fn optional_text(&self, index: usize) -> Option<String> {
        match self.0.get(index) {
            Some(Value::Text(text)) => Some(text.clone()),
            _ => None,
        }
    }

    /// The number at `index`, 0 where there is none.
    pub fn number(&self, index: usize) -> i64 {
        match self.0.get(index) {
            Some(Value::Integer(number)) => *number,
            _ => 0,
        }
    }

    /// The number at `index`, if there is one that is not negative.
    pub fn count(&self, index: usize) -> Option<u64> {
        match self.0.get(index) {
            Some(Value::Integer(number)) => u64::try_from(*number).ok(),
            _ => None,
        }
    }
}
