//! A draft as SQL.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::model::{Column, Draft, Table};
use super::names::sql;

/// The migration that makes the tables.
pub fn up(draft: &Draft, source: &str) -> String {
    let mut text =
        format!("-- Tables for {}, drafted by `fireferry init` from what the documents hold.\n", comment(source));
    tables(&mut text, draft);
    text
}

/// The migration that adds what has come to a source; nothing where no table has to change.
pub fn next(draft: &Draft, source: &str) -> Option<String> {
    let changes = |table: &Table| !table.extends || table.columns.iter().any(|column| !column.there);
    if !draft.tables.iter().any(changes) {
        return None;
    }
    let mut text = format!(
        "-- What has come to {}, drafted by `fireferry init --update` from what the documents hold.\n",
        comment(source)
    );
    tables(&mut text, draft);
    Some(text)
}

/// New tables before those that get columns, which may refer to them.
fn tables(text: &mut String, draft: &Draft) {
    for table in draft.tables.iter().filter(|table| !table.extends) {
        text.push('\n');
        create(text, table);
    }
    for table in draft.tables.iter().filter(|table| table.columns.iter().any(|column| table.extends && !column.there)) {
        text.push('\n');
        alter(text, table);
    }
}

fn alter(text: &mut String, table: &Table) {
    proposals(text, table);
    for column in table.columns.iter().filter(|column| !column.there) {
        let (name, definition) = (sql(&column.name), definition(column, table));
        // Comments behind a definition would become part of the table's declaration.
        let _ = writeln!(text, "-- {}", comment(&column.evidence));
        let _ = writeln!(text, "ALTER TABLE {} ADD COLUMN {name} {definition};", sql(&table.name));
    }
    indexes(text, table);
}

fn indexes(text: &mut String, table: &Table) {
    for column in &table.indexes {
        let _ = writeln!(text, "CREATE INDEX {} ON {} ({});", index(table, column), sql(&table.name), sql(column));
    }
}

fn index(table: &Table, column: &str) -> String {
    sql(&format!("{}_by_{column}", table.name))
}

fn proposals(text: &mut String, table: &Table) {
    for proposal in &table.proposals {
        let _ = writeln!(text, "-- Undecided: {}", comment(proposal));
    }
}

/// The migration that removes them: columns, then tables, those that nothing refers to any more first.
pub fn down(draft: &Draft) -> String {
    let mut text = String::new();
    for table in draft.tables.iter().rev().filter(|table| table.extends) {
        for column in &table.indexes {
            let _ = writeln!(text, "DROP INDEX {};", index(table, column));
        }
        for column in table.columns.iter().rev().filter(|column| !column.there) {
            let _ = writeln!(text, "ALTER TABLE {} DROP COLUMN {};", sql(&table.name), sql(&column.name));
        }
    }
    let mut left: Vec<&Table> = draft.tables.iter().rev().filter(|table| !table.extends).collect();
    while !left.is_empty() {
        let referred: BTreeSet<&str> = left.iter().flat_map(|table| parents(table)).collect();
        let free = left.iter().position(|table| !referred.contains(table.name.as_str())).unwrap_or(0);
        let _ = writeln!(text, "DROP TABLE {};", sql(&left.remove(free).name));
    }
    text
}

/// Other tables that a table refers to.
fn parents(table: &Table) -> impl Iterator<Item = &str> {
    let single = table.columns.iter().filter_map(|column| column.references.as_ref()).map(|(parent, _)| parent);
    let several = table.foreign_keys.iter().map(|key| &key.parent);
    single.chain(several).map(String::as_str).filter(|parent| *parent != table.name)
}

fn create(text: &mut String, table: &Table) {
    let _ = writeln!(text, "-- {}", comment(&table.note));
    proposals(text, table);
    let _ = writeln!(text, "CREATE TABLE {} (", sql(&table.name));
    let constraints = constraints(table);
    let name = |column: &Column| sql(&column.name);
    let width = table.columns.iter().map(|column| name(column).chars().count()).max().unwrap_or(0);
    for (index, column) in table.columns.iter().enumerate() {
        let comma = if index + 1 < table.columns.len() || !constraints.is_empty() { "," } else { "" };
        let _ = writeln!(
            text,
            "  {:width$} {}{comma} -- {}",
            name(column),
            definition(column, table),
            comment(&column.evidence)
        );
    }
    for (index, constraint) in constraints.iter().enumerate() {
        let comma = if index + 1 < constraints.len() { "," } else { "" };
        let _ = writeln!(text, "  {constraint}{comma}");
    }
    text.push_str(") STRICT;\n");
    indexes(text, table);
}

fn definition(column: &Column, table: &Table) -> String {
    let mut text = column.stored.declared.to_owned();
    if column.not_null {
        text.push_str(" NOT NULL");
    }
    if table.key.as_slice() == std::slice::from_ref(&column.name) {
        text.push_str(" PRIMARY KEY");
    }
    if column.unique {
        text.push_str(" UNIQUE");
    }
    if let Some((parent, key)) = &column.references {
        let _ = write!(text, " REFERENCES {} ({})", sql(parent), sql(key));
    }
    if let Some(check) = &column.check {
        let _ = write!(text, " CHECK ({check})");
    }
    text
}

/// What concerns several columns.
fn constraints(table: &Table) -> Vec<String> {
    let list = |names: &[String]| names.iter().map(|name| sql(name)).collect::<Vec<_>>().join(", ");
    let mut found = Vec::new();
    if table.key.len() > 1 {
        found.push(format!("PRIMARY KEY ({})", list(&table.key)));
    }
    for key in &table.foreign_keys {
        let (columns, parent) = (list(&key.columns), list(&key.parent_columns));
        found.push(format!("FOREIGN KEY ({columns}) REFERENCES {} ({parent}) ON DELETE CASCADE", sql(&key.parent)));
    }
    found
}

/// Text that stays in its line, whatever names documents have.
fn comment(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}
