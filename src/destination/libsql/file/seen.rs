//! Keys that a run has seen in a table that was not empty at its start: there an existing row may be an old one or
//! an earlier document's. Held in the database, so that memory stays bounded and a resumed run still knows.

use super::database::{Database, Prepared};
use super::document::{Trouble, at_row};
use super::failure::Failure;
use super::write::Commit;
use crate::domain::row::{MappedDocument, SqlValue};
use crate::error::Result;

/// Statements on `_fireferry_seen`.
pub(super) struct SeenStatements {
    remember: Prepared,
    forget: Prepared,
}

/// Longer keys are remembered by their hash.
const LONGEST: usize = 64;

impl SeenStatements {
    pub(super) fn prepare(database: &Database) -> Result<Self, Failure> {
        Ok(Self {
            remember: database
                .prepare("INSERT INTO _fireferry_seen (owner, key) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?,
            forget: database.prepare("DELETE FROM _fireferry_seen WHERE owner = ?1 AND key = ?2")?,
        })
    }
}

impl Commit<'_> {
    /// Whether the key is new to this run; from now on it is not.
    pub(super) fn remember_key(&mut self, document: &MappedDocument) -> Result<bool, Trouble> {
        let Some(owner) = self.plan().owner else {
            return Err(at_row(Failure::internal("a collection without partitions has no memory of keys")));
        };
        let values = vec![owner.into(), self.seen_key(document).into()];
        self.remembered = self.session.seen.remember.execute(values).map_err(at_row)? == 1;
        Ok(self.remembered)
    }

    /// A refused document has not used its key.
    pub(super) fn forget_key(&self, document: &MappedDocument) -> Result<()> {
        let Some(owner) = self.plan().owner else { return Ok(()) };
        let values = vec![owner.into(), self.seen_key(document).into()];
        self.session.seen.forget.execute(values).map_err(|failure| self.lost(failure))?;
        Ok(())
    }

    fn seen_key(&self, document: &MappedDocument) -> Vec<u8> {
        let encoded = encode(self.plan().target.key.iter().map(|index| &document.row[*index]));
        if encoded.len() <= LONGEST { encoded } else { blake3::hash(&encoded).as_bytes().to_vec() }
    }
}

/// Values as bytes: equal bytes, equal values of equal type.
pub(super) fn encode<'a>(values: impl IntoIterator<Item = &'a SqlValue>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(32);
    for value in values {
        match value {
            SqlValue::Null => bytes.push(0),
            SqlValue::Integer(number) => {
                bytes.push(1);
                bytes.extend(number.to_be_bytes());
            }
            SqlValue::Real(number) => {
                bytes.push(2);
                bytes.extend(number.to_bits().to_be_bytes());
            }
            SqlValue::Text(text) => sized(&mut bytes, 3, text.as_bytes()),
            SqlValue::Blob(blob) => sized(&mut bytes, 4, blob),
        }
    }
    bytes
}

fn sized(bytes: &mut Vec<u8>, tag: u8, content: &[u8]) {
    bytes.push(tag);
    bytes.extend((content.len() as u64).to_be_bytes());
    bytes.extend(content);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_rows_have_different_bytes() {
        let rows = [
            vec![SqlValue::Null],
            vec![SqlValue::Integer(1)],
            vec![SqlValue::Real(1.0)],
            vec![SqlValue::Text("1".into())],
            vec![SqlValue::Blob(b"1".to_vec())],
            vec![SqlValue::Text("a".into()), SqlValue::Text("bc".into())],
            vec![SqlValue::Text("ab".into()), SqlValue::Text("c".into())],
            vec![SqlValue::Text("abc".into())],
        ];
        let encoded: std::collections::HashSet<Vec<u8>> = rows.iter().map(encode).collect();
        assert_eq!(encoded.len(), rows.len());
    }
}
