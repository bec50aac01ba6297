//! A retry on a server does what it does in a file.

use super::program::{Place, run};
use super::server::Sqld;
use crate::proof::program::{Workspace, accounting};

/// Runs and retries without anything mended: the retry's report, and its list.
fn retried(workspace: &Workspace) -> (serde_json::Value, Vec<String>) {
    let first = run(workspace, workspace.run_command(&[])).exits(4).json();
    let before = workspace.listed_rejects();
    let retry = workspace.command(&["retry", first["run_id"].as_str().unwrap(), "--json"]);
    let report = run(workspace, retry).exits(4).json();
    assert_eq!(report["retry_of"], first["run_id"]);
    let again = workspace.listed_rejects();
    assert!(again.iter().all(|line| before.contains(line)), "{again:#?}\n{before:#?}");
    // The numbers of the rejects are not the same everywhere, and so not their length.
    let mut accounting = accounting(&report);
    let collections = accounting["collections"].as_array_mut().unwrap().iter_mut();
    collections.for_each(|collection| drop(collection.as_object_mut().unwrap().remove("bytes")));
    accounting["totals"].as_object_mut().unwrap().remove("bytes");
    (accounting, again.into_iter().collect())
}

#[test]
fn the_same_becomes_of_rejects_on_a_server_and_in_a_file() {
    let Some(server) = Sqld::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let remote = Place::new(format!("http://{}", server.address())).classroom(folder.path(), "classroom_dirty");
    let local = Workspace::classroom("classroom_dirty");
    let on_server = retried(&remote);
    let in_file = retried(&local);
    assert_eq!(on_server, in_file);
    assert!(!on_server.1.is_empty());
    let left = server.query("SELECT code, count(*) FROM _fireferry_rejects GROUP BY run, code ORDER BY run, code");
    let there = crate::support::database::Database::open(&local.destination());
    assert_eq!(
        left,
        there.query("SELECT code, count(*) FROM _fireferry_rejects GROUP BY run, code ORDER BY run, code")
    );
}
