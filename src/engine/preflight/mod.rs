//! The checks before a run. All findings at once; one error refuses the run. Nothing is changed.

mod database;
mod documents;
mod first;
mod tables;

use std::collections::BTreeMap;

use super::steps::{self, FutureSchema, Step};
use super::{Context, RunOptions};
use crate::domain::cursor::Partition;
use crate::error::{Error, ErrorKind, Result};
use crate::pipeline::tests::run_tests;
use crate::report::finding::{CheckReport, Finding, Severity};
use crate::source::Bill;

/// Everything that the checks found out, so that the run need not ask again.
#[derive(Debug, Default)]
pub(super) struct Examination {
    /// What was found, in the order of the checks.
    pub findings: Vec<Finding>,
    /// Collections in order, bound; empty when the schema could not be found out.
    pub steps: Vec<Step>,
    /// The schema that the run will meet.
    pub future: Option<FutureSchema>,
    /// Documents in the source per step.
    pub counts: Vec<u64>,
    /// Partitions per step, in order.
    pub partitions: Vec<Vec<Partition>>,
    /// Rows per table of the steps.
    pub rows: BTreeMap<String, u64>,
    /// The source holds only what earlier runs put away.
    pub nothing_left: bool,
    /// Collections of the source that no definition covers.
    pub uncovered: Vec<String>,
    /// The point in time that the source is read at.
    pub snapshot: Option<String>,
    /// Rejects of earlier runs that an incremental run decides anew.
    pub closes: Vec<i64>,
    /// It is time to look for deleted documents.
    pub deletes_due: bool,
    /// What reading everything costs.
    pub bill: Option<Bill>,
}

impl Examination {
    /// Whether no finding forbids the run.
    pub fn safe(&self) -> bool {
        self.findings.iter().all(|finding| finding.severity < Severity::Error)
    }

    /// Whether nothing is read but what changed.
    pub fn only_changes(&self) -> bool {
        !self.steps.is_empty() && self.steps.iter().all(|step| step.reach.is_some())
    }

    /// Fails with all errors in one message unless the run is safe.
    pub fn refuse_unless_safe(&self) -> Result<()> {
        let errors: Vec<&Finding> = self.findings.iter().filter(|f| f.severity == Severity::Error).collect();
        let Some(first) = errors.first() else { return Ok(()) };
        if errors.len() == 1 {
            let error = Error::new(ErrorKind::Preflight, first.code, first.message.clone());
            return Err(match &first.hint {
                Some(hint) => error.hint(hint.clone()),
                None => error,
            });
        }
        let mut message = format!("{} checks before the run failed; nothing was changed", errors.len());
        for (number, finding) in errors.iter().enumerate() {
            message.push_str(&format!("\n  {}. [{}] {}", number + 1, finding.code, finding.message));
            if let Some(hint) = &finding.hint {
                message.push_str(&format!("\n     hint: {hint}"));
            }
        }
        Err(Error::new(ErrorKind::Preflight, "preflight_failed", message))
    }

    /// Findings below an error, as text for the report.
    pub fn warnings(&self) -> Vec<String> {
        self.findings.iter().filter(|f| f.severity == Severity::Warning).map(|f| f.message.clone()).collect()
    }
}

/// Runs all checks, the pipeline's own tests and a look at the first documents included.
pub async fn check(ctx: &mut Context, options: &RunOptions) -> Result<CheckReport> {
    let mut examination = examine(ctx, options).await?;
    first::examine(ctx, options, &mut examination).await;
    for step in examination.steps.clone() {
        documents::examine_watermark(ctx, options, &step, &mut examination).await;
    }
    let schema = examination.future.as_ref().map(|future| &future.schema);
    for outcome in run_tests(&ctx.pipeline, schema).into_iter().filter(|outcome| !outcome.passed()) {
        examination.findings.push(
            Finding::new(Severity::Error, "pipeline_test_failed", format!("test {} failed", outcome.name))
                .hint("`fireferry test` shows the difference"),
        );
    }
    Ok(CheckReport { safe: examination.safe(), issues: examination.findings })
}

/// Runs all checks. An error of one check is a finding; the others go on where they can.
pub(super) async fn examine(ctx: &mut Context, options: &RunOptions) -> Result<Examination> {
    let mut found = Examination::default();
    let warnings = ctx.pipeline.warnings.iter();
    found.findings.extend(warnings.map(|text| Finding::new(Severity::Warning, "pipeline_warning", text.clone())));
    let readable = documents::reachable(ctx, options, &mut found).await;
    if database::reachable(ctx, options, &mut found).await {
        // Frequent small runs leave to others what takes as long as the database is large.
        if !options.incremental {
            database::sound(ctx, &mut found).await;
        }
        match steps::future_schema(ctx).await {
            Ok(future) => tables::examine(ctx, options, future, &mut found).await?,
            Err(error) => found.findings.push(Finding::of_error(&error)),
        }
    }
    if readable && !found.steps.is_empty() {
        documents::examine(ctx, options, &mut found).await?;
    }
    if !found.only_changes() {
        database::space(ctx, options, &mut found).await;
    }
    Ok(found)
}
