//! The statements of documents, many documents to a statement, with what each must change.

use super::fate::{Outcome, Place, Remember, RowWrite, Write};
use super::session::TargetPlan;
use super::sql;
use crate::destination::OnConflict;
use crate::destination::libsql::records::seen;
use crate::destination::libsql::refusal::Spot;
use crate::destination::libsql::remote::encode::{Piece, pieces};
use crate::destination::libsql::statement::Statement;
use crate::domain::row::{MappedDocument, SqlValue};

/// One statement of a unit.
#[derive(Debug, Clone)]
pub(super) struct UnitStep {
    pub statement: Statement,
    /// Rows that it must change; fewer are a failure.
    pub expect: Option<u64>,
    /// What it is about, if it is about one document.
    pub place: Place,
}

/// A document and what is written of it.
pub(super) type Writing<'a> = (&'a MappedDocument, &'a Write);

/// The statements that write the documents, as one unit. With `apart`, every child row has a statement of its own, so that
/// the one that fails is known.
pub(super) fn statements(plan: &TargetPlan, documents: &[Writing<'_>], apart: bool) -> Vec<UnitStep> {
    let mut steps = Vec::new();
    let existing = documents.iter().filter(|(_, write)| write.remember == Remember::MustBeNew);
    remember(plan, existing, &mut steps);
    update(plan, documents, &mut steps);
    insert(plan, documents, &mut steps);
    for index in 0..plan.children.len() {
        replace_children(plan, index, documents, apart, &mut steps);
    }
    let inserted = documents.iter().filter(|(_, write)| write.remember == Remember::Keep);
    remember(plan, inserted, &mut steps);
    steps
}

fn remember<'a>(plan: &TargetPlan, documents: impl Iterator<Item = &'a Writing<'a>>, steps: &mut Vec<UnitStep>) {
    let Some(owner) = plan.owner else { return };
    let mut conflict = "";
    let rows: Vec<Vec<SqlValue>> = documents
        .map(|(document, write)| {
            // An inserted row's key may be known already; an existing one's may not.
            conflict = if write.remember == Remember::Keep { " WHERE true ON CONFLICT DO NOTHING" } else { "" };
            vec![SqlValue::Integer(owner), SqlValue::Blob(seen::key(&plan.target, document))]
        })
        .collect();
    let columns = ["owner".to_owned(), "key".to_owned()];
    for piece in pieces(2, rows.iter().map(Vec::as_slice), usize::MAX) {
        let mut statement = sql::insert("_fireferry_seen", &columns, piece);
        statement.sql.to_mut().push_str(conflict);
        steps.push(UnitStep { statement, expect: None, place: Place::Seen });
    }
}

fn update(plan: &TargetPlan, documents: &[Writing<'_>], steps: &mut Vec<UnitStep>) {
    if plan.target.on_conflict == OnConflict::Merge {
        return update_merged(plan, documents, steps);
    }
    for piece in rows_of(plan, documents, RowWrite::Update) {
        let expect = Some(piece.rows as u64);
        if let Some(statement) = sql::update(&plan.target, piece) {
            steps.push(UnitStep { statement, expect, place: Place::Update });
        }
    }
}

fn update_merged(plan: &TargetPlan, documents: &[Writing<'_>], steps: &mut Vec<UnitStep>) {
    let merged = documents.iter().filter_map(|(_, write)| write.merged.as_ref());
    let rows: Vec<Vec<SqlValue>> = merged.map(|merged| [merged.row.as_slice(), &merged.stored].concat()).collect();
    for piece in pieces(2 * plan.target.columns.len(), rows.iter().map(Vec::as_slice), usize::MAX) {
        let expect = Some(piece.rows as u64);
        if let Some(statement) = sql::update_merged(&plan.target, piece) {
            steps.push(UnitStep { statement, expect, place: Place::Update });
        }
    }
}

fn insert(plan: &TargetPlan, documents: &[Writing<'_>], steps: &mut Vec<UnitStep>) {
    for piece in rows_of(plan, documents, RowWrite::Insert) {
        let expect = Some(piece.rows as u64);
        let statement = sql::insert_new(&plan.target, piece);
        steps.push(UnitStep { statement, expect, place: Place::At(Spot::Row) });
    }
}

fn rows_of(plan: &TargetPlan, documents: &[Writing<'_>], what: RowWrite) -> Vec<Piece> {
    let chosen = documents.iter().filter(|(_, write)| write.row == what);
    let mut rows: Vec<&[SqlValue]> = chosen.map(|(document, _)| document.row.as_slice()).collect();
    // In the order of the key, every page of its index is visited once per commit: half of the server's work.
    let key = |row| keys(&plan.target.key, row);
    rows.sort_by(|a, b| key(a).cmp(key(b)));
    pieces(plan.target.columns.len(), rows.iter().copied(), usize::MAX)
}

fn keys<'a>(key: &'a [usize], row: &'a [SqlValue]) -> impl Iterator<Item = (u8, i64, &'a [u8])> {
    key.iter().map(|index| bytes(&row[*index]))
}

fn bytes(value: &SqlValue) -> (u8, i64, &[u8]) {
    match value {
        SqlValue::Null => (0, 0, &[]),
        SqlValue::Integer(number) => (1, *number, &[]),
        SqlValue::Real(_) => (2, 0, &[]),
        SqlValue::Text(text) => (3, 0, text.as_bytes()),
        SqlValue::Blob(bytes) => (4, 0, bytes),
    }
}

fn replace_children(
    plan: &TargetPlan,
    index: usize,
    documents: &[Writing<'_>],
    apart: bool,
    steps: &mut Vec<UnitStep>,
) {
    let child = &plan.children[index];
    let written = |write: &Write| write.children.get(index).copied().unwrap_or_default();
    let emptied = documents.iter().filter(|(_, write)| written(write).delete > 0);
    let stored: u64 = emptied.clone().map(|(_, write)| written(write).delete).sum();
    let links: Vec<Vec<SqlValue>> = emptied.map(|(document, _)| link(plan, index, document)).collect();
    // One piece after another; the sum is only known of all of them, so the first one of several is not checked.
    let deletions = pieces(child.child.link.len(), links.iter().map(Vec::as_slice), usize::MAX);
    let expect = (deletions.len() == 1).then_some(stored);
    for piece in deletions {
        let statement = sql::delete_children(&child.child, &child.table, piece);
        steps.push(UnitStep { statement, expect, place: Place::At(Spot::Links(index)) });
    }
    let rows = documents
        .iter()
        .filter(|(_, write)| written(write).insert)
        .flat_map(|(document, _)| document.children.get(index).into_iter().flatten());
    let most = if apart { 1 } else { usize::MAX };
    let insertions = pieces(child.child.columns.len(), rows.map(Vec::as_slice), most);
    for (position, piece) in insertions.into_iter().enumerate() {
        let expect = Some(piece.rows as u64);
        let statement = sql::insert(&child.child.table, &child.child.columns, piece);
        let place = Place::At(Spot::Child(index, position));
        steps.push(UnitStep { statement, expect, place });
    }
}

/// The values that link a document's child rows to it.
pub(super) fn link(plan: &TargetPlan, index: usize, document: &MappedDocument) -> Vec<SqlValue> {
    plan.children[index].child.link.iter().map(|(_, parent)| document.row[*parent].clone()).collect()
}

/// Whether anything is written of a document.
pub(super) fn is_silent(write: &Write) -> bool {
    write.remember == Remember::No
        && matches!(write.outcome, Outcome::Unchanged | Outcome::Skipped)
        && write.row == RowWrite::Keep
        && write.children.iter().all(|child| child.delete == 0 && !child.insert)
}
