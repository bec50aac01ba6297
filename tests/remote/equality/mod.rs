//! A server and a local file are given the same documents, and the same becomes of every one of them: rows by bits and
//! types, rejects with their reasons, counts.
//!
//! `FIREFERRY_TEST_EQUALITY` random cases, more than by default for whoever has the time; `FIREFERRY_TEST_SEED`
//! chooses other ones.

mod case;
mod run;

use fireferry::destination::libsql::{LibsqlFile, Mode, RemoteDatabase, RemoteOptions};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use self::case::{Case, Load, Shape, User, case};
use self::run::{Outcome, play};
use super::opening::options;
use super::server::Sqld;
use crate::proof::setting;
use crate::support::database::{Cell, Database, change};
use crate::support::dump::Dump;

/// Everything that must be the same in the end.
#[derive(Debug, Clone, PartialEq)]
struct Found {
    tables: Vec<String>,
    outcomes: Vec<Outcome>,
    rows: Vec<String>,
    rejects: Vec<String>,
    remembered: Vec<String>,
}

fn lines(rows: Vec<Vec<Cell>>) -> Vec<String> {
    let text = |cell: &Cell| match cell {
        Cell::Text(bytes) => format!("{:?}", String::from_utf8_lossy(bytes)),
        other => other.to_string(),
    };
    let line = |row: Vec<Cell>| row.iter().map(text).collect::<Vec<_>>().join(" | ");
    rows.into_iter().map(line).collect()
}

/// Not the pass in which a document was rejected for good: the one that it waited behind in a file may never have waited on
/// a server, see `Case::comparable`.
const REJECTS: &str = "SELECT run, collection, position, document, key, code, reason, state, file, length, line, kind, \
                       hex(data) FROM _fireferry_rejects ORDER BY run, collection, position, id";
const SEEN: &str = "SELECT owner, hex(key) FROM _fireferry_seen ORDER BY 1, 2";
const CLAIMS: &str = "SELECT owner, unique_set, hex(value) FROM _fireferry_claims ORDER BY 1, 2, 3";

impl Found {
    fn of(dump: &Dump, ask: &dyn Fn(&str) -> Vec<Vec<Cell>>, outcomes: Vec<Outcome>) -> Self {
        let rows = dump.rows.iter().flat_map(|(table, rows)| {
            lines(rows.clone()).into_iter().map(move |line| format!("{table}: {line}")).collect::<Vec<_>>()
        });
        Self {
            tables: dump.tables.iter().map(|table| table.sql.clone()).collect(),
            outcomes,
            rows: rows.collect(),
            rejects: lines(ask(REJECTS)),
            remembered: [lines(ask(SEEN)), lines(ask(CLAIMS))].concat(),
        }
    }
}

fn locally(case: &Case) -> Found {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("local.db");
    change(&path, &case.shape.sql());
    let mut outcomes = Vec::new();
    for number in 0..case.loads.len() {
        let mut destination = LibsqlFile::open(&path, Mode::ReadWrite { create: false }).unwrap();
        outcomes.push(runtime().block_on(play(&mut destination, case, number)));
    }
    let database = Database::open(&path);
    Found::of(&database.dump(), &|sql| database.query(sql), outcomes)
}

fn remotely(server: &Sqld, case: &Case) -> Found {
    server.empty();
    server.execute_all(&case.shape.sql());
    let mut outcomes = Vec::new();
    for (number, load) in case.loads.iter().enumerate() {
        let options =
            RemoteOptions { commit_documents: load.at_once, commits_in_flight: load.in_flight, ..options(server) };
        let outcome = runtime().block_on(async {
            let mut destination = RemoteDatabase::new(options).unwrap();
            play(&mut destination, case, number).await
        });
        outcomes.push(outcome);
    }
    Found::of(&server.dump(), &|sql| server.query(sql), outcomes)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn the_same_becomes_of_every_document_on_a_server_and_in_a_file() {
    let Some(server) = Sqld::start() else { return };
    let cases = u32::try_from(setting("FIREFERRY_TEST_EQUALITY", 30)).unwrap();
    let seed = setting("FIREFERRY_TEST_SEED", 1) as u64;
    let config = Config { cases, max_shrink_iters: 500, failure_persistence: None, ..Config::default() };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let result = runner.run(&case(), |case| {
        let (local, remote) = (locally(&case), remotely(&server, &case));
        proptest::prop_assert!(local == remote, "{}", difference(&local, &remote));
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

/// What is only here, and what is only there.
fn difference(local: &Found, remote: &Found) -> String {
    let only = |these: &[String], those: &[String], name: &str| {
        let missing = these.iter().filter(|line| !those.contains(line));
        missing.map(|line| format!("{name}: {line}\n")).collect::<String>()
    };
    let mut text = String::new();
    for (local, remote) in [
        (&local.tables, &remote.tables),
        (&local.rows, &remote.rows),
        (&local.rejects, &remote.rejects),
        (&local.remembered, &remote.remembered),
    ] {
        text += &only(local, remote, "only local");
        text += &only(remote, local, "only remote");
    }
    if local.outcomes != remote.outcomes {
        text += &format!("local {:#?}\nremote {:#?}", local.outcomes, remote.outcomes);
    }
    text
}

/// The difference that `Case::comparable` leaves out: in a file, the first user waits for a mentor who comes next, and is
/// overtaken meanwhile by the third one, whose address is the same but for case; on a server the first two are one
/// statement. Either way each document is written or rejected with the reason, and the earlier one wins on the server.
#[test]
fn only_a_waiting_document_may_be_overtaken_by_a_value_that_nobody_claims() {
    let Some(server) = Sqld::start() else { return };
    let user = |key, email, mentor| User { key, email, n: 1, mentor, group: 0, extra: 0, tags: vec![], broken: false };
    let load = Load {
        users: vec![user(1, 1, 2), user(2, 2, 0), user(3, 101, 0)],
        groups: vec![],
        on_conflict: 2,
        unique_paths: true,
        batches: vec![2],
        commits: vec![1],
        at_once: 2,
        in_flight: 1,
        page: 5,
    };
    let mut shape = Shape::plain();
    (shape.unique, shape.itself) = (2, true);
    let case = Case { shape, loads: vec![load] };
    let (local, remote) = (locally(&case), remotely(&server, &case));
    let rejected = |found: &Found| found.rejects.iter().map(|line| line.contains("\"users/k1\"")).collect::<Vec<_>>();
    assert_eq!((rejected(&local), rejected(&remote)), (vec![true], vec![false]));
    for found in [&local, &remote] {
        assert!(found.rejects[0].contains("unique_violation"), "{:?}", found.rejects);
        assert_eq!(found.outcomes[0].counts[1].1.inserted, 2);
    }
}
