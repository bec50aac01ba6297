//! A run is only resumed when pipeline, schema and source are what they were.

use std::fs;
use std::path::{Path, PathBuf};

use super::crash::Scenario;
use super::program::Workspace;
use crate::support::Outcome;
use crate::support::database::{change, digest};
use crate::support::documents::{Load, Random};

/// A run that stopped in the middle of `people`, with pipeline, schema and documents of its own.
struct Stopped {
    scenario: Scenario,
    workspace: Workspace,
}

impl Stopped {
    fn new() -> Self {
        let load = Load { documents: 2_000, seed: 31, commit_documents: 50, later: false };
        let scenario = Scenario::new("stopped", &load, None);
        let workspace = scenario.workspace();
        workspace.run(&["--max-bytes", "100KB"]).exits(7);
        Self { scenario, workspace }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.scenario.pipeline.parent().unwrap().join(name)
    }

    fn edit(&self, name: &str, from: &str, to: &str) {
        let path = self.file(name);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{name} has no {from}");
        fs::write(path, text.replacen(from, to, 1)).unwrap();
    }

    fn refused(&self, what: &str) -> Outcome {
        let before = digest(&self.workspace.destination());
        let outcome = self.workspace.run(&["--resume"]).exits(3);
        let error = &outcome.json()["error"];
        assert_eq!(error["code"], "resume_refused", "{error:#}");
        assert!(error["message"].as_str().unwrap().contains(what), "{error:#}");
        assert!(error["hint"].is_string());
        assert_eq!(digest(&self.workspace.destination()), before);
        outcome
    }

    fn goes_on(&self) {
        self.scenario.resume_and_compare(&self.workspace, Some(&mut Random::new(0)), "resumed");
    }
}

#[test]
fn a_changed_mapping_is_refused_and_accepted_again_when_it_is_put_back() {
    let stopped = Stopped::new();
    let transform = "transform: [trim, lowercase]";
    for (from, to) in [
        (transform, "transform: [trim]"),
        ("note:    note", "note: { from: note, default: x }"),
        ("unknown_fields: { keep: extra }", "unknown_fields: ignore"),
        (
            "columns: { id: $id, name: name, captain_id: captain }",
            "where: { name: x }\n    columns: { id: $id, name: name, captain_id: captain }",
        ),
        ("table: notes\n", "table: notes\n    on_conflict: skip\n"),
    ] {
        stopped.edit("load.yaml", from, to);
        stopped.refused("mapping");
        stopped.edit("load.yaml", to, from);
    }
    stopped.goes_on();
}

#[test]
fn sizes_limits_and_comments_may_change() {
    let stopped = Stopped::new();
    stopped.edit(
        "load.yaml",
        "batch_size: 50, commit_documents: 50, max_rejects: 50%",
        "batch_size: 7, commit_documents: 333, max_rejects: 1000, max_time: 1h",
    );
    stopped.edit("load.yaml", "collections:", "# a comment\ncollections:");
    stopped.goes_on();
}

#[test]
fn a_changed_schema_is_refused() {
    let stopped = Stopped::new();
    let destination = stopped.workspace.destination();
    change(&destination, "CREATE INDEX people_by_note ON people (note)");
    stopped.refused("schema");
    change(&destination, "DROP INDEX people_by_note");
    stopped.goes_on();
}

#[test]
fn a_changed_source_is_refused() {
    let stopped = Stopped::new();
    let restore = |path: &Path, content: &[u8], time| {
        fs::write(path, content).unwrap();
        fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
    };
    // Finished, in the middle, not begun.
    for name in ["documents/teams.ndjson", "documents/people.ndjson", "documents/orders.ndjson"] {
        let path = stopped.file(name);
        let content = fs::read(&path).unwrap();
        let time = fs::metadata(&path).unwrap().modified().unwrap();
        // One more line; one byte changed, in the head, with the time put back.
        restore(&path, &[&content[..], b"{\"id\":\"new\"}\n"].concat(), time);
        stopped.refused("source");
        let mut changed = content.clone();
        let at = changed.iter().position(u8::is_ascii_digit).unwrap();
        changed[at] = if changed[at] == b'1' { b'2' } else { b'1' };
        restore(&path, &changed, time);
        stopped.refused("source");
        fs::remove_file(&path).unwrap();
        let outcome = stopped.workspace.run(&["--resume"]);
        assert!(matches!(outcome.code, 1..=3), "{outcome:?}");
        restore(&path, &content, time);
    }
    stopped.goes_on();
}

#[test]
fn a_run_that_is_over_or_unknown_is_not_resumed() {
    let stopped = Stopped::new();
    let unknown = stopped.workspace.run(&["--resume=0197a1c2-0000-7000-8000-000000000001"]).exits(2);
    assert_eq!(unknown.json()["error"]["code"], "run_unknown");
    stopped.goes_on();
    let over = stopped.workspace.run(&["--resume"]).exits(2);
    assert_eq!(over.json()["error"]["code"], "nothing_to_resume");
}
