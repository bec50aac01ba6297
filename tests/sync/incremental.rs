//! `run --incremental`: only what changed is read, and nothing is missed.

use serde_json::json;

use super::place::{PIPELINE, Place, counts};
use crate::support::repository;

/// Rejects on the list of a run; what a rollback would put back there is under another name.
const OPEN: &str = "SELECT count(*) FROM _fireferry_rejects WHERE run IN (SELECT run FROM _fireferry_runs)";

#[test]
fn after_a_full_run_only_what_changed_is_read() {
    let mut place = Place::new();
    for number in 0..50 {
        place.person(&format!("p{number}"), "before");
        place.note(&format!("n{number}"), &format!("p{number}"), "before");
    }
    let first = place.tick(0);
    assert_eq!(counts(&first), [100, 100, 0, 0, 0], "the first run is a full one: {first:#}");
    assert_eq!(first["collections"][0]["since"], json!(null));
    place.person("p7", "after");
    place.person("new", "new");
    place.note("n9", "new", "after");
    let (second, billed) = place.billed(|place| place.tick(0));
    assert_eq!(counts(&second), [3, 1, 2, 0, 0], "{second:#}");
    assert!(second["collections"][0]["since"].is_string());
    assert_eq!(second["collections"][0]["validation"]["valid"], true);
    // Three documents, one end of a query each, and two questions for the time.
    assert!(billed <= 3 + 2 + 2, "{billed}");
    place.assert_equal();
    let (third, billed) = place.billed(|place| place.tick(0));
    assert_eq!(counts(&third), [0, 0, 0, 0, 0], "{third:#}");
    assert!(billed <= 2 + 2, "{billed}");
    place.assert_equal();
}

#[test]
fn documents_of_the_overlap_are_read_again_and_cost_no_write() {
    let mut place = Place::with(&PIPELINE.replace("overlap: 1ms", "overlap: 1h"), &[]);
    place.person("a", "one");
    place.tick(0);
    // Written late: its clock is behind, or its transaction was slow.
    place.server.put("people/late", &json!({ "name": "late", "updatedAt": { "$now": -1_800_000 } }));
    let report = place.tick(0);
    assert_eq!(counts(&report), [2, 1, 0, 1, 0], "{report:#}");
    place.assert_equal();
}

#[test]
fn a_document_dated_2099_freezes_nothing() {
    let mut place = Place::new();
    place.server.put("people/far", &json!({ "name": "far", "updatedAt": { "$timestamp": "2099-01-01T00:00:00Z" } }));
    place.tick(0);
    place.person("later", "later");
    let report = place.tick(0);
    assert_eq!(counts(&report), [2, 1, 0, 1, 0], "{report:#}");
    place.assert_equal();
}

#[test]
fn many_documents_of_one_moment_are_all_read_page_by_page() {
    let batched = PIPELINE.replace("expect_documents: false", "expect_documents: false, batch_size: 7");
    let mut place = Place::with(&batched, &[]);
    place.person("first", "first");
    place.tick(0);
    let moment = jiff::Timestamp::now().to_string();
    place.person("other", "other");
    for number in 0..40 {
        let fields = json!({ "name": "same", "updatedAt": { "$timestamp": moment } });
        place.server.put(&format!("people/t{number}"), &fields);
    }
    let report = place.tick(0);
    assert_eq!(counts(&report), [41, 41, 0, 0, 0], "{report:#}");
    place.assert_equal();
}

#[test]
fn a_child_whose_parent_arrives_one_run_later_is_written_then() {
    let mut place = Place::new();
    place.person("a", "a");
    place.tick(0);
    place.note("orphan", "missing", "text");
    let report = place.tick(4);
    assert_eq!(counts(&report), [1, 0, 0, 0, 1], "{report:#}");
    let report = place.tick(4);
    assert_eq!(counts(&report), [1, 0, 0, 0, 1], "it is tried again at every run: {report:#}");
    place.person("missing", "there now");
    let report = place.tick(0);
    assert_eq!(counts(&report), [2, 2, 0, 0, 0], "{report:#}");
    place.assert_equal();
    assert_eq!(place.database().integer(OPEN), 0);
    let report = place.tick(0);
    assert_eq!(counts(&report), [0, 0, 0, 0, 0], "{report:#}");
}

#[test]
fn a_rejected_document_that_was_deleted_leaves_the_list() {
    let mut place = Place::new();
    place.person("a", "a");
    place.note("orphan", "missing", "text");
    place.tick(4);
    place.server.tell("delete notes/orphan");
    let report = place.tick(0);
    assert_eq!(counts(&report), [0, 0, 0, 0, 0], "{report:#}");
    assert_eq!(place.database().integer(OPEN), 0);
    place.assert_equal();
}

#[test]
fn a_changed_mapping_reads_everything_again() {
    let mut place = Place::new();
    place.person("a", " a ");
    place.tick(0);
    place.rewrite(&PIPELINE.replace("name: name }", "name: { from: name, transform: [trim] } }"));
    let report = place.tick(0);
    assert_eq!(counts(&report), [1, 0, 1, 0, 0], "{report:#}");
    assert_eq!(place.database().texts("SELECT name FROM people"), ["a"]);
}

#[test]
fn since_reads_from_a_time_and_leaves_no_gap_behind() {
    let mut place = Place::new();
    place.person("a", "a");
    place.tick(0);
    place.person("b", "b");
    let later = (jiff::Timestamp::now() + jiff::SignedDuration::from_secs(3600)).to_string();
    let report = place.workspace.run(&["--since", &later]).exits(0).json();
    assert_eq!(counts(&report), [0, 0, 0, 0, 0], "{report:#}");
    let report = place.tick(0);
    assert_eq!(counts(&report), [1, 1, 0, 0, 0], "what the run before did not look at: {report:#}");
    let report = place.workspace.run(&["--since", "2020-01-01T00:00:00Z"]).exits(0).json();
    assert_eq!(counts(&report), [2, 0, 0, 2, 0], "{report:#}");
}

#[test]
fn what_cannot_be_followed_is_read_whole_and_said() {
    let place = Place::with(&PIPELINE.replace("    watermark: { field: updatedAt, overlap: 1ms }\n", ""), &[]);
    let mut place = place;
    place.person("a", "a");
    place.tick(0);
    let report = place.tick(0);
    assert_eq!(counts(&report), [1, 0, 0, 1, 0], "{report:#}");
}

#[test]
fn a_key_that_is_not_the_path_is_refused() {
    let pipeline = PIPELINE.replace("columns: { id: $id, name: name }", "columns: { id: name, name: $path }");
    let mut place = Place::with(&pipeline, &[]);
    place.person("a", "a");
    place.workspace.run(&[]).exits(0);
    let refused = place.workspace.run(&["--incremental"]).exits(3);
    assert!(refused.stdout.contains("incremental_key"), "{}", refused.stdout);
}

#[test]
fn documents_without_the_field_are_named_by_check() {
    let mut place = Place::new();
    place.person("a", "a");
    place.server.put("people/b", &json!({ "name": "b" }));
    place.server.put("people/c", &json!({ "name": "c", "updatedAt": "yesterday" }));
    let command = place.workspace.command(&["check", place.workspace.pipeline.to_str().unwrap()]);
    let said = place.workspace.finish(command).exits(0);
    assert!(said.stdout.contains("2 of 3 documents of people have no timestamp in `updatedAt`"), "{}", said.stdout);
}

#[test]
fn files_are_read_whole() {
    let mut workspace = crate::proof::program::Workspace::classroom("classroom");
    workspace.pipeline = repository("pipelines/classroom.yaml");
    let report = workspace.run(&["--incremental"]).exits(0).json();
    assert!(counts(&report)[1] > 1_000);
    let report = workspace.run(&["--incremental"]).exits(0).json();
    assert_eq!(counts(&report)[1], 0, "{report:#}");
}

#[test]
fn an_incremental_run_that_was_stopped_goes_on() {
    let batched =
        PIPELINE.replace("expect_documents: false", "expect_documents: false, batch_size: 5, max_unsaved_documents: 5");
    let mut place = Place::with(&batched, &[]);
    place.person("first", "first");
    place.tick(0);
    for number in 0..40 {
        place.person(&format!("p{number}"), "x");
    }
    let stopped = place.workspace.run(&["--incremental", "--max-reads", "25"]).exits(7).json();
    assert!(counts(&stopped)[0] < 40, "{stopped:#}");
    // Changed behind the snapshot: it belongs to the next run.
    place.person("p3", "later");
    let resumed = place.workspace.run(&["--resume"]).exits(0).json();
    assert_eq!(counts(&resumed), [40, 40, 0, 0, 0], "{resumed:#}");
    let next = place.tick(0);
    assert_eq!(counts(&next), [1, 0, 1, 0, 0], "{next:#}");
    place.assert_equal();
}

#[test]
fn an_incremental_run_is_taken_back_with_its_watermark() {
    let mut place = Place::new();
    place.person("a", "before");
    place.person("b", "before");
    place.tick(0);
    place.person("a", "after");
    place.person("c", "new");
    assert_eq!(counts(&place.tick(0)), [2, 1, 1, 0, 0]);
    let command = place.workspace.command(&["rollback", "latest", "--yes", "--json"]);
    place.workspace.finish(command).exits(0);
    assert_eq!(place.database().texts("SELECT id || ' ' || name FROM people ORDER BY id"), ["a before", "b before"]);
    assert_eq!(counts(&place.tick(0)), [2, 1, 1, 0, 0], "what was taken back is read again");
    place.assert_equal();
}
