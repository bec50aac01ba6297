//! `_fireferry_runs`: what must be known of a run to resume it.

use super::super::failure::Failure;
use super::super::statement::{Statement, optional, text};
use crate::destination::RunRecord;
use crate::domain::cursor::Partition;
use crate::domain::row::SqlValue;
use crate::error::{Error, ErrorKind};

/// Columns in the order of [`decode`].
const COLUMNS: [&str; 7] =
    ["run", "pipeline", "started_at", "status", "pipeline_fingerprint", "schema_fingerprint", "details"];

/// Stores a run with its partitions, in one transaction. The key memory of the pipeline's earlier runs is not needed
/// any more.
pub fn insert(run: &RunRecord, partitions: &[(String, Partition)]) -> Vec<Statement> {
    let forget = "DELETE FROM _fireferry_seen WHERE owner IN (SELECT p.id FROM _fireferry_partitions p
                  JOIN _fireferry_runs r ON r.run = p.run WHERE r.pipeline = ?1)";
    let insert = "INSERT INTO _fireferry_runs (run, pipeline, started_at, status, pipeline_fingerprint,
                  schema_fingerprint, details) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let columns = [
        &run.run,
        &run.pipeline,
        &run.started_at,
        &run.status,
        &run.pipeline_fingerprint,
        &run.schema_fingerprint,
        &run.details,
    ];
    let partition = "INSERT INTO _fireferry_partitions (run, collection, partition, bounds)
                     VALUES (?1, ?2, ?3, ?4)";
    let mut statements = vec![Statement::new(forget, texts([&run.pipeline])), Statement::new(insert, texts(columns))];
    statements.extend(partitions.iter().map(|(collection, Partition { id, bounds })| {
        Statement::new(partition, texts([&run.run, collection, id, bounds]))
    }));
    statements
}

/// The newest run of the pipeline, or the run named if it is the pipeline's.
pub fn find(pipeline: &str, run: Option<&str>) -> Statement {
    let columns = COLUMNS.map(|name| format!("CAST({name} AS BLOB)")).join(", ");
    let sql = format!(
        "SELECT {columns} FROM _fireferry_runs WHERE pipeline = ?1 AND (?2 IS NULL OR run = ?2) ORDER BY id DESC LIMIT 1"
    );
    Statement::new(sql, vec![pipeline.into(), optional(run)])
}

/// A row of [`find`].
pub fn decode(row: &[SqlValue]) -> Result<RunRecord, Failure> {
    Ok(RunRecord {
        run: text(row, 0)?,
        pipeline: text(row, 1)?,
        started_at: text(row, 2)?,
        status: text(row, 3)?,
        pipeline_fingerprint: text(row, 4)?,
        schema_fingerprint: text(row, 5)?,
        details: text(row, 6)?,
    })
}

/// Stores status and details of a run: one row changes, or the run is [unknown](unknown_run).
pub fn update(run: &RunRecord) -> Statement {
    let update = "UPDATE _fireferry_runs SET status = ?2, details = ?3 WHERE run = ?1";
    Statement::new(update, texts([&run.run, &run.status, &run.details]))
}

/// The destination has no such run.
pub fn unknown_run(run: &str) -> Error {
    Error::new(ErrorKind::Destination, "run_unknown", format!("the destination knows no run {run}"))
        .hint("list the runs with `fireferry runs list`")
}

/// Stores status and details of a run and forgets what it did to collections, in one transaction.
pub fn restart(run: &RunRecord, collections: &[String]) -> Vec<Statement> {
    const FORGET: [&str; 4] = [
        "DELETE FROM _fireferry_claims WHERE owner IN
         (SELECT id FROM _fireferry_partitions WHERE run = ?1 AND collection = ?2)",
        "DELETE FROM _fireferry_seen WHERE owner IN
         (SELECT id FROM _fireferry_partitions WHERE run = ?1 AND collection = ?2)",
        "DELETE FROM _fireferry_rejects WHERE run = ?1 AND collection = ?2",
        "DELETE FROM _fireferry_checkpoints WHERE run = ?1 AND collection = ?2",
    ];
    let forget = |collection| FORGET.into_iter().map(move |sql| Statement::new(sql, texts([&run.run, collection])));
    collections.iter().flat_map(forget).chain([update(run)]).collect()
}

/// Whether keys of other runs are remembered: a row if so. Asked before [`forget_keys`].
pub fn other_keys(run: &str) -> Statement {
    let others = "SELECT 1 FROM _fireferry_seen
                  WHERE owner < (SELECT min(id) FROM _fireferry_partitions WHERE run = ?1)
                     OR owner > (SELECT max(id) FROM _fireferry_partitions WHERE run = ?1) LIMIT 1";
    Statement::new(others, vec![run.into()])
}

/// Forgets the keys that a run has seen. Emptying the whole table is cheap; picking the rows of one run out of it is
/// done only when others are in it.
pub fn forget_keys(run: &str, others: bool) -> Statement {
    let own = "DELETE FROM _fireferry_seen WHERE owner IN (SELECT id FROM _fireferry_partitions WHERE run = ?1)";
    match others {
        true => Statement::new(own, vec![run.into()]),
        false => Statement::new("DELETE FROM _fireferry_seen", vec![]),
    }
}

fn texts<const N: usize>(texts: [&String; N]) -> Vec<SqlValue> {
    texts.map(|text| text.as_str().into()).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> RunRecord {
        let [run, pipeline, started_at] = ["r1", "p", "2020-01-01T00:00:00Z"].map(str::to_owned);
        let [status, pipeline_fingerprint, schema_fingerprint] = ["running", "f", "g"].map(str::to_owned);
        let details = "{}".to_owned();
        RunRecord { run, pipeline, started_at, status, pipeline_fingerprint, schema_fingerprint, details }
    }

    #[test]
    fn a_run_is_read_as_it_was_stored() {
        let run = record();
        let partition = Partition { id: "0".into(), bounds: "b".into() };
        let statements = insert(&run, &[("users".into(), partition)]);
        assert_eq!(statements.len(), 3);
        assert_eq!(decode(&statements[1].values).ok(), Some(run));
        assert_eq!(statements[2].values, ["r1", "users", "0", "b"].map(SqlValue::from));
    }

    #[test]
    fn a_restart_ends_with_the_run_itself() {
        let statements = restart(&record(), &["a".into(), "b".into()]);
        assert_eq!(statements.len(), 9);
        assert_eq!(statements.last(), Some(&update(&record())));
        assert!(statements[..8].iter().all(|statement| statement.values.len() == 2));
    }
}
