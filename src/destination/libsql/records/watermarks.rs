//! What an incremental run asks about earlier runs of its pipeline.

use super::super::failure::Failure;
use super::super::statement::{Statement, integer, number, optional_text, text};
use crate::destination::{OpenReject, StoredWatermark};
use crate::domain::row::SqlValue;

/// The newest watermark of every collection: of the runs that stored one, and completed every partition of the
/// collection.
pub fn newest(pipeline: &str) -> Statement {
    // Of a group with max(), the other columns are those of the row with the maximum.
    let sql = "SELECT CAST(w.key AS BLOB), CAST(w.value AS BLOB), CAST(r.pipeline_fingerprint AS BLOB), max(r.id)
               FROM _fireferry_runs r, json_each(r.details, '$.watermarks') w
               WHERE r.pipeline = ?1 AND r.status <> 'rolled_back' AND NOT EXISTS (
                 SELECT 1 FROM _fireferry_partitions p
                 WHERE p.run = r.run AND p.collection = w.key AND NOT EXISTS (
                   SELECT 1 FROM _fireferry_checkpoints c
                   WHERE c.run = p.run AND c.collection = p.collection AND c.partition = p.partition AND c.last = 1))
               GROUP BY w.key";
    Statement::new(sql, vec![pipeline.into()])
}

/// A row of [`newest`].
pub fn decode(row: &[SqlValue]) -> Result<StoredWatermark, Failure> {
    Ok(StoredWatermark { collection: text(row, 0)?, text: text(row, 1)?, pipeline_fingerprint: text(row, 2)? })
}

/// Forgets incremental runs of a pipeline beyond the newest `keep`: those that came to their end, left nothing on a list and
/// hold no watermark that is in effect.
pub fn prune(pipeline: &str, keep: u64) -> Vec<Statement> {
    const RUNS: &str = "DELETE FROM _fireferry_runs WHERE pipeline = ?1
         AND json_extract(details, '$.incremental') AND status LIKE 'completed%'
         AND id NOT IN (SELECT id FROM _fireferry_runs WHERE pipeline = ?1 ORDER BY id DESC LIMIT ?2)
         AND coalesce(json_extract(details, '$.undo'), 'off') IN ('off', 'pruned')
         AND run NOT IN (SELECT run FROM _fireferry_rejects)
         AND id NOT IN (SELECT max(r.id) FROM _fireferry_runs r, json_each(r.details, '$.watermarks') w
                        WHERE r.pipeline = ?1 AND r.status LIKE 'completed%' GROUP BY w.key)";
    let forgotten = |table: &str| {
        let sql = format!("DELETE FROM {table} WHERE run NOT IN (SELECT run FROM _fireferry_runs)");
        Statement::new(sql, vec![])
    };
    let runs = Statement::new(RUNS, vec![pipeline.into(), number(keep)]);
    vec![runs, forgotten("_fireferry_checkpoints"), forgotten("_fireferry_partitions")]
}

/// Rejects and waiting documents of a pipeline's runs.
pub fn open_rejects(pipeline: &str, limit: usize) -> Statement {
    let sql = "SELECT id, CAST(collection AS BLOB), CAST(document AS BLOB) FROM _fireferry_rejects
               WHERE run IN (SELECT run FROM _fireferry_runs WHERE pipeline = ?1) ORDER BY id LIMIT ?2";
    Statement::new(sql, vec![pipeline.into(), number(limit as u64)])
}

/// A row of [`open_rejects`].
pub fn decode_open(row: &[SqlValue]) -> Result<OpenReject, Failure> {
    Ok(OpenReject { id: integer(row, 0)?, collection: text(row, 1)?, document: optional_text(row, 2)? })
}

/// Takes them off their lists, with what they claim. `kept_by`: they stay under a name made of that run's and their own.
pub fn close(ids: &[i64], kept_by: Option<&str>) -> Vec<Statement> {
    const CLOSE: [&str; 2] = [
        "DELETE FROM _fireferry_claims WHERE reject IN (SELECT value FROM json_each(?1))",
        "DELETE FROM _fireferry_rejects WHERE id IN (SELECT value FROM json_each(?1))",
    ];
    const KEEP: &str = "UPDATE _fireferry_rejects SET run = ?2 || '~' || run
        WHERE instr(run, '~') = 0 AND id IN (SELECT value FROM json_each(?1))";
    // Numbers always serialise.
    let ids = serde_json::to_string(ids).unwrap_or_else(|_| "[]".to_owned());
    match kept_by {
        Some(run) => vec![Statement::new(KEEP, vec![ids.into(), run.into()])],
        None => CLOSE.into_iter().map(|sql| Statement::new(sql, vec![ids.as_str().into()])).collect(),
    }
}
