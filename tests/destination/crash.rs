//! A process that dies: the local half of the proof that a commit is applied whole, once.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::{Path, PathBuf};
use std::process::Command;

use async_trait::async_trait;
use fireferry::destination::{Batch, Destination, Feed};
use fireferry::domain::row::MappedDocument;
use fireferry::error::{ErrorKind, Result};

use super::support::*;

const SCHEMA: &str = "CREATE TABLE items (id TEXT PRIMARY KEY, n INTEGER CHECK (n >= 0)) STRICT;";

/// Set for the process that shall die: file and moment.
const FILE: &str = "FIREFERRY_TEST_CRASH_FILE";
const MOMENT: &str = "FIREFERRY_TEST_CRASH_MOMENT";

fn documents(commit: i64) -> Vec<MappedDocument> {
    let row = |i: i64| document("items", vec![text(&format!("{commit}-{i}")), int(if i == 50 { -1 } else { i })]);
    (0..100).map(row).collect()
}

/// Dies in the middle of a commit.
struct Deadly(Option<Batch>);

#[async_trait]
impl Feed for Deadly {
    async fn next(&mut self) -> Result<Option<Batch>> {
        match self.0.take() {
            Some(batch) => Ok(Some(batch)),
            None => std::process::abort(),
        }
    }
}

/// Not a test of its own: what the dying process does.
#[tokio::test]
async fn dying_process() {
    let Ok(file) = std::env::var(FILE) else { return };
    let mut db = open(Path::new(&file));
    db.acquire_lease("the dying process").await.unwrap();
    let mut run = Run::start(&mut db, "r", vec![target("items", &["id", "n"])]).await;
    run.write(&mut db, 0, documents(1)).await;
    if std::env::var(MOMENT).unwrap() == "after the second commit" {
        run.write(&mut db, 0, documents(2)).await;
        std::process::abort();
    }
    let _ = db.write(&run.header(0), &mut Deadly(Some(batch(documents(2), "x")))).await;
}

/// What is left: durable commits, rows, rejects.
async fn crashed(moment: &str) -> (Place, u64, String, usize) {
    let (place, db) = with_schema(SCHEMA).await;
    drop(db);
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "destination::crash::dying_process"])
        .env(FILE, &place.file)
        .env(MOMENT, moment)
        .output()
        .unwrap()
        .status;
    assert!(!status.success());
    let mut db = open(&place.file);
    db.acquire_lease("the next process").await.unwrap();
    let sequence = db.partitions("r").await.unwrap()[0].sequence;
    let rejects = rejects(&mut db).await.len();
    let rows = query(&place.file, "SELECT count(*) FROM items").await;
    (place, sequence, rows, rejects)
}

#[tokio::test]
async fn a_commit_whose_answer_was_lost_is_found_by_its_checkpoint_and_not_applied_twice() {
    let (place, sequence, rows, rejects) = crashed("after the second commit").await;
    assert_eq!((sequence, rows.as_str(), rejects), (2, "198", 2));
    let mut db = open(&place.file);
    let targets = vec![target("items", &["id", "n"])];
    db.prepare("r", &targets).await.unwrap();
    let mut header = fireferry::destination::CommitHeader {
        run: "r".into(),
        target: 0,
        partition: "p".into(),
        sequence: 2,
        from: Some(fireferry::domain::cursor::Cursor("after 1".into())),
        finalize: false,
        pass: 0,
    };
    let again = db.write(&header, &mut feed(vec![batch(documents(2), "after 2")])).await.unwrap_err();
    assert_eq!((again.kind(), again.code()), (ErrorKind::Internal, "commit_out_of_order"));
    header.sequence = 3;
    header.from = db.partitions("r").await.unwrap()[0].cursor.clone();
    let written = db.write(&header, &mut feed(vec![batch(documents(3), "after 3")])).await.unwrap();
    let receipt = only(&mut db, written).await;
    assert_eq!(counts(&receipt.counts), "read 100, inserted 99, rejected 1");
}

#[tokio::test]
async fn a_commit_that_was_not_finished_leaves_nothing() {
    let (_place, sequence, rows, rejects) = crashed("within the second commit").await;
    assert_eq!((sequence, rows.as_str(), rejects), (1, "99", 1));
}

/// Runs `action` in a shell that limits the size of files, as a quota or a full disk does.
fn limited(file: &Path, kilobytes: u64) -> String {
    let exe: PathBuf = std::env::current_exe().unwrap();
    let script = format!(
        "trap '' XFSZ; ulimit -f {kilobytes}; exec '{}' --exact destination::crash::filling_process --nocapture",
        exe.display()
    );
    Command::new("bash").args(["-c", &script]).env(FILE, file).output().unwrap();
    std::fs::read_to_string(format!("{}.said", file.display())).unwrap_or_default()
}

/// Not a test of its own: writes until the file cannot grow.
#[tokio::test]
async fn filling_process() {
    let Ok(file) = std::env::var(FILE) else { return };
    if std::env::var(MOMENT).is_ok() {
        return;
    }
    let mut db = open(Path::new(&file));
    let mut run = Run::start(&mut db, "r", vec![target("items", &["id", "n"])]).await;
    run.write(&mut db, 0, documents(1)).await;
    let long = "x".repeat(100_000);
    let large = (0..100).map(|i| document("items", vec![text(&format!("{i}{long}")), int(1)])).collect();
    let error = db.write(&run.header(0), &mut feed(vec![batch(large, "x")])).await.unwrap_err();
    let left = db.partitions("r").await.unwrap()[0].sequence;
    std::fs::write(format!("{file}.said"), format!("{:?} {} {left}", error.kind(), error.code())).unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_cannot_grow_loses_only_the_commit_at_hand() {
    let (place, db) = with_schema(SCHEMA).await;
    drop(db);
    let said = limited(&place.file, 2_000);
    assert_eq!(said, "Destination destination_io 1");
    assert_eq!(query(&place.file, "SELECT count(*) FROM items").await, "99");
    let mut db = open(&place.file);
    assert_eq!(db.integrity(true).await.unwrap(), Vec::<String>::new());
    assert_eq!(rejects(&mut db).await.len(), 1);
}

#[tokio::test]
async fn a_full_database_is_not_taken_for_a_rejected_document() {
    let (place, mut db) = with_schema(SCHEMA).await;
    let mut run = Run::start(&mut db, "r", vec![target("items", &["id", "n"])]).await;
    run.write(&mut db, 0, documents(1)).await;
    // SQLite's own page limit gives the same code as a full disk.
    db.limit_pages(40).unwrap();
    let many = (0..10_000).map(|i| document("items", vec![text(&format!("more {i}")), int(1)])).collect();
    let error = db.write(&run.header(0), &mut feed(vec![batch(many, "x")])).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Destination, "destination_full"));
    assert_eq!(query(&place.file, "SELECT count(*) FROM items").await, "99");
    assert_eq!(db.partitions("r").await.unwrap()[0].sequence, 1);
}
