//! The content of a database, the same whether it was read from a file or from a server.

use std::collections::BTreeMap;

use super::database::Cell;

/// Everything that a user has in a database, and the rejects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dump {
    pub tables: Vec<Table>,
    /// By table, ordered by its key.
    pub rows: BTreeMap<String, Vec<Vec<Cell>>>,
    /// Collection, document, key, code, reason, state, data of every reject, without what names a run.
    pub rejects: Vec<Vec<Cell>>,
}

/// A table that a user made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub name: String,
    pub columns: Vec<String>,
    /// Indexes into `columns`, by which rows are ordered: the primary key, or all columns.
    pub key: Vec<usize>,
    pub sql: String,
}

/// Asks SQL; text ends at its first NUL, unless it is read as a blob.
pub type Ask<'a> = &'a dyn Fn(&str) -> Vec<Vec<Cell>>;

/// Reads all of it: `ask` answers small questions, `rows` reads every row of a SELECT, however many.
pub fn dump(ask: Ask<'_>, rows: Ask<'_>) -> Dump {
    let tables = tables(ask);
    let read = |table: &Table| (table.name.clone(), rows(&select(table)).into_iter().map(exact_row).collect());
    Dump { rows: tables.iter().map(read).collect(), rejects: rejects(ask, rows), tables }
}

/// Tables that users made, by name.
pub fn tables(ask: Ask<'_>) -> Vec<Table> {
    let sql = "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name <> 'schema_migrations' \
               AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE 'libsql\\_%' ESCAPE '\\' \
               AND name NOT LIKE '\\_fireferry\\_%' ESCAPE '\\' ORDER BY name";
    ask(sql).into_iter().map(|row| table(ask, row[0].clone().text(), row[1].clone().text())).collect()
}

fn table(ask: Ask<'_>, name: String, sql: String) -> Table {
    let info =
        format!("SELECT name, pk, coalesce(dflt_value, '') FROM pragma_table_xinfo({}) ORDER BY cid", text_of(&name));
    let mut columns = Vec::new();
    let mut key = BTreeMap::new();
    for row in ask(&info) {
        let (column, default) = (row[0].clone().text(), row[2].clone().text().to_lowercase());
        if ["current_", "random", "now"].iter().any(|word| default.contains(word)) {
            continue;
        }
        if let Cell::Integer(place @ 1..) = row[1] {
            key.insert(place, columns.len());
        }
        columns.push(column);
    }
    let key = if key.is_empty() { (0..columns.len()).collect() } else { key.into_values().collect() };
    Table { name, columns, key, sql }
}

/// Rows of a table, ordered by key; two result columns for each of its own.
pub fn select(table: &Table) -> String {
    let list: Vec<String> = table.columns.iter().map(|column| exact(&quote(column))).collect();
    let order: Vec<String> =
        table.key.iter().map(|index| format!("{} COLLATE BINARY", quote(&table.columns[*index]))).collect();
    format!("SELECT {} FROM {} ORDER BY {}", list.join(", "), quote(&table.name), order.join(", "))
}

fn rejects(ask: Ask<'_>, rows: Ask<'_>) -> Vec<Vec<Cell>> {
    if ask("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = '_fireferry_rejects'").is_empty() {
        return Vec::new();
    }
    let columns = ["collection", "document", "key", "code", "reason", "state", "data"];
    let list: Vec<String> = columns.iter().map(|column| exact(column)).collect();
    let sql = format!("SELECT {} FROM _fireferry_rejects ORDER BY {}", list.join(", "), columns.join(", "));
    rows(&sql).into_iter().map(exact_row).collect()
}

/// Two result columns, type and value: text is read as bytes, because clients stop at a NUL, and the JSON of a server
/// knows no infinity.
fn exact(column: &str) -> String {
    format!(
        "typeof({column}), CASE typeof({column}) WHEN 'text' THEN CAST({column} AS BLOB) WHEN 'real' THEN \
         CASE {column} WHEN 9e999 THEN 'inf' WHEN -9e999 THEN '-inf' ELSE {column} END ELSE {column} END"
    )
}

/// The values of a row whose columns were asked for with `exact`.
pub fn exact_row(row: Vec<Cell>) -> Vec<Cell> {
    let mut cells = row.into_iter();
    let mut exact = Vec::new();
    while let (Some(kind), Some(value)) = (cells.next(), cells.next()) {
        let kind = kind.text();
        exact.push(match (kind.as_str(), value) {
            ("text", Cell::Blob(bytes)) => Cell::Text(bytes),
            ("real", Cell::Text(infinity)) if infinity == b"inf" => Cell::Real(f64::INFINITY.to_bits()),
            ("real", Cell::Text(_)) => Cell::Real(f64::NEG_INFINITY.to_bits()),
            (_, value) => value,
        });
    }
    exact
}

fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn text_of(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
