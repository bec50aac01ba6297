//! Rows that no document explains. As many distinct keys found as there are rows says that there are none; else the table's
//! keys are read, and looked up among the hashes of all documents' keys. Nothing of the source is read for this.

use super::super::Context;
use super::documents::{keys_file, links_are_key, links_file, rejected_file};
use super::hashes::{Distinct, hash, hash_bytes};
use super::scope::Scope;
use super::state::Record;
use crate::destination::{Scan, ScannedRow};
use crate::domain::json::encode_key;
use crate::domain::row::SqlValue;
use crate::error::Result;

/// One table, and what explains its rows.
pub(super) struct Explained {
    /// The table.
    pub table: String,
    /// The collection that is named for its extra rows.
    pub collection: usize,
    /// Columns that are read.
    pub columns: Vec<String>,
    /// Columns (as places in `columns`) whose values are hashed, and the hashes that explain a row. One is enough.
    sets: Vec<(Vec<usize>, Distinct)>,
    /// Columns that hold a key, as places, and texts of keys that were rejected: their rows are not extra.
    rejected: Vec<(Vec<usize>, Distinct)>,
    /// Rows that are explained for certain; `None` where they cannot be counted this way.
    certain: Option<u64>,
    /// Documents that may explain rows, but whose keys are not known.
    pub nameless: u64,
}

/// What fills a table: a collection's rows, or its child rows.
struct Filler {
    step: usize,
    child: Option<usize>,
    columns: Vec<String>,
    file: String,
}

/// The tables of the comparison in the order of their filling; none of those that other collections fill too.
pub(super) fn tables(scope: &Scope, record: &mut Record<'_>, notes: &mut Vec<String>) -> Result<Vec<Explained>> {
    let mut tables: Vec<(String, Vec<Filler>)> = Vec::new();
    for (step, target) in scope.targets.iter().enumerate() {
        let name = |index: &usize| target.columns.get(*index).cloned();
        let own =
            Filler { step, child: None, columns: target.key.iter().filter_map(name).collect(), file: keys_file(step) };
        let children = target.children.iter().enumerate().map(|(index, child)| {
            let columns = child.link.iter().filter_map(|(column, _)| child.columns.get(*column).cloned()).collect();
            let file = if links_are_key(target, index) { keys_file(step) } else { links_file(step, index) };
            (child.table.clone(), Filler { step, child: Some(index), columns, file })
        });
        for (table, filler) in [(target.table.clone(), own)].into_iter().chain(children) {
            match tables.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(&table)) {
                Some((_, fillers)) => fillers.push(filler),
                None => tables.push((table, vec![filler])),
            }
        }
    }
    let mut explained = Vec::new();
    for (table, fillers) in tables {
        if scope.shared.contains(&table.to_ascii_lowercase()) {
            notes.push(format!(
                "extra rows of {table} were not looked for: a collection that was not compared fills it too"
            ));
            continue;
        }
        explained.push(Explained::new(table, &fillers, record, scope)?);
    }
    Ok(explained)
}

impl Explained {
    fn new(table: String, fillers: &[Filler], record: &mut Record<'_>, scope: &Scope) -> Result<Self> {
        let mut columns: Vec<String> = Vec::new();
        let mut place = |name: &String| match columns.iter().position(|known| known.eq_ignore_ascii_case(name)) {
            Some(place) => place,
            None => {
                columns.push(name.clone());
                columns.len() - 1
            }
        };
        let mut groups: Vec<(Vec<usize>, Vec<String>)> = Vec::new();
        let (mut certain, mut hashed, mut nameless) = (0_u64, 0_u64, 0);
        let mut rejected = Vec::new();
        for filler in fillers {
            let places: Vec<usize> = filler.columns.iter().map(&mut place).collect();
            match groups.iter_mut().find(|(known, _)| *known == places) {
                Some((_, files)) => files.push(filler.file.clone()),
                None => groups.push((places.clone(), vec![filler.file.clone()])),
            }
            let name = scope.targets.get(filler.step).map(|target| target.collection.as_str()).unwrap_or_default();
            let Some(state) = record.state.collections.get(name) else { continue };
            nameless += state.nameless;
            hashed += state.looked_up;
            if let Some(child) = filler.child {
                certain += state.stored.get(child).copied().unwrap_or(0);
            }
            if filler.file == keys_file(filler.step) {
                rejected.push((places, record.scratch.distinct(&[rejected_file(filler.step)])?));
            } else {
                // What their rows would be linked by is not known.
                nameless += state.unmapped;
            }
        }
        let mut sets = Vec::new();
        for (places, files) in groups {
            sets.push((places, record.scratch.distinct(&files)?));
        }
        let distinct: u64 = sets.iter().map(|(_, distinct)| distinct.len()).sum();
        let child_only = fillers.iter().all(|filler| filler.child.is_some());
        let absent = |filler: &Filler| {
            let name = scope.targets.get(filler.step).map(|target| target.collection.as_str()).unwrap_or_default();
            record.state.collections.get(name).map_or(0, |state| state.absent)
        };
        let certain = if child_only {
            // The rows of two documents with one key would be counted twice.
            (distinct == hashed).then_some(certain)
        } else if fillers.iter().all(|filler| filler.child.is_none()) {
            Some(distinct.saturating_sub(fillers.iter().map(absent).sum()))
        } else {
            None
        };
        let collection = fillers.first().map_or(0, |filler| filler.step);
        Ok(Self { table, collection, columns, sets, rejected, certain, nameless })
    }

    /// Whether so many rows cannot hold an extra one.
    pub fn covers(&self, rows: u64) -> bool {
        self.certain == Some(rows)
    }

    /// The next page of the table's rows: where it ended, and the extra ones among them. `None` at the end.
    pub async fn next(&mut self, ctx: &mut Context, after: Option<Vec<SqlValue>>) -> Result<Option<Page>> {
        let scan = Scan { table: self.table.clone(), columns: self.columns.clone(), after, among: None, limit: None };
        let rows = ctx.destination.scan(&scan).await?;
        let Some(last) = rows.last() else { return Ok(None) };
        let after = last.identity.clone();
        let mut page = Page { after, extra: Vec::new(), of_rejected: 0 };
        for row in rows {
            if self.explains(&row)? {
                continue;
            }
            if self.is_of_rejected(&row)? {
                page.of_rejected += 1;
            } else {
                page.extra.push(row);
            }
        }
        Ok(Some(page))
    }

    fn explains(&mut self, row: &ScannedRow) -> Result<bool> {
        for (places, hashes) in &mut self.sets {
            if hashes.contains(hash(values(row, places)))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn is_of_rejected(&mut self, row: &ScannedRow) -> Result<bool> {
        for (places, keys) in &mut self.rejected {
            let key = encode_key(&values(row, places).collect::<Vec<_>>());
            if keys.contains(hash_bytes(key.as_bytes()))? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// A page of a table's rows.
pub(super) struct Page {
    /// What the next page comes after.
    pub after: Vec<SqlValue>,
    /// Rows that no document explains.
    pub extra: Vec<ScannedRow>,
    /// Rows of documents that were rejected.
    pub of_rejected: u64,
}

fn values<'a>(row: &'a ScannedRow, places: &'a [usize]) -> impl Iterator<Item = &'a SqlValue> {
    places.iter().filter_map(|place| row.values.get(*place))
}
