//! What a database holds, apart from fireferry's own tables.

use std::collections::BTreeMap;
use std::path::Path;

use libsql::{Builder, Connection, Value};

/// One value: its `typeof` and its bits.
pub type Cell = (String, Vec<u8>);

/// Rows by table, sorted.
pub type Tables = BTreeMap<String, Vec<Vec<Cell>>>;

/// Everything that a user put into the database.
pub fn dump(database: &Path) -> Tables {
    block_on(async {
        let connection = Builder::new_local(database).build().await.unwrap().connect().unwrap();
        let mut tables = Tables::new();
        for name in names(&connection, "SELECT name FROM sqlite_schema WHERE type = 'table'").await {
            if !name.starts_with("_fireferry") && !name.starts_with("sqlite_") && name != "schema_migrations" {
                tables.insert(name.clone(), rows(&connection, &name).await);
            }
        }
        tables
    })
}

/// The first column of a query, as text.
pub fn query(database: &Path, sql: &str) -> Vec<String> {
    block_on(async {
        let connection = Builder::new_local(database).build().await.unwrap().connect().unwrap();
        names(&connection, sql).await
    })
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

async fn names(connection: &Connection, sql: &str) -> Vec<String> {
    let mut rows = connection.query(sql, ()).await.unwrap();
    let mut names = Vec::new();
    while let Some(row) = rows.next().await.unwrap() {
        names.push(match row.get_value(0).unwrap() {
            Value::Text(text) => text,
            other => format!("{other:?}"),
        });
    }
    names
}

async fn rows(connection: &Connection, table: &str) -> Vec<Vec<Cell>> {
    let columns = names(connection, &format!("SELECT name FROM pragma_table_info('{table}')")).await;
    // Text as bytes: what follows a NUL must not get lost on the way to the comparison.
    let cell = |name: &String| {
        format!("typeof(\"{name}\"), iif(typeof(\"{name}\") = 'text', CAST(\"{name}\" AS BLOB), \"{name}\")")
    };
    let cells: Vec<String> = columns.iter().map(cell).collect();
    let mut rows = connection.query(&format!("SELECT {} FROM \"{table}\"", cells.join(", ")), ()).await.unwrap();
    let mut all = Vec::new();
    while let Some(row) = rows.next().await.unwrap() {
        let values = (0..row.column_count()).step_by(2);
        all.push(
            values.map(|at| (row.get_str(at).unwrap().to_owned(), bits(row.get_value(at + 1).unwrap()))).collect(),
        );
    }
    all.sort();
    all
}

fn bits(value: Value) -> Vec<u8> {
    match value {
        Value::Null => Vec::new(),
        Value::Integer(number) => number.to_be_bytes().to_vec(),
        Value::Real(number) => number.to_bits().to_be_bytes().to_vec(),
        Value::Text(text) => text.into_bytes(),
        Value::Blob(bytes) => bytes,
    }
}
