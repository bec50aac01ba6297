//! Where references by id lead: the schema's foreign keys say into which table, and the pipeline of which collection it is.

use std::collections::HashMap;

use crate::domain::mapping::{Input, Mapping};
use crate::domain::schema::{ForeignKey, Schema, Table};

/// The collections that columns refer to, by table and column.
#[derive(Debug, Clone, Default)]
pub struct Homes(HashMap<(String, String), String>);

impl Homes {
    /// Those that foreign keys tell: to the id of a table that one root collection alone fills.
    pub fn of(schema: &Schema, mappings: &[&Mapping]) -> Self {
        let homes = schema.tables.iter().flat_map(|table| {
            table.foreign_keys.iter().filter_map(|key| Some((column_of(table, key)?, home(key, mappings)?)))
        });
        Self(homes.collect())
    }

    /// The collection that a column refers to.
    pub fn get(&self, table: &str, column: &str) -> Option<&str> {
        self.0.get(&(table.to_ascii_lowercase(), column.to_ascii_lowercase())).map(String::as_str)
    }
}

fn column_of(table: &Table, key: &ForeignKey) -> Option<(String, String)> {
    match key.columns.as_slice() {
        [column] => Some((table.name.to_ascii_lowercase(), column.to_ascii_lowercase())),
        _ => None,
    }
}

fn home(key: &ForeignKey, mappings: &[&Mapping]) -> Option<String> {
    let [parent_column] = key.parent_columns.as_slice() else { return None };
    let mut filling = mappings.iter().filter(|mapping| mapping.table.eq_ignore_ascii_case(&key.parent));
    let (Some(only), None) = (filling.next(), filling.next()) else { return None };
    let column = only.columns.iter().find(|column| column.name.eq_ignore_ascii_case(parent_column))?;
    let is_id = column.input == Input::Id && column.transforms.is_empty() && column.lookup.is_none();
    (is_id && only.collection.is_root()).then(|| only.collection.to_string())
}
