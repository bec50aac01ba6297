//! Every Firestore type through the whole program: random documents, written as the REST interface writes them by an
//! encoder of this test, go through file, mapping and database; what comes back says exactly what they said.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use fireferry::domain::json::decode;
use fireferry::domain::value::{GeoPoint, Value};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::program::{Workspace, assert_adds_up, reject_lines};
use crate::mapping::generate::{any_double, any_integer, any_text, any_timestamp, any_value};
use crate::mapping::json::same;
use crate::support::Sandbox;
use crate::support::database::{Cell, Database};

pub const DOCUMENTS: usize = 1_500;

pub const PIPELINE: &str = r#"version: 1
name: types
source: { kind: json, path: things, shape: firestore_rest }
destination: { url: "file:types.db" }
schema: schema
backup: never
defaults: { max_rejects: 100% }
collections:
  things:
    table: things
    key: id
    columns:
      id:        $id
      truth:     { from: truth, type: boolean }
      whole:     { from: whole, type: integer }
      number:    { from: number, type: double }
      moment:    { from: moment, type: timestamp, digits: 9 }
      text:      { from: text, type: text }
      bytes:     { from: bytes, type: bytes }
      reference: { from: reference, type: reference, reference: path }
      north:     { from: place, type: latitude }
      east:      { from: place, type: longitude }
      vector:    { from: vector, type: vector64 }
      anything:  { from: anything, type: json }
"#;

pub const SCHEMA: &str = "CREATE TABLE things (
  id TEXT NOT NULL PRIMARY KEY, truth INTEGER, whole INTEGER, number REAL, moment TEXT, text TEXT, bytes BLOB,
  reference TEXT, north REAL, east REAL, vector BLOB, anything TEXT
) STRICT;";

pub const DATABASE: &str = "projects/p/databases/(default)/documents";

/// What Firestore can hold: a document's path, a place on Earth.
pub fn legal(value: Value) -> Value {
    match value {
        Value::Reference(_) => Value::Reference("users/alice/orders/ü 7".into()),
        Value::GeoPoint(point) => {
            let within = |degrees: f64, most: f64| if degrees.abs() <= most { degrees } else { most / 3.0 };
            let (latitude, longitude) = (within(point.latitude, 90.0), within(point.longitude, 180.0));
            Value::GeoPoint(GeoPoint { latitude, longitude })
        }
        Value::Array(values) => Value::Array(values.into_iter().map(legal).collect()),
        Value::Map(map) => Value::Map(map.into_iter().map(|(name, value)| (name, legal(value))).collect()),
        other => other,
    }
}

fn text(value: &str) -> String {
    serde_json::to_string(value).unwrap()
}

fn double(value: f64) -> String {
    match value {
        value if value.is_finite() => format!("{value:e}"),
        value if value.is_nan() => "\"NaN\"".to_owned(),
        value => format!("\"{}Infinity\"", if value < 0.0 { "-" } else { "" }),
    }
}

/// The typed JSON of a value.
fn rest(value: &Value) -> String {
    let list = |values: &mut dyn Iterator<Item = String>| values.collect::<Vec<_>>().join(",");
    match value {
        Value::Null => r#"{"nullValue":null}"#.to_owned(),
        Value::Boolean(flag) => format!(r#"{{"booleanValue":{flag}}}"#),
        Value::Integer(number) => format!(r#"{{"integerValue":"{number}"}}"#),
        Value::Double(number) => format!(r#"{{"doubleValue":{}}}"#, double(*number)),
        Value::Timestamp(time) => format!(r#"{{"timestampValue":"{time}"}}"#),
        Value::String(value) => format!(r#"{{"stringValue":{}}}"#, text(value)),
        Value::Bytes(bytes) => format!(r#"{{"bytesValue":"{}"}}"#, BASE64_STANDARD.encode(bytes)),
        Value::Reference(path) => format!(r#"{{"referenceValue":{}}}"#, text(&format!("{DATABASE}/{path}"))),
        Value::GeoPoint(GeoPoint { latitude, longitude }) => {
            let (latitude, longitude) = (double(*latitude), double(*longitude));
            format!(r#"{{"geoPointValue":{{"latitude":{latitude},"longitude":{longitude}}}}}"#)
        }
        Value::Array(values) => format!(r#"{{"arrayValue":{{"values":[{}]}}}}"#, list(&mut values.iter().map(rest))),
        Value::Vector(values) => {
            let values = list(&mut values.iter().map(|value| rest(&Value::Double(*value))));
            let kind = r#""__type__":{"stringValue":"__vector__"}"#;
            format!(r#"{{"mapValue":{{"fields":{{{kind},"value":{{"arrayValue":{{"values":[{values}]}}}}}}}}}}"#)
        }
        Value::Map(map) => format!(r#"{{"mapValue":{{"fields":{}}}}}"#, fields(map.iter())),
        Value::Invalid(_) => unreachable!(),
    }
}

pub fn fields<'a>(fields: impl Iterator<Item = (&'a str, &'a Value)>) -> String {
    let list: Vec<String> = fields.map(|(name, value)| format!("{}:{}", text(name), rest(value))).collect();
    format!("{{{}}}", list.join(","))
}

pub type Thing = BTreeMap<&'static str, Value>;

/// A document with a value of the fitting type in most fields; null or missing in some.
pub fn any_thing() -> impl Strategy<Value = Thing> {
    let place = (-90.0..=90.0, -180.0..=180.0)
        .prop_map(|(latitude, longitude)| Value::GeoPoint(GeoPoint { latitude, longitude }));
    let values: Vec<(&'static str, BoxedStrategy<Value>)> = vec![
        ("truth", any::<bool>().prop_map(Value::Boolean).boxed()),
        ("whole", any_integer().prop_map(Value::Integer).boxed()),
        ("number", any_double().prop_map(Value::Double).boxed()),
        ("moment", any_timestamp().prop_map(Value::Timestamp).boxed()),
        ("text", any_text().prop_map(Value::String).boxed()),
        ("bytes", proptest::collection::vec(any::<u8>(), 0..40).prop_map(Value::Bytes).boxed()),
        (
            "reference",
            select(vec!["users/alice", "a/b/c/d", "ключ/😀"]).prop_map(|path| Value::Reference(path.into())).boxed(),
        ),
        ("place", place.boxed()),
        ("vector", proptest::collection::vec(-1e9..1e9, 0..9).prop_map(Value::Vector).boxed()),
        ("anything", any_value().prop_map(legal).boxed()),
    ];
    let fields: Vec<_> = values
        .into_iter()
        .map(|(name, value)| {
            let value = prop_oneof![8 => value.prop_map(Some), 1 => Just(Some(Value::Null)), 1 => Just(None)];
            value.prop_map(move |value| (name, value))
        })
        .collect();
    fields.prop_map(|fields| fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect())
}

/// Only a double in a REAL column can be impossible to store: why it is then a reject.
fn reject_code(thing: &Thing) -> Option<&'static str> {
    match thing.get("number") {
        Some(Value::Double(number)) if !number.is_finite() => Some("non_finite_double"),
        Some(Value::Double(number)) if number.to_bits() == (-0.0_f64).to_bits() => Some("negative_zero"),
        _ => None,
    }
}

/// The cells that this document must become, `anything` left out.
fn expected(thing: &Thing) -> Vec<Cell> {
    let get = |name: &str| thing.get(name).cloned().unwrap_or(Value::Null);
    let simple = |name: &str| match get(name) {
        Value::Boolean(flag) => Cell::Integer(flag.into()),
        Value::Integer(number) => Cell::Integer(number),
        Value::Double(number) => Cell::Real(number.to_bits()),
        Value::Timestamp(time) => Cell::Text(time.text(9).into_bytes()),
        Value::String(text) | Value::Reference(text) => Cell::Text(text.into_bytes()),
        Value::Bytes(bytes) => Cell::Blob(bytes),
        _ => Cell::Null,
    };
    let mut cells: Vec<Cell> =
        ["truth", "whole", "number", "moment", "text", "bytes", "reference"].map(simple).to_vec();
    cells.extend(match get("place") {
        // SQLite keeps no -0.0, and the generator makes none.
        Value::GeoPoint(place) => [Cell::Real(place.latitude.to_bits()), Cell::Real(place.longitude.to_bits())],
        _ => [Cell::Null, Cell::Null],
    });
    cells.push(match get("vector") {
        Value::Vector(numbers) => {
            let floats = numbers.iter().flat_map(|number| number.to_le_bytes());
            Cell::Blob(floats.chain([2]).collect()) // libSQL's mark of 64-bit floats
        }
        _ => Cell::Null,
    });
    cells
}

#[test]
fn every_type_comes_through_the_whole_program_as_it_was() {
    let mut runner = TestRunner::deterministic();
    let strategy = any_thing();
    let things: BTreeMap<String, Thing> = (0..DOCUMENTS)
        .map(|number| (format!("t{number:05}"), strategy.new_tree(&mut runner).unwrap().current()))
        .collect();
    let files = Sandbox::new();
    write(&files, &things);
    let workspace = Workspace::new(files.write("types.yaml", PIPELINE), files.path("things"));
    assert_comes_through(&workspace, &things);
}

/// Writes schema and documents, the latter as the REST interface would.
pub fn write(files: &Sandbox, things: &BTreeMap<String, Thing>) {
    let mut lines = String::new();
    for (id, thing) in things {
        let fields = fields(thing.iter().map(|(name, value)| (*name, value)));
        writeln!(lines, r#"{{"name":"{DATABASE}/things/{id}","fields":{fields}}}"#).unwrap();
    }
    files.write("things/things.ndjson", lines);
    files.write("schema/0001_things.up.sql", SCHEMA);
    files.write("schema/0001_things.down.sql", "DROP TABLE things;");
}

/// Runs the pipeline twice; every document must be a row that says exactly what it said, or a reject for its reason.
pub fn assert_comes_through(workspace: &Workspace, things: &BTreeMap<String, Thing>) {
    let report = workspace.run(&[]).exits(4).json();
    assert_adds_up(&report);

    let refused: Vec<String> =
        things.iter().filter_map(|(id, thing)| Some(format!("things/{id} {}", reject_code(thing)?))).collect();
    assert!(!refused.is_empty() && refused.len() * 5 < DOCUMENTS, "{} refused", refused.len());
    let listed = workspace.finish(workspace.command(&["runs", "rejects", "--json", "--limit", "100000"])).exits(0);
    let rejects = listed.json()["rejects"].clone();
    assert_eq!(reject_lines(&rejects).len(), refused.len());
    let found = rejects
        .as_array()
        .unwrap()
        .iter()
        .map(|reject| format!("{} {}", reject["document"].as_str().unwrap(), reject["code"].as_str().unwrap()));
    assert_eq!(found.collect::<std::collections::BTreeSet<_>>(), refused.into_iter().collect());

    let database = Database::open(&workspace.destination());
    let table = database.tables().into_iter().find(|table| table.name == "things").unwrap();
    let mut stored = things.iter().filter(|(_, thing)| reject_code(thing).is_none());
    for mut row in database.rows(&table) {
        let (id, thing) = stored.next().unwrap();
        let anything = row.pop().unwrap();
        assert_eq!(row[0], Cell::Text(id.clone().into_bytes()));
        assert_eq!(row[1..], expected(thing), "{id}: {thing:?}");
        let wanted = thing.get("anything").unwrap_or(&Value::Null);
        match anything {
            Cell::Null => assert_eq!(*wanted, Value::Null, "{id}"),
            text => assert!(same(&decode(&text.text()).unwrap(), wanted), "{id}: {wanted:?}"),
        }
    }
    assert!(stored.next().is_none());

    let again = workspace.run(&[]).exits(4).json();
    assert_eq!(again["totals"]["unchanged"], report["totals"]["inserted"]);
}
