//! The program on a workspace of its own, and what its reports must say.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::support::database::{Cell, Database};
use crate::support::{Outcome, Sandbox, repository};

/// A destination and a state folder on a disk of their own, and a pipeline and documents from elsewhere.
pub struct Workspace {
    pub sandbox: Sandbox,
    pub pipeline: PathBuf,
    /// A path, or `firestore:PROJECT`.
    pub source: PathBuf,
    /// `FIRESTORE_EMULATOR_HOST`, where a server plays the source.
    pub server: Option<String>,
    /// The destination is the pipeline's own, not the file of this workspace.
    pub own_destination: bool,
    /// What else the program finds in its environment.
    pub environment: Vec<(&'static str, String)>,
}

impl Workspace {
    pub fn new(pipeline: impl Into<PathBuf>, source: impl Into<PathBuf>) -> Self {
        let sandbox = Sandbox::new();
        std::fs::create_dir(sandbox.path("disk")).unwrap();
        Self {
            sandbox,
            pipeline: pipeline.into(),
            source: source.into(),
            server: None,
            own_destination: false,
            environment: vec![],
        }
    }

    /// The shipped classroom example, with these documents.
    pub fn classroom(fixtures: &str) -> Self {
        Self::new(repository("pipelines/classroom.yaml"), repository("fixtures").join(fixtures))
    }

    /// The folder that holds destination and state.
    pub fn disk(&self) -> PathBuf {
        self.sandbox.path("disk").canonicalize().unwrap()
    }

    pub fn destination(&self) -> PathBuf {
        self.disk().join("data.db")
    }

    /// The same, with a copy of another destination.
    pub fn onto(self, destination: &Path) -> Self {
        std::fs::copy(destination, self.destination()).unwrap();
        self
    }

    /// `fireferry VERB …` on destination, source and state of this workspace, not started.
    pub fn command(&self, verb: &[&str]) -> Command {
        let mut command = self.sandbox.command(verb);
        if !self.own_destination {
            command.arg("--destination").arg(format!("file:{}", self.destination().display()));
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.arg("--source").arg(&self.source).arg("--state-dir").arg(self.disk().join("state"));
        command.envs(self.server.iter().map(|address| ("FIRESTORE_EMULATOR_HOST", address)));
        command
    }

    /// `fireferry run … --json`, not started.
    pub fn run_command(&self, options: &[&str]) -> Command {
        let mut command = self.command(&["run", self.pipeline.to_str().unwrap(), "--json"]);
        command.args(options);
        command
    }

    /// Starts a command; its output is caught.
    pub fn start(&self, mut command: Command) -> Child {
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Runs a command to its end.
    pub fn finish(&self, command: Command) -> Outcome {
        self.sandbox.finish(self.start(command))
    }

    /// Runs the pipeline to its end.
    pub fn run(&self, options: &[&str]) -> Outcome {
        self.finish(self.run_command(options))
    }

    /// All rejects of the latest run as `runs rejects` lists them, each as one line of what matters.
    pub fn listed_rejects(&self) -> BTreeSet<String> {
        let answer = self.finish(self.command(&["runs", "rejects", "--json", "--limit", "1000000"])).exits(0).json();
        reject_lines(&answer["rejects"])
    }
}

/// What the destination keeps of the rejects of its newest run, with the whole documents.
pub fn kept_rejects(destination: &Path) -> Vec<Vec<Cell>> {
    Database::open(destination).query(
        "SELECT collection, document, key, code, reason, state, file, position, length, line, kind, hex(data) \
         FROM _fireferry_rejects WHERE run = (SELECT max(run) FROM _fireferry_runs) \
         ORDER BY collection, file, position",
    )
}

/// A list of rejects as a set of lines.
#[track_caller]
pub fn reject_lines(list: &Value) -> BTreeSet<String> {
    let list = list.as_array().unwrap_or_else(|| panic!("{list}"));
    let lines: BTreeSet<String> = list.iter().map(reject_line).collect();
    assert_eq!(lines.len(), list.len(), "a reject is listed twice");
    lines
}

/// One reject as text: collection, document, where it was read, code, reason.
fn reject_line(reject: &Value) -> String {
    let text = |name: &str| reject[name].as_str().unwrap_or("-").to_owned();
    format!("{} {} {} {}: {}", text("collection"), text("document"), text("origin"), text("code"), text("reason"))
}

const PARTS: [&str; 5] = ["inserted", "updated", "unchanged", "skipped", "rejected"];

/// Fails unless every document of a finished run is accounted for, and the counts were found valid.
#[track_caller]
pub fn assert_adds_up(report: &Value) {
    let number = |value: &Value, name: &str| value[name].as_u64().unwrap_or_else(|| panic!("{name} in {value:#}"));
    let mut totals = [0; 6];
    for collection in report["collections"].as_array().unwrap() {
        let read = number(collection, "read");
        let parts = PARTS.map(|part| number(collection, part));
        assert_eq!(read, parts.iter().sum::<u64>(), "{collection:#}");
        assert_eq!(collection["validation"]["valid"], true, "{collection:#}");
        assert_eq!(collection["validation"]["source_count"], read, "{collection:#}");
        totals[0] += read;
        totals.iter_mut().skip(1).zip(parts).for_each(|(total, part)| *total += part);
    }
    assert_eq!(number(&report["totals"], "read"), totals[0]);
    for (part, total) in PARTS.iter().zip(&totals[1..]) {
        assert_eq!(number(&report["totals"], part), *total, "{part}");
    }
    assert_eq!(report["total_rejects"], totals[5]);
}

/// What must be the same in the reports of two runs that did the same: everything but times and ids.
pub fn accounting(report: &Value) -> Value {
    let mut kept = serde_json::json!({ "status": report["status"], "total_rejects": report["total_rejects"] });
    let collections = report["collections"].as_array().unwrap().iter().map(|collection| {
        let mut collection = collection.clone();
        collection.as_object_mut().unwrap().remove("seconds");
        collection
    });
    kept["collections"] = collections.collect();
    let mut totals = report["totals"].clone();
    totals.as_object_mut().unwrap().remove("documents_per_second");
    kept["totals"] = totals;
    kept
}
