//! `plan`: order, counts, estimate. Changes nothing.

use super::preflight::examine;
use super::{Context, RunOptions, estimate, migrate};
use crate::error::Result;
use crate::report::plan::{PlanReport, PlannedCollection, PlannedReads};

/// Plans a run. Fails with the findings when the run would be refused.
pub async fn plan(ctx: &mut Context, options: &RunOptions) -> Result<PlanReport> {
    let options = RunOptions { dry_run: true, ..options.clone() };
    let found = examine(ctx, &options).await?;
    found.refuse_unless_safe()?;
    let estimate = estimate::estimate(ctx, &options, &found.steps, &found.counts).await?;
    let collections: Vec<PlannedCollection> = found
        .steps
        .iter()
        .zip(&found.counts)
        .map(|(step, documents)| PlannedCollection {
            collection: step.name().to_owned(),
            table: step.mapping.table.clone(),
            documents: *documents,
            rows: found.rows.get(&step.mapping.table).copied(),
            after: step.after.clone(),
        })
        .collect();
    Ok(PlanReport {
        pipeline: ctx.pipeline.name.clone(),
        source: ctx.source.describe(),
        destination: ctx.destination.describe(),
        documents: collections.iter().map(|collection| collection.documents).sum(),
        collections,
        uncovered: found.uncovered,
        snapshot: found.snapshot,
        reads: found.bill.map(|bill| PlannedReads {
            billed: bill.reads,
            price: bill.price,
            plan: ctx.source.usage().bill.map_or(0, |bill| bill.reads),
        }),
        estimate,
        migrations: found.future.map(|future| future.pending.iter().map(migrate::name).collect()).unwrap_or_default(),
    })
}
