//! The ledger's tables and their format version.

use std::path::Path;
use std::time::Duration;

use backon::{ConstantBuilder, Retryable};
use libsql::Connection;

use crate::error::{Error, ErrorKind, Result};

use super::failure::{failed, is_busy};

/// Version of the tables below.
const FORMAT: i64 = 3;
/// `FFLG`: says whose database this is.
const APPLICATION: i64 = 0x4646_4c47;

const PRAGMAS: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA foreign_keys = ON;
    PRAGMA journal_size_limit = 4194304;";

const TABLES: &str = "
    CREATE TABLE runs (
        id               TEXT PRIMARY KEY,
        pipeline         TEXT NOT NULL,
        pipeline_file    TEXT NOT NULL,
        destination      TEXT NOT NULL,
        destination_url  TEXT NOT NULL,
        status           TEXT NOT NULL,
        initiated_by     TEXT NOT NULL,
        started_at       TEXT NOT NULL,
        active_at        TEXT NOT NULL,
        finished_at      TEXT,
        host             TEXT NOT NULL,
        pid              INTEGER NOT NULL,
        pid_started      INTEGER NOT NULL,
        cancel_requested INTEGER NOT NULL DEFAULT 0,
        report           TEXT,
        rolls_back       TEXT
    ) STRICT;
    CREATE INDEX runs_active ON runs (active_at, id);
    CREATE TABLE rejects (
        run        TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        number     INTEGER NOT NULL,
        collection TEXT NOT NULL,
        document   TEXT NOT NULL,
        code       TEXT NOT NULL,
        reason     TEXT NOT NULL,
        origin     TEXT NOT NULL,
        data       TEXT,
        retried_by TEXT,
        PRIMARY KEY (run, number)
    ) STRICT, WITHOUT ROWID;";

/// Tables that came later. They change nothing of those above, so that an older program still reads the ledger: no new format.
const LATER: &str = "
    CREATE TABLE IF NOT EXISTS verifications (
        id            TEXT PRIMARY KEY,
        pipeline      TEXT NOT NULL,
        pipeline_file TEXT NOT NULL,
        destination   TEXT NOT NULL,
        run           TEXT,
        status        TEXT NOT NULL,
        started_at    TEXT NOT NULL,
        active_at     TEXT NOT NULL,
        state         TEXT,
        report        TEXT
    ) STRICT;
    CREATE TABLE IF NOT EXISTS differences (
        verification TEXT NOT NULL REFERENCES verifications (id) ON DELETE CASCADE,
        number       INTEGER NOT NULL,
        collection   TEXT NOT NULL,
        kind         TEXT NOT NULL,
        document     TEXT,
        digest       TEXT NOT NULL,
        content      TEXT NOT NULL,
        PRIMARY KEY (verification, number)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS accepted_differences (
        pipeline    TEXT NOT NULL,
        destination TEXT NOT NULL,
        digest      TEXT NOT NULL,
        reason      TEXT NOT NULL,
        accepted_by TEXT NOT NULL,
        accepted_at TEXT NOT NULL,
        PRIMARY KEY (pipeline, destination, digest)
    ) STRICT, WITHOUT ROWID;";

/// From format 1: which retry a reject was written again by.
const FROM_1: &str = "ALTER TABLE rejects ADD COLUMN retried_by TEXT;";
const FROM_2: &str = "ALTER TABLE runs ADD COLUMN rolls_back TEXT; PRAGMA user_version = 3;";

/// Tries to set up a file that other processes open too, and the pause between them.
const TRIES: usize = 200;
const PAUSE: Duration = Duration::from_millis(25);

/// Makes the tables in a new file; refuses what is not a ledger that this program knows.
pub(super) async fn prepare(connection: &Connection, path: &Path) -> Result<()> {
    let broken = |error| failed(path, error);
    connection.execute_batch("BEGIN IMMEDIATE").await.map_err(broken)?;
    let result = prepare_in_transaction(connection, path).await;
    let end = if result.is_ok() { "COMMIT" } else { "ROLLBACK" };
    connection.execute_batch(end).await.map_err(broken)?;
    result?;
    // SQLite does not wait by itself when another process opens a new file and changes its journal mode too.
    let set = || async { connection.execute_batch(PRAGMAS).await.map(drop) };
    let patience = ConstantBuilder::default().with_delay(PAUSE).with_max_times(TRIES);
    set.retry(patience).when(is_busy).await.map_err(broken)
}

async fn prepare_in_transaction(connection: &Connection, path: &Path) -> Result<()> {
    let broken = |error| failed(path, error);
    let number = |sql: &'static str| async move {
        let mut rows = connection.query(sql, ()).await?;
        match rows.next().await? {
            Some(row) => row.get::<i64>(0),
            None => Ok(0),
        }
    };
    let format = number("PRAGMA user_version").await.map_err(broken)?;
    let application = number("PRAGMA application_id").await.map_err(broken)?;
    let tables = number("SELECT count(*) FROM sqlite_schema").await.map_err(broken)?;
    match (application, format) {
        (APPLICATION, FORMAT) => connection.execute_batch(LATER).await.map_err(broken).map(drop),
        (APPLICATION, 1) => {
            connection.execute_batch(&format!("{FROM_1} {FROM_2} {LATER}")).await.map_err(broken).map(drop)
        }
        (APPLICATION, 2) => connection.execute_batch(&format!("{FROM_2} {LATER}")).await.map_err(broken).map(drop),
        (APPLICATION, newer) if newer > FORMAT => Err(newer_format(path, newer)),
        (0, 0) if tables == 0 => {
            let sql =
                format!("{TABLES} {LATER} PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {FORMAT};");
            connection.execute_batch(&sql).await.map_err(broken).map(drop)
        }
        _ => Err(Error::new(ErrorKind::Ledger, "ledger_foreign", "this database is not a ledger of fireferry")
            .file(path)
            .hint("name another file with --ledger")),
    }
}

fn newer_format(path: &Path, format: i64) -> Error {
    let message = format!("the ledger has format {format}; this fireferry knows formats up to {FORMAT}");
    Error::new(ErrorKind::Ledger, "ledger_newer", message)
        .file(path)
        .hint("use the newer fireferry that wrote it, or another file with --ledger")
}
