//! What a server says of itself besides its rows, all of it in one round trip.

use super::RemoteDatabase;
use super::connection::Rows;
use super::records::{decoded, unreadable};
use crate::destination::AppliedMigration;
use crate::destination::libsql::LibsqlFile;
use crate::destination::libsql::declarations::{self, Declaration};
use crate::destination::libsql::failure::Failure;
use crate::destination::libsql::records::{migrations, state};
use crate::destination::libsql::statement::{Statement, integer, text};
use crate::destination::libsql::undo;
use crate::domain::schema::Schema;
use crate::error::{Error, ErrorKind, Result};

/// Answers to [`questions`], at the moment they were asked.
#[derive(Debug)]
pub(super) struct Survey {
    /// Version of SQLite.
    pub sqlite: String,
    /// Changes when another program changes the schema; `None` where the server does not tell.
    pub schema_version: Option<i64>,
    /// The statements that make the schema, in the order of their creation.
    pub declarations: Vec<Declaration>,
    /// fireferry's tables, if they exist.
    pub state: Option<State>,
    /// The run that is half taken back, if there is one.
    pub unfinished: Rows,
    migration_columns: Vec<String>,
    migrations: Rows,
    schema: Option<Schema>,
}

/// What fireferry's tables say of themselves.
#[derive(Debug, Clone)]
pub(super) struct State {
    pub format: String,
    pub id: Option<String>,
}

/// Every one of them may fail for itself: some ask for tables that need not exist.
pub(super) fn questions() -> Vec<Statement> {
    // First: a schema that changes in between is then told by its version.
    let version = Statement::new("SELECT schema_version FROM pragma_schema_version", vec![]);
    let sqlite = Statement::new("SELECT sqlite_version()", vec![]);
    let [served, entries] = declarations::select("main");
    let [format, id] = ["format", "id"].map(state::meta);
    vec![version, sqlite, served, entries, format, id, migrations::columns(), migrations::select(), undo::unfinished()]
}

impl Survey {
    /// Reads the answers.
    pub fn decode(answers: Vec<Result<Rows, Failure>>) -> Result<Self> {
        let mut answers = answers.into_iter();
        let mut next = || answers.next().unwrap_or_else(|| Err(Failure::internal("an answer is missing")));
        let schema_version = next().ok().and_then(|rows| integer(rows.first()?, 0).ok());
        let sqlite = next().map_err(refused)?.first().map_or(Ok(String::new()), |row| text(row, 0));
        let (served, entries) = (next().map_err(refused)?, next().map_err(refused)?);
        let declarations = declarations::decode(&served, &entries).map_err(unreadable)?;
        let exists = |name: &str| declarations.iter().any(|made| made.kind == "table" && made.name == name);
        let (format, id) = (next(), next());
        let state = exists(state::META).then(|| state_of(format, id)).transpose()?.flatten();
        let columns = decoded(&next().map_err(refused)?, |row| text(row, 0))?;
        Ok(Self {
            sqlite: sqlite.map_err(unreadable)?,
            schema_version,
            declarations,
            state,
            migration_columns: columns,
            migrations: next().unwrap_or_default(),
            unfinished: next().unwrap_or_default(),
            schema: None,
        })
    }

    /// Tables, columns, keys and everything else that preflight wants to know: read by giving the declarations to an empty
    /// database in memory.
    pub fn schema(&mut self) -> Result<&Schema> {
        let schema = match self.schema.take() {
            Some(schema) => schema,
            None => LibsqlFile::in_memory(self.declarations.iter().filter(|made| !made.is_internal()))?.schema_now()?,
        };
        Ok(self.schema.insert(schema))
    }

    /// Applied migrations by version.
    pub fn migrations(&self) -> Result<Vec<AppliedMigration>> {
        match migrations::exists(&self.migration_columns)? {
            true => decoded(&self.migrations, migrations::decode),
            false => Ok(vec![]),
        }
    }
}

fn state_of(format: Result<Rows, Failure>, id: Result<Rows, Failure>) -> Result<Option<State>> {
    let value = |rows: Result<Rows, Failure>| {
        let rows = rows.map_err(refused)?;
        rows.first().map(|row| text(row, 0)).transpose().map_err(unreadable)
    };
    let (format, id) = (value(format)?, value(id)?);
    Ok(format.map(|format| State { format, id }))
}

impl RemoteDatabase {
    /// What is known of the server. Without the lease, whoever wants to know what is there now begins with `check`, which
    /// asks again; with it, only this process changes what a survey tells, and every commit makes sure of that.
    pub(super) async fn survey(&mut self) -> Result<&mut Survey> {
        let survey = match self.survey.take() {
            Some(survey) => survey,
            None => Survey::decode(self.connection.ask(questions()).await?)?,
        };
        Ok(self.survey.insert(survey))
    }

    /// The statements that make the server's schema, in the order of their creation.
    pub(super) async fn declarations(&mut self) -> Result<Vec<Declaration>> {
        Ok(self.survey().await?.declarations.clone())
    }

    /// Whether fireferry's tables exist, in a format that this program knows.
    pub(super) async fn has_state(&mut self) -> Result<bool> {
        let Some(State { format, .. }) = self.survey().await?.state.clone() else { return Ok(false) };
        state::require_known(&format, self.connection.host())?;
        Ok(true)
    }

    /// The destination's identity.
    pub(super) async fn identity(&mut self) -> Result<Option<String>> {
        let known = self.has_state().await?;
        Ok(self.survey().await?.state.as_ref().filter(|_| known).and_then(|state| state.id.clone()))
    }
}

fn refused(failure: Failure) -> Error {
    let message = format!("the database refused a question about its schema: {}", failure.message);
    Error::new(ErrorKind::Destination, "destination_sql", message)
}
