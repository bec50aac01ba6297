//! Making room for what is restored: everything that is there goes, step by step.

use super::progress::{Phase, Progress};
use super::source::Source;
use super::{is_copied, is_virtual};
use crate::destination::libsql::declarations::Declaration;
use crate::destination::libsql::remote::RemoteDatabase;
use crate::destination::libsql::sql::quote;
use crate::destination::libsql::statement::Statement;
use crate::error::{Error, ErrorKind, Result};

impl RemoteDatabase {
    /// Drops everything and makes the tables of the file, empty.
    pub(super) async fn clear_all(&mut self, source: &Source, progress: &mut Progress) -> Result<()> {
        let there: Vec<Declaration> = self.declarations().await?.into_iter().filter(is_copied).collect();
        let of = |kind: &'static str| there.iter().filter(move |declaration| declaration.kind == kind);
        // What is quick goes at once; a large index or table may take a server a while.
        let quick: Vec<Statement> = of("trigger").chain(of("view")).map(drop_of).collect();
        self.import_step(quick, progress).await?;
        let tables =
            of("table").filter(|table| is_virtual(table)).chain(of("table").filter(|table| !is_virtual(table)));
        for declaration in of("index").chain(tables) {
            self.import_step(vec![drop_of(declaration)], progress).await?;
        }
        let tables = source.declarations.iter().filter(|declaration| declaration.kind == "table");
        let mut make: Vec<Statement> = tables.map(|table| Statement::new(table.sql.clone(), vec![])).collect();
        let empty = |name: &String| Statement::new(format!("DELETE FROM {}", quote(name)), vec![]);
        make.extend(source.serving.iter().map(empty));
        progress.enter(Phase::Rows);
        self.import_step(make, progress).await
    }

    /// Fails unless neither a user's table nor fireferry's own records hold a row.
    pub(in super::super) async fn require_empty_database(&mut self) -> Result<()> {
        self.refuse_unfinished_restore().await?;
        let own = ["_fireferry_runs", "_fireferry_rejects"];
        for declaration in self.declarations().await?.iter().filter(|declaration| declaration.kind == "table") {
            let is_record = own.iter().any(|name| declaration.name.eq_ignore_ascii_case(name));
            if declaration.is_of_sqlite() || declaration.is_internal() && !is_record || is_migrations(declaration) {
                continue;
            }
            let any = format!("SELECT 1 FROM {} LIMIT 1", quote(&declaration.name));
            if !self.connection.query(Statement::new(any, vec![])).await?.is_empty() {
                return Err(not_empty(self.connection.host(), &declaration.name));
            }
        }
        Ok(())
    }
}

fn is_migrations(declaration: &Declaration) -> bool {
    declaration.name.eq_ignore_ascii_case(crate::destination::libsql::records::migrations::MIGRATIONS)
}

fn drop_of(declaration: &Declaration) -> Statement {
    // One of `table`, `index`, `trigger`, `view`.
    Statement::new(format!("DROP {} IF EXISTS {}", declaration.kind, quote(&declaration.name)), vec![])
}

fn not_empty(host: &str, table: &str) -> Error {
    Error::new(ErrorKind::Preflight, "stage_not_empty", format!("{host} is not empty: {table} holds rows"))
        .hint("a staged run fills an empty database; run without --stage to write into this one, or name another --destination")
}
