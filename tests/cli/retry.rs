//! `retry`: what was rejected is written again once the reason is gone.

use std::time::Duration;

use serde_json::Value;

use super::shop;
use crate::support::Sandbox;
use crate::support::database::{Database, change};

fn rows(sandbox: &Sandbox, sql: &str) -> Vec<String> {
    let rows = Database::open(&sandbox.path("shop.db")).query(sql);
    rows.into_iter().map(|row| row[0].clone().text()).collect()
}

/// The run's id and its report.
fn run(sandbox: &Sandbox, arguments: &[&str], code: i32) -> (String, Value) {
    let report = sandbox.run(&[arguments, &["--json"]].concat()).exits(code).json();
    (report["run_id"].as_str().unwrap().to_owned(), report)
}

fn counts(report: &Value) -> [u64; 6] {
    ["read", "inserted", "updated", "unchanged", "skipped", "rejected"]
        .map(|name| report["totals"][name].as_u64().unwrap())
}

/// `document code (what became of it)` of every reject that the ledger has of a run.
fn listed(sandbox: &Sandbox, run: &str) -> Vec<String> {
    let list = sandbox.run(&["runs", "rejects", run, "--json"]).exits(0).json();
    let line = |reject: &Value| {
        let retried = match &reject["retried"]["written"] {
            Value::Bool(true) => " (written)",
            Value::Bool(false) => " (rejected again)",
            _ => "",
        };
        format!("{} {}{retried}", reject["document"].as_str().unwrap(), reject["code"].as_str().unwrap())
    };
    list["rejects"].as_array().unwrap().iter().map(line).collect()
}

const LEFT: &str = "SELECT document || ' ' || code FROM _fireferry_rejects WHERE run = ";

fn left(sandbox: &Sandbox, run: &str) -> Vec<String> {
    rows(sandbox, &format!("{LEFT}'{run}' ORDER BY id"))
}

#[test]
fn kept_documents_are_written_once_the_destination_was_mended() {
    let sandbox = shop::dirty();
    let (first, _) = run(&sandbox, &["run", "p.yaml"], 4);
    let rejected = ["users/twin unique_violation", "users/nobody missing_field", "users/minus check_failed"];
    assert_eq!(left(&sandbox, &first).len(), 5);
    change(
        &sandbox.path("shop.db"),
        "UPDATE users SET email = 'other@example.org' WHERE id = 'ada';
         INSERT INTO users VALUES ('nobody', 'nobody@example.org', 1);",
    );
    let before = sandbox.files();
    let (_, dry) = run(&sandbox, &["retry", "latest", "--dry-run"], 4);
    assert_eq!(before.get("shop.db"), sandbox.files().get("shop.db"));
    assert!(!sandbox.path(".fireferry/retries").exists());
    let (second, real) = run(&sandbox, &["retry", &first[..13]], 4);
    assert_eq!(real["retry_of"], first.as_str());
    assert_eq!((counts(&dry), counts(&real)), ([4, 2, 0, 0, 0, 2], [4, 2, 0, 0, 0, 2]));
    assert_eq!(dry["rejects"], real["rejects"]);
    assert_eq!(left(&sandbox, &first), ["users/broken malformed_record"]);
    assert_eq!(left(&sandbox, &second), [rejected[1], rejected[2]]);
    let listed = listed(&sandbox, &first);
    assert!(listed.contains(&format!("{} (written)", rejected[0])), "{listed:#?}");
    assert!(listed.contains(&format!("{} (rejected again)", rejected[2])), "{listed:#?}");
    assert!(listed.iter().any(|line| line.ends_with("malformed_record")), "{listed:#?}");
    assert!(rows(&sandbox, "SELECT id FROM users").contains(&"twin".to_owned()));
    assert!(rows(&sandbox, "SELECT id FROM orders").contains(&"o3".to_owned()));
    let nothing = sandbox.run(&["retry", &first]).exits(2);
    assert!(nothing.stderr.contains("nothing_to_retry"), "{}", nothing.stderr);
    // What failed again is a matter of the retry's list now.
    let (_, third) = run(&sandbox, &["retry", &second, "--collection", "users"], 4);
    assert_eq!(counts(&third), [2, 0, 0, 0, 0, 2]);
    assert!(!sandbox.path(".fireferry/retries").exists());
}

#[test]
fn a_retry_that_is_taken_back_leaves_the_list_as_it_was() {
    let sandbox = shop::dirty();
    let (first, _) = run(&sandbox, &["run", "p.yaml"], 4);
    change(&sandbox.path("shop.db"), "UPDATE users SET email = 'other@example.org' WHERE id = 'ada'");
    let everything = "SELECT id || run || code || reason || hex(data) FROM _fireferry_rejects ORDER BY id";
    let seen = |sandbox: &Sandbox| {
        let users = rows(sandbox, "SELECT id || email FROM users ORDER BY id");
        (rows(sandbox, everything), users, listed(sandbox, &first))
    };
    let before = seen(&sandbox);
    let (second, _) = run(&sandbox, &["retry", &first], 4);
    assert_ne!(seen(&sandbox), before);
    let refused = sandbox.run(&["rollback", &first, "--yes"]).exits(3);
    assert!(refused.stderr.contains("rollback_newer_run"), "{}", refused.stderr);
    sandbox.run(&["rollback", &second, "--yes"]).exits(0);
    assert_eq!(seen(&sandbox), before);
    // Now it can be tried again, and forgotten with the rest.
    run(&sandbox, &["retry", &first], 4);
    sandbox.run(&["clear", "p.yaml", "--yes"]).exits(0);
    assert_eq!(rows(&sandbox, everything), Vec::<String>::new());
}

#[test]
fn documents_are_read_again_where_they_were_mended_at_the_source() {
    let sandbox = shop::dirty();
    let (first, _) = run(&sandbox, &["run", "p.yaml"], 4);
    let mended = sandbox
        .read("data/users.ndjson")
        .replace(r#"{"id":"nobody","age":3}"#, r#"{"id":"nobody","age":3,"email":"nobody@example.org"}"#);
    // Twin is gone from the source.
    let mended = mended.lines().filter(|line| !line.contains("twin")).collect::<Vec<_>>().join("\n");
    sandbox.write("data/users.ndjson", mended + "\n");
    let (_, report) = run(&sandbox, &["retry", &first, "--from-source"], 4);
    assert_eq!(counts(&report), [3, 2, 0, 0, 0, 1]);
    let warnings = report["warnings"].to_string();
    assert!(warnings.contains("does not have the document any more"), "{warnings}");
    assert_eq!(left(&sandbox, &first), ["users/broken malformed_record", "users/twin unique_violation"]);
    assert!(rows(&sandbox, "SELECT id FROM orders").contains(&"o3".to_owned()));
}

#[test]
fn after_a_later_run_nothing_stale_comes_back() {
    let sandbox = shop::dirty();
    let (first, _) = run(&sandbox, &["run", "p.yaml"], 4);
    let mended = sandbox.read("data/users.ndjson").replace(r#""age":-1"#, r#""age":7"#);
    sandbox.write("data/users.ndjson", mended);
    run(&sandbox, &["run", "p.yaml"], 4);
    change(&sandbox.path("shop.db"), "UPDATE users SET age = 8 WHERE id = 'minus'");
    let outcome = sandbox.run(&["retry", &first, "--on-conflict", "skip", "--json"]).exits(4);
    assert!(outcome.stderr.contains("read from the source again"), "{}", outcome.stderr);
    assert_eq!(rows(&sandbox, "SELECT printf('%d', age) FROM users WHERE id = 'minus'"), ["8"]);
    assert_eq!(outcome.json()["totals"]["skipped"], 1);
}

#[test]
fn a_retry_that_is_killed_goes_on_and_doubles_nothing() {
    let sandbox = shop::clean();
    let orders = |number: usize| format!("{{\"id\":\"o{number:04}\",\"user\":\"later\"}}\n");
    sandbox.write("data/orders.ndjson", (0..600).map(orders).collect::<String>());
    shop::change(&sandbox, "schema: schema", "schema: schema\ndefaults: { batch_size: 1, commit_documents: 1 }");
    let (first, _) = run(&sandbox, &["run", "p.yaml"], 4);
    change(&sandbox.path("shop.db"), "INSERT INTO users VALUES ('later', 'later@example.org', 1)");
    let written = || rows(&sandbox, "SELECT printf('%d', count(*)) FROM orders")[0].parse::<usize>().unwrap();
    let mut kills = 0;
    for stop in [1, 150, 400] {
        let mut child = sandbox.start(&["retry", &first, "--json"]);
        while written() < stop && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        kills += usize::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        // Nothing leaves the list before everything is decided.
        assert!(written() == 600 || left(&sandbox, &first).len() == 600);
    }
    assert!(kills > 0, "it was over before it could be killed");
    let refused = sandbox.run(&["run", "p.yaml", "--resume"]).exits(2);
    if written() < 600 {
        assert!(refused.stderr.contains("run_is_retry"), "{}", refused.stderr);
    }
    let last = sandbox.run(&["retry", &first, "--json"]);
    assert!(matches!(last.code, 0 | 2), "{}\n{}", last.stdout, last.stderr);
    assert_eq!(written(), 600);
    assert_eq!(left(&sandbox, &first), Vec::<String>::new());
    Database::open(&sandbox.path("shop.db")).assert_sound();
}
