//! One document: its row, its child rows, and what became of it. The hot path.

use super::super::existing::{Existing, Standing};
use super::super::failure::Failure;
use super::super::records::rejects;
use super::super::refusal::{self, Refusal, Spot};
use super::super::statement::integer;
use super::database::{bind_all, whole};
use super::undo::UndoLog;
use super::write::Commit;
use crate::destination::OnConflict;
use crate::domain::reject::RejectState;
use crate::domain::row::{MappedDocument, Row, SqlValue};
use crate::error::Result;

/// What a document did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Inserted,
    Updated,
    Unchanged,
    Skipped,
}

/// Why a document was not written.
pub(super) enum Trouble {
    /// It is refused, and why is known.
    Refused(Refusal),
    /// SQLite refused a statement for the row at this spot.
    Statement(Failure, Spot),
    /// SQLite refused the row that the stored one and the document's make together.
    Merged(Failure, Row),
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        at_row(failure)
    }
}

impl Commit<'_> {
    /// Writes a document, or keeps it as a reject. Its neighbours do not notice.
    pub(super) fn document(&mut self, document: &MappedDocument) -> Result<()> {
        let (before, logged) = (self.counts, self.logged.len());
        self.remembered = false;
        match self.store(document) {
            Ok(outcome) => self.stored(document, outcome),
            Err(trouble) => {
                self.counts = before;
                self.logged.truncate(logged);
                self.refused(document, trouble)
            }
        }
    }

    fn stored(&mut self, document: &MappedDocument, outcome: Outcome) -> Result<()> {
        match document.waiting {
            None => self.counts.read += 1,
            Some(id) => {
                self.count_waiting(-1);
                self.forget_reject(id)?;
                self.release_claims(id)?;
            }
        }
        match outcome {
            Outcome::Inserted => self.counts.inserted += 1,
            Outcome::Updated => self.counts.updated += 1,
            Outcome::Unchanged => self.counts.unchanged += 1,
            Outcome::Skipped => self.counts.skipped += 1,
        }
        Ok(())
    }

    fn refused(&mut self, document: &MappedDocument, trouble: Trouble) -> Result<()> {
        let refusal = match trouble {
            Trouble::Refused(refusal) => refusal,
            Trouble::Statement(failure, spot) => self.explained(document, failure, spot)?,
            Trouble::Merged(failure, row) => {
                let merged = MappedDocument { row, ..document.clone() };
                self.explained(&merged, failure, Spot::Row)?
            }
        };
        if self.remembered {
            self.forget_key(document)?;
        }
        let waits = refusal.may_wait && !self.header.finalize;
        let state = if waits { RejectState::Waiting } else { RejectState::Rejected };
        match document.waiting {
            None => {
                self.counts.read += 1;
                let reject = rejects::of_document(&self.plan().target, document, refusal.rejection, state);
                let id = self.keep(&reject)?;
                if waits {
                    self.claim(document, id)?;
                    self.count_waiting(1);
                } else {
                    self.counts.rejected += 1;
                }
            }
            Some(id) => {
                self.keep_again(id, &refusal.rejection, state)?;
                if !waits {
                    self.release_claims(id)?;
                    self.count_waiting(-1);
                    self.counts.rejected += 1;
                }
            }
        }
        Ok(())
    }

    /// Why the rows of this document were refused.
    fn explained(&mut self, document: &MappedDocument, failure: Failure, spot: Spot) -> Result<Refusal> {
        if self.database.is_autocommit() || !failure.is_about_the_row() {
            return Err(self.lost(failure));
        }
        self.classify(document, &failure, spot)
    }

    /// A document of several rows has a savepoint: a refused child row takes the others along.
    fn store(&mut self, document: &MappedDocument) -> Result<Outcome, Trouble> {
        self.require_key(document)?;
        self.require_no_earlier_waiting(document)?;
        let plan = self.plan();
        let several = !plan.children.is_empty()
            && (!plan.target.empty_at_start || document.children.iter().any(|rows| !rows.is_empty()));
        if !several {
            return self.store_rows(document);
        }
        let point = |failure| Trouble::Statement(failure, Spot::Row);
        self.session.savepoint.begin.execute(vec![]).map_err(point)?;
        let outcome = self.store_rows(document);
        // After RAISE(ROLLBACK) the savepoint is gone with the transaction; `refused` finds that out.
        if !self.database.is_autocommit() {
            if outcome.is_err() {
                self.session.savepoint.undo.execute(vec![]).map_err(point)?;
            }
            self.session.savepoint.release.execute(vec![]).map_err(point)?;
        }
        outcome
    }

    /// In a table that held rows, looking first is cheaper than an insert that fails, and an equal row needs no more.
    fn store_rows(&mut self, document: &MappedDocument) -> Result<Outcome, Trouble> {
        let fresh = self.plan().target.empty_at_start;
        if !fresh && let Some(existing) = self.existing(document)? {
            return self.store_existing(document, existing);
        }
        let inserted = self.plan().insert.execute(bind_all(&document.row)).map_err(at_row)?;
        if inserted == 0 {
            // The key's index holds an equal key: this one by bytes, or one that only compares as equal.
            return Err(match self.existing(document)? {
                Some(_) => self.duplicate(document),
                None => self.other_key(document).map_err(at_row)?.into(),
            });
        }
        if !fresh && self.plan().target.remember_keys {
            self.remember_key(document)?;
        }
        if self.plan().undo.is_some() {
            self.log_after(document, Some(self.database.last_number()))?;
        }
        self.replace_children(document)?;
        Ok(Outcome::Inserted)
    }

    /// There is a row with this key.
    fn store_existing(&mut self, document: &MappedDocument, existing: Existing) -> Result<Outcome, Trouble> {
        if self.plan().target.remember_keys && !self.remember_key(document)? {
            return Err(self.duplicate(document));
        }
        let differs = existing.standing != Standing::Equal;
        match (&self.plan().target.on_conflict, existing.standing) {
            (OnConflict::Skip, _) => Ok(Outcome::Skipped),
            (OnConflict::Fail, _) => self.require_equal(document, differs),
            (OnConflict::Replace, _) => self.replace(document, &existing, differs),
            (OnConflict::Merge, _) => self.merge(document, existing),
            (OnConflict::KeepNewest(_) | OnConflict::KeepOldest(_), Standing::Differs) => {
                self.replace(document, &existing, true)
            }
            (OnConflict::KeepNewest(_) | OnConflict::KeepOldest(_), Standing::NotComparable) => {
                Err(refusal::not_comparable(&self.plan().target, document).into())
            }
            (OnConflict::KeepNewest(_) | OnConflict::KeepOldest(_), _) => self.leave(document, differs),
        }
    }

    /// The row stays as it is.
    fn leave(&self, document: &MappedDocument, differs: bool) -> Result<Outcome, Trouble> {
        let equal = !differs && self.children_equal(document)?;
        Ok(if equal { Outcome::Unchanged } else { Outcome::Skipped })
    }

    /// Fills what the row and its child tables lack.
    fn merge(&mut self, document: &MappedDocument, existing: Existing) -> Result<Outcome, Trouble> {
        let fills = existing.merged.is_some();
        if let Some(merged) = existing.merged.filter(|_| self.plan().update.is_some()) {
            match self.overwrite(document, existing.number, &merged.row)? {
                Ok(0) => return Err(refusal::trigger_ignored_update(&self.plan().table).into()),
                Ok(_) => {}
                Err(failure) => return Err(Trouble::Merged(failure, merged.row)),
            }
        }
        if self.fill_children(document)? || fills {
            return Ok(Outcome::Updated);
        }
        self.leave(document, existing.standing != Standing::Equal)
    }

    fn require_equal(&self, document: &MappedDocument, differs: bool) -> Result<Outcome, Trouble> {
        if !differs && self.children_equal(document)? {
            return Ok(Outcome::Unchanged);
        }
        Err(refusal::row_exists(&self.plan().target, document).into())
    }

    fn replace(&mut self, document: &MappedDocument, existing: &Existing, differs: bool) -> Result<Outcome, Trouble> {
        if differs
            && self.plan().update.is_some()
            && self.overwrite(document, existing.number, &document.row)?.map_err(at_row)? == 0
        {
            return Err(refusal::trigger_ignored_update(&self.plan().table).into());
        }
        let replaced = self.replace_children(document)?;
        Ok(if differs || replaced { Outcome::Updated } else { Outcome::Unchanged })
    }

    /// Gives the row with the document's key these values, with its entries in the undo log; the rows changed.
    fn overwrite(
        &mut self,
        document: &MappedDocument,
        number: Option<i64>,
        row: &[SqlValue],
    ) -> Result<Result<usize, Failure>, Trouble> {
        self.log_before(document, number)?;
        let updated = match &self.plan().update {
            Some(update) => update.execute(bind_all(row)),
            None => Ok(0),
        };
        match updated {
            Ok(1..) => self.log_after(document, number)?,
            _ => self.unlog(document, number)?,
        }
        Ok(updated)
    }

    /// The row with exactly this key.
    fn existing(&self, document: &MappedDocument) -> Result<Option<Existing>, Trouble> {
        let plan = self.plan();
        let numbered = plan.undo.as_ref().is_some_and(UndoLog::is_numbered);
        let read = |row: &libsql::Row| {
            let result = whole(row)?;
            let number = if numbered { Some(integer(&result, result.len() - 1)?) } else { None };
            Ok(Existing { number, ..Existing::read(&plan.target, &document.row, &result)? })
        };
        let found = plan.compare.query(bind_all(&document.row), read);
        Ok(found.map_err(at_row)?.into_iter().next())
    }

    fn require_key(&self, document: &MappedDocument) -> Result<(), Trouble> {
        match refusal::key_is_null(&self.plan().target, document) {
            None => Ok(()),
            Some(rejection) => Err(Refusal { rejection, may_wait: false }.into()),
        }
    }

    /// The first document of a key or unique value wins, also while it waits.
    fn require_no_earlier_waiting(&self, document: &MappedDocument) -> Result<(), Trouble> {
        if self.plan().waiting == 0 || (self.plan().waiting == 1 && document.waiting.is_some()) {
            return Ok(());
        }
        match self.earlier_waiting(document)? {
            false => self.require_unclaimed(document),
            true => Err(self.duplicate(document)),
        }
    }

    fn duplicate(&self, document: &MappedDocument) -> Trouble {
        refusal::duplicate(&self.plan().target, document).into()
    }
}

/// A failure at the document's own row.
pub(super) fn at_row(failure: Failure) -> Trouble {
    Trouble::Statement(failure, Spot::Row)
}
