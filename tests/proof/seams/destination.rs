//! A destination whose calls go through a script.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use fireferry::destination::{
    AppliedMigration, BackupFile, CommitHeader, Destination, DestinationCapabilities, Doomed, Feed,
    ForeignKeyViolation, Found, MigrationStep, OpenReject, PartitionState, Receipt, RejectQuery, Removal, Rollback,
    RunRecord, Scan, ScannedRow, Space, StoredReject, StoredWatermark, TableChanges, Target, Written,
};
use fireferry::domain::cursor::{Counts, Partition};
use fireferry::domain::row::{MappedDocument, Row};
use fireferry::domain::schema::Schema;
use fireferry::error::Result;

use super::script::{Fault, Script, through};

pub struct Scripted {
    pub inner: Box<dyn Destination>,
    pub script: Arc<Script>,
}

#[async_trait]
impl Destination for Scripted {
    fn describe(&self) -> String {
        self.inner.describe()
    }

    fn capabilities(&self) -> DestinationCapabilities {
        self.inner.capabilities()
    }

    async fn id(&mut self) -> Result<Option<String>> {
        through!(self.script, "destination.id", self.inner.id())
    }

    async fn check(&mut self) -> Result<()> {
        through!(self.script, "destination.check", self.inner.check())
    }

    async fn check_writable(&mut self) -> Result<()> {
        through!(self.script, "destination.check_writable", self.inner.check_writable())
    }

    async fn version(&mut self) -> Result<String> {
        through!(self.script, "destination.version", self.inner.version())
    }

    async fn inspect(&mut self) -> Result<Schema> {
        through!(self.script, "destination.inspect", self.inner.inspect())
    }

    async fn integrity(&mut self, thorough: bool) -> Result<Vec<String>> {
        through!(self.script, "destination.integrity", self.inner.integrity(thorough))
    }

    async fn foreign_key_check(&mut self, tables: &[String], limit: usize) -> Result<Vec<ForeignKeyViolation>> {
        through!(self.script, "destination.foreign_key_check", self.inner.foreign_key_check(tables, limit))
    }

    async fn count(&mut self, tables: &[String]) -> Result<Vec<u64>> {
        through!(self.script, "destination.count", self.inner.count(tables))
    }

    async fn sample(&mut self, table: &str, columns: &[String], limit: usize) -> Result<Vec<Row>> {
        through!(self.script, "destination.sample", self.inner.sample(table, columns, limit))
    }

    async fn space(&mut self) -> Result<Option<Space>> {
        through!(self.script, "destination.space", self.inner.space())
    }

    async fn migrations(&mut self) -> Result<Vec<AppliedMigration>> {
        through!(self.script, "destination.migrations", self.inner.migrations())
    }

    async fn migrate(&mut self, step: &MigrationStep) -> Result<()> {
        through!(self.script, "destination.migrate", self.inner.migrate(step))
    }

    async fn acquire_lease(&mut self, owner: &str) -> Result<()> {
        through!(self.script, "destination.acquire_lease", self.inner.acquire_lease(owner))
    }

    async fn release_lease(&mut self) -> Result<()> {
        through!(self.script, "destination.release_lease", self.inner.release_lease())
    }

    async fn initialize(&mut self) -> Result<()> {
        through!(self.script, "destination.initialize", self.inner.initialize())
    }

    async fn start_run(&mut self, run: &RunRecord, partitions: &[(String, Partition)]) -> Result<()> {
        through!(self.script, "destination.start_run", self.inner.start_run(run, partitions))
    }

    async fn find_run(&mut self, pipeline: &str, run: Option<&str>) -> Result<Option<RunRecord>> {
        through!(self.script, "destination.find_run", self.inner.find_run(pipeline, run))
    }

    async fn update_run(&mut self, run: &RunRecord) -> Result<()> {
        through!(self.script, "destination.update_run", self.inner.update_run(run))
    }

    async fn restart(&mut self, run: &RunRecord, collections: &[String]) -> Result<()> {
        through!(self.script, "destination.restart", self.inner.restart(run, collections))
    }

    async fn partitions(&mut self, run: &str) -> Result<Vec<PartitionState>> {
        through!(self.script, "destination.partitions", self.inner.partitions(run))
    }

    async fn counts(&mut self, run: &str) -> Result<Vec<(String, Counts)>> {
        through!(self.script, "destination.counts", self.inner.counts(run))
    }

    async fn prepare(&mut self, run: &str, targets: &[Target]) -> Result<()> {
        through!(self.script, "destination.prepare", self.inner.prepare(run, targets))
    }

    async fn write(&mut self, header: &CommitHeader, feed: &mut dyn Feed) -> Result<Written> {
        match self.script.pass("destination.write").await {
            None => self.inner.write(header, feed).await,
            Some(fault @ Fault::FailAfter) => {
                self.inner.write(header, feed).await?;
                // Whoever says that it does not know has nothing under way, and gives no receipt later.
                self.inner.flush().await?;
                Err(fault.error())
            }
            Some(fault) => Err(fault.error()),
        }
    }

    async fn flush(&mut self) -> Result<Vec<Receipt>> {
        through!(self.script, "destination.flush", self.inner.flush())
    }

    async fn rejects(&mut self, query: &RejectQuery) -> Result<Vec<StoredReject>> {
        through!(self.script, "destination.rejects", self.inner.rejects(query))
    }

    async fn forget_rejects(&mut self, run: &str, ids: &[i64], kept_by: Option<&str>) -> Result<()> {
        through!(self.script, "destination.forget_rejects", self.inner.forget_rejects(run, ids, kept_by))
    }

    async fn last_pass(&mut self, run: &str, collection: Option<&str>) -> Result<u64> {
        through!(self.script, "destination.last_pass", self.inner.last_pass(run, collection))
    }

    async fn finish(&mut self, run: &str) -> Result<()> {
        through!(self.script, "destination.finish", self.inner.finish(run))
    }

    async fn backup(&mut self, to: &Path) -> Result<BackupFile> {
        through!(self.script, "destination.backup", self.inner.backup(to))
    }

    async fn restore(&mut self, from: &Path) -> Result<Option<std::path::PathBuf>> {
        through!(self.script, "destination.restore", self.inner.restore(from))
    }

    async fn shadow(&mut self, at: &Path, tables: &[String]) -> Result<Box<dyn Destination>> {
        through!(self.script, "destination.shadow", self.inner.shadow(at, tables))
    }

    async fn blank(&mut self, at: &Path) -> Result<Box<dyn Destination>> {
        through!(self.script, "destination.blank", self.inner.blank(at))
    }

    async fn watermarks(&mut self, pipeline: &str) -> Result<Vec<StoredWatermark>> {
        through!(self.script, "destination.watermarks", self.inner.watermarks(pipeline))
    }

    async fn open_rejects(&mut self, pipeline: &str, limit: usize) -> Result<Vec<OpenReject>> {
        through!(self.script, "destination.open_rejects", self.inner.open_rejects(pipeline, limit))
    }

    async fn close_rejects(&mut self, ids: &[i64], kept_by: Option<&str>) -> Result<()> {
        through!(self.script, "destination.close_rejects", self.inner.close_rejects(ids, kept_by))
    }

    async fn prune_runs(&mut self, pipeline: &str, keep: u64) -> Result<()> {
        through!(self.script, "destination.prune_runs", self.inner.prune_runs(pipeline, keep))
    }

    async fn remove(&mut self, removal: &Removal<'_>) -> Result<u64> {
        through!(self.script, "destination.remove", self.inner.remove(removal))
    }

    async fn begin_comparing(&mut self, targets: &[Target]) -> Result<()> {
        through!(self.script, "destination.begin_comparing", self.inner.begin_comparing(targets))
    }

    async fn compare(&mut self, target: usize, documents: &[MappedDocument]) -> Result<Vec<(usize, Found)>> {
        through!(self.script, "destination.compare", self.inner.compare(target, documents))
    }

    async fn scan(&mut self, scan: &Scan) -> Result<Vec<ScannedRow>> {
        through!(self.script, "destination.scan", self.inner.scan(scan))
    }

    async fn end_comparing(&mut self) -> Result<()> {
        through!(self.script, "destination.end_comparing", self.inner.end_comparing())
    }

    async fn delete(&mut self, rows: &[Doomed]) -> Result<()> {
        through!(self.script, "destination.delete", self.inner.delete(rows))
    }

    async fn clear(&mut self, pipeline: &str, tables: &[String]) -> Result<Vec<u64>> {
        through!(self.script, "destination.clear", self.inner.clear(pipeline, tables))
    }

    async fn keep_undo_log(&mut self) -> Result<()> {
        through!(self.script, "destination.keep_undo_log", self.inner.keep_undo_log())
    }

    async fn runs_after(&mut self, run: &str) -> Result<Vec<RunRecord>> {
        through!(self.script, "destination.runs_after", self.inner.runs_after(run))
    }

    async fn rollback_changes(&mut self, rollback: &Rollback) -> Result<Vec<TableChanges>> {
        through!(self.script, "destination.rollback_changes", self.inner.rollback_changes(rollback))
    }

    async fn begin_rollback(&mut self, rollback: &Rollback) -> Result<()> {
        through!(self.script, "destination.begin_rollback", self.inner.begin_rollback(rollback))
    }

    async fn roll_back(&mut self, rollback: &Rollback, table: usize) -> Result<u64> {
        through!(self.script, "destination.roll_back", self.inner.roll_back(rollback, table))
    }

    async fn forget_run(&mut self, run: &str) -> Result<bool> {
        through!(self.script, "destination.forget_run", self.inner.forget_run(run))
    }

    async fn logged_runs(&mut self, skip: u64) -> Result<Vec<RunRecord>> {
        through!(self.script, "destination.logged_runs", self.inner.logged_runs(skip))
    }

    async fn prune_undo_log(&mut self, run: &str) -> Result<bool> {
        through!(self.script, "destination.prune_undo_log", self.inner.prune_undo_log(run))
    }
}
