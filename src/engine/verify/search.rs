//! What is left once every document was compared: rows without a document, and what names none.

use super::super::Context;
use super::describe::{Hidden, general, of_extra};
use super::documents::interrupted;
use super::extras::{self, Explained};
use super::scope::Scope;
use super::state::Record;
use crate::error::Result;

/// Extra rows by the number of the collection that is named for them.
pub(super) async fn search_extras(
    ctx: &mut Context,
    scope: &Scope,
    hidden: &Hidden,
    record: &mut Record<'_>,
    notes: &mut Vec<String>,
) -> Result<Vec<u64>> {
    let mut extra = vec![0; scope.steps.len()];
    note_general(ctx, scope, record).await?;
    if scope.details.sample.is_some() {
        record.save_beyond(true).await?;
        return Ok(extra);
    }
    ctx.progress.phase("extra rows");
    for mut table in extras::tables(scope, record, notes)? {
        let rows = ctx.destination.count(std::slice::from_ref(&table.table)).await?;
        if !rows.first().is_some_and(|rows| table.covers(*rows)) {
            let found = search_table(ctx, scope, hidden, record, &mut table, notes).await?;
            if let Some(extra) = extra.get_mut(table.collection) {
                *extra += found;
            }
        }
    }
    record.save_beyond(true).await?;
    Ok(extra)
}

async fn search_table(
    ctx: &mut Context,
    scope: &Scope,
    hidden: &Hidden,
    record: &mut Record<'_>,
    table: &mut Explained,
    notes: &mut Vec<String>,
) -> Result<u64> {
    let collection = scope.steps.get(table.collection).map(|step| step.name().to_owned()).unwrap_or_default();
    let (mut found, mut of_rejected, mut after) = (0, 0, None);
    while let Some(page) = table.next(ctx, after.take()).await? {
        if ctx.stop.is_cancelled() {
            return Err(interrupted(ctx));
        }
        found += page.extra.len() as u64;
        of_rejected += page.of_rejected;
        for row in &page.extra {
            record.note(of_extra(&collection, &table.table, hidden, &table.columns, row));
        }
        record.save_beyond(false).await?;
        after = Some(page.after);
    }
    if of_rejected > 0 {
        notes.push(format!("{of_rejected} rows of {} belong to documents that were rejected", table.table));
    }
    if found > 0 && table.nameless > 0 {
        notes.push(format!(
            "of {} documents that cannot be mapped the keys are not known: extra rows of {} may be theirs, and are not \
             deleted by a repair",
            table.nameless, table.table
        ));
    }
    Ok(found)
}

/// What names no document.
async fn note_general(ctx: &mut Context, scope: &Scope, record: &mut Record<'_>) -> Result<()> {
    for (collection, message) in &scope.general {
        record.note(general(collection, message));
    }
    let Some(run) = scope.run.as_ref().filter(|_| scope.details.sample.is_some()) else { return Ok(()) };
    let counts = ctx.destination.counts(&run.run).await?;
    for step in &scope.steps {
        let written =
            counts.iter().find(|(name, _)| name == step.name()).map(|(_, counts)| *counts).unwrap_or_default();
        let written = written.inserted + written.updated + written.unchanged;
        let state = record.state.collections.get(step.name());
        let found = state.map_or(0, |state| state.looked_up - state.absent);
        if i128::from(found) < i128::from(written) {
            let message = format!("{written} documents of the sample were written, {found} have a row");
            record.note(general(step.name(), &message));
        }
    }
    Ok(())
}
