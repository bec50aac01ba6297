//! fireferry's own tables on the server.

use super::RemoteDatabase;
use super::checks::{decode_row_counts, row_counts};
use super::connection::Rows;
use super::hrana::Trouble;
use super::lease::LEASE_LOST;
use super::transaction::Foreign;
use super::write::FreshRun;
use crate::destination::libsql::failure::Failure;
use crate::destination::libsql::records::{checkpoints, rejects, runs, seen, state, watermarks};
use crate::destination::libsql::statement::integer;
use crate::destination::{OpenReject, PartitionState, RejectQuery, RunRecord, StoredReject, StoredWatermark};
use crate::domain::cursor::{Counts, Partition};
use crate::domain::row::SqlValue;
use crate::error::{Error, ErrorKind, Result};

/// Content of rejects in one answer: the server sends at most 10 MB, and base64 makes 4 bytes of 3.
const MOST_BYTES: i64 = 4 << 20;

impl RemoteDatabase {
    /// Creates fireferry's tables unless they exist; refuses those of a newer program.
    pub(super) async fn create_state(&mut self) -> Result<()> {
        self.create_state_and_count(&[]).await.map(drop)
    }

    /// The same, and rows of tables with it.
    pub(super) async fn create_state_and_count(&mut self, tables: &[String]) -> Result<Vec<u64>> {
        if self.has_state().await? {
            return self.count_rows(tables).await;
        }
        let id = uuid::Uuid::now_v7().to_string();
        let created = self.schema_transaction(&state::create(&id), Foreign::Checked, row_counts(tables)).await?;
        match created.map_err(|refused| Trouble::Sql(refused.failure).into_error(self.connection.host()))? {
            Some(answers) => {
                let rows: Result<Vec<Rows>, Failure> = answers.into_iter().collect();
                decode_row_counts(&rows.map_err(refused_question)?.concat())
            }
            None => self.count_rows(tables).await,
        }
    }

    /// Stores a run with its partitions, and remembers what a load of it will ask first.
    pub(super) async fn insert_run(&mut self, run: &RunRecord, partitions: &[(String, Partition)]) -> Result<()> {
        let mut statements = runs::insert(run, partitions);
        let own = statements.len();
        let mut collections: Vec<String> = partitions.iter().map(|(collection, _)| collection.clone()).collect();
        collections.dedup();
        statements.push(rejects::next_id());
        statements.extend(collections.iter().map(|collection| seen::owner(&run.run, collection)));
        let Some(answers) = self.transaction(&statements).await? else { return Ok(()) };
        let mut numbers = answers.iter().skip(own).map(|answer| integer(answer.rows.first()?, 0).ok());
        self.fresh = numbers.next().flatten().map(|next_reject| FreshRun {
            run: run.run.clone(),
            next_reject,
            owners: collections.into_iter().zip(numbers).collect(),
        });
        Ok(())
    }

    /// The newest run of the pipeline, or the run named if it is the pipeline's.
    pub(super) async fn newest_run(&mut self, pipeline: &str, run: Option<&str>) -> Result<Option<RunRecord>> {
        if !self.has_state().await? {
            return Ok(None);
        }
        let rows = self.connection.query(runs::find(pipeline, run)).await?;
        rows.first().map(|row| runs::decode(row)).transpose().map_err(unreadable)
    }

    /// The newest watermark of every collection of a pipeline.
    pub(super) async fn newest_watermarks(&mut self, pipeline: &str) -> Result<Vec<StoredWatermark>> {
        if !self.has_state().await? {
            return Ok(vec![]);
        }
        decoded(&self.connection.query(watermarks::newest(pipeline)).await?, watermarks::decode)
    }

    /// Rejects and waiting documents of a pipeline.
    pub(super) async fn rejects_of(&mut self, pipeline: &str, limit: usize) -> Result<Vec<OpenReject>> {
        if !self.has_state().await? {
            return Ok(vec![]);
        }
        decoded(&self.connection.query(watermarks::open_rejects(pipeline, limit)).await?, watermarks::decode_open)
    }

    /// Stores status and details of a run.
    pub(super) async fn save_run(&mut self, run: &RunRecord) -> Result<()> {
        let answers = self.transaction(&[runs::update(run)]).await?;
        match answers.as_deref() {
            Some([answer]) if answer.affected_row_count == 0 => Err(runs::unknown_run(&run.run)),
            _ => Ok(()),
        }
    }

    /// Stores the end of a run and gives the lease back.
    pub(super) async fn save_run_and_release(&mut self, run: &RunRecord) -> Result<()> {
        let Some(lease) = &self.lease else { return self.save_run(run).await };
        let statements = [runs::update(run), lease.give_back()];
        let applied = self.transaction(&statements).await;
        match applied {
            Ok(answers) => {
                self.lease = None;
                let unknown = answers.and_then(|answers| Some(answers.first()?.affected_row_count == 0));
                if unknown == Some(true) { Err(runs::unknown_run(&run.run)) } else { Ok(()) }
            }
            // Given back by a try whose reply was lost, or taken over before that: the record tells.
            Err(error) if error.code() == LEASE_LOST => {
                let stored = self.newest_run(&run.pipeline, Some(&run.run)).await?;
                self.lease = None;
                if stored.as_ref() == Some(run) { Ok(()) } else { Err(error) }
            }
            Err(error) => Err(error),
        }
    }

    /// Stores status and details of a run and forgets what it did to collections.
    pub(super) async fn restart_collections(&mut self, run: &RunRecord, collections: &[String]) -> Result<()> {
        (self.session, self.fresh) = (None, None);
        self.transaction(&runs::restart(run, collections)).await.map(drop)
    }

    /// What is durable of every partition of the run.
    pub(super) async fn partition_states(&mut self, run: &str) -> Result<Vec<PartitionState>> {
        if !self.has_state().await? {
            return Ok(vec![]);
        }
        decoded(&self.connection.query(checkpoints::partitions(run)).await?, checkpoints::decode_partition)
    }

    /// The same, and rows of tables with it.
    pub(super) async fn partition_states_and_rows(
        &mut self,
        run: &str,
        tables: &[String],
    ) -> Result<(Vec<PartitionState>, Vec<u64>)> {
        if !self.has_state().await? {
            return Ok((vec![], self.count_rows(tables).await?));
        }
        let questions = [checkpoints::partitions(run)].into_iter().chain(row_counts(tables)).collect();
        let mut answers = self.connection.queries(questions).await?.into_iter();
        let states = decoded(&answers.next().unwrap_or_default(), checkpoints::decode_partition)?;
        Ok((states, decode_row_counts(&answers.collect::<Vec<Rows>>().concat())?))
    }

    /// Sums of all commits of a run by collection.
    pub(super) async fn counts_by_collection(&mut self, run: &str) -> Result<Vec<(String, Counts)>> {
        if !self.has_state().await? {
            return Ok(vec![]);
        }
        decoded(&self.connection.query(checkpoints::counts_by_collection(run)).await?, checkpoints::decode_counts)
    }

    /// Rejects by query, bounded in number and bytes.
    pub(super) async fn stored_rejects(&mut self, query: &RejectQuery) -> Result<Vec<StoredReject>> {
        if !self.has_state().await? {
            return Ok(vec![]);
        }
        let sizes = decoded(&self.connection.query(rejects::sizes(query)).await?, |row| integer(row, 0))?;
        if sizes.is_empty() {
            return Ok(vec![]);
        }
        let fitting = rejects::fitting_within(&sizes, MOST_BYTES);
        if sizes.first().is_some_and(|first| *first > MOST_BYTES) {
            return self.large_reject(query).await;
        }
        decoded(&self.connection.query(rejects::select(query, fitting)).await?, rejects::decode)
    }

    /// One reject that is too large for an answer: its content comes in parts.
    async fn large_reject(&self, query: &RejectQuery) -> Result<Vec<StoredReject>> {
        let (without, part) = rejects::in_parts(query);
        let mut rows = self.connection.query(without).await?;
        let mut content = Vec::new();
        loop {
            let mut part = part.clone();
            part.values.extend([length(content.len() + 1), SqlValue::Integer(MOST_BYTES)]);
            let found = self.connection.query(part).await?;
            match found.into_iter().next().and_then(|row| row.into_iter().next()) {
                Some(SqlValue::Blob(bytes)) if !bytes.is_empty() => content.extend(bytes),
                _ => break,
            }
        }
        if let Some(last) = rows.first_mut().and_then(|row| row.last_mut()) {
            *last = SqlValue::Blob(content);
        }
        decoded(&rows, rejects::decode)
    }

    /// The highest pass that a waiting document was tried in.
    pub(super) async fn highest_pass(&mut self, run: &str, collection: Option<&str>) -> Result<u64> {
        if !self.has_state().await? {
            return Ok(0);
        }
        let rows = self.connection.query(rejects::highest_pass(run, collection)).await?;
        let pass = rows.first().map(|row| integer(row, 0)).transpose().map_err(unreadable)?;
        Ok(pass.and_then(|pass| u64::try_from(pass).ok()).unwrap_or_default())
    }

    /// After a load: forgets the keys seen. What a server does for its planner and its log is its own matter.
    pub(super) async fn finish_run(&mut self, run: &str) -> Result<()> {
        let session = self.session.take().filter(|session| session.run == run);
        if session.is_some_and(|session| session.targets.iter().all(|plan| !plan.target.remember_keys)) {
            return Ok(());
        }
        let others = !self.connection.query(runs::other_keys(run)).await?.is_empty();
        self.transaction(&[runs::forget_keys(run, others)]).await.map(drop)
    }

    /// Deletes all rows of the tables in the order given, and the pipeline's runs, in one transaction.
    pub(super) async fn clear_tables(&mut self, pipeline: &str, tables: &[String]) -> Result<Vec<u64>> {
        self.session = None;
        let known = self.has_state().await?;
        let before = self.count_rows(tables).await?;
        let mirrors = self.mirrors().await?;
        let statements = crate::destination::libsql::records::clear::clear(pipeline, tables, known, &mirrors);
        // Where the answer was lost, what was counted before is what was deleted: the lease keeps other runs away.
        Ok(match self.transaction(&statements).await? {
            Some(answers) => answers.iter().take(tables.len()).map(|answer| answer.affected_row_count).collect(),
            None => before,
        })
    }
}

/// Every row, decoded.
pub(super) fn decoded<T>(rows: &Rows, decode: impl Fn(&[SqlValue]) -> Result<T, Failure>) -> Result<Vec<T>> {
    rows.iter().map(|row| decode(row)).collect::<Result<_, _>>().map_err(unreadable)
}

/// SQLite refuses what any database must answer.
fn refused_question(failure: Failure) -> Error {
    Error::new(ErrorKind::Destination, "destination_sql", failure.message)
}

/// An answer that is not what was asked for.
pub(super) fn unreadable(failure: Failure) -> Error {
    Error::new(ErrorKind::Internal, "destination_internal", failure.message)
}

fn length(number: usize) -> SqlValue {
    SqlValue::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}
