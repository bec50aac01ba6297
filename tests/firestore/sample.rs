//! A sample of a live database costs about what it holds.

use super::live::{Live, billed};
use crate::proof::program::assert_adds_up;
use crate::support::database::Database;
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
