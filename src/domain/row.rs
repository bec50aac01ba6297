//! What a mapping makes of a document: rows of SQL values.

use super::document::Document;
use super::json;

/// One value of a row, exactly as SQLite will store it.
#[derive(Debug, Clone, PartialEq)]
pub enum SqlValue {
    /// NULL.
    Null,
    /// INTEGER.
    Integer(i64),
    /// REAL; always finite.
    Real(f64),
    /// TEXT.
    Text(String),
    /// BLOB.
    Blob(Vec<u8>),
}

impl From<i64> for SqlValue {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<&str> for SqlValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for SqlValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<u8>> for SqlValue {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Blob(bytes)
    }
}

/// The values of one row, in the order of its table's mapped columns.
pub type Row = Vec<SqlValue>;

/// A stored row with what it lacks: where it is NULL the document's value, and in the columns numbered in `json` the keys
/// that a JSON object lacks. `None` when it lacks nothing that the document has.
pub fn merge(stored: &[SqlValue], document: &[SqlValue], json: &[usize]) -> Option<Row> {
    let mut changed = false;
    let merged = stored.iter().zip(document).enumerate().map(|(index, (stored, document))| {
        let filled = match (stored, document) {
            (SqlValue::Null, SqlValue::Null) => None,
            (SqlValue::Null, value) => Some(value.clone()),
            (SqlValue::Text(stored), SqlValue::Text(document)) if json.contains(&index) => {
                json::merge(stored, document).map(SqlValue::Text)
            }
            _ => None,
        };
        changed |= filled.is_some();
        filled.unwrap_or_else(|| stored.clone())
    });
    let merged = merged.collect();
    changed.then_some(merged)
}

/// A document with the rows it becomes.
#[derive(Debug, Clone)]
pub struct MappedDocument {
    /// The document, kept whole until its rows are durable: a reject keeps it.
    pub document: Document,
    /// The row of the collection's table.
    pub row: Row,
    /// Rows per child table, in the order of the mapping's children.
    pub children: Vec<Vec<Row>>,
    /// Number of its row in `_fireferry_rejects` when this is another try of a waiting document.
    pub waiting: Option<i64>,
}
