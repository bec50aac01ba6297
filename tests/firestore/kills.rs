//! `kill -9` at random moments of a live run: resumed, the database is that of an undisturbed run, and hardly anything
//! was read twice.

use std::time::{Duration, Instant};

use super::live::{Live, billed, items};
use crate::proof::program::assert_adds_up;
use crate::proof::setting;
use crate::support::Sandbox;
use crate::support::database::assert_same;
use crate::support::documents::Random;

const BATCH: u64 = 100;
const UNSAVED: u64 = 2_000;
const QUEUE: u64 = 3;
const CONCURRENCY: u64 = 4;
/// Pages of a stretch in memory: two that wait and one in the making.
const PAGES: u64 = 3;
/// Probes, collections, split points of the second invocation.
const AGAIN: u64 = 40;

#[test]
fn a_killed_live_run_is_resumed_to_the_same_database_and_reads_little_twice() {
    let documents = setting("FIREFERRY_TEST_LIVE_DOCUMENTS", 100_000) as u64;
    let kills = setting("FIREFERRY_TEST_CRASHES", 6);
    let folder = Sandbox::new();
    let settings = format!(", batch_size: {BATCH}, max_unsaved_documents: {UNSAVED}, queue_batches: {QUEUE}");
    let pipeline = items(&folder, &format!(", concurrency: {CONCURRENCY}"), &settings);
    let mut live = Live::new(pipeline, &["--generate", &format!("items:{documents}")]);
    let undisturbed = live.fresh();
    let started = Instant::now();
    undisturbed.run(&[]).exits(0);
    let mut duration = started.elapsed();
    let calm = billed(&mut live.server);
    let allowed =
        calm + UNSAVED + (QUEUE + 2) * BATCH + CONCURRENCY * PAGES * BATCH + documents.div_ceil(1_000) + AGAIN;
    let mut landed = 0;
    for kill in 0..kills {
        let mut random = Random::new(setting("FIREFERRY_TEST_SEED", 1) as u64 * 1_000 + kill as u64);
        let moment = duration.mul_f64(0.1 + 0.85 * random.fraction());
        live.server.tell("reset");
        let workspace = live.fresh();
        let mut child = workspace.start(workspace.run_command(&[]));
        std::thread::sleep(moment);
        let running = child.try_wait().unwrap().is_none();
        child.kill().unwrap();
        child.wait().unwrap();
        // What was on its way is billed until the server notices.
        std::thread::sleep(Duration::from_millis(50));
        if !running {
            duration = duration.mul_f64(0.7);
            continue;
        }
        landed += 1;
        let before = billed(&mut live.server);
        let report = workspace.run(&["--resume"]).exits(0).json();
        assert_adds_up(&report);
        let total = billed(&mut live.server);
        println!("killed after {moment:?} and {before} reads; {} read twice at most", total.saturating_sub(calm));
        assert!(total <= allowed, "killed after {moment:?}: {total} reads, {calm} undisturbed, {allowed} allowed");
        assert_same(&workspace.destination(), &undisturbed.destination(), &format!("killed after {moment:?}"));
    }
    assert!(landed * 2 >= kills, "only {landed} of {kills} kills landed before the end");
}
