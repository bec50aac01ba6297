//! Comparing documents with the file, reading a table key by key, and deleting what no document explains.

use super::super::comparing::{
    changed, delete, delete_refused, identity, same_rows, scan, scanned, stored_row, stored_value, unlike_rows,
};
use super::super::failure::Failure;
use super::super::removing;
use super::super::sql;
use super::super::statement::{Statement, integer};
use super::super::tables::require;
use super::LibsqlFile;
use super::address::Stamp;
use super::database::{Database, Prepared, bind, bind_all, value, whole};
use super::inspect;
use crate::destination::{ChildTarget, Doomed, Found, FoundChildren, FoundRow, Removal, Scan, ScannedRow, Target};
use crate::domain::row::{MappedDocument, Row};
use crate::domain::schema::Schema;
use crate::error::{Error, ErrorKind, Result};

/// Rows of a scan that are read at once.
const PAGE: usize = 10_000;

/// What is prepared while documents are compared.
pub(super) struct Comparing {
    targets: Vec<Compared>,
    schema: Schema,
}

struct Compared {
    target: Target,
    differs: Prepared,
    stored: Prepared,
    children: Vec<(ChildTarget, Prepared)>,
}

impl LibsqlFile {
    /// Opens a read transaction and prepares the questions.
    pub(super) fn begin_looking(&mut self, targets: &[Target]) -> Result<()> {
        self.fresh()?;
        self.comparing = None;
        if self.database.is_autocommit() {
            self.database.execute("BEGIN", vec![])?;
        }
        // The first read fixes the moment.
        let schema = inspect::schema(&self.database)?;
        let targets = targets.iter().map(|target| Compared::new(&self.database, &schema, target));
        self.comparing = Some(Comparing { targets: targets.collect::<Result<_>>()?, schema });
        Ok(())
    }

    pub(super) fn end_looking(&mut self) -> Result<()> {
        self.comparing = None;
        if !self.database.is_autocommit() {
            self.database.execute("COMMIT", vec![])?;
        }
        Ok(())
    }

    /// What was begun, unless the file was changed under a connection that takes no notice.
    fn looking(&self) -> Result<&Comparing> {
        if self.frozen.as_ref().is_some_and(|stamp| *stamp != Stamp::of(&self.file)) {
            let message = format!("{} was changed while it was compared", self.file.display());
            return Err(Error::new(ErrorKind::Destination, "destination_changed", message)
                .hint("compare again when nothing else writes to it"));
        }
        self.comparing.as_ref().ok_or_else(|| internal("a comparison that was not begun"))
    }

    pub(super) fn compare_documents(&self, target: usize, documents: &[MappedDocument]) -> Result<Vec<(usize, Found)>> {
        let looking = self.looking()?;
        let compared = looking.targets.get(target).ok_or_else(|| internal("a comparison with an unknown table"))?;
        let mut unlike = Vec::new();
        for (place, document) in documents.iter().enumerate() {
            let found = compared.look(document).map_err(|failure| self.database.error(failure))?;
            unlike.extend(found.map(|found| (place, found)));
        }
        Ok(unlike)
    }

    pub(super) fn scan_rows(&self, wanted: &Scan) -> Result<Vec<ScannedRow>> {
        let table =
            self.looking()?.schema.table(&wanted.table).ok_or_else(|| internal("a scan of an unknown table"))?;
        let read = || -> Result<Vec<ScannedRow>, Failure> {
            let identity = identity(table)?;
            let statement = scan(wanted, &identity, wanted.limit.unwrap_or(PAGE));
            let decode = |row: &[_]| scanned(row, identity.len(), wanted.columns.len());
            self.database.try_query(&statement.sql, statement.values, decode)
        };
        read().map_err(|failure| self.database.error(failure))
    }

    /// Removes rows of documents that are gone.
    pub(super) fn remove_rows(&mut self, removal: &Removal<'_>) -> Result<u64> {
        self.writable()?;
        self.session = None;
        let schema = inspect::schema(&self.database)?;
        let changed = self.database.run_all(&removing::statements(&schema, removal))?;
        Ok(changed.last().copied().unwrap_or(0))
    }

    /// Deletes exactly these rows, or nothing.
    pub(super) fn delete_rows(&mut self, doomed: &[Doomed]) -> Result<()> {
        self.writable()?;
        self.session = None;
        let schema = inspect::schema(&self.database)?;
        self.database.transaction(|database| {
            let before = total_changes(database)?;
            let mut deleted = 0;
            for some in doomed {
                let table = schema.table(&some.table).ok_or_else(|| internal("rows of an unknown table"))?;
                let identity = identity(table).map_err(|failure| database.error(failure))?;
                for row in &some.rows {
                    let gone = database.try_run(&delete(&some.table, &identity, &some.columns, row));
                    let gone = gone.map_err(|failure| delete_refused(&some.table, &failure.message))?;
                    if gone != 1 {
                        return Err(delete_refused(&some.table, "a row is not as it was compared any more"));
                    }
                    deleted += 1;
                }
            }
            // Triggers and foreign keys count here, and only here.
            if total_changes(database)? - before != deleted {
                return Err(delete_refused("the destination", "a trigger or a foreign key would change other rows"));
            }
            Ok(())
        })
    }
}

fn total_changes(database: &Database) -> Result<i64> {
    let changes = database.row(&Statement::new("SELECT total_changes()", vec![]), |row| integer(row, 0))?;
    Ok(changes.unwrap_or_default())
}

impl Compared {
    fn new(database: &Database, schema: &Schema, target: &Target) -> Result<Self> {
        require(schema, &target.table, &target.columns, target)?;
        let prepare = |sql: &str| database.prepare(sql).map_err(|failure| database.error(failure));
        let child = |child: &ChildTarget| {
            require(schema, &child.table, &child.columns, target)?;
            Ok((child.clone(), prepare(&sql::select_children(child))?))
        };
        Ok(Self {
            differs: prepare(&sql::compare_row(target))?,
            stored: prepare(&sql::select_row(target))?,
            children: target.children.iter().map(child).collect::<Result<_>>()?,
            target: target.clone(),
        })
    }

    /// What differs; `None` when nothing does.
    fn look(&self, document: &MappedDocument) -> Result<Option<Found>, Failure> {
        let differs = self.differs.query(bind_all(&document.row), |row| integer(&[value(row, 0)?], 0))?;
        let row = match differs.first() {
            None => FoundRow::Missing,
            Some(0) => FoundRow::Equal,
            Some(_) => self.changed(document)?,
        };
        let mut children = Vec::new();
        for (index, (child, select)) in self.children.iter().enumerate() {
            let own = document.children.get(index).map(Vec::as_slice).unwrap_or_default();
            let stored = stored_children(child, select, document)?;
            if !same_rows(&stored, own) {
                let (missing, extra) = unlike_rows(stored, own);
                children.push(FoundChildren { child: index, missing, extra });
            }
        }
        Ok((row != FoundRow::Equal || !children.is_empty()).then_some(Found { row, children }))
    }

    fn changed(&self, document: &MappedDocument) -> Result<FoundRow, Failure> {
        let key = self.target.key.iter().map(|index| bind(&document.row[*index])).collect();
        let stored = self.stored.query(key, |row| stored_row(&whole(row)?, self.target.columns.len()))?;
        Ok(stored.into_iter().next().map_or(FoundRow::Missing, |stored| changed(&document.row, stored)))
    }
}

/// The document's rows in a child table.
fn stored_children(child: &ChildTarget, select: &Prepared, document: &MappedDocument) -> Result<Vec<Row>, Failure> {
    let width = i32::try_from(child.columns.len()).unwrap_or(i32::MAX);
    let link = child.link.iter().map(|(_, parent)| bind(&document.row[*parent])).collect();
    let exact = |row: &libsql::Row, column| Ok(stored_value(&value(row, column)?, value(row, column + 1)?));
    select.query(link, |row| (0..width).map(|column| exact(row, column * 2)).collect())
}

fn internal(message: &str) -> Error {
    Error::new(ErrorKind::Internal, "destination_internal", message)
}
