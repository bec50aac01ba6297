//! The trait, operation by operation; each is done in the file of its name.

use std::path::{Path, PathBuf};

use async_trait::async_trait;

use super::RemoteDatabase;
use super::lease::Lease;
use crate::destination::libsql::LibsqlFile;
use crate::destination::libsql::records::{rejects, watermarks};
use crate::destination::libsql::undo;
use crate::destination::{
    AppliedMigration, BackupFile, CommitHeader, Destination, DestinationCapabilities, Doomed, Feed,
    ForeignKeyViolation, Found, MigrationStep, OpenReject, PartitionState, Receipt, RejectQuery, Removal, Rollback,
    RunRecord, Scan, ScannedRow, Space, StoredReject, StoredWatermark, TableChanges, Target, Traffic, Written,
};
use crate::domain::cursor::{Counts, Partition};
use crate::domain::row::{MappedDocument, Row};
use crate::domain::schema::Schema;
use crate::error::{Error, Result};

#[async_trait]
impl Destination for RemoteDatabase {
    fn describe(&self) -> String {
        format!("libSQL server {}", self.connection.host())
    }

    async fn id(&mut self) -> Result<Option<String>> {
        self.identity().await
    }

    fn capabilities(&self) -> DestinationCapabilities {
        DestinationCapabilities {
            commit_documents: self.options.commit_documents,
            commit_bytes: self.options.commit_bytes,
            shadow: true,
            backup: true,
            local: false,
            commits_in_flight: self.options.commits_in_flight,
        }
    }

    async fn check(&mut self) -> Result<()> {
        self.check_readable().await
    }

    async fn check_writable(&mut self) -> Result<()> {
        self.check_write_access().await
    }

    async fn version(&mut self) -> Result<String> {
        Ok(self.survey().await?.sqlite.clone())
    }

    async fn inspect(&mut self) -> Result<Schema> {
        self.survey().await?.schema().cloned()
    }

    async fn integrity(&mut self, thorough: bool) -> Result<Vec<String>> {
        self.check_integrity(thorough).await
    }

    async fn foreign_key_check(&mut self, tables: &[String], limit: usize) -> Result<Vec<ForeignKeyViolation>> {
        self.foreign_key_violations(tables, limit).await
    }

    async fn count(&mut self, tables: &[String]) -> Result<Vec<u64>> {
        self.count_rows(tables).await
    }

    async fn sample(&mut self, table: &str, columns: &[String], limit: usize) -> Result<Vec<Row>> {
        self.sample_rows(table, columns, limit).await
    }

    async fn space(&mut self) -> Result<Option<Space>> {
        Ok(None)
    }

    async fn migrations(&mut self) -> Result<Vec<AppliedMigration>> {
        self.survey().await?.migrations()
    }

    async fn migrate(&mut self, step: &MigrationStep) -> Result<()> {
        self.apply_migration(step).await
    }

    async fn acquire_lease(&mut self, owner: &str) -> Result<()> {
        if self.lease.is_none() {
            // The first thing that is ever written: who may not do this is refused before anything is changed.
            let acquired = Lease::acquire(&self.connection, owner, self.options.lease_time).await;
            let (lease, survey) = acquired.map_err(Error::refused)?;
            (self.lease, self.survey) = (Some(lease), Some(survey));
        }
        Ok(())
    }

    async fn release_lease(&mut self) -> Result<()> {
        // Without one there is nothing to ask a server that may not answer.
        let Some(lease) = self.lease.take() else { return Ok(()) };
        let written = self.has_state().await.unwrap_or(true);
        lease.release(&self.connection, written).await
    }

    async fn initialize(&mut self) -> Result<()> {
        self.create_state().await
    }

    async fn initialize_and_count(&mut self, tables: &[String]) -> Result<Vec<u64>> {
        self.create_state_and_count(tables).await
    }

    async fn start_run(&mut self, run: &RunRecord, partitions: &[(String, Partition)]) -> Result<()> {
        self.insert_run(run, partitions).await
    }

    async fn find_run(&mut self, pipeline: &str, run: Option<&str>) -> Result<Option<RunRecord>> {
        self.newest_run(pipeline, run).await
    }

    async fn update_run(&mut self, run: &RunRecord) -> Result<()> {
        self.save_run(run).await
    }

    async fn conclude_run(&mut self, run: &RunRecord) -> Result<()> {
        self.save_run_and_release(run).await
    }

    async fn restart(&mut self, run: &RunRecord, collections: &[String]) -> Result<()> {
        self.restart_collections(run, collections).await
    }

    async fn partitions(&mut self, run: &str) -> Result<Vec<PartitionState>> {
        self.partition_states(run).await
    }

    async fn partitions_and_count(&mut self, run: &str, tables: &[String]) -> Result<(Vec<PartitionState>, Vec<u64>)> {
        self.partition_states_and_rows(run, tables).await
    }

    async fn counts(&mut self, run: &str) -> Result<Vec<(String, Counts)>> {
        self.counts_by_collection(run).await
    }

    async fn prepare(&mut self, run: &str, targets: &[Target]) -> Result<()> {
        self.prepare_session(run, targets).await
    }

    async fn keep_undo_log(&mut self) -> Result<()> {
        self.log_changes().await
    }

    async fn write(&mut self, header: &CommitHeader, feed: &mut dyn Feed) -> Result<Written> {
        self.write_commit(header, feed).await
    }

    async fn flush(&mut self) -> Result<Vec<Receipt>> {
        let mut durable = Vec::new();
        self.land_all(&mut durable).await?;
        Ok(durable)
    }

    async fn rejects(&mut self, query: &RejectQuery) -> Result<Vec<StoredReject>> {
        self.stored_rejects(query).await
    }

    async fn forget_rejects(&mut self, run: &str, ids: &[i64], kept_by: Option<&str>) -> Result<()> {
        self.transaction(&[rejects::forget_final(run, ids, kept_by)]).await.map(drop)
    }

    async fn watermarks(&mut self, pipeline: &str) -> Result<Vec<StoredWatermark>> {
        self.newest_watermarks(pipeline).await
    }

    async fn open_rejects(&mut self, pipeline: &str, limit: usize) -> Result<Vec<OpenReject>> {
        self.rejects_of(pipeline, limit).await
    }

    async fn close_rejects(&mut self, ids: &[i64], kept_by: Option<&str>) -> Result<()> {
        self.transaction(&watermarks::close(ids, kept_by)).await.map(drop)
    }

    async fn prune_runs(&mut self, pipeline: &str, keep: u64) -> Result<()> {
        self.transaction(&watermarks::prune(pipeline, keep)).await.map(drop)
    }

    async fn last_pass(&mut self, run: &str, collection: Option<&str>) -> Result<u64> {
        self.highest_pass(run, collection).await
    }

    async fn finish(&mut self, run: &str) -> Result<()> {
        self.finish_run(run).await
    }

    async fn backup(&mut self, to: &Path) -> Result<BackupFile> {
        self.back_up(to).await
    }

    async fn restore(&mut self, from: &Path) -> Result<Option<PathBuf>> {
        self.restore_backup(from).await.map(|()| None)
    }

    async fn require_empty(&mut self) -> Result<()> {
        self.require_empty_database().await
    }

    async fn import(&mut self, from: &Path) -> Result<()> {
        self.import_into_empty(from).await
    }

    async fn shadow(&mut self, at: &Path, tables: &[String]) -> Result<Box<dyn Destination>> {
        self.make_shadow(at, tables).await.map(|shadow| Box::new(shadow) as Box<dyn Destination>)
    }

    async fn blank(&mut self, at: &Path) -> Result<Box<dyn Destination>> {
        LibsqlFile::throw_away(at).map(|blank| Box::new(blank) as Box<dyn Destination>)
    }

    async fn begin_comparing(&mut self, targets: &[Target]) -> Result<()> {
        self.begin_looking(targets).await
    }

    async fn compare(&mut self, target: usize, documents: &[MappedDocument]) -> Result<Vec<(usize, Found)>> {
        self.compare_documents(target, documents).await
    }

    async fn scan(&mut self, scan: &Scan) -> Result<Vec<ScannedRow>> {
        self.scan_rows(scan).await
    }

    async fn end_comparing(&mut self) -> Result<()> {
        self.comparing = None;
        Ok(())
    }

    fn traffic(&self) -> Option<Traffic> {
        Some(self.connection.client().traffic())
    }

    async fn delete(&mut self, rows: &[Doomed]) -> Result<()> {
        self.delete_rows(rows).await
    }

    async fn remove(&mut self, removal: &Removal<'_>) -> Result<u64> {
        self.remove_rows(removal).await
    }

    async fn runs_after(&mut self, run: &str) -> Result<Vec<RunRecord>> {
        self.runs_by(&undo::newer(run)).await
    }

    async fn rollback_changes(&mut self, rollback: &Rollback) -> Result<Vec<TableChanges>> {
        undo::changes(self, rollback).await
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
        self.runs_by(&undo::logged(skip)).await
    }

    async fn prune_undo_log(&mut self, run: &str) -> Result<bool> {
        undo::prune(self, run).await
    }

    async fn clear(&mut self, pipeline: &str, tables: &[String]) -> Result<Vec<u64>> {
        self.clear_tables(pipeline, tables).await
    }
}
