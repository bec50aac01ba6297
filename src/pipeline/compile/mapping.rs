//! One collection: table, columns, key, child tables.

use super::Scope;
use super::column::{Position, column};
use super::filter::filter;
use crate::domain::document::CollectionPattern;
use crate::domain::field_path::FieldPath;
use crate::domain::mapping::{
    ChildMapping, ColumnMapping, ColumnType, DoubleRules, Input, Mapping, Mismatch, UnknownFields,
};
use crate::pipeline::decode::{OneOrMany, Problems, nearest};
use crate::pipeline::mark::{At, Mark};
use crate::pipeline::model::{ChildModel, CollectionModel, ColumnModel, KeepUnknown};

/// Compiles a collection; `None` after a problem was added.
pub(super) fn mapping(
    model: &CollectionModel,
    default_unknown: Option<&At<KeepUnknown>>,
    scope: &mut Scope<'_, '_>,
    warnings: &mut Vec<String>,
) -> Option<Mapping> {
    let pattern = match CollectionPattern::parse(&model.name.value) {
        Ok(pattern) => pattern,
        Err(message) => {
            scope.problems.add_quoting("invalid_collection", model.name.mark, message);
            return None;
        }
    };
    let table = table(model, &pattern, scope.problems);
    let position = Position { collection: &pattern, child: false };
    let columns = columns(&model.columns, position, scope);
    let filter = filter(&model.conditions, scope, warnings);
    let key = model.key.as_ref().map(|key| key_columns(key, &model.columns, scope.problems));
    let (mut columns, key) = (columns?, key??);
    for index in &key {
        // A key that is missing would determine no document.
        columns[*index].required = true;
    }
    let children: Vec<_> =
        model.children.iter().map(|child| self::child(child, &pattern, &columns, &key, scope)).collect();
    let unknown_fields = unknown_fields(
        model.unknown_fields.as_ref().or(default_unknown),
        &mut columns,
        &model.name.value,
        scope.problems,
    );
    check_mismatches(&model.columns, unknown_fields, scope.problems);
    Some(Mapping {
        collection: pattern,
        table: table?,
        columns,
        key,
        children: children.into_iter().collect::<Option<_>>()?,
        filter,
        unknown_fields,
        id_field: scope.id_field.map(str::to_owned),
        max_value_bytes: scope.max_value_bytes,
    })
}

fn table(model: &CollectionModel, pattern: &CollectionPattern, problems: &mut Problems<'_>) -> Option<String> {
    match &model.table {
        Some(table) => table_name(table, problems),
        None => table_name(&At { value: pattern.leaf().to_owned(), mark: model.name.mark }, problems),
    }
}

/// A table that a pipeline may write.
fn table_name(table: &At<String>, problems: &mut Problems<'_>) -> Option<String> {
    let name = table.value.to_ascii_lowercase();
    let reserved = name.starts_with("sqlite_") || name.starts_with("_fireferry") || name == "schema_migrations";
    if name.is_empty() || reserved {
        let message = format!("`{}` cannot be a table of a pipeline", table.value);
        let hint = "names that start with `sqlite_` or `_fireferry`, and `schema_migrations`, are reserved";
        problems.add_with_hint("invalid_table", table.mark, message, hint);
        return None;
    }
    Some(table.value.clone())
}

/// Compiles columns; two names that SQL cannot tell apart are a mistake.
fn columns(models: &[ColumnModel], position: Position<'_>, scope: &mut Scope<'_, '_>) -> Option<Vec<ColumnMapping>> {
    for (index, model) in models.iter().enumerate() {
        let same = |earlier: &&ColumnModel| earlier.name.value.eq_ignore_ascii_case(&model.name.value);
        if let Some(earlier) = models[..index].iter().find(same) {
            duplicate_column(&model.name.value, &earlier.name.value, model.name.mark, scope.problems);
        }
    }
    let columns: Vec<_> = models.iter().map(|model| column(model, position, scope)).collect();
    columns.into_iter().collect()
}

fn duplicate_column(name: &str, earlier: &str, mark: Mark, problems: &mut Problems<'_>) {
    let message = format!("column `{name}` is the same as `{earlier}`: SQL does not distinguish upper and lower case");
    problems.add_with_hint("duplicate_column", mark, message, "remove or rename one of them");
}

/// Indexes of the key's columns.
fn key_columns(key: &OneOrMany<String>, columns: &[ColumnModel], problems: &mut Problems<'_>) -> Option<Vec<usize>> {
    if columns.is_empty() {
        // Reported already.
        return None;
    }
    let mut indexes: Vec<usize> = Vec::with_capacity(key.0.len());
    for name in &key.0 {
        let found = columns.iter().position(|column| column.name.value.eq_ignore_ascii_case(&name.value));
        match found {
            Some(index) if indexes.contains(&index) => {
                problems.add("duplicate_column", name.mark, format!("`{}` is in the key twice", name.value));
                return None;
            }
            Some(index) => indexes.push(index),
            None => {
                let names = columns.iter().map(|column| column.name.value.as_str());
                let hint = match nearest(&name.value, names) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("add it to `columns`, e.g. `{}: $id`", name.value),
                };
                let message = format!("key column `{}` is not in `columns`", name.value);
                problems.add_with_hint("key_column_unmapped", name.mark, message, hint);
                return None;
            }
        }
    }
    (!indexes.is_empty()).then_some(indexes)
}

/// `{ keep: column }` adds a column that takes what no other maps.
fn unknown_fields(
    model: Option<&At<KeepUnknown>>,
    columns: &mut Vec<ColumnMapping>,
    collection: &str,
    problems: &mut Problems<'_>,
) -> UnknownFields {
    match model.map(|model| &model.value) {
        None | Some(KeepUnknown::Ignore) => UnknownFields::Ignore,
        Some(KeepUnknown::Reject) => UnknownFields::Reject,
        Some(KeepUnknown::Keep(name)) => {
            if let Some(same) = columns.iter().find(|column| column.name.eq_ignore_ascii_case(&name.value)) {
                let message = format!(
                    "`{}` keeps unknown fields and is the column `{}` of `{collection}` too",
                    name.value, same.name
                );
                let hint = "choose a column that no other field is mapped to";
                problems.add_with_hint("duplicate_column", name.mark, message, hint);
            } else {
                columns.push(unknown_column(&name.value));
            }
            UnknownFields::Keep
        }
    }
}

/// What is kept needs a place.
fn check_mismatches(columns: &[ColumnModel], unknown: UnknownFields, problems: &mut Problems<'_>) {
    let kept = columns.iter().filter_map(|column| column.mismatch.filter(|rule| rule.value == Mismatch::Keep));
    for rule in kept.filter(|_| unknown != UnknownFields::Keep) {
        let message = "`mismatch: keep` has no place to keep a value in";
        problems.add_with_hint("key_does_not_fit", rule.mark, message, "add `unknown_fields: { keep: COLUMN }`");
    }
}

fn unknown_column(name: &str) -> ColumnMapping {
    ColumnMapping {
        name: name.to_owned(),
        input: Input::Unknown,
        kind: ColumnType::Json,
        required: false,
        default: None,
        transforms: Vec::new(),
        lookup: None,
        doubles: DoubleRules::default(),
        mismatch: Mismatch::Reject,
    }
}

/// Compiles a child table of a collection with these columns and this key.
fn child(
    model: &ChildModel,
    pattern: &CollectionPattern,
    parent: &[ColumnMapping],
    parent_key: &[usize],
    scope: &mut Scope<'_, '_>,
) -> Option<ChildMapping> {
    let table = model.table.as_ref().and_then(|table| table_name(table, scope.problems));
    let each = model.each.as_ref().and_then(|each| match FieldPath::parse(&each.value) {
        Ok(path) => Some(path),
        Err(message) => {
            scope.problems.add_quoting("invalid_field_path", each.mark, message);
            None
        }
    });
    let mut columns = columns(&model.columns, Position { collection: pattern, child: true }, scope)?;
    let link = link(model, &columns, parent, parent_key, scope.problems)?;
    let key = child_key(model, &columns, &link, scope.problems)?;
    for index in &key {
        columns[*index].required = true;
    }
    Some(ChildMapping { table: table?, each: each?, columns, key, link })
}

/// Finds for every key column of the document the column of the child table that holds the same.
fn link(
    model: &ChildModel,
    columns: &[ColumnMapping],
    parent: &[ColumnMapping],
    parent_key: &[usize],
    problems: &mut Problems<'_>,
) -> Option<Vec<(usize, usize)>> {
    let mut link = Vec::with_capacity(parent_key.len());
    for &of_parent in parent_key {
        let Some(of_child) = columns.iter().position(|column| same_value(column, &parent[of_parent])) else {
            let table = model.table.as_ref().map_or("the child table", |table| table.value.as_str());
            let message = format!("`{table}` has no column that says which document its rows belong to");
            let hint =
                format!("add a column written like the key column `{}` of the collection", parent[of_parent].name);
            problems.add_with_hint("child_without_link", model.mark, message, hint);
            return None;
        };
        link.push((of_child, of_parent));
    }
    Some(link)
}

/// Whether two columns hold the same value for every document.
fn same_value(child: &ColumnMapping, parent: &ColumnMapping) -> bool {
    let kinds = child.kind == parent.kind || child.kind == ColumnType::Auto || parent.kind == ColumnType::Auto;
    kinds
        && child.input == parent.input
        && child.transforms == parent.transforms
        && child.lookup == parent.lookup
        && child.default == parent.default
}

/// The declared key, or the document's key and the position.
fn child_key(
    model: &ChildModel,
    columns: &[ColumnMapping],
    link: &[(usize, usize)],
    problems: &mut Problems<'_>,
) -> Option<Vec<usize>> {
    if let Some(key) = &model.key {
        return key_columns(key, &model.columns, problems);
    }
    let Some(index) = columns.iter().position(|column| column.input == Input::Index) else {
        let message = "a child table needs a `key`, or a column `$index` that makes one with the document's key";
        problems.add_with_hint(
            "missing_key",
            model.mark,
            message,
            "add `position: $index` to its columns, or `key: [ … ]`",
        );
        return None;
    };
    Some(link.iter().map(|(of_child, _)| *of_child).chain([index]).collect())
}
