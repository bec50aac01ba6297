//! The undo log of a local file: copies of rows in the transaction that changes them, and taking runs back.

use async_trait::async_trait;

use super::super::existing::others;
use super::super::failure::Failure;
use super::super::sql;
use super::super::statement::{Statement, integer};
use super::super::tables::require;
use super::super::undo::{self, Access, Fill, Logged, Mirror, Refused, decode_mirror, exists, known, plan_mirrors};
use super::LibsqlFile;
use super::database::{Database, Prepared, bind_all};
use super::document::{Trouble, at_row};
use super::inspect;
use super::write::Commit;
use crate::crossing::crossing;
use crate::destination::{ChildTarget, RunRecord, Target};
use crate::domain::row::{MappedDocument, Row, SqlValue};
use crate::domain::schema::{Schema, Table};
use crate::error::{Error, ErrorKind, Result};

/// Entries that one step takes back.
const ENTRIES: u64 = 60_000;

/// The rows of a batch, by number.
const NUMBERS: &str = "_fireferry_numbers";

/// The statements that log a target's changes.
pub(super) struct UndoLog {
    row: RowCopies,
    children: Vec<Copies>,
}

/// Statements that copy a document's row.
struct RowCopies {
    before: Prepared,
    after: Prepared,
    /// Takes the copy of a row away that was not changed after all.
    forget: Prepared,
    finds: Finds,
}

/// What finds a document's row.
enum Finds {
    /// Its number, which is known when it was looked at or inserted. What a batch left is copied by one statement.
    Number,
    /// So many first values of the document's row, which hold its key.
    Key(usize),
}

/// Statements that copy a document's rows in one child table.
struct Copies {
    before: Vec<Prepared>,
    after: Vec<Prepared>,
}

impl LibsqlFile {
    /// Makes the mirrors of the prepared targets that held rows, and prepares the statements that fill them.
    pub(super) fn log_changes(&mut self) -> Result<()> {
        let schema = inspect::schema(&self.database)?;
        let Some(session) = &mut self.session else {
            return Err(Error::new(ErrorKind::Internal, "destination_internal", "no load is prepared"));
        };
        let number = Statement::new("SELECT id FROM _fireferry_runs WHERE run = ?1", vec![session.run.as_str().into()]);
        let run = self.database.row(&number, |row| integer(row, 0))?.unwrap_or_default();
        for plan in session.targets.iter_mut().filter(|plan| !plan.target.empty_at_start) {
            let (log, compare) = undo_log(&self.database, &schema, &plan.target, run)?;
            if let Some(compare) = compare {
                plan.compare = compare;
            }
            plan.undo = Some(log);
        }
        session.schema_version = super::plan::schema_version(&self.database)?;
        Ok(())
    }

    /// The mirrors there are.
    pub(super) fn mirrors(&self) -> Result<Vec<Mirror>> {
        mirrors(&self.database)
    }

    /// Fails where a run is half taken back.
    pub(super) fn refuse_unfinished_rollback(&mut self) -> Result<()> {
        if !self.has_state()? {
            return Ok(());
        }
        undo::refuse_unfinished(&self.database.rows(&undo::unfinished(), |row| Ok(row.to_vec()))?)
    }

    /// Runs by a question.
    pub(super) fn runs_by(&mut self, question: &Statement) -> Result<Vec<RunRecord>> {
        match self.has_state()? {
            true => self.database.rows(question, super::super::records::runs::decode),
            false => Ok(vec![]),
        }
    }
}

fn mirrors(database: &Database) -> Result<Vec<Mirror>> {
    match database.row(&exists(), |_| Ok(()))? {
        Some(()) => database.rows(&known(), decode_mirror),
        None => Ok(vec![]),
    }
}

/// What logs the target's changes, and what compares its rows where that must tell their numbers.
fn undo_log(database: &Database, schema: &Schema, target: &Target, run: i64) -> Result<(UndoLog, Option<Prepared>)> {
    let row = require(schema, &target.table, &target.columns, target)?;
    let children: Vec<Table> = target
        .children
        .iter()
        .map(|child| require(schema, &child.table, &child.columns, target))
        .collect::<Result<_>>()?;
    let tables: Vec<&Table> = std::iter::once(&row).chain(&children).collect();
    let (mirrors, create) = plan_mirrors(&tables, &mirrors(database)?);
    database.run_all(&create)?;
    let mirrors: Vec<Mirror> = mirrors.into_iter().collect::<Option<_>>().ok_or_else(|| cannot_be_logged(target))?;
    let Some((own, of_children)) = mirrors.split_first() else { return Err(cannot_be_logged(target)) };
    let number = own.lasting_number(&others(target).map(|index| &target.columns[index]).collect::<Vec<_>>());
    let compare = number.map(|number| prepare(database, &sql::compare_numbered_row(target, number))).transpose()?;
    let child = |(child, mirror): (&ChildTarget, &Mirror)| {
        let log = Logged::new(mirror.clone(), run, child.is_shared(target));
        copies(database, &log, &sql::quote(&child.table), &sql::same_parent(child))
    };
    let row = row_copies(database, &Logged::new(own.clone(), run, false), target, number)?;
    Ok((UndoLog { row, children: target.children.iter().zip(of_children).map(child).collect::<Result<_>>()? }, compare))
}

fn row_copies(database: &Database, log: &Logged, target: &Target, number: Option<&str>) -> Result<RowCopies> {
    let table = sql::quote(&target.table);
    let (condition, after, finds) = match number {
        Some(number) => {
            let many = format!("json_each(?1) AS {NUMBERS} CROSS JOIN {table}");
            let each = format!("{table}.{number} = {NUMBERS}.value");
            (format!("{table}.{number} = ?1"), log.fill(Fill::After, &many, &each), Finds::Number)
        }
        None => {
            let key = sql::same_key(target);
            let after = log.fill(Fill::After, &table, &key);
            (key, after, Finds::Key(target.key.iter().max().map_or(0, |last| last + 1)))
        }
    };
    let before = log.fill(Fill::Before, &table, &condition);
    Ok(RowCopies {
        before: prepare(database, &before.concat())?,
        after: prepare(database, &after.concat())?,
        forget: prepare(database, &log.forget(&condition))?,
        finds,
    })
}

fn copies(database: &Database, log: &Logged, table: &str, condition: &str) -> Result<Copies> {
    let all = |when| -> Result<Vec<Prepared>> {
        log.fill(when, table, condition).iter().map(|sql| prepare(database, sql)).collect()
    };
    Ok(Copies { before: all(Fill::Before)?, after: all(Fill::After)? })
}

fn prepare(database: &Database, sql: &str) -> Result<Prepared> {
    database.prepare(sql).map_err(|failure| database.error(failure))
}

fn cannot_be_logged(target: &Target) -> Error {
    Error::new(
        ErrorKind::Preflight,
        "undo_impossible",
        "a table has neither row numbers nor a primary key, so what the run changes in it cannot be kept",
    )
    .collection(target.collection.as_str())
    .hint("say `undo: off` in the pipeline to go without")
}

impl Copies {
    fn run(&self, when: Fill, values: &[libsql::Value]) -> Result<(), Failure> {
        let statements = if when == Fill::Before { &self.before } else { &self.after };
        statements.iter().try_for_each(|statement| statement.execute(values.to_vec()).map(drop))
    }
}

impl UndoLog {
    /// Whether it must be told the numbers of rows.
    pub(super) fn is_numbered(&self) -> bool {
        matches!(self.row.finds, Finds::Number)
    }
}

impl RowCopies {
    /// What its statements are given to find the document's row.
    fn found_by(&self, document: &MappedDocument, number: Option<i64>) -> Vec<libsql::Value> {
        match self.finds {
            Finds::Number => vec![number.map_or(libsql::Value::Null, libsql::Value::Integer)],
            Finds::Key(values) => bind_all(document.row.get(..values).unwrap_or_default()),
        }
    }
}

impl Commit<'_> {
    /// Copies the document's row, which is about to be changed, if changes are logged.
    pub(super) fn log_before(&self, document: &MappedDocument, number: Option<i64>) -> Result<(), Trouble> {
        let Some(log) = &self.plan().undo else { return Ok(()) };
        log.row.before.execute(log.row.found_by(document, number)).map(drop).map_err(at_row)
    }

    /// The document's row was not changed after all. Cheaper than a savepoint around every change.
    pub(super) fn unlog(&self, document: &MappedDocument, number: Option<i64>) -> Result<(), Trouble> {
        let Some(log) = &self.plan().undo else { return Ok(()) };
        // Where the database ended the transaction, nothing is left to take away.
        if self.database.is_autocommit() {
            return Ok(());
        }
        log.row.forget.execute(log.row.found_by(document, number)).map(drop).map_err(at_row)
    }

    /// Copies the document's row as it was written, or notes its number for the end of the batch.
    pub(super) fn log_after(&mut self, document: &MappedDocument, number: Option<i64>) -> Result<(), Trouble> {
        let Some(log) = &self.plan().undo else { return Ok(()) };
        match log.row.finds {
            Finds::Number => self.logged.extend(number),
            Finds::Key(_) => {
                log.row.after.execute(log.row.found_by(document, number)).map(drop).map_err(at_row)?;
            }
        }
        Ok(())
    }

    /// Copies the rows that a batch left.
    pub(super) fn log_batch(&mut self) -> Result<()> {
        let numbers = std::mem::take(&mut self.logged);
        let Some(log) = self.plan().undo.as_ref().filter(|_| !numbers.is_empty()) else { return Ok(()) };
        let list: Vec<String> = numbers.iter().map(i64::to_string).collect();
        let list = libsql::Value::Text(format!("[{}]", list.join(",")));
        log.row.after.execute(vec![list]).map(drop).map_err(|failure| self.lost(failure))
    }

    /// Copies the document's rows in a child table, if changes are logged.
    pub(super) fn log_children(&self, index: usize, link: &[libsql::Value], when: Fill) -> Result<(), Trouble> {
        let Some(log) = self.plan().undo.as_ref().and_then(|log| log.children.get(index)) else { return Ok(()) };
        log.run(when, link).map_err(at_row)
    }
}

#[async_trait]
impl Access for LibsqlFile {
    async fn ask(&mut self, questions: Vec<Statement>) -> Result<Vec<Vec<Row>>> {
        questions.iter().map(|question| self.database.rows(question, |row| Ok(row.to_vec()))).collect()
    }

    async fn look(&mut self) -> Result<()> {
        self.looked = Some(data_version(&self.database)?);
        Ok(())
    }

    async fn apply(&mut self, guard: Option<Statement>, statements: Vec<Statement>) -> Result<Result<(), Refused>> {
        self.writable()?;
        self.session = None;
        self.pragma("foreign_keys = OFF")?;
        let mut refused = None;
        let looked = self.looked;
        let applied = self.database.transaction(|database| {
            // Changes only when somebody else writes: then what was looked at has to be looked at again.
            let alone = looked == Some(data_version(database)?);
            for statement in guard.iter().filter(|_| !alone).chain(&statements) {
                if let Err(failure) = read(database, statement) {
                    let error = database.error(Failure { message: failure.message.clone(), ..failure });
                    refused = Some(error.to_string());
                    return Err(error);
                }
                crossing("undo.applying");
            }
            Ok(())
        });
        self.pragma("foreign_keys = ON")?;
        match (applied, refused) {
            (Ok(()), _) => Ok(Ok(())),
            (Err(error), Some(message)) if error.kind() == ErrorKind::Destination => Ok(Err(Refused(message))),
            (Err(error), _) => Err(error),
        }
    }

    async fn tables(&mut self) -> Result<Schema> {
        inspect::schema(&self.database)
    }

    fn entries(&self) -> u64 {
        ENTRIES
    }
}

/// Changes when another connection writes.
fn data_version(database: &Database) -> Result<i64> {
    Ok(database.row(&Statement::new("PRAGMA data_version", vec![]), |row| integer(row, 0))?.unwrap_or_default())
}

/// Runs a statement, its rows left aside.
fn read(database: &Database, statement: &Statement) -> Result<(), Failure> {
    let values: Vec<SqlValue> = statement.values.clone();
    database.try_execute(&statement.sql, values).map(drop)
}
