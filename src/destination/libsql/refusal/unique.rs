//! UNIQUE refusals: which value, and which row holds it.

use super::super::failure::Failure;
use super::super::sql;
use super::super::statement::{Statement, exact_row};
use super::reasons::{key, key_text};
use super::{Around, Refusal, Refused, Spot, answer};
use super::{equation, show};
use crate::domain::reject::RejectCode;
use crate::domain::row::{MappedDocument, SqlValue};

/// `detail` is what SQLite names: `users.email, users.team`, or `index 'name'`.
pub(super) fn questions(around: &Around<'_>, refused: Refused<'_>, detail: &str, spot: Spot) -> Vec<Statement> {
    let values = named_values(refused, detail);
    values.map(|values| holder(around, &refused.table.name, &values, spot)).into_iter().collect()
}

pub(super) fn explain(
    around: &Around<'_>,
    refused: Refused<'_>,
    detail: &str,
    spot: Spot,
    answers: &[Vec<Vec<SqlValue>>],
) -> Result<Refusal, Failure> {
    let refusal = |reason: String, may_wait| Ok(Refusal::new(RejectCode::UniqueViolation, reason, may_wait));
    let Some(values) = named_values(refused, detail) else {
        return refusal(format!("{detail} must be unique in {}", refused.table.name), true);
    };
    let what = equation(&refused.table.name, &values);
    match found_holder(around, spot, answers)? {
        Some(holder) => refusal(format!("{what} is held already by the row with {holder}"), true),
        // Nobody holds it now that the document is undone: it occurs twice in the document itself.
        None if spot != Spot::Row => refusal(format!("{what} occurs twice in the document"), false),
        None => refusal(format!("{what} is held already by another row"), true),
    }
}

/// Asks for the row that holds the document's key.
pub(super) fn key_holder(around: &Around<'_>, document: &MappedDocument) -> Statement {
    holder(around, &around.table.name, &key(around.target, document), Spot::Row)
}

/// The key's index holds a row that is not this document's by bytes.
pub(super) fn explain_other_key(
    around: &Around<'_>,
    document: &MappedDocument,
    answers: &[Vec<Vec<SqlValue>>],
) -> Result<Refusal, Failure> {
    let what = key_text(around.target, document);
    Ok(match found_holder(around, Spot::Row, answers)? {
        Some(holder) => Refusal::new(
            RejectCode::UniqueViolation,
            format!("{what} is held already by the row with {holder}, which the table's index treats as equal"),
            true,
        ),
        None => {
            let reason = format!("a trigger of {} ignored {what}", around.target.table);
            Refusal::new(RejectCode::Constraint, reason, false)
        }
    })
}

/// Asks for the row that holds these values: its key (of a child row what links it to its document).
fn holder(around: &Around<'_>, table: &str, values: &[(&str, &SqlValue)], spot: Spot) -> Statement {
    let selected: Vec<String> =
        holder_columns(around, spot).into_iter().map(|name| sql::exact(&sql::quote(name))).collect();
    let conditions: Vec<String> = values
        .iter()
        .enumerate()
        .map(|(index, (column, _))| format!("{} = ?{}", sql::quote(column), index + 1))
        .collect();
    let query =
        format!("SELECT {} FROM {} WHERE {} LIMIT 1", selected.join(", "), sql::quote(table), conditions.join(" AND "));
    Statement::new(query, values.iter().map(|(_, value)| (*value).clone()).collect())
}

/// The row that was found, for people.
fn found_holder(around: &Around<'_>, spot: Spot, answers: &[Vec<Vec<SqlValue>>]) -> Result<Option<String>, Failure> {
    let Some(row) = answer(answers, 0)?.first() else { return Ok(None) };
    let names = holder_columns(around, spot);
    let key = exact_row(row, names.len())?;
    let parts: Vec<String> = names.iter().zip(&key).map(|(name, value)| format!("{name} = {}", show(value))).collect();
    Ok(Some(parts.join(", ")))
}

fn holder_columns<'a>(around: &Around<'a>, spot: Spot) -> Vec<&'a String> {
    match spot {
        Spot::Row => around.target.key.iter().map(|index| &around.target.columns[*index]).collect(),
        Spot::Child(index, _) | Spot::Links(index) => {
            let (child, _) = around.children[index];
            child.link.iter().map(|(column, _)| &child.columns[*column]).collect()
        }
    }
}

/// The columns that SQLite names and the row's values in them; `None` when one is not mapped, or an index is named.
fn named_values<'a>(refused: Refused<'a>, detail: &str) -> Option<Vec<(&'a str, &'a SqlValue)>> {
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
