//! Opening files: what is a database, what is created, who may use it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use fireferry::destination::Destination;
use fireferry::destination::libsql::{LibsqlFile, Mode};
use fireferry::error::ErrorKind;

use super::support::*;

fn code(path: &std::path::Path, mode: Mode) -> &'static str {
    match LibsqlFile::open(path, mode) {
        Ok(_) => "opened",
        Err(error) => error.code(),
    }
}

const WRITE: Mode = Mode::ReadWrite { create: false };
const CREATE: Mode = Mode::ReadWrite { create: true };

#[tokio::test]
async fn what_is_no_database_is_named_and_left_as_it_is() {
    let place = place();
    let words = "these are words, long enough to be more than one header of a database would be".repeat(10);
    std::fs::write(&place.file, &words).unwrap();
    for mode in [Mode::ReadOnly, WRITE, CREATE] {
        assert_eq!(code(&place.file, mode), "not_a_database");
        assert_eq!(code(place.file.parent().unwrap(), mode), "destination_is_folder");
        assert_eq!(code(&place.file.parent().unwrap().join("no/where.db"), mode), "destination_folder_missing");
    }
    assert_eq!(std::fs::read_to_string(&place.file).unwrap(), words);
    assert_eq!(std::fs::read_dir(place.file.parent().unwrap()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_missing_file_is_created_only_when_asked_and_then_private() {
    let place = place();
    assert_eq!(code(&place.file, WRITE), "destination_missing");
    let mut read = LibsqlFile::open(&place.file, Mode::ReadOnly).unwrap();
    assert!(!read.exists());
    assert_eq!(read.inspect().await.unwrap().tables, vec![]);
    assert_eq!(read.id().await.unwrap(), None);
    read.check().await.unwrap();
    read.check_writable().await.unwrap();
    assert_eq!(read.initialize().await.unwrap_err().kind(), ErrorKind::Internal);
    assert!(!place.file.exists());

    let mut db = open(&place.file);
    db.initialize().await.unwrap();
    let id = db.id().await.unwrap().unwrap();
    drop(db);
    let mut db = open(&place.file);
    db.initialize().await.unwrap();
    assert_eq!(db.id().await.unwrap(), Some(id));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        for suffix in ["", "-wal"] {
            let file = format!("{}{suffix}", place.file.display());
            assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}

#[tokio::test]
async fn tables_of_a_newer_program_are_refused() {
    let (place, db) = with_schema("").await;
    drop(db);
    execute(&place.file, "UPDATE _fireferry_meta SET value = '2' WHERE name = 'format'").await;
    let mut db = open(&place.file);
    for error in [
        db.check().await.unwrap_err(),
        db.initialize().await.unwrap_err(),
        db.id().await.unwrap_err(),
        db.partitions("r").await.unwrap_err(),
    ] {
        assert_eq!((error.kind(), error.code()), (ErrorKind::Preflight, "destination_format_newer"));
    }
}

#[tokio::test]
async fn a_database_in_another_encoding_is_refused() {
    let place = place();
    execute(&place.file, "PRAGMA encoding = 'UTF-16le'; CREATE TABLE a (b)").await;
    assert_eq!(code(&place.file, WRITE), "destination_encoding");
}

#[cfg(unix)]
#[tokio::test]
async fn symbolic_links_lead_to_the_real_file() {
    let place = place();
    let link = place.file.with_file_name("link.db");
    std::os::unix::fs::symlink("test.db", &link).unwrap();
    let mut db = open(&link);
    db.initialize().await.unwrap();
    assert_eq!(db.path(), place.file.canonicalize().unwrap());
    assert!(place.file.exists());
}

#[tokio::test]
async fn a_file_name_with_odd_characters_is_just_a_name() {
    let place = place();
    let odd = place.file.with_file_name("a b?mode=memory&c#%41é.db");
    let mut db = open(&odd);
    db.initialize().await.unwrap();
    assert!(odd.exists());
    drop(db);
    let mut db = LibsqlFile::open(&odd, Mode::ReadOnly).unwrap();
    assert!(db.id().await.unwrap().is_some());
}

#[tokio::test]
async fn the_lease_has_one_holder_who_is_named() {
    let place = place();
    let (mut first, mut second) = (open(&place.file), open(&place.file));
    first.acquire_lease("ann@host, run 7").await.unwrap();
    first.acquire_lease("ann@host, run 7").await.unwrap();
    let error = second.acquire_lease("bob@host").await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::LeaseHeld, "lease_held"));
    assert_eq!(error.message(), "the destination is in use by ann@host, run 7");
    first.release_lease().await.unwrap();
    second.acquire_lease("bob@host").await.unwrap();
    assert!(first.acquire_lease("ann@host").await.unwrap_err().message().contains("bob@host"));
    drop(second);
    first.acquire_lease("ann@host").await.unwrap();
    drop(first);
    let left: Vec<_> =
        std::fs::read_dir(place.file.parent().unwrap()).unwrap().flatten().map(|e| e.file_name()).collect();
    assert_eq!(left, ["test.db"]);
}

#[tokio::test]
async fn runs_are_found_by_pipeline_and_name() {
    let (_place, mut db) = with_schema("").await;
    assert_eq!(db.find_run("test", None).await.unwrap(), None);
    Run::start(&mut db, "r1", vec![]).await;
    Run::start(&mut db, "r2", vec![]).await;
    let mut newest = db.find_run("test", None).await.unwrap().unwrap();
    assert_eq!(newest.run, "r2");
    assert_eq!(db.find_run("test", Some("r1")).await.unwrap().unwrap().run, "r1");
    assert_eq!(db.find_run("other", Some("r1")).await.unwrap(), None);
    newest.status = "completed".into();
    newest.details = "{\"a\":1}".into();
    db.update_run(&newest).await.unwrap();
    assert_eq!(db.find_run("test", None).await.unwrap(), Some(newest.clone()));
    newest.run = "r9".into();
    assert_eq!(db.update_run(&newest).await.unwrap_err().code(), "run_unknown");
}
