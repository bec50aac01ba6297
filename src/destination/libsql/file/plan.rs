//! What a load needs prepared: statements per table, and what is remembered between commits.

use super::super::failure::Failure;
use super::super::records::{claims, rejects, seen};
use super::super::sql;
use super::super::statement::{Statement, integer};
use super::super::tables::require;
use super::LibsqlFile;
use super::claims::ClaimStatements;
use super::database::{Database, Prepared};
use super::inspect;
use super::rejects::RejectStatements;
use super::seen::SeenStatements;
use super::undo::UndoLog;
use crate::destination::{ChildTarget, Target};
use crate::domain::schema::{Schema, Table};
use crate::error::{Error, ErrorKind, Result};

/// The prepared load of one run.
pub(super) struct Session {
    pub(super) run: String,
    pub(super) targets: Vec<TargetPlan>,
    pub(super) savepoint: Savepoint,
    pub(super) rejects: RejectStatements,
    pub(super) seen: SeenStatements,
    pub(super) claims: ClaimStatements,
    /// Number of the next reject.
    pub(super) next_reject: i64,
    /// Changes when another program changes the schema.
    pub(super) schema_version: i64,
}

/// Around a document of several rows.
pub(super) struct Savepoint {
    pub(super) begin: Prepared,
    pub(super) undo: Prepared,
    pub(super) release: Prepared,
}

/// One target with its statements.
pub(super) struct TargetPlan {
    pub(super) target: Target,
    pub(super) table: Table,
    pub(super) insert: Prepared,
    pub(super) update: Option<Prepared>,
    pub(super) compare: Prepared,
    pub(super) children: Vec<ChildPlan>,
    /// Owner of this target's keys in `_fireferry_seen`.
    pub(super) owner: Option<i64>,
    /// Unique column sets besides the key, as indexes into the target's columns.
    pub(super) unique_sets: Vec<Vec<usize>>,
    /// Waiting documents of the collection.
    pub(super) waiting: i64,
    /// What keeps its changes for a rollback.
    pub(super) undo: Option<UndoLog>,
}

/// One child table with its statements.
pub(super) struct ChildPlan {
    pub(super) child: ChildTarget,
    pub(super) table: Table,
    pub(super) insert: Prepared,
    pub(super) select: Prepared,
    pub(super) delete: Prepared,
}

impl LibsqlFile {
    /// Checks that the tables exist and prepares the statements of a run.
    pub(super) fn prepare_targets(&mut self, run: &str, targets: &[Target]) -> Result<()> {
        self.writable()?;
        self.session = None;
        let schema = inspect::schema(&self.database)?;
        let plans =
            targets.iter().map(|target| plan(&self.database, &schema, run, target)).collect::<Result<Vec<_>>>()?;
        let shared = || -> Result<Session, Failure> {
            Ok(Session {
                run: run.to_owned(),
                targets: plans,
                savepoint: Savepoint {
                    begin: self.database.prepare("SAVEPOINT document")?,
                    undo: self.database.prepare("ROLLBACK TO document")?,
                    release: self.database.prepare("RELEASE document")?,
                },
                rejects: RejectStatements::prepare(&self.database)?,
                seen: SeenStatements::prepare(&self.database)?,
                claims: ClaimStatements::prepare(&self.database)?,
                next_reject: 0,
                schema_version: 0,
            })
        };
        let mut session = shared().map_err(|failure| self.database.error(failure))?;
        session.next_reject = number(&self.database, &rejects::next_id())?;
        session.schema_version = schema_version(&self.database)?;
        self.session = Some(session);
        Ok(())
    }
}

impl Session {
    /// Fails when the schema is not the one that was prepared for. Asked inside the transaction.
    pub(super) fn require_same_schema(&self, database: &Database) -> Result<()> {
        if schema_version(database)? == self.schema_version {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Destination,
            "schema_changed",
            format!("the schema of {} was changed by another program during the run", database.path().display()),
        )
        .hint("check the schema, then start a new run"))
    }
}

/// Changes with the schema.
pub(super) fn schema_version(database: &Database) -> Result<i64> {
    number(database, &Statement::new("PRAGMA schema_version", vec![]))
}

fn number(database: &Database, statement: &Statement) -> Result<i64> {
    Ok(database.row(statement, |row| integer(row, 0))?.unwrap_or_default())
}

fn plan(database: &Database, schema: &Schema, run: &str, target: &Target) -> Result<TargetPlan> {
    let table = require(schema, &target.table, &target.columns, target)?;
    let children =
        target.children.iter().map(|child| child_plan(database, schema, target, child)).collect::<Result<Vec<_>>>()?;
    let prepare = |sql: &str| database.prepare(sql).map_err(|failure| database.error(failure));
    Ok(TargetPlan {
        insert: prepare(&sql::insert_row(target))?,
        update: sql::update_row(target).map(|sql| prepare(&sql)).transpose()?,
        compare: prepare(&sql::compare_row(target))?,
        owner: database.row(&seen::owner(run, target.collection.as_str()), |row| integer(row, 0))?,
        waiting: number(database, &rejects::waiting(run, target))?,
        unique_sets: claims::unique_sets(&table, target),
        target: target.clone(),
        table,
        children,
        undo: None,
    })
}

fn child_plan(database: &Database, schema: &Schema, target: &Target, child: &ChildTarget) -> Result<ChildPlan> {
    let table = require(schema, &child.table, &child.columns, target)?;
    let prepare = |sql: &str| database.prepare(sql).map_err(|failure| database.error(failure));
    Ok(ChildPlan {
        insert: prepare(&sql::insert_child(child))?,
        select: prepare(&sql::select_children(child))?,
        delete: prepare(&sql::delete_children(child))?,
        child: child.clone(),
        table,
    })
}
