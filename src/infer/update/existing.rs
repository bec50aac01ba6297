//! Tables that are there, as the draft sees them.

use crate::domain::mapping::{ColumnMapping, ColumnType, Input, Mapping};
use crate::domain::schema::{Affinity, Schema};
use crate::infer::columns::{By, Target};
use crate::infer::model::{Column, Stored, Table};

/// How rows of a collection's table can be referred to: by a unique column that holds the id (at the root) or the path
/// (below), as long as every document has a row.
pub(super) fn target(mapping: &Mapping, schema: &Schema) -> (String, Target) {
    let collection = mapping.collection.as_str();
    let (by, input) = if mapping.collection.is_root() { (By::Id, Input::Id) } else { (By::Path, Input::Path) };
    let table = schema.table(&mapping.table);
    let fits = |column: &&ColumnMapping| {
        let declared = table.and_then(|table| table.column(&column.name));
        column.input == input
            && is_plain(column)
            && declared.is_some_and(|declared| declared.declared_type == "TEXT")
            && table.is_some_and(|table| table.is_unique(&[&column.name]))
    };
    let column = mapping.columns.iter().find(fits).filter(|_| mapping.filter.conditions.is_empty());
    let column = column.map(|column| column.name.clone());
    (collection.to_owned(), Target { table: mapping.table.clone(), by, column, drafted: false })
}

/// The value as it is in the document.
pub(super) fn is_plain(column: &ColumnMapping) -> bool {
    column.transforms.is_empty() && column.lookup.is_none() && column.default.is_none()
}

/// The table with its key's columns, for child tables to refer to; `None` where those cannot be written in short.
pub(super) fn keyed(mapping: &Mapping, schema: &Schema) -> Option<Table> {
    let table = schema.table(&mapping.table)?;
    let mut columns = Vec::new();
    for column in mapping.key.iter().filter_map(|index| mapping.columns.get(*index)) {
        let automatic = matches!(column.kind, ColumnType::Natural(Affinity::Text | Affinity::Integer));
        let simple = matches!(column.input, Input::Id | Input::Path | Input::ParentId);
        let declared = declared(&table.column(&column.name)?.declared_type)?;
        if !is_plain(column) || !(automatic || simple) {
            return None;
        }
        columns.push(Column {
            name: column.name.clone(),
            from: column.input.to_string(),
            stored: Stored { kind: None, settings: Vec::new(), declared },
            ..Column::default()
        });
    }
    let key = columns.iter().map(|column| column.name.clone()).collect();
    Some(Table {
        name: table.name.clone(),
        collection: mapping.collection.to_string(),
        key,
        columns,
        ..Table::default()
    })
}

/// A declared type that a link to it can have too.
fn declared(text: &str) -> Option<&'static str> {
    ["TEXT", "INTEGER", "ANY"].into_iter().find(|known| *known == text)
}
