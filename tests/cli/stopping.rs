//! Ctrl-C, SIGTERM, `runs cancel` and a killed process.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read};
use std::process::Child;

use rustix::process::{Pid, Signal, kill_process};

use super::shop;
use crate::support::{Outcome, Sandbox};

/// So many commits that none of these runs comes to its end before it is stopped.
const USERS: usize = 30_000;

/// A run of which some commits are done, stopped in its tracks; SIGCONT lets it go on.
pub fn halted(sandbox: &Sandbox, arguments: &[&str]) -> Child {
    let mut child = sandbox.start(&[arguments, &["--progress", "json"]].concat());
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("\"current\"") || line.contains("\"current\":0,") {
        line.clear();
        assert!(errors.read_line(&mut line).unwrap() > 0, "it ended before its first commit was shown");
    }
    signal(&child, Signal::STOP);
    // Read on, so that the program never waits for us.
    std::thread::spawn(move || errors.read_to_end(&mut Vec::new()));
    child
}

/// Lets a halted run go on.
pub fn go_on(child: &Child) {
    signal(child, Signal::CONT);
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// Resumes to the end: every document is there once.
fn completes(sandbox: &Sandbox) {
    shop::hurry(sandbox);
    let report = sandbox.run(&["run", "p.yaml", "--resume", "--json"]).exits(0).json();
    assert_eq!(report["totals"]["inserted"], USERS + 1);
    let stats = sandbox.run(&["stats", "p.yaml", "--json"]).exits(0).json();
    assert_eq!(stats["tables"][0]["rows"], USERS);
}

fn stopped_cleanly(sandbox: &Sandbox, outcome: Outcome) {
    let outcome = outcome.exits(6);
    assert!(outcome.stdout.contains("interrupted, can be resumed"), "{}", outcome.stdout);
    let list = sandbox.run(&["runs", "list", "--json"]).exits(0).json();
    assert_eq!((&list["runs"][0]["status"], &list["runs"][0]["state"]), (&"interrupted".into(), &"ended".into()));
}

#[test]
fn ctrl_c_and_sigterm_stop_cleanly_with_exit_code_six_and_the_run_can_be_resumed() {
    for kind in [Signal::INT, Signal::TERM] {
        let sandbox = shop::long(USERS);
        let child = halted(&sandbox, &["run", "p.yaml"]);
        signal(&child, kind);
        go_on(&child);
        stopped_cleanly(&sandbox, sandbox.finish(child));
        completes(&sandbox);
    }
}

#[test]
fn runs_cancel_stops_a_run_cleanly() {
    let sandbox = shop::long(USERS);
    let child = halted(&sandbox, &["run", "p.yaml"]);
    let shown = sandbox.run(&["runs", "show"]).exits(0).stdout;
    assert!(shown.contains(": running") && shown.contains("fireferry runs cancel"), "{shown}");
    sandbox.run(&["runs", "cancel"]).exits(0);
    go_on(&child);
    stopped_cleanly(&sandbox, sandbox.finish(child));
    let again = sandbox.run(&["runs", "cancel"]).exits(2);
    assert!(again.stderr.contains("error[run_not_active]"), "{}", again.stderr);
}

#[test]
fn a_killed_run_shows_as_interrupted_and_can_be_resumed() {
    let sandbox = shop::long(USERS);
    let mut child = halted(&sandbox, &["run", "p.yaml"]);
    child.kill().unwrap();
    child.wait().unwrap();
    let list = sandbox.run(&["runs", "list", "--json"]).exits(0).json();
    assert_eq!((&list["runs"][0]["status"], &list["runs"][0]["state"]), (&"interrupted".into(), &"died".into()));
    let shown = sandbox.run(&["runs", "show"]).exits(0).stdout;
    assert!(shown.contains("its process is gone") && shown.contains("--resume="), "{shown}");
    completes(&sandbox);
}

#[test]
fn ctrl_c_twice_ends_at_once_and_what_was_committed_stays() {
    let sandbox = shop::long(USERS);
    let mut child = halted(&sandbox, &["run", "p.yaml"]);
    go_on(&child);
    // Until it is gone: signals that arrive together count as one.
    while child.try_wait().unwrap().is_none() {
        signal(&child, Signal::INT);
    }
    sandbox.finish(child).exits(6);
    completes(&sandbox);
}
