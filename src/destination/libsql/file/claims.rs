//! Unique values that waiting documents claim.

use super::super::failure::Failure;
use super::super::records::claims;
use super::super::refusal::claimed;
use super::super::statement::text;
use super::database::{Database, Prepared, bound, whole};
use super::document::{Trouble, at_row};
use super::write::Commit;
use crate::domain::row::MappedDocument;
use crate::error::Result;

/// Statements on `_fireferry_claims`.
pub(super) struct ClaimStatements {
    insert: Prepared,
    release: Prepared,
    earlier: Prepared,
}

impl ClaimStatements {
    pub(super) fn prepare(database: &Database) -> Result<Self, Failure> {
        Ok(Self {
            insert: database.prepare(claims::INSERT)?,
            release: database.prepare(claims::RELEASE)?,
            earlier: database.prepare(claims::EARLIER)?,
        })
    }
}

impl Commit<'_> {
    /// Claims the unique values of a document that begins to wait.
    pub(super) fn claim(&self, document: &MappedDocument, reject: i64) -> Result<()> {
        let plan = self.plan();
        let Some(owner) = plan.owner else { return Ok(()) };
        for claim in claims::claims_of(&plan.unique_sets, document) {
            let insert = claims::insert(owner, claim, reject);
            self.session.claims.insert.run(insert).map_err(|failure| self.lost(failure))?;
        }
        Ok(())
    }

    /// A document waits no more.
    pub(super) fn release_claims(&self, reject: i64) -> Result<()> {
        self.session.claims.release.run(claims::release(reject)).map(drop).map_err(|failure| self.lost(failure))
    }

    /// Refuses a document while an earlier one with the same unique value waits.
    pub(super) fn require_unclaimed(&self, document: &MappedDocument) -> Result<(), Trouble> {
        let plan = self.plan();
        let Some(owner) = plan.owner else { return Ok(()) };
        for (set, value) in claims::claims_of(&plan.unique_sets, document) {
            let earlier = claims::earlier(owner, (set, value), document);
            let query = &self.session.claims.earlier;
            let found = query.query(bound(earlier.values), |row| text(&whole(row)?, 0)).map_err(at_row)?;
            if let Some(earlier) = found.first() {
                let what = claims::unique_text(&plan.table, &plan.target, &plan.unique_sets, document, set);
                return Err(claimed(&what, earlier).into());
            }
        }
        Ok(())
    }
}
