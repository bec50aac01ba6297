//! Errors of the ledger, with the way out.

use std::path::Path;

use crate::error::{Error, ErrorKind};

const SQLITE_BUSY: i32 = 5;
const SQLITE_CORRUPT: i32 = 11;
const SQLITE_NOTADB: i32 = 26;

/// An error of the database below.
pub(super) fn failed(path: &Path, error: libsql::Error) -> Error {
    match primary_code(&error) {
        Some(SQLITE_CORRUPT | SQLITE_NOTADB) => damaged(path).caused_by(error),
        _ => Error::new(ErrorKind::Ledger, "ledger_failed", "the ledger cannot be read or written")
            .file(path)
            .caused_by(error)
            .hint("`ledger: best_effort` in the pipeline lets runs go on without a ledger"),
    }
}

/// The file is no sound database.
pub(super) fn damaged(path: &Path) -> Error {
    let name = path.display();
    Error::new(ErrorKind::Ledger, "ledger_damaged", "the ledger is damaged").file(path).hint(format!(
        "move it away, the next run makes a new one: mv {name} {name}.damaged\n\
         nothing of the data depends on it: checkpoints and rejects are in the destination; only the list of past runs is lost"
    ))
}

/// Another process holds a lock.
pub(super) fn is_busy(error: &libsql::Error) -> bool {
    primary_code(error) == Some(SQLITE_BUSY)
}

/// The primary result code of SQLite, where the error came from there.
fn primary_code(error: &libsql::Error) -> Option<i32> {
    match error {
        libsql::Error::SqliteFailure(code, _) => Some(code & 0xff),
        libsql::Error::ConnectionFailed(text) if text.contains("not a database") => Some(SQLITE_NOTADB),
        _ => None,
    }
}
