//! Child rows from the elements of an array or map.

use std::cmp::Ordering;

use super::ChildMapping;
use super::inputs::{Element, Index, Scope, field};
use super::map::{refuse_null_key, row};
use super::mismatch::Misfit;
use super::reason::{shortened, wrong_type};
use crate::domain::document::Document;
use crate::domain::json::encode_key;
use crate::domain::number;
use crate::domain::reject::{RejectCode, Rejection};
use crate::domain::row::{Row, SqlValue};
use crate::domain::value::Value;

impl ChildMapping {
    /// The rows of one document, in the array's order or sorted by the map's keys.
    pub(super) fn rows(
        &self,
        document: &Document,
        limit: usize,
        misfits: &mut Vec<Misfit>,
    ) -> Result<Vec<Row>, Rejection> {
        let elements = self.elements(document)?;
        let mut rows = Vec::with_capacity(elements.len());
        for element in &elements {
            let scope = Scope { document, element: Some(*element), unknown: None };
            rows.push(self.row(scope, limit, misfits).map_err(|inner| self.in_element(*element, inner))?);
        }
        match self.first_duplicate(&rows) {
            Some((first, second)) => Err(self.duplicate(&elements, &rows[second], first, second)),
            None => Ok(rows),
        }
    }

    fn row(&self, scope: Scope<'_>, limit: usize, misfits: &mut Vec<Misfit>) -> Result<Row, Rejection> {
        let row = row(&self.table, &self.columns, scope, limit, misfits)?;
        refuse_null_key(&self.table, &self.columns, &self.key, &row)?;
        Ok(row)
    }

    fn elements<'a>(&self, document: &'a Document) -> Result<Vec<Element<'a>>, Rejection> {
        let found = field(&document.fields, self.each.segments()).map_err(|inner| self.in_each(inner))?;
        match found {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(items)) => Ok(items
                .iter()
                .enumerate()
                .map(|(position, item)| Element { index: Index::Position(position), item })
                .collect()),
            Some(Value::Map(map)) => {
                let mut fields: Vec<_> = map.iter().collect();
                fields.sort_unstable_by_key(|(name, _)| *name);
                Ok(fields.into_iter().map(|(name, item)| Element { index: Index::Key(name), item }).collect())
            }
            Some(other) => Err(self.in_each(wrong_type(other, "an array or a map"))),
        }
    }

    /// Two rows with one key. Keys usually ascend, so that one walk is enough.
    fn first_duplicate(&self, rows: &[Row]) -> Option<(usize, usize)> {
        if self.key.is_empty() || rows.is_sorted_by(|a, b| self.compare_keys(a, b).is_lt()) {
            return None;
        }
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by(|a, b| self.compare_keys(&rows[*a], &rows[*b]));
        let equal = |pair: &&[usize]| self.compare_keys(&rows[pair[0]], &rows[pair[1]]).is_eq();
        order.windows(2).filter(equal).map(|pair| (pair[0], pair[1])).min_by_key(|(_, second)| *second)
    }

    fn compare_keys(&self, a: &Row, b: &Row) -> Ordering {
        let orders = self.key.iter().filter_map(|index| Some(compare(a.get(*index)?, b.get(*index)?)));
        orders.fold(Ordering::Equal, Ordering::then)
    }

    fn duplicate(&self, elements: &[Element<'_>], row: &Row, first: usize, second: usize) -> Rejection {
        let values: Vec<&SqlValue> = self.key.iter().filter_map(|index| row.get(*index)).collect();
        let key = shortened(&encode_key(&values));
        let (first, second) = (place(elements[first]), place(elements[second]));
        let reason = format!("`{}`: {first} and {second} have the same key {key} in `{}`", self.each, self.table);
        Rejection::new(RejectCode::DuplicateKey, reason)
    }

    fn in_each(&self, inner: Rejection) -> Rejection {
        Rejection::new(inner.code, format!("rows of `{}` from `{}`: {}", self.table, self.each, inner.reason))
    }

    fn in_element(&self, element: Element<'_>, inner: Rejection) -> Rejection {
        Rejection::new(inner.code, format!("{} ({} of `{}`)", inner.reason, place(element), self.each))
    }
}

fn place(element: Element<'_>) -> String {
    match element.index {
        Index::Position(position) => format!("element {position}"),
        Index::Key(key) => format!("key {:?}", shortened(key)),
    }
}

/// SQLite's order of values: what a unique index takes for equal is equal (1 and 1.0 are).
fn compare(a: &SqlValue, b: &SqlValue) -> Ordering {
    match (a, b) {
        (SqlValue::Integer(a), SqlValue::Integer(b)) => a.cmp(b),
        (SqlValue::Integer(a), SqlValue::Real(b)) => number::compare(*a, *b).unwrap_or(Ordering::Greater),
        (SqlValue::Real(a), SqlValue::Integer(b)) => number::compare(*b, *a).map_or(Ordering::Less, Ordering::reverse),
        (SqlValue::Real(a), SqlValue::Real(b)) => a.total_cmp(b),
        (SqlValue::Text(a), SqlValue::Text(b)) => a.cmp(b),
        (SqlValue::Blob(a), SqlValue::Blob(b)) => a.cmp(b),
        _ => class(a).cmp(&class(b)),
    }
}

fn class(value: &SqlValue) -> u8 {
    match value {
        SqlValue::Null => 0,
        SqlValue::Integer(_) | SqlValue::Real(_) => 1,
        SqlValue::Text(_) => 2,
        SqlValue::Blob(_) => 3,
    }
}
