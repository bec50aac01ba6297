//! A statement and what it answers, as plain data: the same for every way to reach a database.

use std::borrow::Cow;

use super::failure::Failure;
use crate::domain::row::SqlValue;

/// One SQL statement with its parameters.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Statement {
    /// The text; parameters are `?1`, `?2`, …
    pub(super) sql: Cow<'static, str>,
    /// One value per parameter.
    pub(super) values: Vec<SqlValue>,
}

impl Statement {
    pub(super) fn new(sql: impl Into<Cow<'static, str>>, values: Vec<SqlValue>) -> Self {
        Self { sql: sql.into(), values }
    }
}

/// Text that may be missing, as a parameter.
pub(super) fn optional(text: Option<&str>) -> SqlValue {
    text.map_or(SqlValue::Null, SqlValue::from)
}

/// A count or position, as a parameter.
pub(super) fn number(number: u64) -> SqlValue {
    SqlValue::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

/// An integer of a result.
pub(super) fn integer(row: &[SqlValue], column: usize) -> Result<i64, Failure> {
    match value(row, column)? {
        SqlValue::Integer(number) => Ok(*number),
        other => Err(Failure::internal(format!("expected an integer in a result, found {other:?}"))),
    }
}

/// Text of a result, selected as `CAST(… AS BLOB)`; NULL is empty.
pub(super) fn text(row: &[SqlValue], column: usize) -> Result<String, Failure> {
    Ok(optional_text(row, column)?.unwrap_or_default())
}

/// Text of a result, selected as `CAST(… AS BLOB)`.
pub(super) fn optional_text(row: &[SqlValue], column: usize) -> Result<Option<String>, Failure> {
    match value(row, column)? {
        SqlValue::Null => Ok(None),
        SqlValue::Text(text) => Ok(Some(text.clone())),
        SqlValue::Blob(bytes) => lossless(bytes.clone()).map(Some),
        other => Err(Failure::internal(format!("expected text in a result, found {other:?}"))),
    }
}

/// A value of any type, selected by [`super::sql::exact`]: two columns, its type and itself.
pub(super) fn exact(row: &[SqlValue], column: usize) -> Result<SqlValue, Failure> {
    typed(value(row, column)?, value(row, column + 1)?.clone())
}

/// As many values selected by [`super::sql::exact`].
pub(super) fn exact_row(row: &[SqlValue], values: usize) -> Result<Vec<SqlValue>, Failure> {
    (0..values).map(|index| exact(row, index * 2)).collect()
}

/// The value behind the two columns of [`super::sql::exact`].
pub(super) fn typed(kind: &SqlValue, value: SqlValue) -> Result<SqlValue, Failure> {
    match (kind, value) {
        (SqlValue::Text(kind), SqlValue::Blob(bytes)) if kind == "text" => lossless(bytes).map(SqlValue::Text),
        (_, value) => Ok(value),
    }
}

/// A value of a result as it came.
pub(super) fn value(row: &[SqlValue], column: usize) -> Result<&SqlValue, Failure> {
    row.get(column).ok_or_else(|| Failure::internal(format!("a result has no column {column}")))
}

fn lossless(bytes: Vec<u8>) -> Result<String, Failure> {
    String::from_utf8(bytes).map_err(|_| Failure::internal("the database holds text that is not valid UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_from_bytes_and_from_text() {
        let row = ["a".into(), b"b\0c".to_vec().into(), SqlValue::Null, SqlValue::Real(1.0), vec![0xff].into()];
        assert_eq!(text(&row, 0).ok().as_deref(), Some("a"));
        assert_eq!(text(&row, 1).ok().as_deref(), Some("b\0c"));
        assert_eq!(text(&row, 2).ok().as_deref(), Some(""));
        assert!(matches!(optional_text(&row, 2), Ok(None)));
        assert!(text(&row, 3).is_err() && text(&row, 4).is_err() && text(&row, 5).is_err());
    }

    #[test]
    fn only_what_was_text_becomes_text_again() {
        let row = ["text".into(), b"a".to_vec().into(), "blob".into(), b"a".to_vec().into(), "null".into()];
        assert_eq!(exact(&row, 0).ok(), Some("a".into()));
        assert_eq!(exact(&row, 2).ok(), Some(b"a".to_vec().into()));
        assert!(exact(&row, 4).is_err());
        assert_eq!(exact_row(&row[..4], 2).ok(), Some(vec!["a".into(), b"a".to_vec().into()]));
    }

    #[test]
    fn integers_are_integers() {
        let row = [SqlValue::Integer(-1), "1".into()];
        assert_eq!(integer(&row, 0).ok(), Some(-1));
        assert!(integer(&row, 1).is_err());
    }
}
