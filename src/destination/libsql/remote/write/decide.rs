//! What happens to each document of a commit, in source order, exactly as a local file would have it: first what can be
//! said from here, then what the database said when it was tried.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::fate::{ChildWrite, Failing, Fate, Outcome, Remember, RowWrite, Write};
use super::look::{Known, Stored};
use super::pending::{Item, Pending};
use super::session::TargetPlan;
use crate::destination::OnConflict;
use crate::destination::libsql::existing::{Existing, Standing};
use crate::destination::libsql::records::{claims, rejects, seen};
use crate::destination::libsql::refusal::{self, Refusal};
use crate::domain::reject::RejectCode;
use crate::domain::row::MappedDocument;

/// A commit whose documents are being decided.
pub(super) struct Deciding<'a> {
    plan: &'a TargetPlan,
    pending: &'a Pending,
    known: HashMap<usize, Known>,
    learned: HashMap<usize, Learned>,
}

/// What the database said of a document, by its place among the items.
#[derive(Debug, Clone)]
pub(super) enum Learned {
    /// It fails.
    Fails(Failing),
    /// It fails, and this is why.
    Refused(Refusal),
}

/// What happens to the documents, by their places among the items. Records that are rejects already have none.
pub(super) type Fates = Vec<Option<Fate>>;

/// What earlier documents of the commit leave behind for later ones.
#[derive(Default)]
struct Before {
    /// Keys of documents that wait, as JSON.
    waiting_keys: HashSet<String>,
    /// Unique values of documents that wait, and whose they are.
    claims: HashMap<(i64, Vec<u8>), String>,
    /// Keys that were written.
    seen: HashSet<Vec<u8>>,
}

impl<'a> Deciding<'a> {
    pub fn new(plan: &'a TargetPlan, pending: &'a Pending, known: HashMap<usize, Known>) -> Self {
        Self { plan, pending, known, learned: HashMap::new() }
    }

    /// Takes note of what the database said.
    pub fn learn(&mut self, place: usize, learned: Learned) {
        self.learned.insert(place, learned);
    }

    /// What was said of later documents is not valid any more, because an earlier one fares differently.
    pub fn forget_after(&mut self, place: usize) {
        self.learned.retain(|learned, _| *learned <= place);
    }

    /// The numbers and new codes of waiting documents that are refused again, by their places.
    pub fn codes(&self) -> BTreeMap<usize, (i64, RejectCode)> {
        let fates = self.fates();
        let code = |(at, document): (usize, &MappedDocument)| match fates.get(at) {
            Some(Some(Fate::Refused(refusal))) => Some((at, (document.waiting?, refusal.rejection.code))),
            _ => None,
        };
        self.pending.documents().filter_map(code).collect()
    }

    /// The fates as far as they are known.
    pub fn fates(&self) -> Fates {
        self.walk(true)
    }

    /// What can be said from here alone, given what earlier documents leave behind.
    pub fn own(&self) -> Fates {
        self.walk(false)
    }

    /// The first document about which something else is said from here than before.
    pub fn first_difference(&self, before: &Fates) -> Option<usize> {
        let now = self.own();
        now.iter().zip(before).position(|(now, before)| match (now, before) {
            (Some(Fate::Write(now)), Some(Fate::Write(before))) => now != before,
            (Some(Fate::Refused(now)), Some(Fate::Refused(before))) => now.rejection != before.rejection,
            (None, None) => false,
            _ => true,
        })
    }

    /// One walk over the documents. With `told`, what the database said is part of the answer; it always counts for what
    /// later documents find.
    fn walk(&self, told: bool) -> Fates {
        let mut before = Before::default();
        let fates = self.pending.items.iter().enumerate().map(|(place, item)| {
            let Item::Document(document) = item else { return None };
            let own = self.judged_here(place, document, &before);
            let full = match (&own, self.learned.get(&place)) {
                (Fate::Write(write), Some(Learned::Fails(failing))) => Fate::Failing(write.clone(), failing.clone()),
                (Fate::Write(_), Some(Learned::Refused(refusal))) => Fate::Refused(refusal.clone()),
                _ => own.clone(),
            };
            self.leave_behind(document, &full, &mut before);
            Some(if told { full } else { own })
        });
        fates.collect()
    }

    /// What can be said without trying it.
    fn judged_here(&self, place: usize, document: &MappedDocument, before: &Before) -> Fate {
        let target = &self.plan.target;
        if let Some(rejection) = refusal::key_is_null(target, document) {
            return Fate::Refused(Refusal { rejection, may_wait: false });
        }
        let known = self.known.get(&place);
        if let Some(refusal) = self.behind_a_waiting_one(document, known, before) {
            return Fate::Refused(refusal);
        }
        let remember = if target.remember_keys { Remember::MustBeNew } else { Remember::No };
        let Some(known) = known.filter(|_| !target.empty_at_start) else {
            return Fate::Write(Write::insert(self.plan.children.len(), Remember::No));
        };
        let key_was_seen = target.remember_keys && (known.seen || before.seen.contains(&seen::key(target, document)));
        match &known.row {
            // Written by an earlier document of this commit, so the server did not see it yet.
            None if key_was_seen && !known.seen => Fate::Refused(refusal::duplicate(target, document)),
            None => Fate::Write(self.insert(known)),
            Some(_) if key_was_seen => Fate::Refused(refusal::duplicate(target, document)),
            Some(existing) => self.existing(document, known, existing, remember),
        }
    }

    fn behind_a_waiting_one(
        &self,
        document: &MappedDocument,
        known: Option<&Known>,
        before: &Before,
    ) -> Option<Refusal> {
        let target = &self.plan.target;
        let waits = known.is_some_and(|known| known.key_waits)
            || (!before.waiting_keys.is_empty() && before.waiting_keys.contains(&rejects::key_json(target, document)));
        if waits {
            return Some(refusal::duplicate(target, document));
        }
        let elsewhere = known.and_then(|known| known.claimed.clone());
        let here = || {
            let claims = claims::claims_of(&self.plan.unique_sets, document).into_iter();
            claims.filter_map(|claim| Some((claim.0, before.claims.get(&claim)?.clone()))).next()
        };
        let here = if before.claims.is_empty() { None } else { here() };
        // The first unique set that is claimed; within it, documents of earlier commits came first.
        let (set, earlier) = [elsewhere, here].into_iter().flatten().min_by_key(|(set, _)| *set)?;
        let sets = &self.plan.unique_sets;
        let what = claims::unique_text(&self.plan.table, target, sets, document, set);
        Some(refusal::claimed(&what, &earlier))
    }

    fn insert(&self, known: &Known) -> Write {
        let remember = if self.plan.target.remember_keys { Remember::Keep } else { Remember::No };
        let mut write = Write::insert(self.plan.children.len(), remember);
        // Rows may be there without their parent.
        write.children = replaced_children(known);
        write
    }

    fn existing(&self, document: &MappedDocument, known: &Known, existing: &Existing, remember: Remember) -> Fate {
        let target = &self.plan.target;
        let children_equal = known.children.iter().all(|stored| stored.equal);
        let equal = existing.standing == Standing::Equal && children_equal;
        let keep = |outcome| {
            let write = Write { row: RowWrite::Keep, merged: None, children: Vec::new(), remember, outcome };
            Fate::Write(write)
        };
        let leave = || keep(if equal { Outcome::Unchanged } else { Outcome::Skipped });
        match (&target.on_conflict, existing.standing) {
            (OnConflict::Skip, _) => keep(Outcome::Skipped),
            (OnConflict::Fail, _) if equal => keep(Outcome::Unchanged),
            (OnConflict::Fail, _) => Fate::Refused(refusal::row_exists(target, document)),
            (OnConflict::Replace, _) if equal => keep(Outcome::Unchanged),
            (OnConflict::Replace, _) => Fate::Write(replace(known, existing, remember)),
            (OnConflict::Merge, _) => fill(known, existing, remember).map_or_else(leave, Fate::Write),
            (OnConflict::KeepNewest(_) | OnConflict::KeepOldest(_), Standing::Differs) => {
                Fate::Write(replace(known, existing, remember))
            }
            (OnConflict::KeepNewest(_) | OnConflict::KeepOldest(_), Standing::NotComparable) => {
                Fate::Refused(refusal::not_comparable(target, document))
            }
            (OnConflict::KeepNewest(_) | OnConflict::KeepOldest(_), _) => leave(),
        }
    }

    fn leave_behind(&self, document: &MappedDocument, fate: &Fate, before: &mut Before) {
        let target = &self.plan.target;
        match fate {
            Fate::Write(_) if target.remember_keys => {
                before.seen.insert(seen::key(target, document));
            }
            Fate::Refused(refusal) if refusal.may_wait && !self.pending.header.finalize => {
                before.waiting_keys.insert(rejects::key_json(target, document));
                for claim in claims::claims_of(&self.plan.unique_sets, document) {
                    let name = document.document.path.to_string();
                    before.claims.entry(claim).or_insert(name);
                }
            }
            _ => {}
        }
    }
}

/// Row and child rows become the document's.
fn replace(known: &Known, existing: &Existing, remember: Remember) -> Write {
    let row = if existing.standing == Standing::Equal { RowWrite::Keep } else { RowWrite::Update };
    let children = replaced_children(known);
    Write { row, merged: None, children, remember, outcome: Outcome::Updated }
}

/// What row and child tables lack is filled; `None` where that is nothing.
fn fill(known: &Known, existing: &Existing, remember: Remember) -> Option<Write> {
    let lacks = |stored: &Stored| stored.rows == 0 && !stored.equal;
    let children: Vec<ChildWrite> =
        known.children.iter().map(|stored| ChildWrite { delete: 0, insert: lacks(stored) }).collect();
    let merged = existing.merged.clone();
    let row = if merged.is_some() { RowWrite::Update } else { RowWrite::Keep };
    let fills = merged.is_some() || children.iter().any(|child| child.insert);
    fills.then_some(Write { row, merged, children, remember, outcome: Outcome::Updated })
}

fn replaced_children(known: &Known) -> Vec<ChildWrite> {
    let replaced = |stored: &Stored| match stored.equal {
        true => ChildWrite::default(),
        false => ChildWrite { delete: stored.rows, insert: true },
    };
    known.children.iter().map(replaced).collect()
}
