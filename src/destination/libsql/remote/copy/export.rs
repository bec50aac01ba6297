//! Everything on the server into a new local file.

use std::path::Path;

use super::{is_copied, tables_with_rows};
use crate::destination::BackupFile;
use crate::destination::libsql::LibsqlFile;
use crate::destination::libsql::copied::{Copied, Position};
use crate::destination::libsql::declarations::{self, Declaration};
use crate::destination::libsql::failure::Failure;
use crate::destination::libsql::file::{Extras, Temporary, backup_failed, has_sequences, keep_copy};
use crate::destination::libsql::remote::RemoteDatabase;
use crate::destination::libsql::remote::hrana::Trouble;
use crate::destination::libsql::remote::shadow::Failed;
use crate::destination::libsql::remote::snapshot::Snapshot;
use crate::destination::libsql::sql::quote;
use crate::destination::libsql::statement::{Statement, integer, text};
use crate::error::Result;

/// Questions in one request.
const QUESTIONS: usize = 50;

/// A copy under way.
struct Export {
    temporary: Temporary,
    copy: LibsqlFile,
    /// The moment it is a copy of, where the server can name it.
    moment: Option<serde_json::Value>,
    declarations: Vec<Declaration>,
    tables: Vec<Counted>,
    extras: Extras,
    /// Index of the table that is read.
    table: usize,
    position: Position,
    /// Pages read so far.
    pages: u64,
}

/// A table, and how many rows it has.
struct Counted {
    table: Copied,
    rows: u64,
}

impl RemoteDatabase {
    /// Copies the database to `to`, which must not exist.
    pub(in super::super) async fn back_up(&mut self, to: &Path) -> Result<BackupFile> {
        self.refuse_unfinished_restore().await?;
        if to.exists() {
            return Err(backup_failed(to, "the file exists already"));
        }
        let (mut export, mut furthest) = (None, 0);
        let mut pauses = self.connection.pauses();
        loop {
            let trouble = match self.export(to, &mut export).await {
                Ok(()) => break,
                Err(Failed::Here(error)) => return Err(*error),
                Err(Failed::Trouble(trouble)) => trouble,
            };
            // As long as it gets further than ever it may go on; what begins again and again has only so many tries.
            let pages = export.as_ref().map_or(0, |export: &Export| export.pages);
            if pages > furthest {
                furthest = pages;
                pauses = self.connection.pauses();
            }
            pauses.next(trouble, self.connection.host()).await?;
        }
        match export {
            Some(export) => export.keep(to),
            None => Err(backup_failed(to, "nothing was read")),
        }
    }

    /// Goes on with a copy in a new read transaction if nothing was written since, else begins again.
    async fn export(&self, to: &Path, export: &mut Option<Export>) -> Result<(), Failed> {
        let mut snapshot = Snapshot::begin(&self.connection).await?;
        let going_on = match export.take() {
            Some(begun) if begun.moment.is_some() && begun.moment.as_ref() == snapshot.moment() => begun,
            begun => {
                // Its file goes before there is another one.
                drop(begun);
                Export::begin(&mut snapshot, to).await?
            }
        };
        export.insert(going_on).copy_rows(&mut snapshot).await?;
        snapshot.close().await;
        Ok(())
    }
}

impl Export {
    /// A file with the server's tables, still empty.
    async fn begin(snapshot: &mut Snapshot<'_>, to: &Path) -> Result<Self, Failed> {
        let answers = snapshot.queries(&declarations::select("main")).await?;
        let (served, entries) =
            (answers.first().cloned().unwrap_or_default(), answers.get(1).cloned().unwrap_or_default());
        let names: Result<Vec<String>, Failure> = served.iter().map(|row| text(row, 0)).collect();
        let serving = names.map_err(Trouble::Sql)?;
        let mut declarations = declarations::decode(&served, &entries).map_err(Trouble::Sql)?;
        declarations.retain(is_copied);
        let temporary = Temporary::beside(to)?;
        let copy = LibsqlFile::unfinished_copy(temporary.path(), &declarations)?;
        for table in &serving {
            copy.empty(std::slice::from_ref(table))?;
        }
        let mut tables = Vec::new();
        for name in tables_with_rows(&declarations, &serving) {
            tables.push(Counted { table: copy.what_to_copy(&name)?, rows: 0 });
        }
        count(snapshot, &mut tables).await?;
        let extras = extras(snapshot).await?;
        let moment = snapshot.moment().cloned();
        Ok(Self {
            temporary,
            copy,
            moment,
            declarations,
            tables,
            extras,
            table: 0,
            position: Position::default(),
            pages: 0,
        })
    }

    async fn copy_rows(&mut self, snapshot: &mut Snapshot<'_>) -> Result<(), Failed> {
        while let Some(Counted { table, .. }) = self.tables.get(self.table) {
            let mut position = self.position.clone();
            let rows = snapshot.page(table, &mut position).await?;
            if rows.is_empty() {
                self.table += 1;
                self.position = Position::default();
                continue;
            }
            self.copy.fill(table, rows)?;
            self.position = position;
            self.pages += 1;
        }
        Ok(())
    }

    /// Compares the counts, finishes the file and gives it its name.
    fn keep(self, to: &Path) -> Result<BackupFile> {
        for Counted { table, rows } in &self.tables {
            let copied = self.copy.rows_of(&table.table)?;
            if copied != *rows {
                let what = format!("{} has {rows} rows, {copied} of them were copied", table.table);
                return Err(backup_failed(to, "the copy is not complete").caused_by(what));
            }
        }
        self.copy.complete_copy(&self.declarations, &self.extras)?;
        keep_copy(self.temporary, to)
    }
}

async fn count(snapshot: &mut Snapshot<'_>, tables: &mut [Counted]) -> Result<(), Failed> {
    for some in tables.chunks_mut(QUESTIONS) {
        let question =
            |counted: &Counted| Statement::new(format!("SELECT count(*) FROM {}", quote(&counted.table.table)), vec![]);
        let questions: Vec<Statement> = some.iter().map(question).collect();
        for (counted, answer) in some.iter_mut().zip(snapshot.queries(&questions).await?) {
            let rows = answer.first().map_or(Ok(0), |row| integer(row, 0)).map_err(Trouble::Sql)?;
            counted.rows = u64::try_from(rows).unwrap_or_default();
        }
    }
    Ok(())
}

pub(in super::super) async fn extras(snapshot: &mut Snapshot<'_>) -> Result<Extras, Failed> {
    let with_sequences = !snapshot.query(has_sequences()).await?.is_empty();
    let answers = snapshot.queries(&Extras::select(with_sequences)).await?;
    Ok(Extras::decode(&answers).map_err(Trouble::Sql)?)
}
