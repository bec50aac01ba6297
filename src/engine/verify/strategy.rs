//! The one place where a strategy for conflicts says whether a difference is its doing.

use std::cmp::Ordering;

use crate::destination::{Found, FoundRow, OnConflict, Target};
use crate::domain::row::{MappedDocument, Row, SqlValue, merge};

/// Whether the strategy left the document's rows different on purpose, and would again. `had_rows`: the table, when the run
/// started; which rows those were is not known any more. A document without a row is never
/// that: every strategy inserts.
pub(super) fn explains(
    strategy: &OnConflict,
    had_rows: bool,
    target: &Target,
    document: &MappedDocument,
    found: &Found,
) -> bool {
    if !had_rows || found.row == FoundRow::Missing {
        return false;
    }
    match strategy {
        OnConflict::Skip => true,
        OnConflict::KeepNewest(column) => row_stays(column, Ordering::Less, target, document, found),
        OnConflict::KeepOldest(column) => row_stays(column, Ordering::Greater, target, document, found),
        OnConflict::Merge => lacks_nothing(target, document, found),
        // A document that `fail` refused is a reject.
        OnConflict::Replace | OnConflict::Fail => false,
    }
}

/// The document replaces the row only where the row's value in the column that decides is less (or greater) than its own.
fn row_stays(column: &str, loses: Ordering, target: &Target, document: &MappedDocument, found: &Found) -> bool {
    let Some(index) = target.columns.iter().position(|own| own.eq_ignore_ascii_case(column)) else { return false };
    let stored = stored(document, found);
    let order = stored.get(index).zip(document.row.get(index)).and_then(|(stored, own)| compared(stored, own));
    order != Some(loses)
}

/// Two values of one type, in the order of BINARY.
fn compared(stored: &SqlValue, own: &SqlValue) -> Option<Ordering> {
    match (stored, own) {
        (SqlValue::Integer(stored), SqlValue::Integer(own)) => Some(stored.cmp(own)),
        (SqlValue::Real(stored), SqlValue::Real(own)) => stored.partial_cmp(own),
        (SqlValue::Text(stored), SqlValue::Text(own)) => Some(stored.as_bytes().cmp(own.as_bytes())),
        (SqlValue::Blob(stored), SqlValue::Blob(own)) => Some(stored.cmp(own)),
        _ => None,
    }
}

/// Merging fills what is NULL, keys that JSON objects lack, and child tables without a row of the document.
fn lacks_nothing(target: &Target, document: &MappedDocument, found: &Found) -> bool {
    let filled = found.children.iter().all(|unlike| {
        let own = document.children.get(unlike.child).map_or(0, Vec::<Row>::len);
        own + unlike.extra.len() > unlike.missing.len()
    });
    filled && merge(&stored(document, found), &document.row, &target.json).is_none()
}

/// The stored row.
fn stored(document: &MappedDocument, found: &Found) -> Row {
    let mut row = document.row.clone();
    if let FoundRow::Changed(columns) = &found.row {
        for (index, stored) in columns {
            if let Some(value) = row.get_mut(*index) {
                value.clone_from(stored);
            }
        }
    }
    row
}
