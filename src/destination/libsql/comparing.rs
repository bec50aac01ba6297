//! The one equality, and what is asked to find out by it what differs: the same for a file and for a server.
//!
//! A row is equal when every mapped column has the same type and the same value under BINARY ([`super::sql::compare_row`]); the child
//! rows of a document are a set. "Unchanged" of a write and "consistent" of a comparison are this and nothing else.

use std::cmp::Ordering;

use super::failure::Failure;
use super::sql::{exact, list, quote};
use super::statement::{Statement, number, typed, value};
use crate::destination::{Among, FoundRow, Scan, ScannedRow};
use crate::domain::encode::encode;
use crate::domain::row::{Row, SqlValue};
use crate::domain::schema::Table;
use crate::error::{Error, ErrorKind};

/// Whether the stored child rows are the document's.
pub(super) fn same_rows(stored: &[Row], own: &[Row]) -> bool {
    stored.len() == own.len() && sorted(stored) == sorted(own)
}

/// The rows as comparable bytes, in an order of their own.
fn sorted(rows: &[Row]) -> Vec<Vec<u8>> {
    let mut encoded: Vec<Vec<u8>> = rows.iter().map(encode).collect();
    encoded.sort_unstable();
    encoded
}

/// The document's rows that are not stored, and the stored ones that are not the document's.
pub(super) fn unlike_rows(stored: Vec<Row>, own: &[Row]) -> (Vec<Row>, Vec<Row>) {
    let keyed = |rows: &mut Vec<(Vec<u8>, Row)>| rows.sort_by(|a, b| a.0.cmp(&b.0));
    let mut stored: Vec<(Vec<u8>, Row)> = stored.into_iter().map(|row| (encode(&row), row)).collect();
    let mut own: Vec<(Vec<u8>, Row)> = own.iter().map(|row| (encode(row), row.clone())).collect();
    keyed(&mut stored);
    keyed(&mut own);
    let (mut stored, mut own) = (stored.into_iter().peekable(), own.into_iter().peekable());
    let (mut missing, mut extra) = (Vec::new(), Vec::new());
    loop {
        let order = match (own.peek(), stored.peek()) {
            (Some(own), Some(stored)) => own.0.cmp(&stored.0),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return (missing, extra),
        };
        let own = if order.is_le() { own.next() } else { None };
        let stored = if order.is_ge() { stored.next() } else { None };
        if order.is_ne() {
            missing.extend(own.map(|(_, row)| row));
            extra.extend(stored.map(|(_, row)| row));
        }
    }
}

/// The columns of a stored row that are not the document's.
pub(super) fn changed(row: &Row, stored: Row) -> FoundRow {
    let pairs = row.iter().zip(stored).enumerate();
    FoundRow::Changed(
        pairs.filter(|(_, (own, stored))| *own != stored).map(|(index, (_, stored))| (index, stored)).collect(),
    )
}

/// As many values selected by [`exact`]. Text that is not valid UTF-8, which only damage can make, is given as its bytes:
/// equal to no text.
pub(super) fn stored_row(row: &[SqlValue], values: usize) -> Result<Row, Failure> {
    (0..values).map(|index| Ok(stored_value(value(row, index * 2)?, value(row, index * 2 + 1)?.clone()))).collect()
}

/// The value behind the two columns of [`exact`], as [`stored_row`] gives it.
pub(super) fn stored_value(kind: &SqlValue, value: SqlValue) -> SqlValue {
    match value {
        SqlValue::Blob(bytes) if std::str::from_utf8(&bytes).is_err() => SqlValue::Blob(bytes),
        value => typed(kind, value).unwrap_or(SqlValue::Null),
    }
}

/// What tells the rows of a table apart, and orders them.
pub(super) fn identity(table: &Table) -> Result<Vec<String>, Failure> {
    if table.without_rowid {
        return Ok(table.primary_key.clone());
    }
    let name = ["rowid", "_rowid_", "oid"].into_iter().find(|name| table.column(name).is_none());
    let name = name.ok_or_else(|| Failure::internal(format!("table {} hides its row ids", table.name)))?;
    Ok(vec![name.to_owned()])
}

/// The next rows of a scan, at most `limit`.
pub(super) fn scan(scan: &Scan, identity: &[String], limit: usize) -> Statement {
    let columns: Vec<String> = identity.iter().chain(&scan.columns).map(|column| exact(&own(column))).collect();
    let mut values = Vec::new();
    let (with, from) = scan.among.as_ref().map(|among| looked_for(among, &mut values)).unwrap_or_default();
    let order = identity.iter().map(|column| own(column)).collect::<Vec<_>>().join(", ");
    let after = match &scan.after {
        None => String::new(),
        Some(after) => {
            let first = values.len() + 1;
            values.extend(after.iter().cloned());
            format!(" WHERE ({order}) > ({})", parameters(first, after.len()))
        }
    };
    let on = scan.among.as_ref().map(equal_to).unwrap_or_default();
    values.push(number(limit as u64));
    let (table, columns) = (quote(&scan.table), columns.join(", "));
    let sql = format!(
        "{with}SELECT {columns} FROM {from}{table} AS {OWN}{on}{after} ORDER BY {order} LIMIT ?{}",
        values.len()
    );
    Statement::new(sql, values)
}

/// The table that is scanned, beside the values that it is searched for.
const OWN: &str = "\"_fireferry_own\"";
const WANTED: &str = "\"_fireferry_wanted\"";

fn own(column: &str) -> String {
    format!("{OWN}.{}", quote(column))
}

/// The name of the so manyth column of the values.
fn wanted(number: usize) -> String {
    format!("\"_fireferry_{number}\"")
}

/// The values as a table that comes first, so that each is looked up in an index; a list of pairs (`IN`) would read the
/// whole table. They are added to the parameters.
fn looked_for(among: &Among, values: &mut Vec<SqlValue>) -> (String, String) {
    let mut tuples = Vec::with_capacity(among.values.len());
    for tuple in &among.values {
        tuples.push(format!("({})", parameters(values.len() + 1, tuple.len())));
        values.extend(tuple.iter().cloned());
    }
    let names: Vec<String> = (0..among.columns.len()).map(wanted).collect();
    let (names, number) = (names.join(", "), tuples.len());
    // Without the limit SQLite takes it for a large table, and reads the other one whole for a filter.
    let select = format!("SELECT * FROM (VALUES {}) LIMIT {number}", tuples.join(", "));
    let with = format!("WITH {WANTED} ({names}) AS ({select}) ");
    (with, format!("{WANTED} CROSS JOIN "))
}

/// The first comparison finds rows by the index, the second is exact under any collation of the column.
fn equal_to(among: &Among) -> String {
    let equal = |(number, column): (usize, &String)| {
        let (column, wanted) = (own(column), wanted(number));
        format!("{column} = {wanted} AND {column} COLLATE BINARY = {wanted}")
    };
    format!(" ON {}", among.columns.iter().enumerate().map(equal).collect::<Vec<_>>().join(" AND "))
}

/// A row of [`scan`].
pub(super) fn scanned(row: &[SqlValue], identity: usize, columns: usize) -> Result<ScannedRow, Failure> {
    let mut whole = stored_row(row, identity + columns)?;
    let values = whole.split_off(identity);
    Ok(ScannedRow { identity: whole, values })
}

/// Deletes a scanned row, if it still is as it was.
pub(super) fn delete(table: &str, identity: &[String], columns: &[String], row: &ScannedRow) -> Statement {
    let known = identity.len();
    let mut conditions = vec![format!("({}) = ({})", list(identity), parameters(1, known))];
    for (position, column) in columns.iter().enumerate() {
        let (column, number) = (quote(column), known + position + 1);
        conditions.push(format!("{column} COLLATE BINARY IS ?{number} AND typeof({column}) = typeof(?{number})"));
    }
    let sql = format!("DELETE FROM {} WHERE {}", quote(table), conditions.join(" AND "));
    Statement::new(sql, row.identity.iter().chain(&row.values).cloned().collect())
}

/// Rows were to be deleted, and none was.
pub(super) fn delete_refused(table: &str, why: &str) -> Error {
    Error::new(ErrorKind::Destination, "delete_refused", format!("the extra rows of {table} were not deleted: {why}"))
        .hint("nothing was deleted; delete them yourself, or what refers to them first, and verify again")
}

fn parameters(first: usize, count: usize) -> String {
    (first..first + count).map(|number| format!("?{number}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(numbers: &[i64]) -> Vec<Row> {
        numbers.iter().map(|number| vec![SqlValue::Integer(*number)]).collect()
    }

    #[test]
    fn child_rows_are_compared_as_sets_in_which_a_row_may_be_several_times() {
        assert!(same_rows(&rows(&[1, 2, 2]), &rows(&[2, 1, 2])));
        assert!(!same_rows(&rows(&[1, 2, 2]), &rows(&[1, 1, 2])));
        assert_eq!(unlike_rows(rows(&[3, 2, 2]), &rows(&[1, 2, 3])), (rows(&[1]), rows(&[2])));
        assert_eq!(unlike_rows(rows(&[]), &rows(&[5, 4])), (rows(&[4, 5]), rows(&[])));
        assert_eq!(unlike_rows(rows(&[7, 7]), &rows(&[7])), (rows(&[]), rows(&[7])));
    }

    #[test]
    fn rows_that_are_looked_for_are_searched_by_their_columns() {
        let among = Among { columns: vec!["a".into(), "b".into()], values: vec![vec!["x".into(), 1.into()]; 2] };
        let wanted = Scan {
            table: "t".into(),
            columns: vec!["c".into()],
            after: Some(vec![7.into()]),
            among: Some(among),
            limit: None,
        };
        let found = scan(&wanted, &["rowid".into()], 5);
        let sql = found.sql.replace("_fireferry_", "");
        assert!(sql.contains("(VALUES (?1, ?2), (?3, ?4)) LIMIT 2"), "{sql}");
        assert!(sql.contains("CROSS JOIN \"t\" AS \"own\" ON \"own\".\"a\" = \"0\" AND"), "{sql}");
        assert!(sql.ends_with("WHERE (\"own\".\"rowid\") > (?5) ORDER BY \"own\".\"rowid\" LIMIT ?6"), "{sql}");
        assert_eq!((found.values.len(), found.values[5].clone()), (6, SqlValue::Integer(5)));
    }

    #[test]
    fn text_that_is_none_is_equal_to_no_text() {
        let row =
            ["text".into(), vec![0xff].into(), "text".into(), b"a".to_vec().into(), "real".into(), SqlValue::Real(1.0)];
        let stored = stored_row(&row, 3).unwrap_or_default();
        assert_eq!(stored, [vec![0xff].into(), "a".into(), SqlValue::Real(1.0)]);
    }
}
