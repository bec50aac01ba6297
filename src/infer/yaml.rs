//! A draft as a pipeline file.

use std::fmt::Write;
use std::iter::Peekable;

use serde::Serialize;

use super::model::{Column, Draft, Table};

/// The source section's keys with their values, and what else the file says of itself.
#[derive(Debug, Clone, Default)]
pub struct PipelineSource {
    /// Name of the pipeline.
    pub name: String,
    /// Keys of `source`.
    pub keys: Vec<(&'static str, String)>,
    /// The folder of migrations, relative to the file.
    pub schema: String,
    /// The source, for people.
    pub described: String,
}

/// The pipeline's text.
pub fn pipeline(draft: &Draft, source: &PipelineSource) -> String {
    let name = &source.name;
    let mut text = String::new();
    let described: String = source.described.chars().map(|char| if char.is_control() { ' ' } else { char }).collect();
    let _ = writeln!(text, "# Drafted by `fireferry init` from {described}.");
    let _ = writeln!(text, "# {name}.profile.md tells what was found, what was doubtful, and what to decide.");
    let _ = writeln!(text, "version: 1\nname: {}\n\nsource:", quoted(name));
    for (key, value) in &source.keys {
        let _ = writeln!(text, "  {key}: {}", quoted(value));
    }
    let _ = writeln!(text, "\ndestination:\n  url: \"${{TURSO_DATABASE_URL:-file:{name}.db}}\"");
    let _ = writeln!(text, "  auth_token: \"${{TURSO_AUTH_TOKEN:-}}\"\n\nschema: {}", quoted(&source.schema));
    text.push_str("\ncollections:\n");
    let mut tables = draft.tables.iter().peekable();
    while let Some(table) = tables.next() {
        collection(&mut text, table);
        children(&mut text, &mut tables);
    }
    text
}

/// Lines that belong into a pipeline that is there already. They begin at the left; what is inside of something is two
/// spaces further to the right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Addition {
    /// The collection that gets columns or child tables; its own name where it is new.
    pub collection: String,
    /// What they are.
    pub kind: AdditionKind,
    /// The lines.
    pub lines: Vec<String>,
}

/// Where lines belong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AdditionKind {
    /// A collection, under `collections`.
    Collection,
    /// Columns of the collection's table.
    Columns,
    /// A child table.
    Child,
    /// Columns of this child table.
    ChildColumns(String),
}

/// What a draft adds to a pipeline.
pub fn additions(draft: &Draft) -> Vec<Addition> {
    let mut found = Vec::new();
    let mut tables = draft.tables.iter().peekable();
    while let Some(table) = tables.next() {
        let (mut text, indent, kind) = (String::new(), table.each.as_ref().map_or(6, |_| 10), kind(table));
        match &kind {
            AdditionKind::Collection => {
                self::collection(&mut text, table);
                children(&mut text, &mut tables);
            }
            AdditionKind::Child => self::child(&mut text, table),
            AdditionKind::Columns | AdditionKind::ChildColumns(_) => columns(&mut text, table, indent),
        }
        // The indentation of a whole file is taken off.
        let indent = match kind {
            AdditionKind::Collection => 2,
            AdditionKind::Child => 6,
            AdditionKind::Columns | AdditionKind::ChildColumns(_) => indent,
        };
        let lines = text.lines().map(|line| line.get(indent..).unwrap_or_default().to_owned()).collect();
        found.push(Addition { collection: table.collection.clone(), kind, lines });
    }
    found
}

fn kind(table: &Table) -> AdditionKind {
    match (table.extends, &table.each) {
        (false, None) => AdditionKind::Collection,
        (false, Some(_)) => AdditionKind::Child,
        (true, None) => AdditionKind::Columns,
        (true, Some(_)) => AdditionKind::ChildColumns(table.name.clone()),
    }
}

/// The child tables that follow their collection's table.
fn children<'a>(text: &mut String, tables: &mut Peekable<impl Iterator<Item = &'a Table>>) {
    let mut first = true;
    while let Some(child) = tables.next_if(|next| next.each.is_some() && !next.extends) {
        if first {
            text.push_str("    children:\n");
            first = false;
        }
        self::child(text, child);
    }
}

fn collection(text: &mut String, table: &Table) {
    let _ = writeln!(text, "  {}:", quoted(&table.collection));
    let _ = writeln!(text, "    table: {}", quoted(&table.name));
    let _ = writeln!(text, "    key: {}", key(&table.key));
    if let Some(column) = &table.keep_unknown {
        let _ = writeln!(text, "    unknown_fields: {{ keep: {} }}", quoted(column));
    }
    text.push_str("    columns:\n");
    columns(text, table, 6);
}

fn columns(text: &mut String, table: &Table, indent: usize) {
    for column in table.columns.iter().filter(|column| !column.from.is_empty()) {
        let _ = writeln!(text, "{:indent$}{}: {}", "", quoted(&column.name), input(column));
    }
}

fn child(text: &mut String, table: &Table) {
    let _ = writeln!(text, "      - table: {}", quoted(&table.name));
    let _ = writeln!(text, "        each: {}", quoted(table.each.as_deref().unwrap_or_default()));
    let _ = writeln!(text, "        key: {}", key(&table.key));
    text.push_str("        columns:\n");
    columns(text, table, 10);
}

fn key(names: &[String]) -> String {
    match names {
        [name] => quoted(name),
        names => format!("[{}]", names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ")),
    }
}

fn input(column: &Column) -> String {
    let Some(kind) = column.stored.kind else { return quoted(&column.from) };
    let mut text = format!("{{ from: {}, type: {kind}", quoted(&column.from));
    for (key, value) in &column.stored.settings {
        let _ = write!(text, ", {key}: {value}");
    }
    text + " }"
}

/// Words that YAML of any version takes for something else than text.
const WORDS: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];

/// A text as YAML writes it: bare where nothing could be meant but text.
fn quoted(text: &str) -> String {
    let bare = |char: char| char.is_ascii_alphanumeric() || "_./$-".contains(char);
    let starts = text.starts_with(|char: char| char.is_ascii_alphabetic() || char == '_' || char == '$');
    let starts = starts || text.starts_with("../");
    if starts && text.chars().all(bare) && !WORDS.contains(&text.to_ascii_lowercase().as_str()) {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    // `${` would be a variable.
    for char in text.replace("${", "$${").chars() {
        match char {
            '"' | '\\' => quoted.extend(['\\', char]),
            char if char.is_control() || matches!(char, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                let _ = write!(quoted, "\\U{:08X}", char as u32);
            }
            char => quoted.push(char),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_where_they_could_mean_something_else() {
        for bare in ["a_b", "$id", "$item.x", "../data/x.json", "profile.city"] {
            assert_eq!(quoted(bare), bare);
        }
        assert_eq!(quoted("no"), "\"no\"");
        assert_eq!(quoted("users/*/orders"), "\"users/*/orders\"");
        assert_eq!(quoted("`a.b`.\"c\\\n${x}"), "\"`a.b`.\\\"c\\\\\\U0000000A$${x}\"");
        assert_eq!(quoted("1e3"), "\"1e3\"");
    }
}
