//! Runs that are asked to stop, or have a limit. Resumed, they end like an undisturbed one.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::crash::Scenario;
use super::program::Workspace;
use crate::support::database::Database;
use crate::support::documents::{Load, Random};

fn scenario(seed: u64) -> Scenario {
    let load = Load { documents: 4_000, seed, commit_documents: 50, later: false };
    Scenario::new("interrupted", &load, None)
}

/// Starts a run, waits until it shows that it began with a collection, and halts it; SIGCONT lets it go on.
pub fn halt_at(workspace: &Workspace, collection: &str) -> Child {
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
    signal(&child, Signal::STOP);
    // Nobody may wait for someone to read on.
    std::thread::spawn(move || lines.read_to_end(&mut Vec::new()));
    child
}

/// Sends a signal.
pub fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

#[test]
fn a_stopped_run_ends_like_an_undisturbed_one_when_it_is_resumed() {
    let scenario = scenario(21);
    let asked = [("teams", Signal::INT), ("people", Signal::TERM), ("orders", Signal::INT), ("notes", Signal::TERM)];
    for (seed, (collection, kind)) in asked.into_iter().enumerate() {
        let workspace = scenario.workspace();
        let child = halt_at(&workspace, collection);
        signal(&child, kind);
        signal(&child, Signal::CONT);
        workspace.sandbox.finish(child).exits(6);
        let over = "SELECT count(*) FROM _fireferry_runs WHERE status LIKE 'complete%'";
        assert_eq!(Database::open(&workspace.destination()).integer(over), 0);
        scenario.resume_and_compare(&workspace, Some(&mut Random::new(seed as u64)), collection);
    }
}

#[test]
fn a_run_with_a_limit_is_resumed_until_it_is_complete() {
    let scenario = scenario(22);
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
