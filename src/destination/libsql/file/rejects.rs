//! Rejects in the file.

use super::super::failure::Failure;
use super::super::records::rejects;
use super::super::statement::integer;
use super::LibsqlFile;
use super::database::{Database, Prepared, bound};
use super::document::Trouble;
use super::write::Commit;
use crate::destination::{RejectQuery, StoredReject};
use crate::domain::reject::{Reject, RejectState, Rejection};
use crate::domain::row::MappedDocument;
use crate::error::Result;

/// Statements of a load.
pub(super) struct RejectStatements {
    insert: Prepared,
    update: Prepared,
    forget: Prepared,
    earlier: Prepared,
}

impl RejectStatements {
    pub(super) fn prepare(database: &Database) -> Result<Self, Failure> {
        Ok(Self {
            insert: database.prepare(rejects::INSERT)?,
            update: database.prepare(rejects::UPDATE)?,
            forget: database.prepare(rejects::FORGET)?,
            earlier: database.prepare(rejects::EARLIER)?,
        })
    }
}

impl Commit<'_> {
    /// Stores a reject and returns its number.
    pub(super) fn keep(&mut self, reject: &Reject) -> Result<i64> {
        let id = self.session.next_reject;
        let values = rejects::values(id, &self.session.run, reject, self.header.pass);
        self.session.rejects.insert.execute(bound(values)).map_err(|failure| self.lost(failure))?;
        self.session.next_reject += 1;
        Ok(id)
    }

    /// A retried document failed again.
    pub(super) fn keep_again(&self, id: i64, rejection: &Rejection, state: RejectState) -> Result<()> {
        let again = rejects::update(id, rejection, state, self.header.pass);
        self.session.rejects.update.run(again).map(drop).map_err(|failure| self.lost(failure))
    }

    /// A retried document succeeded.
    pub(super) fn forget_reject(&self, id: i64) -> Result<()> {
        self.session.rejects.forget.run(rejects::forget(id)).map(drop).map_err(|failure| self.lost(failure))
    }

    /// Whether an earlier document with the same key waits.
    pub(super) fn earlier_waiting(&self, document: &MappedDocument) -> Result<bool, Trouble> {
        let earlier = rejects::earlier(&self.session.run, &self.plan().target, document);
        Ok(!self.session.rejects.earlier.query(bound(earlier.values), |_| Ok(()))?.is_empty())
    }
}

impl LibsqlFile {
    /// Rejects by query, bounded in number and bytes.
    pub(super) fn stored_rejects(&mut self, query: &RejectQuery) -> Result<Vec<StoredReject>> {
        if !self.has_state()? {
            return Ok(vec![]);
        }
        let sizes = self.database.rows(&rejects::sizes(query), |row| integer(row, 0))?;
        if sizes.is_empty() {
            return Ok(vec![]);
        }
        self.database.rows(&rejects::select(query, rejects::fitting(&sizes)), rejects::decode)
    }

    /// The highest pass that a waiting document was tried in.
    pub(super) fn highest_pass(&mut self, run: &str, collection: Option<&str>) -> Result<u64> {
        if !self.has_state()? {
            return Ok(0);
        }
        let pass = self.database.row(&rejects::highest_pass(run, collection), |row| integer(row, 0))?;
        Ok(pass.and_then(|pass| u64::try_from(pass).ok()).unwrap_or_default())
    }
}
