//! A load that meets a server through a proxy, and what becomes of it undisturbed: in a file, and on the server.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::program::{Place, run};
use super::server::Sqld;
use crate::proof::program::{Workspace, accounting, assert_adds_up};
use crate::support::Sandbox;
use crate::support::database::{Cell, Database};
use crate::support::documents::{Load, LoadFiles};
use crate::support::dump::Dump;
use crate::support::proxy::{Proxy, Script};

pub struct Scenario {
    pub server: Sqld,
    pub proxy: Proxy,
    folder: Sandbox,
    files: LoadFiles,
    dump: Dump,
    report: Value,
    /// Requests of the undisturbed run.
    pub requests: usize,
    pub duration: Duration,
}

impl Scenario {
    /// Nothing where there is no server.
    pub fn new(documents: usize, settings: &str) -> Option<Self> {
        Self::on(Sqld::start()?, documents, settings)
    }

    /// The same on a server that is there.
    pub fn on(server: Sqld, documents: usize, settings: &str) -> Option<Self> {
        let proxy = Proxy::start(server.address(), Script::new());
        let folder = Sandbox::new();
        let load = Load { documents, seed: 7, commit_documents: 50, later: false };
        let files = load.write(&folder.path(""));
        let local = Workspace::new(&files.pipeline, &files.documents);
        let expected = local.run(&[]).exits(4).json();
        let dump = Database::open(&local.destination()).dump();
        let (report, duration) = (Value::Null, Duration::ZERO);
        let mut scenario = Self { server, proxy, folder, files, dump, report, requests: 0, duration };

        let remote = scenario.again(settings);
        let began = Instant::now();
        scenario.report = run(&remote, remote.run_command(&[])).exits(4).json();
        (scenario.requests, scenario.duration) = (scenario.proxy.count(), began.elapsed());
        println!("undisturbed: {} requests in {:?}", scenario.requests, scenario.duration);
        assert_eq!(accounting(&scenario.report), accounting(&expected), "a server and a file differ");
        assert_eq!(remote.listed_rejects(), local.listed_rejects());
        scenario.compare(&scenario.report, "undisturbed");
        Some(scenario)
    }

    /// A workspace on the emptied server.
    pub fn fresh(&self, settings: &str) -> Workspace {
        self.proxy.set_script(Script::new());
        self.server.empty();
        self.again(settings)
    }

    /// Another workspace, as of somebody else, on the server as it is.
    pub fn again(&self, settings: &str) -> Workspace {
        let mut place = Place::new(self.proxy.url()).settings(settings);
        place.token = self.server.token.clone();
        self.at(&place)
    }

    /// A workspace that writes to another place.
    pub fn at(&self, place: &Place) -> Workspace {
        place.load(&self.folder.path(""), &self.files)
    }

    /// Fails unless this report and what is on the server are those of an undisturbed run.
    pub fn compare(&self, report: &Value, what: &str) {
        assert_adds_up(report);
        assert_eq!(accounting(report), accounting(&self.report), "{what}: the accounting differs");
        self.compare_content(what);
    }

    /// Goes on with a run that ended too soon, once, and compares everything.
    pub fn resume_and_compare(&self, remote: &Workspace, what: &str) {
        let mut options: &[&str] = &["--resume"];
        loop {
            let outcome = run(remote, remote.run_command(options));
            match outcome.code {
                4 => return self.compare(&outcome.json(), what),
                2 if outcome.stdout.contains("nothing_to_resume") && self.is_recorded() => {
                    return self.compare_content(what);
                }
                // It ended before it was recorded.
                2 if outcome.stdout.contains("nothing_to_resume") && !options.is_empty() => options = &[],
                _ => panic!("{what}: {outcome:?}"),
            }
        }
    }

    fn is_recorded(&self) -> bool {
        let runs = "SELECT name FROM sqlite_schema WHERE name = '_fireferry_runs'";
        !self.server.query(runs).is_empty() && self.server.integer("SELECT count(*) FROM _fireferry_runs") == 1
    }

    /// Fails unless what is on the server is what an undisturbed run leaves.
    pub fn compare_content(&self, what: &str) {
        same(&self.server.dump(), &self.dump, what);
    }
}

/// Fails with some of what differs.
#[track_caller]
pub fn same(found: &Dump, expected: &Dump, what: &str) {
    let mut differences = Vec::new();
    let mut compare = |name: &str, found: &[Vec<Cell>], expected: &[Vec<Cell>]| {
        let only = |these: &[Vec<Cell>], those: &[Vec<Cell>], whose: &str| {
            let rows = these.iter().filter(|row| !those.contains(row)).take(3);
            rows.map(|row| format!("{name}, only {whose}: {}", words(row))).collect::<Vec<_>>()
        };
        if found != expected {
            differences.extend(only(found, expected, "found"));
            differences.extend(only(expected, found, "expected"));
        }
    };
    for (table, rows) in &expected.rows {
        compare(table, found.rows.get(table).map_or(&[][..], Vec::as_slice), rows);
    }
    compare("rejects", &found.rejects, &expected.rejects);
    assert!(differences.is_empty(), "{what}\n{}", differences.join("\n"));
    assert!(found == expected, "{what}: the schema or the order differs");
}

fn words(row: &[Cell]) -> String {
    let word = |cell: &Cell| match cell {
        Cell::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        other => other.to_string(),
    };
    row.iter().map(word).collect::<Vec<_>>().join(" | ")
}
