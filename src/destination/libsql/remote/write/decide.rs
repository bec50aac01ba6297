//! What happens to each document of a commit, in source order, exactly as a local file would have it: first what can be
//! said from here, then what the database said when it was tried.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::fate::{ChildWrite, Failing, Fate, Outcome, Remember, RowWrite, Write};
use super::look::Known;
use super::pending::{Item, Pending};
use super::session::TargetPlan;
use crate::destination::OnConflict;
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
        match known.row {
            // Written by an earlier document of this commit, so the server did not see it yet.
            None if key_was_seen && !known.seen => Fate::Refused(refusal::duplicate(target, document)),
            None => Fate::Write(self.insert(known)),
            Some(_) if key_was_seen => Fate::Refused(refusal::duplicate(target, document)),
            Some(differs) => self.existing(document, known, differs, remember),
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
        for (child, stored) in write.children.iter_mut().zip(&known.children) {
            *child = ChildWrite { delete: if stored.equal { 0 } else { stored.rows }, insert: !stored.equal };
        }
        write
    }

    fn existing(&self, document: &MappedDocument, known: &Known, differs: bool, remember: Remember) -> Fate {
        let target = &self.plan.target;
        let keep = |outcome| Fate::Write(Write { row: RowWrite::Keep, children: Vec::new(), remember, outcome });
        let children_equal = known.children.iter().all(|stored| stored.equal);
        match target.on_conflict {
            OnConflict::Skip => keep(Outcome::Skipped),
            OnConflict::Fail if differs || !children_equal => Fate::Refused(refusal::row_exists(target, document)),
            OnConflict::Fail => keep(Outcome::Unchanged),
            OnConflict::Replace if !differs && children_equal => keep(Outcome::Unchanged),
            OnConflict::Replace => Fate::Write(Write {
                row: if differs { RowWrite::Update } else { RowWrite::Keep },
                children: known
                    .children
                    .iter()
                    .map(|stored| ChildWrite {
                        delete: if stored.equal { 0 } else { stored.rows },
                        insert: !stored.equal,
                    })
                    .collect(),
                remember,
                outcome: Outcome::Updated,
            }),
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
