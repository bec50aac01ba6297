//! Keys that a run has seen.

use super::super::failure::Failure;
use super::super::records::seen;
use super::database::{Database, Prepared};
use super::document::{Trouble, at_row};
use super::write::Commit;
use crate::domain::row::MappedDocument;
use crate::error::Result;

/// Statements on `_fireferry_seen`.
pub(super) struct SeenStatements {
    remember: Prepared,
    forget: Prepared,
}

impl SeenStatements {
    pub(super) fn prepare(database: &Database) -> Result<Self, Failure> {
        Ok(Self { remember: database.prepare(seen::REMEMBER)?, forget: database.prepare(seen::FORGET)? })
    }
}

impl Commit<'_> {
    /// Whether the key is new to this run; from now on it is not.
    pub(super) fn remember_key(&mut self, document: &MappedDocument) -> Result<bool, Trouble> {
        let plan = self.plan();
        let Some(owner) = plan.owner else {
            return Err(at_row(Failure::internal("a collection without partitions has no memory of keys")));
        };
        let remember = seen::remember(owner, &plan.target, document);
        self.remembered = self.session.seen.remember.run(remember).map_err(at_row)? == 1;
        Ok(self.remembered)
    }

    /// A refused document has not used its key.
    pub(super) fn forget_key(&self, document: &MappedDocument) -> Result<()> {
        let plan = self.plan();
        let Some(owner) = plan.owner else { return Ok(()) };
        let forget = seen::forget(owner, &plan.target, document);
        self.session.seen.forget.run(forget).map(drop).map_err(|failure| self.lost(failure))
    }
}
