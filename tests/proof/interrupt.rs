//! Runs that are asked to stop: by Ctrl-C, by `runs cancel`, by a limit. Resumed, they end like an undisturbed one.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::crash::Scenario;
use super::program::Workspace;
use crate::support::database::Database;
use crate::support::documents::{Load, Random};

fn scenario(seed: u64, documents: usize) -> Scenario {
    let load = Load { documents, seed, commit_documents: 50, later: false };
    Scenario::new("interrupted", &load, None)
}

/// Starts a run and waits until it shows that it began with a collection.
pub fn start_until(workspace: &Workspace, collection: &str) -> Child {
    let mut command = workspace.run_command(&["--progress", "json"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    let wanted = format!("\"collection\":\"{collection}\"");
    let mut line = String::new();
    while lines.read_line(&mut line).unwrap() > 0 && !line.contains(&wanted) {
        line.clear();
    }
    assert!(line.contains(&wanted), "the run ended before it came to {collection}");
    // Nobody may wait for someone to read on.
    std::thread::spawn(move || lines.read_to_end(&mut Vec::new()));
    child
}

/// It ends with exit code 6, in the middle, and can be resumed.
fn assert_interrupted(scenario: &Scenario, workspace: &Workspace, child: Child, seed: u64) {
    workspace.sandbox.finish(child).exits(6);
    let database = Database::open(&workspace.destination());
    let open = database.integer("SELECT count(*) FROM _fireferry_runs WHERE status LIKE 'complete%'");
    assert_eq!(open, 0, "the run was over");
    scenario.resume_and_compare(workspace, &mut Random::new(seed), "interrupted");
}

#[test]
fn ctrl_c_stops_after_the_commit_in_flight_and_the_run_is_resumed() {
    let scenario = scenario(21, 4_000);
    let (once, twice) = (&[Signal::INT][..], &[Signal::INT, Signal::INT][..]);
    let asked = [("teams", once), ("people", &[Signal::TERM]), ("orders", twice), ("notes", once)];
    for (seed, (collection, signals)) in asked.into_iter().enumerate() {
        let workspace = scenario.workspace();
        let child = start_until(&workspace, collection);
        for signal in signals {
            kill_process(Pid::from_child(&child), *signal).unwrap();
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_interrupted(&scenario, &workspace, child, seed as u64);
    }
}

/// A process of its own asks; the run looks once a second.
#[test]
fn a_cancelled_run_stops_and_is_resumed() {
    let scenario = scenario(22, 20_000);
    let workspace = scenario.workspace();
    let child = start_until(&workspace, "people");
    let cancel = workspace.finish(workspace.command(&["runs", "cancel", "--json"])).exits(0).json();
    assert_eq!(cancel["cancel_requested"], true);
    assert_interrupted(&scenario, &workspace, child, 0);
}

#[test]
fn a_run_with_a_limit_is_resumed_until_it_is_complete() {
    let scenario = scenario(23, 4_000);
    let workspace = scenario.workspace();
    let outcome = workspace.run(&["--max-bytes", "100KB"]).exits(7);
    assert_eq!(outcome.json()["status"], "budget_reached");
    let mut invocations = 1;
    loop {
        invocations += 1;
        let outcome = workspace.run(&["--resume", "--max-bytes", "300KB"]);
        if outcome.code != 7 {
            outcome.exits(4);
            break;
        }
        assert!(invocations < 50);
    }
    assert!(invocations > 3, "{invocations}");
    scenario.compare(&workspace, "with limits");
}
