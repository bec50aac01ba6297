//! `verify`: source and destination, in numbers or value by value; `--repair` writes again what differs.

use std::sync::Arc;

use serde_json::json;

use crate::engine::verify::{self, ContentsOptions, CountsReport, RepairOptions};
use crate::error::{Error, Result};
use crate::ledger::{Ledger, RunStart};
use crate::pipeline::resolved::BackupPolicy;
use crate::report::text::{self, Column, clean, count, table};
use crate::report::verify::{ContentsReport, RepairReport};

use super::App;
use super::args::VerifyArgs;
use super::connect::{Access, Connected, connect, shown_url};
use super::exit::Exit;
use super::recorder::Recorder;

/// Exit code 5 when something differs.
pub async fn verify(app: &App, args: &VerifyArgs) -> Result<Exit> {
    match (args.repair, args.contents || args.resume || args.hide_values) {
        (true, _) => repair(app, args).await,
        (false, true) => contents(app, args).await,
        (false, false) => counts(app, args).await,
    }
}

async fn counts(app: &App, args: &VerifyArgs) -> Result<Exit> {
    let mut connected = connect(app, &args.pipeline.file, Access::Read)?;
    let result = app.interruptible(verify::counts(&mut connected.context)).await;
    connected.close();
    let report = result?;
    app.output.answer(&report, || counts_text(&report))?;
    Ok(if report.valid { Exit::Clean } else { Exit::Differences })
}

async fn contents(app: &App, args: &VerifyArgs) -> Result<Exit> {
    let (report, arguments, _) = compare(app, args).await?;
    app.output.answer(&report, || text::contents(&report, &arguments))?;
    Ok(if report.consistent { Exit::Clean } else { Exit::Differences })
}

/// A comparison value by value, said on stderr: whether nothing differs, and the consistency rate.
pub async fn quietly(app: &App, args: &VerifyArgs) -> Result<(bool, f64)> {
    let (report, _, _) = compare(app, args).await?;
    let rate = report.consistency_rate;
    app.output.note(&format!("compared {}: {:.4} % are stored as they are", report.pipeline, rate));
    Ok((report.consistent, rate))
}

/// What was found, what names the pipeline on a command line, and what a repair would do to the destination.
async fn compare(app: &App, args: &VerifyArgs) -> Result<(ContentsReport, String, String)> {
    let Connected { context, progress, state, fresh: _fresh } = connect(app, &args.pipeline.file, Access::Read)?;
    let ledger = Arc::new(Ledger::open(&app.settings.ledger).await?);
    let arguments = context.pipeline.arguments();
    let (destination, policy) = (context.destination.describe(), context.pipeline.backup);
    let options = ContentsOptions { resume: args.resume, hide_values: args.hide_values, keep: args.repair };
    let result = verify::contents(context, ledger, options).await;
    progress.close();
    drop(state);
    let report = result?;
    let backup = match policy {
        _ if args.no_backup => "No backup is taken.",
        BackupPolicy::Never => "No backup is taken: the pipeline says `backup: never`.",
        _ => "A backup is taken first, as the pipeline says.",
    };
    let plan = text::repair_plan(&report, args.delete_extra, backup, &destination);
    Ok((report, arguments, plan))
}

async fn repair(app: &App, args: &VerifyArgs) -> Result<Exit> {
    let (found, arguments, plan) = compare(app, args).await?;
    if !app.output.is_json() {
        app.output.data(&text::contents(&found, &arguments))?;
    }
    let to_do = found.totals.missing + found.totals.changed + if args.delete_extra { found.totals.extra } else { 0 };
    let report = if to_do == 0 || found.consistent {
        nothing(&found)
    } else {
        if !app.settings.yes {
            app.output.confirm(&plan, &found.pipeline)?;
        }
        write(app, args, &found).await?
    };
    if app.output.is_json() {
        app.output.document(&json!({ "contents": found, "repair": report }))?;
    } else {
        app.output.data(&text::repair(&report))?;
    }
    Ok(exit(&found, &report))
}

/// What is left: the exit codes of a run, and 5 for what still differs.
fn exit(found: &ContentsReport, report: &RepairReport) -> Exit {
    let deleted: u64 = report.deleted.iter().map(|(_, rows)| rows).sum();
    let left = if report.run.is_some() {
        let repaired = report.written.saturating_sub(report.still_different) + deleted;
        found.unaccepted.saturating_sub(repaired) > report.rejected || report.counts_valid == Some(false)
    } else {
        !found.consistent
    };
    Exit::of([
        if left { Exit::Differences } else { Exit::Clean },
        if report.rejected > 0 { Exit::Rejects } else { Exit::Clean },
    ])
}

async fn write(app: &App, args: &VerifyArgs, found: &ContentsReport) -> Result<RepairReport> {
    let Connected { context, progress, state, fresh: _fresh } = connect(app, &args.pipeline.file, Access::Write)?;
    let ledger = Arc::new(Ledger::open(&app.settings.ledger).await?);
    let mut start = RunStart {
        id: String::new(),
        pipeline: context.pipeline.name.clone(),
        pipeline_file: context.pipeline.arguments(),
        destination: context.destination.describe(),
        destination_url: shown_url(&context.pipeline.destination.url),
        initiated_by: context.initiated_by.clone(),
        started_at: String::new(),
        rolls_back: None,
    };
    let mut recorder =
        Recorder::open(&app.settings.ledger, context.pipeline.settings.ledger_required, &app.output).await?;
    let options = RepairOptions { delete_extra: args.delete_extra, no_backup: args.no_backup };
    let done = verify::repair(context, ledger, found.verification.clone(), options).await;
    progress.close();
    let repaired = done?;
    start.id.clone_from(&repaired.run.run_id);
    // Of fixed width: the ledger orders by it.
    let started_at: jiff::Timestamp = repaired.run.started_at.parse().map_err(|error: jiff::Error| {
        Error::new(crate::error::ErrorKind::Internal, "report_failed", "the repair's report has no time")
            .caused_by(error)
    })?;
    start.started_at = format!("{started_at:.6}");
    recorder.started(&start).await?;
    recorder.finished(&repaired.run, &state.run(&start.id).join("rejects")).await?;
    match repaired.failed {
        Some(error) => Err(error),
        None => Ok(repaired.report),
    }
}

fn nothing(found: &ContentsReport) -> RepairReport {
    RepairReport { verification: found.verification.clone(), ..RepairReport::default() }
}

fn counts_text(report: &CountsReport) -> String {
    let columns = [
        Column::Text("collection"),
        Column::Text("table"),
        Column::Number("in the source"),
        Column::Number("rows"),
        Column::Number("rejected"),
        Column::Text("valid"),
    ];
    let rows = report.collections.iter().map(|row| {
        let valid = if row.valid { "yes" } else { "NO" };
        vec![
            row.collection.clone(),
            row.table.clone(),
            row.source_count.map_or_else(|| "-".to_owned(), count),
            count(row.rows),
            count(row.rejected),
            valid.to_owned(),
        ]
    });
    let mut text = format!("Counts of run {} ({})\n\n{}", report.run, report.status, table(&columns, rows));
    let of = |row: &verify::CollectionCounts| {
        row.differences.iter().map(|found| format!("  - {}: {}\n", clean(&row.collection), clean(found))).collect()
    };
    let differences: Vec<String> = report.collections.iter().map(of).collect();
    if !report.valid {
        text.push_str(&format!("\nDifferences:\n{}", differences.concat()));
    }
    text + if report.valid { "\nCounts are valid.\n" } else { "\nCounts are NOT valid.\n" }
}
