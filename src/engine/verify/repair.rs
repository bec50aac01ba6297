//! `verify --repair`: reads again exactly the documents that differ and writes them whatever is there; deletes what no
//! document explains, if it is told to; then looks again.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;

use super::super::lease::leased;
use super::super::{Context, RunOptions, backup, rejects};
use super::contents::{hidden, panicked, scratch_folder};
use super::describe::of_extra;
use super::extras;
use super::hashes::{Scratch, hash_bytes};
use super::rewrite::Rewrite;
use super::scope::Scope;
use super::state::{Record, State};
use crate::crossing::crossing;
use crate::destination::{Doomed, RunRecord, ScannedRow};
use crate::domain::row::SqlValue;
use crate::error::{Error, ErrorKind, Result};
use crate::ledger::{DifferenceFilter, Ledger, VerificationEntry};
use crate::pipeline::resolved::BackupPolicy;
use crate::report::failure::Failure;
use crate::report::run::{RejectReport, RunReport, Status, Totals};
use crate::report::verify::{DifferenceKind, RepairReport};

/// Differences read at once.
const PAGE: u64 = 1_000;
/// Rows deleted in one transaction.
const DELETED: usize = 500;

/// What was consented to.
#[derive(Debug, Clone, Default)]
pub struct RepairOptions {
    /// Delete the rows that no document explains.
    pub delete_extra: bool,
    /// Take no backup first.
    pub no_backup: bool,
}

/// What was done, and the same as a run for the ledger.
pub struct Repaired {
    /// What was done.
    pub report: RepairReport,
    /// As a run.
    pub run: RunReport,
    /// What stopped it; what was written before stays.
    pub failed: Option<Error>,
}

/// A repair under way.
pub(super) struct Work {
    pub run: String,
    pub started: Instant,
    pub report: RepairReport,
    pub totals: Vec<crate::report::run::CollectionReport>,
    pub rejects: Vec<RejectReport>,
    pub total_rejects: u64,
}

/// Repairs what a comparison found. The caller has the user's consent. Holds the lease throughout.
///
/// # Errors
/// Code `verify_outdated` when another run wrote since; those of source and destination. What was written before stays.
pub async fn repair(
    ctx: Context,
    ledger: Arc<Ledger>,
    verification: String,
    options: RepairOptions,
) -> Result<Repaired> {
    let runtime = tokio::runtime::Handle::current();
    let work = tokio::task::spawn_blocking(move || {
        runtime.block_on(async move {
            let mut ctx = ctx;
            ctx.destination.check().await?;
            leased(&mut ctx, async |ctx| held(ctx, &ledger, &verification, &options).await).await
        })
    });
    work.await.map_err(panicked)?
}

async fn held(ctx: &mut Context, ledger: &Ledger, verification: &str, options: &RepairOptions) -> Result<Repaired> {
    let started_at = Timestamp::now();
    let entry = ledger.verification(verification).await?;
    let mut scope = Scope::find(ctx).await?;
    if scope.run.as_ref().map(|run| &run.run) != entry.start.run.as_ref() || entry.start.pipeline != ctx.pipeline.name {
        return Err(Error::new(
            ErrorKind::Usage,
            "verify_outdated",
            "another run wrote to the destination since the comparison",
        )
        .hint("verify again with --contents --repair"));
    }
    // Documents are written whatever is there, and none of them is a duplicate of another.
    scope.targets.iter_mut().for_each(|target| target.remember_keys = false);
    let mut work = Work {
        run: uuid::Uuid::now_v7().to_string(),
        started: Instant::now(),
        report: RepairReport {
            verification: entry.start.id.clone(),
            backup: back_up(ctx, options).await?,
            notes: scope.notes.clone(),
            ..RepairReport::default()
        },
        totals: Vec::new(),
        rejects: Vec::new(),
        total_rejects: 0,
    };
    let folder = scratch_folder(ctx, &entry.start.id);
    let state = State::load(&folder)?;
    let (scratch, whole) = Scratch::open(folder, &state.files)?;
    if !whole {
        return Err(Error::new(
            ErrorKind::Ledger,
            "verify_scratch_failed",
            "the comparison's scratch files are not whole",
        )
        .hint("verify again with --contents --repair"));
    }
    let mut record = Record::new(ledger, entry.start.id.clone(), state, scratch);
    ctx.progress.phase("repair");
    let mut run = begin(ctx, &scope, &work, started_at).await?;
    work.report.run = Some(work.run.clone());
    crossing("repair.begun");
    let done = perform(ctx, ledger, &scope, &entry, options, &mut record, &mut work).await;
    run.status = status(&work, done.as_ref().err()).as_str().to_owned();
    crossing("repair.done");
    ctx.destination.update_run(&run).await?;
    crossing("repair.recorded");
    (work.rejects, work.total_rejects) = rejects::export(ctx.destination.as_mut(), &ctx.state, &work.run).await?;
    work.report.rejected = work.total_rejects;
    record.scratch.remove();
    let failed = done.err();
    let run = RunReport {
        status: status(&work, failed.as_ref()),
        error: failed.as_ref().map(Failure::from),
        ..run_report(ctx, &scope, &work, started_at)
    };
    Ok(Repaired { report: work.report, run, failed })
}

async fn perform(
    ctx: &mut Context,
    ledger: &Ledger,
    scope: &Scope,
    entry: &VerificationEntry,
    options: &RepairOptions,
    record: &mut Record<'_>,
    work: &mut Work,
) -> Result<()> {
    Rewrite { ledger, scope, verification: &entry.start.id }.rewrite(ctx, record, work).await?;
    if options.delete_extra {
        delete_extra(ctx, ledger, scope, record, work).await?;
    }
    let counted = super::counts(ctx).await;
    work.report.counts_valid = counted.ok().map(|counts| counts.valid);
    Ok(())
}

/// Overwriting is destructive: the policy that backs up before runs does it, and so does the one for destructive verbs.
async fn back_up(ctx: &mut Context, options: &RepairOptions) -> Result<Option<String>> {
    let entry = match ctx.pipeline.backup {
        BackupPolicy::BeforeDestructive if !options.no_backup => Some(backup::take(ctx, "repair").await?),
        _ => backup::before_run(ctx, &RunOptions { no_backup: options.no_backup, ..RunOptions::default() }).await?,
    };
    Ok(entry.map(|entry| entry.path.display().to_string()))
}

/// A run of its own, of a pipeline of its own: the pipeline's newest run stays the one that explains the destination.
async fn begin(ctx: &mut Context, scope: &Scope, work: &Work, started_at: Timestamp) -> Result<RunRecord> {
    ctx.destination.initialize().await?;
    let run = RunRecord {
        run: work.run.clone(),
        pipeline: format!("{}~repair", ctx.pipeline.name),
        started_at: started_at.to_string(),
        status: Status::Running.as_str().to_owned(),
        pipeline_fingerprint: ctx.pipeline.fingerprint.clone(),
        schema_fingerprint: scope.schema.clone(),
        details: super::super::details::Details::default().store(),
    };
    ctx.destination.start_run(&run, &[]).await?;
    Ok(run)
}

fn status(work: &Work, failed: Option<&Error>) -> Status {
    match failed {
        Some(error) if error.kind() == ErrorKind::Interrupted => Status::Interrupted,
        Some(_) => Status::Failed,
        None if work.report.still_different > 0 || work.report.counts_valid == Some(false) => {
            Status::CompletedWithDifferences
        }
        None if work.report.rejected > 0 => Status::CompletedWithRejects,
        None => Status::Completed,
    }
}

/// Deletes the extra rows that nobody accepted, child tables first and the last collections first.
async fn delete_extra(
    ctx: &mut Context,
    ledger: &Ledger,
    scope: &Scope,
    record: &mut Record<'_>,
    work: &mut Work,
) -> Result<()> {
    let accepted = accepted(ledger, &record.id).await?;
    let hidden = hidden(ctx, false);
    let mut notes = Vec::new();
    let mut tables = extras::tables(scope, record, &mut notes)?;
    for table in tables.iter_mut().rev() {
        if table.nameless > 0 {
            notes.push(format!(
                "no extra rows of {} were deleted: they may be of documents that cannot be mapped",
                table.table
            ));
            continue;
        }
        let collection = scope.steps.get(table.collection).map(|step| step.name().to_owned()).unwrap_or_default();
        let (mut after, mut deleted): (Option<Vec<SqlValue>>, u64) = (None, 0);
        loop {
            ctx.destination.begin_comparing(&scope.targets).await?;
            let page = table.next(ctx, after.take()).await;
            ctx.destination.end_comparing().await?;
            let Some(page) = page? else { break };
            let unaccepted = |row: &ScannedRow| {
                let digest = of_extra(&collection, &table.table, &hidden, &table.columns, row).digest;
                !accepted.contains(&hash_bytes(digest.as_bytes()))
            };
            let doomed: Vec<ScannedRow> = page.extra.into_iter().filter(unaccepted).collect();
            for rows in doomed.chunks(DELETED) {
                let rows = Doomed { table: table.table.clone(), columns: table.columns.clone(), rows: rows.to_vec() };
                deleted += rows.rows.len() as u64;
                ctx.destination.delete(&[rows]).await?;
                crossing("repair.deleted");
            }
            after = Some(page.after);
        }
        if deleted > 0 {
            work.report.deleted.push((table.table.clone(), deleted));
        }
    }
    work.report.notes.append(&mut notes);
    Ok(())
}

/// Digests of the extra rows that somebody accepted.
async fn accepted(ledger: &Ledger, verification: &str) -> Result<HashSet<u128>> {
    let mut filter = DifferenceFilter { kind: Some(DifferenceKind::Extra), limit: PAGE, ..DifferenceFilter::default() };
    let mut accepted = HashSet::new();
    loop {
        let page = ledger.differences(verification, &filter).await?;
        let Some(last) = page.last() else { return Ok(accepted) };
        filter.after = last.number;
        let digests = page.iter().filter(|found| found.difference.accepted.is_some());
        accepted.extend(digests.map(|found| hash_bytes(found.difference.digest.as_bytes())));
    }
}

fn run_report(ctx: &Context, scope: &Scope, work: &Work, started_at: Timestamp) -> RunReport {
    let mut totals = Totals::of(&work.totals);
    let seconds = work.started.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = totals.read as f64 / seconds.max(1e-6);
    totals.documents_per_second = rate;
    RunReport {
        run_id: work.run.clone(),
        pipeline: ctx.pipeline.name.clone(),
        status: Status::Completed,
        dry_run: false,
        retry_of: None,
        initiated_by: ctx.initiated_by.clone(),
        started_at: started_at.to_string(),
        finished_at: Timestamp::now().to_string(),
        duration_seconds: seconds,
        estimate: None,
        snapshot: scope.snapshot.clone(),
        reads: None,
        backup: work.report.backup.clone(),
        stage: None,
        collections: work.totals.clone(),
        totals,
        rejects: work.rejects.clone(),
        total_rejects: work.total_rejects,
        warnings: work.report.notes.clone(),
        drift: Vec::new(),
        samples: Vec::new(),
        rollback: None,
        error: None,
    }
}
