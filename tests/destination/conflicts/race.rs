//! On a server, another program may change a row between the question what is there and the commit.

use std::sync::Arc;
use std::time::Duration;

use fireferry::destination::libsql::{RemoteDatabase, RemoteOptions};
use fireferry::destination::{Destination, OnConflict};

use super::{Content, SCHEMA, mapped, notes};
use crate::destination::support::*;
use crate::remote::opening::options;
use crate::remote::server::Sqld;
use crate::support::proxy::{Fault, Proxy, Script};

/// The commit of the one document is kept back until the row was changed.
async fn changed_meanwhile(strategy: OnConflict, row: &str, change: &'static str) -> Option<(String, String)> {
    let server = Arc::new(Sqld::start()?);
    server.execute_all(&format!("{SCHEMA}{row}"));
    let proxy = Arc::new(Proxy::start(server.address(), Script::new()));
    let through = RemoteOptions { url: proxy.url(), ..options(&server) };
    let mut db = RemoteDatabase::new(through).unwrap();
    db.acquire_lease("the test").await.unwrap();
    db.initialize().await.unwrap();
    let mut run = Run::start(&mut db, "r1", vec![notes(strategy)]).await;
    let hold = Fault::Hold(Duration::from_secs(1));
    proxy.set_script(Script::new().containing("UPDATE OR ABORT \\\"notes\\\"", 1, hold));
    let (other, watched) = (Arc::clone(&server), Arc::clone(&proxy));
    let program = std::thread::spawn(move || {
        watched.wait(|requests| requests.iter().any(|request| request.fault.is_some()));
        other.execute_all(change);
    });
    let content = Content { at: int(5), note: text("new"), data: text(r#"{"b":2}"#), tags: vec![] };
    let receipt = run.write(&mut db, 0, vec![mapped("a", &content)]).await;
    program.join().unwrap();
    assert_eq!(proxy.faults().len(), 1);
    let row = server.query("SELECT printf('%s %d %s %s', id, at, note, data) FROM notes").remove(0);
    Some((counts(&receipt.counts), row[0].clone().text()))
}

#[tokio::test]
async fn a_row_that_became_newer_meanwhile_stays() {
    let row = "INSERT INTO notes VALUES ('a', 3, 'old', NULL);";
    let newer = "UPDATE notes SET at = 9, note = 'newest'";
    let strategy = OnConflict::KeepNewest("at".to_owned());
    let Some(found) = changed_meanwhile(strategy.clone(), row, newer).await else { return };
    assert_eq!(found, ("read 1, skipped 1".to_owned(), "a 9 newest ".to_owned()));
    let older = "UPDATE notes SET at = 4, note = 'older'";
    let found = changed_meanwhile(strategy, row, older).await.unwrap();
    assert_eq!(found, ("read 1, updated 1".to_owned(), "a 5 new {\"b\":2}".to_owned()));
}

#[tokio::test]
async fn what_was_filled_meanwhile_is_not_overwritten_by_a_merge() {
    let row = "INSERT INTO notes VALUES ('a', 3, NULL, '{\"a\":1}');";
    let change = "UPDATE notes SET note = 'theirs', data = '{\"a\":1,\"b\":7}'";
    let Some(found) = changed_meanwhile(OnConflict::Merge, row, change).await else { return };
    assert_eq!(found, ("read 1, skipped 1".to_owned(), "a 3 theirs {\"a\":1,\"b\":7}".to_owned()));
}
