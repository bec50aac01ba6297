//! `--max-reads`: never one read more.

use serde_json::json;

use super::live::{Live, billed, items};
use crate::proof::program::assert_adds_up;
use crate::support::database::assert_same;
use crate::support::{Sandbox, repository};

#[test]
fn a_limit_of_reads_is_never_exceeded_and_a_resume_completes() {
    let folder = Sandbox::new();
    let pipeline = items(&folder, "", ", batch_size: 70");
    let mut live = Live::new(pipeline, &["--generate", "items:5000"]);
    let undisturbed = live.fresh();
    undisturbed.run(&[]).exits(0);
    live.server.tell("reset");
    let stopped = live.workspace.run(&["--max-reads", "1000"]).exits(7).json();
    assert_eq!(stopped["status"], "budget_reached");
    let used = billed(&mut live.server);
    assert!((900..=1_000).contains(&used), "{used} of 1000 reads");
    assert_eq!(stopped["reads"]["billed"], used);
    assert!(stopped["totals"]["read"].as_u64() > Some(900), "{:#}", stopped["totals"]);
    let resumed = live.workspace.run(&["--resume"]).exits(0).json();
    assert_adds_up(&resumed);
    assert_eq!(resumed["reads"]["whole_run"].as_u64(), Some(billed(&mut live.server)));
    assert_same(&live.workspace.destination(), &undisturbed.destination(), "after the limit");
}

#[test]
fn a_count_whose_answer_was_lost_did_not_cost_everything() {
    let folder = Sandbox::new();
    let mut live = Live::new(items(&folder, "", ""), &["--generate", "items:3000"]);
    live.server.faults(&json!([{ "method": "RunAggregationQuery", "kind": "cut", "times": 2 }]));
    let report = live.workspace.run(&[]).exits(0).json();
    assert_adds_up(&report);
    let (reported, billed) = (report["reads"]["billed"].as_u64().unwrap(), billed(&mut live.server));
    assert!((billed..billed + 500).contains(&reported), "{reported} reported, {billed} billed");
}

#[test]
fn many_small_limits_get_there_too() {
    let mut live = Live::new(repository("pipelines/classroom.yaml"), &["--fixtures", "fixtures/classroom"]);
    let undisturbed = live.fresh();
    undisturbed.run(&[]).exits(0);
    let mut options = vec!["--max-reads", "700"];
    for invocation in 1.. {
        assert!(invocation < 20);
        live.server.tell("reset");
        let outcome = live.workspace.run(&options);
        assert!(billed(&mut live.server) <= 700, "{}", live.server.stats());
        if outcome.code == 0 {
            break;
        }
        outcome.exits(7);
        options = vec!["--max-reads", "700", "--resume"];
    }
    assert_same(&live.workspace.destination(), &undisturbed.destination(), "after many limits");
}

#[test]
fn a_limit_that_does_not_suffice_for_counting_is_refused() {
    let live = Live::new(repository("pipelines/classroom.yaml"), &["--fixtures", "fixtures/classroom"]);
    let outcome = live.workspace.run(&["--max-reads", "20"]).exits(3);
    assert!(outcome.stdout.contains("max_reads_too_low"), "{}", outcome.stdout);
    assert!(!live.workspace.destination().exists());
}
