//! Documents to rows: examples of every rule, properties over random documents, mappings against schemas.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod binding;
mod children;
mod columns;
mod database;
pub mod generate;
pub mod json;
mod mismatch;
pub mod properties;
mod transforms;
mod unknown;

use fireferry::domain::document::{CollectionPattern, Document, DocumentPath, Origin};
use fireferry::domain::field_path::FieldPath;
use fireferry::domain::filter::Filter;
use fireferry::domain::json::decode;
use fireferry::domain::mapping::{
    ColumnMapping, ColumnType, DoubleRules, Input, Mapped, Mapping, Mismatch, UnknownFields,
};
use fireferry::domain::reject::RejectCode;
use fireferry::domain::row::{MappedDocument, Row, SqlValue};
use fireferry::domain::value::Value;

/// An input as a pipeline writes it.
fn input(text: &str) -> Input {
    match text {
        "$id" => Input::Id,
        "$path" => Input::Path,
        "$parent.id" => Input::ParentId,
        "$created" => Input::Created,
        "$updated" => Input::Updated,
        "$file.stem" => Input::FileStem,
        "$index" => Input::Index,
        "$item" => Input::Item(FieldPath::root()),
        "$unknown" => Input::Unknown,
        field => match field.strip_prefix("$item.") {
            Some(rest) => Input::Item(FieldPath::parse(rest).unwrap()),
            None => Input::Field(FieldPath::parse(field).unwrap()),
        },
    }
}

fn column(name: &str, from: &str, kind: ColumnType) -> ColumnMapping {
    ColumnMapping {
        name: name.into(),
        input: input(from),
        kind,
        required: false,
        default: None,
        transforms: Vec::new(),
        lookup: None,
        doubles: DoubleRules::default(),
        mismatch: Mismatch::Reject,
    }
}

/// A mapping of `users` to `users` whose first column is the key.
pub fn mapping(columns: Vec<ColumnMapping>) -> Mapping {
    Mapping {
        collection: CollectionPattern::parse("users").unwrap(),
        table: "users".into(),
        columns,
        key: vec![0],
        children: Vec::new(),
        filter: Filter::default(),
        unknown_fields: UnknownFields::Ignore,
        id_field: None,
        max_value_bytes: 1_000_000,
    }
}

fn value(json: &str) -> Value {
    decode(json).unwrap()
}

/// `users/alice` with fields given as canonical JSON.
fn document(fields: &str) -> Document {
    let Value::Map(fields) = value(fields) else { panic!("not an object: {fields}") };
    Document {
        path: DocumentPath::parse("users/alice").unwrap(),
        fields,
        created: None,
        updated: None,
        origin: Origin { file: Some("data/users.ndjson.gz".into()), ..Origin::default() },
    }
}

fn rows(mapping: &Mapping, fields: &str) -> MappedDocument {
    match mapping.map(document(fields)) {
        Mapped::Rows(rows) => rows,
        other => panic!("{other:?}"),
    }
}

fn rejected(mapping: &Mapping, fields: &str) -> (RejectCode, String, Option<String>) {
    match mapping.map(document(fields)) {
        Mapped::Rejected { document: kept, rejection, key } => {
            assert_eq!(kept.path, document("{}").path);
            (rejection.code, rejection.reason, key)
        }
        other => panic!("{other:?}"),
    }
}

/// What one column, from the field `v`, makes of a value; or the code and reason of its reject.
fn stored(change: impl FnOnce(&mut ColumnMapping), fields: &str) -> Result<SqlValue, (RejectCode, String)> {
    let mut under_test = column("v", "v", ColumnType::Any);
    change(&mut under_test);
    let mapping = mapping(vec![column("id", "$id", ColumnType::Text), under_test]);
    match mapping.map(document(fields)) {
        Mapped::Rows(mut rows) => Ok(rows.row.remove(1)),
        Mapped::Rejected { rejection, key, .. } => {
            assert_eq!(key.as_deref(), Some(r#"["alice"]"#), "the key is known whatever else fails");
            Err((rejection.code, rejection.reason))
        }
        Mapped::Filtered => panic!("filtered"),
    }
}

fn text(text: &str) -> SqlValue {
    SqlValue::Text(text.into())
}

fn row(values: impl IntoIterator<Item = SqlValue>) -> Row {
    values.into_iter().collect()
}
