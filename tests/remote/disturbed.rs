//! Whatever goes wrong on the way to the server, the end is that of an undisturbed run.
//!
//! ```text
//! FIREFERRY_TEST_REMOTE_FAULTS=200 cargo test --release remote::disturbed -- --nocapture
//! ```
//!
//! `FIREFERRY_TEST_SEED` chooses other moments; what happened when is printed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use super::program::{Place, run};
use super::scenario::{Scenario, same};
use super::server::Sqld;
use crate::proof::setting;
use crate::support::Sandbox;
use crate::support::documents::Random;
use crate::support::proxy::{Fault, Proxy, Script};

/// Few documents in a commit, and few seconds for a request.
const SETTINGS: &str = ", request_timeout: 1s, lease_time: 60s, concurrency: 3";

/// One run into the emptied database, on which this script is played.
fn disturb(scenario: &Scenario, script: Script, what: &str) {
    let remote = scenario.fresh(SETTINGS);
    scenario.proxy.set_script(script);
    let began = Instant::now();
    let outcome = run(&remote, remote.run_command(&[]));
    println!("{what}: exit code {} after {:?}", outcome.code, began.elapsed());
    // What was kept back for long may come now.
    scenario.proxy.wait(|requests| requests.iter().all(|request| request.over));
    assert_eq!(outcome.code, 4, "{what}\n{}\n{}", outcome.stdout, outcome.stderr);
    scenario.compare(&outcome.json(), what);
}

fn scenario() -> Option<Scenario> {
    Scenario::new(setting("FIREFERRY_TEST_REMOTE_DOCUMENTS", 500), SETTINGS)
}

/// Everything that may happen to one request. What is late comes when its successor is done, or much later.
fn faults(random: &mut Random) -> Vec<Fault> {
    let late = Duration::from_millis(random.below(1500) as u64);
    vec![
        Fault::CutBefore,
        Fault::CutAfterApplied,
        Fault::CutMidReply,
        Fault::Late(Duration::from_millis(5)),
        Fault::Late(late),
        Fault::status(500, "oops"),
        Fault::retry_after(429, 0),
        Fault::status(503, ""),
        Fault::StreamExpired,
        Fault::StreamNotFound,
        Fault::TransactionTimeout,
        Fault::Busy,
        Fault::Hold(Duration::from_millis(1300)),
        Fault::HoldReply(Duration::from_millis(1300)),
    ]
}

#[test]
fn the_end_of_a_run_without_rejects_is_recorded_and_its_lease_given_back_whatever_happens_to_the_reply() {
    let Some(server) = Sqld::start() else { return };
    let folder = Sandbox::new();
    let proxy = Proxy::start(server.address(), Script::new());
    let place = Place::new(proxy.url()).settings(", request_timeout: 1s, lease_time: 60s");
    let undisturbed = place.classroom(&folder.path(""), "classroom");
    run(&undisturbed, undisturbed.run_command(&[])).exits(0);
    let expected = server.dump();
    for (before, fault) in
        [Fault::CutBefore, Fault::CutAfterApplied, Fault::CutMidReply, Fault::status(500, "oops"), Fault::Busy]
            .into_iter()
            .enumerate()
    {
        server.empty();
        let what = format!("{fault:?}");
        let remote = place.classroom(&folder.path(""), "classroom");
        // Only the last request of a run records its end and gives the lease back.
        proxy.set_script(Script::new().containing("SET holder = ''", 1, fault));
        let report = run(&remote, remote.run_command(&[])).exits(0).json();
        assert_eq!(proxy.faults().len(), before + 1, "{what}");
        assert_eq!(report["status"], "completed", "{what}");
        let recorded = "SELECT count(*) FROM _fireferry_runs WHERE status = 'completed'";
        assert_eq!(server.integer(recorded), 1, "{what}");
        assert_eq!(server.integer("SELECT count(*) FROM _fireferry_lease WHERE holder <> ''"), 0, "{what}");
        same(&server.dump(), &expected, &what);
    }
}

#[test]
fn a_run_through_any_fault_ends_like_an_undisturbed_one() {
    let runs = setting("FIREFERRY_TEST_REMOTE_FAULTS", 14);
    let seed = setting("FIREFERRY_TEST_SEED", 1) as u64 * 1_000;
    let Some(scenario) = scenario() else { return };
    for number in 0..runs {
        let mut random = Random::new(seed + number as u64);
        let faults = faults(&mut random);
        let fault = faults[number % faults.len()].clone();
        let at = 1 + random.below(scenario.requests);
        let what = format!("seed {} {fault:?} at request {at} of {}", seed + number as u64, scenario.requests);
        disturb(&scenario, Script::new().at(at, fault), &what);
    }
}

#[test]
fn a_run_through_many_faults_ends_like_an_undisturbed_one() {
    let runs = setting("FIREFERRY_TEST_REMOTE_FAULTS", 14).div_ceil(14);
    let seed = setting("FIREFERRY_TEST_SEED", 1) as u64 * 1_000 + 500;
    let Some(scenario) = scenario() else { return };
    for number in 0..runs {
        let mut random = Random::new(seed + number as u64);
        let faults = faults(&mut random);
        let what = format!("seed {} one fault in ten requests", seed + number as u64);
        disturb(&scenario, Script::new().sometimes(seed + number as u64, 100, &faults), &what);
    }
}

#[test]
fn a_commit_that_the_server_does_not_take_whole_goes_in_parts() {
    let Some(scenario) = scenario() else { return };
    let too_large = || Fault::status(413, r#"{"error":"request body too large"}"#);
    let script = Script::new().containing("INSERT INTO _fireferry_checkpoints", 1, too_large());
    disturb(&scenario, script, "too large");
    assert!(scenario.proxy.faults().iter().any(|(_, fault)| *fault == too_large()));
}

/// Another program that writes into a table of its own, until it is told to stop.
fn contend(server: &Sqld, stop: &AtomicBool, pauses: &[Duration]) -> usize {
    let begin = |sql: &str| json!({ "type": "execute", "stmt": { "sql": sql } });
    let mut written = 0;
    for pause in pauses.iter().cycle() {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let reply = server.pipeline(None, &json!([begin("BEGIN IMMEDIATE"), begin("INSERT INTO other VALUES (1)")]));
        let Some(reply) = reply.ok().filter(|reply| reply.status() == 200) else { continue };
        let answer = reply.json();
        if answer["results"][0]["type"] != "ok" {
            continue;
        }
        std::thread::sleep(*pause);
        let commit = server.pipeline(answer["baton"].as_str(), &json!([begin("COMMIT"), { "type": "close" }]));
        written +=
            usize::from(commit.is_ok_and(|reply| reply.status() == 200 && reply.json()["results"][0]["type"] == "ok"));
        std::thread::sleep(Duration::from_millis(30));
    }
    written
}

#[test]
fn a_second_writer_is_waited_for() {
    let Some(scenario) = scenario() else { return };
    let remote = scenario.fresh(SETTINGS);
    scenario.server.execute("CREATE TABLE other (a)");
    let stop = AtomicBool::new(false);
    let pauses = [10, 100, 10, 300, 6_000, 10, 50].map(Duration::from_millis);
    let (outcome, written) = std::thread::scope(|scope| {
        let writer = scope.spawn(|| contend(&scenario.server, &stop, &pauses));
        let outcome = run(&remote, remote.run_command(&["--migrate"]));
        stop.store(true, Ordering::Relaxed);
        (outcome, writer.join().unwrap())
    });
    let report = outcome.exits(4).json();
    assert!(written > 3, "the other program wrote {written} times");
    assert_eq!(scenario.server.integer("SELECT count(*) FROM other"), i64::try_from(written).unwrap());
    scenario.server.execute("DROP TABLE other");
    scenario.compare(&report, "with a second writer");
}
