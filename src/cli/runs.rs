//! `runs list|show|logs|rejects|differences|cancel`: the history of runs.

use std::io::Read;

use serde_json::json;

use crate::error::{Error, ErrorKind, Result};
use crate::ledger::{Ledger, LedgerReject, RejectFilter, RunEntry, RunState};
use crate::report::markdown;
use crate::report::run::RunReport;
use crate::report::text::{self, Column, clean, count, moment, table};

use super::App;
use super::args::{ReportFormat, RunsVerb};
use super::differences;
use super::exit::Exit;
use super::state::run_folder;

/// Bytes of a log read at once.
const CHUNK: usize = 64 * 1024;
/// Rejects read at once.
const PAGE: u64 = 200;

/// Dispatches.
pub async fn runs(app: &App, verb: RunsVerb) -> Result<Exit> {
    match verb {
        RunsVerb::List { limit } => list(app, limit).await,
        RunsVerb::Show { run, format } => show(app, &run.run, format).await,
        RunsVerb::Logs(run) => logs(app, &run.run).await,
        RunsVerb::Rejects { run, collection, code, limit, data } => {
            let filter = RejectFilter { collection, code, after: 0, limit };
            rejects(app, &run.run, filter, data).await
        }
        RunsVerb::Differences(args) => differences::differences(app, &ledger(app).await?, args).await,
        RunsVerb::Cancel(run) => cancel(app, &run.run).await,
    }?;
    Ok(Exit::Clean)
}

/// The ledger, or an error that says that there is none yet.
async fn ledger(app: &App) -> Result<Ledger> {
    Ledger::open_existing(&app.settings.ledger).await?.ok_or_else(|| {
        Error::new(ErrorKind::Usage, "run_unknown", "there is no run yet: no ledger was found")
            .file(&app.settings.ledger)
            .hint("`--state-dir` or `--ledger` say where it is")
    })
}

/// The run that a selector names.
pub async fn find(app: &App, selector: &str) -> Result<RunEntry> {
    ledger(app).await?.get(selector).await.map(|(entry, _)| entry)
}

async fn list(app: &App, limit: u64) -> Result<()> {
    let entries = match Ledger::open_existing(&app.settings.ledger).await? {
        Some(ledger) => ledger.list(limit).await?,
        None => Vec::new(),
    };
    app.output.answer(&Listed { runs: &entries }, || list_text(&entries))
}

/// The answer of `runs list --json`.
#[derive(serde::Serialize)]
struct Listed<'a> {
    runs: &'a [RunEntry],
}

fn list_text(entries: &[RunEntry]) -> String {
    if entries.is_empty() {
        return "There is no run yet.\n".to_owned();
    }
    let columns = [
        Column::Text("run"),
        Column::Text("pipeline"),
        Column::Text("status"),
        Column::Text("started at"),
        Column::Number("read"),
        Column::Number("rejected"),
        Column::Text("by"),
    ];
    let number = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), count);
    let rows = entries.iter().map(|entry| {
        vec![
            entry.run_id.clone(),
            entry.pipeline.clone(),
            status_text(entry),
            moment(&entry.started_at),
            number(entry.read),
            number(entry.rejected),
            entry.initiated_by.clone(),
        ]
    });
    table(&columns, rows)
}

fn status_text(entry: &RunEntry) -> String {
    let note = match entry.state {
        RunState::Active if entry.cancel_requested => " (asked to stop)",
        RunState::Died => " (its process is gone)",
        RunState::Active | RunState::Ended => "",
    };
    let retry = if entry.retry_of.is_some() { " (retry)" } else { "" };
    let kind = if entry.rolls_back.is_some() { " (rollback)" } else { "" };
    entry.status.clone() + retry + kind + note
}

async fn show(app: &App, run: &str, format: ReportFormat) -> Result<()> {
    let (entry, report) = ledger(app).await?.get(run).await?;
    let Some(report) = report else { return show_open(app, &entry, format) };
    match format {
        ReportFormat::Text if !app.output.is_json() => app.output.data(&text::run(&report, &entry.pipeline_file)),
        ReportFormat::Md if !app.output.is_json() => app.output.data(&markdown::run(&report)),
        _ => app.output.document(&report),
    }
}

/// A run without a report: it goes on, or its process is gone.
fn show_open(app: &App, entry: &RunEntry, format: ReportFormat) -> Result<()> {
    if app.output.is_json() || format == ReportFormat::Json {
        return app.output.document(entry);
    }
    let next = match entry.state {
        RunState::Active => format!("stop it cleanly: fireferry runs cancel {}", entry.run_id),
        _ if entry.rolls_back.is_some() => {
            format!("go on where it stopped: fireferry rollback {}", entry.rolls_back.as_deref().unwrap_or_default())
        }
        RunState::Ended | RunState::Died => {
            format!("go on where it stopped: fireferry run {} --resume={}", clean(&entry.pipeline_file), entry.run_id)
        }
    };
    app.output.data(&format!(
        "Run {} of pipeline {}: {}\n  started {} by {}, process {}\n  to {}\n\nNext:\n  - {next}\n",
        entry.run_id,
        clean(&entry.pipeline),
        status_text(entry),
        moment(&entry.started_at),
        clean(&entry.initiated_by),
        entry.pid,
        clean(&entry.destination),
    ))
}

async fn logs(app: &App, run: &str) -> Result<()> {
    let (entry, _) = ledger(app).await?.get(run).await?;
    let path = run_folder(&app.settings.state, &entry.run_id).join("run.log");
    let missing = |error: std::io::Error| {
        Error::new(ErrorKind::Usage, "log_missing", format!("there is no log of run {}", entry.run_id))
            .file(&path)
            .caused_by(error)
            .hint("`--state-dir` says in which folder the run kept it")
    };
    let mut file = std::fs::File::open(&path).map_err(missing)?;
    if app.output.is_json() {
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(missing)?;
        let lines: Vec<&str> = text.lines().collect();
        return app.output.document(&json!({ "run_id": entry.run_id, "file": path, "lines": lines }));
    }
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = file.read(&mut chunk).map_err(missing)?;
        if read == 0 {
            return Ok(());
        }
        app.output.bytes(&chunk[..read])?;
    }
}

async fn rejects(app: &App, run: &str, filter: RejectFilter, with_data: bool) -> Result<()> {
    let ledger = ledger(app).await?;
    let (entry, report) = ledger.get(run).await?;
    if report.is_none() {
        app.output.warn("this run has not ended; its rejects are listed once it has");
    }
    let total = report.as_ref().map_or(0, |report| report.total_rejects);
    let mut listing = Listing { app, shown: 0, with_data };
    listing.begin(&entry, total)?;
    let mut page_filter = filter.clone();
    loop {
        page_filter.limit = PAGE.min(filter.limit - listing.shown);
        let page = ledger.rejects(&entry.run_id, &page_filter).await?;
        page.iter().try_for_each(|found| listing.item(found))?;
        page_filter.after = page.last().map_or(0, |last| last.number);
        if listing.shown >= filter.limit || (page.len() as u64) < page_filter.limit {
            break;
        }
    }
    listing.end(report.as_ref(), &entry, &filter)
}

/// Writes rejects one by one, so that many need no memory.
struct Listing<'a> {
    app: &'a App,
    shown: u64,
    with_data: bool,
}

impl Listing<'_> {
    fn begin(&self, entry: &RunEntry, total: u64) -> Result<()> {
        if !self.app.output.is_json() {
            return Ok(());
        }
        let head = json!({ "run_id": entry.run_id, "total_rejects": total }).to_string();
        self.app.output.data(&format!("{},\"rejects\":[", head.trim_end_matches('}')))
    }

    fn item(&mut self, found: &LedgerReject) -> Result<()> {
        let first = self.shown == 0;
        self.shown += 1;
        if self.app.output.is_json() {
            // Strings, numbers and JSON values always serialise.
            let item = serde_json::to_string(found).unwrap_or_default();
            return self.app.output.data(&format!("{}\n{item}", if first { "" } else { "," }));
        }
        let mut text = text::reject(&found.reject);
        if let Some(retried) = &found.retried {
            let what = if retried.written { "written" } else { "rejected again" };
            text.push_str(&format!("      {what} by retry {}\n", retried.run));
        }
        if self.with_data {
            text.push_str(&format!("      {}\n", clean(&found.reject.data.to_string())));
        }
        self.app.output.data(&text)
    }

    fn end(&self, report: Option<&RunReport>, entry: &RunEntry, filter: &RejectFilter) -> Result<()> {
        if self.app.output.is_json() {
            return self.app.output.data("\n]}\n");
        }
        let total = report.map_or(0, |report| report.total_rejects);
        let filtered = filter.collection.is_some() || filter.code.is_some();
        if self.shown == 0 {
            let which = if filtered && total > 0 { "such " } else { "" };
            return self.app.output.data(&format!("Run {} has no {which}rejects.\n", entry.run_id));
        }
        if !filtered && self.shown < total {
            self.app.output.note(&format!("{} of {} shown; --limit N shows more", count(self.shown), count(total)));
        }
        let folder = run_folder(&self.app.settings.state, &entry.run_id).join("rejects");
        if folder.is_dir() {
            self.app.output.note(&format!("the whole documents: {}", folder.display()));
        }
        Ok(())
    }
}

async fn cancel(app: &App, run: &str) -> Result<()> {
    let ledger = ledger(app).await?;
    let (entry, _) = ledger.get(run).await?;
    if entry.state != RunState::Active {
        let message = format!("run {} is not going on: {}", entry.run_id, status_text(&entry));
        return Err(
            Error::new(ErrorKind::Usage, "run_not_active", message).hint("`fireferry runs list` shows which are")
        );
    }
    ledger.request_cancel(&entry.run_id).await?;
    app.output.answer(&json!({ "run_id": entry.run_id, "cancel_requested": true }), || {
        format!(
            "Run {} was asked to stop after the commit in flight.\nGo on later: fireferry run {} --resume={}\n",
            entry.run_id,
            clean(&entry.pipeline_file),
            entry.run_id
        )
    })
}
