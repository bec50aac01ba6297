//! The pipeline's own tests, run.

use fireferry::domain::schema::{Column, Schema, Table};
use fireferry::pipeline::tests::run_tests;

use super::support::Case;

const PIPELINE: &str = r#"
collections:
  users:
    key: id
    where: { active: true }
    columns:
      id: $id
      email: { from: email, required: true, transform: [trim, lowercase] }
      score: score
      settings: { from: settings, type: json }
    children:
      - { table: tags, each: tags, columns: { user_id: $id, position: $index, tag: $item } }
tests:
"#;

/// The outcome of every test, `ok` or the difference.
fn outcomes(tests: &str, schema: Option<&Schema>) -> String {
    let case = Case::with_head(&format!("{PIPELINE}{tests}"));
    let pipeline = case.load().unwrap_or_else(|error| panic!("{}", case.shown(&error)));
    let outcomes = run_tests(&pipeline, schema);
    let shown = outcomes.iter().map(|outcome| {
        let difference = outcome.difference.as_deref().unwrap_or("ok");
        format!("## {} (line {})\n{difference}\n", outcome.name, outcome.line.unwrap())
    });
    shown.collect::<Vec<_>>().join("\n")
}

#[test]
fn tests_pass_when_rows_rejects_and_skips_are_as_expected() {
    let outcomes = outcomes(
        r#"
  - { collection: users, document: { id: a, active: false }, skipped: true }
  - { collection: users, document: { id: a, active: true }, rejected: missing_field }
  - collection: users
    document: { id: a, active: true, email: " A@B ", settings: { b: 1, a: .inf }, tags: [x, y] }
    rows:
      users: [{ id: a, email: a@b, score: null, settings: { a: .inf, b: 1 } }]
      tags: [{ position: 1, tag: y }, { position: 0, tag: x }]
  - { collection: users, document: { id: a, active: true, email: a }, rows: { tags: [] } }
"#,
        None,
    );
    assert_eq!(outcomes.matches("\nok\n").count(), 4, "{outcomes}");
}

#[test]
fn differences_are_shown_per_table_row_and_column() {
    let outcomes = outcomes(
        r#"
  - { name: not skipped, collection: users, document: { active: true, email: a }, skipped: true }
  - { name: another code, collection: users, document: { active: true }, rejected: wrong_type }
  - { name: not rejected, collection: users, document: { active: true, email: a }, rejected: wrong_type }
  - { name: no rows, collection: users, document: {}, rows: { users: [] } }
  - name: cells
    collection: users
    document: { id: a, active: true, email: A, score: 1.0 }
    rows: { users: [{ id: a, email: B, score: 1, settings: "null" }] }
  - name: rows
    collection: users
    document: { id: a, active: true, email: A, tags: [x, y, z] }
    rows:
      tags: [{ user_id: a, position: 0, tag: x }, { position: 7, tag: z }, { user_id: b, position: 9, tag: w }]
  - name: one row for two
    collection: users
    document: { id: a, active: true, email: A }
    rows: { users: [{ id: a }, { id: b, score: 2.5 }] }
  - name: long values
    collection: users
    document: { id: a, active: true, email: A, score: { $bytes: "AAEC" } }
    rows: { users: [{ email: "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890", score: { $bytes: "/w==" } }] }
"#,
        None,
    );
    insta::assert_snapshot!(outcomes);
}

#[test]
fn columns_without_a_type_take_the_type_of_the_schema() {
    let column =
        |name: &str, declared: &str| Column { name: name.into(), declared_type: declared.into(), ..Column::default() };
    let users = Table {
        name: "users".into(),
        strict: true,
        columns: vec![
            column("id", "TEXT"),
            column("email", "TEXT"),
            column("score", "REAL"),
            column("settings", "TEXT"),
        ],
        primary_key: vec!["id".into()],
        unique: vec![vec!["id".into()]],
        ..Table::default()
    };
    let schema = Schema { tables: vec![users], ..Schema::default() };
    let test = "  - { collection: users, document: { id: a, active: true, email: a, score: 3 }, rows: { users: [{ score: 3.0 }] } }\n";
    assert!(outcomes(test, Some(&schema)).contains("\nok\n"));
    assert!(!outcomes(test, None).contains("\nok\n"));
}
