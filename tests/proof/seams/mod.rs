//! Scripted faults at both seams: every kind of fault, at every call of source and destination that a run makes. Whatever
//! comes of it, the resumed run ends like an undisturbed one.
//!
//! ```text
//! FIREFERRY_TEST_SEAM_FAULTS=1 cargo test --release proof::seams -- --nocapture
//! ```
//! takes every moment; the default every fourth of each place, the first always.

mod destination;
pub mod script;
mod source;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use fireferry::destination::Destination;
use fireferry::destination::libsql::{LibsqlFile, Mode};
use fireferry::engine::progress::Silent;
use fireferry::engine::{Context, RunOptions, run};
use fireferry::error::{ErrorKind, Result};
use fireferry::pipeline::resolved::SourceSpec;
use fireferry::pipeline::{self, Overrides};
use fireferry::report::run::{RunReport, Status};
use fireferry::source::json::{JsonOptions, JsonSource, Shape};
use tokio_util::sync::CancellationToken;

use super::crash::Scenario;
use super::program::{Workspace, assert_adds_up};
use super::setting;
use crate::support::database::{Database, assert_same};
use crate::support::documents::Load;
pub use script::Fault;
use script::Script;

/// Invocations after a fault before something must be wrong.
const ATTEMPTS: usize = 5;

/// Documents in a page: few, so that there are many pages.
const PAGE: usize = 6;

/// What runs in this process run in.
pub static RUNTIME: LazyLock<tokio::runtime::Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap());

/// Where rows go.
pub enum Place<'a> {
    /// The file of the workspace.
    File,
    /// A server.
    Server {
        open: &'a (dyn Fn() -> Box<dyn Destination> + Sync),
        /// Takes the lease from whoever had it: the test is one process.
        let_go: &'a (dyn Fn() + Sync),
    },
}

impl Place<'_> {
    fn open(&self, workspace: &Workspace) -> Box<dyn Destination> {
        match self {
            Self::File => {
                Box::new(LibsqlFile::open(&workspace.destination(), Mode::ReadWrite { create: true }).unwrap())
            }
            Self::Server { open, .. } => open(),
        }
    }

    pub fn let_go(&self) {
        if let Self::Server { let_go, .. } = self {
            let_go();
        }
    }
}

fn context(workspace: &Workspace, place: &Place<'_>, script: Arc<Script>, stop: CancellationToken) -> Context {
    let destination = workspace.destination();
    let overrides = Overrides { destination: Some(format!("file:{}", destination.display())), ..Overrides::default() };
    let pipeline = pipeline::load(&workspace.pipeline, &overrides, &|_| None).unwrap();
    let SourceSpec::Json(spec) = &pipeline.source else { panic!("files") };
    let shape = spec.shape.as_deref().map(|name| Shape::parse(name).unwrap());
    let options = JsonOptions { shape, ..JsonOptions::new(&workspace.source) };
    let state = workspace.disk().join("state");
    std::fs::create_dir_all(&state).unwrap();
    let inner = place.open(workspace);
    Context {
        pipeline,
        source: Arc::new(source::Scripted {
            inner: Arc::new(JsonSource::open(options).unwrap()),
            script: Arc::clone(&script),
        }),
        destination: Box::new(destination::Scripted { inner, script }),
        state,
        progress: Arc::new(Silent),
        stop,
        initiated_by: "the test".to_owned(),
        stage: None,
    }
}

/// Runs through a script with pages of so many documents.
pub fn run_with(
    workspace: &Workspace,
    place: &Place<'_>,
    fault: Option<(Fault, &'static str, usize)>,
    resume: bool,
    batch_size: usize,
) -> (Result<RunReport>, Arc<Script>) {
    let stop = CancellationToken::new();
    let script = Arc::new(Script::new(fault, stop.clone()));
    let options = RunOptions { batch_size: Some(batch_size), resume: resume.then_some(None), ..RunOptions::default() };
    let report =
        RUNTIME.block_on(async { run::run(context(workspace, place, Arc::clone(&script), stop), options).await });
    (report, script)
}

pub fn is_over(report: &RunReport) -> bool {
    [Status::Completed, Status::CompletedWithRejects, Status::CompletedWithDifferences].contains(&report.status)
}

/// Goes on until it is complete.
fn resume(workspace: &Workspace, before: i64, what: &str) -> Option<RunReport> {
    let mut going_on = true;
    for _ in 0..ATTEMPTS {
        match run_with(workspace, &Place::File, None, going_on, PAGE).0 {
            Ok(report) if is_over(&report) => return Some(report),
            Ok(report) => panic!("{what}: {:?} {:?}", report.status, report.error),
            Err(error) if error.code() == "nothing_to_resume" && runs(&workspace.destination()) > before => {
                return None;
            }
            Err(error) if error.code() == "nothing_to_resume" => going_on = false,
            Err(error) => panic!("{what}: {error}"),
        }
    }
    panic!("{what}: not complete after {ATTEMPTS} invocations");
}

fn runs(destination: &Path) -> i64 {
    let database = Database::open(destination);
    if database.has_table("_fireferry_runs") { database.integer("SELECT count(*) FROM _fireferry_runs") } else { 0 }
}

#[track_caller]
fn assert_report(report: &RunReport) {
    assert_adds_up(&serde_json::to_value(report).unwrap());
}

/// What became of the faults of one kind.
#[derive(Default)]
struct Covered {
    happened: usize,
    /// The run came to its end all the same.
    endured: usize,
}

fn disturb(scenario: &Scenario, moment: (Fault, &'static str, usize), covered: &mut BTreeMap<Fault, Covered>) {
    let (fault, place, number) = moment;
    let workspace = scenario.workspace();
    let before = if workspace.destination().exists() { runs(&workspace.destination()) } else { 0 };
    let (outcome, script) = run_with(&workspace, &Place::File, Some(moment), false, PAGE);
    if !script.happened() {
        return;
    }
    let what = format!("{}: {fault:?} at {place} {number}", scenario.name);
    let covered = covered.entry(fault).or_default();
    covered.happened += 1;
    let over = outcome.as_ref().is_ok_and(is_over);
    covered.endured += usize::from(over);
    if fault == Fault::DuplicatePage {
        // A source that breaks its contract: nothing is doubled, and it is told.
        let told = outcome.as_ref().map_or(true, |report| report.status != Status::Completed);
        assert!(told, "{what}: nobody was told");
        if !over {
            resume(&workspace, before, &what);
        }
        assert_same(&workspace.destination(), &scenario.undisturbed(), &what);
        return;
    }
    match outcome {
        Ok(report) if over => assert_report(&report),
        Ok(report) => {
            let known = [Status::Failed, Status::Interrupted].contains(&report.status);
            assert!(known, "{what}: {:?}", report.status);
            assert!(report.status != Status::Failed || report.error.is_some(), "{what}: failed without a word");
        }
        Err(error) => assert_ne!(error.kind(), ErrorKind::Internal, "{what}: {error}"),
    }
    if !over && let Some(report) = resume(&workspace, before, &what) {
        assert_report(&report);
    }
    scenario.compare(&workspace, &what);
}

/// The moments of a run: every kind of fault at every place, at every so manyth call.
fn moments(scenario: &Scenario, step: usize) -> Vec<(Fault, &'static str, usize)> {
    let (report, script) = run_with(&scenario.workspace(), &Place::File, None, false, PAGE);
    assert_report(&report.unwrap());
    let mut moments = Vec::new();
    for (place, times) in script.passed() {
        let faults: &[Fault] = if place == "source.page" { &Fault::OF_PAGES } else { &Fault::OF_CALLS };
        for fault in faults {
            moments.extend((1..=times).step_by(step).map(|number| (*fault, place, number)));
        }
    }
    println!("{}: {:?}", scenario.name, script.passed());
    moments
}

fn all(scenario: &Scenario, step: usize) {
    let moments = moments(scenario, step);
    let mut covered = BTreeMap::new();
    for moment in &moments {
        disturb(scenario, *moment, &mut covered);
    }
    let places: std::collections::BTreeSet<_> = moments.iter().map(|(_, place, _)| place).collect();
    let happened: usize = covered.values().map(|covered| covered.happened).sum();
    println!("{}: {} places, {} moments, {happened} faults", scenario.name, places.len(), moments.len());
    for (fault, Covered { happened, endured }) in &covered {
        println!("  {fault:?}: {happened}, of which the run came to its end at once after {endured}");
    }
    assert_eq!(covered.len(), Fault::OF_PAGES.len(), "a kind of fault never happened");
    assert!(happened * 10 >= moments.len() * 9, "only {happened} of {} faults happened", moments.len());
}

#[test]
fn whatever_fails_at_a_seam_the_resumed_run_ends_like_an_undisturbed_one() {
    let step = setting("FIREFERRY_TEST_SEAM_FAULTS", 4);
    let load = Load { documents: 90, seed: 7, commit_documents: 20, later: false };
    let empty = Scenario::new("into an empty database", &load, None);
    let full = Scenario::new("over earlier rows", &Load { later: true, ..load }, Some(&empty));
    all(&empty, step);
    all(&full, step * 2);
}
