//! Writing commits: isolation of a refused document, counts, checkpoints, crashes.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use fireferry::destination::{CommitHeader, Destination};
use fireferry::domain::cursor::Cursor;
use fireferry::error::{Error, ErrorKind};

use super::support::*;

in_a_file_and_on_a_server! {
    a_refused_document_is_kept_with_its_reason_and_its_neighbours_are_written,
    the_checkpoint_moves_with_the_rows,
    a_commit_that_does_not_follow_the_checkpoint_is_refused_whole,
    an_error_of_the_source_takes_the_whole_commit_back,
    only_what_differs_is_updated_and_a_case_or_type_is_a_difference,
    a_trigger_that_ends_the_transaction_loses_the_whole_commit_and_says_so,
}

const USERS: &str = "CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE,
                     age INTEGER CONSTRAINT grown CHECK (age >= 0)) STRICT;";

fn user(id: &str, email: &str, age: i64) -> fireferry::domain::row::MappedDocument {
    document("users", vec![text(id), text(email), int(age)])
}

async fn a_refused_document_is_kept_with_its_reason_and_its_neighbours_are_written() {
    let (place, mut db) = with_tables(USERS).await;
    let mut run = Run::start(&mut *db, "r1", vec![target("users", &["id", "email", "age"])]).await;
    let mut null = user("n", "x", 1);
    null.row[1] = fireferry::domain::row::SqlValue::Null;
    let mut wrong = user("w", "w@x", 1);
    wrong.row[2] = text("many");
    let documents = vec![
        user("a", "a@x", 1),
        user("b", "b@x", -1),
        null,
        wrong,
        user("c", "a@x", 3),
        user("a", "other@x", 4),
        user("d", "d@x", 5),
    ];
    let receipt = run.write(&mut *db, 0, documents).await;
    assert_eq!(counts(&receipt.counts), "read 7, inserted 2, rejected 4, waiting 1");
    assert_eq!(place.query("SELECT id, email FROM users ORDER BY id").await, "a|a@x\nd|d@x");
    assert_eq!(
        reasons(&mut *db).await,
        [
            "check_failed: CHECK of users failed: grown",
            "not_null: users.email must not be NULL",
            "wrong_type: table users: cannot store TEXT value in INTEGER column users.age",
            "unique_violation: users.email = 'a@x' is held already by the row with id = 'a'",
            "duplicate_key: an earlier document of this run has users.id = 'a' too",
        ]
    );
    let kept = rejects(&mut *db).await;
    assert_eq!(kept[0].reject.document.as_deref(), Some("users/b"));
    assert_eq!(kept[0].reject.key.as_deref(), Some("[\"b\"]"));
    assert_eq!(kept[0].reject.origin.to_string(), "test.ndjson:1");
}

async fn the_checkpoint_moves_with_the_rows() {
    let (_place, mut db) = with_tables(USERS).await;
    let mut run = Run::start(&mut *db, "r1", vec![target("users", &["id", "email", "age"])]).await;
    run.write(&mut *db, 0, vec![user("a", "a@x", 1)]).await;
    let second = run.header(0);
    let mut batches = feed(vec![batch(vec![user("b", "b@x", 1)], "x"), batch(vec![user("c", "c@x", 1)], "end")]);
    batches.batches[1].last = true;
    let receipt = db.write(&second, &mut batches).await.unwrap();
    assert_eq!((receipt.to, receipt.last), (Some(Cursor("end".into())), true));
    db.flush().await.unwrap();
    let states = db.partitions("r1").await.unwrap();
    assert_eq!(states.len(), 1);
    assert_eq!((states[0].sequence, states[0].done), (2, true));
    assert_eq!(states[0].cursor, Some(Cursor("end".into())));
    assert_eq!(counts(&states[0].counts), "read 3, inserted 3");
    assert_eq!(states[0].counts.bytes, 30);
    assert_eq!(db.counts("r1").await.unwrap(), vec![("users".to_owned(), states[0].counts)]);
}

async fn a_commit_that_does_not_follow_the_checkpoint_is_refused_whole() {
    let (place, mut db) = with_tables(USERS).await;
    let mut run = Run::start(&mut *db, "r1", vec![target("users", &["id", "email", "age"])]).await;
    let first = run.header(0);
    run.write(&mut *db, 0, vec![user("a", "a@x", 1)]).await;
    let gap = CommitHeader { sequence: 3, ..run.header(0) };
    let elsewhere = CommitHeader { from: Some(Cursor("elsewhere".into())), ..run.header(0) };
    for header in [first, gap, elsewhere] {
        let error = failure(&mut *db, &header, feed(vec![batch(vec![user("z", "z@x", 1)], "x")])).await;
        assert_eq!(error.code(), "commit_out_of_order");
    }
    assert_eq!(place.query("SELECT count(*) FROM users").await, "1");
    run.write(&mut *db, 0, vec![user("b", "b@x", 1)]).await;
}

async fn an_error_of_the_source_takes_the_whole_commit_back() {
    let (place, mut db) = with_tables(USERS).await;
    let mut run = Run::start(&mut *db, "r1", vec![target("users", &["id", "email", "age"])]).await;
    let mut batches = feed(vec![batch(vec![user("a", "a@x", 1), user("b", "b@x", -1)], "x")]);
    batches.error = Some(Error::new(ErrorKind::Source, "cut", "the file ended"));
    let error = db.write(&run.header(0), &mut batches).await.unwrap_err();
    assert_eq!(error.code(), "cut");
    assert_eq!(place.query("SELECT count(*) FROM users").await, "0");
    assert_eq!(reasons(&mut *db).await, Vec::<String>::new());
    assert_eq!(db.partitions("r1").await.unwrap()[0].sequence, 0);
    let receipt = run.write(&mut *db, 0, vec![user("a", "a@x", 1)]).await;
    assert_eq!(counts(&receipt.counts), "read 1, inserted 1");
}

#[tokio::test]
async fn writing_the_same_documents_again_changes_nothing() {
    let (place, mut db) = with_schema(USERS).await;
    let columns = ["id", "email", "age"];
    let documents: Vec<_> = (0..500).map(|i| user(&format!("u{i}"), &format!("{i}@x"), i)).collect();
    let mut run = Run::start(&mut db, "r1", vec![target("users", &columns)]).await;
    run.write(&mut db, 0, documents.clone()).await;
    db.finish("r1").await.unwrap();
    let pages = |place: &std::path::Path| {
        let path = place.to_owned();
        async move { query(&path, "SELECT group_concat(pageno) FROM dbstat WHERE name LIKE '%users%'").await }
    };
    let before = (std::fs::read(&place.file).unwrap(), pages(&place.file).await);

    let mut again = target("users", &columns);
    again.empty_at_start = false;
    let mut run = Run::start(&mut db, "r2", vec![again]).await;
    let receipt = run.write(&mut db, 0, documents).await;
    assert_eq!(counts(&receipt.counts), "read 500, unchanged 500");
    db.finish("r2").await.unwrap();
    let after = (std::fs::read(&place.file).unwrap(), pages(&place.file).await);
    assert_eq!(before.1, after.1);
    for page in after.1.split(',').map(|page| page.parse::<usize>().unwrap()) {
        let range = (page - 1) * 4096..page * 4096;
        assert!(before.0[range.clone()] == after.0[range], "page {page} of users was written");
    }
}

async fn only_what_differs_is_updated_and_a_case_or_type_is_a_difference() {
    let schema =
        "CREATE TABLE things (id TEXT PRIMARY KEY, name TEXT COLLATE NOCASE, any_value ANY, kept TEXT DEFAULT 'k')
                  STRICT; INSERT INTO things VALUES ('a', 'ab', 1, 'mine'), ('b', 'ab', 1, 'mine');";
    let (place, mut db) = with_tables(schema).await;
    let target = filled(target("things", &["id", "name", "any_value"]));
    let mut run = Run::start(&mut *db, "r1", vec![target]).await;
    let row = |id: &str, name: &str, any| document("things", vec![text(id), text(name), any]);
    let real = fireferry::domain::row::SqlValue::Real(1.0);
    let receipt = run.write(&mut *db, 0, vec![row("a", "AB", int(1)), row("b", "ab", real)]).await;
    assert_eq!(counts(&receipt.counts), "read 2, updated 2");
    let stored = place.query("SELECT id, name, typeof(any_value), kept FROM things ORDER BY id").await;
    assert_eq!(stored, "a|AB|integer|mine\nb|ab|real|mine");
}

#[tokio::test]
async fn a_schema_changed_in_the_middle_stops_the_run() {
    let (place, mut db) = with_schema(USERS).await;
    let run = Run::start(&mut db, "r1", vec![target("users", &["id", "email", "age"])]).await;
    execute(&place.file, "CREATE TABLE other (a)").await;
    let error = db.write(&run.header(0), &mut feed(vec![])).await.unwrap_err();
    assert_eq!(error.code(), "schema_changed");
}

async fn a_trigger_that_ends_the_transaction_loses_the_whole_commit_and_says_so() {
    let schema = format!(
        "{USERS} CREATE TRIGGER t BEFORE INSERT ON users WHEN new.age = 13 BEGIN SELECT RAISE(ROLLBACK, 'unlucky'); END;"
    );
    let (place, mut db) = with_tables(&schema).await;
    let mut run = Run::start(&mut *db, "r1", vec![target("users", &["id", "email", "age"])]).await;
    run.write(&mut *db, 0, vec![user("0", "0@x", 1)]).await;
    let documents = vec![user("a", "a@x", 1), user("b", "b@x", 13), user("c", "c@x", 1)];
    let error = failure(&mut *db, &run.header(0), feed(vec![batch(documents, "x")])).await;
    assert_eq!((error.code(), error.kind()), ("commit_lost", ErrorKind::Destination));
    assert_eq!(place.query("SELECT id FROM users").await, "0");
    assert_eq!(db.partitions("r1").await.unwrap()[0].sequence, 1);
    run.write(&mut *db, 0, vec![user("d", "d@x", 1)]).await;
}

#[tokio::test]
async fn a_locked_database_is_worth_another_try_and_takes_no_batch() {
    let (place, mut db) = with_schema(USERS).await;
    let run = Run::start(&mut db, "r1", vec![target("users", &["id", "email", "age"])]).await;
    let other = libsql::Builder::new_local(&place.file).build().await.unwrap().connect().unwrap();
    other.execute_batch("BEGIN IMMEDIATE").await.unwrap();
    let mut batches = feed(vec![batch(vec![user("a", "a@x", 1)], "x")]);
    let error = db.write(&run.header(0), &mut batches).await.unwrap_err();
    assert_eq!((error.code(), error.kind()), ("destination_busy", ErrorKind::Transient));
    assert_eq!(batches.batches.len(), 1);
    other.execute_batch("ROLLBACK").await.unwrap();
    let written = db.write(&run.header(0), &mut batches).await.unwrap();
    let receipt = only(&mut db, written).await;
    assert_eq!(counts(&receipt.counts), "read 1, inserted 1");
}
