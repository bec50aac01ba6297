//! The same documents as every tool writes them.

use std::collections::BTreeMap;

use fireferry::domain::document::Document;
use fireferry::domain::value::{GeoPoint, Map, Timestamp, Value};
use fireferry::source::Source;
use fireferry::source::json::{JsonOptions, JsonSource, Shape};

use super::support::*;

fn time(text: &str) -> Value {
    Value::Timestamp(text.parse::<Timestamp>().unwrap())
}

fn place(latitude: f64, longitude: f64) -> Value {
    Value::GeoPoint(GeoPoint { latitude, longitude })
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn map<const N: usize>(fields: [(&str, Value); N]) -> Map {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// What the fixtures hold, by path.
fn expected() -> BTreeMap<String, Map> {
    let alice = map([
        ("name", text("Alice Ünï 😀")),
        ("age", Value::Integer(42)),
        ("big", Value::Integer(9_007_199_254_740_991)),
        ("score", Value::Double(2.5)),
        ("active", Value::Boolean(true)),
        ("nickname", Value::Null),
        ("joined", time("2024-02-29T12:34:56.123456Z")),
        ("home", place(48.2082, 16.3738)),
        ("friend", Value::Reference("users/bob".to_owned())),
        ("avatar", Value::Bytes(vec![0, 1, 254, 255])),
        ("embedding", Value::Vector(vec![0.5, -1.25, 3.0])),
        (
            "tags",
            Value::Array(vec![
                text("a"),
                Value::Integer(7),
                Value::Map(map([("k", Value::Boolean(false))])),
                time("1969-12-31T23:59:59.5Z"),
            ]),
        ),
        (
            "profile",
            Value::Map(map([
                ("city", text("Wien")),
                ("since", time("2020-01-01T00:00:00Z")),
                ("places", Value::Array(vec![place(-33.5, 0.0)])),
                ("nothing", Value::Map(Map::new())),
                ("none", Value::Array(Vec::new())),
            ])),
        ),
    ]);
    let order = |total, at| map([("total", Value::Double(total)), ("at", time(at))]);
    BTreeMap::from([
        ("users/alice".to_owned(), alice),
        ("users/bob".to_owned(), map([("name", text("Боб")), ("age", Value::Integer(-1))])),
        ("users/alice/orders/1".to_owned(), order(9.75, "2024-05-06T07:08:09Z")),
        ("users/bob/orders/1".to_owned(), order(0.1, "2024-05-06T07:08:09.999Z")),
    ])
}

/// Holds a fixture against the expected documents, leaving out fields of types that the shape cannot carry.
async fn assert_carries(folder: &str, shape: Shape, lost: &[&str], collections_carried: &[&str]) {
    let without = |mut fields: Map| {
        for name in lost {
            fields.remove(name);
        }
        fields
    };
    for source in [open(fixture(folder)), open_as(fixture(folder), shape)] {
        source.check().await.unwrap();
        assert_eq!(collections(&source).await, collections_carried, "{folder}");
        let mut found = BTreeMap::new();
        for collection in collections_carried {
            found.extend(documents(&source, collection).await);
        }
        let found: BTreeMap<_, _> =
            found.into_iter().map(|(path, document)| (path, without(document.fields))).collect();
        let depth = |path: &str| path.split('/').count();
        let expected = expected().into_iter().filter(|(path, _)| depth(path) == 2 || collections_carried.len() > 1);
        let expected: BTreeMap<_, _> = expected.map(|(path, fields)| (path, without(fields))).collect();
        assert_eq!(found, expected, "{folder}");
    }
}

const BOTH: &[&str] = &["users", "users/*/orders"];

#[tokio::test]
async fn every_shape_gives_the_same_documents_for_the_types_it_can_carry() {
    assert_carries("firestore_rest", Shape::FirestoreRest, &[], BOTH).await;
    assert_carries("firestore_rest_answers", Shape::FirestoreRest, &[], BOTH).await;
    assert_carries("firestore_export_import", Shape::FirestoreExportImport, &[], BOTH).await;
    assert_carries("node_firestore_import_export", Shape::NodeFirestoreImportExport, &["avatar"], BOTH).await;
    assert_carries("firestore_backfire", Shape::FirestoreBackfire, &["avatar", "nickname"], BOTH).await;
    assert_carries("firebase_to_supabase", Shape::FirebaseToSupabase, &[], &["users"]).await;
    assert_carries("plain", Shape::Plain, &["id"], BOTH).await;
}

#[tokio::test]
async fn only_rest_carries_the_times_of_creation_and_change() {
    let source = open(fixture("firestore_rest"));
    let documents = documents(&source, "users").await;
    let alice = &documents["users/alice"];
    assert_eq!(alice.created.unwrap().to_string(), "2024-03-01T00:00:00.000001Z");
    assert_eq!(alice.updated.unwrap().to_string(), "2024-03-02T00:00:00.000000Z");
    assert_eq!(alice.origin.to_string(), "export.ndjson:1");
    assert_eq!(documents["users/bob"].origin.line, 3);
}

#[tokio::test]
async fn accounts_of_auth_export_are_documents_of_the_collection_named_by_the_file() {
    let source = open(fixture("firebase_auth_export"));
    source.check().await.unwrap();
    assert_eq!(collections(&source).await, ["accounts"]);
    let accounts = documents(&source, "accounts").await;
    let bob = map([
        ("localId", text("bob")),
        ("createdAt", text("1577836800001")),
        ("phoneNumber", text("+431234567")),
        ("providerUserInfo", Value::Array(Vec::new())),
    ]);
    assert_eq!(accounts["accounts/bob"].fields, bob);
    let alice: &Document = &accounts["accounts/alice"];
    assert_eq!(alice.fields.get("emailVerified"), Some(&Value::Boolean(true)));
    assert_eq!(alice.fields.get("customAttributes"), Some(&text(r#"{"role":"teacher"}"#)));
    assert!(matches!(alice.fields.get("providerUserInfo"), Some(Value::Array(providers)) if providers.len() == 1));
}

#[tokio::test]
async fn a_collection_named_in_the_options_replaces_the_file_names() {
    let folder = folder(&[("ab12.json", br#"[{"id":"s1"}]"#), ("cd34.json", br#"[{"id":"s2"}]"#)]);
    let collection = fireferry::domain::document::CollectionPattern::parse("sessions").ok();
    let source = JsonSource::open(JsonOptions { collection, ..JsonOptions::new(folder.path()) }).unwrap();
    assert_eq!(collections(&source).await, ["sessions"]);
    let documents = documents(&source, "sessions").await;
    assert_eq!(documents.keys().collect::<Vec<_>>(), ["sessions/s1", "sessions/s2"]);
    assert_eq!(documents["sessions/s1"].origin.file_stem(), Some("ab12"));
}

#[tokio::test]
async fn a_collection_in_the_options_is_refused_where_documents_name_theirs() {
    let collection = fireferry::domain::document::CollectionPattern::parse("people").ok();
    let options = JsonOptions { collection, ..JsonOptions::new(fixture("firestore_rest")) };
    let error = JsonSource::open(options).unwrap().check().await.unwrap_err();
    assert_eq!(error.code(), "collection_not_needed");
}

#[tokio::test]
async fn sub_collections_of_plain_files_come_from_folders_or_whole_paths() {
    let orders = br#"{"$path":"users/alice/orders/1","n":1}
{"$path":"users/bob/orders/1","n":2}
{"n":3}
{"$path":"users/bob/tasks/1"}
{"$path":"users/bob"}
{"$path":"users/bob/orders"}
"#;
    let folder = folder(&[
        ("users.*.orders.ndjson", orders),
        ("users/carol/orders/2024.json", br#"[{"id":"1"}]"#),
        ("users/dave/orders.jsonl", br#"{"id":"1"}"#),
    ]);
    let source = open(folder.path());
    assert_eq!(collections(&source).await, ["users/*/orders"]);
    let records = records(&source, "users/*/orders").await;
    let expected =
        ["users/alice/orders/1", "users/bob/orders/1", "users/carol/orders/1", "users/dave/orders/1"].map(String::from);
    assert_eq!(paths(&records), expected);
    let codes: Vec<_> = malformed(&records).iter().map(|record| record.rejection.code.as_str()).collect();
    assert_eq!(codes, ["missing_id", "invalid_id", "invalid_id", "invalid_id"]);
}

#[tokio::test]
async fn a_collection_export_of_node_firestore_import_export_takes_the_name_of_its_file() {
    let folder = folder(&[(
        "users.json",
        br#"{"alice":{"n":1,"__collections__":{"orders":{"1":{"__collections__":{}}}}},"bob":{"__collections__":{}}}"#,
    )]);
    let source = open(folder.path());
    assert_eq!(collections(&source).await, ["users", "users/*/orders"]);
    assert_eq!(paths(&records(&source, "users").await), ["users/alice", "users/bob"]);
    assert_eq!(paths(&records(&source, "users/*/orders").await), ["users/alice/orders/1"]);
}

#[tokio::test]
async fn nested_collections_are_found_at_every_depth_and_under_every_order_of_fields() {
    let export = br#"{"__collections__": {"a": {
        "1": {"__collections__": {"b": {"2": {"x": {"__collections__": 5}, "__collections__": {"c": {"3": {"n": 3}}}}}},
              "late": true},
        "4": {"__collections__": {}}, "5": {}}, "d": {}}}"#;
    let folder = folder(&[("export.json", export)]);
    let source = open(folder.path());
    assert_eq!(collections(&source).await, ["a", "a/*/b", "a/*/b/*/c"]);
    let root = documents(&source, "a").await;
    assert_eq!(root.keys().collect::<Vec<_>>(), ["a/1", "a/4", "a/5"]);
    assert_eq!(root["a/1"].fields, map([("late", Value::Boolean(true))]));
    assert_eq!(paths(&records(&source, "a/*/b").await), ["a/1/b/2"]);
    let deep = documents(&source, "a/*/b/*/c").await;
    assert_eq!(deep["a/1/b/2/c/3"].fields, map([("n", Value::Integer(3))]));
    assert!(records(&source, "d").await.is_empty());
}

#[tokio::test]
async fn pretty_printed_objects_one_after_another_are_records() {
    let folder = folder(&[("users.json", b"{\n  \"id\": 1\n}\n{\n  \"id\": 2\n}\n")]);
    assert_eq!(paths(&records(&open(folder.path()), "users").await), ["users/1", "users/2"]);
}

#[tokio::test]
async fn firestore_ids_keep_clear_of_fields_that_have_their_name() {
    let content = br#"[{"firestore_id":"own","n":1,"firestoreid":"alice"},{"firestoreid":"own","firestore_id":"bob"}]"#;
    let folder = folder(&[("users.json", content)]);
    let documents = documents(&open(folder.path()), "users").await;
    assert_eq!(documents["users/alice"].fields.get("firestore_id"), Some(&text("own")));
    assert_eq!(documents["users/bob"].fields, map([("firestoreid", text("own"))]));
}

#[tokio::test]
async fn compressed_files_give_the_same_as_plain_ones() {
    let plain = std::fs::read(fixture("firestore_rest/export.ndjson")).unwrap();
    let (first, second) = plain.split_at(plain.len() / 2);
    let members = [gzip(first), gzip(second)].concat();
    let frames = [zstandard(first), zstandard(second)].concat();
    let reference = open(fixture("firestore_rest"));
    for (name, content) in [
        ("export.ndjson.gz", gzip(&plain)),
        ("export.ndjson.gz", members),
        ("export.ndjson.zst", zstandard(&plain)),
        ("export.ndjson.zst", frames),
        ("export.ndjson", gzip(&plain)),
        ("export.ndjson.gz", plain.clone()),
    ] {
        let folder = folder(&[(name, &content)]);
        let source = open(folder.path());
        for collection in BOTH {
            let expected = documents(&reference, collection).await;
            let found = documents(&source, collection).await;
            assert_eq!(found.len(), expected.len());
            for (path, document) in found {
                assert_eq!(document.fields, expected[&path].fields);
                assert_eq!(document.origin.offset, expected[&path].origin.offset);
            }
        }
    }
}
