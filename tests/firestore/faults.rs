//! Whatever goes wrong on the way, the result is that of an undisturbed run, and costs hardly more.

use serde_json::{Value, json};

use super::live::{Live, billed, items, reported};
use crate::proof::program::assert_adds_up;
use crate::proof::setting;
use crate::support::Sandbox;
use crate::support::database::{Database, assert_same};

const KINDS: [&str; 6] = ["UNAVAILABLE", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED", "INTERNAL", "cut", "end_early"];

/// Every kind of fault, each once for certain and then in about one query of a hundred.
fn schedule() -> Value {
    let anywhere = json!([0, 499]);
    let once = |(number, kind): (usize, &&str)| json!({ "method": "RunQuery", "kind": kind, "skip": 15 * number, "after_documents": 40 * number });
    let mut rules: Vec<Value> = KINDS.iter().enumerate().map(once).collect();
    for kind in ["UNAVAILABLE", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED", "INTERNAL"] {
        rules.push(json!({ "method": "RunQuery", "kind": kind, "probability": 0.01, "times": 99 }));
        rules.push(json!({ "method": "RunQuery", "kind": kind, "probability": 0.01, "after_documents": anywhere, "times": 99 }));
    }
    rules.push(json!({ "method": "RunQuery", "kind": "RESOURCE_EXHAUSTED", "headers": true, "probability": 0.01, "times": 99 }));
    for (kind, probability) in [("cut", 0.01), ("end_early", 0.02)] {
        rules.push(json!({ "method": "RunQuery", "kind": kind, "probability": probability, "after_documents": anywhere, "times": 99 }));
    }
    rules.push(json!({ "method": "RunAggregationQuery", "kind": "UNAVAILABLE", "times": 2 }));
    rules.push(json!({ "method": "PartitionQuery", "kind": "INTERNAL", "times": 1 }));
    rules.push(json!({ "method": "ListCollectionIds", "kind": "cut", "times": 1 }));
    Value::Array(rules)
}

#[test]
fn a_run_through_every_kind_of_fault_equals_an_undisturbed_one_and_costs_two_percent_more_at_most() {
    let documents = setting("FIREFERRY_TEST_LIVE_DOCUMENTS", 100_000);
    let folder = Sandbox::new();
    let pipeline = items(&folder, "", "");
    let generate = format!("items:{documents}");
    let seed = setting("FIREFERRY_TEST_SEED", 1).to_string();
    let mut live = Live::new(pipeline, &["--generate", &generate, "--seed", &seed]);
    let undisturbed = live.fresh();
    let calm = undisturbed.run(&[]).exits(0).json();
    assert_adds_up(&calm);
    assert!(reported(&calm) >= billed(&mut live.server), "the report never claims less than the server billed");

    live.server.tell("reset");
    live.server.faults(&schedule());
    let report = live.workspace.run(&[]).exits(0).json();
    assert_adds_up(&report);
    assert_same(&live.workspace.destination(), &undisturbed.destination(), "through faults");
    let stats = live.server.stats();
    println!("seed {seed}: {stats}");
    for kind in KINDS {
        assert!(stats["faults"][kind].as_u64() > Some(0), "{kind}: {stats}");
    }
    let most = documents as u64 * 102 / 100;
    assert!(billed(&mut live.server) <= most, "{stats}");
    assert!(reported(&report) >= billed(&mut live.server), "{stats}");
    assert_eq!(stats["offset_used"], false);
}

/// Runs into one fault that does not go away.
fn against(folder: &Sandbox, rules: &Value, defaults: &str) -> (crate::support::Outcome, Live) {
    let pipeline = items(folder, "", defaults);
    let mut live = Live::new(pipeline, &["--generate", "items:2000"]);
    live.server.faults(rules);
    let outcome = live.workspace.run(&[]);
    (outcome, live)
}

#[test]
fn retries_end_with_a_hint_and_what_was_read_is_kept() {
    let rules =
        json!([{ "method": "RunQuery", "collection": "items", "kind": "UNAVAILABLE", "skip": 4, "times": 1_000_000 }]);
    let folder = Sandbox::new();
    let (outcome, mut live) = against(&folder, &rules, ", max_retries: 3, batch_size: 100");
    let report = outcome.exits(1).json();
    assert_eq!(report["status"], "failed");
    assert!(report["error"]["message"].as_str().unwrap().contains("reading items"), "{report:#}");
    let read = report["totals"]["read"].as_u64().unwrap();
    live.server.faults(&json!([]));
    let resumed = live.workspace.run(&["--resume"]).exits(0).json();
    assert_adds_up(&resumed);
    assert!(read < 2_000 && resumed["totals"]["read"] == 2_000);
}

#[test]
fn a_page_that_does_not_advance_is_an_error_and_no_loop() {
    let rules =
        json!([{ "method": "RunQuery", "collection": "items", "kind": "no_advance", "skip": 3, "times": 1_000_000 }]);
    let (outcome, _live) = against(&Sandbox::new(), &rules, ", batch_size: 100");
    let report = outcome.exits(1).json();
    assert!(report["error"]["message"].as_str().unwrap().contains("does not advance"), "{report:#}");
}

#[test]
fn a_stream_that_ends_early_every_time_still_arrives() {
    let rules = json!([{ "method": "RunQuery", "collection": "items", "kind": "end_early", "after_documents": 7, "times": 1_000_000 }]);
    let (outcome, _live) = against(&Sandbox::new(), &rules, "");
    let report = outcome.exits(0).json();
    assert_eq!(report["totals"]["inserted"], 2_000);
}

#[test]
fn a_server_that_offers_little_is_read_all_the_same() {
    let lacking = ["PartitionQuery", "RunAggregationQuery", "ListCollectionIds"];
    let rule = |method: &str| json!({ "method": method, "kind": "UNIMPLEMENTED", "times": 1_000_000 });
    let folder = Sandbox::new();
    let (outcome, live) = against(&folder, &Value::Array(lacking.map(rule).to_vec()), ", batch_size: 50");
    let report = outcome.exits(0).json();
    assert_adds_up(&report);
    assert_eq!(report["totals"]["inserted"], 2_000);
    assert!(report["warnings"].to_string().contains("cannot list its collections"), "{report:#}");
    let sql = "SELECT bounds FROM _fireferry_partitions";
    let bounds = Database::open(&live.workspace.destination()).texts(sql).concat();
    assert!(bounds.matches("items/").count() > 10, "names were sampled: {bounds}");
}

#[test]
fn what_the_account_may_not_do_is_said_with_what_helps() {
    let denied = json!([{ "method": "*", "kind": "PERMISSION_DENIED", "times": 1_000_000, "message": "Missing or insufficient permissions." }]);
    let (outcome, _live) = against(&Sandbox::new(), &denied, "");
    outcome.exits(3);
    let (outcome, _live) = against(&Sandbox::new(), &denied, "");
    assert!(outcome.stdout.contains("roles/datastore.viewer"), "{}", outcome.stdout);
}
