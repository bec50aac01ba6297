//! Backups, restores and shadows.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;

use fireferry::destination::libsql::{LibsqlFile, Mode};
use fireferry::destination::{Destination, MigrationStep, Target};

use super::support::*;

const SCHEMA: &str = "
CREATE TABLE teams (id TEXT PRIMARY KEY) STRICT;
CREATE TABLE users (id TEXT PRIMARY KEY, team TEXT REFERENCES teams, n INTEGER,
                    twice INTEGER GENERATED ALWAYS AS (n * 2) STORED) STRICT;
CREATE TABLE other (id TEXT PRIMARY KEY) STRICT;
CREATE TABLE log (id INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT) STRICT;
CREATE INDEX users_n ON users (n);
CREATE TRIGGER logged AFTER INSERT ON users BEGIN INSERT INTO log (what) VALUES (new.id); END;
CREATE VIEW names AS SELECT id FROM users;
INSERT INTO teams VALUES ('red'); INSERT INTO other VALUES ('o');
INSERT INTO users (id, team, n) VALUES ('a', 'red', 21); DELETE FROM log;";

fn users() -> Target {
    filled(target("users", &["id", "team", "n"]))
}

/// Every byte of the database and of its WAL, and the names beside it.
fn bytes(file: &Path) -> (Vec<u8>, Option<Vec<u8>>) {
    let wal = format!("{}-wal", file.display());
    (std::fs::read(file).unwrap(), std::fs::read(wal).ok())
}

fn names(file: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(file.parent().unwrap()).unwrap().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Writes through a shadow and looks at what it did.
async fn dry_run(file: &Path, at: &Path) {
    let mut real = LibsqlFile::open(file, Mode::ReadOnly).unwrap();
    real.check().await.unwrap();
    real.check_writable().await.unwrap();
    assert_eq!(real.count(&["users".into()]).await.unwrap(), [1]);
    real.inspect().await.unwrap();
    drop(real.shadow(at, &["users".into()]).await.unwrap());
    let mut shadow = LibsqlFile::open(at, Mode::ReadWrite { create: false }).unwrap();
    let mut run = Run::start(&mut shadow, "dry", vec![users()]).await;
    let user = |id: &str, team: &str| document("users", vec![text(id), text(team), int(1)]);
    let receipt = run.write(&mut shadow, 0, vec![user("a", "red"), user("b", "red"), user("c", "blue")]).await;
    assert_eq!(counts(&receipt.counts), "read 3, inserted 1, updated 1, waiting 1");
    let rows =
        query(at, "SELECT u.id, twice, (SELECT max(id) FROM log), (SELECT count(*) FROM other) FROM users u").await;
    assert_eq!(rows, "a|2|2|0\nb|2|2|0");
}

#[tokio::test]
async fn a_shadow_behaves_like_the_database_and_changes_no_byte_of_it() {
    let place = place();
    execute(&place.file, "PRAGMA journal_mode = WAL").await;
    execute(&place.file, SCHEMA).await;
    let before = (bytes(&place.file), names(&place.file));
    let elsewhere = tempfile::tempdir().unwrap();
    dry_run(&place.file, &elsewhere.path().join("shadow.db")).await;
    assert_eq!((bytes(&place.file), names(&place.file)), before);
}

#[tokio::test]
async fn a_wal_left_by_a_killed_program_is_read_and_stays_as_it_is() {
    let source = place();
    execute(&source.file, "PRAGMA journal_mode = WAL; CREATE TABLE first (x)").await;
    // As after a kill: copied while a connection keeps its WAL.
    let open = libsql::Builder::new_local(&source.file).build().await.unwrap().connect().unwrap();
    open.execute_batch(SCHEMA).await.unwrap();
    let place = place();
    std::fs::copy(&source.file, &place.file).unwrap();
    let wal = |file: &Path| format!("{}-wal", file.display());
    std::fs::copy(wal(&source.file), wal(&place.file)).unwrap();
    let before = bytes(&place.file);
    assert!(before.1.as_ref().unwrap().len() > 4096);
    let elsewhere = tempfile::tempdir().unwrap();
    dry_run(&place.file, &elsewhere.path().join("shadow.db")).await;
    assert!(bytes(&place.file) == before, "the database or its WAL changed");
}

#[tokio::test]
async fn a_rollback_journal_database_is_read_without_a_change() {
    let place = place();
    execute(&place.file, SCHEMA).await;
    let before = (bytes(&place.file), names(&place.file));
    let elsewhere = tempfile::tempdir().unwrap();
    dry_run(&place.file, &elsewhere.path().join("shadow.db")).await;
    assert_eq!((bytes(&place.file), names(&place.file)), before);
}

#[tokio::test]
async fn the_shadow_of_a_missing_file_is_empty_and_can_be_migrated() {
    let place = place();
    let mut real = LibsqlFile::open(&place.file, Mode::ReadOnly).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let mut shadow = real.shadow(&elsewhere.path().join("s.db"), &["users".into()]).await.unwrap();
    let step = MigrationStep { version: 1, name: "a".into(), checksum: "c".into(), sql: SCHEMA.into(), up: true };
    shadow.migrate(&step).await.unwrap();
    assert_eq!(shadow.count(&["users".into()]).await.unwrap(), [1]);
    assert!(!place.file.exists());
}

#[tokio::test]
async fn applied_migrations_are_known_to_the_shadow() {
    let place = place();
    let mut db = open(&place.file);
    let step = MigrationStep { version: 1, name: "a".into(), checksum: "c".into(), sql: SCHEMA.into(), up: true };
    db.migrate(&step).await.unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let mut shadow = db.shadow(&elsewhere.path().join("s.db"), &[]).await.unwrap();
    assert_eq!(shadow.migrations().await.unwrap(), db.migrations().await.unwrap());
    assert_eq!(shadow.inspect().await.unwrap().fingerprint, db.inspect().await.unwrap().fingerprint);
}

#[tokio::test]
async fn a_backup_is_whole_sound_and_private_and_can_be_put_back() {
    let (place, mut db) = with_schema(SCHEMA).await;
    let to = place.file.with_file_name("backup.db");
    let backup = db.backup(&to).await.unwrap();
    let content = std::fs::read(&to).unwrap();
    assert_eq!((backup.bytes, &backup.hash), (content.len() as u64, &blake3::hash(&content).to_hex().to_string()));
    assert_eq!(db.backup(&to).await.unwrap_err().code(), "backup_failed");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
    }

    let id = db.id().await.unwrap();
    let mut run = Run::start(&mut db, "r", vec![users()]).await;
    run.write(&mut db, 0, vec![document("users", vec![text("new"), text("red"), int(1)])]).await;
    assert_eq!(db.count(&["users".into()]).await.unwrap(), [2]);
    db.restore(&to).await.unwrap();
    assert_eq!(db.count(&["users".into()]).await.unwrap(), [1]);
    assert_eq!(db.id().await.unwrap(), id);
    assert_eq!(query(&place.file, "SELECT id, twice FROM users").await, "a|42");
    let mut run = Run::start(&mut db, "r", vec![users()]).await;
    run.write(&mut db, 0, vec![document("users", vec![text("new"), text("red"), int(1)])]).await;
    drop(db);
    assert_eq!(names(&place.file), ["backup.db", "test.db"]);
}

#[cfg(unix)]
#[tokio::test]
async fn a_restore_follows_links_and_leaves_them() {
    let (place, mut db) = with_schema(SCHEMA).await;
    let to = place.file.with_file_name("backup.db");
    db.backup(&to).await.unwrap();
    drop(db);
    let links = tempfile::tempdir().unwrap();
    let link = links.path().join("link.db");
    std::os::unix::fs::symlink(&place.file, &link).unwrap();
    execute(&place.file, "DELETE FROM users").await;
    open(&link).restore(&to).await.unwrap();
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(query(&place.file, "SELECT count(*) FROM users").await, "1");
}

#[tokio::test]
async fn a_damaged_database_can_be_restored() {
    let (place, mut db) = with_schema(SCHEMA).await;
    let to = place.file.with_file_name("backup.db");
    db.backup(&to).await.unwrap();
    db.finish("none").await.unwrap();
    let mut content = std::fs::read(&place.file).unwrap();
    content[4096..].fill(0xee);
    std::fs::write(&place.file, content).unwrap();
    db.restore(&to).await.unwrap();
    assert_eq!(db.integrity(true).await.unwrap(), Vec::<String>::new());
    assert_eq!(db.count(&["users".into()]).await.unwrap(), [1]);
}

#[tokio::test]
async fn a_database_in_use_is_not_replaced_under_its_users() {
    let (place, mut db) = with_schema(SCHEMA).await;
    let to = place.file.with_file_name("backup.db");
    db.backup(&to).await.unwrap();
    let other = libsql::Builder::new_local(&place.file).build().await.unwrap().connect().unwrap();
    let mut rows = other.query("SELECT * FROM users", ()).await.unwrap();
    rows.next().await.unwrap();
    let error = db.restore(&to).await.unwrap_err();
    assert_eq!(error.code(), "destination_in_use");
    drop((rows, other));
    let mut holder = open(&place.file);
    holder.acquire_lease("someone").await.unwrap();
    assert_eq!(db.restore(&to).await.unwrap_err().code(), "lease_held");
    drop(holder);
    db.restore(&to).await.unwrap();
    assert_eq!(db.count(&["users".into()]).await.unwrap(), [1]);
}

#[tokio::test]
async fn clearing_empties_the_tables_and_forgets_the_pipelines_runs() {
    let (place, mut db) = with_schema(SCHEMA).await;
    let mut run = Run::start(&mut db, "r", vec![users()]).await;
    run.write(&mut db, 0, vec![document("users", vec![text("x"), text("blue"), int(1)])]).await;
    let deleted = db.clear("test", &["users".into(), "teams".into()]).await.unwrap();
    assert_eq!(deleted, [1, 1]);
    for table in
        ["users", "teams", "_fireferry_runs", "_fireferry_checkpoints", "_fireferry_rejects", "_fireferry_seen"]
    {
        assert_eq!(query(&place.file, &format!("SELECT count(*) FROM {table}")).await, "0", "{table}");
    }
    assert_eq!(query(&place.file, "SELECT count(*) FROM other").await, "1");
    assert_eq!(db.find_run("test", None).await.unwrap(), None);
}

#[tokio::test]
async fn a_reader_sees_what_others_wrote_since_it_was_opened() {
    let place = place();
    let mut reader = LibsqlFile::open(&place.file, Mode::ReadOnly).unwrap();
    assert_eq!(reader.inspect().await.unwrap().tables, vec![]);
    execute(&place.file, SCHEMA).await;
    assert_eq!(reader.count(&["users".into()]).await.unwrap(), [1]);
    execute(&place.file, "DELETE FROM users").await;
    assert_eq!(reader.count(&["users".into()]).await.unwrap(), [0]);
    execute(&place.file, "PRAGMA journal_mode = WAL").await;
    let writer = libsql::Builder::new_local(&place.file).build().await.unwrap().connect().unwrap();
    writer.execute_batch("INSERT INTO users (id) VALUES ('x'), ('y')").await.unwrap();
    assert_eq!(reader.count(&["users".into()]).await.unwrap(), [2]);
    writer.execute_batch("DELETE FROM users").await.unwrap();
    assert_eq!(reader.count(&["users".into()]).await.unwrap(), [0]);
}

#[tokio::test]
async fn reading_gives_up_no_lock_of_a_writer_in_the_same_process() {
    for journal in ["WAL", "DELETE"] {
        let place = place();
        execute(&place.file, &format!("PRAGMA journal_mode = {journal}")).await;
        execute(&place.file, SCHEMA).await;
        let writer = libsql::Builder::new_local(&place.file).build().await.unwrap().connect().unwrap();
        writer.execute_batch("BEGIN IMMEDIATE").await.unwrap();
        drop(LibsqlFile::open(&place.file, Mode::ReadOnly).unwrap());
        // Another process still finds the lock.
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "destination::copies::locking_process"])
            .env("FIREFERRY_TEST_LOCK_FILE", &place.file)
            .output()
            .unwrap();
        assert!(output.status.success(), "{journal}: {}", String::from_utf8_lossy(&output.stdout));
    }
}

/// Not a test of its own: another process that finds the database locked, and says by whom.
#[tokio::test]
async fn locking_process() {
    let Ok(file) = std::env::var("FIREFERRY_TEST_LOCK_FILE") else { return };
    let error = open(Path::new(&file)).check_writable().await.unwrap_err();
    assert_eq!(error.code(), "destination_busy");
    #[cfg(target_os = "linux")]
    assert!(error.message().contains(&format!("process {}", std::os::unix::process::parent_id())), "{error}");
}
