//! What a commit adds to the undo log: the rows of its documents before and after, many to a statement.

use super::fate::RowWrite;
use super::session::TargetPlan;
use super::sql;
use super::units::{Writing, link};
use crate::destination::libsql::remote::encode::{Piece, pieces};
use crate::destination::libsql::sql::quote;
use crate::destination::libsql::statement::Statement;
use crate::destination::libsql::undo::{Fill, Logged};
use crate::domain::row::SqlValue;

/// The statements that copy the rows of these documents, before they are written or after.
pub(super) fn copies(plan: &TargetPlan, documents: &[Writing<'_>], when: Fill) -> Vec<Statement> {
    let Some((row, children)) = plan.undo.as_deref().and_then(<[Logged]>::split_first) else { return Vec::new() };
    let target = &plan.target;
    let wanted = |write: RowWrite| match when {
        Fill::Before => write == RowWrite::Update,
        Fill::After => write != RowWrite::Keep,
    };
    let chosen = documents.iter().filter(|(_, write)| wanted(write.row));
    let keys: Vec<Vec<SqlValue>> =
        chosen.map(|(document, _)| target.key.iter().map(|index| document.row[*index].clone()).collect()).collect();
    let same: Vec<String> = target
        .key
        .iter()
        .enumerate()
        .map(|(place, index)| sql::equal(&target.table, &target.columns[*index], place))
        .collect();
    let mut statements = copy(row, &target.table, &same.join(" AND "), &keys, when);
    for (index, log) in children.iter().enumerate() {
        let Some(child) = target.children.get(index) else { continue };
        let chosen = documents.iter().filter(|(_, write)| {
            let write = write.children.get(index).copied().unwrap_or_default();
            if when == Fill::Before { write.delete > 0 } else { write.insert }
        });
        let links: Vec<Vec<SqlValue>> = chosen.map(|(document, _)| link(plan, index, document)).collect();
        statements.extend(copy(log, &child.table, &sql::same_parent(child), &links, when));
    }
    statements
}

fn copy(log: &Logged, table: &str, same: &str, values: &[Vec<SqlValue>], when: Fill) -> Vec<Statement> {
    let width = values.first().map_or(0, Vec::len);
    let statements = |piece: Piece| {
        let from = format!("({}) AS {} CROSS JOIN {}", piece.select(), sql::ROWS, quote(table));
        let texts = log.fill(when, &from, same).into_iter();
        texts.map(|text| Statement::new(text, piece.values.clone())).collect::<Vec<_>>()
    };
    pieces(width, values.iter().map(Vec::as_slice), usize::MAX).into_iter().flat_map(statements).collect()
}
