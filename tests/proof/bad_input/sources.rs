//! Files and folders that are not what they should be.

use super::{assert_runs, sandbox};
use insta::assert_snapshot;

#[test]
fn a_source_that_holds_something_else() {
    let sandbox = sandbox();
    std::fs::create_dir(sandbox.path("nothing")).unwrap();
    sandbox.write("text/people.ndjson", "Dear diary,\ntoday was fine.\n");
    sandbox.write("picture/people.json", [0x89, b'P', b'N', b'G', 0, 1, 2]);
    for (name, path) in [
        ("folder_without_files", "nothing"),
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
