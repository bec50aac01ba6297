//! `verify --counts`: does what the latest run counted still hold, here and at the source?

use std::collections::BTreeMap;

use serde::Serialize;

use super::super::details::Details;
use super::super::steps::{self, Step};
use super::super::validate::{Known, passed_over, rows_of, validate, validate_kept};
use super::super::{Context, RunOptions};
use super::scope::pin;
use crate::destination::PartitionState;
use crate::domain::cursor::Counts;
use crate::error::{Error, ErrorKind, Result};

/// One collection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CollectionCounts {
    /// Collection name.
    pub collection: String,
    /// Its table.
    pub table: String,
    /// Documents in the source now.
    pub source_count: Option<u64>,
    /// Rows in the table now.
    pub rows: u64,
    /// Documents that the run rejected.
    pub rejected: u64,
    /// Nothing differs.
    pub valid: bool,
    /// What does not add up.
    pub differences: Vec<String>,
}

/// All collections of the latest run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CountsReport {
    /// Nothing differs anywhere.
    pub valid: bool,
    /// The run whose counts were checked.
    pub run: String,
    /// Its status.
    pub status: String,
    /// In the order of the run.
    pub collections: Vec<CollectionCounts>,
}

/// Validates the counts of the pipeline's latest run against source and destination as they are now. Changes nothing.
pub async fn counts(ctx: &mut Context) -> Result<CountsReport> {
    ctx.source.check().await?;
    ctx.destination.check().await?;
    let run = ctx.destination.find_run(&ctx.pipeline.name, None).await?.ok_or_else(|| {
        Error::new(
            ErrorKind::Usage,
            "no_run",
            format!("pipeline {} never ran into this destination", ctx.pipeline.name),
        )
        .hint(format!("`fireferry run {}`", ctx.pipeline.arguments()))
    })?;
    let details = Details::load(&run.details)?;
    if let Some(note) = pin(ctx, details.snapshot.as_deref()).await?.1 {
        ctx.progress.message(&note);
    }
    let schema = ctx.destination.inspect().await?;
    let options = RunOptions::default();
    let (steps, _, _) = steps::plan_steps(ctx, &options, &schema)?;
    let ran = |step: &Step| details.collections.iter().any(|name| name == step.name());
    let steps: Vec<Step> = steps.into_iter().filter(ran).collect();
    let stored = Stored {
        counts: ctx.destination.counts(&run.run).await?,
        states: ctx.destination.partitions(&run.run).await?,
        rows: rows_of(ctx.destination.as_mut(), &steps).await?,
        details,
    };
    let mut collections = Vec::new();
    for step in &steps {
        collections.push(collection(ctx, &options, step, &stored).await?);
    }
    let valid = collections.iter().all(|collection| collection.valid);
    Ok(CountsReport { valid, run: run.run, status: run.status, collections })
}

/// What the destination says of the run, and holds.
struct Stored {
    details: Details,
    states: Vec<PartitionState>,
    counts: Vec<(String, Counts)>,
    rows: BTreeMap<String, u64>,
}

async fn collection(ctx: &mut Context, options: &RunOptions, step: &Step, stored: &Stored) -> Result<CollectionCounts> {
    let Stored { details, states, counts, rows } = stored;
    let counts = counts.iter().find(|(name, _)| name == step.name()).map(|(_, counts)| *counts).unwrap_or_default();
    let source_count = match details.sample {
        Some(_) => None,
        None if details.retire => details.source_counts.get(step.name()).copied(),
        None => Some(ctx.source.count(&step.request(ctx, options)).await?),
    };
    let passed_over = passed_over(ctx.source.as_ref(), states, step.name());
    let known = Known { step, counts, source_count, passed_over };
    let validation = match details.since.contains_key(step.name()) {
        true => validate_kept(&known, rows),
        false => validate(&known, &details.rows_before, rows),
    };
    Ok(CollectionCounts {
        collection: step.name().to_owned(),
        table: step.mapping.table.clone(),
        source_count,
        rows: validation.rows_after.unwrap_or(0),
        rejected: u64::try_from(counts.rejected + counts.waiting).unwrap_or(0),
        valid: validation.valid,
        differences: validation.differences,
    })
}
