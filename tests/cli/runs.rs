//! Runs and their history, seen from outside.

use serde_json::{Value, json};

use super::shop;
use crate::support::redact_json;

#[test]
fn a_clean_run_ends_with_a_report_whose_counts_add_up() {
    let sandbox = shop::clean();
    insta::assert_snapshot!(sandbox.run(&["run", "p.yaml"]).exits(0).seen());
}

#[test]
fn a_second_run_reports_every_document_unchanged() {
    let sandbox = shop::clean();
    sandbox.run(&["run", "p.yaml"]).exits(0);
    insta::assert_snapshot!(sandbox.run(&["run", "p.yaml", "-q"]).exits(0).seen());
}

#[test]
fn a_run_with_rejects_shows_each_with_its_reason_and_what_to_do() {
    let sandbox = shop::dirty();
    insta::assert_snapshot!("run_dirty", sandbox.run(&["run", "p.yaml", "-q"]).exits(4).seen());
    insta::assert_snapshot!("runs_rejects", sandbox.run(&["runs", "rejects", "latest"]).exits(0).seen());
    insta::assert_snapshot!("runs_list", sandbox.run(&["runs", "list"]).exits(0).seen());
    insta::assert_snapshot!("runs_show_md", sandbox.run(&["runs", "show", "--format", "md"]).exits(0).seen());
}

#[test]
fn the_report_as_json_is_one_document_with_stable_names() {
    let sandbox = shop::dirty();
    let mut report = sandbox.run(&["run", "p.yaml", "--json"]).exits(4).json();
    redact_json(&mut report, &sandbox.path(""));
    insta::assert_snapshot!(format!("{report:#}"));
}

#[test]
fn the_history_keeps_the_report_and_the_rejects() {
    let sandbox = shop::dirty();
    let report = sandbox.run(&["run", "p.yaml", "--json"]).exits(4).json();
    let id = report["run_id"].as_str().unwrap();
    for selector in ["latest", id, &id[..13]] {
        assert_eq!(sandbox.run(&["runs", "show", selector, "--json"]).exits(0).json(), report);
    }
    let rejects = sandbox.run(&["runs", "rejects", "--json"]).exits(0).json();
    assert_eq!((&rejects["run_id"], &rejects["total_rejects"]), (&report["run_id"], &report["total_rejects"]));
    assert_eq!(rejects["rejects"].as_array().map(Vec::len), report["rejects"].as_array().map(Vec::len));
    assert_eq!(rejects["rejects"], report["rejects"], "the same, in the same order");
    let some = |arguments: &[&str]| {
        let all = [&["runs", "rejects", "--json"], arguments].concat();
        sandbox.run(&all).exits(0).json()["rejects"].as_array().unwrap().len()
    };
    assert_eq!(some(&["--limit", "2"]), 2);
    assert_eq!(some(&["--collection", "orders"]), 1);
    assert_eq!(some(&["--code", "check_failed"]), 1);
    assert_eq!(some(&["--code", "no_such_code"]), 0);
    let whole = sandbox.run(&["runs", "rejects", "--data", "--code", "check_failed"]).exits(0);
    assert!(whole.stdout.contains(r#""age":-1"#), "{}", whole.stdout);
}

#[test]
fn a_dry_run_reports_the_same_and_leaves_nothing() {
    let sandbox = shop::dirty();
    let before = sandbox.files();
    let dry = sandbox.run(&["run", "p.yaml", "--dry-run"]).exits(4);
    assert_eq!(sandbox.files(), before);
    insta::assert_snapshot!(dry.seen());
    let dry = sandbox.run(&["run", "p.yaml", "--dry-run", "--json"]).exits(4).json();
    let real = sandbox.run(&["run", "p.yaml", "--json"]).exits(4).json();
    let counts = |report: &Value| {
        let mut totals = report["totals"].clone();
        totals["documents_per_second"] = Value::Null;
        (totals, report["rejects"].clone(), report["status"].clone())
    };
    assert_eq!(counts(&dry), counts(&real));
    let history = sandbox.run(&["runs", "list", "--json"]).exits(0).json();
    assert_eq!(history["runs"].as_array().map(Vec::len), Some(1), "the dry run is not in it");
}

#[test]
fn a_run_keeps_a_log_as_text_or_json() {
    let sandbox = shop::clean();
    sandbox.run(&["run", "p.yaml"]).exits(0);
    let log = sandbox.run(&["runs", "logs"]).exits(0).stdout;
    assert!(log.contains("run started") && log.contains("run ended status=\"completed\""), "{log}");
    sandbox.run(&["run", "p.yaml", "--log-format", "json"]).exits(0);
    let log = sandbox.run(&["runs", "logs"]).exits(0).stdout;
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.last().unwrap()["status"], "completed");
    let document = sandbox.run(&["runs", "logs", "--json"]).exits(0).json();
    assert_eq!(document["lines"].as_array().map(Vec::len), Some(lines.len()));
}

#[test]
fn progress_as_json_has_a_line_per_collection_from_0_to_100_percent() {
    let sandbox = shop::clean();
    let outcome = sandbox.run(&["run", "p.yaml", "--progress", "json"]).exits(0);
    let lines = outcome.stderr.lines().filter(|line| line.starts_with('{'));
    let lines: Vec<Value> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |collection: &str| lines.iter().filter(|line| line["collection"] == collection).collect::<Vec<_>>();
    let (first, last) = (of("users")[0], *of("users").last().unwrap());
    assert_eq!((&first["current"], &first["eta"]), (&json!(0), &Value::Null));
    assert_eq!((&last["current"], &last["total"], &last["percentage"]), (&json!(3), &json!(3), &json!(100.0)));
    assert!(!of("orders").is_empty());
    let quiet = sandbox.run(&["run", "p.yaml", "-q"]).exits(0);
    assert_eq!(quiet.stderr, "");
}

#[test]
fn budgets_stop_with_exit_code_seven_and_can_be_resumed() {
    let sandbox = shop::long(300);
    let outcome = sandbox.run(&["run", "p.yaml", "--max-bytes", "2000"]).exits(7);
    assert!(outcome.stdout.contains("go on where it stopped: fireferry run p.yaml --resume"), "{}", outcome.stdout);
    let report = sandbox.run(&["run", "p.yaml", "--resume", "--json"]).exits(0).json();
    assert_eq!(report["totals"]["inserted"], 301);
}

#[test]
fn a_damaged_ledger_stops_a_run_only_where_it_is_required() {
    let sandbox = shop::clean();
    sandbox.write(".fireferry/ledger.db", "no database at all, however long it is. ".repeat(50));
    let required = sandbox.run(&["run", "p.yaml"]).exits(1);
    assert!(required.stderr.contains("error[ledger_damaged]"), "{}", required.stderr);
    assert!(!sandbox.path("shop.db").exists(), "nothing was started");
    shop::change(&sandbox, "schema: schema", "schema: schema\nledger: best_effort");
    let tolerated = sandbox.run(&["run", "p.yaml"]).exits(0);
    assert!(tolerated.stderr.contains("warning: going on without the ledger"), "{}", tolerated.stderr);
    assert!(tolerated.stdout.contains("5 read = 5 inserted"), "{}", tolerated.stdout);
}

#[test]
fn a_token_appears_in_no_output_and_no_file() {
    let sandbox = shop::dirty();
    shop::change(&sandbox, r#"{ url: "file:shop.db" }"#, r#"{ url: "file:shop.db", auth_token: "${SHOP_TOKEN}" }"#);
    let token = "eyJhbGciOiJFZERTQSJ9.t0ps3cret";
    for arguments in [&["check", "p.yaml"][..], &["run", "p.yaml", "-vv"], &["runs", "show"], &["runs", "logs"]] {
        for json in ["0", "1"] {
            let environment = [("SHOP_TOKEN", token), ("FIREFERRY_JSON", json)];
            let outcome = sandbox.run_with(arguments, &environment);
            assert!(!outcome.stdout.contains(token) && !outcome.stderr.contains(token), "{outcome:?}");
        }
    }
    for (name, content) in sandbox.files() {
        let found = content.windows(token.len()).any(|window| window == token.as_bytes());
        assert!(!found, "the token is in {name}");
    }
}

#[test]
#[cfg(unix)]
fn files_with_users_data_are_private_whatever_the_umask() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = shop::dirty();
    sandbox.run_in_shell("umask 0; \"$0\" run p.yaml; \"$0\" run p.yaml").exits(4);
    let state = sandbox.path(".fireferry");
    assert_eq!(std::fs::metadata(&state).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(sandbox.read(".fireferry/.gitignore"), "*\n");
    for name in sandbox
        .files()
        .keys()
        .filter(|name| name.ends_with(".log") || name.contains(".db") || name.ends_with(".ndjson"))
    {
        if name.starts_with(".fireferry") {
            let mode = std::fs::metadata(sandbox.path(name)).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{name}");
        }
    }
}
