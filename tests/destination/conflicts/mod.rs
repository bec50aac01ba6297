//! Rows that are there already: which strategy does what, in a file and on a server.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod model;
mod race;

use fireferry::destination::{OnConflict, Target};
use fireferry::domain::row::{MappedDocument, SqlValue};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use self::model::{Content, Outcome, pair, resolve};
use super::support::*;
use crate::proof::setting;

in_a_file_and_on_a_server! {
    every_strategy_does_what_the_table_of_outcomes_says,
    a_row_that_is_merged_is_refused_with_the_values_it_would_have_had,
    a_refused_child_row_takes_the_merge_back,
    a_deciding_column_that_is_not_mapped_is_refused,
}

const SCHEMA: &str = "
CREATE TABLE notes (id TEXT PRIMARY KEY, at, note TEXT, data TEXT);
CREATE TABLE tags (note TEXT NOT NULL REFERENCES notes (id), tag INTEGER NOT NULL CHECK (tag < 90)) STRICT;";

fn notes(strategy: OnConflict) -> Target {
    let mut target = filled(target("notes", &["id", "at", "note", "data"]));
    target.children = vec![child("tags", &["note", "tag"], &[(0, 0)])];
    target.on_conflict = strategy;
    target.json = vec![3];
    target
}

fn mapped(id: &str, content: &Content) -> MappedDocument {
    let row = vec![text(id), content.at.clone(), content.note.clone(), content.data.clone()];
    let tags = content.tags.iter().map(|tag| vec![text(id), int(*tag)]).collect();
    with_children(document("notes", row), vec![tags])
}

fn literal(value: &SqlValue) -> String {
    match value {
        SqlValue::Null => "NULL".to_owned(),
        SqlValue::Integer(number) => number.to_string(),
        SqlValue::Real(number) => format!("{number:?}"),
        SqlValue::Text(text) => format!("'{}'", text.replace('\'', "''")),
        SqlValue::Blob(bytes) => format!("x'{}'", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
    }
}

fn stored(id: &str, content: &Content) -> String {
    let Content { at, note, data, tags } = content;
    let (at, note, data) = (literal(at), literal(note), literal(data));
    let tags = tags.iter().map(|tag| format!("INSERT INTO tags VALUES ('{id}', {tag});")).collect::<String>();
    format!("INSERT INTO notes VALUES ('{id}', {at}, {note}, {data});{tags}")
}

/// What the tables hold, in one text.
async fn dump(place: &Place) -> String {
    let notes = "SELECT id, quote(at), quote(note), quote(data) FROM notes ORDER BY id";
    let tags = "SELECT note, tag FROM tags ORDER BY note, tag";
    format!("{}\n--\n{}", place.query(notes).await, place.query(tags).await)
}

fn expected_dump(contents: &[(String, Content)]) -> String {
    let (mut rows, mut tags) = (Vec::new(), Vec::new());
    for (id, content) in contents {
        let quoted = |value: &SqlValue| match value {
            SqlValue::Blob(_) => literal(value).to_uppercase(),
            _ => literal(value),
        };
        rows.push(format!("{id}|{}|{}|{}", quoted(&content.at), quoted(&content.note), quoted(&content.data)));
        let mut own = content.tags.clone();
        own.sort_unstable();
        tags.extend(own.iter().map(|tag| format!("{id}|{tag}")));
    }
    format!("{}\n--\n{}", rows.join("\n"), tags.join("\n"))
}

fn expected_counts(outcomes: &[Outcome]) -> [usize; 5] {
    let count = |outcome| outcomes.iter().filter(|own| **own == outcome).count();
    [Outcome::Inserted, Outcome::Updated, Outcome::Unchanged, Outcome::Skipped, Outcome::Rejected].map(count)
}

/// One run over all pairs, checked against the model; what is stored afterwards.
async fn run(
    place: &Place,
    db: &mut Database,
    number: usize,
    strategy: &OnConflict,
    pairs: &[(Option<Content>, Content)],
) -> Vec<(Option<Content>, Content)> {
    let mut run = Run::start(&mut **db, &format!("r{number}"), vec![notes(strategy.clone())]).await;
    let documents = pairs.iter().enumerate().map(|(index, (_, document))| mapped(&format!("k{index:03}"), document));
    let receipt = run.write(&mut **db, 0, documents.collect()).await;
    db.finish(&run.id).await.unwrap();
    let (outcomes, after): (Vec<_>, Vec<_>) =
        pairs.iter().map(|(stored, document)| resolve(strategy, stored.as_ref(), document)).unzip();
    let named = after.iter().enumerate().map(|(index, content)| (format!("k{index:03}"), content.clone()));
    assert_eq!(dump(place).await, expected_dump(&named.collect::<Vec<_>>()), "{strategy}: {pairs:#?}");
    let counts = receipt.counts;
    let found = [counts.inserted, counts.updated, counts.unchanged, counts.skipped, counts.rejected];
    assert_eq!(found.map(|count| count as usize), expected_counts(&outcomes), "{strategy}: {pairs:#?}");
    let rejected = reasons(&mut **db).await;
    assert!(rejected.iter().all(|reason| {
        let code = if *strategy == OnConflict::Fail { "row_exists: " } else { "not_comparable: " };
        reason.starts_with(code)
    }));
    after.into_iter().map(Some).zip(pairs.iter().map(|(_, document)| document.clone())).collect()
}

async fn check(strategy: OnConflict, pairs: Vec<(Option<Content>, Content)>) {
    let rows = pairs.iter().enumerate().filter_map(|(index, (row, _))| Some((index, row.as_ref()?)));
    let rows: String = rows.map(|(index, content)| stored(&format!("k{index:03}"), content)).collect();
    let (place, mut db) = with_tables(&format!("{SCHEMA}{rows}")).await;
    let again = run(&place, &mut db, 1, &strategy, &pairs).await;
    // A second run of the same documents finds nothing left to do.
    let before = dump(&place).await;
    run(&place, &mut db, 2, &strategy, &again).await;
    assert_eq!(dump(&place).await, before);
}

fn strategies() -> impl Strategy<Value = OnConflict> {
    prop_oneof![
        1 => Just(OnConflict::Replace),
        1 => Just(OnConflict::Skip),
        1 => Just(OnConflict::Fail),
        3 => Just(OnConflict::KeepNewest("AT".to_owned())),
        3 => Just(OnConflict::KeepOldest("at".to_owned())),
        4 => Just(OnConflict::Merge),
    ]
}

async fn every_strategy_does_what_the_table_of_outcomes_says() {
    let server = SERVER.get();
    let cases = setting("FIREFERRY_TEST_CONFLICTS", if server { 6 } else { 60 });
    let most = if server { 120 } else { 30 };
    std::thread::spawn(move || {
        SERVER.set(server);
        let config = Config { cases: cases as u32, failure_persistence: None, ..Config::default() };
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&(setting("FIREFERRY_TEST_SEED", 1) as u64).to_le_bytes());
        let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let cases = (strategies(), proptest::collection::vec(pair(), 1..most));
        let result = runner.run(&cases, |(strategy, pairs)| {
            runtime.block_on(check(strategy, pairs));
            Ok(())
        });
        if let Err(error) = result {
            panic!("{error}");
        }
    })
    .join()
    .unwrap();
}

async fn a_row_that_is_merged_is_refused_with_the_values_it_would_have_had() {
    let schema = "CREATE TABLE notes (id TEXT PRIMARY KEY, place TEXT, number INTEGER CHECK (number < 90),
                    UNIQUE (place, number)) STRICT;
                  INSERT INTO notes VALUES ('a', 'x', 7), ('b', 'x', NULL), ('c', 'y', NULL), ('d', NULL, 5);";
    let (place, mut db) = with_tables(schema).await;
    let mut target = filled(target("notes", &["id", "place", "number"]));
    target.on_conflict = OnConflict::Merge;
    let mut run = Run::start(&mut *db, "r1", vec![target]).await;
    let note = |id: &str, place: &str, number| document("notes", vec![text(id), text(place), int(number)]);
    let documents = vec![note("b", "q", 7), note("c", "q", 99), note("d", "q", 99), note("e", "q", 1)];
    let receipt = run.write(&mut *db, 0, documents).await;
    assert_eq!(counts(&receipt.counts), "read 4, inserted 1, updated 1, rejected 1, waiting 1");
    assert_eq!(
        reasons(&mut *db).await,
        [
            "unique_violation: notes (place, number) = ('x', 7) is held already by the row with id = 'a'",
            "check_failed: CHECK of notes failed: number < 90",
        ]
    );
    assert_eq!(place.query("SELECT * FROM notes ORDER BY id").await, "a|x|7\nb|x|NULL\nc|y|NULL\nd|q|5\ne|q|1");
}

async fn a_refused_child_row_takes_the_merge_back() {
    let rows = "INSERT INTO notes VALUES ('a', 1, NULL, NULL), ('b', 1, NULL, NULL); INSERT INTO tags VALUES ('b', 1);";
    let (place, mut db) = with_tables(&format!("{SCHEMA}{rows}")).await;
    let mut run = Run::start(&mut *db, "r1", vec![notes(OnConflict::Merge)]).await;
    let content = |tags: &[i64]| Content { at: int(2), note: text("n"), data: text("{}"), tags: tags.to_vec() };
    let documents = vec![mapped("a", &content(&[3, 99])), mapped("b", &content(&[3, 99]))];
    let receipt = run.write(&mut *db, 0, documents).await;
    assert_eq!(counts(&receipt.counts), "read 2, updated 1, rejected 1");
    assert_eq!(dump(&place).await, "a|1|NULL|NULL\nb|1|'n'|'{}'\n--\nb|1");
}

async fn a_deciding_column_that_is_not_mapped_is_refused() {
    let (_place, mut db) = with_tables(SCHEMA).await;
    let error = db.prepare("r1", &[notes(OnConflict::KeepNewest("changed".to_owned()))]).await.unwrap_err();
    assert_eq!(error.code(), "table_missing");
    assert!(error.message().contains("changed"), "{error}");
}
