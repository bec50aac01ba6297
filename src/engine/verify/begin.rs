//! The beginning of a comparison: a new one, or one that goes on where another invocation stopped.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use super::super::load::bookmark_of;
use super::super::{Context, RunOptions};
use super::contents::{ContentsOptions, scratch_folder};
use super::hashes::Scratch;
use super::scope::Scope;
use super::state::{CollectionState, Mark, Record, State};
use crate::domain::cursor::{Cursor, Partition};
use crate::error::Result;
use crate::ledger::{Ledger, VerificationStart};

/// Scratch files that are older were given up.
const FORGOTTEN: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A new comparison, or the one that is gone on with.
pub(super) async fn open<'a>(
    ctx: &mut Context,
    ledger: &'a Ledger,
    options: &ContentsOptions,
    scope: &Scope,
    started_at: Timestamp,
) -> Result<Record<'a>> {
    let (pipeline, destination) = (ctx.pipeline.name.clone(), ctx.destination.describe());
    let earlier = ledger.unfinished_verification(&pipeline, &destination).await?;
    if let Some(earlier) = earlier.filter(|_| options.resume) {
        let state: State = serde_json::from_str(&earlier.state.unwrap_or_default()).unwrap_or_default();
        if let Some(what) = not_the_same(ctx, scope, &state).await {
            ctx.progress.message(&format!("the comparison begins again: {what}"));
        } else {
            let (scratch, whole) = Scratch::open(scratch_folder(ctx, &earlier.start.id), &state.files)?;
            if whole {
                ctx.progress.message(&format!("going on with comparison {}", earlier.start.id));
                return Ok(Record::new(ledger, earlier.start.id, state, scratch));
            }
            ctx.progress.message("the comparison begins again: its scratch files are not whole");
        }
        drop(std::fs::remove_dir_all(scratch_folder(ctx, &earlier.start.id)));
    } else if options.resume {
        ctx.progress.message("no comparison to go on with: starting from the beginning");
    }
    sweep(&ctx.state.join("verify"));
    let id = uuid::Uuid::now_v7().to_string();
    let mut state = State::new(scope, &ctx.pipeline.fingerprint);
    for step in &scope.steps {
        let partitions = ctx.source.partitions(&step.request(ctx, &RunOptions::default())).await?;
        let mark = |partition: Partition| Mark { id: partition.id, bounds: partition.bounds, after: None, done: false };
        let partitions = partitions.into_iter().map(mark).collect();
        state.collections.insert(step.name().to_owned(), CollectionState { partitions, ..CollectionState::default() });
    }
    let start = VerificationStart {
        id: id.clone(),
        pipeline,
        pipeline_file: ctx.pipeline.arguments(),
        destination,
        run: scope.run.as_ref().map(|run| run.run.clone()),
        started_at: format!("{started_at:.6}"),
    };
    ledger.verification_started(&start).await?;
    let (scratch, _) = Scratch::open(scratch_folder(ctx, &id), &state.files)?;
    let mut record = Record::new(ledger, id, state, scratch);
    record.save().await?;
    Ok(record)
}

/// Removes scratch files that nobody came back for.
fn sweep(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let changed = entry.metadata().and_then(|entry| entry.modified()).ok();
        if changed.and_then(|changed| changed.elapsed().ok()).is_some_and(|age| age > FORGOTTEN) {
            // What cannot be removed does no harm.
            drop(std::fs::remove_dir_all(entry.path()));
        }
    }
}

/// Why a comparison cannot be gone on with, if so.
async fn not_the_same(ctx: &Context, scope: &Scope, state: &State) -> Option<&'static str> {
    if state.about != State::about(scope, &ctx.pipeline.fingerprint) {
        return Some("the run, the pipeline or the schema is another one now");
    }
    if state.snapshot != scope.snapshot {
        return Some("the source is looked at as it is at another time");
    }
    for mark in state.collections.values().flat_map(|collection| &collection.partitions) {
        let Some(after) = &mark.after else { continue };
        let Ok(Some(bookmark)) = bookmark_of(Some(&Cursor(after.clone()))) else { return Some("it is damaged") };
        let now = ctx.source.fingerprint(&mark.partition(), Some(&Cursor(bookmark.cursor))).await;
        if now.ok().as_ref() != Some(&bookmark.fingerprint) {
            return Some("the source was changed");
        }
    }
    None
}
