//! The shipped example: the first run, the second, the dirty documents, samples.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::dry_run::assert_dry_run_tells_the_truth;
use super::program::{Workspace, assert_adds_up};
use crate::support::database::{Database, assert_same, beside};
use crate::support::repository;

/// A workspace after a clean run.
pub fn clean() -> Workspace {
    let workspace = Workspace::classroom("classroom");
    workspace.run(&[]).exits(0);
    workspace
}

/// A sum over all collections.
pub fn sum(report: &Value, name: &str) -> u64 {
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
pub fn reject_set(list: &Value) -> BTreeSet<[String; 4]> {
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
