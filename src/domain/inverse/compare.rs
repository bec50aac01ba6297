//! Whether a document becomes exactly the rows that it was made of.

use crate::domain::document::Document;
use crate::domain::encode::encode;
use crate::domain::mapping::{Mapped, Mapping};
use crate::domain::row::Row;

/// Why it does not; `None` when it does. No value is named: it may be nobody's to see.
pub(super) fn shortfall(mapping: &Mapping, document: &Document, row: &Row, children: &[Vec<Row>]) -> Option<String> {
    let mapped = match mapping.map(document.clone()) {
        Mapped::Rows(mapped) => mapped,
        Mapped::Filtered => return Some("`where` would leave the document out".to_owned()),
        Mapped::Rejected { rejection, .. } => {
            return Some(format!("the document would be rejected: {}", rejection.code.as_str()));
        }
    };
    let pairs = mapping.columns.iter().zip(mapped.row.iter().zip(row));
    let unlike = pairs.filter(|(_, (made, stored))| encode([*made]) != encode([*stored])).map(|(column, _)| column);
    if let Some(column) = unlike.into_iter().next() {
        return Some(format!("`{}.{}` would be another value", mapping.table, column.name));
    }
    let lists = mapping.children.iter().zip(mapped.children.iter().zip(children));
    let unlike = lists.into_iter().find(|(_, (made, stored))| sorted(made) != sorted(stored));
    unlike.map(|(child, _)| format!("the rows in `{}` would be others", child.table))
}

fn sorted(rows: &[Row]) -> Vec<Vec<u8>> {
    let mut rows: Vec<Vec<u8>> = rows.iter().map(encode).collect();
    rows.sort_unstable();
    rows
}
