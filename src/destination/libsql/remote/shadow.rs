//! The throw-away database of a dry run: a local file with the server's schema, and the rows that the run can touch or
//! refer to, all as they were at one moment.

use std::path::Path;

use super::RemoteDatabase;
use super::copy::extras;
use super::hrana::Trouble;
use super::snapshot::Snapshot;
use crate::destination::libsql::LibsqlFile;
use crate::destination::libsql::copied::Position;
use crate::destination::libsql::declarations::Declaration;
use crate::destination::libsql::file::with_parents;
use crate::destination::libsql::records::migrations::MIGRATIONS;
use crate::error::{Error, Result};

impl RemoteDatabase {
    /// A shadow at `at` with the rows of the tables and of every table they refer to.
    pub(super) async fn make_shadow(&mut self, at: &Path, tables: &[String]) -> Result<LibsqlFile> {
        let declarations: Vec<Declaration> =
            self.declarations().await?.into_iter().filter(|declaration| !declaration.is_internal()).collect();
        let shadow = LibsqlFile::unfinished_copy(at, &declarations)?;
        let mut wanted: Vec<String> = with_parents(&shadow.schema_now()?, tables).into_iter().collect();
        wanted.extend(declarations.iter().filter(|made| is_table(made, MIGRATIONS)).map(|made| made.name.clone()));
        let mut pauses = self.connection.pauses();
        // For the schema alone, the server need not be asked again.
        while !wanted.is_empty() {
            let mut snapshot = self.snapshot().await?;
            match copy(&mut snapshot, &shadow, &wanted).await {
                Ok(()) => {
                    snapshot.close().await;
                    break;
                }
                // What was read at another moment does not fit: from the beginning.
                Err(Failed::Trouble(trouble)) => pauses.next(trouble, self.connection.host()).await?,
                Err(Failed::Here(error)) => return Err(*error),
            }
            shadow.empty(&wanted)?;
        }
        shadow.finish_copy(&declarations)?;
        shadow.with_own_tables()
    }
}

fn is_table(declaration: &Declaration, name: &str) -> bool {
    declaration.kind == "table" && declaration.name.eq_ignore_ascii_case(name)
}

/// Why copying stopped.
pub(super) enum Failed {
    /// The server.
    Trouble(Trouble),
    /// The local file.
    Here(Box<Error>),
}

impl From<Trouble> for Failed {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Here(Box::new(error))
    }
}

/// Copies the rows of the tables.
async fn copy(snapshot: &mut Snapshot<'_>, shadow: &LibsqlFile, tables: &[String]) -> Result<(), Failed> {
    for table in tables {
        let copied = shadow.what_to_copy(table)?;
        let mut position = Position::default();
        loop {
            let rows = snapshot.page(&copied, &mut position).await?;
            if rows.is_empty() {
                break;
            }
            shadow.fill(&copied, rows)?;
        }
    }
    // AUTOINCREMENT goes on where it stood, also for tables whose rows are not copied.
    shadow.set_extras(&extras(snapshot).await?)?;
    Ok(())
}
