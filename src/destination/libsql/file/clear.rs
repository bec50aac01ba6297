//! Emptying a pipeline's tables, with everything fireferry knows of its runs.

use super::super::sql;
use super::LibsqlFile;
use crate::error::Result;

impl LibsqlFile {
    /// Deletes all rows of the tables in the order given, and the pipeline's runs, in one transaction.
    pub(super) fn clear_tables(&mut self, pipeline: &str, tables: &[String]) -> Result<Vec<u64>> {
        self.writable()?;
        self.session = None;
        let known = self.has_state()?;
        self.database.transaction(|database| {
            let deleted = tables
                .iter()
                .map(|table| database.execute(&format!("DELETE FROM {}", sql::quote(table)), vec![]))
                .collect::<Result<Vec<_>>>()?;
            if known {
                for table in ["_fireferry_seen", "_fireferry_claims"] {
                    let of_runs = "owner IN (SELECT id FROM _fireferry_partitions
                                   WHERE run IN (SELECT run FROM _fireferry_runs WHERE pipeline = ?1))";
                    database.execute(&format!("DELETE FROM {table} WHERE {of_runs}"), vec![pipeline.into()])?;
                }
                for table in ["_fireferry_rejects", "_fireferry_checkpoints", "_fireferry_partitions"] {
                    let of_runs = "run IN (SELECT run FROM _fireferry_runs WHERE pipeline = ?1)";
                    database.execute(&format!("DELETE FROM {table} WHERE {of_runs}"), vec![pipeline.into()])?;
                }
                database.execute("DELETE FROM _fireferry_runs WHERE pipeline = ?1", vec![pipeline.into()])?;
            }
            Ok(deleted)
        })
    }
}
