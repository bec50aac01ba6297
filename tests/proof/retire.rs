//! `on_success: rename_migrated`: killed at any moment, later runs finish what was begun, and no file is lost.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::crossings::{crash, crossed, moments};
use super::program::Workspace;
use crate::support::database::{Database, assert_same};
use crate::support::documents::Random;
use crate::support::repository;

/// The shipped example, with source files of its own.
fn workspace() -> Workspace {
    let mut workspace = Workspace::new(repository("pipelines/sessions.yaml"), "");
    let source = workspace.sandbox.path("sessions");
    std::fs::create_dir(&source).unwrap();
    for entry in std::fs::read_dir(repository("fixtures/sessions")).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), source.join(entry.file_name())).unwrap();
    }
    workspace.source = source;
    workspace
}

/// (name without `.migrated`, content) of every source file, and how many are renamed.
fn files(source: &Path) -> (BTreeSet<(String, Vec<u8>)>, usize) {
    let names = std::fs::read_dir(source).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names: Vec<String> = names.collect();
    let content =
        |name: &String| (name.trim_end_matches(".migrated").to_owned(), std::fs::read(source.join(name)).unwrap());
    (names.iter().map(content).collect(), names.iter().filter(|name| name.ends_with(".migrated")).count())
}

#[test]
fn files_are_renamed_once_the_run_is_valid_and_a_killed_run_is_finished_later() {
    let undisturbed = workspace();
    let (before, _) = files(&undisturbed.source);
    let started = Instant::now();
    undisturbed.run(&[]).exits(0);
    let duration = started.elapsed();
    assert_eq!(files(&undisturbed.source), (before.clone(), before.len()));
    let again = undisturbed.run(&[]).exits(0);
    assert!(again.stdout.contains("nothing left to do"), "{again:?}");

    let mut random = Random::new(61);
    for _ in 0..8 {
        let workspace = workspace();
        // The end is where files are renamed.
        let moment = duration.mul_f64(0.3 + 0.7 * random.fraction());
        kill_after(&workspace, moment);
        let (kept, renamed) = files(&workspace.source);
        assert_eq!(kept, before, "killed after {moment:?}: a file was lost or changed");
        println!("killed after {moment:?}: {renamed} files renamed");
        if renamed > 0 {
            assert_same(
                &workspace.destination(),
                &undisturbed.destination(),
                "files renamed before their rows were there",
            );
        }
        finish(&workspace);
        assert_eq!(files(&workspace.source), (before.clone(), before.len()), "killed after {moment:?}");
        assert_same(&workspace.destination(), &undisturbed.destination(), "killed");
        Database::open(&workspace.destination()).assert_sound();
    }
}

#[test]
fn a_crash_at_any_crossing_around_the_renaming_is_finished_later() {
    let undisturbed = workspace();
    let (before, _) = files(&undisturbed.source);
    undisturbed.run(&[]).exits(0);
    let mut crossed = crossed(&mut workspace(), |workspace| drop(workspace.run(&[]).exits(0)));
    crossed.retain(|name, _| name.starts_with("source.") || name == "rejects.forgotten");
    assert_eq!(crossed.len(), 3, "{crossed:?}");
    for moment in moments(&crossed, 1) {
        let mut workspace = workspace();
        assert!(crash(&mut workspace, &moment, |workspace| workspace.run(&[]).code), "no crash at {moment}");
        assert_eq!(files(&workspace.source).0, before, "crashed at {moment}: a file was lost or changed");
        // Finishing what was begun is done by any run; it crashes there as well.
        let again = "1:source.retired";
        crash(&mut workspace, again, |workspace| workspace.run(&[]).code);
        finish(&workspace);
        assert_eq!(files(&workspace.source), (before.clone(), before.len()), "crashed at {moment}");
        assert_same(&workspace.destination(), &undisturbed.destination(), &moment);
    }
}

fn kill_after(workspace: &Workspace, moment: Duration) {
    let mut child = workspace.run_command(&[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(moment);
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Resumes, or where nothing is to be resumed runs again.
fn finish(workspace: &Workspace) {
    let resumed = workspace.run(&["--resume"]);
    if resumed.code == 2 && resumed.stdout.contains("nothing_to_resume") {
        workspace.run(&[]).exits(0);
    } else {
        resumed.exits(0);
    }
}
