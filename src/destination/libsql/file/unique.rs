//! UNIQUE refusals: which value, and which row holds it.

use super::super::failure::Failure;
use super::super::refusal::{equation, show};
use super::super::sql;
use super::super::statement::exact_row;
use super::document::Trouble;
use super::refusal::{Refusal, Refused, Spot};
use super::write::Commit;
use crate::domain::reject::RejectCode;
use crate::domain::row::{MappedDocument, SqlValue};

impl Commit<'_> {
    /// `detail` is what SQLite names: `users.email, users.team`, or `index 'name'`.
    pub(super) fn explain_unique(&self, refused: &Refused<'_>, detail: &str, spot: Spot) -> Result<Refusal, Failure> {
        let refusal = |reason: String, may_wait| Ok(Refusal::new(RejectCode::UniqueViolation, reason, may_wait));
        let Some(values) = named_values(refused, detail) else {
            return refusal(format!("{detail} must be unique in {}", refused.table.name), true);
        };
        let what = equation(&refused.table.name, &values);
        match self.holder(refused, &values, spot)? {
            Some(holder) => refusal(format!("{what} is held already by the row with {holder}"), true),
            // Nobody holds it now that the document is undone: it occurs twice in the document itself.
            None if spot != Spot::Row => refusal(format!("{what} occurs twice in the document"), false),
            None => refusal(format!("{what} is held already by another row"), true),
        }
    }

    /// The row that holds these values, named by its key (a child row by what links it to its document).
    fn holder(
        &self,
        refused: &Refused<'_>,
        values: &[(&str, &SqlValue)],
        spot: Spot,
    ) -> Result<Option<String>, Failure> {
        let plan = self.plan();
        let names: Vec<&String> = match spot {
            Spot::Row => plan.target.key.iter().map(|index| &plan.target.columns[*index]).collect(),
            Spot::Child(index, _) | Spot::Links(index) => {
                let child = &plan.children[index].child;
                child.link.iter().map(|(column, _)| &child.columns[*column]).collect()
            }
        };
        let selected: Vec<String> = names.iter().map(|name| sql::exact(&sql::quote(name))).collect();
        let conditions: Vec<String> = values
            .iter()
            .enumerate()
            .map(|(index, (column, _))| format!("{} = ?{}", sql::quote(column), index + 1))
            .collect();
        let query = format!(
            "SELECT {} FROM {} WHERE {} LIMIT 1",
            selected.join(", "),
            sql::quote(&refused.table.name),
            conditions.join(" AND ")
        );
        let bound = values.iter().map(|(_, value)| (*value).clone()).collect();
        let found = self.database.try_query(&query, bound, |row| exact_row(row, names.len()))?;
        Ok(found.first().map(|key| {
            let parts: Vec<String> =
                names.iter().zip(key).map(|(name, value)| format!("{name} = {}", show(value))).collect();
            parts.join(", ")
        }))
    }

    /// The key's index holds a row that is not this document's by bytes: a collation treats them as equal, or a
    /// trigger ignored the row.
    pub(super) fn other_key(&self, document: &MappedDocument) -> Result<Refusal, Failure> {
        let target = &self.plan().target;
        let refused = Refused { table: &self.plan().table, columns: &target.columns, row: &document.row };
        let key: Vec<(&str, &SqlValue)> =
            target.key.iter().map(|index| (target.columns[*index].as_str(), &document.row[*index])).collect();
        let what = equation(&target.table, &key);
        Ok(match self.holder(&refused, &key, Spot::Row)? {
            Some(holder) => Refusal::new(
                RejectCode::UniqueViolation,
                format!("{what} is held already by the row with {holder}, which the table's index treats as equal"),
                true,
            ),
            None => {
                Refusal::new(RejectCode::Constraint, format!("a trigger of {} ignored {what}", target.table), false)
            }
        })
    }
}

/// The columns that SQLite names and the row's values in them; `None` when one is not mapped, or an index is named.
fn named_values<'a>(refused: &'a Refused<'_>, detail: &str) -> Option<Vec<(&'a str, &'a SqlValue)>> {
    let named: Vec<&str> = refused
        .table
        .columns
        .iter()
        .filter(|column| {
            let full = format!("{}.{}", refused.table.name, column.name);
            detail.split(", ").any(|part| part.eq_ignore_ascii_case(&full))
        })
        .map(|column| column.name.as_str())
        .collect();
    if named.len() != detail.split(", ").count() {
        return None;
    }
    named.into_iter().map(|name| refused.value(name).map(|value| (name, value))).collect()
}

/// So that `?` works in the hot path.
impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
