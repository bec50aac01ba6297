//! The row that has a document's key already, and how it stands to the document.

use super::failure::Failure;
use super::sql::exact;
use super::statement::{exact_row, integer};
use crate::destination::{OnConflict, Target};
use crate::domain::row::{self, Row, SqlValue};

/// How an existing row stands to the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// The mapped columns are equal.
    Equal,
    /// They differ, and where a column decides, the document's value in it wins.
    Differs,
    /// They differ, and the row wins.
    Stays,
    /// They differ, and the values in the column that decides are of different types.
    NotComparable,
}

/// An existing row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Existing {
    pub standing: Standing,
    /// Under `merge`, where it lacks something that the document has.
    pub merged: Option<Merged>,
    /// Its row number, where the undo log needs it.
    pub number: Option<i64>,
}

/// An existing row, and what it becomes when it is merged with the document's.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Merged {
    pub stored: Row,
    pub row: Row,
}

impl Existing {
    /// From the result of [`question`].
    pub fn read(target: &Target, document: &[SqlValue], result: &[SqlValue]) -> Result<Self, Failure> {
        let standing = match integer(result, 0)? {
            0 => Standing::Equal,
            1 => Standing::Differs,
            2 => Standing::Stays,
            _ => Standing::NotComparable,
        };
        let mut merged = None;
        if target.on_conflict == OnConflict::Merge {
            let stored = exact_row(result.get(1..).unwrap_or_default(), target.columns.len())?;
            merged = row::merge(&stored, document, &target.json).map(|row| Merged { stored, row });
        }
        Ok(Self { standing, merged, number: None })
    }
}

/// The result columns that [`Existing::read`] reads. `column` and `value` name the row's column and the document's value
/// by their index.
pub(super) fn question(target: &Target, column: &dyn Fn(usize) -> String, value: &dyn Fn(usize) -> String) -> String {
    let differences: Vec<String> = others(target).map(|index| differs(&column(index), &value(index))).collect();
    let differs = if differences.is_empty() { "0".to_owned() } else { differences.join(" OR ") };
    if target.on_conflict == OnConflict::Merge {
        let stored: Vec<String> = (0..target.columns.len()).map(|index| exact(&column(index))).collect();
        return format!("{differs}, {}", stored.join(", "));
    }
    let (Some(wins), Some(index)) = (document_wins(target, column, value), target.deciding()) else { return differs };
    let (own, other) = (column(index), value(index));
    format!(
        "CASE WHEN NOT ({differs}) THEN 0 WHEN {wins} THEN 1 \
         WHEN {own} IS NULL OR {other} IS NULL OR typeof({own}) = typeof({other}) THEN 2 ELSE 3 END"
    )
}

/// The condition under which the document's value in the column that decides wins. The `+` keeps SQLite from converting
/// the document's value to the column's affinity first.
pub(super) fn document_wins(
    target: &Target,
    column: &dyn Fn(usize) -> String,
    value: &dyn Fn(usize) -> String,
) -> Option<String> {
    let index = target.deciding()?;
    let (own, other) = (column(index), value(index));
    let than = if matches!(target.on_conflict, OnConflict::KeepNewest(_)) { "<" } else { ">" };
    Some(format!("typeof({own}) = typeof({other}) AND (+{own}) COLLATE BINARY {than} {other}"))
}

/// The one equality, negated: another value under BINARY, or another type.
pub(super) fn differs(column: &str, value: &str) -> String {
    format!("{column} COLLATE BINARY IS NOT {value} OR typeof({column}) <> typeof({value})")
}

/// Mapped columns outside of the key.
pub(super) fn others(target: &Target) -> impl Iterator<Item = usize> {
    (0..target.columns.len()).filter(|index| !target.key.contains(index))
}
