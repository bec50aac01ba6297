//! Writing commits: quickly while nothing speaks against it, else document by document until every refusal is known.

use std::collections::{HashMap, VecDeque};

use super::decide::{Deciding, Fates};
use super::fate::{Fate, Remember, Write};
use super::flights::{Flight, Landed, Took, fly};
use super::look::look;
use super::pending::{Item, Pending};
use super::request::{Making, Request};
use super::session::{Session, TargetPlan};
use super::trial::{Trial, Tried, Unit};
use crate::destination::libsql::remote::RemoteDatabase;
use crate::destination::{CommitHeader, Feed, Receipt, Written};
use crate::domain::row::SqlValue;
use crate::error::{Error, ErrorKind, Result};

/// How often a commit begins anew because somebody else changed the rows that it rests on.
const ATTEMPTS: usize = 10;
/// Commits after a refused one before several are under way again.
const CAREFUL: usize = 2;

impl RemoteDatabase {
    /// Takes batches from the feed and sends them as one commit. See the contract of `Destination::write`.
    pub(in super::super) async fn write_commit(
        &mut self,
        header: &CommitHeader,
        feed: &mut dyn Feed,
    ) -> Result<Written> {
        if self.session.as_ref().is_none_or(|session| session.run != header.run) {
            return Err(internal("a commit of a run that was not prepared"));
        }
        let pending = Pending::collect(header, feed, self.sizing.enough(), || self.flights.have_landed()).await?;
        let (to, last) = (pending.to.clone(), pending.last);
        let mut durable = Vec::new();
        if self.takes_inserts(header)? && self.insertable(&pending)? {
            // Made while the one before is under way.
            let mut request = self.simple_request(&pending)?;
            let made = self.refused;
            let mut landed = Vec::new();
            while self.flights.len() >= self.allowed_in_flight() {
                landed.extend(self.land_one(&mut durable).await?);
            }
            // A refused commit may have left waiting documents behind, and has other numbers for its rejects.
            if self.takes_inserts(header)? {
                if made != self.refused {
                    request = self.simple_request(&pending)?;
                }
                self.send(pending, request)?;
                // The request goes out first; then the memory of those before it is given back, which takes a while.
                tokio::task::yield_now().await;
                drop(landed);
                return Ok(Written { to, last, durable });
            }
        }
        self.land_all(&mut durable).await?;
        durable.push(self.resolve(pending, false).await?);
        Ok(Written { to, last, durable })
    }

    /// Waits until everything that was sent is durable.
    pub(in super::super) async fn land_all(&mut self, durable: &mut Vec<Receipt>) -> Result<()> {
        while !self.flights.is_empty() {
            drop(self.land_one(durable).await?);
        }
        Ok(())
    }

    fn allowed_in_flight(&self) -> usize {
        if self.careful > 0 { 1 } else { self.options.commits_in_flight.max(1) }
    }

    /// Whether the target's documents can simply be inserted, as far as is known.
    fn takes_inserts(&self, header: &CommitHeader) -> Result<bool> {
        let plan = self.session()?.plan(header)?;
        Ok(plan.target.empty_at_start && plan.waiting == 0)
    }

    /// Whether nothing speaks against inserting all of these documents.
    fn insertable(&self, pending: &Pending) -> Result<bool> {
        let plan = self.session()?.plan(&pending.header)?;
        let key_is_null = |row: &[SqlValue]| plan.target.key.iter().any(|index| row[*index] == SqlValue::Null);
        Ok(pending.documents().all(|(_, document)| document.waiting.is_none() && !key_is_null(&document.row)))
    }

    fn send(&mut self, pending: Pending, request: Request) -> Result<()> {
        self.foresee(&pending, &request)?;
        self.flights.send(&self.connection, pending, request);
        Ok(())
    }

    /// A commit that inserts all documents.
    fn simple_request(&self, pending: &Pending) -> Result<Request> {
        let plan = self.session()?.plan(&pending.header)?;
        let insert = Fate::Write(Write::insert(plan.children.len(), Remember::No));
        let fates = pending.items.iter().map(|item| match item {
            Item::Document(_) => Some(insert.clone()),
            Item::Reject(_) => None,
        });
        self.request(pending, &[whole(pending)], &fates.collect())
    }

    fn request(&self, pending: &Pending, units: &[Unit], fates: &Fates) -> Result<Request> {
        let session = self.session()?;
        let plan = session.plan(&pending.header)?;
        let Some(lease) = &self.lease else { return Err(internal("a commit without the lease")) };
        Making { session, plan, pending, lease, units, fates }.make()
    }

    /// What will be true once the request is applied.
    fn foresee(&mut self, pending: &Pending, request: &Request) -> Result<()> {
        let Some(session) = &mut self.session else { return Err(internal("no load is prepared")) };
        session.next_reject = request.next_reject;
        if let Some(plan) = session.targets.get_mut(pending.header.target) {
            plan.waiting += request.waiting;
        }
        Ok(())
    }

    /// The request was not applied after all.
    fn retract(&mut self, flight: &Flight) {
        let Some(session) = &mut self.session else { return };
        if let Some(plan) = session.targets.get_mut(flight.pending.header.target) {
            plan.waiting -= flight.request.waiting;
        }
        session.next_reject = session.next_reject.min(first_reject(flight));
    }

    /// Takes the size of the next commits from what this one cost. One whose reply was lost may have been too large.
    fn learn(&mut self, flight: &Flight, took: Option<Took>) {
        match took {
            Some(took) => self.sizing.observe(flight.request.documents, took),
            None => self.sizing.shrink(),
        }
    }

    /// Waits for the oldest commit and gives it back. If it was refused, it is written document by document, and those sent
    /// after it again.
    async fn land_one(&mut self, durable: &mut Vec<Receipt>) -> Result<Option<Flight>> {
        let Some(landed) = self.flights.land(&self.connection).await else { return Ok(None) };
        let (flight, landed) = landed?;
        match landed {
            Landed::Applied(took) => {
                self.learn(&flight, took);
                self.careful = self.careful.saturating_sub(1);
                durable.push(flight.request.receipt.clone());
                Ok(Some(flight))
            }
            // Overtaken by a later one on the way: the earlier ones are durable by now, so its turn has come.
            Landed::OutOfTurn | Landed::Refused => {
                let narrow = matches!(landed, Landed::Refused);
                self.again(flight, narrow, durable).await?;
                Ok(None)
            }
        }
    }

    /// Nothing of this commit is applied, so nothing of those behind it can be.
    async fn again(&mut self, flight: Flight, narrow: bool, durable: &mut Vec<Receipt>) -> Result<()> {
        let mut unwritten = VecDeque::new();
        self.refused += 1;
        self.retract(&flight);
        unwritten.push_back(flight.pending);
        while let Some(landed) = self.flights.land(&self.connection).await {
            let (flight, landed) = landed?;
            match landed {
                Landed::Applied(_) => return Err(internal("a commit was applied before the one it follows")),
                Landed::Refused | Landed::OutOfTurn => {
                    self.retract(&flight);
                    unwritten.push_back(flight.pending);
                }
            }
        }
        let mut narrow = narrow;
        while let Some(pending) = unwritten.pop_front() {
            durable.push(self.resolve(pending, narrow).await?);
            narrow = false;
        }
        Ok(())
    }

    /// Writes one commit while nothing else is under way, whatever it takes. With `narrow`, it is known to be refused as
    /// it is.
    async fn resolve(&mut self, mut pending: Pending, narrow: bool) -> Result<Receipt> {
        let mut narrow = narrow || pending.documents().any(|(_, document)| document.waiting.is_some());
        for _ in 0..ATTEMPTS {
            let Some((units, fates)) = self.decide(&pending, narrow).await? else { continue };
            let request = self.request(&pending, &units, &fates)?;
            let (flight, landed) = fly(&self.connection, pending, request).await?;
            match landed {
                Landed::Applied(took) => {
                    self.foresee(&flight.pending, &flight.request)?;
                    self.learn(&flight, took);
                    if narrow {
                        self.careful = CAREFUL;
                    }
                    return Ok(flight.request.receipt);
                }
                Landed::Refused => narrow = true,
                Landed::OutOfTurn => return Err(out_of_order(&flight.pending)),
            }
            pending = flight.pending;
        }
        Err(Error::new(
            ErrorKind::Transient,
            "destination_contended",
            "other programs change the same rows again and again while they are written",
        )
        .hint("stop what writes to these tables, then go on with --resume"))
    }

    /// What happens to each document. `None`: somebody else changed what this rests on.
    async fn decide(&self, pending: &Pending, narrow: bool) -> Result<Option<(Vec<Unit>, Fates)>> {
        let session = self.session()?;
        let plan = session.plan(&pending.header)?;
        let known = if !plan.target.empty_at_start || plan.waiting > 0 {
            look(&self.connection, &session.run, plan, pending).await?
        } else {
            HashMap::new()
        };
        let mut deciding = Deciding::new(plan, pending, known);
        if !narrow {
            return Ok(Some((vec![whole(pending)], deciding.fates())));
        }
        let trial = Trial { connection: &self.connection, session, plan, pending };
        let single = pending.documents().any(|(_, document)| document.waiting.is_some());
        match trial.run(&mut deciding, single).await? {
            Tried::Decided(units, fates) => Ok(Some((units, fates))),
            Tried::Moved => Ok(None),
        }
    }

    fn session(&self) -> Result<&Session> {
        self.session.as_ref().ok_or_else(|| internal("no load is prepared"))
    }
}

impl Session {
    fn plan(&self, header: &CommitHeader) -> Result<&TargetPlan> {
        self.targets.get(header.target).ok_or_else(|| internal("a commit of a target that was not prepared"))
    }
}

/// All documents together.
fn whole(pending: &Pending) -> Unit {
    Unit { places: 0..pending.items.len() }
}

/// Number of the first reject in a flight.
fn first_reject(flight: &Flight) -> i64 {
    let counts = &flight.request.receipt.counts;
    flight.request.next_reject - counts.rejected - counts.waiting
}

fn out_of_order(pending: &Pending) -> Error {
    let header = &pending.header;
    Error::new(
        ErrorKind::Internal,
        "commit_out_of_order",
        format!(
            "commit {} of partition {} does not follow the destination's last checkpoint",
            header.sequence, header.partition
        ),
    )
}

fn internal(message: &str) -> Error {
    Error::new(ErrorKind::Internal, "destination_internal", message)
}
