//! Rows with their child rows, page by page in the order of what tells them apart. Memory is bounded by the bytes of a
//! page, whatever the tables hold.

use std::collections::HashMap;

use crate::destination::{Among, Destination, Scan, Target};
use crate::domain::encode::encode;
use crate::domain::row::{Row, SqlValue};
use crate::error::Result;

/// Bytes of rows that a page is to have, about.
const BYTES: usize = 2 << 20;
/// Rows of the first page, and of the largest.
const FIRST: usize = 100;
const MOST: usize = 2_000;

/// Rows of one document.
pub(super) struct StoredDocument {
    /// That of the collection's table.
    pub row: Row,
    /// The row is marked: the document is gone.
    pub gone: bool,
    /// Those of each child table.
    pub children: Vec<Vec<Row>>,
}

/// The pages of one table.
pub(super) struct Pages<'a> {
    target: &'a Target,
    /// The column that marks rows of documents that are gone.
    mark: Option<&'a str>,
    after: Option<Row>,
    size: usize,
}

impl<'a> Pages<'a> {
    pub fn of(target: &'a Target, mark: Option<&'a str>) -> Self {
        Self { target, mark, after: None, size: FIRST }
    }

    /// The next page; empty at the end.
    pub async fn next(&mut self, destination: &mut dyn Destination) -> Result<Vec<StoredDocument>> {
        let scan = Scan {
            table: self.target.table.clone(),
            columns: self.target.columns.iter().cloned().chain(self.mark.map(str::to_owned)).collect(),
            after: self.after.take(),
            among: None,
            limit: Some(self.size),
        };
        let found = destination.scan(&scan).await?;
        self.after = found.last().map(|row| row.identity.clone());
        let stored = |mut row: Row| {
            let gone = self.mark.is_some() && row.pop().is_some_and(|mark| mark != SqlValue::Null);
            StoredDocument { row, gone, children: Vec::new() }
        };
        let mut page: Vec<StoredDocument> = found.into_iter().map(|row| stored(row.values)).collect();
        let mut bytes: usize = page.iter().map(|document| size(&document.row)).sum();
        for child in 0..self.target.children.len() {
            bytes += self.children(destination, child, &mut page).await?;
        }
        // The next page is as large as this one's rows allow.
        self.size = (page.len() * BYTES / bytes.max(1)).clamp(1, (self.size * 4).min(MOST));
        Ok(page)
    }

    /// Reads the rows of one child table; their bytes.
    async fn children(
        &self,
        destination: &mut dyn Destination,
        child: usize,
        page: &mut [StoredDocument],
    ) -> Result<usize> {
        let Some(target) = self.target.children.get(child) else { return Ok(0) };
        let link = |row: &Row| -> Row { target.link.iter().filter_map(|(_, own)| row.get(*own).cloned()).collect() };
        let mut places: HashMap<Vec<u8>, usize> = HashMap::new();
        let mut values = Vec::new();
        for (place, document) in page.iter_mut().enumerate() {
            document.children.push(Vec::new());
            let link = link(&document.row);
            places.insert(encode(&link), place);
            values.push(link);
        }
        if values.is_empty() {
            return Ok(0);
        }
        let columns = target.link.iter().filter_map(|(column, _)| target.columns.get(*column).cloned()).collect();
        let mut scan = Scan {
            table: target.table.clone(),
            columns: target.columns.clone(),
            after: None,
            among: Some(Among { columns, values }),
            limit: None,
        };
        let mut bytes = 0;
        loop {
            let rows = destination.scan(&scan).await?;
            let Some(last) = rows.last() else { return Ok(bytes) };
            scan.after = Some(last.identity.clone());
            for row in rows {
                let link: Row = target.link.iter().filter_map(|(column, _)| row.values.get(*column).cloned()).collect();
                // 1 and 1.0 are found alike; whose row it is, bytes decide.
                if let Some(document) = places.get(&encode(&link)).and_then(|place| page.get_mut(*place)) {
                    bytes += size(&row.values);
                    if let Some(children) = document.children.get_mut(child) {
                        children.push(row.values);
                    }
                }
            }
        }
    }
}

fn size(row: &Row) -> usize {
    let of = |value: &SqlValue| match value {
        SqlValue::Text(text) => text.len() + 8,
        SqlValue::Blob(bytes) => bytes.len() + 8,
        _ => 8,
    };
    row.iter().map(of).sum()
}
