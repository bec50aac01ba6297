//! `init` and `run`, and what must hold after both.

use serde_json::Value;

use crate::proof::program::assert_adds_up;
use crate::support::Sandbox;
use crate::support::database::Database;

/// Drafts a pipeline for a source in the sandbox; the answer.
#[track_caller]
pub fn init(sandbox: &Sandbox, source: &str, options: &[&str]) -> Value {
    sandbox.run(&[&["init", source, "--json"], options].concat()).exits(0).json()
}

/// Runs the drafted pipeline into a file of its own: every document is inserted, twice is the same as once.
#[track_caller]
pub fn run(sandbox: &Sandbox, name: &str, documents: u64) -> Database {
    run_with(sandbox, name, documents, &[])
}

/// The same with an environment.
#[track_caller]
pub fn run_with(sandbox: &Sandbox, name: &str, documents: u64, environment: &[(&str, &str)]) -> Database {
    let pipeline = format!("pipelines/{name}.yaml");
    let check = sandbox.run_with(&["check", &pipeline, "--json"], environment).exits(0).json();
    let worse: Vec<&Value> =
        check["issues"].as_array().unwrap().iter().filter(|issue| issue["severity"] == "error").collect();
    assert!(worse.is_empty(), "{worse:#?}");
    let report = sandbox.run_with(&["run", &pipeline, "--json"], environment).exits(0).json();
    assert_adds_up(&report);
    assert_eq!(report["totals"]["rejected"], 0, "{report:#}");
    assert_eq!(report["totals"]["inserted"], documents, "{report:#}");
    let again = sandbox.run_with(&["run", &pipeline, "--json", "--no-backup"], environment).exits(0).json();
    assert_eq!(again["totals"]["unchanged"], documents, "{again:#}");
    let database = Database::open(&sandbox.path(&format!("pipelines/{name}.db")));
    assert_eq!(database.texts("SELECT \"table\" FROM pragma_foreign_key_check"), Vec::<String>::new());
    assert_eq!(database.texts("PRAGMA integrity_check"), ["ok"]);
    database
}

/// The declaration of a table.
#[track_caller]
pub fn declaration(database: &Database, table: &str) -> String {
    let sql = format!("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = '{table}'");
    database.texts(&sql).pop().unwrap_or_else(|| panic!("there is no table {table}"))
}

/// The line of a column in the declaration of its table, without its evidence.
#[track_caller]
pub fn column(database: &Database, table: &str, column: &str) -> String {
    let declared = declaration(database, table);
    let names = [format!("{column} "), format!("\"{column}\" ")];
    let line = declared.lines().find(|line| names.iter().any(|name| line.trim_start().starts_with(name)));
    let line = line.unwrap_or_else(|| panic!("{table} has no column {column}:\n{declared}"));
    let line = line.split(" -- ").next().unwrap().trim().trim_end_matches(',');
    line.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
}

/// Doubts about a field, as text.
pub fn doubts(answer: &Value, field: &str) -> Vec<String> {
    let doubts = answer["doubts"].as_array().unwrap().iter().filter(|doubt| doubt["field"] == field);
    doubts.map(|doubt| format!("{}; {}", doubt["found"].as_str().unwrap(), doubt["chosen"].as_str().unwrap())).collect()
}

/// Lines as a file.
pub fn lines(documents: impl IntoIterator<Item = Value>) -> String {
    documents.into_iter().map(|document| format!("{document}\n")).collect()
}
