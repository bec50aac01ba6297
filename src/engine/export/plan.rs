//! What is exported, and whether it can be: found out before anything is written.

use std::sync::Arc;

use super::super::steps::{Step, plan_steps};
use super::super::{Context, RunOptions};
use crate::destination::{OnConflict, RejectQuery, Target};
use crate::domain::document::CollectionPattern;
use crate::domain::inverse::{Homes, Inverse};
use crate::domain::mapping::Mapping;
use crate::error::{Error, ErrorKind, Result};
use crate::pipeline::resolved::{Deletes, SourceSpec};
use crate::report::run::Status;

/// Rejects counted at once, and at most so often.
const REJECTS: usize = 500;
const PAGES: usize = 200;

/// The collections with their ways back.
pub(super) struct Plan {
    pub inverses: Vec<Inverse>,
    /// Where rows are read from.
    pub targets: Vec<Target>,
    /// The columns that say since when a document is gone, where there are any.
    pub marks: Vec<Option<String>>,
    /// `projects/…/databases/…` of the names of documents.
    pub database: String,
}

impl Plan {
    pub async fn of(ctx: &mut Context, only: &[CollectionPattern]) -> Result<Self> {
        let schema = ctx.destination.inspect().await?;
        // Refuses names that the pipeline does not have.
        let asked = RunOptions { only: only.to_vec(), ..RunOptions::default() };
        plan_steps(ctx, &asked, &schema)?;
        let (steps, _, _) = plan_steps(ctx, &RunOptions::default(), &schema)?;
        let mappings: Vec<&Mapping> = steps.iter().map(|step| &*step.mapping).collect();
        let homes = Homes::of(&schema, &mappings);
        let mut plan = Self { inverses: Vec::new(), targets: Vec::new(), marks: Vec::new(), database: database(ctx) };
        let wanted = |step: &&Step| only.is_empty() || only.contains(step.pattern());
        for step in steps.iter().filter(wanted) {
            let inverse = Inverse::of(Arc::clone(&step.mapping), &homes).map_err(|reason| {
                Error::new(ErrorKind::Preflight, "export_no_identity", reason)
                    .collection(step.name())
                    .hint("leave the collection out with --only, or add the column to the table and the pipeline")
            })?;
            let (_, problems) = step.collection.mapping.bind(&schema);
            if let Some(problem) = problems.into_iter().find(|problem| !problem.warning) {
                let message = format!("the pipeline does not fit the tables: {}", problem.message);
                return Err(Error::new(ErrorKind::Preflight, "export_unfit", message)
                    .collection(step.name())
                    .hint(problem.hint));
            }
            let unique = ctx.source.capabilities().unique_paths;
            plan.targets.push(Target {
                on_conflict: OnConflict::Replace,
                ..step.target(&RunOptions::default(), false, unique)
            });
            plan.marks.push(match &step.collection.deletes {
                Deletes::Soft(column) => Some(column.clone()),
                Deletes::Hard | Deletes::Ignore => None,
            });
            plan.inverses.push(inverse);
        }
        Ok(plan)
    }

    /// Every table that is read.
    pub fn tables(&self) -> Vec<String> {
        let all = self
            .targets
            .iter()
            .flat_map(|target| std::iter::once(&target.table).chain(target.children.iter().map(|child| &child.table)));
        all.cloned().collect()
    }
}

/// Files do not say which database they came from: then the names of documents are in one that nobody has.
fn database(ctx: &Context) -> String {
    match &ctx.pipeline.source {
        SourceSpec::Firestore(spec) => format!("projects/{}/databases/{}", spec.project, spec.database),
        SourceSpec::Json(_) => "projects/export/databases/(default)".to_owned(),
    }
}

/// A pipeline that names a shape reads no other one.
fn named_shape(ctx: &Context) -> Option<String> {
    let SourceSpec::Json(spec) = &ctx.pipeline.source else { return None };
    let shape = spec.shape.as_deref().filter(|shape| *shape != "firestore_rest")?;
    Some(format!("the pipeline names `shape: {shape}`: leave that out where this export is to be its source"))
}

/// Documents that are in no table, and what else to know: rejects of the newest run, and warnings.
pub(super) async fn left_behind(ctx: &mut Context, plan: &Plan) -> Result<(u64, Vec<String>)> {
    let mut warnings = Vec::from_iter(named_shape(ctx));
    let Some(run) = ctx.destination.find_run(&ctx.pipeline.name, None).await? else {
        warnings.push("no run of this pipeline is known here: the rows are exported as they are".to_owned());
        return Ok((0, warnings));
    };
    let ended = [Status::Completed, Status::CompletedWithRejects, Status::CompletedWithDifferences];
    if !ended.iter().any(|status| status.as_str() == run.status) {
        let status = run.status.replace('_', " ");
        warnings.push(format!("run {} did not come to its end ({status}): what it did not write is missing", run.run));
    }
    let names: Vec<&str> = plan.inverses.iter().map(|inverse| inverse.collection().as_str()).collect();
    let mut query = RejectQuery { run: Some(run.run.clone()), limit: REJECTS, ..RejectQuery::default() };
    let mut rejects = 0;
    for _ in 0..PAGES {
        let page = ctx.destination.rejects(&query).await?;
        rejects += page.iter().filter(|one| names.contains(&one.reject.collection.as_str())).count() as u64;
        let Some(last) = page.last() else { break };
        query.after = Some(last.id);
    }
    if rejects > 0 {
        warnings.push(format!(
            "{rejects} documents were rejected by run {}: they are in no table, and not in the export",
            run.run
        ));
    }
    Ok((rejects, warnings))
}
