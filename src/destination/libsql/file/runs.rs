//! Runs, their partitions and checkpoints.

use super::super::records::{checkpoints, runs, watermarks};
use super::LibsqlFile;
use crate::destination::{OpenReject, PartitionState, RunRecord, StoredWatermark};
use crate::domain::cursor::{Counts, Partition};
use crate::error::Result;

impl LibsqlFile {
    /// Stores a run with its partitions.
    pub(super) fn insert_run(&mut self, run: &RunRecord, partitions: &[(String, Partition)]) -> Result<()> {
        self.writable()?;
        self.database.run_all(&runs::insert(run, partitions)).map(drop)
    }

    /// The newest run of the pipeline, or the run named if it is the pipeline's.
    pub(super) fn newest_run(&mut self, pipeline: &str, run: Option<&str>) -> Result<Option<RunRecord>> {
        if !self.has_state()? {
            return Ok(None);
        }
        self.database.row(&runs::find(pipeline, run), runs::decode)
    }

    /// The newest watermark of every collection of a pipeline.
    pub(super) fn newest_watermarks(&mut self, pipeline: &str) -> Result<Vec<StoredWatermark>> {
        if !self.has_state()? {
            return Ok(vec![]);
        }
        self.database.rows(&watermarks::newest(pipeline), watermarks::decode)
    }

    /// Rejects and waiting documents of a pipeline.
    pub(super) fn rejects_of(&mut self, pipeline: &str, limit: usize) -> Result<Vec<OpenReject>> {
        if !self.has_state()? {
            return Ok(vec![]);
        }
        self.database.rows(&watermarks::open_rejects(pipeline, limit), watermarks::decode_open)
    }

    /// Stores status and details of a run.
    pub(super) fn save_run(&mut self, run: &RunRecord) -> Result<()> {
        self.writable()?;
        match self.database.run(&runs::update(run))? {
            1 => Ok(()),
            _ => Err(runs::unknown_run(&run.run)),
        }
    }

    /// Stores status and details of a run and forgets what it did to collections.
    pub(super) fn restart_collections(&mut self, run: &RunRecord, collections: &[String]) -> Result<()> {
        self.writable()?;
        self.session = None;
        self.database.run_all(&runs::restart(run, collections)).map(drop)
    }

    /// What is durable of every partition of the run.
    pub(super) fn partition_states(&mut self, run: &str) -> Result<Vec<PartitionState>> {
        if !self.has_state()? {
            return Ok(vec![]);
        }
        self.database.rows(&checkpoints::partitions(run), checkpoints::decode_partition)
    }

    /// Sums of all commits of a run by collection.
    pub(super) fn counts_by_collection(&mut self, run: &str) -> Result<Vec<(String, Counts)>> {
        if !self.has_state()? {
            return Ok(vec![]);
        }
        self.database.rows(&checkpoints::counts_by_collection(run), checkpoints::decode_counts)
    }

    /// After a load: forgets the keys seen, lets the planner learn the tables, empties the WAL.
    pub(super) fn finish_run(&mut self, run: &str) -> Result<()> {
        self.writable()?;
        self.session = None;
        let others = self.database.row(&runs::other_keys(run), |_| Ok(()))?.is_some();
        self.database.run(&runs::forget_keys(run, others))?;
        self.pragma("analysis_limit = 400")?;
        self.pragma("optimize")?;
        // Readers of other processes may keep the WAL from being emptied; that is theirs to end.
        match self.database.try_execute("PRAGMA wal_checkpoint(TRUNCATE)", vec![]) {
            Err(failure) if !failure.is_busy() => Err(self.database.error(failure)),
            _ => Ok(()),
        }
    }
}
