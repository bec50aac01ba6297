//! The pipeline's own tests: documents and the rows they must become.

use std::collections::BTreeMap;

use super::unknown_collection;
use super::value::{fields_of, value_of};
use crate::domain::document::{Document, DocumentPath, Origin};
use crate::domain::json::encode;
use crate::domain::mapping::{ColumnMapping, Mapping};
use crate::domain::reject::RejectCode;
use crate::domain::row::SqlValue;
use crate::domain::value::{Map, Timestamp, Value};
use crate::pipeline::decode::{Problems, nearest};
use crate::pipeline::mark::At;
use crate::pipeline::model::{ExpectModel, TestModel};
use crate::pipeline::resolved::{Collection, Expectation, PipelineTest};
use crate::pipeline::yaml::{Key, Kind, Node};

/// Compiles all tests. `id_field` is where a test's document has its id.
pub(super) fn tests(
    models: &[TestModel],
    collections: &[Collection],
    id_field: &str,
    problems: &mut Problems<'_>,
) -> Vec<PipelineTest> {
    models
        .iter()
        .enumerate()
        .filter_map(|(index, model)| test(index + 1, model, collections, id_field, problems))
        .collect()
}

fn test(
    number: usize,
    model: &TestModel,
    collections: &[Collection],
    id_field: &str,
    problems: &mut Problems<'_>,
) -> Option<PipelineTest> {
    let name = model.collection.as_ref()?;
    let found = collections.iter().find(|own| own.mapping.collection.as_str() == name.value);
    let Some(collection) = found else {
        unknown_collection(name, collections.iter().map(|own| own.mapping.collection.as_str()), problems);
        return None;
    };
    let fields = fields_of(model.document.as_ref()?, problems)?;
    let path = path(model, &collection.mapping, &fields, id_field, problems)?;
    let expect = expectation(model.expect.as_ref()?, &collection.mapping, problems)?;
    let document = Document {
        fields,
        created: time(model.created.as_ref(), problems)?,
        updated: time(model.updated.as_ref(), problems)?,
        origin: Origin {
            file: Some(model.file.as_deref().unwrap_or("test").into()),
            line: model.mark.line,
            ..Origin::default()
        },
        path,
    };
    Some(PipelineTest {
        name: model.name.clone().unwrap_or_else(|| format!("test {number} of {}", name.value)),
        line: Some(model.mark.line),
        collection: collection.mapping.collection.clone(),
        document,
        expect,
    })
}

/// `path`, or the collection with `id`, or with the document's own id field, or with `test`.
fn path(
    model: &TestModel,
    mapping: &Mapping,
    fields: &Map,
    id_field: &str,
    problems: &mut Problems<'_>,
) -> Option<DocumentPath> {
    if let Some(path) = &model.path {
        let parsed = DocumentPath::parse(&path.value).filter(|parsed| mapping.collection.matches(&parsed.collection));
        if parsed.is_none() {
            let message = format!("`{}` is not the path of a document of `{}`", path.value, mapping.collection);
            problems.add("invalid_test", path.mark, message);
        }
        return parsed;
    }
    let id = match (&model.id, fields.get(id_field)) {
        (Some(id), _) if id.value.is_empty() || id.value.contains('/') => {
            problems.add("invalid_test", id.mark, "an id is not empty and has no `/`");
            return None;
        }
        (Some(id), _) => id.value.clone(),
        (None, Some(Value::Integer(id))) => id.to_string(),
        (None, Some(Value::String(id))) if !id.is_empty() && !id.contains('/') => id.clone(),
        _ => "test".to_owned(),
    };
    Some(DocumentPath::new(mapping.collection.as_str().replace('*', "parent"), id))
}

/// An optional RFC 3339 time.
fn time(model: Option<&At<String>>, problems: &mut Problems<'_>) -> Option<Option<Timestamp>> {
    let Some(model) = model else { return Some(None) };
    match model.value.parse() {
        Ok(time) => Some(Some(time)),
        Err(_) => {
            let hint = "write e.g. \"2024-05-01T12:00:00Z\"";
            problems.add_with_hint("invalid_value", model.mark, "this is not a timestamp", hint);
            None
        }
    }
}

fn expectation(model: &ExpectModel, mapping: &Mapping, problems: &mut Problems<'_>) -> Option<Expectation> {
    match model {
        ExpectModel::Skipped => Some(Expectation::Skipped),
        ExpectModel::Rejected(code) => {
            let known = || RejectCode::ALL.iter().map(|code| code.as_str());
            if RejectCode::parse(&code.value).is_none() {
                let hint = match nearest(&code.value, known()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("valid: {}", known().collect::<Vec<_>>().join(", ")),
                };
                let message = format!("`{}` is not a reject code", code.value);
                problems.add_with_hint("invalid_test", code.mark, message, hint);
                return None;
            }
            Some(Expectation::Rejected(code.value.clone()))
        }
        ExpectModel::Rows(tables) => {
            let tables: Vec<_> = tables.iter().map(|(key, node)| table(key, node, mapping, problems)).collect();
            tables.into_iter().collect::<Option<BTreeMap<_, _>>>().map(Expectation::Rows)
        }
    }
}

type ExpectedRow = Vec<(String, SqlValue)>;

/// The expected rows of one table, under the table's name as the mapping has it.
fn table(key: &Key, node: &Node, mapping: &Mapping, problems: &mut Problems<'_>) -> Option<(String, Vec<ExpectedRow>)> {
    let tables = || {
        let children = mapping.children.iter().map(|child| (child.table.as_str(), child.columns.as_slice()));
        std::iter::once((mapping.table.as_str(), mapping.columns.as_slice())).chain(children)
    };
    let Some((name, columns)) = tables().find(|(name, _)| name.eq_ignore_ascii_case(&key.text)) else {
        let hint = format!("its tables: {}", tables().map(|(name, _)| name).collect::<Vec<_>>().join(", "));
        let message = format!("`{}` is not a table of `{}`", key.text, mapping.collection);
        problems.add_with_hint("invalid_test", key.mark, message, hint);
        return None;
    };
    let rows = match &node.kind {
        Kind::List(rows) => rows.as_slice(),
        _ => {
            problems.add("wrong_type", node.mark, format!("expected a list of rows, found {}", node.describe()));
            return None;
        }
    };
    let rows: Vec<_> = rows.iter().map(|row| self::row(row, name, columns, problems)).collect();
    Some((name.to_owned(), rows.into_iter().collect::<Option<_>>()?))
}

fn row(node: &Node, table: &str, columns: &[ColumnMapping], problems: &mut Problems<'_>) -> Option<ExpectedRow> {
    let cells = crate::pipeline::decode::entries(node, "a row as a map of columns", problems)?;
    let mut row = Vec::with_capacity(cells.len());
    for (key, node) in cells {
        let Some(column) = columns.iter().find(|column| column.name.eq_ignore_ascii_case(&key.text)) else {
            let names = columns.iter().map(|column| column.name.as_str());
            let hint = match nearest(&key.text, names.clone()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("its columns: {}", names.collect::<Vec<_>>().join(", ")),
            };
            let message = format!("`{}` is not a mapped column of `{table}`", key.text);
            problems.add_with_hint("invalid_test", key.mark, message, hint);
            return None;
        };
        row.push((column.name.clone(), sql_value(node, problems)?));
    }
    Some(row)
}

/// What a cell must hold: `true` is 1, a map or list is the JSON text of it, `{ $bytes: … }` a BLOB.
fn sql_value(node: &Node, problems: &mut Problems<'_>) -> Option<SqlValue> {
    match value_of(node, problems)? {
        Value::Null => Some(SqlValue::Null),
        Value::Boolean(flag) => Some(SqlValue::Integer(i64::from(flag))),
        Value::Integer(number) => Some(SqlValue::Integer(number)),
        Value::Double(number) if number.is_finite() => Some(SqlValue::Real(number)),
        Value::String(text) => Some(SqlValue::Text(text)),
        Value::Bytes(bytes) => Some(SqlValue::Blob(bytes)),
        value => match encode(&value) {
            Ok(text) => Some(SqlValue::Text(text)),
            Err(rejection) => {
                problems.add("invalid_test", node.mark, format!("no column can hold this: {}", rejection.reason));
                None
            }
        },
    }
}
