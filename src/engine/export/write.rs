//! Writing the documents of every collection, and adding up.

use tokio_util::sync::CancellationToken;

use super::files::{Folder, Part};
use super::pages::{Pages, StoredDocument};
use super::plan::Plan;
use crate::destination::{Destination, Target};
use crate::domain::inverse::{ColumnReturn, Found, Inverse, Restored};
use crate::domain::json::{encode_key, encode_rest};
use crate::domain::row::SqlValue;
use crate::engine::progress::{CollectionProgress, Progress};
use crate::error::{Error, ErrorKind, Result};
use crate::report::export::{ExportedCollection, ExportedColumn, Shortfall};

/// Shortfalls of a collection that the report names.
const SHOWN: usize = 20;

/// An export on its way.
pub(super) struct Export<'a> {
    pub plan: &'a Plan,
    pub progress: &'a dyn Progress,
    pub stop: &'a CancellationToken,
}

/// What was done of one collection.
struct Tally {
    report: ExportedCollection,
    shortfalls: Vec<Shortfall>,
    /// Rows of the table that were read, and of each child table.
    rows: u64,
    children: Vec<u64>,
}

impl Export<'_> {
    /// Writes every collection, from one look at the tables.
    pub async fn write(
        &self,
        destination: &mut dyn Destination,
        folder: &mut Folder,
    ) -> Result<(Vec<ExportedCollection>, Vec<Shortfall>)> {
        destination.begin_comparing(&self.plan.targets).await?;
        let mut written = (Vec::new(), Vec::new());
        for ((inverse, target), mark) in self.plan.inverses.iter().zip(&self.plan.targets).zip(&self.plan.marks) {
            let tally = self.collection(destination, folder, inverse, (target, mark.as_deref())).await;
            let tally = tally.map_err(|error| error.collection(inverse.collection().as_str()))?;
            written.0.push(tally.report);
            written.1.extend(tally.shortfalls);
        }
        destination.end_comparing().await?;
        Ok(written)
    }

    async fn collection(
        &self,
        destination: &mut dyn Destination,
        folder: &mut Folder,
        inverse: &Inverse,
        (target, mark): (&Target, Option<&str>),
    ) -> Result<Tally> {
        let tables = std::iter::once(&target.table).chain(target.children.iter().map(|child| &child.table));
        let tables: Vec<String> = tables.cloned().collect();
        let counts = destination.count(&tables).await?;
        let mut progress = CollectionProgress {
            collection: target.collection.to_string(),
            current: 0,
            total: counts.first().copied(),
            rejected: 0,
        };
        self.progress.collection_started(&progress);
        let mut part = folder.part(&target.collection)?;
        let mut tally = Tally::of(inverse, target, part.name());
        let mut pages = Pages::of(target, mark);
        loop {
            if self.stop.is_cancelled() {
                return Err(Error::new(
                    ErrorKind::Interrupted,
                    "interrupted",
                    "stopped on request; nothing was written",
                ));
            }
            let page = pages.next(destination).await?;
            if page.is_empty() {
                break;
            }
            for document in &page {
                tally.document(inverse, target, document, &self.plan.database, &mut part)?;
            }
            progress.current = tally.rows;
            self.progress.committed(&progress);
        }
        tally.add_up(&tables, &counts)?;
        tally.report.bytes = part.end()?;
        self.progress.collection_finished(&progress);
        Ok(tally)
    }
}

impl Tally {
    fn of(inverse: &Inverse, target: &Target, file: &str) -> Self {
        let column = |told: &ColumnReturn| ExportedColumn {
            column: format!("{}.{}", told.table, told.column),
            from: told.from.clone(),
            comes_back: told.fidelity.as_str(),
            reason: told.reason.clone(),
        };
        Self {
            report: ExportedCollection {
                collection: target.collection.to_string(),
                table: target.table.clone(),
                file: file.to_owned(),
                documents: 0,
                inexact: 0,
                left_out: 0,
                gone: 0,
                orphans: 0,
                bytes: 0,
                columns: inverse.columns.iter().map(column).collect(),
                notes: inverse.notes.clone(),
            },
            shortfalls: Vec::new(),
            rows: 0,
            children: vec![0; target.children.len()],
        }
    }

    fn document(
        &mut self,
        inverse: &Inverse,
        target: &Target,
        stored: &StoredDocument,
        database: &str,
        part: &mut Part,
    ) -> Result<()> {
        self.rows += 1;
        for (count, rows) in self.children.iter_mut().zip(&stored.children) {
            *count += rows.len() as u64;
        }
        if stored.gone {
            self.report.gone += 1;
            return Ok(());
        }
        let key = || {
            let values: Vec<&SqlValue> = target.key.iter().filter_map(|index| stored.row.get(*index)).collect();
            encode_key(&values)
        };
        let restored = match inverse.restore(&stored.row, &stored.children) {
            Ok(Found::Document(restored)) => restored,
            Ok(Found::Other(path)) => {
                self.left_out(path.to_string(), "its path is of another collection".to_owned());
                return Ok(());
            }
            Err(reason) => {
                self.left_out(key(), reason);
                return Ok(());
            }
        };
        let Restored { document, shortfall } = restored;
        let path = document.path.to_string();
        match encode_rest(&document, database) {
            Err(reason) => self.left_out(path, reason),
            Ok(line) => {
                part.line(&line)?;
                self.report.documents += 1;
                if let Some(reason) = shortfall {
                    self.report.inexact += 1;
                    self.tell(path, true, reason);
                }
            }
        }
        Ok(())
    }

    fn left_out(&mut self, document: String, reason: String) {
        self.report.left_out += 1;
        self.tell(document, false, reason);
    }

    fn tell(&mut self, document: String, written: bool, reason: String) {
        if self.shortfalls.len() < SHOWN {
            let collection = self.report.collection.clone();
            self.shortfalls.push(Shortfall { collection, document, written, reason });
        }
    }

    /// Every row that the destination counts was read.
    fn add_up(&mut self, tables: &[String], counts: &[u64]) -> Result<()> {
        let expected = counts.first().copied().unwrap_or_default();
        if self.rows != expected {
            let table = tables.first().map(String::as_str).unwrap_or_default();
            let message = format!("{} rows of {table} were read, it has {expected}", self.rows);
            return Err(Error::new(ErrorKind::Destination, "export_incomplete", message)
                .hint("export again while nothing else writes to the destination"));
        }
        for (child, table) in tables.iter().skip(1).enumerate() {
            let read = self.children.get(child).copied().unwrap_or_default();
            let expected = counts.get(child + 1).copied().unwrap_or_default();
            if read != expected {
                let orphans = expected.abs_diff(read);
                self.report.orphans += orphans;
                self.tell(
                    table.clone(),
                    false,
                    format!("{orphans} of its rows belong to no row of the collection's table"),
                );
            }
        }
        Ok(())
    }
}
