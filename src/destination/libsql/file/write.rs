//! One commit: rows, rejects, counts and checkpoint in one transaction.

use super::super::failure::{Constraint, Failure, extended, primary};
use super::super::records::checkpoints;
use super::LibsqlFile;
use super::database::Database;
use super::plan::{Session, TargetPlan};
use crate::crossing::crossing;
use crate::destination::{Batch, CommitHeader, Feed, Receipt};
use crate::domain::cursor::{Counts, Cursor};
use crate::domain::reject::RejectState;
use crate::error::{Error, ErrorKind, Result};

/// A commit under way. Dropped unfinished (an error, a cancelled future), it is rolled back.
pub(super) struct Commit<'a> {
    pub(super) database: &'a Database,
    pub(super) session: &'a mut Session,
    pub(super) header: &'a CommitHeader,
    pub(super) counts: Counts,
    /// The document at hand put its key into `_fireferry_seen`.
    pub(super) remembered: bool,
    /// Numbers of the rows that the batch at hand left, which the undo log is to have.
    pub(super) logged: Vec<i64>,
    to: Option<Cursor>,
    last: bool,
    /// What the session knew before, for a rollback: next reject, waiting documents.
    before: (i64, i64),
    finished: bool,
}

impl LibsqlFile {
    /// Takes batches until the feed says `None`, then commits. See the contract of `Destination::write`.
    pub(super) async fn write_commit(&mut self, header: &CommitHeader, feed: &mut dyn Feed) -> Result<Receipt> {
        self.writable()?;
        let Some(session) = self.session.as_mut().filter(|session| session.run == header.run) else {
            return Err(internal("a commit of a run that was not prepared"));
        };
        let mut commit = Commit::begin(&self.database, session, header)?;
        crossing("commit.begun");
        while let Some(batch) = feed.next().await? {
            commit.batch(batch)?;
            crossing("commit.batch");
        }
        commit.finish()
    }
}

impl<'a> Commit<'a> {
    fn begin(database: &'a Database, session: &'a mut Session, header: &'a CommitHeader) -> Result<Self> {
        let Some(plan) = session.targets.get(header.target) else {
            return Err(internal("a commit of a target that was not prepared"));
        };
        let before = (session.next_reject, plan.waiting);
        // Nothing was taken from the feed yet: a lock held by another process is worth another try.
        database.execute("BEGIN IMMEDIATE", vec![])?;
        let commit = Self {
            database,
            session,
            header,
            counts: Counts::default(),
            remembered: false,
            logged: Vec::new(),
            to: header.from.clone(),
            last: false,
            before,
            finished: false,
        };
        commit.session.require_same_schema(database)?;
        let collection = commit.plan().target.collection.as_str();
        let last = database.row(&checkpoints::last(header, collection), |row| Ok(row.to_vec()))?;
        checkpoints::require_next(header, collection, last.as_deref())?;
        Ok(commit)
    }

    /// The target of this commit.
    pub(super) fn plan(&self) -> &TargetPlan {
        &self.session.targets[self.header.target]
    }

    fn batch(&mut self, batch: Batch) -> Result<()> {
        let skipped = signed(batch.skipped);
        self.counts.read += skipped;
        self.counts.skipped += skipped;
        self.counts.bytes += signed(batch.bytes);
        for reject in &batch.rejects {
            self.counts.read += 1;
            self.keep(reject)?;
            match reject.state {
                RejectState::Rejected => self.counts.rejected += 1,
                RejectState::Waiting => self.count_waiting(1),
            }
        }
        for document in &batch.documents {
            self.document(document)?;
        }
        self.log_batch()?;
        self.to = Some(batch.to);
        self.last = batch.last;
        Ok(())
    }

    /// One document more (or less) waits.
    pub(super) fn count_waiting(&mut self, difference: i64) {
        self.counts.waiting += difference;
        self.session.targets[self.header.target].waiting += difference;
    }

    fn finish(mut self) -> Result<Receipt> {
        let receipt = Receipt { counts: self.counts, to: self.to.take(), last: self.last };
        let collection = self.plan().target.collection.as_str();
        checkpoints::insert(self.header, collection, &receipt)
            .and_then(|checkpoint| self.database.try_run(&checkpoint))
            .map_err(|failure| self.lost(failure))?;
        crossing("commit.checkpointed");
        match self.database.try_execute("COMMIT", vec![]) {
            Ok(_) => {
                self.finished = true;
                crossing("commit.durable");
                Ok(receipt)
            }
            Err(failure) => Err(self.commit_failed(failure)),
        }
    }

    /// COMMIT itself failed. When only the sync failed, all of it may be on the disk: the checkpoint knows, after the
    /// database was opened anew.
    fn commit_failed(&self, failure: Failure) -> Error {
        if matches!(failure.code, extended::IOERR_FSYNC | extended::IOERR_DIR_FSYNC) {
            return Error::new(
                ErrorKind::Unknown,
                "commit_unknown",
                format!("{} could not be synced to disk at the end of a commit", self.database.path().display()),
            )
            .hint("check the disk, then go on with --resume")
            .caused_by(failure.message);
        }
        if failure.constraint() == Some(Constraint::ForeignKey) {
            return Error::new(
                ErrorKind::Destination,
                "deferred_foreign_key",
                "a foreign key declared DEFERRABLE INITIALLY DEFERRED failed at COMMIT, which names no row",
            )
            .collection(self.plan().target.collection.as_str())
            .hint("declare the foreign key without INITIALLY DEFERRED; documents may still come before their parents")
            .caused_by(failure.message);
        }
        self.lost(failure)
    }

    /// An error that no single document explains. The transaction is rolled back by dropping the commit, or gone
    /// already: then it must not look as if the rest could go on.
    pub(super) fn lost(&self, failure: Failure) -> Error {
        let gone = self.database.is_autocommit();
        let known = !matches!(failure.primary(), primary::CONSTRAINT | primary::ERROR);
        if known && !failure.is_busy() {
            return self.database.error(failure);
        }
        let (code, what) = if gone {
            ("commit_lost", "the database ended the transaction by itself; none of the commit was written")
        } else {
            ("commit_failed", "the commit could not be written; none of it was")
        };
        Error::new(ErrorKind::Destination, code, what)
            .collection(self.plan().target.collection.as_str())
            .hint("look for RAISE(ROLLBACK) in triggers and ON CONFLICT ROLLBACK in the schema, then use --resume")
            .caused_by(failure.message)
    }
}

impl Drop for Commit<'_> {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        if !self.database.is_autocommit() {
            // If even this fails, closing the connection rolls back.
            let _ = self.database.try_execute("ROLLBACK", vec![]);
        }
        self.session.next_reject = self.before.0;
        self.session.targets[self.header.target].waiting = self.before.1;
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn internal(message: &str) -> Error {
    Error::new(ErrorKind::Internal, "destination_internal", message)
}
