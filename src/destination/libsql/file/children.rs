//! A document's child rows are a set: compared by every mapped column, replaced as a whole when they differ.

use super::super::comparing::same_rows;
use super::super::failure::Failure;
use super::super::refusal::{self, Spot};
use super::super::statement::typed;
use super::super::undo::Fill;
use super::database::{bind, bind_all, value};
use super::document::Trouble;
use super::plan::ChildPlan;
use super::write::Commit;
use crate::domain::row::{MappedDocument, Row};

impl Commit<'_> {
    /// Makes the child rows equal to the document's; whether anything had to change.
    pub(super) fn replace_children(&mut self, document: &MappedDocument) -> Result<bool, Trouble> {
        let mut changed = false;
        for (index, rows) in document.children.iter().enumerate() {
            let (inserted, deleted) = self.replace_child(document, index, rows)?;
            changed |= inserted + deleted > 0;
            self.counts.child_inserted += inserted;
            self.counts.child_deleted += deleted;
        }
        Ok(changed)
    }

    fn replace_child(&self, document: &MappedDocument, index: usize, rows: &[Row]) -> Result<(i64, i64), Trouble> {
        let plan = &self.plan().children[index];
        let mut deleted = 0;
        // An empty table holds nothing that could differ.
        if !self.plan().target.empty_at_start {
            let stored = stored_rows(plan, document, index)?;
            if same_rows(&stored, rows) {
                return Ok((0, 0));
            }
            let values = link(plan, document);
            self.log_children(index, &values, Fill::Before)?;
            deleted = plan.delete.execute(values).map_err(|failure| Trouble::Statement(failure, Spot::Links(index)))?;
            if deleted != stored.len() {
                return Err(refusal::trigger_ignored_child(&plan.table).into());
            }
        }
        self.insert_children(document, index, rows)?;
        Ok((count(rows.len()), count(deleted)))
    }

    /// Inserts rows into the child table of this number, with their entries in the undo log.
    fn insert_children(&self, document: &MappedDocument, index: usize, rows: &[Row]) -> Result<(), Trouble> {
        let plan = &self.plan().children[index];
        insert(plan, index, rows)?;
        if self.plan().undo.is_none() || rows.is_empty() {
            return Ok(());
        }
        self.log_children(index, &link(plan, document), Fill::After)
    }

    /// Inserts the document's rows into the child tables that have none of it; whether there were any.
    pub(super) fn fill_children(&mut self, document: &MappedDocument) -> Result<bool, Trouble> {
        let mut filled = 0;
        for (index, rows) in document.children.iter().enumerate().filter(|(_, rows)| !rows.is_empty()) {
            let plan = &self.plan().children[index];
            if stored_rows(plan, document, index)?.is_empty() {
                self.insert_children(document, index, rows)?;
                filled += count(rows.len());
            }
        }
        self.counts.child_inserted += filled;
        Ok(filled > 0)
    }

    /// Whether every child table holds exactly the document's rows.
    pub(super) fn children_equal(&self, document: &MappedDocument) -> Result<bool, Trouble> {
        for (index, rows) in document.children.iter().enumerate() {
            if !same_rows(&stored_rows(&self.plan().children[index], document, index)?, rows) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Inserts rows into the child table of this number.
fn insert(plan: &ChildPlan, index: usize, rows: &[Row]) -> Result<(), Trouble> {
    for (position, row) in rows.iter().enumerate() {
        let inserted = plan.insert.execute(bind_all(row));
        if inserted.map_err(|failure| Trouble::Statement(failure, Spot::Child(index, position)))? == 0 {
            return Err(refusal::trigger_ignored_child(&plan.table).into());
        }
    }
    Ok(())
}

/// The document's rows in a child table.
fn stored_rows(plan: &ChildPlan, document: &MappedDocument, index: usize) -> Result<Vec<Row>, Trouble> {
    let width = plan.child.columns.len() as i32;
    let exact = |row: &libsql::Row, column| typed(&value(row, column)?, value(row, column + 1)?);
    let whole = |row: &libsql::Row| (0..width).map(|column| exact(row, column * 2)).collect::<Result<Row, Failure>>();
    let stored = plan.select.query(link(plan, document), whole);
    stored.map_err(|failure| Trouble::Statement(failure, Spot::Links(index)))
}

/// The values that link child rows to the document.
fn link(plan: &ChildPlan, document: &MappedDocument) -> Vec<libsql::Value> {
    plan.child.link.iter().map(|(_, parent)| bind(&document.row[*parent])).collect()
}

fn count(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}
