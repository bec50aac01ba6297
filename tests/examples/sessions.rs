//! Leaving JSON files behind.

use std::fs;
use std::path::Path;

use super::program::{Place, root, total};
use super::tables::{dump, query};

const PIPELINE: &str = "pipelines/sessions.yaml";

/// Copies the fixtures; the number of files.
fn copy(to: &Path) -> usize {
    fs::create_dir(to).unwrap();
    let from = root().join("fixtures/sessions");
    let files = names(&from);
    for file in &files {
        fs::copy(from.join(file), to.join(file)).unwrap();
    }
    files.len()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn files_are_renamed_only_after_a_run_that_is_valid_and_then_nothing_is_left_to_do() {
    let place = Place::new();
    let folder = place.path("my-sessions");
    let files = copy(&folder);
    let source = folder.to_str().unwrap();

    let dry = place.run(&["run", PIPELINE, "--source", source, "--dry-run", "--json"]).json(0);
    assert!(names(&folder).iter().all(|name| name.ends_with(".json")), "a dry run renames nothing");

    let report = place.run(&["run", PIPELINE, "--source", source, "--json"]).json(0);
    assert_eq!(total(&report, "inserted"), total(&dry, "inserted"));
    assert!(total(&report, "inserted") > 100);
    let renamed = names(&folder);
    assert_eq!(renamed.len(), files);
    assert!(renamed.iter().all(|name| name.ends_with(".migrated")), "{renamed:?}");
    let tables = dump(&place.database());

    let again = place.run(&["run", PIPELINE, "--source", source]);
    assert_eq!(again.code, 0, "{}\n{}", again.stdout, again.stderr);
    assert!(dump(&place.database()) == tables);
}

#[test]
fn the_file_name_gives_the_workspace_and_messages_keep_their_order() {
    let place = Place::new();
    let folder = place.path("my-sessions");
    copy(&folder);
    place.run(&["run", PIPELINE, "--source", folder.to_str().unwrap(), "--json"]).json(0);
    let workspaces = query(&place.database(), "SELECT DISTINCT workspace FROM sessions ORDER BY workspace");
    let lookup = fs::read_to_string(root().join("fixtures/sessions.workspaces.json")).unwrap();
    let lookup: serde_json::Value = serde_json::from_str(&lookup).unwrap();
    let mut expected: Vec<&str> = lookup.as_object().unwrap().values().filter_map(|value| value.as_str()).collect();
    // One workspace has a file without a session.
    expected.retain(|workspace| *workspace != "/tmp/no sessions yet");
    expected.sort_unstable();
    assert_eq!(workspaces, expected);
    let disordered = "SELECT session_id FROM messages AS m WHERE position > 0 AND at <=
        (SELECT at FROM messages AS p WHERE p.session_id = m.session_id AND p.position = m.position - 1)";
    assert_eq!(query(&place.database(), disordered), Vec::<String>::new());
}
