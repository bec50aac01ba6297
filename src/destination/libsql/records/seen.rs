//! `_fireferry_seen`: keys that a run has seen in a table that was not empty at its start. There an existing row may be
//! an old one or an earlier document's. Held in the database, so that memory stays bounded and a resumed run still
//! knows.

use super::super::statement::Statement;
use crate::destination::Target;
use crate::domain::encode::encode;
use crate::domain::row::MappedDocument;

/// Longer keys are remembered by their hash.
const LONGEST: usize = 64;

/// The text of [`remember`].
pub const REMEMBER: &str = "INSERT INTO _fireferry_seen (owner, key) VALUES (?1, ?2) ON CONFLICT DO NOTHING";

/// The text of [`forget`].
pub const FORGET: &str = "DELETE FROM _fireferry_seen WHERE owner = ?1 AND key = ?2";

/// The collection's first partition, which owns its keys and claims: a number that stays the same when the run is
/// resumed. No row for a collection without partitions.
pub fn owner(run: &str, collection: &str) -> Statement {
    let sql = "SELECT id FROM _fireferry_partitions WHERE run = ?1 AND collection = ?2 ORDER BY id LIMIT 1";
    Statement::new(sql, vec![run.into(), collection.into()])
}

/// Remembers the document's key: one row changes if it is new to the run, none otherwise.
pub fn remember(owner: i64, target: &Target, document: &MappedDocument) -> Statement {
    Statement::new(REMEMBER, vec![owner.into(), key(target, document).into()])
}

/// Forgets the key of a refused document, which has not used it.
pub fn forget(owner: i64, target: &Target, document: &MappedDocument) -> Statement {
    Statement::new(FORGET, vec![owner.into(), key(target, document).into()])
}

/// The document's key as it is remembered.
pub fn key(target: &Target, document: &MappedDocument) -> Vec<u8> {
    let encoded = encode(target.key.iter().map(|index| &document.row[*index]));
    if encoded.len() <= LONGEST { encoded } else { blake3::hash(&encoded).as_bytes().to_vec() }
}
