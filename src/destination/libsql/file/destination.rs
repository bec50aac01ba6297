//! The trait, operation by operation; each is done in the file of its name.

use std::path::{Path, PathBuf};

use async_trait::async_trait;

use super::super::records::{rejects, watermarks};
use super::{LibsqlFile, Mode};
use crate::destination::libsql::undo;
use crate::destination::{
    AppliedMigration, BackupFile, CommitHeader, Destination, DestinationCapabilities, Doomed, Feed,
    ForeignKeyViolation, Found, MigrationStep, OpenReject, PartitionState, Receipt, RejectQuery, Removal, Rollback,
    RunRecord, Scan, ScannedRow, Space, StoredReject, StoredWatermark, TableChanges, Target, Written,
};
use crate::domain::cursor::{Counts, Partition};
use crate::domain::row::{MappedDocument, Row};
use crate::domain::schema::Schema;
use crate::error::Result;

/// A commit is as large as the engine likes: pages beyond the cache spill into the WAL.
const CAPABILITIES: DestinationCapabilities = DestinationCapabilities {
    commit_documents: 1_000_000,
    commit_bytes: 1 << 30,
    shadow: true,
    backup: true,
    local: true,
    commits_in_flight: 1,
};

#[async_trait]
impl Destination for LibsqlFile {
    fn describe(&self) -> String {
        let missing = if self.exists || self.mode != Mode::ReadOnly { "" } else { " (does not exist yet)" };
        format!("libSQL file {}{missing}", self.file.display())
    }

    async fn id(&mut self) -> Result<Option<String>> {
        self.fresh()?.identity()
    }

    fn capabilities(&self) -> DestinationCapabilities {
        CAPABILITIES
    }

    async fn check(&mut self) -> Result<()> {
        self.fresh()?.check_readable()
    }

    async fn check_writable(&mut self) -> Result<()> {
        self.check_write_access()
    }

    async fn version(&mut self) -> Result<String> {
        self.sqlite_version()
    }

    async fn inspect(&mut self) -> Result<Schema> {
        super::inspect::schema(&self.fresh()?.database)
    }

    async fn integrity(&mut self, thorough: bool) -> Result<Vec<String>> {
        self.fresh()?.check_integrity(thorough)
    }

    async fn foreign_key_check(&mut self, tables: &[String], limit: usize) -> Result<Vec<ForeignKeyViolation>> {
        self.fresh()?.foreign_key_violations(tables, limit)
    }

    async fn count(&mut self, tables: &[String]) -> Result<Vec<u64>> {
        self.fresh()?.count_rows(tables)
    }

    async fn sample(&mut self, table: &str, columns: &[String], limit: usize) -> Result<Vec<Row>> {
        self.fresh()?.sample_rows(table, columns, limit)
    }

    async fn space(&mut self) -> Result<Option<Space>> {
        self.free_space().map(Some)
    }

    async fn migrations(&mut self) -> Result<Vec<AppliedMigration>> {
        self.fresh()?.applied_migrations()
    }

    async fn migrate(&mut self, step: &MigrationStep) -> Result<()> {
        self.apply_migration(step)
    }

    async fn acquire_lease(&mut self, owner: &str) -> Result<()> {
        self.take_lease(owner)
    }

    async fn release_lease(&mut self) -> Result<()> {
        self.lease = None;
        Ok(())
    }

    async fn initialize(&mut self) -> Result<()> {
        self.create_state()
    }

    async fn start_run(&mut self, run: &RunRecord, partitions: &[(String, Partition)]) -> Result<()> {
        self.insert_run(run, partitions)
    }

    async fn find_run(&mut self, pipeline: &str, run: Option<&str>) -> Result<Option<RunRecord>> {
        self.fresh()?.newest_run(pipeline, run)
    }

    async fn update_run(&mut self, run: &RunRecord) -> Result<()> {
        self.save_run(run)
    }

    async fn restart(&mut self, run: &RunRecord, collections: &[String]) -> Result<()> {
        self.restart_collections(run, collections)
    }

    async fn partitions(&mut self, run: &str) -> Result<Vec<PartitionState>> {
        self.fresh()?.partition_states(run)
    }

    async fn counts(&mut self, run: &str) -> Result<Vec<(String, Counts)>> {
        self.fresh()?.counts_by_collection(run)
    }

    async fn prepare(&mut self, run: &str, targets: &[Target]) -> Result<()> {
        self.prepare_targets(run, targets)
    }

    async fn keep_undo_log(&mut self) -> Result<()> {
        self.log_changes()
    }

    async fn write(&mut self, header: &CommitHeader, feed: &mut dyn Feed) -> Result<Written> {
        let receipt = self.write_commit(header, feed).await?;
        Ok(Written { to: receipt.to.clone(), last: receipt.last, durable: vec![receipt] })
    }

    async fn flush(&mut self) -> Result<Vec<Receipt>> {
        Ok(Vec::new())
    }

    async fn rejects(&mut self, query: &RejectQuery) -> Result<Vec<StoredReject>> {
        self.fresh()?.stored_rejects(query)
    }

    async fn forget_rejects(&mut self, run: &str, ids: &[i64], kept_by: Option<&str>) -> Result<()> {
        self.writable()?;
        self.database.run(&rejects::forget_final(run, ids, kept_by)).map(drop)
    }

    async fn watermarks(&mut self, pipeline: &str) -> Result<Vec<StoredWatermark>> {
        self.fresh()?.newest_watermarks(pipeline)
    }

    async fn open_rejects(&mut self, pipeline: &str, limit: usize) -> Result<Vec<OpenReject>> {
        self.fresh()?.rejects_of(pipeline, limit)
    }

    async fn close_rejects(&mut self, ids: &[i64], kept_by: Option<&str>) -> Result<()> {
        self.writable()?;
        self.database.run_all(&watermarks::close(ids, kept_by)).map(drop)
    }

    async fn prune_runs(&mut self, pipeline: &str, keep: u64) -> Result<()> {
        self.writable()?;
        self.database.run_all(&watermarks::prune(pipeline, keep)).map(drop)
    }

    async fn last_pass(&mut self, run: &str, collection: Option<&str>) -> Result<u64> {
        self.fresh()?.highest_pass(run, collection)
    }

    async fn finish(&mut self, run: &str) -> Result<()> {
        self.finish_run(run)
    }

    async fn backup(&mut self, to: &Path) -> Result<BackupFile> {
        self.fresh()?.back_up(to)
    }

    async fn restore(&mut self, from: &Path) -> Result<Option<PathBuf>> {
        self.restore_backup(from)
    }

    async fn shadow(&mut self, at: &Path, tables: &[String]) -> Result<Box<dyn Destination>> {
        self.fresh()?.make_shadow(at, tables).map(|shadow| Box::new(shadow) as Box<dyn Destination>)
    }

    async fn blank(&mut self, at: &Path) -> Result<Box<dyn Destination>> {
        Self::throw_away(at).map(|blank| Box::new(blank) as Box<dyn Destination>)
    }

    async fn begin_comparing(&mut self, targets: &[Target]) -> Result<()> {
        self.begin_looking(targets)
    }

    async fn compare(&mut self, target: usize, documents: &[MappedDocument]) -> Result<Vec<(usize, Found)>> {
        self.compare_documents(target, documents)
    }

    async fn scan(&mut self, scan: &Scan) -> Result<Vec<ScannedRow>> {
        self.scan_rows(scan)
    }

    async fn end_comparing(&mut self) -> Result<()> {
        self.end_looking()
    }

    async fn delete(&mut self, rows: &[Doomed]) -> Result<()> {
        self.delete_rows(rows)
    }

    async fn remove(&mut self, removal: &Removal<'_>) -> Result<u64> {
        self.remove_rows(removal)
    }

    async fn runs_after(&mut self, run: &str) -> Result<Vec<RunRecord>> {
        self.fresh()?.runs_by(&undo::newer(run))
    }

    async fn rollback_changes(&mut self, rollback: &Rollback) -> Result<Vec<TableChanges>> {
        undo::changes(self.fresh()?, rollback).await
    }

    async fn begin_rollback(&mut self, rollback: &Rollback) -> Result<()> {
        undo::begin(self, rollback).await
    }

    async fn roll_back(&mut self, rollback: &Rollback, table: usize) -> Result<u64> {
        undo::step(self, rollback, table).await
    }

    async fn forget_run(&mut self, run: &str) -> Result<bool> {
        undo::forget_run(self, run).await
    }

    async fn logged_runs(&mut self, skip: u64) -> Result<Vec<RunRecord>> {
        self.fresh()?.runs_by(&undo::logged(skip))
    }

    async fn prune_undo_log(&mut self, run: &str) -> Result<bool> {
        undo::prune(self, run).await
    }

    async fn clear(&mut self, pipeline: &str, tables: &[String]) -> Result<Vec<u64>> {
        self.clear_tables(pipeline, tables)
    }
}
