//! Differences as people see them: values cut where they are long, left out where they are hidden.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::destination::{Found, FoundRow, ScannedRow, Target};
use crate::domain::encode::encode;
use crate::domain::row::{MappedDocument, Row, SqlValue};
use crate::report::verify::{ChildDifference, ColumnDifference, Difference, DifferenceKind};

/// Characters of a text, and bytes of a BLOB, that are shown.
const LONGEST: usize = 400;
/// What is shown of long text before the place where it differs.
const BEFORE: usize = 40;
/// Child rows of one kind that are shown.
const ROWS: usize = 10;

/// Which values are not shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Hidden {
    /// None is.
    pub all: bool,
    /// Columns, in lower case.
    pub columns: BTreeSet<String>,
}

impl Hidden {
    fn hides(&self, column: &str) -> bool {
        self.all || self.columns.contains(&column.to_ascii_lowercase())
    }

    fn shown(&self, column: &str, value: &SqlValue) -> Value {
        if self.hides(column) { Value::String("(hidden)".to_owned()) } else { shown(value, 0) }
    }

    /// Values by column.
    pub fn row(&self, columns: &[String], values: &[SqlValue]) -> Value {
        let pairs = columns.iter().zip(values).map(|(column, value)| (column.clone(), self.shown(column, value)));
        Value::Object(pairs.collect::<Map<_, _>>())
    }
}

/// A document's difference.
pub(super) fn of_document(
    target: &Target,
    hidden: &Hidden,
    document: &MappedDocument,
    found: &Found,
    kind: DifferenceKind,
) -> Difference {
    let path = document.document.path.to_string();
    let key = |row: &Row| -> Row { target.key.iter().filter_map(|index| row.get(*index).cloned()).collect() };
    let names: Vec<String> = target.key.iter().filter_map(|index| target.columns.get(*index).cloned()).collect();
    let key = key(&document.row);
    let mut digest = Digest::new(target.collection.as_str(), &target.table, kind);
    digest.add(path.as_bytes());
    digest.values(&key);
    let mut columns = Vec::new();
    if let FoundRow::Changed(stored) = &found.row {
        for (index, stored) in stored {
            let (Some(column), Some(own)) = (target.columns.get(*index), document.row.get(*index)) else { continue };
            digest.add(column.as_bytes());
            digest.values([own, stored]);
            columns.push(column_difference(hidden, column, own, stored));
        }
    }
    let children = found.children.iter().filter_map(|unlike| {
        let child = target.children.get(unlike.child)?;
        digest.add(child.table.as_bytes());
        for row in unlike.missing.iter().chain([&Vec::new()]).chain(&unlike.extra) {
            digest.values(row);
        }
        let rows = |rows: &[Row]| rows.iter().take(ROWS).map(|row| hidden.row(&child.columns, row)).collect();
        Some(ChildDifference {
            table: child.table.clone(),
            missing: unlike.missing.len() as u64,
            extra: unlike.extra.len() as u64,
            missing_rows: rows(&unlike.missing),
            extra_rows: rows(&unlike.extra),
        })
    });
    let children = children.collect();
    let message = match &found.row {
        FoundRow::Changed(stored) if stored.is_empty() => {
            Some("what is stored is too large to be read back".to_owned())
        }
        _ => None,
    };
    Difference {
        collection: target.collection.as_str().to_owned(),
        table: target.table.clone(),
        document: Some(path),
        key: hidden.row(&names, &key),
        kind,
        columns,
        children,
        message,
        accepted: None,
        digest: digest.finish(),
    }
}

/// A row that no document explains. Its identity tells it apart from others of the same key.
pub(super) fn of_extra(
    collection: &str,
    table: &str,
    hidden: &Hidden,
    columns: &[String],
    row: &ScannedRow,
) -> Difference {
    let mut digest = Digest::new(collection, table, DifferenceKind::Extra);
    digest.values(row.identity.iter().chain(&row.values));
    Difference {
        collection: collection.to_owned(),
        table: table.to_owned(),
        document: None,
        key: hidden.row(columns, &row.values),
        kind: DifferenceKind::Extra,
        columns: Vec::new(),
        children: Vec::new(),
        message: None,
        accepted: None,
        digest: digest.finish(),
    }
}

/// Something that names no document.
pub(super) fn general(collection: &str, message: &str) -> Difference {
    let mut digest = Digest::new(collection, "", DifferenceKind::General);
    digest.add(message.as_bytes());
    Difference {
        collection: collection.to_owned(),
        table: String::new(),
        document: None,
        key: Value::Null,
        kind: DifferenceKind::General,
        columns: Vec::new(),
        children: Vec::new(),
        message: Some(message.to_owned()),
        accepted: None,
        digest: digest.finish(),
    }
}

struct Digest(blake3::Hasher);

impl Digest {
    fn new(collection: &str, table: &str, kind: DifferenceKind) -> Self {
        let mut digest = Self(blake3::Hasher::new());
        [collection, table, kind.as_str()].iter().for_each(|text| digest.add(text.as_bytes()));
        digest
    }

    fn add(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    fn values<'a>(&mut self, values: impl IntoIterator<Item = &'a SqlValue>) {
        self.add(&encode(values));
    }

    fn finish(&self) -> String {
        self.0.finalize().to_hex().to_string()
    }
}

/// Of long texts, the part where they begin to differ.
fn column_difference(hidden: &Hidden, column: &str, own: &SqlValue, stored: &SqlValue) -> ColumnDifference {
    let from = match (own, stored) {
        (SqlValue::Text(own), SqlValue::Text(stored)) => {
            let same = own.chars().zip(stored.chars()).take_while(|(own, stored)| own == stored).count();
            same.saturating_sub(BEFORE)
        }
        _ => 0,
    };
    let value = |value: &SqlValue| match value {
        SqlValue::Text(text) if text.chars().nth(LONGEST).is_none() => shown(value, 0),
        value => shown(value, from),
    };
    let hide = hidden.hides(column);
    let value = |shown: &SqlValue| if hide { hidden.shown(column, shown) } else { value(shown) };
    ColumnDifference { column: column.to_owned(), source: value(own), destination: value(stored) }
}

/// A value as JSON: integers without, doubles with a point, BLOBs as hexadecimal text.
fn shown(value: &SqlValue, from: usize) -> Value {
    match value {
        SqlValue::Null => Value::Null,
        SqlValue::Integer(number) => json!(number),
        SqlValue::Real(number) if number.is_finite() => json!(number),
        SqlValue::Real(number) => json!({ "$double": number.to_string() }),
        SqlValue::Text(text) => Value::String(cut(text, from)),
        SqlValue::Blob(bytes) => {
            let hexadecimal: String = bytes.iter().take(LONGEST).map(|byte| format!("{byte:02x}")).collect();
            let rest = if bytes.len() > LONGEST { format!("… ({} bytes)", bytes.len()) } else { String::new() };
            json!({ "$bytes": hexadecimal + &rest })
        }
    }
}

fn cut(text: &str, from: usize) -> String {
    if from == 0 && text.chars().nth(LONGEST).is_none() {
        return text.to_owned();
    }
    let part: String = text.chars().skip(from).take(LONGEST).collect();
    let before = if from > 0 { "…" } else { "" };
    let after = if text.chars().nth(from + LONGEST).is_some() { "…" } else { "" };
    format!("{before}{part}{after} ({} characters)", text.chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_shown_where_they_differ() {
        let text = |end: &str| SqlValue::Text("x".repeat(5_000) + end);
        let shown = column_difference(&Hidden::default(), "a", &text("1"), &text("2"));
        let ending = |value: &Value| value.as_str().map(|text| text.ends_with("(5001 characters)"));
        assert_eq!((ending(&shown.source), ending(&shown.destination)), (Some(true), Some(true)));
        assert!(shown.source.to_string().contains("x1") && shown.destination.to_string().contains("x2"));
    }

    #[test]
    fn hidden_values_are_not_shown_but_tell_differences_apart() {
        let hidden = Hidden { all: false, columns: ["email".to_owned()].into() };
        let shown = column_difference(&hidden, "Email", &"a".into(), &"b".into());
        assert_eq!((shown.source, shown.destination), (json!("(hidden)"), json!("(hidden)")));
        let extra = |text: &str| {
            let row = ScannedRow { identity: vec![SqlValue::Integer(1)], values: vec![text.into()] };
            of_extra("c", "t", &hidden, &["email".to_owned()], &row)
        };
        let (one, other) = (extra("a"), extra("b"));
        assert_eq!(one.key, other.key);
        assert_ne!(one.digest, other.digest);
    }

    #[test]
    fn numbers_keep_their_type() {
        assert_eq!(shown(&SqlValue::Real(1.0), 0).to_string(), "1.0");
        assert_eq!(shown(&SqlValue::Integer(1), 0).to_string(), "1");
    }
}
