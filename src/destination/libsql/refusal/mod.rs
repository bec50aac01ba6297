//! Why a document was refused, in words its owner understands. What must be asked of the database for that are plain
//! statements, so that an adapter can send them one by one or all at once.

mod foreign_key;
mod reasons;
#[cfg(test)]
mod tests;
mod text;
mod unique;

pub use reasons::{
    claimed, duplicate, key_is_null, not_comparable, row_exists, trigger_ignored_child, trigger_ignored_update,
};
pub use text::{equation, show};

use super::failure::{Constraint, Failure, primary};
use super::statement::Statement;
use crate::destination::{ChildTarget, Target};
use crate::domain::reject::{RejectCode, Rejection};
use crate::domain::row::{MappedDocument, SqlValue};
use crate::domain::schema::Table;

/// A refused document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Code and reason.
    pub rejection: Rejection,
    /// It may still succeed later in the run.
    pub may_wait: bool,
}

impl Refusal {
    fn new(code: RejectCode, reason: impl Into<String>, may_wait: bool) -> Self {
        Self { rejection: Rejection::new(code, reason), may_wait }
    }
}

/// The row that a statement was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spot {
    /// The document's own row.
    Row,
    /// A row (second) of a child table (first).
    Child(usize, usize),
    /// All stored rows of a child table.
    Links(usize),
}

/// What is known besides the document: everything a refusal is explained with.
pub struct Around<'a> {
    /// The run.
    pub run: &'a str,
    /// Nothing waits any longer: whether a missing parent was rejected itself is worth asking.
    pub finalize: bool,
    /// The document's target.
    pub target: &'a Target,
    /// Its table.
    pub table: &'a Table,
    /// The target's child tables, in its order.
    pub children: Vec<(&'a ChildTarget, &'a Table)>,
    /// All targets of the run, among which rejected parents are looked for.
    pub targets: &'a [&'a Target],
}

/// A row that was refused: its table, mapped columns and values.
#[derive(Clone, Copy)]
struct Refused<'a> {
    table: &'a Table,
    columns: &'a [String],
    row: &'a [SqlValue],
}

impl<'a> Refused<'a> {
    /// The value of a column, if it is mapped.
    fn value(&self, column: &str) -> Option<&'a SqlValue> {
        let index = self.columns.iter().position(|name| name.eq_ignore_ascii_case(column))?;
        self.row.get(index)
    }
}

impl Around<'_> {
    fn refused<'a>(&'a self, document: &'a MappedDocument, spot: Spot) -> Refused<'a> {
        match spot {
            Spot::Row => Refused { table: self.table, columns: &self.target.columns, row: &document.row },
            Spot::Child(index, position) => {
                let (child, table) = self.children[index];
                Refused { table, columns: &child.columns, row: &document.children[index][position] }
            }
            Spot::Links(index) => {
                let (child, table) = self.children[index];
                Refused { table, columns: &child.columns, row: &[] }
            }
        }
    }
}

/// What must be asked of the database to explain the refusal, in this order. Asked after the document was undone, so
/// that what is found in the tables is not its own.
pub fn questions(around: &Around<'_>, document: &MappedDocument, failure: &Failure, spot: Spot) -> Vec<Statement> {
    let refused = around.refused(document, spot);
    match failure.constraint() {
        Some(Constraint::Unique) => unique::questions(around, refused, failure.detail(), spot),
        Some(Constraint::ForeignKey) => foreign_key::questions(around, refused, document),
        _ => Vec::new(),
    }
}

/// The refusal, from the rows that each question found.
pub fn explain(
    around: &Around<'_>,
    document: &MappedDocument,
    failure: &Failure,
    spot: Spot,
    answers: &[Vec<Vec<SqlValue>>],
) -> Result<Refusal, Failure> {
    let refused = around.refused(document, spot);
    let (table, message, detail) = (&refused.table.name, &failure.message, failure.detail());
    let (code, reason) = match failure.constraint() {
        Some(Constraint::Unique) => return unique::explain(around, refused, detail, spot, answers),
        Some(Constraint::ForeignKey) => return foreign_key::explain(around, refused, document, answers),
        Some(Constraint::Check) => (RejectCode::CheckFailed, format!("CHECK of {table} failed: {detail}")),
        Some(Constraint::NotNull) => (RejectCode::NotNull, format!("{detail} must not be NULL")),
        Some(Constraint::Datatype) => (RejectCode::WrongType, format!("table {table}: {message}")),
        Some(Constraint::Trigger) => (RejectCode::Constraint, format!("a trigger of {table} refused it: {message}")),
        None if failure.primary() == primary::MISMATCH => (RejectCode::WrongType, format!("table {table}: {message}")),
        None if failure.primary() == primary::TOOBIG => {
            (RejectCode::OversizedValue, format!("a value for {table} is longer than the database stores"))
        }
        Some(Constraint::Other) | None => (RejectCode::Constraint, format!("table {table} refused it: {message}")),
    };
    Ok(Refusal::new(code, reason, false))
}

/// What must be asked when the row was not inserted because its key is there, and no row has exactly this key.
pub fn other_key_questions(around: &Around<'_>, document: &MappedDocument) -> Vec<Statement> {
    vec![unique::key_holder(around, document)]
}

/// That refusal: a collation treats another key as equal, or a trigger ignored the row.
pub fn explain_other_key(
    around: &Around<'_>,
    document: &MappedDocument,
    answers: &[Vec<Vec<SqlValue>>],
) -> Result<Refusal, Failure> {
    unique::explain_other_key(around, document, answers)
}

/// The rows that a question found.
fn answer(answers: &[Vec<Vec<SqlValue>>], question: usize) -> Result<&[Vec<SqlValue>], Failure> {
    let rows = answers.get(question).map(Vec::as_slice);
    rows.ok_or_else(|| Failure::internal("a question about a refused document was not answered"))
}
