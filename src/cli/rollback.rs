//! `rollback RUN`: takes one run back, after a look at what goes, a confirmation and a backup.

use std::path::PathBuf;

use jiff::Timestamp;
use tracing::info;

use crate::engine::rollback::{self, RollbackOptions};
use crate::error::{Error, ErrorKind, Result};
use crate::ledger::{Ledger, RunEntry, RunStart};
use crate::pipeline::resolved::Pipeline;
use crate::report::failure::Failure;
use crate::report::rollback::RollbackReport;
use crate::report::run::{RunReport, Status, Totals};
use crate::report::text;

use super::App;
use super::args::RollbackArgs;
use super::connect::{Access, Connected, connect_pipeline, load_in, shown_url};
use super::exit::Exit;
use super::logging::SAID;
use super::recorder::Recorder;
use super::state::StateFolder;

/// Runs that the ledger keeps.
const ALL: u64 = 1_000;

/// The run, and where it wrote to.
struct Found {
    run: String,
    file: PathBuf,
    environment: Option<String>,
    /// The destination's address, without secrets.
    url: Option<String>,
}

/// Takes a run back.
pub async fn rollback(app: &App, args: &RollbackArgs) -> Result<Exit> {
    let found = find(app, args).await?;
    // Who is asked, or wants to know, is told of the rows.
    let brief = app.settings.yes && !args.dry_run;
    let planned = match plan(app, &found, brief).await {
        Err(error) if error.code() == "run_unknown" => return Err(taken_back_before(app, &found, error).await),
        planned => planned?,
    };
    if args.dry_run {
        let planned = RollbackReport { dry_run: true, ..planned };
        app.output.answer(&planned, || {
            format!("A rollback would take back {}:\n{}", text::rollback_headline(&planned), text::rollback(&planned))
        })?;
        return Ok(if planned.conflicts.is_empty() { Exit::Clean } else { Exit::Refused });
    }
    if !app.settings.yes {
        ask(app, args, &planned)?;
    }
    perform(app, args, &found, planned).await
}

/// By the ledger, or by what was typed.
async fn find(app: &App, args: &RollbackArgs) -> Result<Found> {
    if let Some(file) = &args.pipeline {
        let environment = app.settings.environment.clone();
        return Ok(Found { run: args.run.clone(), file: file.clone(), environment, url: None });
    }
    let unknown = || {
        Error::new(ErrorKind::Usage, "run_unknown", "there is no run yet: no ledger was found")
            .file(&app.settings.ledger)
            .hint("`--state-dir` or `--ledger` say where it is; --pipeline names the run's pipeline without one")
    };
    let ledger = Ledger::open_existing(&app.settings.ledger).await?.ok_or_else(unknown)?;
    let entry = match args.run.as_str() {
        "latest" => latest(&ledger).await?,
        run => ledger.get(run).await?.0,
    };
    if entry.status == Status::RolledBack.as_str() {
        return Err(rolled_back(&entry.run_id));
    }
    // A rollback that was named instead of its run is gone on with.
    let run = entry.rolls_back.unwrap_or(entry.run_id);
    let (file, environment) = match entry.pipeline_file.rsplit_once(" --env ") {
        Some((file, name)) => (file, Some(name.to_owned())),
        None => (entry.pipeline_file.as_str(), None),
    };
    Ok(Found { run, file: PathBuf::from(file), environment, url: Some(entry.destination_url) })
}

/// A rollback may have come to its end in the destination without being able to say so in the ledger.
async fn taken_back_before(app: &App, found: &Found, unknown: Error) -> Error {
    let Ok(Some(ledger)) = Ledger::open_existing(&app.settings.ledger).await else { return unknown };
    let entries = ledger.list(ALL).await.unwrap_or_default();
    if !entries.iter().any(|entry| entry.rolls_back.as_ref() == Some(&found.run)) {
        return unknown;
    }
    match ledger.run_rolled_back(&found.run).await {
        Ok(()) => rolled_back(&found.run),
        Err(error) => error,
    }
}

fn rolled_back(run: &str) -> Error {
    Error::new(ErrorKind::Usage, "run_rolled_back", format!("run {run} was taken back already"))
        .hint("`fireferry runs list` shows the others")
}

/// The newest run that can be taken back: neither a rollback that ended, nor a run that was taken back.
async fn latest(ledger: &Ledger) -> Result<RunEntry> {
    let taken_back = |entry: &RunEntry| {
        entry.status == Status::RolledBack.as_str()
            || entry.rolls_back.is_some() && entry.status == Status::Completed.as_str()
    };
    let entry = ledger.list(ALL).await?.into_iter().find(|entry| !taken_back(entry));
    entry.ok_or_else(|| {
        Error::new(ErrorKind::Usage, "run_unknown", "there is no run that could be taken back").file(ledger.path())
    })
}

async fn plan(app: &App, found: &Found, brief: bool) -> Result<RollbackReport> {
    let mut connected = connect(app, found, Access::Read)?;
    let planned = match brief {
        true => app.interruptible(rollback::outline(&mut connected.context, &found.run)).await,
        false => app.interruptible(rollback::plan(&mut connected.context, &found.run)).await,
    };
    connected.close();
    planned
}

/// Opens what the run wrote to, which an option may have named.
fn connect(app: &App, found: &Found, access: Access) -> Result<Connected> {
    let local = found.url.as_deref().filter(|url| url.starts_with("file:") && app.settings.destination.is_none());
    let local = local.map(|url| url.replace('%', "%25"));
    let pipeline = load_in(app, &found.file, found.environment.as_deref(), local.as_deref())?;
    require_same_destination(app, found, &pipeline)?;
    connect_pipeline(app, pipeline, StateFolder::open(&app.settings.state)?, access)
}

fn require_same_destination(app: &App, found: &Found, pipeline: &Pipeline) -> Result<()> {
    let now = shown_url(&pipeline.destination.url);
    match &found.url {
        Some(url) if *url != now && app.settings.destination.is_none() => {
            let message = format!("run {} wrote to {url}, the pipeline now says {now}", found.run);
            Err(Error::new(ErrorKind::Usage, "rollback_elsewhere", message)
                .hint("name its destination with --destination"))
        }
        _ => Ok(()),
    }
}

fn ask(app: &App, args: &RollbackArgs, planned: &RollbackReport) -> Result<()> {
    let backup = if args.no_backup { "No backup is taken." } else { "A backup is taken first." };
    let question =
        format!("This takes back {}:\n{}{backup}", text::rollback_headline(planned), text::rollback(planned));
    app.output.confirm(&text::clean_lines(&question), "rollback")
}

/// Takes it back, and records that as a run of its own.
async fn perform(app: &App, args: &RollbackArgs, found: &Found, planned: RollbackReport) -> Result<Exit> {
    let mut connected = connect(app, found, Access::Write)?;
    let pipeline = &connected.context.pipeline;
    let mut recorder = Recorder::open(&app.settings.ledger, pipeline.settings.ledger_required, &app.output).await?;
    let started = Timestamp::now();
    let start = RunStart {
        id: uuid::Uuid::now_v7().to_string(),
        pipeline: pipeline.name.clone(),
        pipeline_file: pipeline.arguments(),
        destination: connected.context.destination.describe(),
        destination_url: shown_url(&pipeline.destination.url),
        initiated_by: connected.context.initiated_by.clone(),
        started_at: format!("{started:.6}"),
        rolls_back: Some(found.run.clone()),
    };
    app.log.attach(&connected.state.run(&start.id).join("run.log"))?;
    recorder.started(&start).await?;
    info!(target: SAID, run = start.id, rolls_back = found.run, force = args.force, "rollback started");
    let watch = recorder.watch(&start.id, &app.stop);
    let options = RollbackOptions { force: args.force, no_backup: args.no_backup };
    let done = rollback::rollback(&mut connected.context, &found.run, options).await;
    drop(watch);
    connected.close();
    let report = report(&start, started, planned, &done);
    let error = report.error.as_ref();
    info!(target: SAID, status = report.status.as_str(), code = error.map(|error| error.code.as_str()), "rollback ended");
    recorder.rolled_back(&report, done.is_ok().then_some(found.run.as_str())).await?;
    let taken = done?;
    app.output.answer(&taken, || {
        let backup = taken.backup.as_ref().map_or_else(|| "none taken".to_owned(), |path| text::clean(path));
        format!("Took back {}.\n{}Backup: {backup}\n", text::rollback_headline(&taken), text::rollback(&taken))
    })?;
    Ok(Exit::Clean)
}

/// The rollback as the ledger shows it.
fn report(start: &RunStart, started: Timestamp, planned: RollbackReport, done: &Result<RollbackReport>) -> RunReport {
    let finished = Timestamp::now();
    RunReport {
        run_id: start.id.clone(),
        pipeline: start.pipeline.clone(),
        status: match done {
            Ok(_) => Status::Completed,
            Err(error) if error.kind() == ErrorKind::Interrupted => Status::Interrupted,
            Err(_) => Status::Failed,
        },
        dry_run: false,
        retry_of: None,
        initiated_by: start.initiated_by.clone(),
        started_at: start.started_at.clone(),
        finished_at: finished.to_string(),
        duration_seconds: finished.duration_since(started).as_secs_f64(),
        estimate: None,
        snapshot: None,
        reads: None,
        backup: done.as_ref().ok().and_then(|taken| taken.backup.clone()),
        stage: None,
        collections: vec![],
        totals: Totals::default(),
        rejects: vec![],
        total_rejects: 0,
        warnings: vec![],
        drift: vec![],
        samples: vec![],
        rollback: Some(done.as_ref().map_or(planned, Clone::clone)),
        error: done.as_ref().err().map(Failure::from),
    }
}
