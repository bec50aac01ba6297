//! `on_conflict` from the file and from the command line, through the whole program.

use serde_json::Value;

use crate::support::database::{Database, change};
use crate::support::{Outcome, Sandbox};

const PIPELINE: &str = r#"version: 1
name: notes
source: { kind: json, path: data }
destination: { url: "file:notes.db" }
schema: schema
backup: never
collections:
  notes:
    table: notes
    key: id
    on_conflict: { keep_newest: changed }
    columns: { id: $id, text: text, changed: { from: changed, type: timestamp, transform: [parse_timestamp] } }
    children: [{ table: tags, each: tags, columns: { note: $id, position: $index, tag: $item } }]
  settings:
    table: settings
    key: id
    on_conflict: merge
    columns: { id: $id, theme: theme, more: { from: more, type: json } }
"#;

const SCHEMA: &str = "
CREATE TABLE notes (id TEXT PRIMARY KEY, text TEXT, changed TEXT) STRICT;
CREATE TABLE tags (note TEXT NOT NULL REFERENCES notes (id), position INTEGER NOT NULL, tag TEXT,
                   PRIMARY KEY (note, position)) STRICT;
CREATE TABLE settings (id TEXT PRIMARY KEY, theme TEXT, more TEXT) STRICT;
";

const NOTES: &str = r#"{"id":"a","text":"a","changed":"2024-05-02T00:00:00Z","tags":["x"]}
{"id":"b","text":"b","changed":"2024-05-02T00:00:00Z","tags":["x"]}
{"id":"c","text":"c","tags":["x"]}
"#;

const SETTINGS: &str = r#"{"id":"a","theme":"dark","more":{"size":3,"deep":{"left":1,"right":2}}}
{"id":"b","theme":"light"}
"#;

/// What somebody did after the first run: `a` is older than its document now, `b` is newer, `c` differs without a time.
const CHANGES: &str = r#"
UPDATE notes SET text = 'theirs', changed = '2024-05-01T00:00:00.000000Z' WHERE id = 'a';
UPDATE notes SET text = 'theirs', changed = '2024-05-03T00:00:00.000000Z' WHERE id = 'b';
UPDATE notes SET text = 'theirs' WHERE id = 'c';
UPDATE tags SET tag = 'theirs';
UPDATE settings SET theme = NULL, more = '{"deep":{"left":7},"own":true}' WHERE id = 'a';
"#;

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("p.yaml", PIPELINE);
    sandbox.write("schema/0001_notes.up.sql", SCHEMA);
    sandbox.write("schema/0001_notes.down.sql", "DROP TABLE tags; DROP TABLE notes; DROP TABLE settings;");
    sandbox.write("data/notes.ndjson", NOTES);
    sandbox.write("data/settings.ndjson", SETTINGS);
    sandbox.run(&["run", "p.yaml"]).exits(0);
    change(&sandbox.path("notes.db"), CHANGES);
    sandbox
}

/// Inserted, updated, unchanged, skipped and rejected documents per collection.
fn counts(outcome: Outcome) -> Vec<[u64; 5]> {
    let report = outcome.json();
    let of = |collection: &Value| {
        ["inserted", "updated", "unchanged", "skipped", "rejected"].map(|name| collection[name].as_u64().unwrap())
    };
    report["collections"].as_array().unwrap().iter().map(of).collect()
}

fn rows(sandbox: &Sandbox, sql: &str) -> Vec<String> {
    let rows = Database::open(&sandbox.path("notes.db")).query(sql);
    rows.into_iter().map(|row| row[0].clone().text()).collect()
}

#[test]
fn the_newest_wins_and_a_merge_fills_and_the_dry_run_says_so() {
    let sandbox = sandbox();
    let expected = vec![[0, 1, 0, 2, 0], [0, 1, 1, 0, 0]];
    assert_eq!(counts(sandbox.run(&["run", "p.yaml", "--dry-run", "--json"]).exits(0)), expected);
    assert_eq!(counts(sandbox.run(&["run", "p.yaml", "--json"]).exits(0)), expected);
    let notes = "SELECT n.id || ' ' || n.text || ' ' || t.tag FROM notes n JOIN tags t ON t.note = n.id ORDER BY 1";
    assert_eq!(rows(&sandbox, notes), ["a a x", "b theirs theirs", "c theirs theirs"]);
    let settings = "SELECT id || ' ' || theme || ' ' || coalesce(more, '-') FROM settings ORDER BY 1";
    let merged = r#"a dark {"deep":{"left":7,"right":2},"own":true,"size":3}"#;
    assert_eq!(rows(&sandbox, settings), [merged, "b light -"]);
    let again = vec![[0, 0, 1, 2, 0], [0, 0, 1, 1, 0]];
    assert_eq!(counts(sandbox.run(&["run", "p.yaml", "--json"]).exits(0)), again);
}

#[test]
fn the_command_line_chooses_another_strategy_for_the_collections_of_the_run() {
    let sandbox = sandbox();
    let options = ["run", "p.yaml", "--json", "--only", "notes", "--on-conflict", "keep_oldest=CHANGED"];
    assert_eq!(counts(sandbox.run(&options).exits(0)), vec![[0, 1, 0, 2, 0]]);
    assert_eq!(rows(&sandbox, "SELECT text FROM notes ORDER BY id"), ["theirs", "b", "theirs"]);
    let refused = sandbox.run(&["run", "p.yaml", "--on-conflict", "keep_newest=changed"]).exits(3);
    assert!(refused.stderr.contains("conflict_column_unfit"), "{}", refused.stderr);
    assert!(refused.stderr.contains("not a mapped column of `settings`"), "{}", refused.stderr);
}

#[test]
fn a_time_of_another_type_is_a_reject_and_not_a_guess() {
    let sandbox = sandbox();
    // Not STRICT: another program may have put anything there.
    change(
        &sandbox.path("notes.db"),
        "PRAGMA foreign_keys = OFF; CREATE TABLE other (id TEXT PRIMARY KEY, text TEXT, changed);
         INSERT INTO other SELECT id, text, 1714608000 FROM notes; DROP TABLE notes; ALTER TABLE other RENAME TO notes;",
    );
    let report = sandbox.run(&["run", "p.yaml", "--json", "--only", "notes"]).exits(4).json();
    let reasons: Vec<&str> =
        report["rejects"].as_array().unwrap().iter().map(|reject| reject["code"].as_str().unwrap()).collect();
    assert_eq!(reasons, ["not_comparable", "not_comparable"]);
    assert_eq!(rows(&sandbox, "SELECT text FROM notes ORDER BY id"), ["theirs"; 3]);
}
