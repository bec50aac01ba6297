//! Why SQLite refused a document, in words its owner understands.

use super::super::failure::{Failure, extended, primary};
use super::super::refusal::equation;
use super::document::Trouble;
use super::write::Commit;
use crate::domain::reject::{RejectCode, Rejection};
use crate::domain::row::{MappedDocument, Row, SqlValue};
use crate::domain::schema::Table;
use crate::error::Result;

/// A refused document.
pub(super) struct Refusal {
    pub(super) rejection: Rejection,
    /// It may still succeed later in the run.
    pub(super) may_wait: bool,
}

impl Refusal {
    pub(super) fn new(code: RejectCode, reason: impl Into<String>, may_wait: bool) -> Self {
        Self { rejection: Rejection::new(code, reason), may_wait }
    }
}

/// The row that a statement was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spot {
    /// The document's own row.
    Row,
    /// A row (second) of a child table (first).
    Child(usize, usize),
    /// All stored rows of a child table.
    Links(usize),
}

/// A row that was refused: its table, mapped columns and values.
pub(super) struct Refused<'a> {
    pub(super) table: &'a Table,
    pub(super) columns: &'a [String],
    pub(super) row: &'a [SqlValue],
}

impl Refused<'_> {
    /// The value of a column, if it is mapped.
    pub(super) fn value(&self, column: &str) -> Option<&SqlValue> {
        let index = self.columns.iter().position(|name| name.eq_ignore_ascii_case(column))?;
        self.row.get(index)
    }
}

impl Commit<'_> {
    /// The refusal behind a failed statement. Called after the document was undone, so that what is found in the
    /// tables is not its own.
    pub(super) fn classify(&self, document: &MappedDocument, failure: &Failure, spot: Spot) -> Result<Refusal> {
        let refused = self.refused_row(document, spot);
        let table = &refused.table.name;
        let message = &failure.message;
        let detail = message.split_once(": ").map_or(message.as_str(), |(_, detail)| detail);
        let found = match (failure.primary(), failure.code) {
            (
                primary::CONSTRAINT,
                extended::CONSTRAINT_UNIQUE | extended::CONSTRAINT_PRIMARY_KEY | extended::CONSTRAINT_ROWID,
            ) => self.explain_unique(&refused, detail, spot),
            (primary::CONSTRAINT, extended::CONSTRAINT_FOREIGN_KEY) => self.explain_foreign_key(&refused, document),
            (primary::CONSTRAINT, extended::CONSTRAINT_CHECK) => {
                Ok(Refusal::new(RejectCode::CheckFailed, format!("CHECK of {table} failed: {detail}"), false))
            }
            (primary::CONSTRAINT, extended::CONSTRAINT_NOT_NULL) => {
                Ok(Refusal::new(RejectCode::NotNull, format!("{detail} must not be NULL"), false))
            }
            (primary::CONSTRAINT, extended::CONSTRAINT_DATATYPE) | (primary::MISMATCH, _) => {
                Ok(Refusal::new(RejectCode::WrongType, format!("table {table}: {message}"), false))
            }
            (primary::CONSTRAINT, extended::CONSTRAINT_TRIGGER) => {
                Ok(Refusal::new(RejectCode::Constraint, format!("a trigger of {table} refused it: {message}"), false))
            }
            (primary::TOOBIG, _) => Ok(Refusal::new(
                RejectCode::OversizedValue,
                format!("a value for {table} is longer than the database stores"),
                false,
            )),
            _ => Ok(Refusal::new(RejectCode::Constraint, format!("table {table} refused it: {message}"), false)),
        };
        found.map_err(|failure| self.lost(failure))
    }

    fn refused_row<'a>(&'a self, document: &'a MappedDocument, spot: Spot) -> Refused<'a> {
        const NONE: &Row = &Row::new();
        let plan = self.plan();
        match spot {
            Spot::Row => Refused { table: &plan.table, columns: &plan.target.columns, row: &document.row },
            Spot::Child(index, position) => {
                let child = &plan.children[index];
                Refused { table: &child.table, columns: &child.child.columns, row: &document.children[index][position] }
            }
            Spot::Links(index) => {
                let child = &plan.children[index];
                Refused { table: &child.table, columns: &child.child.columns, row: NONE }
            }
        }
    }

    /// The document's key for people: `users.id = 'u1'`.
    pub(super) fn key_text(&self, document: &MappedDocument) -> String {
        let target = &self.plan().target;
        let key: Vec<(&str, &SqlValue)> =
            target.key.iter().map(|index| (target.columns[*index].as_str(), &document.row[*index])).collect();
        equation(&target.table, &key)
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Statement(failure, Spot::Row)
    }
}
