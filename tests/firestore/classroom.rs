//! The classroom from a server and from files is the same database, with the same rejects.

use std::collections::BTreeSet;

use serde_json::Value;

use super::live::{Live, classroom_pipeline, classroom_schema, documents_that_firestore_can_hold};
use crate::proof::program::{Workspace, assert_adds_up};
use crate::support::Sandbox;
use crate::support::database::{Database, assert_same};

/// Collection, document, code and reason of every reject; files also say where they were read.
fn rejects(workspace: &Workspace) -> BTreeSet<String> {
    let verb = ["runs", "rejects", "--json", "--limit", "100000"];
    let listed = workspace.finish(workspace.command(&verb)).exits(0).json();
    let text = |reject: &Value, name: &str| reject[name].as_str().unwrap_or("-").to_owned();
    let line = |reject: &Value| ["collection", "document", "code", "reason"].map(|name| text(reject, name)).join(" ");
    listed["rejects"].as_array().unwrap().iter().map(line).collect()
}

#[test]
fn the_classroom_from_a_server_is_the_one_from_files_whatever_the_number_of_partitions() {
    let folder = Sandbox::new();
    classroom_schema(&folder);
    let documents = documents_that_firestore_can_hold(&folder);
    let from_files =
        Workspace::new(classroom_pipeline(&folder, "files.yaml", "{ kind: json, path: documents }"), &documents);
    let report = from_files.run(&[]).exits(4).json();
    assert_adds_up(&report);
    let expected = rejects(&from_files);
    assert!(expected.len() >= 20, "{expected:#?}");
    let devices = Database::open(&from_files.destination()).integer("SELECT count(*) FROM devices");
    assert_eq!(devices, 300, "devices of users, and of users who do not exist");

    for source in
        ["partitions: 1", "partitions: 3, concurrency: 2", "partitions: 50", "partitions: 4, push_down: false"]
    {
        let yaml = format!("{{ kind: firestore, project: demo, {source} }}");
        let name = format!("live-{}.yaml", source.len());
        let pipeline = classroom_pipeline(&folder, &name, &yaml);
        let live = Live::new(pipeline, &["--fixtures", documents.to_str().unwrap()]);
        let report = live.workspace.run(&[]).exits(4).json();
        assert_adds_up(&report);
        assert_same(&live.workspace.destination(), &from_files.destination(), source);
        assert_eq!(rejects(&live.workspace), expected, "{source}");

        let dry = live.fresh().run(&["--dry-run"]).exits(4).json();
        for part in ["read", "inserted", "skipped", "rejected"] {
            assert_eq!(dry["totals"][part], report["totals"][part], "{source}: {part} of a dry run");
        }
        let again = live.workspace.run(&[]).exits(4).json();
        assert_eq!(again["totals"]["unchanged"], report["totals"]["inserted"], "{source}");
        let verify = ["verify", live.workspace.pipeline.to_str().unwrap(), "--counts"];
        live.workspace.finish(live.workspace.command(&verify)).exits(0);
    }
}
