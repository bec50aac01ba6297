//! Other programs that use the destination at the same time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{assert_runs, run, sandbox};
use crate::proof::crash::Scenario;
use crate::proof::interrupt::{halt_at, signal};
use crate::support::database::{Program, change};
use crate::support::documents::{Load, Random};
use insta::assert_snapshot;
use rustix::process::Signal;

#[test]
fn a_destination_that_another_program_writes_to() {
    let sandbox = sandbox();
    run(&sandbox).exits(0);
    let file = sandbox.path("out.db");
    change(&file, "DELETE FROM people");
    let other = Program::start(&file, "BEGIN IMMEDIATE; INSERT INTO people VALUES ('z', 'Zoë')");
    // The process is named: it is the one of this test.
    let seen = run(&sandbox).exits(3).seen();
    let name = std::fs::read_to_string("/proc/self/comm").unwrap_or_default();
    let process = format!("process {} ({})", std::process::id(), name.trim());
    assert_snapshot!(seen.replace(&process, "process [PID]"));
    drop(other);
    assert_runs(&sandbox);
}

#[test]
fn a_destination_that_is_locked_in_the_middle_of_a_run() {
    let load = Load { documents: 12_000, seed: 41, commit_documents: 25, later: false };
    let scenario = Scenario::new("locked", &load, None);
    let text = std::fs::read_to_string(&scenario.pipeline).unwrap();
    let impatient = text.replace("defaults: {", "defaults: { max_retries: 2, max_retry_time: 1s,");
    std::fs::write(&scenario.pipeline, impatient).unwrap();
    // The lock may come too late: the run takes it again and again.
    for _ in 0..10 {
        let workspace = scenario.workspace();
        let child = halt_at(&workspace, "people");
        signal(&child, Signal::CONT);
        let other = Program::start(&workspace.destination(), "PRAGMA busy_timeout = 20000; BEGIN IMMEDIATE");
        let outcome = workspace.sandbox.finish(child);
        if outcome.code == 4 {
            continue;
        }
        let report = outcome.exits(1).json();
        assert_eq!(report["status"], "failed");
        assert!(report["error"]["message"].as_str().unwrap().contains("locked"), "{report:#}");
        drop(other);
        return scenario.resume_and_compare(&workspace, Some(&mut Random::new(0)), "locked in the middle");
    }
    panic!("no run could be locked out");
}

#[test]
fn a_short_lock_is_waited_for() {
    let sandbox = sandbox();
    run(&sandbox).exits(0);
    let file = sandbox.path("out.db");
    let other = Program::start(&file, "BEGIN IMMEDIATE");
    let child = sandbox.start(&["run", "p.yaml", "--progress", "none"]);
    std::thread::sleep(Duration::from_millis(100));
    drop(other);
    sandbox.finish(child).exits(0);
}

#[test]
fn two_runs_at_once() {
    let load = Load { documents: 12_000, seed: 42, commit_documents: 25, later: false };
    let scenario = Scenario::new("two at once", &load, None);
    let workspace = scenario.workspace();
    let child = halt_at(&workspace, "people");
    let second = workspace.run(&[]).exits(3);
    assert_eq!(second.json()["error"]["code"], "lease_held", "{second:?}");
    // A dry run takes no lease and disturbs nobody.
    workspace.run(&["--dry-run", "--max-rejects", "100%"]).exits(4);
    signal(&child, Signal::CONT);
    workspace.sandbox.finish(child).exits(4);
    scenario.compare(&workspace, "with a second run beside it");
}

#[test]
fn another_program_that_writes_all_the_time() {
    let load = Load { documents: 4_000, seed: 45, commit_documents: 50, later: false };
    let scenario = Scenario::new("beside another writer", &load, None);
    let workspace = scenario.workspace();
    workspace.finish(workspace.command(&["schema", "up", workspace.pipeline.to_str().unwrap()])).exits(0);
    let file = workspace.destination();
    let other = Program::start(&file, "PRAGMA busy_timeout = 10000; CREATE TABLE _fireferry_other (number INTEGER)");
    let done = AtomicBool::new(false);
    let written = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut written = 0_u64;
            while !done.load(Ordering::Relaxed) {
                other.execute(&format!("INSERT INTO _fireferry_other VALUES ({written})"));
                written += 1;
                std::thread::sleep(Duration::from_millis(2));
            }
            written
        });
        let outcome = workspace.run(&[]);
        done.store(true, Ordering::Relaxed);
        outcome.exits(4);
        writer.join().unwrap()
    });
    println!("{written} commits of another program meanwhile");
    assert!(written > 0, "the other program never got its turn");
    drop(other);
    change(&file, "DROP TABLE _fireferry_other");
    scenario.compare(&workspace, "beside another writer");
}
