//! The one request that is a commit: guards, rows, rejects, counts and the checkpoint, in one guarded batch.

use super::decide::Fates;
use super::fate::{Fate, Outcome, Place};
use super::pending::{Item, Pending};
use super::session::{Session, TargetPlan};
use super::trial::{Unit, writing};
use super::{sql, undo, units};
use crate::destination::Receipt;
use crate::destination::libsql::records::{checkpoints, claims, rejects};
use crate::destination::libsql::refusal::Refusal;
use crate::destination::libsql::remote::encode::{Piece, pieces};
use crate::destination::libsql::remote::hrana::batch::{Builder, not_ok};
use crate::destination::libsql::remote::hrana::{Client, Request as Hrana, Stmt};
use crate::destination::libsql::remote::lease::Lease;
use crate::destination::libsql::statement::Statement;
use crate::destination::libsql::undo::Fill;
use crate::domain::cursor::Counts;
use crate::domain::reject::{Reject, RejectData, RejectState};
use crate::domain::row::SqlValue;
use crate::error::{Error, ErrorKind, Result};

/// Bytes of a reject's content; a server takes 5,000,000 for a whole row.
const LARGEST_REJECT: usize = 4_000_000;

/// A commit, ready to be sent.
#[derive(Debug, Clone)]
pub(super) struct Request {
    /// The body, the same for every try.
    pub body: bytes::Bytes,
    /// The collection it belongs to.
    pub collection: String,
    /// What every step is for.
    pub roles: Vec<Role>,
    /// What is true once it is applied.
    pub receipt: Receipt,
    /// Documents in it.
    pub documents: usize,
    /// Number of the first reject after it.
    pub next_reject: i64,
    /// By how many the waiting documents change.
    pub waiting: i64,
}

/// What a step of a commit is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Begin,
    Lease,
    Sequence,
    Schema,
    Rows(Place),
    Record,
    Commit,
    Rollback,
}

/// Steps with their roles.
#[derive(Default)]
struct Steps {
    builder: Builder,
    roles: Vec<Role>,
}

impl Steps {
    fn then(&mut self, role: Role, statement: Statement) -> usize {
        self.roles.push(role);
        self.builder.then(Stmt::effect(statement))
    }
}

/// Everything a commit is made of.
pub(super) struct Making<'a> {
    pub session: &'a Session,
    pub plan: &'a TargetPlan,
    pub pending: &'a Pending,
    pub lease: &'a Lease,
    /// What is written together, in this order.
    pub units: &'a [Unit],
    pub fates: &'a Fates,
}

impl Making<'_> {
    /// The request.
    pub fn make(&self) -> Result<Request> {
        let mut steps = Steps::default();
        steps.then(Role::Begin, Statement::new("PRAGMA foreign_keys = ON", vec![]));
        steps.then(Role::Begin, Statement::new("BEGIN IMMEDIATE", vec![]));
        for guard in self.lease.guard() {
            steps.then(Role::Lease, guard);
        }
        steps.then(Role::Sequence, self.follows());
        if let Some(version) = self.session.schema_version {
            steps.then(Role::Schema, same_schema(version));
        }
        for unit in self.units {
            self.rows(unit, &mut steps);
        }
        let mut counted = Counted::default();
        let records = self.records(&mut counted);
        let receipt = Receipt { counts: counted.counts, to: self.pending.to.clone(), last: self.pending.last };
        let collection = self.plan.target.collection.as_str();
        let checkpoint = checkpoints::insert(&self.pending.header, collection, &receipt).map_err(internal)?;
        for statement in records.into_iter().chain([checkpoint]) {
            steps.then(Role::Record, statement);
        }
        let commit = steps.then(Role::Commit, Statement::new("COMMIT", vec![]));
        steps.roles.push(Role::Rollback);
        let mut builder = steps.builder;
        builder.aside(not_ok(commit), Stmt::effect(Statement::new("ROLLBACK", vec![])));
        let requests = [Hrana::batch(builder.build()), Hrana::Close];
        let body = Client::body(&requests);
        Ok(Request {
            body,
            collection: collection.to_owned(),
            roles: steps.roles,
            receipt,
            documents: self.pending.items.len(),
            next_reject: self.session.next_reject + counted.rejects,
            waiting: counted.counts.waiting,
        })
    }

    /// Fails unless the last commit of the partition is the one before this: so none is applied twice or out of order.
    fn follows(&self) -> Statement {
        let header = &self.pending.header;
        let own = "run = ?1 AND collection = ?2 AND partition = ?3";
        let sql = format!(
            "SELECT CASE WHEN (SELECT coalesce(max(sequence), 0) FROM _fireferry_checkpoints WHERE {own}) = ?4
               AND (?6 OR (SELECT cursor_to FROM _fireferry_checkpoints WHERE {own} AND sequence = ?4) IS ?5)
             THEN 1 ELSE abs(-9223372036854775807 - 1) END"
        );
        let before = i64::try_from(header.sequence).unwrap_or(i64::MAX) - 1;
        let from = header.from.as_ref().map_or(SqlValue::Null, |cursor| SqlValue::Text(cursor.0.clone()));
        let retry = i64::from(header.partition.starts_with('~'));
        Statement::new(
            sql,
            vec![
                SqlValue::Text(header.run.clone()),
                SqlValue::Text(self.plan.target.collection.as_str().to_owned()),
                SqlValue::Text(header.partition.clone()),
                SqlValue::Integer(before),
                from,
                SqlValue::Integer(retry),
            ],
        )
    }

    fn rows(&self, unit: &Unit, steps: &mut Steps) {
        let writing = writing(self.pending, unit, self.fates);
        for statement in undo::copies(self.plan, &writing, Fill::Before) {
            steps.then(Role::Record, statement);
        }
        for step in units::statements(self.plan, &writing, false) {
            steps.then(Role::Rows(step.place), step.statement);
            if let Some(rows) = step.expect {
                steps.then(Role::Rows(step.place), sql::changed(rows));
            }
        }
        for statement in undo::copies(self.plan, &writing, Fill::After) {
            steps.then(Role::Record, statement);
        }
    }

    /// Statements on fireferry's own tables besides the checkpoint; counts what becomes of every document.
    fn records(&self, counted: &mut Counted) -> Vec<Statement> {
        counted.counts.read += self.pending.skipped;
        counted.counts.skipped += self.pending.skipped;
        counted.counts.bytes += self.pending.bytes;
        let mut written = Written::default();
        for (item, fate) in self.pending.items.iter().zip(self.fates) {
            match (item, fate) {
                (Item::Reject(reject), _) => {
                    let id = self.session.next_reject + counted.rejects;
                    let reject = storable(reject.clone());
                    let waits = reject.state == RejectState::Waiting;
                    written.rejects.push(rejects::values(id, &self.session.run, &reject, self.pending.header.pass));
                    counted.reject(waits);
                }
                (Item::Document(document), Some(Fate::Write(write))) => {
                    counted.write(write, document);
                    if let Some(id) = document.waiting {
                        written.settled.push(id);
                    }
                }
                (Item::Document(document), Some(Fate::Refused(refusal))) => {
                    self.refused(document, refusal, counted, &mut written);
                }
                // Nothing is sent before all are decided.
                _ => {}
            }
        }
        written.statements()
    }

    fn refused(
        &self,
        document: &crate::domain::row::MappedDocument,
        refusal: &Refusal,
        counted: &mut Counted,
        written: &mut Written,
    ) {
        let header = &self.pending.header;
        let waits = refusal.may_wait && !header.finalize;
        let state = if waits { RejectState::Waiting } else { RejectState::Rejected };
        let Some(id) = document.waiting else {
            let id = self.session.next_reject + counted.rejects;
            let reject = rejects::of_document(&self.plan.target, document, refusal.rejection.clone(), state);
            let reject = storable(reject);
            // What is not kept cannot be tried again.
            let waits = waits && reject.state == RejectState::Waiting;
            written.rejects.push(rejects::values(id, &self.session.run, &reject, header.pass));
            if let Some(owner) = self.plan.owner.filter(|_| waits) {
                for (set, value) in claims::claims_of(&self.plan.unique_sets, document) {
                    written.claims.push(vec![owner.into(), set.into(), value.into(), id.into()]);
                }
            }
            counted.reject(waits);
            return;
        };
        let rejection = &refusal.rejection;
        written.updates.push(rejects::update(id, rejection, state, header.pass).values);
        if !waits {
            written.released.push(id);
            counted.counts.waiting -= 1;
            counted.counts.rejected += 1;
        }
    }
}

/// A reject that a server can store: of a larger one, the place and a hash are kept.
fn storable(reject: Reject) -> Reject {
    let content = match &reject.data {
        RejectData::Document(json) => json.as_bytes(),
        RejectData::Raw(bytes) => bytes,
        RejectData::Elsewhere { .. } => &[],
    };
    if content.len() <= LARGEST_REJECT {
        return reject;
    }
    let hash = blake3::hash(content).to_hex().to_string();
    Reject { data: RejectData::Elsewhere { hash }, state: RejectState::Rejected, ..reject }
}

/// Rows for fireferry's own tables.
#[derive(Default)]
struct Written {
    rejects: Vec<Vec<SqlValue>>,
    claims: Vec<Vec<SqlValue>>,
    updates: Vec<Vec<SqlValue>>,
    /// Waiting documents that were written.
    settled: Vec<i64>,
    /// Waiting documents that are final rejects.
    released: Vec<i64>,
}

impl Written {
    fn statements(self) -> Vec<Statement> {
        let mut statements = Vec::new();
        let ids = |ids: &[i64]| vec![SqlValue::Text(serde_json::to_string(ids).unwrap_or_else(|_| "[]".to_owned()))];
        if !self.settled.is_empty() {
            let sql = "DELETE FROM _fireferry_rejects WHERE id IN (SELECT value FROM json_each(?1))";
            statements.push(Statement::new(sql, ids(&self.settled)));
        }
        let released = [self.settled, self.released].concat();
        if !released.is_empty() {
            let sql = "DELETE FROM _fireferry_claims WHERE reject IN (SELECT value FROM json_each(?1))";
            statements.push(Statement::new(sql, ids(&released)));
        }
        statements.extend(many(&self.updates, update));
        statements
            .extend(many(&self.rejects, |piece| sql::insert("_fireferry_rejects", &names(&rejects::COLUMNS), piece)));
        let claims = ["owner", "unique_set", "value", "reject"];
        statements.extend(many(&self.claims, |piece| {
            let mut statement = sql::insert("_fireferry_claims", &names(&claims), piece);
            statement.sql.to_mut().push_str(" WHERE true ON CONFLICT DO NOTHING");
            statement
        }));
        statements
    }
}

fn many(rows: &[Vec<SqlValue>], statement: impl Fn(Piece) -> Statement) -> Vec<Statement> {
    let width = rows.first().map_or(0, Vec::len);
    pieces(width, rows.iter().map(Vec::as_slice), usize::MAX).into_iter().map(statement).collect()
}

/// The columns of a piece are those of `rejects::update`: id, code, reason, state, pass.
fn update(piece: Piece) -> Statement {
    let sql = format!(
        "UPDATE _fireferry_rejects SET code = r.c1, reason = r.c2, state = r.c3, pass = r.c4
         FROM ({}) AS r WHERE _fireferry_rejects.id = r.c0",
        piece.select()
    );
    Statement::new(sql, piece.values)
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[derive(Default)]
struct Counted {
    counts: Counts,
    /// New rejects.
    rejects: i64,
}

impl Counted {
    fn reject(&mut self, waits: bool) {
        self.rejects += 1;
        self.counts.read += 1;
        if waits {
            self.counts.waiting += 1;
        } else {
            self.counts.rejected += 1;
        }
    }

    fn write(&mut self, write: &super::fate::Write, document: &crate::domain::row::MappedDocument) {
        match document.waiting {
            None => self.counts.read += 1,
            Some(_) => self.counts.waiting -= 1,
        }
        *match write.outcome {
            Outcome::Inserted => &mut self.counts.inserted,
            Outcome::Updated => &mut self.counts.updated,
            Outcome::Unchanged => &mut self.counts.unchanged,
            Outcome::Skipped => &mut self.counts.skipped,
        } += 1;
        for (child, rows) in write.children.iter().zip(&document.children) {
            self.counts.child_deleted += i64::try_from(child.delete).unwrap_or(i64::MAX);
            if child.insert {
                self.counts.child_inserted += i64::try_from(rows.len()).unwrap_or(i64::MAX);
            }
        }
    }
}

fn same_schema(version: i64) -> Statement {
    Statement::new(
        "SELECT CASE WHEN (SELECT schema_version FROM pragma_schema_version) = ?1 THEN 1
         ELSE abs(-9223372036854775807 - 1) END",
        vec![SqlValue::Integer(version)],
    )
}

fn internal(failure: crate::destination::libsql::failure::Failure) -> Error {
    Error::new(ErrorKind::Internal, "destination_internal", failure.message)
}
