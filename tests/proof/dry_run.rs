//! Dry runs: they change nothing and say what the real run does.

use serde_json::Value;

use super::classroom::{clean, reject_set, sum};
use super::crash::Scenario;
use super::program::{Workspace, accounting};
use crate::support::database::{Program, assert_same, beside, change};
use crate::support::documents::Load;

/// Everything a dry run promises about the real run that would follow.
fn promised(report: &Value) -> Value {
    let mut kept = accounting(report);
    kept["rejects"] = reject_set(&report["rejects"]).into_iter().map(|reject| reject.join(" ")).collect();
    kept
}

/// Destination, WAL and state before and after a dry run, then a real run, which must say the same.
#[track_caller]
pub fn assert_dry_run_tells_the_truth(workspace: &Workspace, options: &[&str], code: i32) -> Value {
    let before = workspace.sandbox.files();
    let dry = workspace.run(&[&["--dry-run"], options].concat()).exits(code).json();
    assert_eq!(dry["dry_run"], true);
    let after = workspace.sandbox.files();
    for name in ["disk/data.db", "disk/data.db-wal"] {
        assert!(before.get(name) == after.get(name), "the dry run changed {name}");
    }
    let runs = |outcome: crate::support::Outcome| outcome.exits(0).json()["runs"].as_array().unwrap().len();
    let known = runs(workspace.finish(workspace.command(&["runs", "list", "--json"])));
    let real = workspace.run(options).exits(code).json();
    assert_eq!(promised(&dry), promised(&real));
    assert_eq!(runs(workspace.finish(workspace.command(&["runs", "list", "--json"]))), known + 1);
    real
}

#[test]
fn a_dry_run_into_nothing_says_what_the_real_run_does() {
    assert_dry_run_tells_the_truth(&Workspace::classroom("classroom"), &[], 0);
    let dirty = Workspace::classroom("classroom_dirty");
    dirty.run(&["--dry-run"]).exits(4);
    assert!(!dirty.destination().exists());
    assert_dry_run_tells_the_truth(&dirty, &[], 4);
}

#[test]
fn a_dry_run_over_rows_says_what_the_real_run_does() {
    let clean = clean();
    let dirty = Workspace::classroom("classroom_dirty").onto(&clean.destination());
    let report = assert_dry_run_tells_the_truth(&dirty, &[], 4);
    assert_eq!(sum(&report, "inserted") + sum(&report, "updated"), 0);

    let changed = Workspace::classroom("classroom_dirty").onto(&clean.destination());
    change(&changed.destination(), CHANGES);
    let report = assert_dry_run_tells_the_truth(&changed, &[], 4);
    assert!(sum(&report, "inserted") > 0 && sum(&report, "updated") > 0, "{report:#}");
    assert_same(&changed.destination(), &clean.destination(), "after the changes were put right");

    for strategy in ["skip", "fail", "merge"] {
        let changed = Workspace::classroom("classroom").onto(&clean.destination());
        change(&changed.destination(), CHANGES);
        let code = if strategy == "fail" { 4 } else { 0 };
        let options = ["--on-conflict", strategy, "--max-rejects", "100%"];
        assert_dry_run_tells_the_truth(&changed, &options, code);
    }
}

/// What other programs may have done to the rows: values changed, in letter case, in the form of JSON, e-mail addresses
/// handed to a neighbour, rows gone, child rows gone, changed and too many.
const CHANGES: &str = "
PRAGMA foreign_keys = ON;
UPDATE users SET points = points / 2, city = 'elsewhere' WHERE rowid % 5 = 0;
UPDATE users SET name = upper(name) WHERE rowid % 7 = 0;
CREATE TEMP TABLE kept AS SELECT rowid AS number, email FROM users;
UPDATE users SET email = 'free' || rowid || '@example.org' WHERE rowid % 10 IN (3, 8);
UPDATE users SET email = coalesce((SELECT email FROM kept WHERE number = users.rowid + 1), email) WHERE rowid % 10 = 2;
UPDATE users SET email = coalesce((SELECT email FROM kept WHERE number = users.rowid - 1), email) WHERE rowid % 10 = 9;
DELETE FROM user_tags WHERE position = 1;
INSERT INTO user_tags SELECT id, 99, 'extra' FROM users WHERE rowid % 17 = 0;
UPDATE submissions SET answers = ' ' || answers WHERE rowid % 9 = 0;
UPDATE vocabulary SET frequency = frequency / 3 WHERE rowid % 8 = 0;
UPDATE vocabulary_translations SET text = text || '!' WHERE length(text) % 3 = 0;
DELETE FROM flashcard_progress WHERE length(flashcard_id || user_id) % 3 = 0;
DELETE FROM flashcard_reviews WHERE position = 0;
DELETE FROM progress WHERE rowid % 4 = 0;
";

#[test]
fn a_dry_run_leaves_a_wal_as_it_is() {
    let clean = clean();
    let workspace = Workspace::classroom("classroom").onto(&clean.destination());
    let other = Workspace::classroom("classroom").onto(&clean.destination());
    // Another program has committed into the WAL and still has the database open.
    let open = Program::start(&other.destination(), "UPDATE users SET points = 1 WHERE rowid % 3 = 0");
    assert!(std::fs::metadata(beside(&other.destination(), "-wal")).unwrap().len() > 0);
    // A copy without it is what a killed process leaves.
    for suffix in ["", "-wal"] {
        std::fs::copy(beside(&other.destination(), suffix), beside(&workspace.destination(), suffix)).unwrap();
    }
    for workspace in [&other, &workspace] {
        let before = workspace.sandbox.files();
        let report = workspace.run(&["--dry-run"]).exits(0).json();
        assert!(sum(&report, "updated") > 0);
        let after = workspace.sandbox.files();
        for name in ["disk/data.db", "disk/data.db-wal"] {
            assert!(before[name] == after[name], "the dry run changed {name}");
        }
    }
    drop(open);
    assert_dry_run_tells_the_truth(&workspace, &[], 0);
    assert_same(&workspace.destination(), &clean.destination(), "after the changes were put right");
}

#[test]
fn a_dry_run_of_a_generated_load_says_what_the_real_run_does() {
    let load = Load { documents: 4_000, seed: 51, commit_documents: 500, later: false };
    let empty = Scenario::new("into an empty database", &load, None);
    let full = Scenario::new("over earlier rows", &Load { later: true, ..load }, Some(&empty));
    for scenario in [empty, full] {
        let workspace = scenario.workspace();
        assert_dry_run_tells_the_truth(&workspace, &[], 4);
        scenario.compare(&workspace, scenario.name);
    }
}
