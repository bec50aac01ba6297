//! A run that is taken back leaves everything as it was, bit for bit, also when the rollback is killed on its way.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::crash::Scenario;
use super::crossings::{crash, crossed, moments};
use super::program::Workspace;
use super::setting;
use crate::support::Outcome;
use crate::support::database::{Cell, Database, assert_same, change};
use crate::support::documents::{Load, Random};

/// fireferry's own records, as far as they are the business of a run.
const RECORDS: [&str; 6] = [
    "SELECT run, pipeline, started_at, status, details FROM _fireferry_runs ORDER BY id",
    "SELECT * FROM _fireferry_partitions ORDER BY id",
    "SELECT * FROM _fireferry_checkpoints ORDER BY 1, 2, 3, 4",
    "SELECT id, run, collection, document, key, code, reason, state, hex(data) FROM _fireferry_rejects ORDER BY id",
    "SELECT * FROM _fireferry_claims ORDER BY 1, 2, 3, 4",
    "SELECT * FROM _fireferry_seen ORDER BY 1, 2",
];

/// Documents, and how they are later.
struct Documents {
    _folder: tempfile::TempDir,
    pipeline: PathBuf,
    first: PathBuf,
    later: PathBuf,
}

impl Documents {
    fn new(load: &Load) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let first = load.write(&folder.path().join("first"));
        let later = Load { later: true, ..load.clone() }.write(&folder.path().join("later"));
        Self { pipeline: first.pipeline, first: first.documents, later: later.documents, _folder: folder }
    }

    /// A workspace in which the first documents are loaded.
    fn loaded(&self) -> Workspace {
        let mut workspace = Workspace::new(&self.pipeline, &self.first);
        workspace.run(&["--no-backup"]).exits(4);
        workspace.source.clone_from(&self.later);
        workspace
    }
}

/// What the destination holds, rows and records.
struct State {
    folder: tempfile::TempDir,
    records: Vec<Vec<Vec<Cell>>>,
    rowids: Vec<Vec<Vec<Cell>>>,
}

impl State {
    fn of(workspace: &Workspace) -> Self {
        Self::of_file(&workspace.destination())
    }

    fn of_file(destination: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for suffix in ["", "-wal"] {
            let from = format!("{}{suffix}", destination.display());
            if Path::new(&from).exists() {
                std::fs::copy(from, folder.path().join(format!("data.db{suffix}"))).unwrap();
            }
        }
        let path = folder.path().join("data.db");
        Self { records: records(&path), rowids: rowids(&path), folder }
    }

    #[track_caller]
    fn assert_same(&self, workspace: &Workspace, what: &str) {
        let now = workspace.destination();
        assert_same(&now, &self.folder.path().join("data.db"), what);
        for ((now, before), sql) in records(&now).iter().zip(&self.records).zip(RECORDS) {
            assert_eq!(now, before, "{what}: {sql}");
        }
        assert_eq!(rowids(&now), self.rowids, "{what}: row numbers");
        Database::open(&now).assert_sound();
    }
}

fn records(path: &Path) -> Vec<Vec<Vec<Cell>>> {
    let database = Database::open(path);
    RECORDS.iter().map(|sql| database.query(sql)).collect()
}

/// Row numbers of the tables that have them.
fn rowids(path: &Path) -> Vec<Vec<Vec<Cell>>> {
    let database = Database::open(path);
    let tables = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND wr = 0
                  AND name NOT LIKE 'sqlite%' AND name NOT LIKE '\\_%' ESCAPE '\\' ORDER BY name";
    let keyed = |table: &String| database.query(&format!("SELECT rowid, * FROM \"{table}\" ORDER BY rowid"));
    database.texts(tables).iter().map(keyed).collect()
}

fn rollback(workspace: &Workspace, options: &[&str]) -> Outcome {
    let mut command = workspace.command(&["rollback", "latest", "--yes", "--json", "--no-backup"]);
    command.args(options);
    workspace.finish(command)
}

fn start_rollback(workspace: &Workspace, run: &str) -> Child {
    let mut command = workspace.command(&["rollback", run, "--yes", "--no-backup"]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Kills rollbacks at random moments, then lets one come to its end. What is half taken back is told to everybody.
fn killed_rollback(workspace: &Workspace, random: &mut Random, duration: Duration) -> usize {
    let mut halfway = 0;
    let run =
        Database::open(&workspace.destination()).texts("SELECT run FROM _fireferry_runs ORDER BY id DESC").remove(0);
    for _ in 0..4 {
        let mut child = start_rollback(workspace, &run);
        std::thread::sleep(duration.mul_f64(random.fraction()));
        // It may be over already.
        let _ = child.kill();
        child.wait().unwrap();
        let half = "SELECT 1 FROM _fireferry_runs WHERE status = 'rolling_back'";
        if !Database::open(&workspace.destination()).query(half).is_empty() {
            halfway += 1;
            let error = workspace.run(&["--no-backup"]).exits(3).stdout;
            assert!(error.contains("rollback_unfinished"), "{error}");
        }
    }
    let outcome = workspace.finish(workspace.command(&["rollback", &run, "--yes", "--no-backup", "--json"]));
    // One that was killed may have come to its end.
    assert!(outcome.code == 0 || outcome.stdout.contains("run_rolled_back"), "{outcome:?}");
    halfway
}

#[test]
fn a_run_that_is_taken_back_leaves_everything_as_it_was() {
    let cases = setting("FIREFERRY_TEST_ROLLBACKS", 6);
    let seed = setting("FIREFERRY_TEST_SEED", 1) as u64 * 1_000;
    let mut halfway = 0;
    for case in 0..cases as u64 {
        let what = format!("case {case} of seed {seed}");
        let mut random = Random::new(seed + case);
        let load = Load {
            documents: 200 + random.below(1_500),
            seed: seed + case,
            commit_documents: 10 + random.below(300),
            later: false,
        };
        let documents = Documents::new(&load);
        let workspace = documents.loaded();
        let before = State::of(&workspace);
        match case % 3 {
            // Interrupted in the middle: it is taken back instead of resumed.
            0 => drop(workspace.run(&["--no-backup", "--max-bytes", "60KB"])),
            _ => drop(workspace.run(&["--no-backup"]).exits(4)),
        }
        let planned = rollback(&workspace, &["--dry-run"]).exits(0).json();
        let changed = |name: &str| -> u64 {
            planned["tables"].as_array().unwrap().iter().map(|table| table[name].as_u64().unwrap()).sum()
        };
        assert!(changed("restored") > 0, "{what}: {planned:#}");
        let started = Instant::now();
        match case % 2 {
            0 => drop(rollback(&workspace, &[]).exits(0)),
            _ => halfway += killed_rollback(&workspace, &mut random, Duration::from_millis(120)),
        }
        println!("{what}: {load:?}, taken back in {:?}", started.elapsed());
        before.assert_same(&workspace, &what);
        take_back_the_first(&workspace, &what);
    }
    println!("{halfway} kills left a rollback half done");
    // Few kills hit a rollback that is this short; `crash_everywhere` hits every place of one.
    assert!(cases < 50 || halfway > 0, "no kill hit a rollback");
}

/// Tables that were empty are empty again, and no record of a run is left.
fn take_back_the_first(workspace: &Workspace, what: &str) {
    let run = Database::open(&workspace.destination()).texts("SELECT run FROM _fireferry_runs").remove(0);
    workspace.finish(workspace.command(&["rollback", &run, "--yes", "--no-backup"])).exits(0);
    let database = Database::open(&workspace.destination());
    for table in database.tables() {
        assert_eq!(database.integer(&format!("SELECT count(*) FROM \"{}\"", table.name)), 0, "{what}: {}", table.name);
    }
    for sql in RECORDS {
        assert_eq!(database.query(sql), Vec::<Vec<Cell>>::new(), "{what}: {sql}");
    }
    let listed = workspace.finish(workspace.command(&["runs", "list", "--json"])).exits(0).json();
    let statuses: Vec<&str> = listed["runs"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|run| run["kind"] == "run")
        .map(|run| run["status"].as_str().unwrap())
        .collect();
    assert!(statuses.iter().all(|status| *status == "rolled_back"), "{what}: {listed:#}");
}

/// A crash at every place of a rollback of the newest run of `after`; started again, everything is as in `before`, which
/// that run found.
pub fn crash_everywhere(before: &Path, after: &Scenario, all: &mut BTreeMap<String, usize>) {
    let state = State::of_file(before);
    let newest = "SELECT run FROM _fireferry_runs ORDER BY id DESC";
    let run = Database::open(&after.undisturbed()).texts(newest).remove(0);
    let pipeline = after.pipeline.to_str().unwrap();
    let verb = ["rollback", &run, "--pipeline", pipeline, "--yes", "--json"];
    let fresh = || Workspace::new(&after.pipeline, &after.documents).onto(&after.undisturbed());
    let rollback = |workspace: &Workspace| workspace.finish(workspace.command(&verb));
    let crossed = crossed(&mut fresh(), |workspace| drop(rollback(workspace).exits(0)));
    let moments = moments(&crossed, 1);
    let mut came = 0;
    for moment in &moments {
        let mut workspace = fresh();
        came += usize::from(crash(&mut workspace, moment, |workspace| rollback(workspace).code));
        let again = rollback(&workspace);
        // It was over, only its record in the ledger is not.
        let over = again.code == 2 && again.stdout.contains("run_rolled_back");
        assert!(again.code == 0 || over, "crashed at {moment}: {again:?}");
        state.assert_same(&workspace, &format!("a rollback, crashed at {moment}"));
    }
    println!("a rollback: {} places, {} crossings, {came} crashes", crossed.len(), moments.len());
    assert!(came * 10 >= moments.len() * 9, "only {came} of {} crashes came", moments.len());
    for (name, times) in crossed {
        *all.entry(name).or_default() += times;
    }
}

fn small() -> Documents {
    Documents::new(&Load { documents: 400, seed: 5, commit_documents: 50, later: false })
}

/// Asks for a rollback that must be refused, and changes nothing; the reasons told.
#[track_caller]
fn refused(workspace: &Workspace, code: &str) -> String {
    let before = State::of(workspace);
    let outcome = rollback(workspace, &[]).exits(3);
    assert_eq!(outcome.json()["error"]["code"], code, "{}", outcome.stdout);
    before.assert_same(workspace, code);
    outcome.stdout
}

#[test]
fn what_somebody_else_changed_since_is_refused_and_listed() {
    let documents = small();
    let workspace = documents.loaded();
    let before = State::of(&workspace);
    workspace.run(&["--no-backup"]).exits(4);
    let written = "(SELECT id FROM _fireferry_undo_people WHERE _fireferry_kind = 1 ORDER BY id LIMIT 1)";
    change(&workspace.destination(), &format!("UPDATE people SET score = 0.25 WHERE id = {written}"));
    let told = refused(&workspace, "rollback_conflicts");
    assert!(told.contains("people [id = 'p") && told.contains("changed since"), "{told}");
    rollback(&workspace, &["--force"]).exits(0);
    before.assert_same(&workspace, "forced");
}

#[test]
fn rows_that_refer_to_what_the_run_added_are_refused() {
    let documents = small();
    let workspace = documents.loaded();
    workspace.run(&["--no-backup"]).exits(4);
    let new = "(SELECT a.id FROM _fireferry_undo_people a WHERE a._fireferry_kind = 1 AND NOT EXISTS (SELECT 1
               FROM _fireferry_undo_people b WHERE b._fireferry_kind = 0 AND b.id = a.id) ORDER BY a.id DESC LIMIT 1)";
    change(
        &workspace.destination(),
        &format!("INSERT INTO orders (id, person_id, number, total) VALUES ('mine', {new}, -7, 1.5)"),
    );
    let told = refused(&workspace, "rollback_conflicts");
    assert!(told.contains("rows of orders refer to it"), "{told}");
}

#[test]
fn rows_added_to_tables_that_were_empty_are_not_deleted() {
    let documents = small();
    let workspace = documents.loaded();
    change(&workspace.destination(), "INSERT INTO teams (id, name) VALUES ('mine', 'mine')");
    let told = refused(&workspace, "rollback_conflicts");
    assert!(told.contains("teams [all rows]"), "{told}");
    rollback(&workspace, &["--force"]).exits(0);
    assert_eq!(Database::open(&workspace.destination()).integer("SELECT count(*) FROM teams"), 0);
}

#[test]
fn the_newest_run_comes_first() {
    let documents = small();
    let workspace = documents.loaded();
    let first = Database::open(&workspace.destination()).texts("SELECT run FROM _fireferry_runs").remove(0);
    let newer = workspace.run(&["--no-backup"]).exits(4).json()["run_id"].as_str().unwrap().to_owned();
    let outcome = workspace.finish(workspace.command(&["rollback", &first, "--yes", "--json", "--force"])).exits(3);
    let error = &outcome.json()["error"];
    assert_eq!(error["code"], "rollback_newer_run", "{error:#}");
    assert!(error["message"].as_str().unwrap().contains(&newer), "{error:#}");
}

#[test]
fn a_run_without_a_log_or_with_a_forgotten_one_is_refused() {
    let documents = small();
    let text = std::fs::read_to_string(&documents.pipeline).unwrap();
    let workspace = documents.loaded();
    std::fs::write(&documents.pipeline, format!("{text}undo: off\n")).unwrap();
    workspace.run(&["--no-backup"]).exits(4);
    let told = refused(&workspace, "rollback_no_log");
    assert!(told.contains("undo: off"), "{told}");
    assert!(!Database::open(&workspace.destination()).has_table("_fireferry_undo"));
    std::fs::write(&documents.pipeline, format!("{text}undo_keep: 1\n")).unwrap();
    let mut workspace = documents.loaded();
    workspace.run(&["--no-backup"]).exits(4);
    workspace.source.clone_from(&documents.first);
    workspace.run(&["--no-backup"]).exits(4);
    rollback(&workspace, &[]).exits(0);
    let told = refused(&workspace, "rollback_no_log");
    assert!(told.contains("undo_keep"), "{told}");
    let left = "SELECT count(*) FROM _fireferry_undo_people";
    assert_eq!(Database::open(&workspace.destination()).integer(left), 0);
}

#[test]
fn a_run_that_fails_is_taken_back_where_the_pipeline_says_so() {
    let documents = small();
    let text = std::fs::read_to_string(&documents.pipeline).unwrap();
    let workspace = documents.loaded();
    std::fs::write(&documents.pipeline, format!("{text}on_failure: rollback\n")).unwrap();
    // The database ends the transaction by itself, which no document explains.
    change(
        &workspace.destination(),
        "CREATE TRIGGER broken BEFORE UPDATE ON notes BEGIN SELECT RAISE(ROLLBACK, 'no'); END",
    );
    let before = State::of(&workspace);
    let report = workspace.run(&["--no-backup"]).exits(1).json();
    assert_eq!(
        (&report["status"], &report["error"]["code"]),
        (&"rolled_back".into(), &"commit_lost".into()),
        "{report:#}"
    );
    before.assert_same(&workspace, "on_failure");
}

#[test]
fn logs_are_cleared_with_the_tables_and_hidden_from_the_schema() {
    let workspace = Workspace::classroom("classroom");
    workspace.run(&["--no-backup"]).exits(0);
    change(&workspace.destination(), "UPDATE users SET name = name || '!'");
    workspace.run(&["--no-backup"]).exits(0);
    let pipeline = workspace.pipeline.to_str().unwrap();
    workspace.finish(workspace.command(&["schema", "validate", pipeline])).exits(0);
    let stats = workspace.finish(workspace.command(&["stats", pipeline])).exits(0);
    assert!(!stats.stdout.contains("_fireferry"), "{}", stats.stdout);
    let logged = "SELECT count(*) FROM _fireferry_undo_users";
    assert!(Database::open(&workspace.destination()).integer(logged) > 500);
    workspace.finish(workspace.command(&["clear", pipeline, "--yes", "--no-backup"])).exits(0);
    assert_eq!(Database::open(&workspace.destination()).integer(logged), 0);
}

/// Half of the documents are others, some hand their code on to a neighbour; lists grow, shrink and vanish.
fn shaped_documents(random: &mut Random, count: usize, later: bool) -> String {
    let mut lines = String::new();
    for index in 0..count {
        let changed = random.below(2) == 0 && later;
        let (first, second, tags) = (random.double(), random.next() as i64, random.below(4));
        let value = match random.below(5) {
            0 => serde_json::Value::Null,
            1 => serde_json::json!(second),
            2 => serde_json::json!(first),
            3 => serde_json::json!(format!("text {second}")),
            _ => serde_json::json!(index % 2 == 0),
        };
        let value = if changed { value } else { serde_json::json!(index as f64 + 0.5) };
        let code = if later && index % 5 < 2 { index ^ 1 } else { index };
        let tags: Vec<String> = (0..if changed { tags } else { index % 3 }).map(|tag| format!("t{tag}")).collect();
        if later && index % 17 == 3 {
            continue;
        }
        let line = serde_json::json!({ "id": format!("i{:03}", (index * 7919) % 1000), "code": code, "value": value, "tags": tags });
        lines.push_str(&format!("{line}\n"));
    }
    lines
}

/// A table and a child table, with keys, row numbers and columns of every kind.
fn shaped_schema(random: &mut Random) -> String {
    let key = *random.pick(&[
        "id TEXT PRIMARY KEY NOT NULL",
        "number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE",
        "number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL COLLATE NOCASE UNIQUE",
        "rowid TEXT DEFAULT 'no number', id TEXT NOT NULL UNIQUE",
    ]);
    let more = *random.pick(&[
        "",
        ", kept INTEGER DEFAULT 7, chance INTEGER DEFAULT (random())",
        ", twice AS (code * 2) STORED, again AS (code + 1)",
        ", \"a \"\"name\" BLOB DEFAULT x'00ff'",
    ]);
    let without = if key.contains("PRIMARY KEY NOT NULL") && random.below(2) == 0 { " WITHOUT ROWID" } else { "" };
    let child = *random.pick(&[
        "item TEXT NOT NULL REFERENCES items (id), place INTEGER NOT NULL, tag TEXT NOT NULL, PRIMARY KEY (item, place)) WITHOUT ROWID",
        "item TEXT NOT NULL REFERENCES items (id) ON DELETE CASCADE, place INTEGER NOT NULL, tag TEXT NOT NULL, UNIQUE (item, place))",
        "number INTEGER PRIMARY KEY, item TEXT NOT NULL, place INTEGER, tag TEXT, UNIQUE (item, place))",
        "item TEXT, place ANY, tag TEXT, later TEXT DEFAULT CURRENT_TIMESTAMP, UNIQUE (item, place), UNIQUE (place, tag, item))",
    ]);
    let trigger = *random.pick(&[
        "",
        "CREATE TRIGGER touched AFTER UPDATE ON items BEGIN UPDATE items SET code = NEW.code WHERE id = NEW.id; END;",
        "CREATE TABLE totals (tags INTEGER); INSERT INTO totals VALUES (0);
         CREATE TRIGGER more AFTER INSERT ON tags BEGIN UPDATE totals SET tags = tags + 1; END;
         CREATE TRIGGER fewer AFTER DELETE ON tags BEGIN UPDATE totals SET tags = tags - 1; END;",
    ]);
    format!(
        "CREATE TABLE items ({key}, code INTEGER UNIQUE, value{more}){without};\nCREATE TABLE tags ({child};\nCREATE INDEX tags_by_item ON tags (item);\n{trigger}\n"
    )
}

const SHAPED: &str = r#"version: 1
name: shaped
source: { kind: json, path: first, shape: plain }
destination: { url: "file:shaped.db" }
schema: schema
backup: never
defaults: { batch_size: 20, commit_documents: 40, max_rejects: 90% }
collections:
  items:
    table: items
    key: id
    columns: { id: $id, code: { from: code, type: integer }, value: { from: value, type: json } }
    children:
      - { table: tags, each: tags, columns: { item: $id, place: $index, tag: $item } }
"#;

#[test]
fn tables_of_every_shape_are_as_they_were() {
    let cases = setting("FIREFERRY_TEST_ROLLBACKS", 20);
    let seed = setting("FIREFERRY_TEST_SEED", 1) as u64 * 2_000;
    for case in 0..cases as u64 {
        let what = format!("shape {case} of seed {seed}");
        let mut random = Random::new(seed + case);
        let folder = tempfile::tempdir().unwrap();
        let schema = shaped_schema(&mut random);
        println!("{what}:\n{schema}");
        for name in ["schema", "first", "later"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        std::fs::write(folder.path().join("schema/0001_shape.up.sql"), &schema).unwrap();
        std::fs::write(folder.path().join("schema/0001_shape.down.sql"), "DROP TABLE tags; DROP TABLE items;").unwrap();
        std::fs::write(folder.path().join("p.yaml"), SHAPED).unwrap();
        let count = 50 + random.below(300);
        std::fs::write(folder.path().join("first/items.ndjson"), shaped_documents(&mut random, count, false)).unwrap();
        let later = shaped_documents(&mut random, count + 20, true);
        std::fs::write(folder.path().join("later/items.ndjson"), later).unwrap();
        let mut workspace = Workspace::new(folder.path().join("p.yaml"), folder.path().join("first"));
        let first = workspace.run(&[]);
        assert!(first.code == 0 || first.code == 4, "{what}: {first:?}");
        workspace.source = folder.path().join("later");
        let before = State::of(&workspace);
        let second = workspace.run(&[]);
        assert!([0, 4].contains(&second.code), "{what}: {second:?}");
        match case % 2 {
            0 => drop(rollback(&workspace, &[]).exits(0)),
            _ => drop(killed_rollback(&workspace, &mut random, Duration::from_millis(60))),
        }
        before.assert_same(&workspace, &what);
    }
}
