//! What a load needs to know of the destination, and what is remembered between commits.

use crate::destination::libsql::records::{claims::unique_sets, rejects, seen};
use crate::destination::libsql::refusal::Around;
use crate::destination::libsql::remote::RemoteDatabase;
use crate::destination::libsql::statement::integer;
use crate::destination::libsql::tables::require;
use crate::destination::libsql::undo::Logged;
use crate::destination::{ChildTarget, Target};
use crate::domain::schema::{Schema, Table};
use crate::error::Result;

/// The prepared load of one run.
#[derive(Debug)]
pub(in super::super) struct Session {
    pub run: String,
    pub targets: Vec<TargetPlan>,
    /// Number of the next reject, everything under way included.
    pub next_reject: i64,
    /// Changes when another program changes the schema; `None` where the server does not tell.
    pub schema_version: Option<i64>,
}

/// What a run that was stored just now begins with.
#[derive(Debug)]
pub(in super::super) struct FreshRun {
    pub run: String,
    pub next_reject: i64,
    /// Owner of each collection's keys.
    pub owners: Vec<(String, Option<i64>)>,
}

/// One target.
#[derive(Debug)]
pub(in super::super) struct TargetPlan {
    pub target: Target,
    pub table: Table,
    pub children: Vec<ChildPlan>,
    /// Owner of this target's keys in `_fireferry_seen` and `_fireferry_claims`.
    pub owner: Option<i64>,
    /// Unique column sets besides the key, as indexes into the target's columns.
    pub unique_sets: Vec<Vec<usize>>,
    /// Waiting documents of the collection, everything under way included.
    pub waiting: i64,
    /// What keeps changes for a rollback: of its table, then of its child tables.
    pub undo: Option<Vec<Logged>>,
}

/// One child table.
#[derive(Debug)]
pub(in super::super) struct ChildPlan {
    pub child: ChildTarget,
    pub table: Table,
}

impl TargetPlan {
    fn collection(&self) -> &str {
        self.target.collection.as_str()
    }
}

impl Session {
    /// Nothing of the run was written yet, so nothing waits.
    fn begin(&mut self, fresh: FreshRun) {
        self.next_reject = fresh.next_reject;
        for plan in &mut self.targets {
            let own = fresh.owners.iter().find(|(collection, _)| collection == plan.collection());
            plan.owner = own.and_then(|(_, owner)| *owner);
        }
    }

    /// What a refusal of this target is explained with. `targets` are all of the run.
    pub fn around<'a>(&'a self, plan: &'a TargetPlan, targets: &'a [&'a Target], finalize: bool) -> Around<'a> {
        Around {
            run: &self.run,
            finalize,
            target: &plan.target,
            table: &plan.table,
            children: plan.children.iter().map(|plan| (&plan.child, &plan.table)).collect(),
            targets,
        }
    }
}

impl RemoteDatabase {
    /// Checks that the tables exist and reads what commits need to know.
    pub(in super::super) async fn prepare_session(&mut self, run: &str, targets: &[Target]) -> Result<()> {
        self.session = None;
        let survey = self.survey().await?;
        let (schema_version, schema) = (survey.schema_version, survey.schema()?);
        let mut session = Session {
            run: run.to_owned(),
            targets: targets.iter().map(|target| plan(schema, target)).collect::<Result<_>>()?,
            next_reject: 1,
            schema_version,
        };
        match self.fresh.take().filter(|fresh| fresh.run == run) {
            Some(fresh) => session.begin(fresh),
            None => self.ask_for(&mut session).await?,
        }
        self.session = Some(session);
        self.sizing.begin(self.connection.client().distance());
        Ok(())
    }

    /// What an earlier invocation of the run left.
    async fn ask_for(&self, session: &mut Session) -> Result<()> {
        let run = &session.run;
        let mut questions = vec![rejects::next_id()];
        for plan in &session.targets {
            questions.extend([seen::owner(run, plan.collection()), rejects::waiting(run, &plan.target)]);
        }
        let mut answers = self.connection.queries(questions).await?.into_iter();
        let mut number = || {
            let rows = answers.next().unwrap_or_default();
            rows.first().and_then(|row| integer(row, 0).ok())
        };
        session.next_reject = number().unwrap_or(1);
        for plan in &mut session.targets {
            plan.owner = number();
            plan.waiting = number().unwrap_or(0);
        }
        Ok(())
    }
}

fn plan(schema: &Schema, target: &Target) -> Result<TargetPlan> {
    let table = require(schema, &target.table, &target.columns, target)?;
    let child = |child: &ChildTarget| {
        let table = require(schema, &child.table, &child.columns, target)?;
        Ok(ChildPlan { child: child.clone(), table })
    };
    Ok(TargetPlan {
        children: target.children.iter().map(child).collect::<Result<_>>()?,
        owner: None,
        unique_sets: unique_sets(&table, target),
        waiting: 0,
        undo: None,
        target: target.clone(),
        table,
    })
}
