//! The shipped example on a real server is what it is in a local file.

use std::time::Duration;

use serde_json::Value;

use super::program::{Place, run};
use super::scenario::same;
use super::server::Sqld;
use super::token::Access;
use crate::proof::program::{Workspace, accounting, assert_adds_up};
use crate::support::Sandbox;
use crate::support::database::Database;
use crate::support::proxy::{Proxy, Script};

fn verb(workspace: &Workspace, words: &[&str]) -> std::process::Command {
    let mut words = words.to_vec();
    let at = words.iter().position(|word| *word == "PIPELINE").unwrap();
    words[at] = workspace.pipeline.to_str().unwrap();
    workspace.command(&words)
}

/// What is listed of the rejects, and what reports say without times and ids.
fn told(workspace: &Workspace, report: &Value) -> (Value, std::collections::BTreeSet<String>) {
    (accounting(report), workspace.listed_rejects())
}

fn run_both(fixtures: &str, code: i32, round_trip: Duration) {
    let Some(server) = Sqld::start() else { return };
    let proxy = Proxy::start(server.address(), Script::new().round_trip(round_trip));
    let folder = Sandbox::new();
    let local = Workspace::classroom(fixtures);
    let local_report = local.run(&[]).exits(code).json();
    let local_dump = Database::open(&local.destination()).dump();

    let remote = Place::new(proxy.url()).classroom(&folder.path(""), fixtures);
    let report = run(&remote, remote.run_command(&[])).exits(code).json();
    assert_adds_up(&report);
    assert_eq!(told(&remote, &report), told(&local, &local_report));
    same(&server.dump(), &local_dump, "on the server and in the file");
    assert_eq!(server.query("PRAGMA foreign_key_check"), Vec::<Vec<_>>::new());

    let again = run(&remote, remote.run_command(&[])).exits(code).json();
    assert_adds_up(&again);
    assert_eq!(again["totals"]["unchanged"], report["totals"]["inserted"]);
    assert_eq!(again["totals"]["inserted"].as_u64().unwrap() + again["totals"]["updated"].as_u64().unwrap(), 0);
    assert!(server.dump().rows == local_dump.rows);
    run(&remote, verb(&remote, &["verify", "PIPELINE", "--counts"])).exits(0);
}

#[test]
fn the_clean_classroom_is_the_same_on_a_server_and_in_a_file() {
    run_both("classroom", 0, Duration::ZERO);
}

#[test]
fn the_dirty_classroom_is_the_same_on_a_server_and_in_a_file() {
    run_both("classroom_dirty", 4, Duration::ZERO);
}

#[test]
fn the_dirty_classroom_is_the_same_on_a_server_that_is_far_away() {
    run_both("classroom_dirty", 4, Duration::from_millis(50));
}

/// What other programs may have done to the rows.
const CHANGES: &str = "
PRAGMA foreign_keys = ON;
UPDATE users SET points = points / 2, city = 'elsewhere' WHERE rowid % 5 = 0;
UPDATE users SET name = upper(name) WHERE rowid % 7 = 0;
CREATE TABLE kept AS SELECT rowid AS number, email FROM users;
UPDATE users SET email = 'free' || rowid || '@example.org' WHERE rowid % 10 IN (3, 8);
UPDATE users SET email = coalesce((SELECT email FROM kept WHERE number = users.rowid + 1), email) WHERE rowid % 10 = 2;
UPDATE users SET email = coalesce((SELECT email FROM kept WHERE number = users.rowid - 1), email) WHERE rowid % 10 = 9;
DELETE FROM user_tags WHERE position = 1;
INSERT INTO user_tags SELECT id, 99, 'extra' FROM users WHERE rowid % 17 = 0;
UPDATE submissions SET answers = ' ' || answers WHERE rowid % 9 = 0;
DROP TABLE kept;
";

#[test]
fn a_dry_run_changes_nothing_on_the_server_and_says_what_the_run_does() {
    let Some(server) = Sqld::start() else { return };
    let folder = Sandbox::new();
    let remote = Place::new(server.url()).classroom(&folder.path(""), "classroom_dirty");
    let dry = |options: &[&str], code: i32| {
        let before = server.everything();
        let report = run(&remote, remote.run_command(&[&["--dry-run"], options].concat())).exits(code).json();
        assert!(server.everything() == before, "the dry run changed something on the server");
        report
    };
    let rejects = |report: &Value| crate::proof::program::reject_lines(&report["rejects"]);
    let empty = dry(&[], 4);
    let real = run(&remote, remote.run_command(&[])).exits(4).json();
    assert_eq!((accounting(&empty), rejects(&empty)), (accounting(&real), rejects(&real)));
    let clean = server.dump();

    server.execute_all(CHANGES);
    let over = dry(&[], 4);
    let skipping = dry(&["--on-conflict", "skip"], 4);
    assert!(skipping["totals"]["skipped"].as_u64() > over["totals"]["skipped"].as_u64());
    let failing = dry(&["--on-conflict", "fail", "--max-rejects", "100%"], 4);
    assert!(failing["totals"]["rejected"].as_u64() > over["totals"]["rejected"].as_u64());
    let real = run(&remote, remote.run_command(&[])).exits(4).json();
    assert!(real["totals"]["updated"].as_u64() > Some(100), "{real:#}");
    assert_eq!((accounting(&over), rejects(&over)), (accounting(&real), rejects(&real)));
    assert!(server.dump().rows == clean.rows, "the changes were not put right");
}

#[test]
fn the_other_verbs_say_of_a_server_what_they_say_of_a_file() {
    let Some(server) = Sqld::start() else { return };
    let folder = Sandbox::new();
    let remote = Place::new(server.url()).classroom(&folder.path(""), "classroom");
    let local = Workspace::classroom("classroom");
    let both_say = |words: &[&str], code: i32, parts: &[&str]| {
        let said = [&remote, &local].map(|workspace| {
            let answer = run(workspace, verb(workspace, &[words, &["--json"]].concat())).exits(code).json();
            parts.iter().map(|part| answer[part].clone()).collect::<Vec<_>>()
        });
        assert_eq!(said[0], said[1], "{words:?}");
        assert!(said[0].iter().all(|part| !part.is_null()), "{words:?}: {:?}", said[0]);
        said[0].clone()
    };
    let status = ["schema", "status", "PIPELINE"];
    let before = run(&remote, verb(&remote, &[&status[..], &["--json"]].concat())).exits(0).json();
    run(&remote, verb(&remote, &["schema", "up", "PIPELINE"])).exits(0);
    run(&local, verb(&local, &["schema", "up", "PIPELINE"])).exits(0);
    let after = run(&remote, verb(&remote, &[&status[..], &["--json"]].concat())).exits(0).json();
    assert_ne!(before, after);
    for workspace in [&remote, &local] {
        run(workspace, workspace.run_command(&[])).exits(0);
    }
    let tables = both_say(&["stats", "PIPELINE"], 0, &["tables"]);
    assert!(tables[0].as_array().is_some_and(|tables| tables.len() > 10), "{tables:#?}");
    for workspace in [&remote, &local] {
        run(workspace, verb(workspace, &["clear", "PIPELINE", "--yes", "--no-backup"])).exits(0);
    }
    assert_eq!(server.integer("SELECT count(*) FROM users"), 0);
    assert_eq!(server.integer("SELECT count(*) FROM _fireferry_runs"), 0);
    same(&server.dump(), &Database::open(&local.destination()).dump(), "after clear");
    for workspace in [&remote, &local] {
        run(workspace, workspace.run_command(&[])).exits(0);
    }
    both_say(&["stats", "PIPELINE"], 0, &["tables"]);
}

#[test]
fn a_migration_that_the_server_cannot_read_is_named_with_its_line_and_nothing_is_applied() {
    let Some(server) = Sqld::start() else { return };
    let folder = Sandbox::new();
    folder.write("schema/0001_users.up.sql", "CREATE TABLE users (id TEXT PRIMARY KEY);\n");
    folder.write("schema/0001_users.down.sql", "DROP TABLE users;\n");
    folder.write("schema/0002_more.down.sql", "DROP TABLE more;\n");
    folder.write("users.ndjson", "");
    let pipeline = format!(
        "version: 1\nname: p\nsource: {{ kind: json, path: ., shape: plain }}\ndestination: {{ url: \"{}\" }}\nschema: schema\n\
         collections: {{ users: {{ table: users, key: id, columns: {{ id: $id }} }} }}\n",
        server.url()
    );
    folder.write("p.yaml", pipeline);
    let tables = |names: &str| server.integer(&format!("SELECT count(*) FROM sqlite_schema WHERE name IN ({names})"));
    // What a copy of the schema refuses, too, is found before anything is applied; what only the server does, then.
    let cases = [
        ("CREATE TABLE more (a);\n\nCREATE INDX more_a ON more (a);\n", 3, 0),
        ("CREATE TABLE more (a);\nINSERT INTO nowhere VALUES (1);\n", 2, 0),
        ("CREATE TABLE more (a);\n\nCREATE TEMP TABLE scratch (a);\n", 3, 1),
    ];
    for (sql, line, applied) in cases {
        folder.write("schema/0002_more.up.sql", sql);
        let outcome = folder.run(&["schema", "up", "p.yaml", "--json"]).exits(1);
        let error = &outcome.json()["error"];
        assert_eq!(error["code"], "migration_failed", "{outcome:?}");
        assert_eq!(error["line"], line, "{outcome:?}");
        assert_eq!((tables("'users'"), tables("'more', 'scratch'")), (applied, 0), "{sql}");
    }
}

#[test]
fn a_token_that_may_only_read_is_enough_to_plan_and_check() {
    let Some(server) = Sqld::with_tokens() else { return };
    let folder = Sandbox::new();
    let reading = Place::new(server.url()).with_token(server.token(Access::Read, 600));
    let writing = Place::new(server.url()).with_token(server.token(Access::Write, 600));
    let before = server.everything();
    let allowed = writing.classroom(&folder.path(""), "classroom");
    run(&allowed, verb(&allowed, &["check", "PIPELINE"])).exits(0);
    assert!(server.everything() == before, "a check changes nothing");
    for _ in 0..2 {
        let remote = reading.classroom(&folder.path(""), "classroom");
        run(&remote, verb(&remote, &["plan", "PIPELINE"])).exits(0);
        run(&remote, verb(&remote, &["schema", "status", "PIPELINE"])).exits(0);
        let dry = run(&remote, remote.run_command(&["--dry-run"])).exits(0).json();
        assert!(dry["totals"]["read"].as_u64() > Some(5_000));
        // Whether a run may start is another question.
        let check = run(&remote, verb(&remote, &["check", "PIPELINE", "--json"])).exits(3).json();
        let refused = |finding: &Value| finding["code"] == "destination_forbidden" && finding["severity"] == "error";
        assert!(check["issues"].as_array().unwrap().iter().any(refused), "{check:#}");
        if server.everything() == before {
            let remote = writing.classroom(&folder.path(""), "classroom");
            run(&remote, remote.run_command(&[])).exits(0);
        }
    }
    let remote = reading.classroom(&folder.path(""), "classroom");
    run(&remote, verb(&remote, &["verify", "PIPELINE"])).exits(0);
    run(&remote, verb(&remote, &["stats", "PIPELINE"])).exits(0);
}
