//! A server as a file and back: backups, restores, whole databases with every type that there is.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use serde_json::Value;

use super::client::Client;
use super::server::Sqld;
use crate::proof::program::accounting;
use crate::support::database::{Cell, Database, change};
use crate::support::dump::Dump;
use crate::support::proxy::{Fault, Proxy, Script};
use crate::support::{Outcome, Sandbox, repository};

/// Every type and every kind of table; `all` has a value of every sort.
const SCHEMA: &[&str] = &[
    "CREATE TABLE parents (id TEXT PRIMARY KEY, n INTEGER) STRICT",
    "CREATE TABLE all_types (id INTEGER PRIMARY KEY, i INTEGER, r REAL, t TEXT, b BLOB, a ANY) STRICT",
    "CREATE TABLE loose (a, b TEXT, c NUMERIC, d INT)",
    "CREATE TABLE sorted (a TEXT, b INTEGER, c BLOB, PRIMARY KEY (a, b)) WITHOUT ROWID",
    "CREATE TABLE composite (x INTEGER, y TEXT COLLATE NOCASE, z REAL, PRIMARY KEY (y, x))",
    "CREATE TABLE computed (id INTEGER PRIMARY KEY, n INTEGER, twice INTEGER GENERATED ALWAYS AS (n * 2) STORED, \
     half REAL AS (n / 2.0))",
    "CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT)",
    "CREATE TABLE \"odd \"\"name\" (\"rowid\" TEXT, \"order\" INTEGER)",
    "CREATE TABLE children (id TEXT PRIMARY KEY, parent TEXT REFERENCES parents (id) ON DELETE CASCADE) STRICT",
    "CREATE TABLE large (id INTEGER PRIMARY KEY, t TEXT, b BLOB)",
    "CREATE VIRTUAL TABLE words USING fts5 (text)",
    "CREATE INDEX parents_n ON parents (n) WHERE n > 0",
    "CREATE UNIQUE INDEX loose_expression ON loose (lower(b))",
    "CREATE VIEW names AS SELECT id FROM parents",
    "CREATE TRIGGER named INSTEAD OF INSERT ON names BEGIN INSERT INTO parents (id) VALUES (new.id); END",
    "CREATE TRIGGER logged AFTER INSERT ON parents BEGIN INSERT INTO counted (what) VALUES (new.id); END",
];

const ROWS: &[&str] = &[
    "INSERT INTO all_types VALUES (-9223372036854775808, 9223372036854775807, -0.0, '', x'', -0.0), \
     (0, -9223372036854775808, power(2.0, -1074), 'a' || char(0) || 'b', x'00ff80', power(2.0, -1074)), \
     (1, NULL, 9007199254740991 * power(2.0, 971), 'ü😀', x'c328', 9e999), \
     (2, 0, 0.1, '\"\\', zeroblob(10), -9e999), (3, 1, 1e15, char(10), x'22', 'text'), (4, 2, 0.5, '1', x'31', x'31'), \
     (5, 3, -1.5, NULL, NULL, NULL), (9223372036854775807, 4, 1e-7, '5', NULL, 5)",
    "INSERT INTO loose VALUES (1, '1', 1.5, 'x'), (1.0, 'two', 'nan', 2.5), (x'01', NULL, 1e300, -7), ('1', '3', NULL, 3)",
    "INSERT INTO sorted VALUES ('b', 1, x'00'), ('a', 2, NULL), ('a', 1, x'ff'), ('', 0, x'')",
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) \
     INSERT INTO sorted SELECT 'k' || i, i, randomblob(i % 40) FROM n",
    "INSERT INTO composite VALUES (1, 'A', 0.1), (2, 'a', 0.2), (1, 'ß', 0.3), (NULL, 'x', NULL)",
    "INSERT INTO computed (id, n) VALUES (7, 21), (9, NULL)",
    "INSERT INTO parents VALUES ('p', 1), ('q', 0)",
    "INSERT INTO children VALUES ('c', 'p'), ('d', NULL)",
    "INSERT INTO counted (id, what) VALUES (1000, 'gone'), (500, 'here')",
    "DELETE FROM counted WHERE id = 1000",
    "INSERT INTO \"odd \"\"name\" (_rowid_, \"rowid\", \"order\") VALUES (5, 'z', 1), (-3, 'a', 2), (99, NULL, NULL)",
    // A row of this server is 5 MB at most.
    "INSERT INTO large VALUES (1, 'ä' || replace(hex(zeroblob(2450000)), '0', 'x') || char(0) || 'e', NULL)",
    "INSERT INTO large VALUES (2, 'small', x'00'), (3, NULL, randomblob(4990000)), (4, NULL, randomblob(4500000))",
    "INSERT INTO words (text) VALUES ('the quick brown fox'), ('jumps over'), ('the lazy dog')",
    "DELETE FROM words WHERE rowid = 2",
    "PRAGMA user_version = 77",
];

const PIPELINE: &str = "version: 1
name: p
source: { kind: json, path: docs }
destination: { url: \"$URL\" }
backup: every_run
collections:
  users:
    table: users
    key: id
    columns: { id: { from: $id }, n: { from: n, type: integer, required: true } }
";

fn sandbox(server: &Sqld) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("p.yaml", PIPELINE.replace("$URL", &server.url()));
    sandbox.write("docs/users.json", r#"[{"id": "u", "n": 1}, {"id": "v"}, {"id": "w", "n": 3}]"#);
    sandbox
}

/// A server with everything in it.
fn full() -> Option<Sqld> {
    let server = Sqld::start()?;
    for sql in SCHEMA.iter().chain(ROWS) {
        server.execute(sql);
    }
    Some(server)
}

/// What a dump leaves out: everything else that is in the schema, rowids, sequences, numbers, the text index.
fn rest(ask: impl Fn(&str) -> Vec<Vec<Cell>>) -> Vec<Vec<Vec<Cell>>> {
    [
        "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE '\\_fireferry\\_%' ESCAPE '\\' ORDER BY type, name",
        "SELECT _rowid_, \"order\" FROM \"odd \"\"name\" ORDER BY 1",
        "SELECT rowid, b FROM loose ORDER BY 1",
        "SELECT name, seq FROM sqlite_sequence ORDER BY 1",
        "PRAGMA user_version",
        "SELECT rowid, text FROM words WHERE words MATCH 'the' ORDER BY 1",
    ]
    .map(ask)
    .into()
}

fn everything(server: &Client) -> (Dump, Vec<Vec<Vec<Cell>>>) {
    (server.dump(), rest(|sql| server.query(sql)))
}

#[track_caller]
fn assert_equal(left: &(Dump, Vec<Vec<Vec<Cell>>>), right: &(Dump, Vec<Vec<Vec<Cell>>>)) {
    assert_eq!(left.1, right.1);
    assert_eq!(left.0.tables, right.0.tables);
    for (table, rows) in &left.0.rows {
        // Not as one assertion: millions of bytes would be shown.
        let other = &right.0.rows[table];
        assert_eq!(rows.len(), other.len(), "{table}");
        for (row, other) in rows.iter().zip(other) {
            let shown = |row: &[Cell]| row.iter().map(ToString::to_string).collect::<Vec<_>>();
            assert!(row == other, "{table}: {:?} and {:?}", shown(row), shown(other));
        }
    }
    assert!(left.0 == right.0);
}

fn create(sandbox: &Sandbox) -> String {
    let answer = sandbox.run(&["backup", "create", "p.yaml", "--json"]).exits(0).json();
    answer["path"].as_str().unwrap().to_owned()
}

fn restore(sandbox: &Sandbox, backup: &str) -> Outcome {
    sandbox.run(&["backup", "restore", "p.yaml", backup, "--yes"])
}

#[test]
fn a_backup_is_a_file_that_holds_the_same() {
    let Some(server) = full() else { return };
    let sandbox = sandbox(&server);
    let path = create(&sandbox);
    let file = Database::open(path.as_ref());
    let expected = everything(&server);
    assert_equal(&(file.dump(), rest(|sql| file.query(sql))), &expected);
    assert_eq!(file.texts("PRAGMA integrity_check"), ["ok"]);
    assert!(!file.has_table("_fireferry_lease"));
    let folder = std::path::Path::new(&path).parent().unwrap();
    let names: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "nothing but the backup and its description: {names:?}");
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
    }
    assert_equal(&everything(&server), &expected);
}

#[test]
fn a_restore_makes_a_damaged_server_and_an_empty_one_what_the_backup_is() {
    let Some(server) = full() else { return };
    let sandbox = sandbox(&server);
    let path = create(&sandbox);
    let expected = everything(&server);
    for sql in [
        "DROP TABLE sorted",
        "DELETE FROM parents",
        "UPDATE all_types SET t = 'x'",
        "CREATE TABLE more (a UNIQUE)",
        "INSERT INTO more VALUES (1)",
        "CREATE INDEX more_a ON more (a)",
        "CREATE VIEW more_view AS SELECT * FROM absent",
    ] {
        server.execute(sql);
    }
    restore(&sandbox, "latest").exits(0);
    assert_equal(&everything(&server), &expected);
    // What was there before was put aside, and is not the latest one.
    restore(&sandbox, "latest").exits(0);
    assert_equal(&everything(&server), &expected);
    let Some(other) = Sqld::start() else { return };
    sandbox.run(&["backup", "restore", "p.yaml", &path, "--yes", "--destination", &other.url()]).exits(0);
    assert_equal(&everything(&other), &expected);
    assert_eq!(other.integer("SELECT count(*) FROM sqlite_schema WHERE name GLOB '_fireferry_*'"), 0);
}

/// Kills a restore once it is so far; how far it was. Nothing when it had ended before.
fn kill_at(sandbox: &Sandbox, server: &Sqld, path: &str, wanted: (&str, i64)) -> Option<(String, i64)> {
    let at = || {
        let rows = server.try_execute("SELECT phase, item FROM _fireferry_restore").ok()?;
        let row = super::client::rows(&rows).into_iter().next()?;
        Some((row[0].clone().text(), row[1].integer()))
    };
    let arguments = ["backup", "restore", "p.yaml", path, "--yes"];
    let mut child = sandbox.command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let reached = |(phase, item): &(String, i64)| phase == wanted.0 && *item >= wanted.1;
    while !at().as_ref().is_some_and(reached) && child.try_wait().unwrap().is_none() {}
    child.kill().unwrap();
    child.wait().unwrap();
    at()
}

#[test]
fn an_interrupted_restore_goes_on_and_nothing_else_is_done_until_then() {
    let Some(server) = full() else { return };
    let sandbox = sandbox(&server);
    let path = create(&sandbox);
    let expected = everything(&server);
    let mut half = Vec::new();
    for wanted in [("clear", 0), ("rows", 1), ("rows", 4), ("rows", 9), ("declare", 1), ("check", 0)] {
        let Some(found) = kill_at(&sandbox, &server, &path, wanted) else { continue };
        half.push(found);
        for verb in [&["run", "p.yaml"][..], &["backup", "create", "p.yaml"], &["stats", "p.yaml"]] {
            let refused = sandbox.run(verb);
            assert!(refused.code == 3 && refused.stderr.contains("restore_unfinished"), "{verb:?}: {refused:?}");
        }
    }
    println!("killed at {half:?}");
    // What is done in a moment may be over before it is seen.
    assert!(half.len() >= 3, "only {half:?}");
    restore(&sandbox, &path).exits(0);
    assert_equal(&everything(&server), &expected);
}

#[test]
fn what_a_server_cannot_hold_is_refused_before_anything_is_taken_away() {
    let Some(server) = Sqld::start() else { return };
    let sandbox = sandbox(&server);
    server.execute("CREATE TABLE users (id TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT");
    server.execute("INSERT INTO users VALUES ('kept', 1)");
    let local = format!("file:{}", sandbox.path("local.db").display());
    change(&sandbox.path("local.db"), "CREATE TABLE large (b); INSERT INTO large VALUES (zeroblob(6000000))");
    let answer = sandbox.run(&["backup", "create", "p.yaml", "--json", "--destination", &local]).exits(0).json();
    let refused = restore(&sandbox, answer["path"].as_str().unwrap());
    assert!(refused.code == 3 && refused.stderr.contains("a row of table large"), "{refused:?}");
    assert_eq!(server.integer("SELECT count(*) FROM users"), 1);
    sandbox.run(&["stats", "p.yaml"]).exits(0);
}

const CLASSROOM: &str = "pipelines/classroom.yaml";

/// Whatever can become of a request, without anybody's fault.
fn faults() -> Vec<Fault> {
    vec![
        Fault::CutBefore,
        Fault::CutAfterApplied,
        Fault::CutMidReply,
        Fault::StreamExpired,
        Fault::StreamExpiredInside,
        Fault::StreamNotFound,
        Fault::TransactionTimeout,
        Fault::Busy,
        Fault::status(503, ""),
    ]
}

#[test]
fn a_bad_network_changes_nothing_in_backups_and_restores() {
    let Some(server) = full() else { return };
    let expected = everything(&server);
    for seed in 1..=3 {
        let proxy = Proxy::start(server.address(), Script::new().sometimes(seed, 120, &faults()));
        let sandbox = sandbox(&server);
        sandbox.write("p.yaml", PIPELINE.replace("$URL", &proxy.url()));
        let path = create(&sandbox);
        let file = Database::open(path.as_ref());
        assert_equal(&(file.dump(), rest(|sql| file.query(sql))), &expected);
        server.execute("DELETE FROM sorted WHERE b % 3 = 0");
        restore(&sandbox, &path).exits(0);
        assert_equal(&everything(&server), &expected);
        println!("seed {seed}: {} faults in {} requests", proxy.faults().len(), proxy.count());
        assert!(proxy.faults().len() > 5);
    }
}

#[test]
fn a_backup_is_of_one_moment_even_if_its_stream_is_lost_while_others_write() {
    let Some(server) = Sqld::start() else { return };
    for sql in [
        "CREATE TABLE first (id INTEGER PRIMARY KEY, n INTEGER)",
        "CREATE TABLE second (id INTEGER PRIMARY KEY, n INTEGER)",
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000) INSERT INTO first SELECT i, 0 FROM n",
        "INSERT INTO second SELECT * FROM first",
    ] {
        server.execute(sql);
    }
    let ended = AtomicBool::new(false);
    for number in 3..9 {
        let proxy = Proxy::start(server.address(), Script::new().at(number, Fault::StreamExpired));
        let sandbox = sandbox(&server);
        sandbox.write("p.yaml", PIPELINE.replace("$URL", &proxy.url()));
        ended.store(false, Ordering::Relaxed);
        let path = std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    server.execute_all("BEGIN; UPDATE first SET n = n + 1; UPDATE second SET n = n + 1; COMMIT");
                }
            });
            let path = create(&sandbox);
            ended.store(true, Ordering::Relaxed);
            writer.join().unwrap();
            path
        });
        let file = Database::open(path.as_ref());
        let moments = file.query("SELECT n FROM first UNION SELECT n FROM second");
        assert_eq!(moments.len(), 1, "request {number} failed: {moments:?}");
    }
}

/// `run` of the shipped example with its dirty documents.
fn classroom(sandbox: &Sandbox, destination: &str, more: &[&str]) -> Command {
    let (pipeline, source) = (repository(CLASSROOM), repository("fixtures/classroom_dirty"));
    let mut command = sandbox.command(&["run", pipeline.to_str().unwrap(), "--json", "--destination", destination]);
    command.arg("--source").arg(source).args(more).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn outcome(sandbox: &Sandbox, mut command: Command) -> Outcome {
    sandbox.finish(command.spawn().unwrap())
}

/// The dump and the report of an ordinary run into a file.
fn direct() -> (Dump, Value) {
    let sandbox = Sandbox::new();
    let local = format!("file:{}", sandbox.path("direct.db").display());
    let report = outcome(&sandbox, classroom(&sandbox, &local, &[])).exits(4).json();
    (Database::open(&sandbox.path("direct.db")).dump(), report)
}

#[test]
fn a_staged_run_ends_like_a_direct_one() {
    let Some(server) = Sqld::start() else { return };
    let sandbox = Sandbox::new();
    let (dump, expected) = direct();
    let staged = outcome(&sandbox, classroom(&sandbox, &server.url(), &["--stage"])).exits(4);
    let report = staged.json();
    assert_eq!(accounting(&report), accounting(&expected));
    assert_eq!(report["rejects"].as_array().unwrap().len(), expected["rejects"].as_array().unwrap().len());
    assert!(server.dump() == dump, "the dumps differ");
    assert_eq!(server.query("SELECT status FROM _fireferry_runs")[0][0].clone().text(), "completed_with_rejects");
    // The file meets the demands of an import.
    let file = report["stage"].as_str().unwrap();
    assert!(staged.stderr.contains(&format!("turso db create NAME --from-file {file}")), "{}", staged.stderr);
    let bytes = std::fs::read(file).unwrap();
    assert_eq!((&bytes[16..18], &bytes[18..20]), (&[0x10, 0][..], &[2, 2][..]), "pages of 4096 bytes, WAL");
    let local = Database::open(file.as_ref());
    assert_eq!((local.integer("PRAGMA auto_vacuum"), local.texts("PRAGMA encoding")), (0, vec!["UTF-8".to_owned()]));
    assert!(local.dump() == dump && !std::path::Path::new(&format!("{file}-wal")).exists());
    // What comes after finds its records.
    let pipeline = repository(CLASSROOM);
    let source = repository("fixtures/classroom_dirty");
    let verify =
        ["verify", pipeline.to_str().unwrap(), "--destination", &server.url(), "--source", source.to_str().unwrap()];
    sandbox.run(&verify).exits(0);
    let listed = sandbox.run(&["runs", "rejects", "--json", "--limit", "1000000"]).exits(0).json();
    assert_eq!(listed["total_rejects"], report["total_rejects"]);
    let again = outcome(&sandbox, classroom(&sandbox, &server.url(), &["--stage", "--resume"])).exits(2);
    assert!(again.stdout.contains("nothing_to_resume"), "{again:?}");
    let full = outcome(&sandbox, classroom(&sandbox, &server.url(), &["--stage"]));
    assert!(full.code == 3 && full.stdout.contains("stage_not_empty"), "{full:?}");
    let second = outcome(&sandbox, classroom(&sandbox, &server.url(), &[])).json();
    assert_eq!((&second["totals"]["inserted"], &second["totals"]["updated"]), (&0.into(), &0.into()), "{second:#}");
}

#[test]
fn a_stage_is_for_servers_and_for_real() {
    let sandbox = Sandbox::new();
    let local = format!("file:{}", sandbox.path("direct.db").display());
    let refused = outcome(&sandbox, classroom(&sandbox, &local, &["--stage"])).exits(2);
    assert!(refused.stdout.contains("stage_needs_server"), "{refused:?}");
    outcome(&sandbox, classroom(&sandbox, &local, &["--stage", "--dry-run"])).exits(2);
    assert!(!sandbox.path("direct.db").exists());
}

#[test]
fn an_interrupted_staged_run_goes_on_in_either_phase() {
    let Some(server) = Sqld::start() else { return };
    let (dump, expected) = direct();
    let sandbox = Sandbox::new();
    let began = Instant::now();
    outcome(&sandbox, classroom(&sandbox, &server.url(), &["--stage"])).exits(4);
    let whole = began.elapsed();
    for part in [0.1, 0.3, 0.45, 0.6, 0.75, 0.9] {
        let Some(server) = Sqld::start() else { return };
        let sandbox = Sandbox::new();
        let mut child = classroom(&sandbox, &server.url(), &["--stage"]).spawn().unwrap();
        std::thread::sleep(whole.mul_f64(part));
        child.kill().unwrap();
        child.wait().unwrap();
        let half = server.integer("SELECT count(*) FROM sqlite_schema WHERE name = '_fireferry_restore'") == 1;
        println!("killed after {part}, half imported: {half}");
        let resumed = outcome(&sandbox, classroom(&sandbox, &server.url(), &["--stage", "--resume"]));
        if resumed.code != 2 || !resumed.stdout.contains("nothing_to_resume") {
            assert_eq!(accounting(&resumed.exits(4).json()), accounting(&expected), "{part}");
        }
        assert!(server.dump() == dump, "killed after {part}: the dumps differ");
    }
}
