//! Putting away the source of a run whose counts are valid: recorded before it starts, finished by any later run.

use super::super::Context;
use super::super::details::Details;
use crate::crossing::crossing;
use crate::destination::RunRecord;
use crate::domain::cursor::Partition;
use crate::error::Result;

/// Status of a run whose source is being put away.
pub(super) const FINISHING: &str = "finishing";

/// Records that the source is to be put away, and does it.
pub(super) async fn retire(ctx: &mut Context, record: &mut RunRecord, details: &mut Details) -> Result<()> {
    details.retire = true;
    record.details = details.store();
    record.status = FINISHING.to_owned();
    ctx.destination.update_run(record).await?;
    crossing("source.retiring");
    put_away(ctx, record).await
}

/// Finishes what an earlier run of the pipeline had begun.
pub(super) async fn finish_earlier(ctx: &mut Context) -> Result<()> {
    let Some(mut record) = ctx.destination.find_run(&ctx.pipeline.name, None).await? else { return Ok(()) };
    if record.status != FINISHING {
        return Ok(());
    }
    put_away(ctx, &record).await?;
    crossing("source.retired");
    record.status = "completed".to_owned();
    ctx.destination.update_run(&record).await
}

async fn put_away(ctx: &mut Context, record: &RunRecord) -> Result<()> {
    let states = ctx.destination.partitions(&record.run).await?;
    let partitions: Vec<Partition> = states.into_iter().map(|state| state.partition).collect();
    for name in ctx.source.retire(&partitions).await? {
        ctx.progress.message(&format!("renamed {name}"));
    }
    Ok(())
}
