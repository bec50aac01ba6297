//! What taking a run back means: its tables, how they were before, and what speaks against it.

use std::collections::BTreeMap;

use super::super::Context;
use super::super::details::{Details, UndoState, Written};
use crate::destination::{Before, Rollback, RollbackTable, RunRecord};
use crate::domain::cursor::Counts;
use crate::domain::schema::Schema;
use crate::error::{Error, ErrorKind, Result};
use crate::report::rollback::{self, RollbackConflict, RollbackReport};

/// The status of a run that is half taken back.
const ROLLING_BACK: &str = "rolling_back";

/// A plan for people, and for the destination.
pub(super) struct Planned {
    pub report: RollbackReport,
    pub rollback: Rollback,
    /// The run whose rejects it wrote again: they come back on its list.
    pub retry_of: Option<String>,
}

/// Plans to take a run back. Newer runs of the same tables are in the way, whatever is forced.
pub(super) async fn plan(ctx: &mut Context, run: &str, force: bool) -> Result<Planned> {
    let mut planned = outline(ctx, run, force).await?;
    let changes = ctx.destination.rollback_changes(&planned.rollback).await?;
    for (table, found) in planned.rollback.tables.iter_mut().zip(changes) {
        table.extent = found.extent;
        planned.report.conflicts.extend(found.conflicts.into_iter().map(|conflict| RollbackConflict {
            table: conflict.table,
            row: conflict.row,
            reason: conflict.reason,
        }));
        planned.report.tables.push(rollback::RollbackTable {
            table: found.table,
            deleted: found.deleted,
            restored: found.restored,
            put_back: found.put_back,
        });
    }
    Ok(planned)
}

/// The plan without a look at the rows.
pub(super) async fn outline(ctx: &mut Context, run: &str, force: bool) -> Result<Planned> {
    let Some(record) = ctx.destination.find_run(&ctx.pipeline.name, Some(run)).await? else {
        let repairs = format!("{}~repair", ctx.pipeline.name);
        let repair = ctx.destination.find_run(&repairs, Some(run)).await?;
        return Err(repair.map_or_else(|| unknown(run), |repair| of_repair(&repair)));
    };
    let details = Details::load(&record.details)?;
    let counts = ctx.destination.counts(run).await?;
    refuse_newer(ctx, &record, &details).await?;
    // Also where it took rejects off the lists of earlier runs.
    if details.retry_of.is_some() || !details.closes.is_empty() {
        require_log(run, &details)?;
    }
    require_nothing_removed(&record, &details)?;
    let schema = ctx.destination.inspect().await?;
    let unfinished = record.status == ROLLING_BACK;
    let (tables, conflicts) = tables(ctx, &schema, &details, &counts, (run, unfinished)).await?;
    let at_once = ctx.pipeline.settings.commit_documents.max(1) as u64;
    let report = RollbackReport {
        run: run.to_owned(),
        pipeline: record.pipeline,
        destination: ctx.destination.describe(),
        started_at: record.started_at,
        status: record.status,
        unfinished,
        rejects: counts.iter().map(|(_, counts)| positive(counts.rejected + counts.waiting)).sum(),
        notes: notes(&details, &schema),
        conflicts,
        ..RollbackReport::default()
    };
    let rollback = Rollback { run: run.to_owned(), tables, force, at_once };
    Ok(Planned { report, rollback, retry_of: details.retry_of })
}

/// The tables that the run wrote, how they were before, and what speaks against emptying those that were empty.
async fn tables(
    ctx: &mut Context,
    schema: &Schema,
    details: &Details,
    counts: &[(String, Counts)],
    (run, unfinished): (&str, bool),
) -> Result<(Vec<RollbackTable>, Vec<RollbackConflict>)> {
    let (mut tables, mut conflicts) = (Vec::new(), Vec::new());
    for written in &details.written {
        let of = counts.iter().find(|(name, _)| *name == written.collection).map(|(_, counts)| *counts);
        let of = of.unwrap_or_default();
        // Of what was read by its changes, rows were not counted: there were some.
        let counted = !details.since.contains_key(&written.collection);
        let empty = counted
            && written.tables().all(|table| {
                details.rows_before.get(table).copied().unwrap_or(0) == 0
                    || details.began_empty.iter().any(|name| name == table)
            });
        if !empty && changed_something(&of) {
            require_log(run, details)?;
        }
        let rows = if empty { rows_now(ctx, schema, details, written).await? } else { BTreeMap::new() };
        if empty && !unfinished {
            conflicts.extend(added_since(written, &of, &rows));
        }
        tables.extend(written.tables().map(|table| RollbackTable {
            table: table.to_owned(),
            before: match rows.get(table) {
                Some(rows) => Before::Empty { rows: *rows },
                None => Before::Logged,
            },
            extent: None,
        }));
    }
    tables.retain(|planned| schema.table(&planned.table).is_some() || planned.before == Before::Logged);
    Ok((tables, conflicts))
}

/// A newer run's log rests on what this one left.
async fn refuse_newer(ctx: &mut Context, record: &RunRecord, details: &Details) -> Result<()> {
    for newer in ctx.destination.runs_after(&record.run).await? {
        let theirs = Details::load(&newer.details)?;
        let counts = ctx.destination.counts(&newer.run).await?;
        let wrote = |written: &&Written| {
            let of = counts.iter().find(|(name, _)| *name == written.collection);
            of.is_some_and(|(_, counts)| changed_something(counts))
        };
        let own =
            |table: &str| details.written.iter().flat_map(Written::tables).any(|own| own.eq_ignore_ascii_case(table));
        let both = theirs.written.iter().filter(wrote).flat_map(Written::tables).find(|table| own(table));
        let retry = (theirs.retry_of.as_ref() == Some(&record.run)).then_some("its rejects");
        if let Some(table) = both.or(retry) {
            let message = format!(
                "run {} of pipeline {}, started {}, wrote to {table} after run {}",
                newer.run, newer.pipeline, newer.started_at, record.run
            );
            return Err(Error::new(ErrorKind::Preflight, "rollback_newer_run", message)
                .hint(format!("take the newer one back first: `fireferry rollback {}`", newer.run)));
        }
    }
    Ok(())
}

/// Rows that are removed because their documents are gone are not in the log. One that was stopped may have removed some.
fn require_nothing_removed(record: &RunRecord, details: &Details) -> Result<()> {
    let over = record.status.starts_with("completed") || record.status == ROLLING_BACK;
    if !details.removed && (!details.deletes || over) {
        return Ok(());
    }
    let message =
        format!("run {} also removed rows whose documents are gone: they are not in its undo log", record.run);
    Err(Error::new(ErrorKind::Preflight, "rollback_removed_rows", message).hint(backup_hint(details)))
}

fn backup_hint(details: &Details) -> String {
    match &details.backup {
        Some(backup) => format!("a backup was taken before it: `fireferry backup restore PIPELINE {backup}`"),
        None => "restore a backup: `fireferry backup list` shows them".to_owned(),
    }
}

fn require_log(run: &str, details: &Details) -> Result<()> {
    let why = match details.undo {
        UndoState::On => return Ok(()),
        UndoState::Off => "it kept no undo log (`undo: off`)",
        UndoState::Pruning | UndoState::Pruned => "its undo log is not kept any more (`undo_keep`, `undo_keep_time`)",
    };
    let message = format!("run {run} cannot be taken back: it wrote to tables that held rows, and {why}");
    Err(Error::new(ErrorKind::Preflight, "rollback_no_log", message).hint(backup_hint(details)))
}

/// Rows that are in the tables now, except in those that an earlier rollback emptied.
async fn rows_now(
    ctx: &mut Context,
    schema: &Schema,
    details: &Details,
    written: &Written,
) -> Result<BTreeMap<String, u64>> {
    let there = |table: &&str| schema.table(table).is_some();
    let tables: Vec<String> = written.tables().filter(there).map(str::to_owned).collect();
    let counts = ctx.destination.count(&tables).await?;
    let emptied = |table: &String| details.emptied.iter().any(|name| name == table);
    Ok(tables
        .into_iter()
        .zip(counts)
        .map(|(table, rows)| if emptied(&table) { (table, 0) } else { (table, rows) })
        .collect())
}

/// Of a table that was empty, the run's own count tells whether all rows are the run's.
fn added_since(written: &Written, counts: &Counts, rows: &BTreeMap<String, u64>) -> Vec<RollbackConflict> {
    let of = |tables: &mut dyn Iterator<Item = &String>| tables.filter_map(|table| rows.get(table)).sum::<u64>();
    let own = of(&mut std::iter::once(&written.table));
    let children = of(&mut written.children.iter());
    let conflict = |table: &str, now: u64, expected: u64| RollbackConflict {
        table: table.to_owned(),
        row: "all rows".to_owned(),
        reason: format!(
            "it was empty before the run, which left {expected} rows; now there are {now}, and which of them are the run's cannot be told"
        ),
    };
    let mut conflicts = Vec::new();
    let expected = positive(counts.inserted);
    if own != expected {
        conflicts.push(conflict(&written.table, own, expected));
    }
    let expected = positive(counts.child_inserted - counts.child_deleted);
    if children != expected {
        conflicts.push(conflict(&written.children.join(", "), children, expected));
    }
    conflicts
}

/// What a rollback cannot take back, or does besides.
fn notes(details: &Details, schema: &Schema) -> Vec<String> {
    let mut notes = Vec::new();
    if !details.migrations.is_empty() {
        notes.push(format!(
            "the schema stays: migrations that the run applied are not taken back ({})",
            details.migrations.join(", ")
        ));
    }
    let tables = || details.written.iter().flat_map(Written::tables).filter_map(|table| schema.table(table));
    for table in tables().filter(|table| !table.triggers.is_empty()) {
        notes.push(format!(
            "triggers of {} ({}) run on rows that go or come back; what they changed in other tables during the run is only taken back as far as they do it themselves",
            table.name,
            table.triggers.join(", ")
        ));
    }
    let children = details.written.iter().flat_map(|written| &written.children);
    for child in children {
        for other in &schema.tables {
            let acts = |action: &str| action != "NO ACTION" && action != "RESTRICT";
            let keys = other.foreign_keys.iter();
            if keys.into_iter().any(|key| key.parent.eq_ignore_ascii_case(child) && acts(&key.on_delete)) {
                notes.push(format!(
                    "rows of {} that went or changed with rows of {child} are not in the undo log",
                    other.name
                ));
            }
        }
    }
    notes
}

fn changed_something(counts: &Counts) -> bool {
    counts.inserted + counts.updated + counts.child_inserted + counts.child_deleted > 0
}

fn positive(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

/// It wrote what the source has, row by row, after a backup; what was there before was damage.
fn of_repair(repair: &RunRecord) -> Error {
    let message = format!("run {} was a repair, which keeps no undo log", repair.run);
    Error::new(ErrorKind::Usage, "rollback_of_repair", message)
        .hint("the backup that was taken before it can be restored: `fireferry backup list` shows it")
}

fn unknown(run: &str) -> Error {
    Error::new(ErrorKind::Usage, "run_unknown", format!("the destination knows no run {run} of this pipeline"))
        .hint("it may have been taken back already: `fireferry runs list` shows it; --destination names another place")
}
