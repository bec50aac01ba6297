//! One document, one key: duplicates, existing rows, keys that compare loosely, waiting documents.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use fireferry::destination::{OnConflict, RejectQuery};
use fireferry::domain::reject::RejectState;
use fireferry::domain::row::{MappedDocument, SqlValue};

use super::support::*;

in_a_file_and_on_a_server! {
    in_a_filled_table_an_old_row_is_replaced_and_a_second_document_of_the_run_is_a_reject,
    a_refused_document_does_not_use_up_its_key,
    skip_leaves_rows_alone_and_fail_rejects_only_different_ones,
    a_key_that_only_a_collation_takes_for_the_same_is_another_document,
    a_key_of_null_would_be_inserted_anew_by_every_run,
    a_trigger_that_ignores_rows_loses_none_silently,
    a_waiting_document_is_retried_and_leaves_the_rejects_when_it_succeeds,
    a_child_of_a_rejected_document_says_so_once_it_is_final,
    the_first_document_of_a_key_wins_also_while_it_waits,
    a_later_document_does_not_overtake_one_that_waits_for_its_parent,
}

const ITEMS: &str = "CREATE TABLE items (id TEXT PRIMARY KEY, n INTEGER) STRICT;";

fn item(id: &str, n: i64) -> MappedDocument {
    document("items", vec![text(id), int(n)])
}

async fn in_a_filled_table_an_old_row_is_replaced_and_a_second_document_of_the_run_is_a_reject() {
    let (place, mut db) = with_tables(&format!("{ITEMS} INSERT INTO items VALUES ('a', 1)")).await;
    let mut run = Run::start(&mut *db, "r1", vec![filled(target("items", &["id", "n"]))]).await;
    let first = run.write(&mut *db, 0, vec![item("a", 2), item("b", 2), item("a", 3)]).await;
    assert_eq!(counts(&first.counts), "read 3, inserted 1, updated 1, rejected 1");
    // The memory outlives the connection.
    drop(db);
    let mut db = place.open_again().await;
    db.prepare("r1", &run.targets).await.unwrap();
    let second = run.write(&mut *db, 0, vec![item("b", 4), item("c", 4)]).await;
    assert_eq!(counts(&second.counts), "read 2, inserted 1, rejected 1");
    assert_eq!(place.query("SELECT * FROM items ORDER BY id").await, "a|2\nb|2\nc|4");
    db.finish("r1").await.unwrap();
    assert_eq!(place.query("SELECT count(*) FROM _fireferry_seen").await, "0");
}

async fn a_refused_document_does_not_use_up_its_key() {
    let schema = "CREATE TABLE items (id TEXT PRIMARY KEY, n INTEGER CHECK (n > 0)) STRICT;
                  INSERT INTO items VALUES ('a', 1)";
    let (place, mut db) = with_tables(schema).await;
    let mut run = Run::start(&mut *db, "r1", vec![filled(target("items", &["id", "n"]))]).await;
    let documents = vec![item("a", -1), item("b", -1), item("a", 2), item("b", 2), item("b", -1), item("b", 3)];
    let receipt = run.write(&mut *db, 0, documents).await;
    assert_eq!(counts(&receipt.counts), "read 6, inserted 1, updated 1, rejected 4");
    assert_eq!(place.query("SELECT * FROM items ORDER BY id").await, "a|2\nb|2");
}

async fn skip_leaves_rows_alone_and_fail_rejects_only_different_ones() {
    for (strategy, expected) in [
        (OnConflict::Skip, "read 3, inserted 1, skipped 2"),
        (OnConflict::Fail, "read 3, inserted 1, unchanged 1, rejected 1"),
    ] {
        let (place, mut db) = with_tables(&format!("{ITEMS} INSERT INTO items VALUES ('a', 1), ('b', 1)")).await;
        let mut target = filled(target("items", &["id", "n"]));
        target.on_conflict = strategy.clone();
        let mut run = Run::start(&mut *db, "r1", vec![target]).await;
        let receipt = run.write(&mut *db, 0, vec![item("a", 1), item("b", 2), item("c", 3)]).await;
        assert_eq!(counts(&receipt.counts), expected);
        assert_eq!(place.query("SELECT * FROM items ORDER BY id").await, "a|1\nb|1\nc|3");
        if strategy == OnConflict::Fail {
            assert_eq!(reasons(&mut *db).await, ["row_exists: items.id = 'b' exists already with other content"]);
        }
    }
}

async fn a_key_that_only_a_collation_takes_for_the_same_is_another_document() {
    let schema = "CREATE TABLE items (id TEXT COLLATE NOCASE PRIMARY KEY, n INTEGER) STRICT;
                  INSERT INTO items VALUES ('abc', 1);";
    for start in [target("items", &["id", "n"]), filled(target("items", &["id", "n"]))] {
        let (place, mut db) = with_tables(schema).await;
        let mut run = Run::start(&mut *db, "r1", vec![start]).await;
        let receipt = run.write(&mut *db, 0, vec![item("ABC", 2)]).await;
        assert_eq!(counts(&receipt.counts), "read 1, waiting 1");
        assert_eq!(
            reasons(&mut *db).await,
            ["unique_violation: items.id = 'ABC' is held already by the row with id = 'abc', \
              which the table's index treats as equal"]
        );
        assert_eq!(place.query("SELECT * FROM items").await, "abc|1");
    }
}

async fn a_key_of_null_would_be_inserted_anew_by_every_run() {
    let (_place, mut db) = with_tables("CREATE TABLE items (id TEXT UNIQUE, n INTEGER) STRICT").await;
    let mut run = Run::start(&mut *db, "r1", vec![target("items", &["id", "n"])]).await;
    run.write(&mut *db, 0, vec![document("items", vec![SqlValue::Null, int(1)])]).await;
    assert_eq!(reasons(&mut *db).await, ["missing_field: key column items.id is NULL"]);
}

async fn a_trigger_that_ignores_rows_loses_none_silently() {
    let schema = format!(
        "{ITEMS} INSERT INTO items VALUES ('old', 1);
         CREATE TRIGGER i BEFORE INSERT ON items WHEN new.n = 13 BEGIN SELECT RAISE(IGNORE); END;
         CREATE TRIGGER u BEFORE UPDATE ON items WHEN new.n = 14 BEGIN SELECT RAISE(IGNORE); END;"
    );
    let (_place, mut db) = with_tables(&schema).await;
    let mut run = Run::start(&mut *db, "r1", vec![filled(target("items", &["id", "n"]))]).await;
    let receipt = run.write(&mut *db, 0, vec![item("new", 13), item("old", 14)]).await;
    assert_eq!(counts(&receipt.counts), "read 2, rejected 2");
    assert_eq!(
        reasons(&mut *db).await,
        [
            "constraint: a trigger of items ignored items.id = 'new'",
            "constraint: a trigger of items ignored the update"
        ]
    );
}

async fn a_waiting_document_is_retried_and_leaves_the_rejects_when_it_succeeds() {
    let schema = "CREATE TABLE nodes (id TEXT PRIMARY KEY, parent TEXT REFERENCES nodes (id)) STRICT;";
    let (place, mut db) = with_tables(schema).await;
    let node = |id: &str, parent: &str| document("nodes", vec![text(id), text(parent)]);
    let mut run = Run::start(&mut *db, "r1", vec![target("nodes", &["id", "parent"])]).await;
    let receipt = run.write(&mut *db, 0, vec![node("c", "b"), node("b", "a"), node("a", "a"), node("x", "y")]).await;
    assert_eq!(counts(&receipt.counts), "read 4, inserted 1, waiting 3");
    assert_eq!(reasons(&mut *db).await[0], "parent_missing: nodes.parent = 'b' has no row in nodes.id");
    let waiting = RejectQuery { waiting: Some(true), limit: 10, ..RejectQuery::default() };
    for (pass, expected) in [(1, "inserted 1, waiting -1"), (2, "inserted 1, waiting -1"), (3, "")] {
        let tries = db.rejects(&RejectQuery { before_pass: Some(pass), ..waiting.clone() }).await.unwrap();
        let documents = tries.iter().map(|stored| {
            let id = stored.reject.document.as_deref().unwrap().rsplit('/').next().unwrap();
            let parent = match id {
                "c" => "b",
                "b" => "a",
                _ => "y",
            };
            MappedDocument { waiting: Some(stored.id), ..node(id, parent) }
        });
        let receipt = run.retry(&mut *db, 0, documents.collect(), false).await;
        assert_eq!(counts(&receipt.counts), expected);
        assert_eq!(db.last_pass("r1", Some("nodes")).await.unwrap(), pass);
    }
    let last = db.rejects(&waiting).await.unwrap();
    assert_eq!(last.len(), 1);
    let finalized = MappedDocument { waiting: Some(last[0].id), ..node("x", "y") };
    let receipt = run.retry(&mut *db, 0, vec![finalized], true).await;
    assert_eq!(counts(&receipt.counts), "rejected 1, waiting -1");
    assert_eq!(rejects(&mut *db).await[0].reject.state, RejectState::Rejected);
    assert_eq!(place.query("SELECT count(*) FROM nodes").await, "3");
    let (_, sum) = db.counts("r1").await.unwrap()[0].clone();
    assert_eq!(counts(&sum), "read 4, inserted 3, rejected 1");
}

async fn a_child_of_a_rejected_document_says_so_once_it_is_final() {
    let schema = "CREATE TABLE users (id TEXT PRIMARY KEY, age INTEGER CHECK (age >= 0)) STRICT;
                  CREATE TABLE tasks (id TEXT PRIMARY KEY, user_id TEXT REFERENCES users) STRICT;";
    let (_place, mut db) = with_tables(schema).await;
    let targets = vec![target("users", &["id", "age"]), target("tasks", &["id", "user_id"])];
    let mut run = Run::start(&mut *db, "r1", targets).await;
    run.write(&mut *db, 0, vec![document("users", vec![text("bad"), int(-1)])]).await;
    let task = |user: &str| document("tasks", vec![text(&format!("t-{user}")), text(user)]);
    run.write(&mut *db, 1, vec![task("bad"), task("nobody")]).await;
    let documents = rejects(&mut *db).await[1..]
        .iter()
        .zip([task("bad"), task("nobody")])
        .map(|(stored, document)| MappedDocument { waiting: Some(stored.id), ..document })
        .collect();
    run.retry(&mut *db, 1, documents, true).await;
    assert_eq!(
        reasons(&mut *db).await[1..],
        [
            "parent_rejected: tasks.user_id = 'bad' has no row in users.id: \
             its document users/bad was rejected (check_failed)",
            "parent_missing: tasks.user_id = 'nobody' has no row in users.id",
        ]
    );
}

async fn the_first_document_of_a_key_wins_also_while_it_waits() {
    let schema = "CREATE TABLE nodes (id TEXT PRIMARY KEY, parent TEXT REFERENCES nodes (id)) STRICT;";
    let (place, mut db) = with_tables(schema).await;
    let node = |id: &str, parent: &str| document("nodes", vec![text(id), text(parent)]);
    let mut run = Run::start(&mut *db, "r1", vec![target("nodes", &["id", "parent"])]).await;
    let receipt = run.write(&mut *db, 0, vec![node("b", "a"), node("b", "b"), node("a", "a")]).await;
    assert_eq!(counts(&receipt.counts), "read 3, inserted 1, rejected 1, waiting 1");
    let first = rejects(&mut *db).await[0].id;
    run.retry(&mut *db, 0, vec![MappedDocument { waiting: Some(first), ..node("b", "a") }], false).await;
    assert_eq!(place.query("SELECT * FROM nodes ORDER BY id").await, "a|a\nb|a");
}

async fn a_later_document_does_not_overtake_one_that_waits_for_its_parent() {
    let schema =
        "CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT UNIQUE, mentor TEXT REFERENCES users (id)) STRICT;";
    let user = |id: &str, email: &str, mentor: &str| document("users", vec![text(id), text(email), text(mentor)]);
    for (mentor, expected) in [("boss", "boss|b@x|boss\njose|a@x|boss"), ("nobody", "boss|b@x|boss\nlate|a@x|boss")] {
        let (place, mut db) = with_tables(schema).await;
        let mut run = Run::start(&mut *db, "r1", vec![target("users", &["id", "email", "mentor"])]).await;
        let documents = vec![user("jose", "a@x", mentor), user("boss", "b@x", "boss"), user("late", "a@x", "boss")];
        let receipt = run.write(&mut *db, 0, documents).await;
        assert_eq!(counts(&receipt.counts), "read 3, inserted 1, waiting 2");
        let claimed = "unique_violation: users.email = 'a@x' belongs to the earlier document users/jose, which waits";
        assert_eq!(reasons(&mut *db).await[1], claimed);
        for finalize in [false, true] {
            let waiting: Vec<i64> = rejects(&mut *db).await.iter().map(|stored| stored.id).collect();
            let again = [user("jose", "a@x", mentor), user("late", "a@x", "boss")];
            let again = again.into_iter().zip([waiting.first().copied(), waiting.last().copied()]);
            let again = again.map(|(user, id)| MappedDocument { waiting: id, ..user });
            // In the first case only `late` is left for the last try.
            let left: Vec<MappedDocument> = again.skip(2 - waiting.len()).collect();
            run.retry(&mut *db, 0, left, finalize).await;
        }
        assert_eq!(place.query("SELECT * FROM users ORDER BY id").await, expected);
        assert_eq!(place.query("SELECT count(*) FROM _fireferry_claims").await, "0");
    }
}
