//! A comparison that is stopped or killed goes on where it was, and finds the same.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::damage::{Damage, listed, workspace};
use crate::proof::setting;
use crate::support::Sandbox;
use crate::support::database::{Database, change};
use crate::support::documents::Random;

const MANY: usize = 40_000;

fn damaged(seed: u64) -> (Sandbox, Damage) {
    let sandbox = workspace("file:damage.db", MANY, "");
    sandbox.run(&["run", "p.yaml"]).exits(0);
    let damage = Damage::random(seed, MANY, 200);
    change(&sandbox.path("damage.db"), &damage.sql);
    (sandbox, damage)
}

/// Documents that the unfinished comparison has saved as compared.
fn compared(sandbox: &Sandbox) -> i64 {
    let ledger = sandbox.path(".fireferry/ledger.db");
    let saved = "SELECT coalesce(sum(value ->> '$.totals.read'), 0) FROM verifications, json_each(state, '$.collections') \
                 WHERE state IS NOT NULL";
    match ledger.exists() {
        true => Database::open(&ledger).try_query(saved).map_or(0, |rows| rows[0][0].integer()),
        false => 0,
    }
}

#[test]
fn a_comparison_that_was_killed_goes_on_and_finds_the_same() {
    let (sandbox, damage) = damaged(11);
    let mut random = Random::new(setting("FIREFERRY_TEST_SEED", 1) as u64);
    let whole = Instant::now();
    sandbox.run(&["verify", "p.yaml", "--contents"]).exits(5);
    let whole = whole.elapsed();
    assert_eq!(listed(&sandbox), damage.found);
    for kill in 0..setting("FIREFERRY_TEST_VERIFY_KILLS", 4) {
        let signal = if kill % 2 == 0 { Signal::INT } else { Signal::KILL };
        let child = sandbox.start(&["verify", "p.yaml", "--contents"]);
        std::thread::sleep(whole.mul_f64(random.fraction()));
        // One that is over already has nothing to be killed.
        let _ = kill_process(Pid::from_child(&child), signal);
        let stopped = sandbox.finish(child);
        println!("{signal:?}: exit code {}, {} documents saved", stopped.code, compared(&sandbox));
        if stopped.code == 6 {
            assert!(stopped.stderr.contains("--contents --resume"), "{}", stopped.stderr);
        }
        sandbox.run(&["verify", "p.yaml", "--resume"]).exits(5);
        assert_eq!(listed(&sandbox), damage.found, "after {signal:?}");
    }
}

#[test]
fn going_on_reads_only_what_is_left_unless_the_source_was_changed() {
    let (sandbox, damage) = damaged(12);
    let child = sandbox.start(&["verify", "p.yaml", "--contents", "--progress", "none"]);
    let patience = Instant::now();
    // The first save is when it begins, the next ones with what was compared.
    while compared(&sandbox) == 0 && patience.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let _ = kill_process(Pid::from_child(&child), Signal::INT);
    if sandbox.finish(child).code != 6 {
        println!("it was faster than the signal");
        return;
    }
    let outcome = sandbox.run(&["verify", "p.yaml", "--resume"]).exits(5);
    assert!(outcome.stderr.contains("going on with comparison"), "{}", outcome.stderr);
    assert_eq!(listed(&sandbox), damage.found);
    let nothing = sandbox.run(&["verify", "p.yaml", "--resume"]).exits(5);
    assert!(nothing.stderr.contains("no comparison to go on with"), "{}", nothing.stderr);
}
