//! Programs that are killed, halted or interrupted while they write to a server: resumed, everything is there once.

use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::program::{finish, run};
use super::scenario::Scenario;
use crate::proof::interrupt::{halt_at, signal};
use crate::proof::setting;
use crate::support::documents::Random;

/// Longer than any test: who has to wait for it hangs.
const LONG: &str = ", lease_time: 1h";

#[test]
fn a_killed_run_is_resumed_at_once_and_ends_like_an_undisturbed_one() {
    let kills = setting("FIREFERRY_TEST_CRASHES", 8);
    let seed = setting("FIREFERRY_TEST_SEED", 1) as u64 * 1_000;
    let Some(scenario) = Scenario::new(1_200, LONG) else { return };
    let (mut landed, mut duration) = (0, scenario.duration);
    for kill in 0..kills {
        let mut random = Random::new(seed + kill as u64);
        let remote = scenario.fresh(LONG);
        let mut left = 1 + random.below(2);
        let what = format!("seed {}", seed + kill as u64);
        let mut options: &[&str] = &[];
        while left > 0 {
            left -= 1;
            let moment = duration.mul_f64(0.05 + 0.9 * random.fraction());
            let mut command = remote.run_command(options);
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            std::thread::sleep(moment);
            let running = child.try_wait().unwrap().is_none();
            child.kill().unwrap();
            child.wait().unwrap();
            println!("{what}: killed after {moment:?}{}", if running { "" } else { ", when it had ended" });
            landed += usize::from(running);
            if !running {
                duration = duration.mul_f64(0.7);
            }
            options = &["--resume"];
        }
        scenario.resume_and_compare(&remote, &what);
    }
    assert!(landed * 2 >= kills, "only {landed} kills landed before the end");
}

#[test]
fn an_interrupted_run_is_resumed_and_ends_like_an_undisturbed_one() {
    let Some(scenario) = Scenario::new(1_200, LONG) else { return };
    for (collection, kind) in [("people", Signal::INT), ("orders", Signal::TERM)] {
        let remote = scenario.fresh(LONG);
        let child = halt_at(&remote, collection);
        signal(&child, kind);
        signal(&child, Signal::CONT);
        finish(&remote, child).exits(6);
        let report = run(&remote, remote.run_command(&["--resume"])).exits(4).json();
        scenario.compare(&report, collection);
    }
}

#[test]
fn a_run_that_slept_while_another_took_over_writes_nothing_more() {
    let Some(scenario) = Scenario::new(1_200, LONG) else { return };
    for collection in ["people", "orders"] {
        let settings = ", lease_time: 1s";
        let sleeper = scenario.fresh(settings);
        let child = halt_at(&sleeper, collection);
        let other = scenario.again(settings);
        // Its lease ends soon: nobody hears of it any more.
        let began = Instant::now();
        let report = loop {
            let outcome = run(&other, other.run_command(&["--resume"]));
            match outcome.code {
                4 => break outcome.json(),
                3 if outcome.stdout.contains("lease_held") && began.elapsed() < Duration::from_secs(20) => {
                    std::thread::sleep(Duration::from_millis(200));
                }
                _ => panic!("{collection}: {outcome:?}"),
            }
        };
        scenario.compare(&report, collection);
        let before = scenario.server.everything();
        signal(&child, Signal::CONT);
        let outcome = finish(&sleeper, child).exits(1);
        assert!(outcome.stdout.contains("took over the destination; nothing more was written"), "{outcome:?}");
        assert!(scenario.server.everything() == before, "{collection}: it wrote after it had lost its lease");
        scenario.compare_content(collection);
    }
}
