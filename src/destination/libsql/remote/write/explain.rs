//! Why a document was refused: what to ask, at its place in the order, and what the answers mean.

use std::borrow::Cow;

use super::fate::{Failing, Place, Write};
use super::trial::Trial;
use super::{sql, units};
use crate::destination::Target;
use crate::destination::libsql::existing::{Existing, Standing};
use crate::destination::libsql::failure::{Constraint, Failure};
use crate::destination::libsql::refusal::{self, Around, Refusal, Spot};
use crate::destination::libsql::remote::connection::Rows;
use crate::destination::libsql::remote::encode::pieces;
use crate::destination::libsql::statement::Statement;
use crate::domain::reject::RejectCode;
use crate::domain::row::{MappedDocument, SqlValue};
use crate::error::{Error, ErrorKind, Result};

/// What is asked about a failing document.
pub(super) struct Asked {
    pub statements: Vec<Statement>,
    write: Write,
    failing: Failing,
}

impl Asked {
    pub fn about(trial: &Trial<'_>, document: &MappedDocument, write: &Write, failing: &Failing) -> Self {
        let targets = targets(trial);
        let around = around(trial, &targets);
        let document = &as_written(document, write);
        let statements = match (failing.spot, &failing.failure) {
            (Place::At(spot), Some(failure)) => refusal::questions(&around, document, failure, spot),
            (Place::Update, Some(failure)) => refusal::questions(&around, document, failure, Spot::Row),
            // Nothing was inserted, or updated: is there a row with exactly this key?
            (Place::At(Spot::Row), None) => {
                let mut statements = vec![own_row(trial, document)];
                statements.extend(refusal::other_key_questions(&around, document));
                statements
            }
            (Place::Update, None) => vec![own_row(trial, document)],
            (Place::At(Spot::Links(index)), None) => stored_children(trial, document, index),
            (Place::At(Spot::Child(..)), None) | (Place::Seen, _) => Vec::new(),
        };
        Self { statements, write: write.clone(), failing: failing.clone() }
    }

    /// The answers as they would be if the earlier documents of this commit had their new codes already: a parent that is
    /// rejected is named with the code that it has by then.
    pub fn as_of(&self, mut answers: Vec<Rows>, earlier: &[(i64, RejectCode)]) -> Vec<Rows> {
        let constraint = self.failing.failure.as_ref().and_then(Failure::constraint);
        if constraint == Some(Constraint::ForeignKey) {
            for row in answers.iter_mut().flatten() {
                if let [_, code, SqlValue::Integer(id)] = row.as_mut_slice()
                    && let Some((_, new)) = earlier.iter().find(|(earlier, _)| earlier == id)
                {
                    *code = new.as_str().into();
                }
            }
        }
        answers
    }

    /// Whether the answer shows the row as it was when it was looked at: the update should have changed it.
    fn is_as_it_was(&self, target: &Target, document: &MappedDocument, answers: &[Rows]) -> Result<bool, Failure> {
        let Some(row) = answers.first().and_then(|rows| rows.first()) else { return Ok(false) };
        let existing = Existing::read(target, &document.row, row.get(1..).unwrap_or_default())?;
        Ok(match &self.write.merged {
            Some(_) => existing.merged == self.write.merged,
            None => target.deciding().is_none() || existing.standing == Standing::Differs,
        })
    }

    /// Rows that the document should have deleted of a child table.
    fn deleted(&self, index: usize) -> u64 {
        self.write.children.get(index).map_or(0, |child| child.delete)
    }
}

/// The refusal; `None` when the rows are not what they were when they were looked at.
pub(super) fn explain(
    trial: &Trial<'_>,
    document: &MappedDocument,
    asked: &Asked,
    answers: &[Rows],
) -> Result<Option<Refusal>> {
    let targets = targets(trial);
    let around = around(trial, &targets);
    let target = &trial.plan.target;
    let found = answers.first().map_or(0, Vec::len) as u64;
    let exists = found > 0;
    let written = &as_written(document, &asked.write);
    let refusal = match (asked.failing.spot, &asked.failing.failure) {
        (Place::At(spot), Some(failure)) => refusal::explain(&around, written, failure, spot, answers),
        (Place::Update, Some(failure)) => refusal::explain(&around, written, failure, Spot::Row, answers),
        // Every row of a table that was empty when the run started is this run's. In another one, a row that was not there
        // when it was looked for is somebody else's: earlier documents of this commit are known.
        (Place::At(Spot::Row), None) if exists && target.empty_at_start => Ok(refusal::duplicate(target, document)),
        (Place::At(Spot::Row), None) if exists => return Ok(None),
        (Place::At(Spot::Row), None) => {
            refusal::explain_other_key(&around, document, answers.get(1..).unwrap_or_default())
        }
        (Place::Update, None) if asked.is_as_it_was(target, document, answers).map_err(unreadable)? => {
            Ok(refusal::trigger_ignored_update(&trial.plan.table))
        }
        // As many rows as were found before, and yet fewer were deleted.
        (Place::At(Spot::Links(index)), None) if found == asked.deleted(index) => {
            Ok(refusal::trigger_ignored_child(&trial.plan.children[index].table))
        }
        (Place::At(Spot::Child(index, _)), None) => {
            Ok(refusal::trigger_ignored_child(&trial.plan.children[index].table))
        }
        (Place::Update, None) | (Place::At(Spot::Links(_)), None) => return Ok(None),
        (Place::Seen, _) => Ok(refusal::duplicate(target, document)),
    };
    refusal.map(Some).map_err(unreadable)
}

/// The document with the row that was sent for it.
fn as_written<'a>(document: &'a MappedDocument, write: &Write) -> Cow<'a, MappedDocument> {
    match &write.merged {
        Some(merged) => Cow::Owned(MappedDocument { row: merged.row.clone(), ..document.clone() }),
        None => Cow::Borrowed(document),
    }
}

fn own_row(trial: &Trial<'_>, document: &MappedDocument) -> Statement {
    let row = std::iter::once(document.row.as_slice());
    let piece = pieces(trial.plan.target.columns.len(), row, 1).pop();
    // One row makes one piece.
    piece.map_or_else(|| Statement::new("SELECT 1", vec![]), |piece| sql::compare(&trial.plan.target, piece))
}

fn stored_children(trial: &Trial<'_>, document: &MappedDocument, index: usize) -> Vec<Statement> {
    let link = units::link(trial.plan, index, document);
    let pieces = pieces(link.len(), std::iter::once(link.as_slice()), 1);
    pieces.into_iter().map(|piece| sql::select_children(&trial.plan.children[index].child, piece)).collect()
}

fn targets<'a>(trial: &'a Trial<'_>) -> Vec<&'a Target> {
    trial.session.targets.iter().map(|plan| &plan.target).collect()
}

fn around<'a>(trial: &'a Trial<'_>, targets: &'a [&'a Target]) -> Around<'a> {
    trial.session.around(trial.plan, targets, trial.pending.header.finalize)
}

fn unreadable(failure: Failure) -> Error {
    Error::new(ErrorKind::Internal, "destination_internal", failure.message)
}
