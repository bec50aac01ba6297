//! Whether a server takes all of a file: asked before anything is taken away for it.

use super::source::Source;
use crate::destination::libsql::failure::primary;
use crate::destination::libsql::remote::RemoteDatabase;
use crate::destination::libsql::remote::hrana::batch::{Builder, not_ok};
use crate::destination::libsql::remote::hrana::{Request, Stmt, Trouble};
use crate::destination::libsql::statement::{Statement, number};
use crate::error::{Error, ErrorKind, Result};

/// Statements in one request.
const QUESTIONS: usize = 50;

impl RemoteDatabase {
    /// Fails if the server cannot read a statement of the schema, or a row is longer than it stores.
    pub(super) async fn require_acceptable(&self, source: &Source) -> Result<()> {
        for some in source.declarations.chunks(QUESTIONS) {
            let texts: Vec<&str> = some.iter().map(|declaration| declaration.sql.as_str()).collect();
            for (declaration, refusal) in some.iter().zip(self.refusals(&texts).await?) {
                if let Some(why) = refusal {
                    let what = format!("{} {}", declaration.kind, declaration.name);
                    return Err(refused(self.connection.host(), &what).caused_by(why));
                }
            }
        }
        for table in &source.tables {
            let bytes = source.file.largest_row(table)?;
            let probe = Statement::new("SELECT length(zeroblob(?1))", vec![number(bytes)]);
            if let Err(failure) = self.connection.try_query(probe).await?
                && failure.primary() == primary::TOOBIG
            {
                let what = format!("a row of table {} with about {bytes} bytes", table.table);
                return Err(refused(self.connection.host(), &what).caused_by(failure.message));
            }
        }
        Ok(())
    }

    /// What the server says against each of them; it executes none.
    pub(in super::super) async fn refusals(&self, statements: &[&str]) -> Result<Vec<Option<String>>> {
        let requests: Vec<Request> = statements.iter().map(|sql| only_read(sql)).chain([Request::Close]).collect();
        let mut pauses = self.connection.pauses();
        loop {
            let trouble = match self.connection.client().pipeline(None, &requests).await {
                Ok(answer) => {
                    let answers = answer.responses.into_iter().map(|response| match response {
                        Ok(_) => Ok(None),
                        Err(Trouble::Sql(failure)) => Ok(Some(failure.message)),
                        Err(trouble) => Err(trouble),
                    });
                    match answers.collect() {
                        Ok(refusals) => return Ok(refusals),
                        Err(trouble) => trouble,
                    }
                }
                Err(trouble) => trouble,
            };
            pauses.next(trouble, self.connection.host()).await?;
        }
    }
}

/// A batch that the server reads, of which the statement is never executed.
fn only_read(sql: &str) -> Request {
    let mut builder = Builder::default();
    let first = builder.then_sql("SELECT 1");
    builder.aside(not_ok(first), Stmt::effect(Statement::new(sql.to_owned(), vec![])));
    Request::batch(builder.build())
}

fn refused(host: &str, what: &str) -> Error {
    Error::new(ErrorKind::Preflight, "restore_refused", format!("{host} does not take {what}; nothing was changed"))
        .hint("a server knows less SQL and shorter rows than a file: import the file as a new database instead")
}
