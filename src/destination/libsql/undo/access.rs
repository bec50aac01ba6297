//! How steps and questions reach a database, and what they find out of its log first.

use async_trait::async_trait;

use super::super::failure::Failure;
use super::super::statement::{Statement, exact_row, integer};
use super::mirror::{self, Mirror};
use super::take_back;
use crate::domain::row::Row;
use crate::domain::schema::{Schema, Table};
use crate::error::{Error, ErrorKind, Result};

/// A statement that the database did not accept, with its own words.
#[derive(Debug)]
pub struct Refused(pub String);

/// A database, however it is reached.
#[async_trait]
pub trait Access: Send {
    /// The rows of every question.
    async fn ask(&mut self, questions: Vec<Statement>) -> Result<Vec<Vec<Row>>>;

    /// From now on it is looked at; what others write after this is noticed by [`Self::apply`], where that is possible.
    async fn look(&mut self) -> Result<()>;

    /// Applies all statements in one transaction without checks of foreign keys, or none. The guard comes first; it is left
    /// out where nobody wrote since the look.
    async fn apply(&mut self, guard: Option<Statement>, statements: Vec<Statement>) -> Result<Result<(), Refused>>;

    /// The user's tables.
    async fn tables(&mut self) -> Result<Schema>;

    /// Entries of the log that one step takes at most.
    fn entries(&self) -> u64;
}

/// The number of a run, and the mirrors.
pub struct Log {
    pub run: i64,
    pub mirrors: Vec<Mirror>,
}

/// Of this run.
pub async fn log(access: &mut dyn Access, run: &str) -> Result<Log> {
    let number = Statement::new("SELECT id FROM _fireferry_runs WHERE run = ?1", vec![run.into()]);
    let answers = access.ask(vec![number, mirror::exists()]).await?;
    let run = answers.first().and_then(|rows| rows.first()).map(|row| integer(row, 0)).transpose();
    let run = run.map_err(internal)?.unwrap_or_default();
    let mut mirrors = Vec::new();
    if answers.get(1).is_some_and(|rows| !rows.is_empty()) {
        let known = access.ask(vec![mirror::known()]).await?;
        mirrors = known.concat().iter().map(|row| mirror::decode(row)).collect::<Result<_, _>>().map_err(internal)?;
    }
    Ok(Log { run, mirrors })
}

impl Log {
    /// The mirrors of a table, those of columns that it no longer has among them.
    pub fn of<'a>(&'a self, table: &'a str) -> impl Iterator<Item = &'a Mirror> + 'a {
        self.mirrors.iter().filter(move |mirror| mirror.table.eq_ignore_ascii_case(table))
    }

    /// The mirror that a table has now.
    pub fn fitting<'a>(&'a self, table: &'a Table) -> Option<&'a Mirror> {
        self.of(&table.name).find(|mirror| mirror.fits(table))
    }
}

/// Up to where a step of so many entries goes, and whether there are any.
pub async fn next(
    access: &mut dyn Access,
    mirror: &Mirror,
    run: i64,
    entries: u64,
) -> Result<(take_back::Bound, bool)> {
    let answers = access.ask(vec![take_back::any(mirror, run), take_back::bound(mirror, run, &None, entries)]).await?;
    let [any, bound] = answers.as_slice() else { return Ok((None, false)) };
    Ok((decode_bound(mirror, bound)?, !any.is_empty()))
}

/// The answer to [`take_back::bound`].
pub fn decode_bound(mirror: &Mirror, rows: &[Row]) -> Result<take_back::Bound> {
    rows.first().map(|row| exact_row(row, mirror.identity().len())).transpose().map_err(internal)
}

/// An answer that cannot be read.
pub fn internal(failure: Failure) -> Error {
    Error::new(ErrorKind::Internal, "destination_internal", failure.message)
}
