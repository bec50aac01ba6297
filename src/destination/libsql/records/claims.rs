//! `_fireferry_claims`: unique values that waiting documents will need. An earlier document is not overtaken by a later
//! one with the same unique value, only because its parent comes late; the later one waits behind it.

use super::super::refusal::equation;
use super::super::statement::Statement;
use crate::destination::Target;
use crate::domain::encode::encode;
use crate::domain::row::{MappedDocument, SqlValue};
use crate::domain::schema::Table;

/// The text of [`insert`].
pub const INSERT: &str = "INSERT INTO _fireferry_claims (owner, unique_set, value, reject) VALUES (?1, ?2, ?3, ?4)
                          ON CONFLICT DO NOTHING";

/// The text of [`release`].
pub const RELEASE: &str = "DELETE FROM _fireferry_claims WHERE reject = ?1";

/// The text of [`earlier`].
pub const EARLIER: &str = "SELECT CAST(coalesce(r.document, r.key) AS BLOB)
                           FROM _fireferry_claims c JOIN _fireferry_rejects r ON r.id = c.reject
                           WHERE c.owner = ?1 AND c.unique_set = ?2 AND c.value = ?3 AND c.reject < ?4
                           ORDER BY c.reject LIMIT 1";

/// The table's unique column sets besides the key, as indexes into the mapped columns.
pub fn unique_sets(table: &Table, target: &Target) -> Vec<Vec<usize>> {
    let index = |name: &String| target.columns.iter().position(|column| column.eq_ignore_ascii_case(name));
    let sets = table.unique.iter().filter_map(|set| set.iter().map(index).collect::<Option<Vec<usize>>>());
    sets.filter(|set| set.len() != target.key.len() || !set.iter().all(|index| target.key.contains(index))).collect()
}

/// (number of the set, value) of every unique value; a NULL in a set makes it unique by itself.
pub fn claims_of(sets: &[Vec<usize>], document: &MappedDocument) -> Vec<(i64, Vec<u8>)> {
    (0_i64..)
        .zip(sets)
        .filter(|(_, set)| set.iter().all(|index| document.row[*index] != SqlValue::Null))
        .map(|(number, set)| (number, encode(set.iter().map(|index| &document.row[*index]))))
        .collect()
}

/// Claims a unique value for the waiting document with this number. `owner` as in [`super::seen`].
pub fn insert(owner: i64, (set, value): (i64, Vec<u8>), reject: i64) -> Statement {
    Statement::new(INSERT, vec![owner.into(), set.into(), value.into(), reject.into()])
}

/// The document waits no more.
pub fn release(reject: i64) -> Statement {
    Statement::new(RELEASE, vec![reject.into()])
}

/// The first waiting document before this one that claims the value: one column of text, if there is one.
pub fn earlier(owner: i64, (set, value): (i64, Vec<u8>), document: &MappedDocument) -> Statement {
    let before = document.waiting.unwrap_or(i64::MAX);
    Statement::new(EARLIER, vec![owner.into(), set.into(), value.into(), before.into()])
}

/// A claim for people: `users.email = 'x'`.
pub fn unique_text(table: &Table, target: &Target, sets: &[Vec<usize>], document: &MappedDocument, set: i64) -> String {
    let set = usize::try_from(set).ok().and_then(|set| sets.get(set));
    let columns = set.into_iter().flatten();
    let values: Vec<(&str, &SqlValue)> =
        columns.map(|index| (target.columns[*index].as_str(), &document.row[*index])).collect();
    equation(&table.name, &values)
}
