//! `kill -9` at random moments of a load with many commits; resumed, the result is that of an undisturbed run.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::program::{Workspace, accounting, assert_adds_up, kept_rejects};
use super::setting;
use crate::support::database::{Database, assert_same, digest};
use crate::support::documents::{Load, Random};

/// Invocations after a kill before something must be wrong.
const ATTEMPTS: usize = 20;

/// One load, and what an undisturbed run makes of it.
pub struct Scenario {
    pub name: &'static str,
    _files: tempfile::TempDir,
    pub pipeline: PathBuf,
    pub documents: PathBuf,
    /// The destination before the run; `None`: there is none.
    before: Option<PathBuf>,
    undisturbed: Workspace,
    report: Value,
    pub duration: Duration,
}

impl Scenario {
    /// Runs it once without disturbance.
    pub fn new(name: &'static str, load: &Load, onto: Option<&Self>) -> Self {
        let files = tempfile::tempdir().unwrap();
        let written = load.write(files.path());
        let before = onto.map(|earlier| {
            let before = files.path().join("before.db");
            std::fs::copy(earlier.undisturbed.destination(), &before).unwrap();
            before
        });
        let undisturbed = workspace(&written.pipeline, &written.documents, before.as_deref());
        let started = Instant::now();
        let report = undisturbed.run(&[]).exits(4).json();
        let duration = started.elapsed();
        assert_adds_up(&report);
        Database::open(&undisturbed.destination()).assert_sound();
        println!("{name}: undisturbed in {duration:?}, totals {}", report["totals"]);
        Self {
            name,
            _files: files,
            pipeline: written.pipeline,
            documents: written.documents,
            before,
            undisturbed,
            report,
            duration,
        }
    }

    pub fn workspace(&self) -> Workspace {
        workspace(&self.pipeline, &self.documents, self.before.as_deref())
    }

    /// The destination that an undisturbed run made.
    pub fn undisturbed(&self) -> PathBuf {
        self.undisturbed.destination()
    }

    /// Goes on with an interrupted run until it is complete, killed again now and then if there is chance, and compares
    /// everything.
    pub fn resume_and_compare(&self, workspace: &Workspace, random: Option<&mut Random>, what: &str) {
        if let Some(report) = self.resume(workspace, random, what) {
            let listed = self.undisturbed.listed_rejects();
            assert_eq!(workspace.listed_rejects(), listed, "{what}: the listed rejects differ");
            assert_adds_up(&report);
            assert_eq!(accounting(&report), accounting(&self.report), "{what}: the accounting differs");
        }
        self.compare(workspace, what);
    }

    /// Compares what is in the destination, and what the backups hold.
    pub fn compare(&self, workspace: &Workspace, what: &str) {
        if let Some(before) = &self.before {
            assert_backups(workspace, before, what);
        }
        assert_same(&workspace.destination(), &self.undisturbed.destination(), what);
        Database::open(&workspace.destination()).assert_sound();
        let rejects = kept_rejects(&self.undisturbed.destination());
        assert_eq!(kept_rejects(&workspace.destination()), rejects, "{what}: the rejects differ");
    }

    /// The final report; `None` when the run had ended already.
    fn resume(&self, workspace: &Workspace, mut random: Option<&mut Random>, what: &str) -> Option<Value> {
        let mut options: &[&str] = &["--resume"];
        for _ in 0..ATTEMPTS {
            if let Some(random) = &mut random
                && random.per_mille(250)
            {
                kill_after(workspace, options, self.duration.mul_f64(random.fraction() * 0.7));
                options = &["--resume"];
                continue;
            }
            let outcome = workspace.run(options);
            match outcome.code {
                4 => return Some(outcome.json()),
                2 if outcome.stdout.contains("nothing_to_resume") && self.is_complete(workspace) => return None,
                // Killed before this run was recorded, and an earlier one is complete.
                2 if outcome.stdout.contains("nothing_to_resume") => options = &[],
                _ => panic!("{what}: {outcome:?}"),
            }
        }
        panic!("{what}: not complete after {ATTEMPTS} invocations");
    }

    /// Whether the newest run of the destination is one more than before, and over.
    fn is_complete(&self, workspace: &Workspace) -> bool {
        let runs = |path: &Path| Database::open(path).integer("SELECT count(*) FROM _fireferry_runs");
        let before = self.before.as_deref().map_or(0, runs);
        runs(&workspace.destination()) > before
    }
}

/// Whatever is listed as a backup is whole, and one of them is what was there before.
fn assert_backups(workspace: &Workspace, before: &Path, what: &str) {
    let verb = ["backup", "list", workspace.pipeline.to_str().unwrap(), "--json"];
    let listed = workspace.finish(workspace.command(&verb)).exits(0).json();
    let listed = listed["backups"].as_array().unwrap_or_else(|| panic!("{listed:#}")).clone();
    assert!(!listed.is_empty(), "{what}: no backup was taken");
    let mut found = false;
    for backup in &listed {
        let path = Path::new(backup["path"].as_str().unwrap());
        let bytes = std::fs::read(path).unwrap();
        assert_eq!(backup["hash"], blake3::hash(&bytes).to_hex().to_string(), "{what}: {}", path.display());
        found |= digest(path) == digest(before);
    }
    assert!(found, "{what}: no backup holds what was there before");
}

fn workspace(pipeline: &Path, documents: &Path, before: Option<&Path>) -> Workspace {
    let workspace = Workspace::new(pipeline, documents);
    match before {
        Some(before) => workspace.onto(before),
        None => workspace,
    }
}

/// Starts a run and kills it; false when it had ended by then.
fn kill_after(workspace: &Workspace, options: &[&str], moment: Duration) -> bool {
    let mut child = workspace.run_command(options).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(moment);
    let running = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    child.wait().unwrap();
    running
}

/// Kills runs of this scenario; how many had not ended by then.
fn kill_and_resume(scenario: &Scenario, crashes: usize, seed: u64) -> usize {
    let mut before_the_end = 0;
    let mut duration = scenario.duration;
    for crash in 0..crashes {
        let mut random = Random::new(seed + crash as u64);
        let fraction = 0.02 + 0.93 * random.fraction();
        let moment = duration.mul_f64(fraction);
        let workspace = scenario.workspace();
        let running = kill_after(&workspace, &[], moment);
        before_the_end += usize::from(running);
        if !running {
            // The machine has become faster than it was when it was measured.
            duration = duration.mul_f64(0.7);
        }
        let what =
            format!("{} seed {} killed at {moment:?} ({:.1} %)", scenario.name, seed + crash as u64, fraction * 100.0);
        println!("{what}{}", if running { "" } else { ", after the end" });
        scenario.resume_and_compare(&workspace, Some(&mut random), &what);
    }
    before_the_end
}

#[test]
fn a_killed_run_ends_like_an_undisturbed_one_when_it_is_resumed() {
    let crashes = setting("FIREFERRY_TEST_CRASHES", 6);
    let documents = setting("FIREFERRY_TEST_DOCUMENTS", 8_000);
    let seed = setting("FIREFERRY_TEST_SEED", 1) as u64 * 1_000;
    let load = Load { documents, seed: 7, commit_documents: (documents / 100).max(50), later: false };
    let empty = Scenario::new("into an empty database", &load, None);
    let full = Scenario::new("over earlier rows", &Load { later: true, ..load }, Some(&empty));
    let first = crashes.div_ceil(2);
    let landed = kill_and_resume(&empty, first, seed) + kill_and_resume(&full, crashes - first, seed + 500);
    println!("{landed} of {crashes} kills landed before the end");
    // Few kills on a busy machine say little about the share.
    let wanted = if crashes < 20 { crashes / 2 } else { crashes * 4 / 5 };
    assert!(landed >= wanted, "only {landed} of {crashes} kills landed before the end");
}
