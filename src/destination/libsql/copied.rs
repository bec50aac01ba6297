//! Reading a whole table page by page, in the order of what tells its rows apart: the same for a file and for a server.

use super::failure::Failure;
use super::sql::{list, quote};
use super::statement::{Statement, number, text, typed, value};
use crate::domain::row::{Row, SqlValue};

/// Rows in the first page of a table.
const FIRST: usize = 500;
/// Rows in a page at most.
const MOST: usize = 10_000;
/// Bytes of values that a page should hold; servers send at most 10 MB, and base64 makes 4 bytes of 3.
pub(super) const PAGE_BYTES: usize = 3 << 20;
/// Bytes of a large value that are read at once.
pub(super) const PART_BYTES: usize = 4 << 20;

/// What is copied of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Copied {
    /// Its name.
    pub(super) table: String,
    /// Columns that are read and written, in order; the rowid first where it has a name of its own.
    pub(super) columns: Vec<String>,
    /// Columns that tell the rows apart and order them.
    pub(super) identity: Vec<String>,
}

/// Where reading of a table stands, and how many rows the next page takes.
#[derive(Debug, Clone)]
pub(super) struct Position {
    after: Option<Vec<SqlValue>>,
    skipped: u64,
    page: usize,
}

impl Default for Position {
    fn default() -> Self {
        Self { after: None, skipped: 0, page: FIRST }
    }
}

impl Position {
    /// Behind the first so many rows.
    pub(super) fn behind(rows: u64) -> Self {
        Self { skipped: rows, ..Self::default() }
    }

    /// Makes the next page smaller; false when it is one row already.
    pub(super) fn shrink(&mut self) -> bool {
        let shrinks = self.page > 1;
        // An answer that is too large costs as much as one that is not.
        self.page = (self.page / 16).max(1);
        shrinks
    }

    /// The next page.
    pub(super) fn select(&self, table: &Copied) -> Statement {
        let columns: Vec<String> = table.columns.iter().map(|column| quote(column)).collect();
        let values: Vec<String> = columns.iter().map(|column| readable(column)).collect();
        self.ordered(table, &format!("{}, {}", initials(&columns), values.join(", ")), self.page)
    }

    /// The next row without its large values: the type, the length in bytes and the value of every column.
    pub(super) fn outline(&self, table: &Copied) -> Statement {
        let large = PART_BYTES / table.columns.len().max(1);
        let column = |name: &String| {
            let name = quote(name);
            let length = format!("length(CAST({name} AS BLOB))");
            let is_large = format!("typeof({name}) IN ('text', 'blob') AND {length} > {large}");
            let small = format!("CASE WHEN {is_large} THEN NULL ELSE {name} END");
            let value = readable(&small);
            format!("CASE WHEN {is_large} THEN typeof({name}) END, {length}, {}, {value}", initial(&small))
        };
        let columns: Vec<String> = table.columns.iter().map(column).collect();
        self.ordered(table, &columns.join(", "), 1)
    }

    fn ordered(&self, table: &Copied, selected: &str, rows: usize) -> Statement {
        let mut values = self.after.clone().unwrap_or_default();
        let after = if values.is_empty() {
            String::new()
        } else {
            format!("WHERE ({}) > ({})", list(&table.identity), parameters(values.len()))
        };
        values.push(number(rows as u64));
        values.push(number(if self.after.is_some() { 0 } else { self.skipped }));
        let sql = format!(
            "SELECT {selected} FROM {} {after} ORDER BY {} LIMIT ?{} OFFSET ?{}",
            quote(&table.table),
            list(&table.identity),
            values.len() - 1,
            values.len()
        );
        Statement::new(sql, values)
    }

    /// These rows were read.
    pub(super) fn advance(&mut self, table: &Copied, rows: &[Row]) {
        let Some(last) = rows.last() else { return };
        self.after = Some(table.identity_of(last));
        let bytes: usize = rows.iter().map(size).sum();
        let fitting = rows.len() * PAGE_BYTES / bytes.max(1);
        self.page = fitting.clamp(1, (self.page * 4).min(MOST));
    }
}

impl Copied {
    /// The values that tell the row apart.
    pub(super) fn identity_of(&self, row: &Row) -> Vec<SqlValue> {
        let places = self.identity.iter().filter_map(|name| self.columns.iter().position(|column| column == name));
        places.filter_map(|index| row.get(index).cloned()).collect()
    }

    /// Some bytes of a large value: from the one with this number (from 1) on.
    pub(super) fn part(&self, column: &str, identity: &[SqlValue], from: usize) -> Statement {
        let mut values = identity.to_vec();
        values.extend([number(from as u64), number(PART_BYTES as u64)]);
        let sql = format!(
            "SELECT substr(CAST({} AS BLOB), ?{}, ?{}) FROM {} WHERE ({}) = ({})",
            quote(column),
            values.len() - 1,
            values.len(),
            quote(&self.table),
            list(&self.identity),
            parameters(identity.len())
        );
        Statement::new(sql, values)
    }

    /// `INSERT INTO … (columns)`.
    pub(super) fn insert(&self) -> String {
        format!("INSERT OR ABORT INTO {} ({})", quote(&self.table), list(&self.columns))
    }
}

/// A row of [`Position::select`].
pub(super) fn decode(row: &[SqlValue], table: &Copied) -> Result<Row, Failure> {
    let initials = text(row, 0)?;
    let values = (1..=table.columns.len()).map(|column| value(row, column));
    initials.bytes().zip(values).map(|(initial, value)| value_of(initial, value?)).collect()
}

/// A value of a row of [`Position::outline`].
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Outlined {
    /// It.
    Whole(SqlValue),
    /// Of this type and length; it comes in parts.
    Large {
        /// `text` or `blob`.
        kind: String,
        /// In bytes.
        length: usize,
    },
}

/// A row of [`Position::outline`].
pub(super) fn decode_outline(row: &[SqlValue], table: &Copied) -> Result<Vec<Outlined>, Failure> {
    let column = |index: usize| match (value(row, index * 4)?, value(row, index * 4 + 1)?) {
        (SqlValue::Text(kind), SqlValue::Integer(length)) => {
            Ok(Outlined::Large { kind: kind.clone(), length: usize::try_from(*length).unwrap_or_default() })
        }
        _ => {
            let initial = text(row, index * 4 + 2)?.bytes().next().unwrap_or(b'n');
            value_of(initial, value(row, index * 4 + 3)?).map(Outlined::Whole)
        }
    };
    (0..table.columns.len()).map(column).collect()
}

/// The value whose bytes these are.
pub(super) fn joined(kind: &str, bytes: Vec<u8>) -> Result<SqlValue, Failure> {
    typed(&SqlValue::Text(kind.to_owned()), SqlValue::Blob(bytes))
}

/// Bytes that a row's values take, about.
pub(super) fn size(row: &Row) -> usize {
    let of = |value: &SqlValue| match value {
        SqlValue::Text(text) => text.len() + 8,
        SqlValue::Blob(bytes) => bytes.len() + 8,
        _ => 8,
    };
    row.iter().map(of).sum()
}

/// The first letter of a value's type.
fn initial(expression: &str) -> String {
    format!("substr(typeof({expression}), 1, 1)")
}

/// Those of several values in one text, which is far shorter in JSON than a text each. In groups, because the depth of
/// an expression is limited.
fn initials(expressions: &[String]) -> String {
    let group = |group: &[String]| {
        let letters: Vec<String> = group.iter().map(|expression| initial(expression)).collect();
        format!("({})", letters.join(" || "))
    };
    expressions.chunks(100).map(group).collect::<Vec<_>>().join(" || ")
}

/// A value as every way to a database carries it: text as bytes, and infinities, which JSON does not know.
fn readable(expression: &str) -> String {
    format!(
        "CASE typeof({expression}) WHEN 'text' THEN CAST({expression} AS BLOB) WHEN 'real' THEN
         CASE WHEN {expression} <> 0 AND {expression} = {expression} * 0.5 THEN CAST({expression} AS BLOB)
         ELSE {expression} END ELSE {expression} END"
    )
}

/// The value behind [`initial`] and [`readable`].
fn value_of(initial: u8, value: &SqlValue) -> Result<SqlValue, Failure> {
    match (initial, value) {
        (b't', SqlValue::Blob(bytes)) => joined("text", bytes.clone()),
        (b'r', SqlValue::Blob(bytes)) if bytes.starts_with(b"-") => Ok(SqlValue::Real(f64::NEG_INFINITY)),
        (b'r', SqlValue::Blob(_)) => Ok(SqlValue::Real(f64::INFINITY)),
        _ => Ok(value.clone()),
    }
}

fn parameters(count: usize) -> String {
    (1..=count).map(|number| format!("?{number}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Copied {
        Copied { table: "t".into(), columns: vec!["rowid".into(), "a".into()], identity: vec!["rowid".into()] }
    }

    #[test]
    fn a_page_goes_on_after_the_last_row_and_grows_with_small_rows() {
        let mut position = Position::behind(7);
        assert_eq!(position.select(&table()).values, [500, 7].map(SqlValue::Integer));
        position.advance(&table(), &[vec![SqlValue::Integer(9), "x".into()]]);
        let next = position.select(&table());
        assert_eq!(next.values, [9, 2000, 0].map(SqlValue::Integer));
        assert!(next.sql.contains("WHERE (\"rowid\") > (?1) ORDER BY \"rowid\" LIMIT ?2 OFFSET ?3"), "{}", next.sql);
    }

    #[test]
    fn pages_of_large_rows_are_small() {
        let mut position = Position::default();
        position.advance(&table(), &[vec![SqlValue::Integer(9), SqlValue::Blob(vec![0; PAGE_BYTES / 2])]]);
        assert_eq!(position.page, 1);
        assert!(!position.shrink());
    }

    #[test]
    fn infinities_come_as_bytes() {
        let row = ["rr".into(), b"-Inf".to_vec().into(), SqlValue::Real(0.5)];
        assert_eq!(decode(&row, &table()).ok(), Some(vec![SqlValue::Real(f64::NEG_INFINITY), SqlValue::Real(0.5)]));
    }

    #[test]
    fn only_what_was_text_becomes_text_again() {
        let row = ["tb".into(), b"a".to_vec().into(), b"a".to_vec().into()];
        assert_eq!(decode(&row, &table()).ok(), Some(vec!["a".into(), b"a".to_vec().into()]));
        assert!(decode(&["tb".into(), vec![0xff].into(), vec![0xff].into()], &table()).is_err());
    }

    #[test]
    fn a_large_value_is_only_outlined() {
        let row = [
            SqlValue::Null,
            SqlValue::Integer(1),
            "i".into(),
            SqlValue::Integer(5),
            "blob".into(),
            SqlValue::Integer(9_000_000),
            "n".into(),
            SqlValue::Null,
        ];
        let outlined = decode_outline(&row, &table()).unwrap_or_default();
        let large = Outlined::Large { kind: "blob".into(), length: 9_000_000 };
        assert_eq!(outlined, [Outlined::Whole(SqlValue::Integer(5)), large]);
    }
}
