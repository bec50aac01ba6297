//! Random documents and mappings: there and back.

use std::cell::Cell;
use std::sync::Arc;

use fireferry::domain::document::{Document, DocumentPath, Origin};
use fireferry::domain::field_path::FieldPath;
use fireferry::domain::inverse::{Fidelity, Found, Homes, Inverse};
use fireferry::domain::json::{encode_document, encode_rest};
use fireferry::domain::mapping::{
    ChildMapping, ColumnMapping, ColumnType, DoubleRules, Input, Mapped, Mapping, Mismatch, UnknownFields,
};
use fireferry::domain::value::{Map, Timestamp, Value};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::mapping::generate::{any_document, any_integer, any_mapping, any_text, any_timestamp, any_value, cases};
use crate::mapping::json::same;
use crate::source::support::{documents, folder, open};

fn column(name: &str, input: Input, kind: ColumnType) -> ColumnMapping {
    ColumnMapping {
        name: name.to_owned(),
        input,
        kind,
        required: true,
        default: None,
        transforms: Vec::new(),
        lookup: None,
        doubles: DoubleRules::default(),
        mismatch: Mismatch::Reject,
    }
}

fn field(path: &str) -> Input {
    Input::Field(FieldPath::parse(path).unwrap())
}

fn finite() -> impl Strategy<Value = f64> {
    any::<f64>()
        .prop_filter("SQL holds it", |double| double.is_finite() && !(*double == 0.0 && double.is_sign_negative()))
}

fn time(digits: u8) -> impl Strategy<Value = Value> {
    any_timestamp().prop_map(move |time: Timestamp| Value::Timestamp(time.truncate(digits)))
}

/// A type whose values come back exactly, with such a value.
fn exact() -> BoxedStrategy<(ColumnType, Value)> {
    let of = |kind: ColumnType, values: BoxedStrategy<Value>| values.prop_map(move |value| (kind, value)).boxed();
    let reference = "[a-zé]{1,5}/[^/\\x00]{1,6}".prop_map(Value::Reference);
    prop_oneof![
        of(ColumnType::Text, any_text().prop_map(Value::String).boxed()),
        of(ColumnType::Integer, any_integer().prop_map(Value::Integer).boxed()),
        of(ColumnType::Double, finite().prop_map(Value::Double).boxed()),
        of(ColumnType::Boolean, any::<bool>().prop_map(Value::Boolean).boxed()),
        of(ColumnType::Bytes, proptest::collection::vec(any::<u8>(), 0..9).prop_map(Value::Bytes).boxed()),
        of(ColumnType::Timestamp { digits: 6 }, time(6).boxed()),
        of(ColumnType::Timestamp { digits: 9 }, time(9).boxed()),
        of(ColumnType::TimestampMillis, time(3).boxed()),
        of(ColumnType::TimestampMicros, time(6).boxed()),
        of(ColumnType::ReferencePath, reference.boxed()),
        of(ColumnType::Vector64, proptest::collection::vec(finite(), 0..4).prop_map(Value::Vector).boxed()),
        of(ColumnType::Json, any_value().prop_filter("a key of its own", |value| *value != Value::Null).boxed()),
    ]
    .boxed()
}

/// A list with its child table: an array or a map, of values or of maps with two fields. Never empty: then it has no row.
fn list() -> impl Strategy<Value = (ChildMapping, Value)> {
    let columns = || (exact(), exact());
    (columns(), any::<bool>(), any::<bool>(), 1..4_usize).prop_map(
        |(((first, one), (second, two)), is_map, whole, length)| {
            let item = |path: &str| match path {
                "" => Input::Item(FieldPath::root()),
                path => Input::Item(FieldPath::parse(path).unwrap()),
            };
            let element = if whole {
                one
            } else {
                Value::Map([("x".to_owned(), one), ("y".to_owned(), two)].into_iter().collect())
            };
            let index = if is_map { ColumnType::Text } else { ColumnType::Integer };
            let mut columns = vec![column("id", Input::Id, ColumnType::Text), column("place", Input::Index, index)];
            if whole {
                columns.push(column("item", item(""), first));
            } else {
                columns.extend([column("x", item("x"), first), column("y", item("y"), second)]);
            }
            let value = if is_map {
                Value::Map((0..length).map(|number| (format!("k {number}"), element.clone())).collect())
            } else {
                Value::Array(vec![element; length])
            };
            let each = FieldPath::parse("deep.list").unwrap();
            let child = ChildMapping { table: "children".into(), each, columns, key: vec![0, 1], link: vec![(0, 0)] };
            (child, value)
        },
    )
}

/// A mapping that loses nothing, and a document that it takes.
fn invertible() -> impl Strategy<Value = (Mapping, Document)> {
    let time = || proptest::option::of(any_timestamp().prop_map(|time| time.truncate(6)));
    let extra = proptest::collection::vec((any_text(), any_value()), 0..3);
    let id = "[^/\\x00]{1,8}";
    (proptest::collection::vec(exact(), 1..6), list(), time(), time(), extra, id, any::<bool>()).prop_map(
        |(fields, (child, list), created, updated, extra, id, root)| {
            let mut columns = vec![column("id", Input::Id, ColumnType::Text)];
            columns.extend([Input::Created, Input::Updated].into_iter().map(|input| ColumnMapping {
                required: false,
                ..column(&input.to_string(), input, ColumnType::Timestamp { digits: 6 })
            }));
            columns.push(ColumnMapping { required: false, ..column("extra", Input::Unknown, ColumnType::Json) });
            let (mut map, mut deep) = (Map::new(), Map::new());
            for (number, (kind, value)) in fields.into_iter().enumerate() {
                // Some at the top, some below.
                let (path, holder) = if number % 2 == 0 {
                    (format!("f{number}"), &mut map)
                } else {
                    (format!("deep.f{number}"), &mut deep)
                };
                columns.push(column(&path, field(&path), kind));
                holder.insert(format!("f{number}"), value);
            }
            for (name, value) in extra {
                let holder = if name.len() % 2 == 0 { &mut map } else { &mut deep };
                holder.insert(format!("~{name}"), value);
            }
            deep.insert("list", list);
            map.insert("deep", Value::Map(deep));
            let collection = if root { "users" } else { "teams/*/users" };
            let mut key = vec![0];
            if !root {
                columns.push(column("team", Input::ParentId, ColumnType::Text));
                key.push(columns.len() - 1);
            }
            let mapping = Mapping {
                columns,
                key,
                children: vec![child],
                unknown_fields: UnknownFields::Keep,
                collection: fireferry::domain::document::CollectionPattern::parse(collection).unwrap(),
                ..crate::mapping::mapping(Vec::new())
            };
            let path = DocumentPath::new(if root { "users" } else { "teams/t 1/users" }, id);
            (mapping, Document { path, fields: map, created, updated, origin: Origin::default() })
        },
    )
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn a_document_comes_back_as_it_was_where_the_mapping_loses_nothing((mapping, document) in invertible()) {
        let mapping = Arc::new(mapping);
        let inverse = Inverse::of(Arc::clone(&mapping), &Homes::default()).unwrap();
        let Mapped::Rows(rows) = mapping.map(document.clone()) else { panic!("{:?}", mapping.map(document)) };
        let restored = inverse.restore(&rows.row, &rows.children).unwrap();
        let Found::Document(restored) = restored else { panic!("another collection's") };
        prop_assert_eq!(restored.shortfall, None);
        prop_assert_eq!(encode_document(&restored.document), encode_document(&document));
        let exact = |told: &&fireferry::domain::inverse::ColumnReturn| told.fidelity > Fidelity::Assumed;
        prop_assert_eq!(inverse.columns.iter().find(exact), None);
    }
}

/// Whatever the mapping: a document without shortfall becomes exactly the rows it was made of.
#[test]
fn what_is_not_told_to_differ_becomes_the_same_rows_again() {
    let (whole, short) = (Cell::new(0), Cell::new(0));
    let outcome = TestRunner::new(cases(8_000)).run(&(any_document(), any_mapping()), |(document, mapping)| {
        let Mapped::Rows(rows) = mapping.map(document) else { return Ok(()) };
        let mapping = Arc::new(mapping);
        let inverse = Inverse::of(Arc::clone(&mapping), &Homes::default()).map_err(TestCaseError::fail)?;
        let restored = inverse.restore(&rows.row, &rows.children).map_err(TestCaseError::fail)?;
        // Its path says that it is of another collection.
        let Found::Document(restored) = restored else { return Ok(()) };
        if restored.shortfall.is_some() {
            short.set(short.get() + 1);
            return Ok(());
        }
        whole.set(whole.get() + 1);
        let Mapped::Rows(again) = mapping.map(restored.document) else { panic!("the document is refused") };
        prop_assert_eq!(format!("{:?}", again.row), format!("{:?}", rows.row));
        let sorted = |tables: Vec<Vec<_>>| -> Vec<Vec<String>> {
            let rows = |rows: Vec<_>| rows.into_iter().map(|row: Vec<_>| format!("{row:?}"));
            let mut tables: Vec<Vec<String>> = tables.into_iter().map(|table| rows(table).collect()).collect();
            tables.iter_mut().for_each(|table| table.sort());
            tables
        };
        prop_assert_eq!(sorted(again.children), sorted(rows.children));
        Ok(())
    });
    outcome.unwrap();
    println!("{} whole, {} with a shortfall", whole.get(), short.get());
    assert!(whole.get() > 500 && short.get() > 100, "the test says little");
}

/// Any value that Firestore can hold is in the file as it was, or the document is refused.
#[test]
fn documents_are_in_the_file_as_they_were() {
    let (lines, expected) = (Cell::new(String::new()), Cell::new(Vec::new()));
    let refused = Cell::new(0);
    let outcome = TestRunner::new(cases(3_000)).run(&(any_document(), any_value()), |(mut document, value)| {
        document.fields = document.fields.into_iter().filter(|(_, value)| !is_invalid(value)).collect();
        document.fields.insert("value", value);
        let mut all = expected.take();
        document.path = DocumentPath::new("users", format!("{} {}", all.len(), document.path.id));
        document.origin = Origin::default();
        match encode_rest(&document, "projects/p/databases/(default)") {
            Ok(line) => {
                lines.set(lines.take() + &line + "\n");
                all.push(document);
            }
            Err(_) => refused.set(refused.get() + 1),
        }
        expected.set(all);
        Ok(())
    });
    outcome.unwrap();
    let (lines, expected) = (lines.take(), expected.take());
    println!("{} documents, {} refused", expected.len(), refused.get());
    assert!(expected.len() > 1_000);
    let files = folder(&[("anything.ndjson", lines.as_bytes())]);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let read = runtime.block_on(documents(&open(files.path()), "users"));
    assert_eq!(read.len(), expected.len());
    for document in expected {
        let found = &read[&document.path.to_string()];
        let (own, other) = (Value::Map(document.fields.clone()), Value::Map(found.fields.clone()));
        assert!(same(&own, &other), "{document:?}\n{found:?}");
        assert_eq!((document.created, document.updated), (found.created, found.updated));
    }
}

fn is_invalid(value: &Value) -> bool {
    match value {
        Value::Invalid(_) => true,
        Value::Array(values) => values.iter().any(is_invalid),
        Value::Map(map) => map.iter().any(|(_, value)| is_invalid(value)),
        _ => false,
    }
}
