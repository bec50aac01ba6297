//! The undo log does not grow for ever: logs of older runs are forgotten at the end of a run.

use std::time::Duration;

use jiff::Timestamp;

use super::super::Context;
use super::super::details::{Details, UndoState};
use crate::destination::RunRecord;
use crate::error::Result;

/// Forgets the undo logs that the settings do not keep, in bounded steps. That of the run itself stays. One that is
/// stopped in the middle goes on at the end of the next run.
pub(in super::super) async fn prune(ctx: &mut Context, run: &str) -> Result<()> {
    let (keep, age) = (ctx.pipeline.settings.undo_keep.max(1), ctx.pipeline.settings.undo_keep_time);
    let (mut skip, mut kept) = (0, 0);
    loop {
        let page = ctx.destination.logged_runs(skip).await?;
        if page.is_empty() {
            return Ok(());
        }
        for record in page {
            let details = Details::load(&record.details)?;
            let stays = details.undo == UndoState::On && kept < keep && !too_old(&record, age);
            if record.run == run || stays {
                (skip, kept) = (skip + 1, kept + 1);
            } else {
                forget(ctx, record, details).await?;
            }
        }
    }
}

async fn forget(ctx: &mut Context, mut record: RunRecord, mut details: Details) -> Result<()> {
    details.undo = UndoState::Pruning;
    record.details = details.store();
    ctx.destination.update_run(&record).await?;
    while ctx.destination.prune_undo_log(&record.run).await? {}
    details.undo = UndoState::Pruned;
    record.details = details.store();
    ctx.destination.update_run(&record).await
}

fn too_old(record: &RunRecord, age: Option<Duration>) -> bool {
    let (Some(age), Ok(started)) = (age, record.started_at.parse::<Timestamp>()) else { return false };
    Timestamp::now().duration_since(started).unsigned_abs() > age
}
