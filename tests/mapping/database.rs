//! Promise 6 against SQLite itself: where `bind` has no objection, a column of any declared type gives back, by bits
//! and storage class, exactly what the mapping stored. Coercion never gets a chance.

use std::cell::Cell;

use super::generate::{any_rules, any_type, any_value, cases};
use super::*;
use fireferry::domain::schema::{Column, Schema, Table};
use libsql::{Builder, Connection};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{TestCaseError, TestRunner};

const STRICT: &[&str] = &["TEXT", "INTEGER", "INT", "REAL", "BLOB", "ANY"];
const ORDINARY: &[&str] = &[
    "",
    "TEXT",
    "INTEGER",
    "REAL",
    "BLOB",
    "NUMERIC",
    "VARCHAR(9)",
    "BIGINT",
    "DOUBLE PRECISION",
    "BOOLEAN",
    "DATETIME",
    "DECIMAL(10,5)",
    "JSON",
    "ANY",
    "F32_BLOB(2)",
    "FLOAT64(2)",
];

/// A table per declared type, with the columns `id` and `v`.
fn table(strict: bool, number: usize, declared_type: &str) -> Table {
    let column = |name: &str, kind: &str| Column { name: name.into(), declared_type: kind.into(), ..Column::default() };
    Table {
        name: format!("t{}_{number}", u8::from(strict)),
        strict,
        primary_key: vec!["id".into()],
        unique: vec![vec!["id".into()]],
        columns: vec![column("id", "TEXT"), column("v", declared_type)],
        ..Table::default()
    }
}

fn schema() -> Schema {
    let strict = STRICT.iter().enumerate().map(|(number, kind)| table(true, number, kind));
    let ordinary = ORDINARY.iter().enumerate().map(|(number, kind)| table(false, number, kind));
    Schema { tables: strict.chain(ordinary).collect(), ..Schema::default() }
}

async fn create(connection: &Connection, schema: &Schema) {
    for table in &schema.tables {
        let (name, kind) = (&table.name, &table.columns[1].declared_type);
        let strict = if table.strict { "STRICT" } else { "" };
        let sql = format!("CREATE TABLE {name} (id TEXT PRIMARY KEY, v {kind}) {strict}");
        connection.execute(&sql, ()).await.unwrap();
    }
}

fn bound(value: &SqlValue) -> libsql::Value {
    match value.clone() {
        SqlValue::Null => libsql::Value::Null,
        SqlValue::Integer(integer) => libsql::Value::Integer(integer),
        SqlValue::Real(real) => libsql::Value::Real(real),
        SqlValue::Text(text) => libsql::Value::Text(text),
        SqlValue::Blob(blob) => libsql::Value::Blob(blob),
    }
}

/// Storage class and content (text as its bytes) of what a table holds after the value was written to it.
async fn written(connection: &Connection, table: &str, value: &SqlValue) -> Result<String, libsql::Error> {
    connection.execute(&format!("INSERT OR REPLACE INTO {table} VALUES ('k', ?)"), vec![bound(value)]).await?;
    let sql = format!("SELECT typeof(v), CASE typeof(v) WHEN 'text' THEN CAST(v AS BLOB) ELSE v END FROM {table}");
    let row = connection.query(&sql, ()).await?.next().await?.unwrap();
    Ok(format!("{} {}", row.get::<String>(0)?, shown(&row.get_value(1)?)))
}

fn shown(value: &libsql::Value) -> String {
    match value {
        libsql::Value::Real(real) => format!("{:016x}", real.to_bits()),
        other => format!("{other:?}"),
    }
}

fn expected(value: &SqlValue) -> String {
    match value {
        SqlValue::Null => "null Null".into(),
        SqlValue::Integer(integer) => format!("integer Integer({integer})"),
        SqlValue::Real(real) => format!("real {:016x}", real.to_bits()),
        SqlValue::Text(text) => format!("text Blob({:?})", text.as_bytes()),
        SqlValue::Blob(blob) => format!("blob Blob({blob:?})"),
    }
}

#[test]
fn sqlite_keeps_every_stored_value_as_it_is() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let schema = schema();
    let connection = runtime.block_on(async {
        let connection = Builder::new_local(":memory:").build().await.unwrap().connect().unwrap();
        create(&connection, &schema).await;
        connection
    });
    let tables = select(schema.tables.clone());
    let kinds = prop_oneof![Just(ColumnType::Auto), any_type()];
    let stored = Cell::new(0);
    let outcome = TestRunner::new(cases(10_000)).run(
        &(tables, kinds, any_rules(), any_value()),
        |(table, kind, rules, value)| {
            let mut under_test = column("v", "v", kind);
            under_test.doubles = rules;
            let mut mapping = mapping(vec![column("id", "$id", ColumnType::Text), under_test]);
            mapping.table = table.name.clone();
            let (mapping, problems) = mapping.bind(&schema);
            if !problems.is_empty() {
                return Ok(());
            }
            let mut document = document("{}");
            document.fields.insert("v", value.clone());
            if let Mapped::Rows(rows) = mapping.map(document) {
                stored.set(stored.get() + 1);
                let found = runtime.block_on(written(&connection, &table.name, &rows.row[1]));
                let found = found.map_err(|error| TestCaseError::fail(format!("{value:?} refused: {error}")))?;
                prop_assert_eq!(found, expected(&rows.row[1]), "{:?} as {:?}", value, mapping.columns[1].kind);
            }
            Ok(())
        },
    );
    outcome.unwrap();
    assert!(stored.get() > 500, "only {} values were stored: the test says little", stored.get());
}
