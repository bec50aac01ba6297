//! Going on with an interrupted run, and refusing to when something is not the same.

use std::time::Instant;

use jiff::Timestamp;

use super::super::bookmark::Bookmark;
use super::super::details::Details;
use super::super::preflight::Examination;
use super::super::{Context, RunOptions};
use super::Prepared;
use crate::destination::{PartitionState, RunRecord};
use crate::domain::document::CollectionPattern;
use crate::error::{Error, ErrorKind, Result};

/// A run to go on with.
#[derive(Debug)]
pub(super) struct Resumed {
    /// Its record.
    pub record: RunRecord,
    /// What it remembered.
    pub details: Details,
}

/// Statuses of runs that are over.
pub(in crate::engine) const OVER: [&str; 3] = ["completed", "completed_with_rejects", "completed_with_differences"];

/// Finds the run to resume, and takes over the options it was started with.
pub(super) async fn find(
    ctx: &mut Context,
    mut options: RunOptions,
) -> Result<(RunOptions, Option<(RunRecord, Details)>)> {
    if options.go_on && options.resume.is_none() {
        options.resume = unfinished(ctx).await?.map(Some);
    }
    let Some(wanted) = &options.resume else { return Ok((options, None)) };
    if options.dry_run {
        return Err(Error::new(ErrorKind::Usage, "resume_dry_run", "a dry run cannot resume")
            .hint("leave out --dry-run or --resume"));
    }
    let record = ctx.destination.find_run(&ctx.pipeline.name, wanted.as_deref()).await?;
    let Some(record) = record else {
        return match wanted {
            Some(run) => Err(Error::new(
                ErrorKind::Usage,
                "run_unknown",
                format!("the destination knows no run {run} of pipeline {}", ctx.pipeline.name),
            )
            .hint("`fireferry runs list` shows the runs")),
            None => {
                ctx.progress.message("no earlier run to resume: starting from the beginning");
                Ok((options, None))
            }
        };
    };
    if OVER.contains(&record.status.as_str()) {
        return Err(Error::new(
            ErrorKind::Usage,
            "nothing_to_resume",
            format!("run {} is {} already", record.run, record.status.replace('_', " ")),
        )
        .hint("run without --resume to start a new one"));
    }
    let details = Details::load(&record.details)?;
    if let Some(first) = details.retry_of.as_ref().filter(|_| options.retry.is_none()) {
        let message = format!("run {} is a retry of run {first}", record.run);
        return Err(Error::new(ErrorKind::Usage, "run_is_retry", message)
            .hint(format!("`fireferry retry {first}` goes on with it; without --resume a new run begins")));
    }
    options.sample = details.sample;
    options.incremental = details.incremental;
    options.deletes = details.deletes;
    options.resumed_since = Some(details.since.clone());
    options.read_time = details.snapshot.clone().filter(|_| !options.new_snapshot);
    options.on_conflict = details.on_conflict.as_deref().and_then(|text| text.parse().ok());
    options.only = details.collections.iter().filter_map(|name| CollectionPattern::parse(name).ok()).collect();
    Ok((options, Some((record, details))))
}

/// The newest run of the pipeline, if it is no retry and did not come to its end.
async fn unfinished(ctx: &mut Context) -> Result<Option<String>> {
    let newest = ctx.destination.find_run(&ctx.pipeline.name, None).await?;
    let Some(record) = newest.filter(|record| !OVER.contains(&record.status.as_str())) else { return Ok(None) };
    let plain = Details::load(&record.details)?.retry_of.is_none() && record.status != "rolled_back";
    Ok(plain.then_some(record.run))
}

/// Says that an unfinished run could be resumed, when a new one is started instead.
pub(super) async fn mention_unfinished(ctx: &mut Context) {
    // A destination that cannot be asked is preflight's matter.
    let Ok(Some(record)) = ctx.destination.find_run(&ctx.pipeline.name, None).await else { return };
    if !OVER.contains(&record.status.as_str()) {
        let status = record.status.replace('_', " ");
        let first = Details::load(&record.details).ok().and_then(|details| details.retry_of);
        let how = first.map_or_else(|| "with --resume".to_owned(), |first| format!("by `fireferry retry {first}`"));
        ctx.progress.message(&format!(
            "run {} is unfinished ({status}) and could be resumed {how}; starting a new run from the beginning",
            record.run
        ));
    }
}

/// Refuses unless pipeline, schema and source are what they were (promise 8).
pub(super) async fn compare(
    ctx: &mut Context,
    (record, details): (RunRecord, Details),
    examination: &Examination,
) -> Result<Resumed> {
    let mut changed = Vec::new();
    if record.pipeline_fingerprint != ctx.pipeline.fingerprint {
        changed.push("the pipeline's mapping, keys, filters or source settings".to_owned());
    }
    if examination.future.as_ref().is_some_and(|future| future.schema.fingerprint != record.schema_fingerprint) {
        changed.push("the destination's schema".to_owned());
    }
    for state in ctx.destination.partitions(&record.run).await? {
        if !same_source(ctx, &details, &state).await {
            changed.push(format!("the source of collection {} ({})", state.collection, state.partition.id));
        }
    }
    if changed.is_empty() {
        ctx.progress.message(&format!("resuming run {}", record.run));
        return Ok(Resumed { record, details });
    }
    let what = changed.join("; ");
    Err(Error::new(
        ErrorKind::Preflight,
        "resume_refused",
        format!("run {} cannot go on, because this changed since: {what}", record.run),
    )
    .hint("put it back as it was, or start a new run without --resume: rows that are there already count as unchanged"))
}

async fn same_source(ctx: &Context, details: &Details, state: &PartitionState) -> bool {
    let bookmark = state.cursor.as_ref().map(Bookmark::load).transpose();
    let Ok(bookmark) = bookmark else { return false };
    let (cursor, expected) = match bookmark {
        Some(bookmark) => (Some(crate::domain::cursor::Cursor(bookmark.cursor)), bookmark.fingerprint),
        None => {
            let stored = details
                .partitions
                .iter()
                .find(|(collection, partition, _)| *collection == state.collection && *partition == state.partition.id);
            let Some((_, _, fingerprint)) = stored else { return false };
            (None, fingerprint.clone())
        }
    };
    ctx.source.fingerprint(&state.partition, cursor.as_ref()).await.is_ok_and(|now| now == expected)
}

/// A staged run of which only the import is left.
pub(super) async fn complete_stage(
    mut ctx: Context,
    mut options: RunOptions,
    started_at: Timestamp,
    started: Instant,
) -> Result<Prepared> {
    let run = ctx.stage.as_ref().map(|stage| stage.run().to_owned()).unwrap_or_default();
    let record = ctx.destination.find_run(&ctx.pipeline.name, Some(&run)).await?.ok_or_else(|| {
        let message = format!("the file of the staged run does not know run {run} of pipeline {}", ctx.pipeline.name);
        Error::new(ErrorKind::Usage, "run_unknown", message).hint("start a new run without --resume")
    })?;
    let details = Details::load(&record.details)?;
    ctx.progress.message(&format!("resuming run {run}: only the import is left"));
    options.sample = details.sample;
    let resumed = Some(Resumed { record, details });
    let examination = Examination::default();
    Ok(Prepared { ctx, options, run, resumed, examination, estimate: None, started_at, started, _shadow: None })
}
