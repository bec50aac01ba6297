//! A mapping against a database's schema: what `Auto` means for each column, and everything that cannot work.

mod keys;
mod types;

use super::{ColumnMapping, Mapping};
use crate::domain::schema::{Column, Schema, Table};

/// Something about a mapping that does not fit the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindProblem {
    /// Stable: `table_missing`, `column_missing`, `column_generated`, `type_incompatible`, `required_column_unmapped`,
    /// `key_missing`, `key_not_unique`, `key_not_determining`, `child_link_missing`, `child_link_not_determining`,
    /// `child_link_differs`, `child_key_without_link`.
    pub code: &'static str,
    /// What is wrong, naming table and column.
    pub message: String,
    /// What to do.
    pub hint: String,
    /// The run may go on; something that needs more (sync, deletes, repair) may not.
    pub warning: bool,
}

impl BindProblem {
    fn error(code: &'static str, message: String, hint: impl Into<String>) -> Self {
        Self { code, message, hint: hint.into(), warning: false }
    }
}

impl Mapping {
    /// The mapping with every `Auto` resolved by the declared types of its tables, and what does not fit. Columns
    /// that have a problem keep the type they had.
    pub fn bind(&self, schema: &Schema) -> (Self, Vec<BindProblem>) {
        let mut bound = self.clone();
        let mut problems = Vec::new();
        if let Some(table) = find_table(schema, &self.table, &mut problems) {
            bind_columns(&mut bound.columns, table, &mut problems);
            self.check_key(table, &mut problems);
        }
        for child in &mut bound.children {
            if let Some(table) = find_table(schema, &child.table, &mut problems) {
                bind_columns(&mut child.columns, table, &mut problems);
            }
        }
        for child in &bound.children {
            bound.check_child(child, schema.table(&child.table), &mut problems);
        }
        (bound, problems)
    }
}

fn find_table<'a>(schema: &'a Schema, name: &str, problems: &mut Vec<BindProblem>) -> Option<&'a Table> {
    let found = schema.table(name);
    if found.is_none() {
        let view = schema.views.iter().any(|view| view.eq_ignore_ascii_case(name));
        problems.push(if view {
            let message = format!("`{name}` is a view, which cannot be written to");
            BindProblem::error("table_missing", message, "name the table behind it")
        } else {
            let message = format!("the table `{name}` does not exist");
            BindProblem::error("table_missing", message, "apply the migration that creates it, or correct `table`")
        });
    }
    found
}

fn bind_columns(columns: &mut [ColumnMapping], table: &Table, problems: &mut Vec<BindProblem>) {
    for column in columns.iter_mut() {
        match table.column(&column.name) {
            None => problems.push(column_missing(column, table)),
            Some(declared) if declared.generated => problems.push(BindProblem::error(
                "column_generated",
                format!("`{}.{}` is a generated column", table.name, declared.name),
                "remove it from `columns`: the database computes it",
            )),
            Some(declared) => match types::resolve(column, table, declared) {
                Ok(kind) => column.kind = kind,
                Err(problem) => problems.push(problem),
            },
        }
    }
    for declared in table.columns.iter().filter(|declared| needs_value(table, declared)) {
        if !columns.iter().any(|column| column.name.eq_ignore_ascii_case(&declared.name)) {
            problems.push(BindProblem::error(
                "required_column_unmapped",
                format!("`{}.{}` is NOT NULL, has no default and is not mapped", table.name, declared.name),
                "add it to `columns`, or give it a default in the schema",
            ));
        }
    }
}

fn column_missing(column: &ColumnMapping, table: &Table) -> BindProblem {
    let writable = table.columns.iter().filter(|declared| !declared.generated);
    let names: Vec<&str> = writable.map(|declared| declared.name.as_str()).collect();
    BindProblem::error(
        "column_missing",
        format!("the table `{}` has no column `{}`", table.name, column.name),
        format!("it has: {}", names.join(", ")),
    )
}

/// Whether a row without this column is refused.
fn needs_value(table: &Table, column: &Column) -> bool {
    let in_key = table.primary_key.iter().any(|name| name.eq_ignore_ascii_case(&column.name));
    // The only key column of type INTEGER is the row id, which SQLite fills in.
    let row_id = in_key && table.primary_key.len() == 1 && !table.without_rowid && column.declared_type == "INTEGER";
    let not_null = column.not_null || (in_key && (table.without_rowid || table.strict));
    let no_default = column.default.as_deref().is_none_or(|text| text.eq_ignore_ascii_case("null"));
    not_null && no_default && !column.generated && !row_id
}
