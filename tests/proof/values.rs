//! Promise 6 through the whole write path: random documents of every type → mapping → a real local database by
//! `Destination::write` → read back. Every value in the database has the bits that the mapping made, and says exactly
//! what the document said; written again, every document is unchanged; other documents take their place completely.

use std::cell::Cell as Counter;
use std::collections::BTreeMap;
use std::path::Path;

use fireferry::destination::libsql::{LibsqlFile, Mode};
use fireferry::destination::{Batch, ChildTarget, CommitHeader, Destination, Feed, OnConflict, RunRecord, Target};
use fireferry::domain::cursor::{Counts, Cursor, Partition};
use fireferry::domain::document::{CollectionPattern, Document};
use fireferry::domain::field_path::FieldPath;
use fireferry::domain::filter::Filter;
use fireferry::domain::mapping::{
    ChildMapping, ColumnMapping, ColumnType, DoubleRules, Input, Mapped, Mapping, Mismatch, UnknownFields,
};
use fireferry::domain::row::{MappedDocument, Row, SqlValue};
use fireferry::domain::value::Value;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;

use crate::mapping::generate::{any_document, any_rules, any_value, cases};
use crate::mapping::properties::is_exact;
use crate::support::database::{Cell, Database};

/// Every way to store a value, with a declared type that allows it.
const KINDS: &[(ColumnType, &str)] = &[
    (ColumnType::Any, "ANY"),
    (ColumnType::Auto, "ANY"),
    (ColumnType::Auto, "TEXT"),
    (ColumnType::Auto, "INTEGER"),
    (ColumnType::Auto, "REAL"),
    (ColumnType::Auto, "BLOB"),
    (ColumnType::Text, "TEXT"),
    (ColumnType::Text, "ANY"),
    (ColumnType::Integer, "INTEGER"),
    (ColumnType::Double, "REAL"),
    (ColumnType::Double, "ANY"),
    (ColumnType::Boolean, "INTEGER"),
    (ColumnType::Bytes, "BLOB"),
    (ColumnType::Timestamp { digits: 3 }, "TEXT"),
    (ColumnType::Timestamp { digits: 6 }, "TEXT"),
    (ColumnType::Timestamp { digits: 9 }, "ANY"),
    (ColumnType::TimestampMillis, "INTEGER"),
    (ColumnType::TimestampMicros, "INTEGER"),
    (ColumnType::ReferenceId, "TEXT"),
    (ColumnType::ReferencePath, "TEXT"),
    (ColumnType::Latitude, "REAL"),
    (ColumnType::Longitude, "REAL"),
    (ColumnType::Json, "TEXT"),
    (ColumnType::Vector32, "BLOB"),
    (ColumnType::Vector64, "BLOB"),
];

type Column = (&'static str, (ColumnType, &'static str), DoubleRules);

fn any_column() -> impl Strategy<Value = Column> {
    // Mostly what takes every value, so that few documents are rejects.
    let kind = prop_oneof![3 => select(vec![(ColumnType::Any, "ANY"), (ColumnType::Json, "TEXT")]), 2 => select(KINDS)];
    (select(vec!["a", "b", "c", "ключ"]), kind, any_rules())
}

fn mapped_column(name: String, input: Input, kind: ColumnType, doubles: DoubleRules) -> ColumnMapping {
    ColumnMapping {
        name,
        input,
        kind,
        required: false,
        default: None,
        transforms: Vec::new(),
        lookup: None,
        doubles,
        mismatch: Mismatch::Reject,
    }
}

/// A mapping with these columns and a child table of the elements of `list`, and the schema for it.
fn mapping(columns: &[Column], item: (ColumnType, &'static str)) -> (Mapping, String) {
    let id = || mapped_column("id".into(), Input::Id, ColumnType::Text, DoubleRules::default());
    let mut declared = String::new();
    let mut mapped = vec![id()];
    for (number, (field, (kind, sql), rules)) in columns.iter().enumerate() {
        declared += &format!(", c{number} {sql}");
        let input = Input::Field(FieldPath::parse(field).unwrap());
        mapped.push(mapped_column(format!("c{number}"), input, *kind, *rules));
    }
    let rules = DoubleRules::default();
    let child = vec![
        id(),
        mapped_column("place".into(), Input::Index, ColumnType::Any, rules),
        mapped_column("item".into(), Input::Item(FieldPath::root()), item.0, rules),
    ];
    let each = FieldPath::parse("list").unwrap();
    let child = ChildMapping { table: "items".into(), each, columns: child, key: vec![0, 1], link: vec![(0, 0)] };
    let mapping = Mapping {
        collection: CollectionPattern::parse("users").unwrap(),
        table: "users".into(),
        columns: mapped,
        key: vec![0],
        children: vec![child],
        filter: Filter::default(),
        unknown_fields: UnknownFields::Ignore,
        id_field: None,
        max_value_bytes: 1_000_000,
    };
    let schema = format!(
        "CREATE TABLE users (id TEXT NOT NULL PRIMARY KEY{declared}) STRICT; \
         CREATE TABLE items (id TEXT NOT NULL REFERENCES users (id), place ANY NOT NULL, item {}, \
         PRIMARY KEY (id, place)) STRICT;",
        item.1
    );
    (mapping, schema)
}

fn any_documents() -> impl Strategy<Value = Vec<Document>> {
    let list = prop_oneof![
        1 => Just(None),
        3 => proptest::collection::vec(any_value(), 0..4).prop_map(|items| Some(Value::Array(items))),
    ];
    let document = (any_document(), list).prop_map(|(mut document, list)| {
        if let Some(list) = list {
            document.fields.insert("list", list);
        }
        document
    });
    proptest::collection::vec(document, 1..12)
}

struct One(Option<Batch>);

#[async_trait::async_trait]
impl Feed for One {
    async fn next(&mut self) -> fireferry::error::Result<Option<Batch>> {
        Ok(self.0.take())
    }
}

/// Writes the documents as one run of one commit.
async fn write(file: &Path, run: &str, mapping: &Mapping, documents: Vec<MappedDocument>, empty: bool) -> Counts {
    let mut destination = LibsqlFile::open(file, Mode::ReadWrite { create: false }).unwrap();
    destination.initialize().await.unwrap();
    let record = RunRecord {
        run: run.into(),
        pipeline: "values".into(),
        started_at: "2026-01-01T00:00:00Z".into(),
        status: "running".into(),
        pipeline_fingerprint: String::new(),
        schema_fingerprint: String::new(),
        details: "{}".into(),
    };
    let partition = Partition { id: "p".into(), bounds: String::new() };
    destination.start_run(&record, &[("users".into(), partition)]).await.unwrap();
    let names = |columns: &[ColumnMapping]| columns.iter().map(|column| column.name.clone()).collect();
    let child = &mapping.children[0];
    let target = Target {
        collection: mapping.collection.clone(),
        table: mapping.table.clone(),
        columns: names(&mapping.columns),
        key: mapping.key.clone(),
        children: vec![ChildTarget {
            table: child.table.clone(),
            columns: names(&child.columns),
            link: child.link.clone(),
        }],
        on_conflict: OnConflict::Replace,
        json: vec![],
        empty_at_start: empty,
        remember_keys: !empty,
    };
    destination.prepare(run, &[target]).await.unwrap();
    let header = CommitHeader {
        run: run.into(),
        target: 0,
        partition: "p".into(),
        sequence: 1,
        from: None,
        finalize: false,
        pass: 0,
    };
    let batch = Batch { documents, rejects: Vec::new(), skipped: 0, bytes: 1, to: Cursor("end".into()), last: true };
    let written = destination.write(&header, &mut One(Some(batch))).await.unwrap();
    let receipt = crate::destination::support::only(&mut destination, written).await;
    assert!(receipt.counts.adds_up(), "{:?}", receipt.counts);
    receipt.counts
}

fn cell(value: &SqlValue) -> Cell {
    match value {
        SqlValue::Null => Cell::Null,
        SqlValue::Integer(number) => Cell::Integer(*number),
        SqlValue::Real(number) => Cell::Real(number.to_bits()),
        SqlValue::Text(text) => Cell::Text(text.clone().into_bytes()),
        SqlValue::Blob(bytes) => Cell::Blob(bytes.clone()),
    }
}

fn sql_value(cell: &Cell) -> SqlValue {
    match cell {
        Cell::Null => SqlValue::Null,
        Cell::Integer(number) => SqlValue::Integer(*number),
        Cell::Real(bits) => SqlValue::Real(f64::from_bits(*bits)),
        Cell::Text(bytes) => SqlValue::Text(String::from_utf8(bytes.clone()).unwrap()),
        Cell::Blob(bytes) => SqlValue::Blob(bytes.clone()),
    }
}

fn cells(rows: impl IntoIterator<Item = Row>) -> Vec<Vec<Cell>> {
    rows.into_iter().map(|row| row.iter().map(cell).collect()).collect()
}

/// What the tables must hold: of documents with one id the first.
struct Expected {
    documents: BTreeMap<Vec<u8>, MappedDocument>,
}

impl Expected {
    fn of(documents: &[MappedDocument]) -> Self {
        let mut first = BTreeMap::new();
        for document in documents {
            first.entry(document.document.path.id.clone().into_bytes()).or_insert_with(|| document.clone());
        }
        Self { documents: first }
    }

    /// The table has the rows that the mapping made, by bits; each says what its document said.
    fn compare(&self, file: &Path, mapping: &Mapping) {
        let database = Database::open(file);
        let tables = database.tables();
        let read = |name: &str| {
            let table = tables.iter().find(|table| table.name == name).unwrap();
            database.rows(table).collect::<Vec<_>>()
        };
        let found = read("users");
        assert_eq!(found, cells(self.documents.values().map(|document| document.row.clone())));
        let mut items = cells(self.documents.values().flat_map(|document| document.children[0].clone()));
        let mut found_items = read("items");
        let order = |row: &Vec<Cell>| format!("{row:?}");
        items.sort_by_key(order);
        found_items.sort_by_key(order);
        assert_eq!(found_items, items);
        for (row, document) in found.iter().zip(self.documents.values()) {
            for (column, stored) in mapping.columns.iter().zip(row).skip(1) {
                let Input::Field(path) = &column.input else { unreachable!() };
                let value = path.get(&document.document.fields).unwrap_or(&Value::Null);
                let exact = is_exact(column.kind, column.doubles, value, &sql_value(stored));
                assert!(exact, "{:?}: {value:?} became {stored}", column.kind);
            }
        }
    }
}

fn mapped(mapping: &Mapping, documents: Vec<Document>) -> Vec<MappedDocument> {
    let rows = |document| match mapping.map(document) {
        Mapped::Rows(rows) => Some(rows),
        Mapped::Rejected { .. } => None,
        Mapped::Filtered => unreachable!(),
    };
    documents.into_iter().filter_map(rows).collect()
}

#[test]
fn what_is_in_the_database_is_what_the_documents_said() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let written = Counter::new(0);
    let columns = proptest::collection::vec(any_column(), 1..6);
    let item = prop_oneof![Just((ColumnType::Any, "ANY")), Just((ColumnType::Json, "TEXT"))];
    let input = (columns, item, any_documents(), any_documents());
    let outcome = TestRunner::new(cases(150)).run(&input, |(columns, item, documents, mut later)| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("values.db");
        let (mapping, schema) = mapping(&columns, item);
        crate::support::database::change(&file, &schema);
        let schema = LibsqlFile::open(&file, Mode::ReadOnly).unwrap();
        let schema = runtime.block_on(async { { schema }.inspect().await.unwrap() });
        let (mapping, problems) = mapping.bind(&schema);
        assert_eq!(problems, [], "{columns:?}");
        let write = |run, documents, empty| runtime.block_on(write(&file, run, &mapping, documents, empty));

        let documents = mapped(&mapping, documents);
        let mut expected = Expected::of(&documents);
        let (count, different) = (documents.len() as i64, expected.documents.len() as i64);
        written.set(written.get() + different);
        let counts = write("1", documents.clone(), true);
        assert_eq!((counts.inserted, counts.rejected), (different, count - different));
        expected.compare(&file, &mapping);

        let counts = write("2", documents, false);
        assert_eq!((counts.unchanged, counts.rejected), (different, count - different));
        expected.compare(&file, &mapping);

        // Later documents take the places of the earlier ones.
        let ids = expected.documents.keys().map(|id| String::from_utf8(id.clone()).unwrap());
        later.iter_mut().zip(ids).for_each(|(document, id)| document.path.id = id);
        let later = mapped(&mapping, later);
        write("3", later.clone(), false);
        expected.documents.extend(Expected::of(&later).documents);
        expected.compare(&file, &mapping);
        Ok(())
    });
    outcome.unwrap();
    assert!(written.get() > 300, "only {} documents were written: the test says little", written.get());
}
