//! Unique values that waiting documents will need: an earlier document is not overtaken by a later one with the same
//! unique value, only because its parent comes late. The later one waits behind it.

use super::database::{Database, Prepared, text};
use super::document::{Trouble, at_row};
use super::failure::Failure;
use super::refusal::{Refusal, equation};
use super::seen::encode;
use super::write::Commit;
use crate::destination::Target;
use crate::domain::reject::RejectCode;
use crate::domain::row::{MappedDocument, SqlValue};
use crate::domain::schema::Table;
use crate::error::Result;

/// Statements on `_fireferry_claims`.
pub(super) struct ClaimStatements {
    insert: Prepared,
    delete: Prepared,
    earlier: Prepared,
}

impl ClaimStatements {
    pub(super) fn prepare(database: &Database) -> Result<Self, Failure> {
        Ok(Self {
            insert: database.prepare(
                "INSERT INTO _fireferry_claims (owner, unique_set, value, reject) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO NOTHING",
            )?,
            delete: database.prepare("DELETE FROM _fireferry_claims WHERE reject = ?1")?,
            earlier: database.prepare(
                "SELECT CAST(coalesce(r.document, r.key) AS BLOB)
                 FROM _fireferry_claims c JOIN _fireferry_rejects r ON r.id = c.reject
                 WHERE c.owner = ?1 AND c.unique_set = ?2 AND c.value = ?3 AND c.reject < ?4
                 ORDER BY c.reject LIMIT 1",
            )?,
        })
    }
}

/// The table's unique column sets besides the key, as indexes into the mapped columns.
pub(super) fn unique_sets(table: &Table, target: &Target) -> Vec<Vec<usize>> {
    let index = |name: &String| target.columns.iter().position(|column| column.eq_ignore_ascii_case(name));
    let sets = table.unique.iter().filter_map(|set| set.iter().map(index).collect::<Option<Vec<usize>>>());
    sets.filter(|set| set.len() != target.key.len() || !set.iter().all(|index| target.key.contains(index))).collect()
}

impl Commit<'_> {
    /// Claims the unique values of a document that begins to wait.
    pub(super) fn claim(&self, document: &MappedDocument, reject: i64) -> Result<()> {
        for (owner, set, value) in self.claims_of(document) {
            let values = vec![owner.into(), set.into(), value.into(), reject.into()];
            self.session.claims.insert.execute(values).map_err(|failure| self.lost(failure))?;
        }
        Ok(())
    }

    /// A document waits no more.
    pub(super) fn release_claims(&self, reject: i64) -> Result<()> {
        self.session.claims.delete.execute(vec![reject.into()]).map(|_| ()).map_err(|failure| self.lost(failure))
    }

    /// Refuses a document while an earlier one with the same unique value waits.
    pub(super) fn require_unclaimed(&self, document: &MappedDocument) -> Result<(), Trouble> {
        let before = document.waiting.unwrap_or(i64::MAX);
        for (owner, set, value) in self.claims_of(document) {
            let values = vec![owner.into(), set.into(), value.into(), before.into()];
            let found = self.session.claims.earlier.query(values, |row| text(row, 0)).map_err(at_row)?;
            if let Some(earlier) = found.first() {
                let what = self.unique_text(document, set);
                let reason = format!("{what} belongs to the earlier document {earlier}, which waits");
                return Err(Trouble::Refused(Refusal::new(RejectCode::UniqueViolation, reason, true)));
            }
        }
        Ok(())
    }

    /// (owner, number of the set, value) of every unique value; a NULL in a set makes it unique by itself.
    fn claims_of(&self, document: &MappedDocument) -> Vec<(i64, i64, Vec<u8>)> {
        let plan = self.plan();
        let Some(owner) = plan.owner else { return Vec::new() };
        (0_i64..)
            .zip(&plan.unique_sets)
            .filter(|(_, set)| set.iter().all(|index| document.row[*index] != SqlValue::Null))
            .map(|(number, set)| (owner, number, encode(set.iter().map(|index| &document.row[*index]))))
            .collect()
    }

    fn unique_text(&self, document: &MappedDocument, set: i64) -> String {
        let plan = self.plan();
        let set = usize::try_from(set).ok().and_then(|set| plan.unique_sets.get(set));
        let columns = set.into_iter().flatten();
        let values: Vec<(&str, &SqlValue)> =
            columns.map(|index| (plan.target.columns[*index].as_str(), &document.row[*index])).collect();
        equation(&plan.table.name, &values)
    }
}
