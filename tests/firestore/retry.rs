//! A retry that reads its documents from a live database again, by their names.

use super::live::{Live, billed, classroom_pipeline, classroom_schema, documents_that_firestore_can_hold};
use crate::proof::program::assert_adds_up;
use crate::support::Sandbox;

#[test]
fn only_the_rejects_are_read_again() {
    let folder = Sandbox::new();
    classroom_schema(&folder);
    let documents = documents_that_firestore_can_hold(&folder);
    let pipeline = classroom_pipeline(&folder, "live.yaml", "{ kind: firestore, project: demo }");
    let mut live = Live::new(pipeline, &["--fixtures", documents.to_str().unwrap()]);
    let first = live.workspace.run(&[]).exits(4).json();
    let before = billed(&mut live.server);
    let id = first["run_id"].as_str().unwrap();
    let retry = live.workspace.command(&["retry", id, "--from-source", "--json"]);
    let report = live.workspace.finish(retry).exits(4).json();
    assert_adds_up(&report);
    let read = report["totals"]["read"].as_u64().unwrap();
    assert_eq!(report["totals"]["rejected"], read, "nothing was mended");
    assert!(read > 0 && read <= first["total_rejects"].as_u64().unwrap());
    let cost = billed(&mut live.server) - before;
    assert!((read..=read + 20).contains(&cost), "{cost} billed for {read} documents");
}
