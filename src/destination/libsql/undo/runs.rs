//! Questions about runs: which one is half taken back, which are newer, which have a log.

use super::super::statement::{Statement, number, text};
use super::access::internal;
use crate::domain::row::Row;
use crate::error::{Error, ErrorKind, Result};

/// The status of a run that is being taken back.
pub const ROLLING_BACK: &str = "rolling_back";

/// Which run is being taken back, if one is: a row if so.
pub fn unfinished() -> Statement {
    let sql = "SELECT CAST(run AS BLOB) FROM _fireferry_runs WHERE status = ?1 LIMIT 1";
    Statement::new(sql, vec![ROLLING_BACK.into()])
}

/// Refuses a destination in which a run is half taken back.
pub fn refuse_unfinished(rows: &[Row]) -> Result<()> {
    let Some(row) = rows.first() else { return Ok(()) };
    let run = text(row, 0).map_err(internal)?;
    let message = format!("run {run} is half taken back: its rollback was not finished");
    Err(Error::new(ErrorKind::Preflight, "rollback_unfinished", message)
        .hint(format!("start it again: `fireferry rollback {run}`; it goes on where it stopped")))
}

/// Newer runs than this one, the newest first.
pub fn newer(run: &str) -> Statement {
    Statement::new(
        "SELECT CAST(run AS BLOB), CAST(pipeline AS BLOB), CAST(started_at AS BLOB), CAST(status AS BLOB),
           CAST(pipeline_fingerprint AS BLOB), CAST(schema_fingerprint AS BLOB), CAST(details AS BLOB)
         FROM _fireferry_runs WHERE id > (SELECT id FROM _fireferry_runs WHERE run = ?1) ORDER BY id DESC",
        vec![run.into()],
    )
}

/// Runs whose log is kept, the newest first, after this many.
pub fn logged(skip: u64) -> Statement {
    Statement::new(
        "SELECT CAST(run AS BLOB), CAST(pipeline AS BLOB), CAST(started_at AS BLOB), CAST(status AS BLOB),
           CAST(pipeline_fingerprint AS BLOB), CAST(schema_fingerprint AS BLOB), CAST(details AS BLOB)
         FROM _fireferry_runs WHERE json_extract(details, '$.undo') IN ('on', 'pruning') ORDER BY id DESC LIMIT 100 OFFSET ?1",
        vec![number(skip)],
    )
}
