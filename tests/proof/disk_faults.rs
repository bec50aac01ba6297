//! A disk that is full, broken or read-only at any operation of a run: on the database, its WAL, the ledger, a backup, a
//! reject file. The run fails with a code and a file, or had no need of the operation; resumed on a sound disk, the result is
//! that of an undisturbed run.
//!
//! ```text
//! FIREFERRY_TEST_DISK_FAULTS=1000000 cargo test --release proof::disk_faults -- --nocapture
//! ```
//! tries every operation (minutes); the default takes some of them, spread over all.

use std::collections::BTreeMap;
use std::path::Path;

use super::crash::Scenario;
use super::program::{Workspace, assert_adds_up};
use super::setting;
use crate::support::Outcome;
use crate::support::documents::Load;
use crate::support::shim::compiled;

/// One operation on a file of the destination or the state folder.
#[derive(Debug, Clone)]
struct Operation {
    kind: String,
    /// What sort of file.
    file: &'static str,
    /// It was made to fail.
    failed: bool,
}

/// What sort of file a path is.
fn sort_of(path: &str) -> &'static str {
    let name = path.rsplit('/').next().unwrap_or(path);
    let place = |part: &str| path.contains(part);
    match () {
        () if place("/state/backups") => "backup",
        () if name.contains("ledger") => "ledger",
        () if place("rejects") => "rejects",
        () if name.ends_with(".log") || place("/logs") => "log",
        () if name.ends_with("-wal") => "WAL",
        () if name.ends_with("-shm") => "shm",
        () if name.ends_with("-journal") => "journal",
        () if name.starts_with("data.db") => "database",
        () if place("/state") => "state",
        () => "folder",
    }
}

fn operations(log: &Path) -> Vec<Operation> {
    let text = std::fs::read_to_string(log).expect("the shim was loaded and wrote its record");
    let operation = |line: &str| {
        let mut parts = line.splitn(3, ' ');
        let (number, kind, path) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        Operation { kind: kind.to_owned(), file: sort_of(path), failed: number.ends_with('!') }
    };
    text.lines().map(operation).collect()
}

/// Runs with a fault, or with none; what it did to files.
fn run_with(workspace: &Workspace, fault: Option<&str>) -> (Outcome, Vec<Operation>) {
    let log = workspace.sandbox.path("operations");
    drop(std::fs::remove_file(&log));
    let mut command = workspace.run_command(&[]);
    command.env("LD_PRELOAD", compiled("diskfault"));
    command.env("FIREFERRY_TEST_DISK_FOLDER", workspace.disk()).env("FIREFERRY_TEST_DISK_LOG", &log);
    command.envs(fault.map(|fault| ("FIREFERRY_TEST_DISK_FAULT", fault)));
    let outcome = workspace.finish(command);
    (outcome, operations(&log))
}

/// What a disk says to such an operation; with the name for people.
fn errors_of(kind: &str) -> &'static [(i32, &'static str)] {
    const FULL: (i32, &str) = (28, "ENOSPC");
    const BROKEN: (i32, &str) = (5, "EIO");
    const READ_ONLY: (i32, &str) = (30, "EROFS");
    match kind {
        "write" | "truncate" => &[FULL, BROKEN],
        "sync" => &[BROKEN, FULL],
        "create" | "mkdir" => &[FULL, READ_ONLY, BROKEN],
        _ => &[READ_ONLY, BROKEN],
    }
}

/// A run that did not come to its end says so, with a code, and names a file of this disk. One that did, and could only not
/// be put into the history, says that; whether it is one of these.
#[track_caller]
fn assert_told(outcome: &Outcome, what: &str) -> bool {
    let answer = outcome.json();
    let said = format!("{} {} {}\n{}", answer["status"], answer["error"], answer["warnings"], outcome.stderr);
    assert!([1, 3].contains(&outcome.code), "{what}: exit code {}: {said}", outcome.code);
    assert!(!said.contains("panicked"), "{what}: {said}");
    assert!(said.contains("/disk/"), "{what}: no file is named\n{said}");
    let code = answer["error"]["code"].as_str();
    match answer["status"].as_str() {
        None | Some("failed") => {
            assert!(code.is_some_and(|code| !code.is_empty() && code != "internal"), "{what}: {said}");
            false
        }
        Some(status) => {
            assert!(status.starts_with("completed") && outcome.stderr.contains("error[ledger"), "{what}: {said}");
            true
        }
    }
}

/// How often which operation on which file failed, and how often the run did.
type Covered = BTreeMap<(String, &'static str), (usize, usize)>;

fn fail_and_resume(scenario: &Scenario, points: usize, covered: &mut Covered) -> usize {
    let (outcome, all) = run_with(&scenario.workspace(), None);
    outcome.exits(4);
    let step = (all.len() / points.max(1)).max(1);
    let mut came = 0;
    for (number, operation) in all.iter().enumerate().step_by(step) {
        let errors = errors_of(&operation.kind);
        // Once: the next try works. From then on: the disk stays as it is.
        let (errno, name) = errors[(number / step) % errors.len()];
        let for_good = (number / step / errors.len()) % 2 == 1;
        let workspace = scenario.workspace();
        let fault = format!("{}:{errno}{}", number + 1, if for_good { ":+" } else { "" });
        let (outcome, done) = run_with(&workspace, Some(&fault));
        let Some(hit) = done.iter().find(|operation| operation.failed) else { continue };
        came += 1;
        let lasting = if for_good { " from then on" } else { "" };
        let what = format!("{}: {} of {} ({name}{lasting}, operation {fault})", scenario.name, hit.kind, hit.file);
        let entry = covered.entry((hit.kind.clone(), hit.file)).or_default();
        entry.0 += 1;
        if outcome.code == 4 {
            // Nothing depended on it: then all of it is there.
            assert_adds_up(&outcome.json());
            scenario.compare(&workspace, &what);
            continue;
        }
        entry.1 += 1;
        if assert_told(&outcome, &what) {
            scenario.compare(&workspace, &what);
        } else {
            scenario.resume_and_compare(&workspace, None, &what);
        }
    }
    came
}

#[test]
fn a_disk_that_fails_at_any_operation_is_told_and_resumed_to_the_same_result() {
    let points = setting("FIREFERRY_TEST_DISK_FAULTS", 60);
    let load = Load { documents: 90, seed: 7, commit_documents: 20, later: false };
    let empty = Scenario::new("into an empty database", &load, None);
    let full = Scenario::new("over earlier rows", &Load { later: true, ..load }, Some(&empty));
    let mut covered = Covered::new();
    let came =
        fail_and_resume(&empty, points / 2, &mut covered) + fail_and_resume(&full, points - points / 2, &mut covered);
    for ((kind, file), (failed, ended)) in &covered {
        println!("{kind} of {file}: {failed} failed, {ended} of them ended the run");
    }
    println!("{came} faults came");
    assert!(came >= points.min(60) * 3 / 4, "only {came} faults came");
    for file in ["database", "WAL", "ledger", "backup"] {
        assert!(covered.keys().any(|(_, own)| *own == file), "no operation on the {file} failed");
    }
}
