//! `run`: moves the documents.

use std::path::Path;

use tracing::{error, info};

use crate::engine::retrying::{self, RetryRequest};
use crate::engine::run::{Prepared, prepare};
use crate::engine::{Context, RunOptions};
use crate::error::{Error, Result};
use crate::ledger::RunStart;
use crate::pipeline::resolved::{Pipeline, arguments};
use crate::report::run::RunReport;
use crate::report::text;

use super::App;
use super::args::RunArgs;
use super::connect::{Access, Connected, connect_pipeline, load, shown_url, stage};
use super::exit::Exit;
use super::logging::SAID;
use super::recorder::Recorder;
use super::settings::run_options;
use super::state::StateFolder;

/// Runs, records, reports.
pub async fn run(app: &App, args: &RunArgs) -> Result<Exit> {
    let work = Work { options: run_options(args)?, stage: args.stage, retry: None };
    go(app, &args.pipeline.file, work).await
}

/// Writes the rejects of a run again, as a run of its own.
pub async fn retry(app: &App, file: &Path, request: RetryRequest, options: RunOptions) -> Result<Exit> {
    go(app, file, Work { options, stage: false, retry: Some(request) }).await
}

/// One run of a pipeline; the caller tells of it.
pub async fn once(app: &App, file: &Path, options: RunOptions) -> Result<RunReport> {
    let (report, unrecorded) = execute(app, file, Work { options, stage: false, retry: None }).await?;
    if let Some(error) = &unrecorded {
        app.output.error(error);
    }
    Ok(report)
}

/// What a run is to do.
struct Work {
    options: RunOptions,
    stage: bool,
    retry: Option<RetryRequest>,
}

async fn go(app: &App, file: &Path, work: Work) -> Result<Exit> {
    let (mut report, unrecorded) = execute(app, file, work).await?;
    tell(app, &mut report, unrecorded, file)
}

/// The report, and why the ledger does not have it.
async fn execute(app: &App, file: &Path, work: Work) -> Result<(RunReport, Option<Error>)> {
    let Work { options, stage: staged, retry } = work;
    let pipeline = load(app, file)?;
    let state = StateFolder::open(&app.settings.state)?;
    let mut recorder = recorder(app, &pipeline, options.dry_run).await?;
    let draft = draft(&pipeline);
    let access = match (options.dry_run, &retry) {
        (true, _) => Access::Read,
        (false, Some(_)) => Access::Write,
        (false, None) => Access::Create,
    };
    let Connected { mut context, progress, state, fresh: _fresh } = connect_pipeline(app, pipeline, state, access)?;
    context.stage = staged.then(stage);
    let done = perform(app, &mut recorder, &state, draft, context, (options, retry)).await;
    progress.close();
    let report = done.inspect_err(|error| error!(target: SAID, code = error.code(), "{error}"))?;
    let rejects = state.run(&report.run_id).join("rejects");
    let recorded = recorder.finished(&report, &rejects).await;
    Ok((report, recorded.err()))
}

/// A dry run has neither ledger nor log file.
async fn recorder(app: &App, pipeline: &Pipeline, dry_run: bool) -> Result<Recorder> {
    if dry_run {
        app.log.discard();
        return Ok(Recorder::nothing(&app.output));
    }
    Recorder::open(&app.settings.ledger, pipeline.settings.ledger_required, &app.output).await
}

/// What is known of the run before it is prepared.
fn draft(pipeline: &Pipeline) -> RunStart {
    RunStart {
        id: String::new(),
        pipeline: pipeline.name.clone(),
        // With its environment: `runs show` says how to go on, and must not send anybody to another destination.
        pipeline_file: pipeline.arguments(),
        destination: String::new(),
        destination_url: shown_url(&pipeline.destination.url),
        initiated_by: String::new(),
        started_at: String::new(),
        rolls_back: None,
    }
}

/// Everything between a connected pipeline and a report. Ctrl-C ends the preparation at once, the work cleanly.
async fn perform(
    app: &App,
    recorder: &mut Recorder,
    state: &StateFolder,
    draft: RunStart,
    mut context: Context,
    (options, retry): (RunOptions, Option<RetryRequest>),
) -> Result<RunReport> {
    let options = match retry {
        Some(request) => app.interruptible(retrying::enter(&mut context, &request, options)).await?,
        None => options,
    };
    let dry_run = options.dry_run;
    let (destination, initiated_by) = (context.destination.describe(), context.initiated_by.clone());
    let prepared = app.interruptible(prepare(context, options)).await?;
    let id = prepared.run_id().to_owned();
    // Of fixed width: the ledger orders by it.
    let started_at = format!("{:.6}", prepared.started_at());
    let start = RunStart { id, started_at, destination, initiated_by, ..draft };
    if !dry_run {
        app.log.attach(&state.run(&start.id).join("run.log"))?;
        recorder.started(&start).await?;
    }
    log_start(&start, &prepared);
    let _watch = recorder.watch(&start.id, &app.stop);
    prepared.execute().await.inspect(log_end)
}

fn log_start(start: &RunStart, prepared: &Prepared) {
    info!(
        target: SAID,
        run = start.id,
        pipeline = start.pipeline,
        destination = start.destination_url,
        initiated_by = start.initiated_by,
        version = env!("CARGO_PKG_VERSION"),
        "{}",
        if prepared.is_resumed() { "run resumed" } else { "run started" }
    );
}

fn log_end(report: &RunReport) {
    info!(
        target: SAID,
        status = report.status.as_str(),
        read = report.totals.read,
        inserted = report.totals.inserted,
        updated = report.totals.updated,
        unchanged = report.totals.unchanged,
        skipped = report.totals.skipped,
        rejected = report.totals.rejected,
        seconds = report.duration_seconds,
        error = report.error.as_ref().map(|error| error.message.as_str()),
        code = report.error.as_ref().map(|error| error.code.as_str()),
        "run ended"
    );
}

/// The report on stdout; what went wrong on stderr too, where the report itself is not seen.
fn tell(app: &App, report: &mut RunReport, unrecorded: Option<Error>, file: &Path) -> Result<Exit> {
    let mut exits = vec![Exit::of_report(report)];
    if let Some(error) = &unrecorded {
        report.warnings.push(format!("the ledger does not have this run: {error}"));
        exits.push(Exit::from(error));
    }
    app.output.answer(report, || text::run(report, &arguments(file, app.settings.environment.as_deref())))?;
    if let Some(failure) = report.error.as_ref().filter(|_| !app.output.data_is_seen()) {
        app.output.failure(failure);
    }
    if let Some(error) = &unrecorded {
        app.output.error(error);
    }
    Ok(Exit::of(exits))
}
