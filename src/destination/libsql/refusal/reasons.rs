//! Refusals that need no failed statement.

use super::{Refusal, equation};
use crate::destination::Target;
use crate::domain::reject::{RejectCode, Rejection};
use crate::domain::row::{MappedDocument, SqlValue};
use crate::domain::schema::Table;

/// The key was used already, or an earlier document waits for it.
pub fn duplicate(target: &Target, document: &MappedDocument) -> Refusal {
    let reason = format!("an earlier document of this run has {} too", key_text(target, document));
    Refusal::new(RejectCode::DuplicateKey, reason, false)
}

/// NULL is equal to nothing, so a NULL key would be inserted anew by every run.
pub fn key_is_null(target: &Target, document: &MappedDocument) -> Option<Rejection> {
    let index = target.key.iter().find(|index| document.row[**index] == SqlValue::Null)?;
    let reason = format!("key column {}.{} is NULL", target.table, target.columns[*index]);
    Some(Rejection::new(RejectCode::MissingField, reason))
}

/// There is another row with this key, under `on_conflict: fail`.
pub fn row_exists(target: &Target, document: &MappedDocument) -> Refusal {
    let reason = format!("{} exists already with other content", key_text(target, document));
    Refusal::new(RejectCode::RowExists, reason, false)
}

/// The row's value in the column that decides is of another type than the document's.
pub fn not_comparable(target: &Target, document: &MappedDocument) -> Refusal {
    let column = target.on_conflict.column().unwrap_or_default();
    let reason = format!(
        "{} exists already, and which is newer cannot be told: {}.{column} holds a value of another type than the document's",
        key_text(target, document),
        target.table,
    );
    Refusal::new(RejectCode::NotComparable, reason, false)
}

/// An update of a row that is there changed none.
pub fn trigger_ignored_update(table: &Table) -> Refusal {
    Refusal::new(RejectCode::Constraint, format!("a trigger of {} ignored the update", table.name), false)
}

/// A child row was not inserted, or not deleted, and nothing failed.
pub fn trigger_ignored_child(table: &Table) -> Refusal {
    Refusal::new(RejectCode::Constraint, format!("a trigger of {} ignored a row of the document", table.name), false)
}

/// An earlier document waits and claims this unique value. `what` is `records::claims::unique_text`.
pub fn claimed(what: &str, earlier: &str) -> Refusal {
    let reason = format!("{what} belongs to the earlier document {earlier}, which waits");
    Refusal::new(RejectCode::UniqueViolation, reason, true)
}

/// The document's key for people: `users.id = 'u1'`.
pub fn key_text(target: &Target, document: &MappedDocument) -> String {
    equation(&target.table, &key(target, document))
}

/// The key's columns and the document's values in them.
pub fn key<'a>(target: &'a Target, document: &'a MappedDocument) -> Vec<(&'a str, &'a SqlValue)> {
    target.key.iter().map(|index| (target.columns[*index].as_str(), &document.row[*index])).collect()
}
