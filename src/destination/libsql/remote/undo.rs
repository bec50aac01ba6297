//! The undo log of a server: mirrors, and taking runs back. What fills them is part of every commit (`write`).

use async_trait::async_trait;

use super::RemoteDatabase;
use super::hrana::Trouble;
use super::records::{decoded, unreadable};
use super::transaction::Foreign;
use crate::destination::RunRecord;
use crate::destination::libsql::records::runs;
use crate::destination::libsql::statement::{Statement, integer};
use crate::destination::libsql::undo::{self, Access, Logged, Mirror, Refused, decode_mirror, known, plan_mirrors};
use crate::domain::row::Row;
use crate::domain::schema::{Schema, Table};
use crate::error::{Error, ErrorKind, Result};

/// Entries that one step takes back: the server must be done with it within one request.
const ENTRIES: u64 = 4_000;

impl RemoteDatabase {
    /// Makes the mirrors of the prepared targets that held rows; from now on commits fill them.
    pub(super) async fn log_changes(&mut self) -> Result<()> {
        let Some(mut session) = self.session.take() else {
            return Err(Error::new(ErrorKind::Internal, "destination_internal", "no load is prepared"));
        };
        let number = Statement::new("SELECT id FROM _fireferry_runs WHERE run = ?1", vec![session.run.as_str().into()]);
        let number = self.connection.query(number).await?;
        let run = number.first().map(|row| integer(row, 0)).transpose().map_err(unreadable)?.unwrap_or_default();
        let mut known = self.mirrors().await?;
        for plan in session.targets.iter_mut().filter(|plan| !plan.target.empty_at_start) {
            let tables: Vec<&Table> =
                std::iter::once(&plan.table).chain(plan.children.iter().map(|child| &child.table)).collect();
            let (mirrors, create) = plan_mirrors(&tables, &known);
            if !create.is_empty() {
                self.schema_transaction(&create, Foreign::Checked, vec![])
                    .await?
                    .map_err(|refused| Trouble::Sql(refused.failure).into_error(self.connection.host()))?;
                known = self.mirrors().await?;
            }
            let shared =
                std::iter::once(false).chain(plan.target.children.iter().map(|child| child.is_shared(&plan.target)));
            let logged =
                mirrors.into_iter().zip(shared).map(|(mirror, shared)| Some(Logged::new(mirror?, run, shared)));
            plan.undo = logged.collect::<Option<Vec<Logged>>>();
        }
        session.schema_version = self.survey().await?.schema_version;
        self.session = Some(session);
        Ok(())
    }

    /// The mirrors there are.
    pub(super) async fn mirrors(&mut self) -> Result<Vec<Mirror>> {
        if !self.has_table("_fireferry_undo").await? {
            return Ok(vec![]);
        }
        decoded(&self.connection.query(known()).await?, decode_mirror)
    }

    async fn has_table(&mut self, name: &str) -> Result<bool> {
        Ok(self.survey().await?.declarations.iter().any(|made| made.kind == "table" && made.name == name))
    }

    /// Fails where a run is half taken back.
    pub(super) async fn refuse_unfinished_rollback(&mut self) -> Result<()> {
        if !self.has_state().await? {
            return Ok(());
        }
        undo::refuse_unfinished(&self.survey().await?.unfinished)
    }

    /// Runs by a question.
    pub(super) async fn runs_by(&mut self, question: &Statement) -> Result<Vec<RunRecord>> {
        match self.has_state().await? {
            true => decoded(&self.connection.query(question.clone()).await?, runs::decode),
            false => Ok(vec![]),
        }
    }
}

#[async_trait]
impl Access for RemoteDatabase {
    async fn ask(&mut self, questions: Vec<Statement>) -> Result<Vec<Vec<Row>>> {
        self.connection.queries(questions).await
    }

    /// A server does not tell whether somebody wrote.
    async fn look(&mut self) -> Result<()> {
        Ok(())
    }

    async fn apply(&mut self, guard: Option<Statement>, statements: Vec<Statement>) -> Result<Result<(), Refused>> {
        self.session = None;
        let statements: Vec<Statement> = guard.into_iter().chain(statements).collect();
        let applied = self.try_transaction(&statements, Foreign::Unchecked).await?;
        Ok(applied.map(drop).map_err(|refused| Refused(refused.failure.message)))
    }

    async fn tables(&mut self) -> Result<Schema> {
        self.survey().await?.schema().cloned()
    }

    fn entries(&self) -> u64 {
        ENTRIES
    }
}
