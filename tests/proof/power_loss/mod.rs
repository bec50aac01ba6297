//! Power losses: whatever the disk kept of unsynced writes, the resumed run ends like an undisturbed one, and what was
//! shown as done is there.
//!
//! A run is recorded once, operation by operation (`tests/support/powerloss.c`). A loss can then be placed between any
//! two operations, and [`disk::Disk`] builds what it leaves.

mod disk;
mod record;

use std::collections::BTreeMap;
use std::path::Path;

use super::crash::Scenario;
use super::program::Workspace;
use super::setting;
use crate::support::database::Database;
use crate::support::documents::{Load, Random};
use disk::{Disk, Sync};
use record::Operation;

/// A recorded invocation.
struct Recording {
    /// The disk before it.
    honest: Disk,
    /// The same, made by someone who saves on `fsync`.
    lying: Disk,
    operations: Vec<Operation>,
}

impl Recording {
    /// Runs to the end and records it. `None` when there was nothing to do.
    fn of(workspace: &Workspace, options: &[&str]) -> Option<Self> {
        let folder = workspace.disk();
        let (honest, lying) = (Disk::of(&folder, Sync::Honest), Disk::of(&folder, Sync::Ignored));
        let log = workspace.sandbox.path("record");
        drop(std::fs::remove_file(&log));
        let mut command = workspace.run_command(options);
        command.args(["--progress", "json"]);
        record::watch(&mut command, &folder, &log);
        let outcome = workspace.finish(command);
        if outcome.stdout.contains("nothing_to_resume") {
            return None;
        }
        outcome.exits(4);
        Some(Self { honest, lying, operations: record::read(&log) })
    }

    /// A moment for a loss: anywhere, or right after something was printed or synced.
    fn moment(&self, random: &mut Random) -> usize {
        let wanted: fn(&Operation) -> bool = match random.below(3) {
            0 => |_| true,
            1 => |operation| matches!(operation, Operation::Printed { .. }),
            _ => |operation| matches!(operation, Operation::Synced { .. } | Operation::DirSynced { .. }),
        };
        let places: Vec<usize> =
            self.operations.iter().enumerate().filter(|(_, found)| wanted(found)).map(|(place, _)| place).collect();
        random.pick(&places) + 1
    }

    /// Leaves in the workspace what a loss after so many operations leaves of this disk.
    fn lose_power(&self, disk: &Disk, workspace: &Workspace, moment: usize, random: &mut Random) {
        let mut disk = disk.clone();
        self.operations[..moment].iter().for_each(|operation| disk.apply(operation));
        disk.lose_power(&workspace.disk(), random);
    }

    /// Documents shown as durable, by collection.
    fn shown(&self, moment: usize) -> BTreeMap<String, i64> {
        let mut text = Vec::new();
        for operation in &self.operations[..moment] {
            if let Operation::Printed { data } = operation {
                text.extend_from_slice(data);
            }
        }
        let text = String::from_utf8_lossy(&text).into_owned();
        let lines = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        lines.filter_map(|line| Some((line["collection"].as_str()?.to_owned(), line["current"].as_i64()?))).collect()
    }
}

/// What is wrong with a destination after a loss: unsound, or without documents that were shown as done.
fn examine(destination: &Path, shown: &BTreeMap<String, i64>) -> Vec<String> {
    let expected: BTreeMap<&String, &i64> = shown.iter().filter(|(_, current)| **current > 0).collect();
    if !destination.exists() {
        return expected.keys().map(|name| format!("{name} is gone with the whole destination")).collect();
    }
    let database = Database::open(destination);
    let mut wrong: Vec<String> = ["PRAGMA integrity_check", "SELECT \"table\" FROM pragma_foreign_key_check"]
        .iter()
        .flat_map(|sql| match database.try_query(sql) {
            Ok(rows) => rows.into_iter().map(|mut row| row.swap_remove(0).to_string()).collect(),
            Err(error) => vec![error],
        })
        .filter(|found| found != "\"ok\"")
        .collect();
    for (collection, current) in expected {
        let sql = format!(
            "SELECT coalesce(sum(read), 0) FROM _fireferry_checkpoints WHERE collection = '{collection}' \
             AND run = (SELECT max(run) FROM _fireferry_runs)"
        );
        match database.try_query(&sql).map(|rows| rows[0][0].integer()) {
            Ok(durable) if durable >= *current => {}
            Ok(durable) => wrong.push(format!("{collection}: {current} were shown as done, {durable} are durable")),
            Err(error) => wrong.push(format!("{collection}: {current} were shown as done: {error}")),
        }
    }
    wrong
}

/// The shim sees the destination's commits, each with its sync, and lines of progress.
fn assert_recorded(recording: &Recording, destination: &Path) {
    let database = Database::open(destination);
    let commits = database
        .integer("SELECT count(*) FROM _fireferry_checkpoints WHERE run = (SELECT max(run) FROM _fireferry_runs)");
    let syncs = recording.operations.iter().filter(|operation| matches!(operation, Operation::Synced { .. })).count();
    let shown = recording.shown(recording.operations.len());
    println!("{} operations, {syncs} syncs of files, {commits} commits", recording.operations.len());
    assert!(syncs as i64 >= commits && commits > 20, "{syncs} syncs, {commits} commits");
    assert_eq!(shown.len(), 4, "{shown:?}");
}

#[test]
fn after_a_power_loss_what_was_shown_is_there_and_the_resumed_run_ends_like_an_undisturbed_one() {
    let losses = setting("FIREFERRY_TEST_POWER_LOSSES", 12);
    let documents = setting("FIREFERRY_TEST_POWER_LOSS_DOCUMENTS", 3_000);
    let seed = setting("FIREFERRY_TEST_SEED", 1) as u64 * 1_000;
    let load = Load { documents, seed: 11, commit_documents: 50, later: false };
    let empty = Scenario::new("into an empty database", &load, None);
    let full = Scenario::new("over earlier rows", &Load { later: true, ..load }, Some(&empty));
    let first = losses.div_ceil(2);
    lose_power_and_resume(&empty, first, seed);
    lose_power_and_resume(&full, losses - first, seed + 500);
}

fn lose_power_and_resume(scenario: &Scenario, losses: usize, seed: u64) {
    let workspace = scenario.workspace();
    let recording = Recording::of(&workspace, &[]).unwrap();
    assert_recorded(&recording, &workspace.destination());
    for loss in 0..losses {
        let seed = seed + loss as u64;
        let mut random = Random::new(seed);
        let mut what = format!("{}, seed {seed}", scenario.name);
        what += &lose_power(&recording, &workspace, &mut random, &what);
        // Now and then the resumed run is cut off as well.
        if random.per_mille(300)
            && let Some(resumed) = Recording::of(&workspace, &["--resume"])
        {
            what += &lose_power(&resumed, &workspace, &mut random, &what);
        }
        println!("{what}");
        scenario.resume_and_compare(&workspace, Some(&mut random), &what);
    }
}

/// One loss, after which nothing may be missing; says which.
fn lose_power(recording: &Recording, workspace: &Workspace, random: &mut Random, what: &str) -> String {
    let moment = recording.moment(random);
    recording.lose_power(&recording.honest, workspace, moment, random);
    let which = format!(", power lost after operation {moment} of {}", recording.operations.len());
    let wrong = examine(&workspace.destination(), &recording.shown(moment));
    assert!(wrong.is_empty(), "{what}{which}: {wrong:#?}");
    which
}

/// The simulation finds what it is for: a disk that does not obey `fsync` loses what was shown.
#[test]
fn a_disk_that_ignores_fsync_is_found_out() {
    let load = Load { documents: 1_000, seed: 12, commit_documents: 20, later: false };
    let scenario = Scenario::new("self-test", &load, None);
    let workspace = scenario.workspace();
    let recording = Recording::of(&workspace, &[]).unwrap();
    let mut random = Random::new(5);
    let found = (0..10)
        .filter(|_| {
            let moment = recording.moment(&mut random);
            recording.lose_power(&recording.lying, &workspace, moment, &mut random);
            !examine(&workspace.destination(), &recording.shown(moment)).is_empty()
        })
        .count();
    assert!(found >= 3, "only {found} of 10 losses were found out");
}
