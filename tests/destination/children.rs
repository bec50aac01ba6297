//! Child rows of a document are a set.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use fireferry::destination::{OnConflict, Target};
use fireferry::domain::row::{MappedDocument, Row};

use super::support::*;

in_a_file_and_on_a_server! {
    child_rows_are_compared_as_a_set_and_replaced_as_a_whole,
    a_refused_child_row_takes_its_document_along_and_nothing_else,
    an_existing_document_keeps_its_old_rows_when_a_new_child_row_is_refused,
    fail_compares_child_rows_too,
}

const SCHEMA: &str = "
CREATE TABLE users (id TEXT PRIMARY KEY, name TEXT) STRICT;
CREATE TABLE tags (user_id TEXT NOT NULL REFERENCES users (id), tag TEXT NOT NULL CHECK (tag <> ''),
                   note TEXT DEFAULT 'n', UNIQUE (user_id, tag)) STRICT;";

fn users() -> Target {
    let mut target = target("users", &["id", "name"]);
    target.children = vec![child("tags", &["user_id", "tag"], &[(0, 0)])];
    target
}

fn user(id: &str, name: &str, tags: &[&str]) -> MappedDocument {
    let rows: Vec<Row> = tags.iter().map(|tag| vec![text(id), text(tag)]).collect();
    with_children(document("users", vec![text(id), text(name)]), vec![rows])
}

async fn child_rows_are_compared_as_a_set_and_replaced_as_a_whole() {
    let (place, mut db) = with_tables(SCHEMA).await;
    let mut run = Run::start(&mut *db, "r1", vec![users()]).await;
    let receipt =
        run.write(&mut *db, 0, vec![user("a", "A", &["x", "y"]), user("b", "B", &["x"]), user("c", "C", &[])]).await;
    assert_eq!(counts(&receipt.counts), "read 3, inserted 3, child_inserted 3");

    let mut run = Run::start(&mut *db, "r2", vec![filled(users())]).await;
    let documents =
        vec![user("a", "A", &["y", "x"]), user("b", "B", &[]), user("c", "C", &["z"]), user("d", "D", &["w"])];
    let receipt = run.write(&mut *db, 0, documents).await;
    assert_eq!(
        counts(&receipt.counts),
        "read 4, inserted 1, updated 2, unchanged 1, child_inserted 2, child_deleted 1"
    );
    let tags = place.query("SELECT user_id, tag FROM tags ORDER BY user_id, tag").await;
    assert_eq!(tags, "a|x\na|y\nc|z\nd|w");
}

async fn a_refused_child_row_takes_its_document_along_and_nothing_else() {
    for start in [users(), filled(users())] {
        let (place, mut db) = with_tables(SCHEMA).await;
        let mut run = Run::start(&mut *db, "r1", vec![start]).await;
        let documents = vec![
            user("a", "A", &["x"]),
            user("b", "B", &["x", ""]),
            user("c", "C", &["x", "x"]),
            user("d", "D", &["x"]),
        ];
        let receipt = run.write(&mut *db, 0, documents).await;
        assert_eq!(counts(&receipt.counts), "read 4, inserted 2, rejected 2, child_inserted 2");
        assert_eq!(place.query("SELECT user_id FROM tags ORDER BY 1").await, "a\nd");
        assert_eq!(place.query("SELECT id FROM users ORDER BY 1").await, "a\nd");
        assert_eq!(
            reasons(&mut *db).await,
            [
                "check_failed: CHECK of tags failed: tag <> ''",
                "unique_violation: tags (user_id, tag) = ('c', 'x') occurs twice in the document"
            ]
        );
    }
}

async fn an_existing_document_keeps_its_old_rows_when_a_new_child_row_is_refused() {
    let (place, mut db) = with_tables(SCHEMA).await;
    let mut run = Run::start(&mut *db, "r1", vec![users()]).await;
    run.write(&mut *db, 0, vec![user("a", "old", &["x", "y"])]).await;
    let mut run = Run::start(&mut *db, "r2", vec![filled(users())]).await;
    let receipt = run.write(&mut *db, 0, vec![user("a", "new", &["z", ""])]).await;
    assert_eq!(counts(&receipt.counts), "read 1, rejected 1");
    assert_eq!(place.query("SELECT name, tag FROM users JOIN tags ON user_id = id").await, "old|x\nold|y");
}

async fn fail_compares_child_rows_too() {
    let (_place, mut db) = with_tables(SCHEMA).await;
    let mut run = Run::start(&mut *db, "r1", vec![users()]).await;
    run.write(&mut *db, 0, vec![user("a", "A", &["x"]), user("b", "B", &["x"])]).await;
    let mut target = filled(users());
    target.on_conflict = OnConflict::Fail;
    let mut run = Run::start(&mut *db, "r2", vec![target]).await;
    let receipt = run.write(&mut *db, 0, vec![user("a", "A", &["x"]), user("b", "B", &["y"])]).await;
    assert_eq!(counts(&receipt.counts), "read 2, unchanged 1, rejected 1");
}
