//! Runs and their partitions.

use super::LibsqlFile;
use super::database::{optional, text};
use crate::destination::RunRecord;
use crate::domain::cursor::Partition;
use crate::error::{Error, ErrorKind, Result};

impl LibsqlFile {
    /// Stores a run with its partitions. The key memory of the pipeline's earlier runs is not needed any more.
    pub(super) fn insert_run(&mut self, run: &RunRecord, partitions: &[(String, Partition)]) -> Result<()> {
        self.writable()?;
        self.database.transaction(|database| {
            let forget = "DELETE FROM _fireferry_seen WHERE owner IN (SELECT p.id FROM _fireferry_partitions p
                          JOIN _fireferry_runs r ON r.run = p.run WHERE r.pipeline = ?1)";
            database.execute(forget, vec![run.pipeline.as_str().into()])?;
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
            database.execute(insert, columns.map(|text| text.as_str().into()).to_vec())?;
            let partition = "INSERT INTO _fireferry_partitions (run, collection, partition, bounds)
                             VALUES (?1, ?2, ?3, ?4)";
            for (collection, Partition { id, bounds }) in partitions {
                let values = [&run.run, collection, id, bounds].map(|text| text.as_str().into());
                database.execute(partition, values.to_vec())?;
            }
            Ok(())
        })
    }

    /// The newest run of the pipeline, or the run named if it is the pipeline's.
    pub(super) fn newest_run(&mut self, pipeline: &str, run: Option<&str>) -> Result<Option<RunRecord>> {
        if !self.has_state()? {
            return Ok(None);
        }
        let columns =
            ["run", "pipeline", "started_at", "status", "pipeline_fingerprint", "schema_fingerprint", "details"]
                .map(|name| format!("CAST({name} AS BLOB)"));
        let sql = format!(
            "SELECT {} FROM _fireferry_runs WHERE pipeline = ?1 AND (?2 IS NULL OR run = ?2) ORDER BY id DESC LIMIT 1",
            columns.join(", ")
        );
        self.database.query_one(&sql, vec![pipeline.into(), optional(run)], |row| {
            Ok(RunRecord {
                run: text(row, 0)?,
                pipeline: text(row, 1)?,
                started_at: text(row, 2)?,
                status: text(row, 3)?,
                pipeline_fingerprint: text(row, 4)?,
                schema_fingerprint: text(row, 5)?,
                details: text(row, 6)?,
            })
        })
    }

    /// Stores status and details of a run.
    pub(super) fn save_run(&mut self, run: &RunRecord) -> Result<()> {
        self.writable()?;
        let update = "UPDATE _fireferry_runs SET status = ?2, details = ?3 WHERE run = ?1";
        let values = [&run.run, &run.status, &run.details].map(|text| text.as_str().into());
        match self.database.execute(update, values.to_vec())? {
            1 => Ok(()),
            _ => Err(unknown_run(&run.run)),
        }
    }

    /// Stores status and details of a run and forgets what it did to collections.
    pub(super) fn restart_collections(&mut self, run: &RunRecord, collections: &[String]) -> Result<()> {
        self.writable()?;
        self.session = None;
        let owned = "owner IN (SELECT id FROM _fireferry_partitions WHERE run = ?1 AND collection = ?2)";
        let forget = [
            format!("DELETE FROM _fireferry_claims WHERE {owned}"),
            format!("DELETE FROM _fireferry_seen WHERE {owned}"),
            "DELETE FROM _fireferry_rejects WHERE run = ?1 AND collection = ?2".to_owned(),
            "DELETE FROM _fireferry_checkpoints WHERE run = ?1 AND collection = ?2".to_owned(),
        ];
        let update = "UPDATE _fireferry_runs SET status = ?2, details = ?3 WHERE run = ?1";
        self.database.transaction(|database| {
            for collection in collections {
                for sql in &forget {
                    database.execute(sql, vec![run.run.as_str().into(), collection.as_str().into()])?;
                }
            }
            let values = [&run.run, &run.status, &run.details].map(|text| text.as_str().into());
            database.execute(update, values.to_vec()).map(drop)
        })
    }

    /// After a load: forgets the keys seen, lets the planner learn the tables, empties the WAL.
    pub(super) fn finish_run(&mut self, run: &str) -> Result<()> {
        self.writable()?;
        self.session = None;
        self.forget_keys(run)?;
        self.pragma("analysis_limit = 400")?;
        self.pragma("optimize")?;
        // Readers of other processes may keep the WAL from being emptied; that is theirs to end.
        match self.database.try_execute("PRAGMA wal_checkpoint(TRUNCATE)", vec![]) {
            Err(failure) if !failure.is_busy() => Err(self.database.error(failure)),
            _ => Ok(()),
        }
    }

    /// Emptying the whole table is cheap; picking the rows of one run out of it is done only when others are in it.
    fn forget_keys(&self, run: &str) -> Result<()> {
        let others = "SELECT 1 FROM _fireferry_seen
                      WHERE owner < (SELECT min(id) FROM _fireferry_partitions WHERE run = ?1)
                         OR owner > (SELECT max(id) FROM _fireferry_partitions WHERE run = ?1) LIMIT 1";
        let others = self.database.query_one(others, vec![run.into()], |_| Ok(()))?.is_some();
        let (condition, values) = match others {
            true => (" WHERE owner IN (SELECT id FROM _fireferry_partitions WHERE run = ?1)", vec![run.into()]),
            false => ("", vec![]),
        };
        self.database.execute(&format!("DELETE FROM _fireferry_seen{condition}"), values).map(|_| ())
    }
}

fn unknown_run(run: &str) -> Error {
    Error::new(ErrorKind::Destination, "run_unknown", format!("the destination knows no run {run}"))
        .hint("list the runs with `fireferry runs list`")
}
