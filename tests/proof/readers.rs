//! A thousand programs read the destination and the ledger while a run writes: no read fails, none sees half of a commit,
//! and nothing that was written is lost.
//!
//! `FIREFERRY_TEST_READERS` and `FIREFERRY_TEST_READERS_DOCUMENTS` set other numbers.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use libsql::{Builder, Connection, OpenFlags};

use super::crash::Scenario;
use super::setting;
use crate::support::documents::Load;

/// As a careful user reads: read-only, patient.
async fn connect(file: &Path) -> Result<Connection, libsql::Error> {
    let database = Builder::new_local(file).flags(OpenFlags::SQLITE_OPEN_READ_ONLY).build().await?;
    let connection = database.connect()?;
    connection.query("PRAGMA busy_timeout = 30000", ()).await?;
    Ok(connection)
}

async fn number(connection: &Connection, sql: &str) -> Result<i64, libsql::Error> {
    let mut rows = connection.query(sql, ()).await?;
    rows.next().await?.map_or(Ok(-1), |row| row.get(0))
}

/// In one statement, so at one moment: rows of all tables, less those that the checkpoints account for.
const UNACCOUNTED: &str = "SELECT (SELECT count(*) FROM teams) + (SELECT count(*) FROM people) + (SELECT count(*) FROM orders) \
    + (SELECT count(*) FROM notes) - (SELECT coalesce(sum(inserted), 0) FROM _fireferry_checkpoints)";
const READ: &str = "SELECT coalesce(sum(read), 0) FROM _fireferry_checkpoints";

/// What the readers found.
#[derive(Default)]
struct Found {
    reads: AtomicU64,
    ledger_reads: AtomicU64,
    /// Readers that saw the run at more than one state.
    moved: AtomicU64,
    over: AtomicBool,
    failures: Mutex<Vec<String>>,
}

impl Found {
    fn fail(&self, what: String) {
        let mut failures = self.failures.lock().unwrap();
        if failures.len() < 10 {
            failures.push(what);
        }
    }
}

/// One reader, until the run is over.
async fn read(found: &Found, destination: &Path, ledger: &Path) -> Result<(), libsql::Error> {
    let rows = connect(destination).await?;
    let runs = connect(ledger).await?;
    let (mut last, mut states) = (0, 0);
    while !found.over.load(Ordering::Relaxed) {
        let unaccounted = number(&rows, UNACCOUNTED).await?;
        if unaccounted != 0 {
            found.fail(format!("{unaccounted} rows without their checkpoint"));
        }
        let now = number(&rows, READ).await?;
        if now < last {
            found.fail(format!("{last} documents were accounted for, now {now}"));
        }
        states += u64::from(now != last);
        last = now;
        found.reads.fetch_add(2, Ordering::Relaxed);
        number(&runs, "SELECT count(*) FROM runs").await?;
        found.ledger_reads.fetch_add(1, Ordering::Relaxed);
        std::thread::sleep(Duration::from_millis(50));
    }
    found.moved.fetch_add(u64::from(states > 1), Ordering::Relaxed);
    Ok(())
}

fn reader(found: &Arc<Found>, destination: PathBuf, ledger: PathBuf) -> std::thread::JoinHandle<()> {
    let found = Arc::clone(found);
    let work = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        if let Err(error) = runtime.block_on(read(&found, &destination, &ledger)) {
            found.fail(error.to_string());
        }
    };
    std::thread::Builder::new().stack_size(512 << 10).spawn(work).unwrap()
}

#[test]
fn a_thousand_readers_disturb_no_run_and_no_run_disturbs_them() {
    let readers = setting("FIREFERRY_TEST_READERS", 1_000);
    let documents = setting("FIREFERRY_TEST_READERS_DOCUMENTS", 20_000);
    let load = Load { documents, seed: 31, commit_documents: 200, later: false };
    let scenario = Scenario::new("with readers", &load, None);
    let workspace = scenario.workspace();
    let (destination, ledger) = (workspace.destination(), workspace.disk().join("state/ledger.db"));
    let child = workspace.start(workspace.run_command(&["--progress", "none"]));
    let ready = |sql: &str, file: &Path| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let ask = async { number(&connect(file).await?, sql).await };
        file.exists() && runtime.block_on(ask).is_ok_and(|number| number > 0)
    };
    let began = Instant::now();
    while !(ready(READ, &destination) && ready("SELECT count(*) FROM runs", &ledger)) {
        assert!(began.elapsed() < Duration::from_secs(60), "the run did not begin");
        std::thread::sleep(Duration::from_millis(1));
    }
    let found = Arc::new(Found::default());
    let threads: Vec<_> = (0..readers).map(|_| reader(&found, destination.clone(), ledger.clone())).collect();
    let outcome = workspace.sandbox.finish(child);
    let took = began.elapsed();
    found.over.store(true, Ordering::Relaxed);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let count = |number: &AtomicU64| number.load(Ordering::Relaxed);
    println!(
        "{readers} readers: {} reads of the destination, {} of the ledger, {} saw several states; the run took {took:?}, \
         undisturbed {:?}",
        count(&found.reads),
        count(&found.ledger_reads),
        count(&found.moved),
        scenario.duration,
    );
    assert_eq!(*found.failures.lock().unwrap(), Vec::<String>::new());
    assert!(count(&found.reads) >= 2 * readers as u64 && count(&found.moved) > 0, "the readers saw little");
    outcome.exits(4);
    scenario.compare(&workspace, "with readers");
}
