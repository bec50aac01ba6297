//! Values that do not fit, by the rule of their column; through the whole program.

use serde_json::{Value, json};

use crate::support::Sandbox;
use crate::support::database::Database;

/// Documents of which some have an `age` that is no integer, and one a field that nobody knows.
const DOCUMENTS: [&str; 6] = [
    r#"{"id":"a","age":36}"#,
    r#"{"id":"b","age":" 36 "}"#,
    r#"{"id":"c","age":"old"}"#,
    r#"{"id":"d","age":true,"nick":"dee"}"#,
    r#"{"id":"e","age":{"years":3}}"#,
    r#"{"id":"f","age":null}"#,
];

fn run(column: &str, unknown: &str, code: i32) -> (Sandbox, Value) {
    let sandbox = Sandbox::new();
    sandbox.write("data/users.ndjson", DOCUMENTS.join("\n"));
    sandbox
        .write("schema/0001_users.up.sql", "CREATE TABLE users (id TEXT PRIMARY KEY, age INTEGER, extra TEXT) STRICT;");
    sandbox.write("schema/0001_users.down.sql", "DROP TABLE users;");
    let collections =
        format!("{{ users: {{ table: users, key: id, {unknown} columns: {{ id: $id, age: {column} }} }} }}");
    sandbox.write(
        "p.yaml",
        format!(
            "version: 1\nname: p\nsource: {{ kind: json, path: data, shape: plain }}\n\
             destination: {{ url: \"file:p.db\" }}\nschema: schema\nbackup: never\ncollections: {collections}\n"
        ),
    );
    let report = sandbox.run(&["run", "p.yaml", "--json"]).exits(code).json();
    (sandbox, report)
}

fn rows(sandbox: &Sandbox) -> Vec<String> {
    let sql = "SELECT id || ' ' || ifnull(age, 'null') || ifnull(' ' || extra, '') FROM users ORDER BY id";
    Database::open(&sandbox.path("p.db")).texts(sql)
}

#[test]
fn without_a_rule_documents_are_rejected() {
    let (sandbox, report) = run("{ from: age, type: integer }", "", 4);
    assert_eq!(rows(&sandbox), ["a 36", "f null"]);
    assert_eq!(report["totals"]["rejected"], 4);
    assert_eq!(report.get("drift"), None);
}

#[test]
fn null_stands_in_and_is_told() {
    let (sandbox, report) = run("{ from: age, type: integer, mismatch: null }", "", 0);
    assert_eq!(rows(&sandbox), ["a 36", "b null", "c null", "d null", "e null", "f null"]);
    let misfit = |found: &str, documents: u64, example: &str| {
        json!({ "collection": "users", "kind": "misfit", "column": "users.age", "found": found, "rule": "null",
                "documents": documents, "example": example })
    };
    let nick = json!({ "collection": "users", "kind": "unmapped_field", "field": "nick", "documents": 1, "example": "users/d" });
    assert_eq!(
        report["drift"],
        json!([nick, misfit("boolean", 1, "users/d"), misfit("map", 1, "users/e"), misfit("string", 2, "users/b")])
    );
    let shown = sandbox.run(&["run", "p.yaml"]).exits(0).stdout;
    assert!(shown.contains("`nick` of users is mapped by no column: 1 documents, e.g. users/d"), "{shown}");
    assert!(shown.contains("users.age cannot hold string (null): 2 documents, e.g. users/b"), "{shown}");
}

#[test]
fn what_says_the_same_in_the_columns_type_is_stored() {
    let (sandbox, report) = run("{ from: age, type: integer, mismatch: coerce }", "", 4);
    assert_eq!(rows(&sandbox), ["a 36", "b 36", "d 1", "f null"]);
    assert_eq!(report["totals"]["rejected"], 2);
    let rules: Vec<&Value> = report["drift"].as_array().unwrap().iter().map(|found| &found["rule"]).collect();
    assert_eq!(rules, [&Value::Null, &json!("coerce"), &json!("coerce")]);
}

#[test]
fn what_does_not_fit_is_kept_beside() {
    let keep = "unknown_fields: { keep: extra },";
    let (sandbox, report) = run("{ from: age, type: integer, mismatch: keep }", keep, 0);
    assert_eq!(
        rows(&sandbox),
        [
            "a 36",
            r#"b null {"age":" 36 "}"#,
            r#"c null {"age":"old"}"#,
            r#"d null {"age":true,"nick":"dee"}"#,
            r#"e null {"age":{"years":3}}"#,
            "f null"
        ]
    );
    assert_eq!(report["drift"].as_array().unwrap().len(), 3);
}

#[test]
fn a_rule_that_cannot_work_is_a_mistake_in_the_pipeline() {
    for (column, unknown) in [
        ("{ from: age, type: integer, mismatch: keep }", ""),
        ("{ from: age, type: integer, required: true, mismatch: null }", ""),
        ("{ from: $id, mismatch: keep }", "unknown_fields: { keep: extra },"),
    ] {
        let (_sandbox, answer) = run(column, unknown, 2);
        assert_eq!(answer["error"]["code"], "key_does_not_fit", "{answer:#}");
        assert!(answer["error"]["line"].as_u64().is_some(), "{answer:#}");
    }
}

#[test]
fn a_check_tells_what_the_first_documents_would_meet() {
    let (sandbox, _) = run("{ from: age, type: integer }", "", 4);
    let found = sandbox.run(&["check", "p.yaml", "--json"]).exits(0).json();
    let messages: Vec<&str> =
        found["issues"].as_array().unwrap().iter().map(|issue| issue["message"].as_str().unwrap()).collect();
    let unmapped = "1 of the first 6 documents of users have more: no column maps `nick`, e.g. users/d";
    assert!(!messages.contains(&unmapped), "a rejected document is not looked at twice: {messages:#?}");
    let rejected =
        messages.iter().filter(|text| text.starts_with("1 of the first 6 documents of users would be rejected"));
    assert_eq!(rejected.count(), 4, "{messages:#?}");
    let (sandbox, _) = run("{ from: age, type: integer, mismatch: null }", "", 0);
    let found = sandbox.run(&["check", "p.yaml"]).exits(0).stdout;
    assert!(found.contains(unmapped), "{found}");
    assert!(
        found.contains("2 of the first 6 documents of users do not fit: users.age cannot hold string (null)"),
        "{found}"
    );
}
