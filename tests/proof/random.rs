//! Random documents × random mappings × random sizes of batches and commits × random faults, in a file and on a server: what
//! the mapping says becomes of every document, all of it accounted for, and the same database each time.
//!
//! ```text
//! FIREFERRY_TEST_RANDOM_RUNS=1000 cargo test --release proof::random -- --nocapture
//! FIREFERRY_TEST_REMOTE_RANDOM_RUNS=100 cargo test --release proof::random -- --nocapture
//! ```
//! `FIREFERRY_TEST_SEED` chooses others; a failure says which seed it was.

use std::fmt::Write as _;
use std::path::Path;

use fireferry::destination::Destination;
use fireferry::destination::libsql::{LibsqlFile, Mode, RemoteDatabase};
use fireferry::domain::document::{Document, DocumentPath, Origin};
use fireferry::domain::json::encode_rest;
use fireferry::domain::mapping::{Mapped, Mapping};
use fireferry::domain::row::{Row, SqlValue};
use fireferry::domain::value::{Map, Value};
use fireferry::report::run::RunReport;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::program::{Workspace, assert_adds_up, kept_rejects};
use super::seams::{Fault, Place, RUNTIME, is_over, run_with};
use super::setting;
use super::types::legal;
use crate::mapping::generate::any_value;
use crate::remote::opening::options;
use crate::remote::server::Sqld;
use crate::support::Sandbox;
use crate::support::database::{Cell, Database};
use crate::support::documents::Random;
use crate::support::dump::Dump;

/// Ways to store a value, with a declared type that allows them. What takes any value more often: else nearly every
/// document is a reject.
const KINDS: &[(&str, &str)] = &[
    ("any", "ANY"),
    ("json", "TEXT"),
    ("json", "TEXT"),
    ("any", "ANY"),
    ("", "ANY"),
    ("", "TEXT"),
    ("", "INTEGER"),
    ("", "REAL"),
    ("", "BLOB"),
    ("text", "TEXT"),
    ("integer", "INTEGER"),
    ("double", "REAL"),
    ("boolean", "INTEGER"),
    ("bytes", "BLOB"),
    ("timestamp", "TEXT"),
    ("timestamp_micros", "INTEGER"),
    ("reference", "TEXT"),
    ("vector64", "BLOB"),
];

const FIELDS: &[&str] = &["a", "b", "c", "deep.x", "deep.y"];

/// A random pipeline of one collection, and its schema.
fn pipeline(random: &mut Random) -> (String, String) {
    let (mut columns, mut declared) = (String::new(), String::new());
    for number in 0..1 + random.below(5) {
        let (kind, declaration) = *random.pick(KINDS);
        let mut settings = format!("from: {}", random.pick(FIELDS));
        if !kind.is_empty() {
            let _ = write!(settings, ", type: {kind}");
        }
        match random.below(10) {
            0..6 => settings += ", mismatch: \"null\"",
            6 => settings += ", mismatch: coerce",
            7 if random.per_mille(300) => settings += ", required: true",
            _ => {}
        }
        if ["any", "double", ""].contains(&kind) && random.per_mille(500) {
            settings += ", non_finite: \"null\", negative_zero: zero";
        }
        if kind == "json" && random.per_mille(200) {
            settings += ", default: { k: [1, 2.5] }";
        }
        let _ = writeln!(columns, "      c{number}: {{ {settings} }}");
        let _ = write!(declared, ", c{number} {declaration}");
    }
    let unknown =
        *random.pick(&["ignore", "ignore", "{ keep: extra }", "{ keep: extra }", "{ keep: extra }", "reject"]);
    let filter = if random.per_mille(200) { "    where: { a: { exists: true } }\n" } else { "" };
    let child = if random.per_mille(500) {
        "    children:\n      - { table: items, each: list, columns: { id: $id, place: $index, item: { from: $item, type: json } } }\n"
    } else {
        ""
    };
    let commit = 1 + random.below(40);
    let text = format!(
        "version: 1\nname: random\nsource: {{ kind: json, path: documents }}\ndestination: {{ url: \"file:unused.db\" }}\n\
         schema: schema\ndefaults: {{ max_rejects: 100%, commit_documents: {commit} }}\ncollections:\n  things:\n    \
         table: things\n    key: id\n    unknown_fields: {unknown}\n{filter}    columns:\n      id: $id\n{columns}{child}"
    );
    let schema = format!(
        "CREATE TABLE things (id TEXT NOT NULL PRIMARY KEY{declared}, extra TEXT) STRICT;\n\
         CREATE TABLE items (id TEXT NOT NULL, place, item TEXT, PRIMARY KEY (id, place));"
    );
    (text, schema)
}

/// Documents that the form of files can say.
fn documents(runner: &mut TestRunner, random: &mut Random) -> Vec<Document> {
    let mut values = |times: usize| -> Option<Value> {
        (random.below(10) < times).then(|| legal(any_value().new_tree(runner).unwrap().current()))
    };
    let mut documents = Vec::new();
    for number in 0..60 {
        let mut fields = Map::new();
        let mut deep = Map::new();
        for name in ["a", "b", "c", "z"] {
            values(7).into_iter().for_each(|value| fields.insert(name, value));
        }
        for name in ["x", "y", "z"] {
            values(6).into_iter().for_each(|value| deep.insert(name, value));
        }
        let list: Vec<Value> = (0..3).filter_map(|_| values(5)).collect();
        if !list.is_empty() {
            fields.insert("list", Value::Array(list));
        }
        fields.insert("deep", if number % 17 == 16 { Value::Integer(7) } else { Value::Map(deep) });
        let path = DocumentPath::new("things", format!("d{number:03}"));
        let document = Document { path, fields, created: None, updated: None, origin: Origin::default() };
        if encode_rest(&document, "projects/p/databases/(default)").is_ok() {
            documents.push(document);
        }
    }
    documents
}

struct Case {
    folder: Sandbox,
    documents: Vec<Document>,
    random: Random,
}

impl Case {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let config = Config { failure_persistence: None, ..Config::default() };
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, blake3::hash(&seed.to_le_bytes()).as_bytes());
        let documents = documents(&mut TestRunner::new_with_rng(config, rng), &mut random);
        let folder = Sandbox::new();
        let (text, schema) = pipeline(&mut random);
        folder.write("p.yaml", text);
        folder.write("schema/0001_things.up.sql", schema);
        folder.write("schema/0001_things.down.sql", "DROP TABLE items; DROP TABLE things;");
        let line = |document: &Document| encode_rest(document, "projects/p/databases/(default)").unwrap() + "\n";
        folder.write("documents/things.ndjson", documents.iter().map(line).collect::<String>());
        Self { folder, documents, random }
    }

    fn workspace(&self) -> Workspace {
        Workspace::new(self.folder.path("p.yaml"), self.folder.path("documents"))
    }

    /// A size of batches and a fault, or none.
    fn disturbance(&mut self) -> (usize, Option<(Fault, &'static str, usize)>) {
        const PLACES: &[&str] =
            &["source.page", "destination.write", "destination.write", "destination.flush", "destination.start_run"];
        let fault =
            *self.random.pick(&[Fault::Reject, Fault::FailBefore, Fault::FailAfter, Fault::Hold, Fault::ShortRead]);
        let place = if fault == Fault::ShortRead { "source.page" } else { self.random.pick(PLACES) };
        (1 + self.random.below(30), Some((fault, place, 1 + self.random.below(6))))
    }
}

/// Runs until it is over: first with a fault, then with other sizes and none.
fn run_to_the_end(workspace: &Workspace, place: &Place<'_>, case: &mut Case, disturbed: bool, what: &str) -> RunReport {
    let (mut size, mut fault) = case.disturbance();
    fault = fault.filter(|_| disturbed);
    let mut resume = false;
    for _ in 0..6 {
        match run_with(workspace, place, fault, resume, size).0 {
            Ok(report) if is_over(&report) => return report,
            Ok(_) => resume = true,
            Err(error) if error.code() == "nothing_to_resume" => resume = false,
            Err(error) => {
                assert!(fault.is_some(), "{what}: {error}");
                resume = true;
            }
        }
        (size, _) = case.disturbance();
        fault = None;
        place.let_go();
    }
    panic!("{what}: not over");
}

fn cell(value: &SqlValue) -> Cell {
    match value {
        SqlValue::Null => Cell::Null,
        SqlValue::Integer(number) => Cell::Integer(*number),
        SqlValue::Real(number) => Cell::Real(number.to_bits()),
        SqlValue::Text(text) => Cell::Text(text.clone().into_bytes()),
        SqlValue::Blob(bytes) => Cell::Blob(bytes.clone()),
    }
}

/// What the mapping alone says becomes of the documents.
#[derive(Default)]
struct Expected {
    rows: Vec<Row>,
    children: usize,
    skipped: u64,
    /// Document and code.
    rejects: Vec<(String, String)>,
}

impl Expected {
    fn of(case: &Case, mapping: &Mapping) -> Self {
        let mut expected = Self::default();
        for document in &case.documents {
            let path = document.path.to_string();
            match mapping.map(document.clone()) {
                Mapped::Rows(rows) => {
                    expected.children += rows.children.iter().map(Vec::len).sum::<usize>();
                    expected.rows.push(rows.row);
                }
                Mapped::Filtered => expected.skipped += 1,
                Mapped::Rejected { rejection, .. } => expected.rejects.push((path, rejection.code.as_str().to_owned())),
            }
        }
        expected.rejects.sort();
        expected
    }

    fn assert(&self, report: &RunReport, dump: &Dump, mapping: &Mapping, what: &str) {
        assert_adds_up(&serde_json::to_value(report).unwrap());
        let totals = &report.totals;
        let counted = (totals.inserted, totals.skipped, totals.rejected);
        assert_eq!(counted, (self.rows.len() as u64, self.skipped, self.rejects.len() as u64), "{what}");
        let text = |cell: &Cell| cell.clone().text();
        let mut rejects: Vec<_> = dump.rejects.iter().map(|reject| (text(&reject[1]), text(&reject[3]))).collect();
        rejects.sort();
        assert_eq!(rejects, self.rejects, "{what}");
        let table = dump.tables.iter().find(|table| table.name == "things").unwrap();
        let places: Vec<usize> = mapping
            .columns
            .iter()
            .map(|column| table.columns.iter().position(|name| *name == column.name).unwrap())
            .collect();
        let stored =
            dump.rows["things"].iter().map(|row| places.iter().map(|place| row[*place].clone()).collect::<Vec<_>>());
        let expected = self.rows.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>());
        for (stored, expected) in stored.zip(expected) {
            assert!(stored == expected, "{what}: {stored:?} instead of {expected:?}");
        }
        assert_eq!((dump.rows["things"].len(), dump.rows["items"].len()), (self.rows.len(), self.children), "{what}");
    }
}

fn bound(workspace: &Workspace, destination: &Path) -> Mapping {
    let pipeline =
        fireferry::pipeline::load(&workspace.pipeline, &fireferry::pipeline::Overrides::default(), &|_| None);
    let mapping = pipeline.unwrap().collections[0].mapping.clone();
    let schema = RUNTIME.block_on(LibsqlFile::open(destination, Mode::ReadOnly).unwrap().inspect()).unwrap();
    let (mapping, problems) = mapping.bind(&schema);
    assert!(problems.iter().all(|problem| problem.warning), "{problems:?}");
    mapping
}

/// The undisturbed run in a file, and a disturbed one.
fn in_a_file(case: &mut Case, what: &str) -> (Dump, u64, u64) {
    let calm = case.workspace();
    let report = run_to_the_end(&calm, &Place::File, case, false, what);
    let mapping = bound(&calm, &calm.destination());
    let expected = Expected::of(case, &mapping);
    let dump = Database::open(&calm.destination()).dump();
    expected.assert(&report, &dump, &mapping, what);

    let rough = case.workspace();
    let report = run_to_the_end(&rough, &Place::File, case, true, what);
    let other = Database::open(&rough.destination());
    expected.assert(&report, &other.dump(), &mapping, what);
    assert!(other.dump() == dump, "{what}: the databases differ");
    assert_eq!(kept_rejects(&rough.destination()), kept_rejects(&calm.destination()), "{what}");
    (dump, report.totals.inserted, report.totals.rejected)
}

fn seeds(name: &str, default: usize) -> impl Iterator<Item = u64> {
    let first = setting("FIREFERRY_TEST_SEED", 1) as u64 * 100_000;
    (0..setting(name, default) as u64).map(move |number| first + number)
}

#[test]
fn any_documents_under_any_mapping_are_accounted_for_and_give_the_same_file_whatever_happens() {
    let (mut runs, mut rows, mut rejects) = (0, 0, 0);
    for seed in seeds("FIREFERRY_TEST_RANDOM_RUNS", 40) {
        let mut case = Case::new(seed);
        let what = format!("seed {seed}\n{}", case.folder.read("p.yaml"));
        let (_, inserted, rejected) = in_a_file(&mut case, &what);
        (runs, rows, rejects) = (runs + 1, rows + inserted, rejects + rejected);
    }
    println!("{runs} cases: {rows} documents with rows, {rejects} rejected");
    assert!(rows > 5 * runs && rejects > 5 * runs, "the test says little");
}

#[test]
fn any_documents_under_any_mapping_are_on_a_server_what_they_are_in_a_file() {
    let Some(server) = Sqld::start() else { return };
    for seed in seeds("FIREFERRY_TEST_REMOTE_RANDOM_RUNS", 10) {
        let mut case = Case::new(seed);
        let what = format!("seed {seed}\n{}", case.folder.read("p.yaml"));
        server.empty();
        let (dump, inserted, _) = in_a_file(&mut case, &what);
        let workspace = case.workspace();
        let open = || -> Box<dyn Destination> { Box::new(RemoteDatabase::new(options(&server)).unwrap()) };
        let let_go = || {
            let lease = "SELECT count(*) FROM sqlite_schema WHERE name = '_fireferry_lease'";
            if server.integer(lease) > 0 {
                server.execute("UPDATE _fireferry_lease SET expires = 0");
            }
        };
        let place = Place::Server { open: &open, let_go: &let_go };
        println!("on a server: seed {seed}");
        let report = run_to_the_end(&workspace, &place, &mut case, true, &what);
        assert_adds_up(&serde_json::to_value(&report).unwrap());
        assert_eq!(report.totals.inserted, inserted, "{what}");
        let remote = server.dump();
        assert!(remote.rows == dump.rows, "{what}: rows differ on the server");
        assert!(remote.rejects == dump.rejects, "{what}: rejects differ on the server");
    }
}
