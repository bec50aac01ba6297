//! Rows back to documents: the inverse of a mapping, as far as it has one. Pure.
//!
//! What the rows say is taken, what they do not say is left out and told, nothing is made up. And nothing is believed:
//! [`Inverse::restore`] maps every document that it made again, and says when that does not give exactly these rows.

mod children;
mod column;
mod compare;
mod fields;
mod filter;
mod home;
mod identity;
mod slots;
mod told;
mod value;

pub use home::Homes;
pub use told::{ColumnReturn, Fidelity};

use std::sync::Arc;

use super::document::{CollectionPattern, Document, DocumentPath, Origin};
use super::json::decode;
use super::mapping::{Input, Mapping};
use super::row::{Row, SqlValue};
use super::value::{Map, Timestamp, Value};
use children::Lists;
use identity::Identity;
use slots::Slots;

/// The way back of one collection.
#[derive(Debug, Clone)]
pub struct Inverse {
    mapping: Arc<Mapping>,
    identity: Identity,
    slots: Slots,
    lists: Lists,
    /// What becomes of each column, those of child tables after their table's.
    pub columns: Vec<ColumnReturn>,
    /// What holds for the collection as a whole, in sentences.
    pub notes: Vec<String>,
}

/// What a row is.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// One of this collection.
    Document(Restored),
    /// One of another collection, by its path: the mapping makes no such row of its table.
    Other(DocumentPath),
}

/// A document made of rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Restored {
    /// It.
    pub document: Document,
    /// Why it does not become exactly these rows again; `None` when it does.
    pub shortfall: Option<String>,
}

impl Inverse {
    /// The way back for a mapping that is bound to its schema.
    ///
    /// # Errors
    /// Why rows of this mapping do not say which documents they are.
    pub fn of(mapping: Arc<Mapping>, homes: &Homes) -> Result<Self, String> {
        let identity = Identity::of(&mapping)?;
        let mut columns = Vec::new();
        let slots = Slots::of_document(&mapping, homes, &mut columns);
        let lists = Lists::of(&mapping, &slots, homes, &mut columns);
        let notes = told::notes(&mapping, &slots);
        Ok(Self { mapping, identity, slots, lists, columns, notes })
    }

    /// The collection.
    pub fn collection(&self) -> &CollectionPattern {
        &self.mapping.collection
    }

    /// The document of a row and its child rows (one list per child table, in the order of the mapping).
    ///
    /// # Errors
    /// Why the row does not say which document it is.
    pub fn restore(&self, row: &Row, children: &[Vec<Row>]) -> Result<Found, String> {
        let path = self.identity.path(row, &self.mapping.collection)?;
        if !self.mapping.collection.matches(&path.collection) {
            return Ok(Found::Other(path));
        }
        let mut trouble = None;
        let mut fields = self.unknown(row, &mut trouble);
        self.lists.fill(&mut fields, children, &mut trouble);
        self.slots.fill(&mut fields, row, &mut trouble);
        filter::complete(&mut fields, &self.mapping.filter, &self.slots);
        let (created, updated) = (self.time(&Input::Created, row), self.time(&Input::Updated, row));
        let document = Document { path, fields, created, updated, origin: Origin::default() };
        let shortfall = compare::shortfall(&self.mapping, &document, row, children);
        Ok(Found::Document(Restored { shortfall: shortfall.map(|found| trouble.unwrap_or(found)), document }))
    }

    /// The fields that no column maps, where a column keeps them.
    fn unknown(&self, row: &Row, trouble: &mut Option<String>) -> Map {
        let places = self.mapping.columns.iter().zip(row).filter(|(column, _)| column.input == Input::Unknown);
        for (column, stored) in places {
            match stored {
                SqlValue::Null => {}
                SqlValue::Text(text) if let Ok(Value::Map(map)) = decode(text) => return map,
                _ => column::not_its_type(trouble, &self.mapping.table, column),
            }
        }
        Map::new()
    }

    fn time(&self, input: &Input, row: &Row) -> Option<Timestamp> {
        let mut places = self.mapping.columns.iter().zip(row).filter(|(column, _)| column.input == *input);
        places.find_map(|(column, stored)| value::time(column.kind, stored))
    }
}
