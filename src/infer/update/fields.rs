//! Fields that nothing maps yet: columns for the tables that are there, and child tables.

use std::collections::BTreeSet;

use super::Known;
use super::existing::keyed;
use super::locate::{Found, at, elements};
use crate::domain::mapping::{ChildMapping, Input, Mapping};
use crate::domain::number::count as number;
use crate::domain::schema::Table as Declared;
use crate::infer::columns::{Builder, Targets};
use crate::infer::containers::Form;
use crate::infer::doubts::doubt;
use crate::infer::model::{Doubt, Draft, Table};
use crate::infer::names::{Taken, snake, sql};
use crate::infer::tables::child;
use crate::profile::model::MapKind;
use crate::profile::{CollectionProfile, FieldProfile};

/// Adds what a collection has that its mapping does not name.
pub(super) fn add(
    collection: &CollectionProfile,
    mapping: &Mapping,
    known: &Known<'_>,
    targets: &Targets,
    taken_tables: &mut Taken,
    draft: &mut Draft,
) {
    let Some(declared) = known.schema.table(&mapping.table) else { return };
    let writable = |column: &str| mapping.columns.iter().any(|own| own.name.eq_ignore_ascii_case(column));
    let table = Table { rows: collection.documents, ..extended(collection, declared, None) };
    let mut builder = Builder::new(collection, targets, table, free(declared, writable));
    let repeats = |field: &FieldProfile| {
        let id_field = mapping.id_field.as_deref() == Some(field.name.as_str());
        field.repeats_id == collection.documents || (id_field && field.repeats_id == field.filled())
    };
    let fields: Vec<&FieldProfile> = collection.fields.iter().filter(|field| !repeats(field)).collect();
    walk(&mut builder, &fields, &mapping.paths(), "", 0);
    let Builder { table, children, mut doubts, .. } = builder;
    let parent = keyed(mapping, known.schema);
    let mut tables = vec![table];
    for (field, form) in children {
        match &parent {
            Some(parent) => {
                let (mut table, more) = child(collection, parent, field, form, targets, taken_tables);
                let key: Vec<&str> = parent.key.iter().map(String::as_str).collect();
                if !declared.is_unique(&key) {
                    table.foreign_keys.clear();
                }
                tables.push(table);
                doubts.extend(more);
            }
            None => doubts.push(by_hand(collection, field, form)),
        }
    }
    for child in &mapping.children {
        tables.extend(elements_of(collection, child, known, targets, &mut doubts));
    }
    draft.doubts.extend(doubts);
    tables.retain(|table| !table.extends || !table.columns.is_empty());
    for mut table in tables {
        if table.extends {
            settle(&mut table, known, &mut draft.doubts);
        }
        draft.tables.push(table);
    }
}

/// A table that is there, without its columns.
fn extended(collection: &CollectionProfile, declared: &Declared, each: Option<String>) -> Table {
    Table {
        name: declared.name.clone(),
        collection: collection.collection.clone(),
        each,
        extends: true,
        ..Table::default()
    }
}

/// The names that new columns cannot have. Those of columns that nothing is mapped to can be filled.
fn free(declared: &Declared, is_mapped: impl Fn(&str) -> bool) -> Taken {
    let mut taken = Taken::default();
    let fillable = |column: &&crate::domain::schema::Column| {
        !is_mapped(&column.name) && !column.generated && column.default.is_none()
    };
    declared.columns.iter().filter(|column| !fillable(column)).for_each(|column| drop(taken.take(&column.name)));
    taken
}

/// Adds the fields that no known path leads to.
fn walk<'a>(builder: &mut Builder<'a>, fields: &[&'a FieldProfile], known: &[&[String]], prefix: &str, depth: usize) {
    for field in fields {
        let below: Vec<&[String]> = known
            .iter()
            .filter_map(|path| path.split_first())
            .filter(|(first, _)| **first == field.name)
            .map(|(_, rest)| rest)
            .collect();
        if below.iter().any(|rest| rest.is_empty()) {
            continue;
        }
        match &field.map {
            _ if below.is_empty() => builder.field(field, prefix, depth),
            Some(map) if map.kind == MapKind::Stable => {
                let inner: Vec<&FieldProfile> = map.fields.iter().collect();
                walk(builder, &inner, &below, &format!("{prefix}{}_", snake(&field.name)), depth + 1);
            }
            Some(map) if map.names.count > below.len() as u64 => {
                let found = format!("{}, of which {} are mapped", map.because, below.len());
                let instead = "map the whole field as JSON, or its entries to a child table".to_owned();
                builder.doubts.push(doubt(builder.collection, field, found, "left as it is", instead));
            }
            _ => {}
        }
    }
}

/// New fields inside of the elements of an array, or the values of a dictionary, that have a table.
fn elements_of(
    collection: &CollectionProfile,
    child: &ChildMapping,
    known: &Known<'_>,
    targets: &Targets,
    doubts: &mut Vec<Doubt>,
) -> Option<Table> {
    let Found::Field(field) = at(&collection.fields, child.each.segments()) else { return None };
    let (values, rows) = elements(field)?;
    let map = values.map.as_ref().filter(|map| map.kind == MapKind::Stable)?;
    let declared = known.schema.table(&child.table)?;
    let paths = child.columns.iter().filter_map(|column| match &column.input {
        Input::Item(path) => Some(path.segments()),
        _ => None,
    });
    let paths: Vec<&[String]> = paths.collect();
    if paths.iter().any(|path| path.is_empty()) {
        return None;
    }
    let writable = |column: &str| child.columns.iter().any(|own| own.name.eq_ignore_ascii_case(column));
    let table = Table { rows, ..extended(collection, declared, Some(field.path.clone())) };
    let mut builder =
        Builder { element: Some(&values.path), ..Builder::new(collection, targets, table, free(declared, writable)) };
    let inner: Vec<&FieldProfile> = map.fields.iter().collect();
    walk(&mut builder, &inner, &paths, "", 1);
    doubts.extend(builder.doubts);
    Some(builder.table)
}

/// What can be added to a table with rows: columns that may be NULL, and that no second row can contradict.
fn settle(table: &mut Table, known: &Known<'_>, doubts: &mut Vec<Doubt>) {
    let Some(declared) = known.schema.table(&table.name) else { return };
    let refers_to_itself = declared.foreign_keys.iter().any(|key| key.parent.eq_ignore_ascii_case(&table.name));
    let mut refused = BTreeSet::new();
    for column in &mut table.columns {
        if column.unique {
            table.proposals.push(format!("{}: all values are different: UNIQUE?", sql(&column.name)));
        }
        (column.not_null, column.unique) = (false, false);
        // Both together could lead in circles.
        column.references.take_if(|(parent, _)| refers_to_itself && *parent == table.name);
        let Some(there) = declared.column(&column.name) else { continue };
        if there.declared_type == column.stored.declared {
            (column.there, column.check, column.references) = (true, None, None);
        } else {
            refused.insert(column.name.clone());
            doubts.push(Doubt {
                collection: table.collection.clone(),
                field: Some(column.from.clone()),
                found: format!(
                    "the table has a column {} of type {}, to which nothing is mapped; the documents need {}",
                    there.name, there.declared_type, column.stored.declared
                ),
                chosen: "left alone".to_owned(),
                instead: "map the field to it with a conversion, or to a column of another name".to_owned(),
                serious: false,
            });
        }
    }
    table.columns.retain(|column| !refused.contains(&column.name));
    let added: BTreeSet<&String> =
        table.columns.iter().filter(|column| !column.there).map(|column| &column.name).collect();
    table.indexes.retain(|name| added.contains(name));
}

fn by_hand(collection: &CollectionProfile, field: &FieldProfile, form: Form) -> Doubt {
    let what = if form == Form::Entries { "a dictionary" } else { "arrays" };
    let rows = elements(field).map_or(0, |(_, rows)| rows);
    let found = format!("{what} with {} elements in all, for a table of their own", number(rows));
    let instead =
        "add the child table by hand: the key of the table above is not one that `init` can refer to".to_owned();
    doubt(&collection.collection, field, found, "nothing yet", instead)
}
