//! Emptying a pipeline's tables.

use super::super::records::clear::clear;
use super::LibsqlFile;
use crate::error::Result;

impl LibsqlFile {
    /// Deletes all rows of the tables in the order given, and the pipeline's runs, in one transaction.
    pub(super) fn clear_tables(&mut self, pipeline: &str, tables: &[String]) -> Result<Vec<u64>> {
        self.writable()?;
        self.session = None;
        let known = self.has_state()?;
        let mut deleted = self.database.run_all(&clear(pipeline, tables, known, &self.mirrors()?))?;
        deleted.truncate(tables.len());
        Ok(deleted)
    }
}
