//! Statements about many rows at once: the rows come as a [`Piece`] and are called `_fireferry_rows` (columns `c0`, `c1`, …).

use crate::destination::libsql::existing::{differs, document_wins, others, question};
use crate::destination::libsql::remote::encode::Piece;
use crate::destination::libsql::sql::{exact, list, quote};
use crate::destination::libsql::statement::Statement;
use crate::destination::{ChildTarget, Target};
use crate::domain::row::SqlValue;
use crate::domain::schema::Table;

/// What the rows of a piece are called.
pub(super) const ROWS: &str = "_fireferry_rows";

/// Inserts the rows. `OR ABORT` overrides conflict clauses of the schema, which could delete other rows.
pub(super) fn insert(table: &str, columns: &[String], piece: Piece) -> Statement {
    Statement::new(insert_text(table, columns, &piece), piece.values)
}

/// Inserts the rows unless their key exists.
pub(super) fn insert_new(target: &Target, piece: Piece) -> Statement {
    let key = list(target.key.iter().map(|index| &target.columns[*index]));
    // Without WHERE, `ON` would belong to a join.
    let text =
        format!("{} WHERE true ON CONFLICT ({key}) DO NOTHING", insert_text(&target.table, &target.columns, &piece));
    Statement::new(text, piece.values)
}

fn insert_text(table: &str, columns: &[String], piece: &Piece) -> String {
    let values = piece.columns.join(", ");
    format!("INSERT OR ABORT INTO {} ({}) SELECT {values}{}", quote(table), list(columns), piece.from)
}

/// Makes the mapped columns of existing rows equal, where the document still wins. `None` when all of them are key.
pub(super) fn update(target: &Target, piece: Piece) -> Option<Statement> {
    let wins = document_wins(target, &own(target), &of_document);
    update_where(target, piece, wins.unwrap_or_else(|| "true".to_owned()))
}

/// Makes the mapped columns equal to the first half of a row, where they still are equal to its second half.
pub(super) fn update_merged(target: &Target, piece: Piece) -> Option<Statement> {
    let (column, width) = (own(target), target.columns.len());
    let same = |index: usize| {
        let (column, stored) = (column(index), of_document(width + index));
        format!("{column} COLLATE BINARY IS {stored} AND typeof({column}) = typeof({stored})")
    };
    update_where(target, piece, others(target).map(same).collect::<Vec<_>>().join(" AND "))
}

fn update_where(target: &Target, piece: Piece, condition: String) -> Option<Statement> {
    let set: Vec<String> =
        others(target).map(|index| format!("{} = {}", quote(&target.columns[index]), of_document(index))).collect();
    let text = format!(
        "UPDATE OR ABORT {} SET {} FROM ({}) AS {ROWS} WHERE {} AND {condition}",
        quote(&target.table),
        set.join(", "),
        piece.select(),
        same_key(target)
    );
    (!set.is_empty()).then(|| Statement::new(text, piece.values))
}

/// For every row whose key exists: its number in the piece, and how it stands to the document (see `existing`).
pub(super) fn compare(target: &Target, piece: Piece) -> Statement {
    let question = question(target, &own(target), &of_document);
    let text = format!(
        "SELECT {ROWS}.number, {question} FROM ({}) AS {ROWS} JOIN {} ON {}",
        numbered(&piece),
        quote(&target.table),
        same_key(target)
    );
    Statement::new(text, piece.values)
}

/// The numbers of the rows that are not stored so: no row has their key, or it differs.
pub(in super::super) fn unlike(target: &Target, piece: Piece) -> Statement {
    let absent = target.key.first().map(|index| column_of(&target.table, &target.columns[*index])).unwrap_or_default();
    let text = format!(
        "SELECT {ROWS}.number FROM ({}) AS {ROWS} LEFT JOIN {} ON {} WHERE {absent} IS NULL OR {}",
        numbered(&piece),
        quote(&target.table),
        same_key(target),
        unequal(target)
    );
    Statement::new(text, piece.values)
}

/// The numbers of the documents whose stored child rows are not these, as sets: a row of one side without one of the other
/// leaves a sum that is not 0. `own` are the rows, each after its document's number; `links` are the documents' linked values.
pub(in super::super) fn unlike_children(child: &ChildTarget, own: Option<Piece>, links: Piece) -> Statement {
    let names: Vec<String> = (0..child.columns.len()).map(|index| format!("v{index}")).collect();
    let stored: Vec<String> = child.columns.iter().map(|column| column_of(&child.table, column)).collect();
    let mut sides = vec![format!(
        "SELECT {ROWS}.number AS n, -1 AS side, {} FROM ({}) AS {ROWS} JOIN {} ON {}",
        named(&stored, &names),
        numbered(&links),
        quote(&child.table),
        same_parent(child)
    )];
    let mut values = links.values.clone();
    if let Some(own) = own {
        values.extend(own.values.iter().cloned());
        // One parameter: the pieces of several parameters are rows too large for this question.
        let select = own.select().replace("?1", "?2");
        let own: Vec<String> = (1..=names.len()).map(|index| format!("{ROWS}.c{index}")).collect();
        sides.push(format!("SELECT {ROWS}.c0, 1, {} FROM ({select}) AS {ROWS}", own.join(", ")));
    }
    let groups: Vec<String> = names.iter().map(|name| format!("typeof({name}), {name} COLLATE BINARY")).collect();
    let text = format!(
        "SELECT DISTINCT n FROM (SELECT n, sum(side) AS sum FROM ({}) GROUP BY n, {}) WHERE sum <> 0",
        sides.join(" UNION ALL "),
        groups.join(", ")
    );
    Statement::new(text, values)
}

/// The rows with these keys: their number, then the mapped columns, exactly.
pub(in super::super) fn select_rows(target: &Target, keys: Piece) -> Statement {
    let columns: Vec<String> = target.columns.iter().map(|column| exact(&column_of(&target.table, column))).collect();
    let key = target.key.iter().enumerate();
    let key: Vec<String> = key.map(|(place, index)| equal(&target.table, &target.columns[*index], place)).collect();
    let text = format!(
        "SELECT {ROWS}.number, {} FROM ({}) AS {ROWS} JOIN {} ON {}",
        columns.join(", "),
        numbered(&keys),
        quote(&target.table),
        key.join(" AND ")
    );
    Statement::new(text, keys.values)
}

fn named(expressions: &[String], names: &[String]) -> String {
    expressions
        .iter()
        .zip(names)
        .map(|(expression, name)| format!("{expression} AS {name}"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// For every stored child row of the documents in the piece (their linked values): the document's number in the piece,
/// then the mapped columns, exactly.
pub(in super::super) fn select_children(child: &ChildTarget, piece: Piece) -> Statement {
    let columns: Vec<String> = child.columns.iter().map(|column| exact(&column_of(&child.table, column))).collect();
    let text = format!(
        "SELECT {ROWS}.number, {} FROM ({}) AS {ROWS} JOIN {} ON {}",
        columns.join(", "),
        numbered(&piece),
        quote(&child.table),
        same_parent(child)
    );
    Statement::new(text, piece.values)
}

/// Deletes the child rows of the documents in the piece (their linked values).
pub(super) fn delete_children(child: &ChildTarget, table: &Table, piece: Piece) -> Statement {
    let identity: Vec<String> = match table.without_rowid {
        true => table.primary_key.iter().map(|column| column_of(&child.table, column)).collect(),
        false => vec![format!("{}.{}", quote(&child.table), rowid(table))],
    };
    let identity = identity.join(", ");
    let name = quote(&child.table);
    let text = format!(
        "DELETE FROM {name} WHERE ({identity}) IN (SELECT {identity} FROM ({}) AS {ROWS} JOIN {name} ON {})",
        piece.select(),
        same_parent(child)
    );
    Statement::new(text, piece.values)
}

/// A name of the rowid that is no column's.
fn rowid(table: &Table) -> &'static str {
    ["rowid", "_rowid_", "oid"].into_iter().find(|name| table.column(name).is_none()).unwrap_or("rowid")
}

/// Fails the transaction unless the statement before changed so many rows.
pub(in super::super) fn changed(rows: u64) -> Statement {
    let rows = SqlValue::Integer(i64::try_from(rows).unwrap_or(i64::MAX));
    Statement::new("SELECT CASE WHEN changes() = ?1 THEN 1 ELSE abs(-9223372036854775807 - 1) END", vec![rows])
}

/// The rows of a piece with their numbers, from 0.
fn numbered(piece: &Piece) -> String {
    let number = if piece.from.is_empty() { "0" } else { "key" };
    let select = piece.select();
    select.replacen("SELECT ", &format!("SELECT {number} AS number, "), 1)
}

/// The table's columns by their index.
fn own(target: &Target) -> impl Fn(usize) -> String {
    |index| column_of(&target.table, &target.columns[index])
}

/// The values of the rows that come, by their index.
fn of_document(index: usize) -> String {
    format!("{ROWS}.c{index}")
}

/// The one equality, negated; `0` where every column is key.
fn unequal(target: &Target) -> String {
    let own = own(target);
    let differences: Vec<String> = others(target).map(|index| differs(&own(index), &of_document(index))).collect();
    if differences.is_empty() { "0".to_owned() } else { differences.join(" OR ") }
}

fn column_of(table: &str, column: &str) -> String {
    format!("{}.{}", quote(table), quote(column))
}

fn same_key(target: &Target) -> String {
    let parts: Vec<String> =
        target.key.iter().map(|index| equal(&target.table, &target.columns[*index], *index)).collect();
    parts.join(" AND ")
}

pub(super) fn same_parent(child: &ChildTarget) -> String {
    let columns = child.link.iter().enumerate();
    let parts: Vec<String> =
        columns.map(|(position, (column, _))| equal(&child.table, &child.columns[*column], position)).collect();
    parts.join(" AND ")
}

/// The first comparison finds the row by its index, the second is exact under any collation of the column.
pub(super) fn equal(table: &str, column: &str, number: usize) -> String {
    let column = column_of(table, column);
    format!(
        "{column} = {ROWS}.c{number} AND {column} COLLATE BINARY = {ROWS}.c{number} \
         AND typeof({column}) = typeof({ROWS}.c{number})"
    )
}
