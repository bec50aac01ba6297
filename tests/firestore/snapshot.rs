//! One point in time for a whole run.

use std::time::Duration;

use serde_json::json;

use super::live::{Live, items};
use crate::proof::program::assert_adds_up;
use crate::support::Sandbox;
use crate::support::database::{Database, assert_same};

/// Starts a run on a slow server, changes documents in its middle, and gives its report.
fn run_while_documents_change(source: &str) -> (serde_json::Value, Live) {
    let folder = Sandbox::new();
    let pipeline = items(&folder, source, ", batch_size: 50");
    let mut live = Live::new(pipeline, &["--generate", "items:3000"]);
    live.server.faults(
        &json!([{ "method": "RunQuery", "collection": "items", "kind": "delay", "ms": 40, "times": 1_000_000 }]),
    );
    let running = live.workspace.start(live.workspace.run_command(&[]));
    let mut asked = 0;
    while live.server.stats()["calls"]["RunQuery"].as_u64() < Some(20) {
        asked += 1;
        assert!(asked < 10_000, "the run does not read: {}", live.server.stats());
        std::thread::sleep(Duration::from_millis(5));
    }
    let changed = json!({
        "index": 1, "title": "changed", "email": "changed@example.com", "active": true, "score": 0.5,
        "created_at": "x", "owner": "x", "address": {}, "tags": [],
    });
    for path in ["items/zzzzzzzzzzzzzzzzzzzz", "items/00000000000000000000"] {
        live.server.put(path, &changed);
    }
    let outcome = live.workspace.sandbox.finish(running);
    (outcome.json(), live)
}

#[test]
fn what_changes_during_a_run_does_not_appear_in_a_snapshot() {
    let (report, live) = run_while_documents_change("");
    assert_eq!(report["status"], "completed", "{report:#}");
    assert_adds_up(&report);
    assert!(report["snapshot"].is_string());
    assert_eq!(report["totals"]["inserted"], 3_000);
    let database = Database::open(&live.workspace.destination());
    assert_eq!(database.integer("SELECT count(*) FROM items WHERE title = 'changed'"), 0);
}

#[test]
fn without_a_snapshot_the_report_says_that_the_source_was_moving() {
    let (report, _live) = run_while_documents_change(", snapshot: off");
    assert_eq!(report["snapshot"], serde_json::Value::Null);
    let warnings = report["warnings"].to_string();
    assert!(warnings.contains("the source was moving"), "{report:#}");
}

#[test]
fn a_resume_reads_at_the_old_snapshot_while_it_is_kept() {
    let folder = Sandbox::new();
    let pipeline = items(&folder, "", ", batch_size: 50");
    let mut live = Live::new(pipeline, &["--generate", "items:3000"]);
    let undisturbed = live.fresh();
    undisturbed.run(&[]).exits(0);
    let stopped = live.workspace.run(&["--max-reads", "1500"]).exits(7).json();
    live.server.tell("delete items/zzzzzzzzzzzzzzzzzzzz");
    live.server.put("items/zzzzzzzzzzzzzzzzzzzz", &json!({ "title": "later" }));
    let resumed = live.workspace.run(&["--resume"]).exits(0).json();
    assert_eq!(resumed["snapshot"], stopped["snapshot"]);
    assert_same(&live.workspace.destination(), &undisturbed.destination(), "at the old snapshot");
}

const TWO: &str = r#"version: 1
name: two
source: { kind: firestore, project: demo }
destination: { url: "file:two.db" }
schema: schema
backup: never
defaults: { batch_size: 50, max_rejects: 0 }
collections:
  first: { table: first, key: id, columns: { id: $id, number: index } }
  items: { table: items, key: id, depends_on: [first], columns: { id: $id, number: index } }
  last: { table: last, key: id, depends_on: [items], columns: { id: $id, number: index } }
"#;

#[test]
fn a_snapshot_that_is_gone_is_said_and_a_new_one_begins_between_collections() {
    let folder = Sandbox::new();
    let table = |name: &str| format!("CREATE TABLE {name} (id TEXT PRIMARY KEY, number INTEGER NOT NULL) STRICT;\n");
    folder.write("schema/0001_two.up.sql", ["first", "items", "last"].map(table).concat());
    folder.write("schema/0001_two.down.sql", "DROP TABLE first; DROP TABLE items; DROP TABLE last;");
    let generate = ["--generate", "first:300", "--generate", "items:3000", "--generate", "last:200"];
    let pipeline = folder.write("two.yaml", TWO);
    let mut live = Live::new(pipeline, &[&generate[..], &["--retention", "5"]].concat());
    let stopped = live.workspace.run(&["--max-reads", "1500"]).exits(7).json();
    let old = stopped["snapshot"].as_str().unwrap().to_owned();
    std::thread::sleep(Duration::from_millis(5_200));
    let refused = live.workspace.run(&["--resume"]).exits(3);
    assert!(refused.stdout.contains("snapshot_too_old") && refused.stdout.contains("--new-snapshot"), "{refused:?}");

    // What happens in between is seen by what was not read yet, and by nothing that was.
    live.server.put("first/new", &json!({ "index": 1 }));
    live.server.put("items/new", &json!({ "index": 1 }));
    live.server.put("last/new", &json!({ "index": 1 }));
    let resumed = live.workspace.run(&["--resume", "--new-snapshot"]).exits(0).json();
    assert_adds_up(&resumed);
    assert_ne!(resumed["snapshot"], old);
    let at = |index: usize| resumed["collections"][index]["snapshot"].clone();
    assert_eq!((at(0), at(1)), (json!(old), serde_json::Value::Null), "{resumed:#}");
    assert!(resumed["warnings"].to_string().contains("half read"), "{resumed:#}");
    let database = Database::open(&live.workspace.destination());
    let count = |table: &str| database.integer(&format!("SELECT count(*) FROM {table}"));
    assert_eq!((count("first"), count("items"), count("last")), (300, 3_001, 201));
}
