//! A sample of a live database costs about what it holds.

use super::live::{Live, billed};
use crate::proof::program::assert_adds_up;
use crate::support::database::{Database, assert_same};
use crate::support::repository;

#[test]
fn a_sample_reads_its_documents_and_their_parents_and_not_the_collections() {
    let mut live = Live::new(repository("pipelines/classroom.yaml"), &["--fixtures", "fixtures/classroom"]);
    let report = live.workspace.run(&["--sample", "15"]).exits(0).json();
    assert_adds_up(&report);
    Database::open(&live.workspace.destination()).assert_sound();
    let read = report["totals"]["read"].as_u64().unwrap();
    let total = billed(&mut live.server);
    // Once to choose, once to write, and the checks before.
    assert!((120..700).contains(&read) && total <= 2 * read + 300, "{read} read, {total} billed");
    let dry = live.fresh().run(&["--sample", "15", "--dry-run"]).exits(0).json();
    assert_eq!(dry["totals"]["inserted"], report["totals"]["inserted"]);
}

#[test]
fn a_sample_under_a_limit_of_reads_left_out_what_it_was_not_allowed_to_ask_for() {
    let mut live = Live::new(repository("pipelines/classroom.yaml"), &["--fixtures", "fixtures/classroom"]);
    let unlimited = live.fresh();
    let expected = unlimited.run(&["--sample", "15"]).exits(0).json();
    live.server.tell("reset");
    let stopped = live.workspace.run(&["--sample", "15", "--max-reads", "700"]).exits(7).json();
    assert!(billed(&mut live.server) <= 700);
    assert!(stopped["totals"]["read"].as_u64() > Some(0), "{stopped:#}");
    let resumed = live.workspace.run(&["--resume"]).exits(0).json();
    assert_adds_up(&resumed);
    assert_eq!(resumed["totals"]["read"], expected["totals"]["read"]);
    assert_same(&live.workspace.destination(), &unlimited.destination(), "a sample in two parts");
}
