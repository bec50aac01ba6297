//! Documents to rows.

use std::borrow::Cow;

use super::inputs::{Scope, find};
use super::mismatch::{Misfit, settle};
use super::reason::{in_column, invalid_value};
use super::{ColumnMapping, Input, Mapped, Mapping, Mismatch, UnknownFields, convert, transforms};
use crate::domain::document::{Document, DocumentPath, Origin};
use crate::domain::json::encode_key;
use crate::domain::reject::{RejectCode, Rejection};
use crate::domain::row::{MappedDocument, Row, SqlValue};
use crate::domain::value::{Map, Value};

/// Rows per child table.
type Children = Vec<Vec<Row>>;

impl Mapping {
    /// The key of a document's row by its path alone; `None` where the key is not made of it.
    pub fn key_of_path(&self, path: &DocumentPath) -> Option<Row> {
        let (path, fields, origin) = (path.clone(), Map::default(), Origin::default());
        let document = Document { path, fields, created: None, updated: None, origin };
        let scope = Scope { document: &document, element: None, unknown: None };
        let column = |index: &usize| {
            let of_path = |column: &&ColumnMapping| matches!(column.input, Input::Id | Input::ParentId | Input::Path);
            let column = self.columns.get(*index).filter(of_path)?;
            stored(column, scope, self.max_value_bytes).ok().filter(|value| *value != SqlValue::Null)
        };
        self.key.iter().map(column).collect()
    }

    /// The rows of a document, or why there are none.
    pub fn map(&self, document: Document) -> Mapped {
        self.map_noting(document, &mut Vec::new())
    }

    /// The same; values that did not fit, and were not a reason to reject the document, are added to `misfits`.
    pub fn map_noting(&self, document: Document, misfits: &mut Vec<Misfit>) -> Mapped {
        match self.rows(&document, misfits) {
            Ok(Some((row, children))) => Mapped::Rows(MappedDocument { document, row, children, waiting: None }),
            Ok(None) => Mapped::Filtered,
            Err(rejection) => {
                let key = self.key_of(&document);
                Mapped::Rejected { document: Box::new(document), rejection, key }
            }
        }
    }

    /// The key of a row as a canonical JSON array.
    pub fn key_text(&self, row: &Row) -> String {
        let values: Vec<&SqlValue> = self.key.iter().filter_map(|index| row.get(*index)).collect();
        encode_key(&values)
    }

    /// The row and the child rows; `None` for a document that is not wanted.
    fn rows(&self, document: &Document, misfits: &mut Vec<Misfit>) -> Result<Option<(Row, Children)>, Rejection> {
        if let Some((field, invalid)) = self.filter.undecidable(&document.fields) {
            let inner = invalid_value(invalid);
            return Err(Rejection::new(inner.code, format!("field `{field}` of `where`: {}", inner.reason)));
        }
        if !self.filter.accepts(&document.fields) {
            return Ok(None);
        }
        let before = misfits.len();
        let scope = Scope { document, element: None, unknown: None };
        let mut row = row(&self.table, &self.columns, scope, self.max_value_bytes, misfits)?;
        refuse_null_key(&self.table, &self.columns, &self.key, &row)?;
        match self.unknown_fields {
            UnknownFields::Keep => self.keep_unknown(document, misfits.get(before..).unwrap_or_default(), &mut row)?,
            UnknownFields::Reject => self.refuse_unknown(document)?,
            UnknownFields::Ignore => {}
        }
        let children = self.children.iter().map(|child| child.rows(document, self.max_value_bytes, misfits));
        Ok(Some((row, children.collect::<Result<_, _>>()?)))
    }

    /// Fills the column that takes what no other maps, and what did not fit into one.
    fn keep_unknown(&self, document: &Document, misfits: &[Misfit], row: &mut Row) -> Result<(), Rejection> {
        let kept = misfits.iter().filter(|misfit| misfit.rule == Mismatch::Keep);
        let kept: Vec<&[String]> = kept.filter_map(|misfit| misfit.field.as_deref()).collect();
        let Some(unknown) = self.unknown_value(document, &kept) else { return Ok(()) };
        let scope = Scope { document, element: None, unknown: Some(&unknown) };
        for (value, column) in row.iter_mut().zip(&self.columns).filter(|(_, column)| column.input == Input::Unknown) {
            let stored = stored(column, scope, self.max_value_bytes);
            *value = stored.map_err(|inner| in_column(&self.table, column, inner))?;
        }
        Ok(())
    }

    /// The key's text of a document that was refused, if its key columns at least can be computed: its children need
    /// it to tell that their parent was rejected.
    fn key_of(&self, document: &Document) -> Option<String> {
        let scope = Scope { document, element: None, unknown: None };
        let column = |index: &usize| {
            let column = self.columns.get(*index).filter(|column| column.input != Input::Unknown)?;
            stored(column, scope, self.max_value_bytes).ok().filter(|value| *value != SqlValue::Null)
        };
        let values = self.key.iter().map(column).collect::<Option<Vec<SqlValue>>>()?;
        Some(encode_key(&values.iter().collect::<Vec<_>>()))
    }
}

/// The values of one row of a table.
pub(super) fn row(
    table: &str,
    columns: &[ColumnMapping],
    scope: Scope<'_>,
    limit: usize,
    misfits: &mut Vec<Misfit>,
) -> Result<Row, Rejection> {
    let mut row = Vec::with_capacity(columns.len());
    for column in columns {
        let value = match stored(column, scope, limit) {
            Err(refused) if column.mismatch != Mismatch::Reject => {
                settle(table, column, scope, refused, misfits).and_then(|instead| within(instead, limit))
            }
            value => value,
        };
        row.push(value.map_err(|inner| in_column(table, column, inner))?);
    }
    Ok(row)
}

/// A key must say which row it is.
pub(super) fn refuse_null_key(
    table: &str,
    columns: &[ColumnMapping],
    key: &[usize],
    row: &Row,
) -> Result<(), Rejection> {
    let null = key.iter().find(|index| row.get(**index) == Some(&SqlValue::Null));
    match null.and_then(|index| columns.get(*index)) {
        Some(column) => {
            let inner = Rejection::new(RejectCode::MissingField, "a key cannot be NULL");
            Err(in_column(table, column, inner))
        }
        None => Ok(()),
    }
}

/// What a column stores: the way of a value as the module's documentation tells it.
fn stored(column: &ColumnMapping, scope: Scope<'_>, limit: usize) -> Result<SqlValue, Rejection> {
    let found = find(&column.input, scope)?;
    let Some(mut value) = found.or_else(|| column.default.as_ref().map(Cow::Borrowed)) else {
        return null(column, "is missing");
    };
    if let Value::Invalid(invalid) = &*value {
        return Err(invalid_value(invalid));
    }
    if *value == Value::Null {
        return null(column, "is null");
    }
    for transform in &column.transforms {
        value = transforms::apply(*transform, value, column.doubles)?;
    }
    if let Some(lookup) = &column.lookup {
        value = transforms::look_up(lookup, value)?;
    }
    match convert::convert(value, column.kind, column.doubles)? {
        SqlValue::Null => null(column, "became null"),
        stored => within(stored, limit),
    }
}

fn null(column: &ColumnMapping, why: &str) -> Result<SqlValue, Rejection> {
    if column.required {
        return Err(Rejection::new(RejectCode::MissingField, format!("the value is required, but {why}")));
    }
    Ok(SqlValue::Null)
}

fn within(value: SqlValue, limit: usize) -> Result<SqlValue, Rejection> {
    let bytes = match &value {
        SqlValue::Text(text) => text.len(),
        SqlValue::Blob(bytes) => bytes.len(),
        SqlValue::Null | SqlValue::Integer(_) | SqlValue::Real(_) => 0,
    };
    if bytes > limit {
        let reason = format!("the value has {bytes} bytes, `max_value_bytes` is {limit}");
        return Err(Rejection::new(RejectCode::OversizedValue, reason));
    }
    Ok(value)
}
