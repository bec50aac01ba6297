//! What is to be said about the source when a run ends: at which time it was read, whether it moved, what it cost.

use super::Prepared;
use super::execute::Work;
use crate::engine::steps::Step;
use crate::error::Result;
use crate::report::run::Reads;

/// The count to compare with. A source without a snapshot may have moved: then what was read must lie between the counts
/// before and after.
pub(super) async fn source_count(run: &Prepared, work: &mut Work, step: &Step, read: u64) -> Result<Option<u64>> {
    let Some(before) = work.details.source_counts.get(step.name()).copied() else { return Ok(None) };
    let moving = run.ctx.source.capabilities().billed && work.details.snapshot.is_none();
    if before == read || !moving || run.options.sample.is_some() {
        return Ok(Some(before));
    }
    let after = run.ctx.source.count(&step.request(&run.ctx, &run.options)).await?;
    let (low, high) = (before.min(after), before.max(after));
    if !(low..=high).contains(&read) {
        return Ok(Some(after));
    }
    work.warnings.push(format!(
        "{} was moving: it had {before} documents before, {after} after, and {read} were read",
        step.name()
    ));
    Ok(Some(read))
}

/// Warns when documents changed while they were read.
pub(super) fn warn_of_changes(run: &Prepared, work: &mut Work) {
    let changed = run.ctx.source.usage().changed;
    if changed > 0 {
        work.warnings.push(format!(
            "the source was moving: {changed} documents were created or changed after reading began; without a snapshot \
             they may not fit together"
        ));
    }
}

/// What reading was billed for.
pub(super) fn reads(run: &Prepared, work: &Work) -> Option<Reads> {
    let bill = run.ctx.source.usage().bill?;
    Some(Reads { billed: bill.reads, price: bill.price, whole_run: work.details.reads + bill.reads })
}
