//! Applying migrations to a real file.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use fireferry::destination::{Destination, MigrationStep};

use crate::destination::support::{execute, open, place, query};

fn step(version: u64, sql: &str, up: bool) -> MigrationStep {
    MigrationStep { version, name: "test".into(), checksum: format!("c{version}"), sql: sql.into(), up }
}

#[tokio::test]
async fn a_migration_and_its_record_are_one_step_and_can_be_taken_back() {
    let place = place();
    let mut db = open(&place.file);
    assert_eq!(db.migrations().await.unwrap(), vec![]);
    let sql = "-- two tables; and a trigger\nCREATE TABLE a (x);\nCREATE TABLE b (y);
               CREATE TRIGGER t AFTER INSERT ON a BEGIN INSERT INTO b VALUES (';'); END;\nINSERT INTO a VALUES (1);";
    db.migrate(&step(1, sql, true)).await.unwrap();
    let applied = db.migrations().await.unwrap();
    assert_eq!((applied[0].version, applied[0].name.as_str(), applied[0].checksum.as_str()), (1, "test", "c1"));
    assert!(applied[0].applied_at.ends_with('Z'));
    assert_eq!(query(&place.file, "SELECT y FROM b").await, ";");

    db.migrate(&step(1, "DROP TABLE a; DROP TABLE b", false)).await.unwrap();
    assert_eq!(db.migrations().await.unwrap(), vec![]);
    assert_eq!(db.inspect().await.unwrap().tables, vec![]);
}

#[tokio::test]
async fn a_failed_migration_leaves_nothing_and_names_its_line() {
    let place = place();
    let mut db = open(&place.file);
    let error = db.migrate(&step(7, "CREATE TABLE a (x);\n\nCREATE TABEL b (y);", true)).await.unwrap_err();
    assert_eq!(error.code(), "migration_failed");
    assert_eq!(
        error.message(),
        "migration 0007_test.up.sql failed and nothing of it was applied: near \"TABEL\": syntax error"
    );
    assert_eq!(error.place().line, Some(3));
    assert_eq!(query(&place.file, "SELECT count(*) FROM sqlite_schema").await, "0");
    db.migrate(&step(7, "CREATE TABLE a (x)", true)).await.unwrap();
}

#[tokio::test]
async fn a_migration_may_not_end_its_transaction() {
    let place = place();
    let mut db = open(&place.file);
    for sql in ["CREATE TABLE a (x); COMMIT; CREATE TABLE b (y)", "begin; CREATE TABLE a (x); end"] {
        let error = db.migrate(&step(1, sql, true)).await.unwrap_err();
        assert_eq!(error.code(), "migration_failed");
    }
    assert_eq!(query(&place.file, "SELECT count(*) FROM sqlite_schema").await, "0");
}

#[tokio::test]
async fn rebuilding_a_parent_table_keeps_its_children_and_leaves_foreign_keys_on() {
    let place = place();
    execute(
        &place.file,
        "CREATE TABLE p (id TEXT PRIMARY KEY); CREATE TABLE c (p TEXT REFERENCES p ON DELETE CASCADE);
         INSERT INTO p VALUES ('a'); INSERT INTO c VALUES ('a');",
    )
    .await;
    let mut db = open(&place.file);
    let rebuild = "CREATE TABLE new (id TEXT PRIMARY KEY, n INTEGER) STRICT; INSERT INTO new (id) SELECT id FROM p;
                   DROP TABLE p; ALTER TABLE new RENAME TO p;";
    db.migrate(&step(1, rebuild, true)).await.unwrap();
    assert_eq!(query(&place.file, "SELECT p FROM c").await, "a");
    let error = db.migrate(&step(2, "DELETE FROM p", true)).await.unwrap_err();
    assert!(error.message().ends_with("afterwards rows of c would have no parent in p"), "{error}");
    assert_eq!(query(&place.file, "SELECT id FROM p").await, "a");
}

#[tokio::test]
async fn a_table_of_another_tool_is_not_taken_for_ours() {
    let place = place();
    execute(&place.file, "CREATE TABLE schema_migrations (version TEXT PRIMARY KEY)").await;
    let mut db = open(&place.file);
    for error in [db.migrations().await.unwrap_err(), db.migrate(&step(1, "", true)).await.unwrap_err()] {
        assert_eq!(error.code(), "migrations_of_another_tool");
    }
}
