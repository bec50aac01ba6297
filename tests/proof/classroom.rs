//! The shipped example: the first run, the second, the dirty documents, dry runs, samples.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::program::{Workspace, assert_adds_up};
use crate::support::database::{Database, Program, assert_same, beside, change};
use crate::support::repository;

/// A workspace after a clean run.
fn clean() -> Workspace {
    let workspace = Workspace::classroom("classroom");
    workspace.run(&[]).exits(0);
    workspace
}

fn sum(report: &Value, name: &str) -> u64 {
    report["totals"][name].as_u64().unwrap()
}

/// The content of every page that belongs to a user's table or index.
fn pages(destination: &Path) -> BTreeMap<(String, i64), Vec<u8>> {
    let file = std::fs::read(destination).unwrap();
    let database = Database::open(destination);
    let size = usize::try_from(database.integer("PRAGMA page_size")).unwrap();
    let list = database.query(
        "SELECT s.name, p.pageno FROM dbstat AS p JOIN sqlite_schema AS s ON s.name = p.name \
         WHERE s.tbl_name NOT LIKE '\\_fireferry\\_%' ESCAPE '\\' AND s.tbl_name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    );
    let content = |page: i64| {
        let start = (usize::try_from(page).unwrap() - 1) * size;
        file[start..start + size].to_vec()
    };
    list.into_iter().map(|row| ((row[0].clone().text(), row[1].integer()), content(row[1].integer()))).collect()
}

#[test]
fn the_first_run_is_clean_and_the_second_writes_nothing() {
    let workspace = Workspace::classroom("classroom");
    let first = workspace.run(&[]).exits(0).json();
    assert_adds_up(&first);
    assert_eq!(first["status"], "completed");
    assert!(sum(&first, "read") >= 5_000);
    assert_eq!(sum(&first, "inserted") + sum(&first, "skipped"), sum(&first, "read"));
    let database = Database::open(&workspace.destination());
    database.assert_sound();
    for collection in first["collections"].as_array().unwrap() {
        let count = format!("SELECT count(*) FROM {}", collection["table"].as_str().unwrap());
        assert_eq!(database.integer(&count), collection["inserted"].as_i64().unwrap(), "{collection:#}");
    }
    assert_eq!(std::fs::metadata(beside(&workspace.destination(), "-wal")).map_or(0, |wal| wal.len()), 0);
    let (rows, before) = (database.digests(), pages(&workspace.destination()));
    assert!(before.len() > 100);

    let second = workspace.run(&[]).exits(0).json();
    assert_adds_up(&second);
    assert_eq!(sum(&second, "unchanged") + sum(&second, "skipped"), sum(&second, "read"));
    assert_eq!(sum(&second, "skipped"), sum(&first, "skipped"));
    assert_eq!(Database::open(&workspace.destination()).digests(), rows);
    assert!(pages(&workspace.destination()) == before, "a page of a user's table was written");
}

/// (collection, document, origin, code) of every reject.
fn reject_set(list: &Value) -> BTreeSet<[String; 4]> {
    let text = |reject: &Value, name: &str| reject[name].as_str().unwrap_or("-").to_owned();
    let list = list.as_array().unwrap();
    list.iter().map(|reject| ["collection", "document", "origin", "code"].map(|name| text(reject, name))).collect()
}

/// Where the record has no document path, a report names its place instead.
fn expected_rejects() -> BTreeSet<[String; 4]> {
    let text = std::fs::read_to_string(repository("fixtures/classroom_dirty.expected.json")).unwrap();
    let mut list: Value = serde_json::from_str(&text).unwrap();
    for reject in list.as_array_mut().unwrap() {
        if reject["document"].is_null() {
            reject["document"] = reject["origin"].clone();
        }
    }
    reject_set(&list)
}

#[test]
fn dirty_documents_give_exactly_the_expected_rejects_and_nothing_else_differs() {
    let workspace = Workspace::classroom("classroom_dirty");
    let report = workspace.run(&[]).exits(4).json();
    assert_adds_up(&report);
    let expected = expected_rejects();
    assert_eq!(reject_set(&report["rejects"]), expected);
    assert_eq!(report["total_rejects"].as_u64().unwrap() as usize, expected.len());
    assert_same(&workspace.destination(), &clean().destination(), "dirty and clean");
}

/// Everything a dry run promises about the real run that would follow.
fn promised(report: &Value) -> Value {
    let mut kept = super::program::accounting(report);
    kept["rejects"] = reject_set(&report["rejects"]).into_iter().map(|reject| reject.join(" ")).collect();
    kept
}

/// Destination, WAL and state before and after a dry run, then a real run, which must say the same.
#[track_caller]
fn assert_dry_run_tells_the_truth(workspace: &Workspace, options: &[&str], code: i32) -> Value {
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

    for strategy in ["skip", "fail"] {
        let changed = Workspace::classroom("classroom").onto(&clean.destination());
        change(&changed.destination(), CHANGES);
        let code = if strategy == "skip" { 0 } else { 4 };
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
fn a_sample_is_closed_over_its_parents() {
    for fixtures in ["classroom", "classroom_dirty"] {
        let workspace = Workspace::classroom(fixtures);
        let options = ["--sample", "20", "--no-backup"];
        let code = workspace.run(&[&options[..], &["--dry-run"]].concat()).code;
        let report = assert_dry_run_tells_the_truth(&workspace, &options, code);
        let database = Database::open(&workspace.destination());
        database.assert_sound();
        let mut more = 0;
        for collection in report["collections"].as_array().unwrap() {
            let read = collection["read"].as_u64().unwrap();
            assert!((20..1_000).contains(&read), "{collection:#}");
            more += usize::from(read > 20);
        }
        assert!(more > 0, "no parent was pulled in: {report:#}");
        // What is sampled is what a whole run gives.
        assert!(rows_missing(&workspace.destination(), &clean().destination()).is_empty());
    }
}

/// Rows of the sample that the whole does not have.
fn rows_missing(sample: &Path, whole: &Path) -> Vec<String> {
    let (sample, whole) = (Database::open(sample), Database::open(whole));
    let mut missing = Vec::new();
    for table in sample.tables() {
        let all: std::collections::HashSet<String> = whole.rows(&table).map(|row| format!("{row:?}")).collect();
        missing.extend(sample.rows(&table).map(|row| format!("{row:?}")).filter(|row| !all.contains(row)));
    }
    missing
}
