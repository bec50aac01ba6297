//! A local file into a server, step by step. Each step is one transaction that also writes how far it came; one that is
//! interrupted is gone on with.

use std::path::Path;

use super::progress::{Phase, Progress};
use super::source::Source;
use crate::destination::libsql::copied::{Copied, Position};
use crate::destination::libsql::file::has_sequences;
use crate::destination::libsql::remote::RemoteDatabase;
use crate::destination::libsql::remote::encode::pieces;
use crate::destination::libsql::remote::transaction::Foreign;
use crate::destination::libsql::statement::Statement;
use crate::domain::row::Row;
use crate::error::{Error, ErrorKind, Result};

impl RemoteDatabase {
    /// Makes the server equal to the backup.
    pub(in super::super) async fn restore_backup(&mut self, from: &Path) -> Result<()> {
        let source = Source::open(from)?;
        self.import_all(&source, from).await
    }

    /// Makes an empty server equal to the file, or goes on with that.
    pub(in super::super) async fn import_into_empty(&mut self, from: &Path) -> Result<()> {
        let source = Source::open(from)?;
        let begun = self.restore_progress().await?;
        if begun.is_none_or(|begun| begun.backup != source.hash) {
            self.require_empty_database().await?;
        }
        self.import_all(&source, from).await
    }

    async fn import_all(&mut self, source: &Source, from: &Path) -> Result<()> {
        self.session = None;
        self.survey = None;
        let mut progress = self.begin_import(source, from).await?;
        loop {
            match progress.phase {
                Phase::Clear => self.clear_all(source, &mut progress).await?,
                Phase::Rows => self.copy_all_rows(source, &mut progress).await?,
                Phase::Declare => self.declare_all(source, &mut progress).await?,
                Phase::Check => break,
            }
        }
        let differences = self.differences(source).await?;
        if !differences.is_empty() {
            // Another try must not stumble over the same rows.
            progress.enter(Phase::Clear);
            self.import_step(vec![], &progress).await?;
            return Err(differs(self.connection.host(), &differences));
        }
        self.import_statements(vec![Statement::new("DROP TABLE _fireferry_restore", vec![])]).await
    }

    /// Goes on with a restore of this very file, or begins one.
    async fn begin_import(&mut self, source: &Source, from: &Path) -> Result<Progress> {
        if let Some(begun) = self.restore_progress().await?
            && begun.backup == source.hash
        {
            tracing::info!("going on with the restore: {begun:?}");
            return Ok(begun);
        }
        // Nothing is taken away for a file that the server would refuse half way.
        self.require_acceptable(source).await?;
        let file = std::path::absolute(from).unwrap_or_else(|_| from.to_owned()).display().to_string();
        let progress = Progress { backup: source.hash.clone(), file, phase: Phase::Clear, item: 0, rows: 0 };
        self.import_statements(progress.create().to_vec()).await?;
        Ok(progress)
    }

    async fn copy_all_rows(&mut self, source: &Source, progress: &mut Progress) -> Result<()> {
        for table in source.tables.iter().skip(progress.item) {
            let mut position = Position::behind(progress.rows);
            loop {
                let rows = source.file.page(table, &mut position)?;
                if rows.is_empty() {
                    break;
                }
                progress.rows += rows.len() as u64;
                self.import_step(inserts(table, &rows), progress).await?;
            }
            (progress.item, progress.rows) = (progress.item + 1, 0);
        }
        progress.enter(Phase::Declare);
        self.import_step(vec![], progress).await
    }

    /// Sequences, then indexes one by one, then views and triggers.
    async fn declare_all(&mut self, source: &Source, progress: &mut Progress) -> Result<()> {
        let mut first = vec![Statement::new(format!("PRAGMA user_version = {}", source.extras.user_version), vec![])];
        if !self.connection.query(has_sequences()).await?.is_empty() {
            first.extend(source.extras.set_sequences());
        }
        let of = |kind: &'static str| {
            let made = source.declarations.iter().filter(move |declaration| declaration.kind == kind);
            made.map(|declaration| Statement::new(declaration.sql.clone(), vec![]))
        };
        let steps = std::iter::once(first).chain(of("index").map(|index| vec![index]));
        let steps: Vec<Vec<Statement>> = steps.chain([of("view").chain(of("trigger")).collect()]).collect();
        for step in steps.into_iter().skip(progress.item) {
            progress.item += 1;
            self.import_step(step, progress).await?;
        }
        progress.enter(Phase::Check);
        self.import_step(vec![], progress).await
    }

    /// One step, with the progress after it.
    pub(super) async fn import_step(&mut self, mut statements: Vec<Statement>, progress: &Progress) -> Result<()> {
        statements.push(progress.update());
        self.import_statements(statements).await
    }

    async fn import_statements(&mut self, statements: Vec<Statement>) -> Result<()> {
        self.survey = None;
        match self.try_transaction(&statements, Foreign::Unchecked).await? {
            Ok(_) => Ok(()),
            Err(refused) => {
                let what = format!("{} refused a step of the restore", self.connection.host());
                let statement = refused
                    .statement
                    .and_then(|index| statements.get(index))
                    .map(|statement| statement.sql.to_string());
                let statement: String = statement.unwrap_or_default().chars().take(200).collect();
                Err(Error::new(ErrorKind::Destination, "restore_failed", what)
                    .hint("start it again: it goes on where it stopped")
                    .caused_by(format!("{}: {statement}", refused.failure.message)))
            }
        }
    }
}

fn inserts(table: &Copied, rows: &[Row]) -> Vec<Statement> {
    let pieces = pieces(table.columns.len(), rows.iter().map(Vec::as_slice), usize::MAX);
    let insert = |piece: crate::destination::libsql::remote::encode::Piece| {
        Statement::new(format!("{} {}", table.insert(), piece.select()), piece.values)
    };
    pieces.into_iter().map(insert).collect()
}

fn differs(host: &str, differences: &[String]) -> Error {
    let what = format!("{host} is not equal to the file: {}", differences.join("; "));
    Error::new(ErrorKind::Destination, "restore_differs", what).hint(
        "something else wrote to it meanwhile, or the server keeps a value differently; start it again to begin anew",
    )
}
