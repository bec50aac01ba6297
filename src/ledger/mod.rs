//! The history of runs: a libSQL file in the state folder.
//!
//! It is a copy for people. What a resume needs is in the destination, so a ledger may be moved away at any time;
//! only the reports of past runs go with it. Dry runs never reach it. Its size is bounded: [`MOST_RUNS`] runs and
//! [`MOST_REJECTS`] rejects of each are kept (all rejects stay in the destination and in the run's files).

mod differences;
mod entry;
mod failure;
pub mod files;
mod process;
mod rejects;
mod runs;
mod tables;
#[cfg(test)]
mod tests;
mod values;
mod verifications;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};

pub use differences::{DifferenceFilter, LedgerDifference};
pub use entry::{LedgerReject, RejectFilter, RunEntry, RunStart, RunState};
use failure::failed;
pub use process::host;
use values::Values;
pub use verifications::{VerificationEntry, VerificationStart};

/// Older runs are forgotten.
pub const MOST_RUNS: u64 = 1_000;
/// Of one run, no more rejects are copied.
pub const MOST_REJECTS: u64 = 100_000;
/// Older comparisons are forgotten.
pub const MOST_VERIFICATIONS: u64 = 100;
/// Of one comparison, no more differences are kept; they are counted all the same.
pub const MOST_DIFFERENCES: u64 = 1_000_000;
/// Larger documents of rejects are not copied; the rest of the reject is.
pub const MOST_DATA_BYTES: usize = 64 * 1024;

/// How long to wait for another process that writes.
const PATIENCE: Duration = Duration::from_secs(10);

/// The ledger. One connection; operations follow one another.
pub struct Ledger {
    path: PathBuf,
    connection: libsql::Connection,
}

impl Ledger {
    /// Opens the ledger, made if it is missing (mode 0600).
    ///
    /// Errors: `ledger_damaged`, `ledger_foreign` (another program's database), `ledger_newer` (written by a newer
    /// fireferry), `ledger_failed`.
    pub async fn open(path: &Path) -> Result<Self> {
        let unusable = |error: std::io::Error| {
            Error::new(ErrorKind::Ledger, "ledger_failed", "cannot open the ledger")
                .file(path)
                .caused_by(error)
                .hint("name another place with --ledger or --state-dir")
        };
        if let Some(parent) = path.parent() {
            files::private_dir(parent).map_err(unusable)?;
        }
        drop(files::private_append(path).map_err(unusable)?);
        let ledger = Self::connect(path).await.map_err(|error| failed(path, error))?;
        tables::prepare(&ledger.connection, path).await?;
        Ok(ledger)
    }

    /// Opens the ledger if there is one.
    pub async fn open_existing(path: &Path) -> Result<Option<Self>> {
        if path.exists() { Self::open(path).await.map(Some) } else { Ok(None) }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    async fn connect(path: &Path) -> libsql::Result<Self> {
        let connection = libsql::Builder::new_local(path).build().await?.connect()?;
        connection.busy_timeout(PATIENCE)?;
        Ok(Self { path: path.to_owned(), connection })
    }

    async fn execute(&self, sql: &str, params: impl libsql::params::IntoParams) -> Result<u64> {
        self.connection.execute(sql, params).await.map_err(|error| failed(&self.path, error))
    }

    /// All rows, as values: a row of libsql is only good until the next one is read.
    async fn query(&self, sql: &str, params: impl libsql::params::IntoParams) -> Result<Vec<Values>> {
        let collect = async {
            let mut found = self.connection.query(sql, params).await?;
            let mut rows = Vec::new();
            while let Some(row) = found.next().await? {
                rows.push((0..row.column_count()).map(|index| row.get_value(index)).collect::<libsql::Result<_>>()?);
            }
            libsql::Result::Ok(rows)
        };
        collect.await.map(|rows| rows.into_iter().map(Values).collect()).map_err(|error| failed(&self.path, error))
    }
}
