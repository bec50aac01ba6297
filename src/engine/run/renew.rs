//! Going on at a new point in time, when the source no longer keeps the old one: collections that are complete stay as
//! they are, one that is half read begins again. None is ever read at two.

use super::Prepared;
use super::execute::Work;
use crate::error::Result;

/// Takes over the new point in time and forgets what was read of half-read collections; their rows stay, and count as
/// unchanged or updated when they are read again.
pub(super) async fn renew(run: &mut Prepared, work: &mut Work) -> Result<()> {
    let states = run.ctx.destination.partitions(&run.run).await?;
    let mut again = Vec::new();
    for (index, step) in run.examination.steps.iter().enumerate() {
        let own: Vec<_> = states.iter().filter(|state| state.collection == step.name()).collect();
        let begun = own.iter().any(|state| state.sequence > 0);
        if begun && own.iter().all(|state| state.done) {
            if let Some(snapshot) = &work.details.snapshot {
                let earlier = work.details.earlier_snapshots.entry(step.name().to_owned());
                earlier.or_insert_with(|| snapshot.clone());
            }
            continue;
        }
        if work.details.sample.is_none() {
            let counted = run.examination.counts.get(index).copied().unwrap_or(0);
            work.details.source_counts.insert(step.name().to_owned(), counted);
        }
        if begun {
            let tables: Vec<String> = step.tables().map(str::to_owned).collect();
            let rows = run.ctx.destination.count(&tables).await?;
            let held_none = |table: &&String| work.details.rows_before.get(*table).copied().unwrap_or(0) == 0;
            let began_empty: Vec<String> = tables.iter().filter(held_none).cloned().collect();
            work.details.began_empty.extend(began_empty);
            work.details.rows_before.extend(tables.into_iter().zip(rows));
            again.push(step.name().to_owned());
        }
    }
    for name in &again {
        work.warnings.push(format!(
            "{name} was half read at the snapshot {}, and was read again from its beginning at the new one; rows of \
             documents that were deleted in between are still there",
            work.details.snapshot.as_deref().unwrap_or("before")
        ));
    }
    work.details.snapshot.clone_from(&run.examination.snapshot);
    let Some(record) = &mut work.record else { return Ok(()) };
    record.details = work.details.store();
    run.ctx.destination.restart(record, &again).await
}
