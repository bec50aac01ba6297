//! Every type over the wire, at any depth, and what only a database knows of a document.

use std::collections::BTreeMap;

use fireferry::domain::value::{GeoPoint, Value};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::json;

use super::live::Live;
use crate::proof::types::{DOCUMENTS, PIPELINE, Thing, any_thing, assert_comes_through, write};
use crate::support::Sandbox;
use crate::support::database::Database;

/// What Firestore keeps of a value: times to the microsecond, no array directly in an array, no field without a name or
/// with a reserved one; and what the server's messages can carry: they leave out a -0.0 in a place.
fn kept(value: Value) -> Value {
    match value {
        Value::Timestamp(time) => Value::Timestamp(time.truncate(6)),
        Value::GeoPoint(place) => {
            Value::GeoPoint(GeoPoint { latitude: place.latitude + 0.0, longitude: place.longitude + 0.0 })
        }
        Value::Array(values) => Value::Array(
            values
                .into_iter()
                .map(|value| match kept(value) {
                    Value::Array(inner) => {
                        Value::Map([("inner".to_owned(), Value::Array(inner))].into_iter().collect())
                    }
                    other => other,
                })
                .collect(),
        ),
        Value::Map(map) => {
            let legal = |name: &str| !(name.is_empty() || name.starts_with("__") && name.ends_with("__"));
            Value::Map(
                map.into_iter().filter(|(name, _)| legal(name)).map(|(name, value)| (name, kept(value))).collect(),
            )
        }
        other => other,
    }
}

#[test]
fn every_type_comes_from_a_server_as_it_was() {
    let mut runner = TestRunner::deterministic();
    let strategy = any_thing();
    let things: BTreeMap<String, Thing> = (0..DOCUMENTS)
        .map(|number| {
            let thing = strategy.new_tree(&mut runner).unwrap().current();
            (format!("t{number:05}"), thing.into_iter().map(|(name, value)| (name, kept(value))).collect())
        })
        .collect();
    let files = Sandbox::new();
    write(&files, &things);
    let source = "source: { kind: firestore, project: demo, partitions: 5 }";
    let pipeline = PIPELINE.replace("source: { kind: json, path: things, shape: firestore_rest }", source);
    assert!(pipeline.contains(source));
    let live = Live::new(files.write("types.yaml", pipeline), &["--fixtures", files.path("things").to_str().unwrap()]);
    assert_comes_through(&live.workspace, &things);
}

const TIMES: &str = r#"version: 1
name: times
source: { kind: firestore, project: demo FIELDS }
destination: { url: "file:times.db" }
schema: schema
backup: never
collections:
  "places/*/visits":
    table: visits
    key: [place, id]
    where: { kind: { in: [a, b] } }
    columns:
      place: $parent.id
      id: $id
      path: $path
      created: { from: $created, type: timestamp }
      updated: { from: $updated, type: timestamp }
      odd: "`a.b`.`c``d`"
      emoji: "ключ 😀"
"#;

#[test]
fn times_paths_and_odd_field_names_are_there_with_and_without_a_mask() {
    let folder = Sandbox::new();
    folder.write(
        "schema/0001_visits.up.sql",
        "CREATE TABLE visits (place TEXT, id TEXT, path TEXT, created TEXT, updated TEXT, odd ANY, emoji ANY,
           PRIMARY KEY (place, id)) STRICT, WITHOUT ROWID;",
    );
    folder.write("schema/0001_visits.down.sql", "DROP TABLE visits;");
    for fields in ["", ", fields: mapped"] {
        let yaml = TIMES.replace("FIELDS", fields).replace("`c``d`", "`c\\\\`d`");
        let pipeline = folder.write("times.yaml", yaml);
        let mut live = Live::new(pipeline, &["--indexes", "any"]);
        let visit = |kind: &str| json!({ "kind": kind, "a.b": { "c`d": 7 }, "ключ 😀": null, "more": [1, 2, 3] });
        live.server.put("places/ghost/visits/1", &visit("a"));
        live.server.put("places/real/visits/__id7__", &visit("b"));
        live.server.put("places/real", &json!({ "name": "x" }));
        live.server.put("places/real/visits/left-out", &visit("c"));
        live.server.put("others/real/visits/not-ours", &visit("a"));
        live.server.put("places/real/rooms/1/visits/not-ours-either", &visit("a"));
        live.server.put("places/ghost/visits/1", &visit("b"));
        let report = live.workspace.run(&[]).exits(0).json();
        assert_eq!(report["totals"]["inserted"], 2, "{report:#}");
        let database = Database::open(&live.workspace.destination());
        let paths = database.texts("SELECT path FROM visits ORDER BY path");
        assert_eq!(paths, ["places/ghost/visits/1", "places/real/visits/__id7__"]);
        assert_eq!(database.integer("SELECT sum(odd) FROM visits"), 14);
        assert_eq!(database.integer("SELECT count(*) FROM visits WHERE emoji IS NULL"), 2);
        assert_eq!(database.texts("SELECT place FROM visits WHERE created < updated"), ["ghost"]);
        let uncovered = report["warnings"].to_string();
        for name in ["others", "places/*/rooms"] {
            assert!(uncovered.contains(&format!("the source holds collection {name}")), "{name}: {uncovered}");
        }
    }
}
