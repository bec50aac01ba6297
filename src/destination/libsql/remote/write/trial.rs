//! Finding out which documents of a commit the database refuses, and why, without keeping anything: the commit is tried in
//! parts, each behind a savepoint, and rolled back. Parts that fail are divided, down to single documents; those that fail
//! are asked about at their place in the order.

use std::collections::BTreeMap;
use std::ops::Range;

use super::decide::{Deciding, Fates, Learned};
use super::explain::{Asked, explain};
use super::fate::{Failing, Fate, Place, Write};
use super::pending::{Item, Pending};
use super::session::{Session, TargetPlan};
use super::units::{self, Writing};
use crate::destination::libsql::remote::connection::{Connection, unexpected};
use crate::destination::libsql::remote::hrana::batch::{Builder, both, either, not_ok, ok};
use crate::destination::libsql::remote::hrana::{BatchAnswer, Request, Response, Stmt, Trouble};
use crate::destination::libsql::statement::Statement;
use crate::domain::row::MappedDocument;
use crate::error::{Error, ErrorKind, Result};

/// Parts that a commit is divided into at first, and a large part again.
const PARTS: usize = 24;
/// A part of no more documents is divided into single ones.
const SMALL: usize = 64;

/// Documents that are written together, as places among the items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unit {
    pub places: Range<usize>,
}

/// How the trials ended.
pub(super) enum Tried {
    /// Every document is decided, and the units were all accepted in this order.
    Decided(Vec<Unit>, Fates),
    /// Somebody else changed what the decisions rest on.
    Moved,
}

/// One commit on trial.
pub(super) struct Trial<'a> {
    pub connection: &'a Connection,
    pub session: &'a Session,
    pub plan: &'a TargetPlan,
    pub pending: &'a Pending,
}

/// Where the steps of a part are in the batch.
struct Part {
    unit: usize,
    savepoint: usize,
    /// Index of each step and what it is about; a check of a count belongs to the statement before.
    steps: Vec<(usize, Place)>,
    last: usize,
    undo: usize,
    release: usize,
}

/// Where the answers about a failing document are.
struct Question {
    place: usize,
    asked: Asked,
    steps: Range<usize>,
}

impl Trial<'_> {
    /// Tries until nothing changes any more. With `single`, every document is a unit of its own from the start.
    pub async fn run(&self, deciding: &mut Deciding<'_>, single: bool) -> Result<Tried> {
        let size = if single { 1 } else { self.pending.items.len().div_ceil(PARTS).max(1) };
        let mut units = divided(0..self.pending.items.len(), if size <= SMALL / 8 { 1 } else { size });
        loop {
            let own = deciding.own();
            let fates = deciding.fates();
            let open = fates.iter().flatten().any(|fate| matches!(fate, Fate::Failing(..)));
            let (parts, questions, request) = self.request(&units, &fates);
            let answer = self.send(&request).await?;
            let failed = self.failed_parts(&parts, &answer)?;
            let whole = failed.iter().all(|(unit, _)| units[*unit].places.len() == 1);
            if !self.learn_answers(&questions, &answer, deciding, whole)? {
                return Ok(Tried::Moved);
            }
            if whole {
                for (unit, failing) in &failed {
                    deciding.learn(units[*unit].places.start, Learned::Fails(failing.clone()));
                }
            }
            let difference = deciding.first_difference(&own);
            if let Some(place) = difference {
                deciding.forget_after(place);
            }
            if failed.is_empty() && !open && difference.is_none() {
                return Ok(Tried::Decided(units, fates));
            }
            units = refined(units, &failed);
        }
    }

    fn request(&self, units: &[Unit], fates: &Fates) -> (Vec<Part>, Vec<Question>, [Request; 2]) {
        let mut builder = Builder::default();
        builder.then_sql("PRAGMA foreign_keys = ON");
        let begin = builder.then_sql("BEGIN IMMEDIATE");
        let (mut parts, mut questions) = (Vec::new(), Vec::new());
        for (number, unit) in units.iter().enumerate() {
            if let Some((place, document, write, failing)) = failing_one(self.pending, unit, fates) {
                let asked = Asked::about(self, document, write, failing);
                let first = builder.next();
                for statement in &asked.statements {
                    builder.then(Stmt::query(statement.clone()));
                }
                questions.push(Question { place, asked, steps: first..builder.next() });
                continue;
            }
            let writing = writing(self.pending, unit, fates);
            parts.extend(self.part(&mut builder, number, &writing));
        }
        builder.aside(ok(begin), Stmt::effect(Statement::new("ROLLBACK", vec![])));
        (parts, questions, [Request::batch(builder.build()), Request::Close])
    }

    /// The statements of a unit behind a savepoint. The next part begins only if this one was released: when the
    /// transaction itself is gone, nothing more is executed.
    fn part(&self, builder: &mut Builder, unit: usize, writing: &[Writing<'_>]) -> Option<Part> {
        let statements = units::statements(self.plan, writing, writing.len() == 1);
        if statements.is_empty() {
            return None;
        }
        let savepoint = builder.then_sql("SAVEPOINT part");
        let mut steps = Vec::new();
        let mut last = savepoint;
        for step in statements {
            last = builder.then(Stmt::effect(step.statement));
            steps.push((last, step.place));
            if let Some(rows) = step.expect {
                last = builder.then(Stmt::effect(super::sql::changed(rows)));
                steps.push((last, step.place));
            }
        }
        let undo =
            builder.aside(both(ok(savepoint), not_ok(last)), Stmt::effect(Statement::new("ROLLBACK TO part", vec![])));
        let release = builder.aside(either(ok(last), ok(undo)), Stmt::effect(Statement::new("RELEASE part", vec![])));
        builder.go_on_from(release);
        Some(Part { unit, savepoint, steps, last, undo, release })
    }

    async fn send(&self, requests: &[Request]) -> Result<BatchAnswer> {
        let mut pauses = self.connection.pauses();
        let _writing = self.connection.writing().await;
        loop {
            let trouble = match self.connection.client().pipeline(None, requests).await {
                Ok(answer) => match answer.responses.into_iter().next() {
                    Some(Ok(Response::Batch { result })) => match self.transient(&result) {
                        None => return Ok(result),
                        Some(trouble) => trouble,
                    },
                    Some(Err(trouble)) => trouble,
                    _ => unexpected("something else than a batch"),
                },
                Err(trouble) => trouble,
            };
            // Nothing is kept of a trial, so a lost answer is simply asked for again.
            pauses.next(trouble, self.connection.host()).await?;
        }
    }

    /// The first error that is not SQLite's word on a row.
    fn transient(&self, answer: &BatchAnswer) -> Option<Trouble> {
        let judged = answer.step_errors.iter().flatten().map(|error| self.connection.client().judge(error));
        judged.into_iter().find(|trouble| match trouble {
            Trouble::Sql(failure) => !failure.is_about_the_row() && !is_only_a_consequence(&failure.message),
            _ => true,
        })
    }

    /// The units that failed, and how.
    fn failed_parts(&self, parts: &[Part], answer: &BatchAnswer) -> Result<Vec<(usize, Failing)>> {
        let mut failed = Vec::new();
        for part in parts.iter().filter(|part| !answer.succeeded(part.last)) {
            let step = part.steps.iter().find_map(|(step, place)| Some((*step, *place, answer.error(*step)?)));
            let Some((step, spot, error)) = step.filter(|_| answer.succeeded(part.savepoint)) else {
                return Err(self.lost(answer));
            };
            if !answer.succeeded(part.undo) || !answer.succeeded(part.release) {
                return Err(self.lost(answer));
            }
            let failure = crate::destination::libsql::remote::hrana::failure_of(error);
            // Of two steps about the same thing, the second one checks the count of the first.
            let counted = part.steps.iter().any(|(other, place)| *other + 1 == step && *place == spot)
                && failure.message.contains("integer overflow");
            failed.push((part.unit, Failing { spot, failure: (!counted).then_some(failure) }));
        }
        Ok(failed)
    }

    fn lost(&self, answer: &BatchAnswer) -> Error {
        let cause = answer.first_error().map_or_else(String::new, |(_, error)| error.message.clone());
        Error::new(
            ErrorKind::Destination,
            "commit_lost",
            "the database ended the transaction by itself; none of the commit was written",
        )
        .collection(self.plan.target.collection.as_str())
        .hint("look for RAISE(ROLLBACK) in triggers and ON CONFLICT ROLLBACK in the schema, then use --resume")
        .caused_by(cause)
    }

    /// Takes the answers about failing documents; false when they show that somebody else changed the rows meanwhile.
    fn learn_answers(
        &self,
        questions: &[Question],
        answer: &BatchAnswer,
        deciding: &mut Deciding<'_>,
        whole: bool,
    ) -> Result<bool> {
        let mut codes = if whole { deciding.codes() } else { BTreeMap::new() };
        for question in questions.iter().filter(|_| whole) {
            let Some(Item::Document(document)) = self.pending.items.get(question.place) else { continue };
            let answers: Option<Vec<_>> =
                question.steps.clone().map(|step| Some(answer.result(step)?.rows.clone())).collect();
            let Some(answers) = answers else { return Err(self.lost(answer)) };
            let earlier: Vec<_> = codes.range(..question.place).map(|(_, changed)| *changed).collect();
            let answers = question.asked.as_of(answers, &earlier);
            let Some(refusal) = explain(self, document, &question.asked, &answers)? else { return Ok(false) };
            if let Some(id) = document.waiting {
                codes.insert(question.place, (id, refusal.rejection.code));
            }
            deciding.learn(question.place, Learned::Refused(refusal));
        }
        Ok(true)
    }
}

/// What SQLite says about a savepoint or transaction that is gone because of the error before.
fn is_only_a_consequence(message: &str) -> bool {
    message.contains("no such savepoint") || message.contains("no transaction is active")
}

/// The documents of a unit that are written.
pub(super) fn writing<'a>(pending: &'a Pending, unit: &Unit, fates: &'a Fates) -> Vec<Writing<'a>> {
    let places = unit.places.clone();
    places
        .filter_map(|place| match (pending.items.get(place)?, fates.get(place)?) {
            (Item::Document(document), Some(Fate::Write(write))) if !units::is_silent(write) => Some((document, write)),
            _ => None,
        })
        .collect()
}

fn failing_one<'a>(
    pending: &'a Pending,
    unit: &Unit,
    fates: &'a Fates,
) -> Option<(usize, &'a MappedDocument, &'a Write, &'a Failing)> {
    let place = unit.places.start;
    match (pending.items.get(place)?, fates.get(place)?) {
        (Item::Document(document), Some(Fate::Failing(write, failing))) => Some((place, document, write, failing)),
        _ => None,
    }
}

/// Parts of so many places.
pub(super) fn divided(places: Range<usize>, size: usize) -> Vec<Unit> {
    let end = places.end;
    places.step_by(size.max(1)).map(|start| Unit { places: start..(start + size.max(1)).min(end) }).collect()
}

/// Units that failed in smaller ones.
fn refined(units: Vec<Unit>, failed: &[(usize, Failing)]) -> Vec<Unit> {
    let divide = |(number, unit): (usize, Unit)| {
        let length = unit.places.len();
        if length == 1 || !failed.iter().any(|(failed, _)| *failed == number) {
            return vec![unit];
        }
        let size = if length <= SMALL { 1 } else { length.div_ceil(PARTS) };
        divided(unit.places, size)
    };
    units.into_iter().enumerate().flat_map(divide).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(units: Vec<Unit>) -> Vec<Range<usize>> {
        units.into_iter().map(|unit| unit.places).collect()
    }

    #[test]
    fn only_failed_units_are_divided_and_in_the_end_into_single_documents() {
        let failing = Failing { spot: Place::Seen, failure: None };
        assert_eq!(ranges(divided(0..7, 3)), [0..3, 3..6, 6..7]);
        let units = refined(divided(0..6, 3), &[(1, failing.clone())]);
        assert_eq!(ranges(units.clone()), [0..3, 3..4, 4..5, 5..6]);
        assert_eq!(ranges(refined(units.clone(), &[(1, failing.clone())])), ranges(units));
        let large = refined(divided(0..2400, 2400), &[(0, failing)]);
        assert_eq!((large.len(), large[0].places.clone()), (24, 0..100));
    }
}
