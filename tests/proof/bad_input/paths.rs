//! Files and folders that are not what they should be.

use super::{PIPELINE, assert_runs, run, sandbox};
use crate::support::Sandbox;
use insta::assert_snapshot;

fn with_pipeline(from: &str, to: &str) -> Sandbox {
    let sandbox = sandbox();
    assert!(PIPELINE.contains(from));
    sandbox.write("p.yaml", PIPELINE.replace(from, to));
    sandbox
}

#[test]
fn an_unknown_key() {
    assert_snapshot!(run(&with_pipeline("    table: people", "    tabel: people")).exits(2).seen());
}

#[test]
fn an_unset_variable() {
    assert_snapshot!(run(&with_pipeline("${OUT:-out.db}", "${OUT}")).exits(2).seen());
}

#[test]
fn two_collections_for_one_table() {
    let second = "collections:\n  persons: { table: people, key: id, columns: { id: $id, name: name } }";
    assert_snapshot!(run(&with_pipeline("collections:", second)).exits(2).seen());
}

#[test]
fn a_pipeline_that_is_missing_empty_or_a_folder() {
    let sandbox = sandbox();
    sandbox.write("empty.yaml", "");
    for (name, what) in [("missing", "none.yaml"), ("empty", "empty.yaml"), ("folder", "people")] {
        assert_snapshot!(format!("pipeline_{name}"), sandbox.run(&["run", what]).exits(2).seen());
    }
}

#[test]
fn a_source_that_is_missing_empty_or_no_json() {
    let sandbox = sandbox();
    sandbox.write("empty/people.ndjson", "");
    std::fs::create_dir(sandbox.path("nothing")).unwrap();
    sandbox.write("text/people.ndjson", "Dear diary,\ntoday was fine.\n");
    sandbox.write("picture/people.json", [0x89, b'P', b'N', b'G', 0, 1, 2]);
    for (name, path) in [
        ("missing", "none"),
        ("folder_without_files", "nothing"),
        ("empty_file", "empty"),
        ("text", "text"),
        ("picture", "picture"),
        ("a_file_of_another_collection", "p.yaml"),
    ] {
        let outcome = sandbox.run(&["run", "p.yaml", "--source", path, "--progress", "none"]);
        assert!(outcome.code != 0);
        assert_snapshot!(format!("source_{name}"), outcome.seen());
    }
    assert_runs(&sandbox);
}

#[test]
fn a_source_that_is_cut_off() {
    let sandbox = sandbox();
    sandbox.write("array/people.json", "[\n{\"id\":\"a\",\"name\":\"Anna\"},\n{\"id\":\"b\",\"na");
    sandbox.write("packed/people.ndjson.gz", [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x4b]);
    for name in ["array", "packed"] {
        let outcome = sandbox.run(&["run", "p.yaml", "--source", name, "--progress", "none"]);
        assert!(outcome.code != 0);
        assert_snapshot!(format!("source_cut_off_{name}"), outcome.seen());
    }
    assert_runs(&sandbox);
}

#[test]
fn a_destination_that_is_a_folder_or_in_none() {
    let sandbox = sandbox();
    for (name, url) in [("folder", "file:people"), ("in_no_folder", "file:none/out.db")] {
        let outcome = sandbox.run(&["run", "p.yaml", "--destination", url, "--progress", "none"]);
        assert!(matches!(outcome.code, 1 | 3), "{outcome:?}");
        assert_snapshot!(format!("destination_{name}"), outcome.seen());
    }
    assert!(!sandbox.path("none").exists());
    assert_runs(&sandbox);
}

#[test]
fn a_state_folder_that_is_a_file() {
    let sandbox = sandbox();
    let outcome = sandbox.run(&["run", "p.yaml", "--state-dir", "p.yaml"]).exits(1);
    assert!(!sandbox.path("out.db").exists());
    assert_snapshot!(outcome.seen());
}
