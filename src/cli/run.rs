//! `run`: moves the documents.

use std::io::IsTerminal;
use std::path::Path;

use tracing::{error, info};

use crate::engine::run::{Prepared, prepare};
use crate::error::{Error, ErrorKind, Result};
use crate::ledger::RunStart;
use crate::pipeline::resolved::Pipeline;
use crate::report::run::RunReport;
use crate::report::text;

use super::App;
use super::args::RunArgs;
use super::connect::{Access, Connected, connect_pipeline, load, shown_url};
use super::exit::Exit;
use super::recorder::Recorder;
use super::settings::run_options;
use super::state::StateFolder;

/// Runs, records, reports.
pub async fn run(app: &App, args: &RunArgs) -> Result<Exit> {
    let options = run_options(args)?;
    let pipeline = load(app, &args.pipeline.file)?;
    let access = if options.dry_run { Access::Read } else { Access::Create };
    let (draft, required) = (draft(&pipeline), pipeline.settings.ledger_required);
    let state = StateFolder::open(&app.settings.state)?;
    let mut recorder = if options.dry_run {
        app.log.discard();
        Recorder::nothing(&app.output)
    } else {
        Recorder::open(&app.settings.ledger, required, &app.output).await?
    };
    let Connected { context, progress, state, fresh: _fresh } = connect_pipeline(app, pipeline, state, access)?;
    let start =
        RunStart { destination: context.destination.describe(), initiated_by: context.initiated_by.clone(), ..draft };
    let dry_run = options.dry_run;
    let result = async {
        let prepared = app.interruptible(prepare(context, options)).await?;
        let start =
            RunStart { id: prepared.run_id().to_owned(), started_at: format!("{:.6}", prepared.started_at()), ..start };
        if !dry_run {
            app.log.attach(&state.run(&start.id).join("run.log"))?;
            recorder.started(&start).await?;
        }
        perform(app, &recorder, prepared, &start).await
    }
    .await;
    progress.close();
    let mut report = match result {
        Ok(report) => report,
        Err(error) => {
            error!(target: super::logging::SAID, code = error.code(), "{error}");
            return Err(error);
        }
    };
    let rejects = state.run(&report.run_id).join("rejects");
    let recorded = recorder.finished(&report, &rejects).await;
    tell(app, &mut report, recorded.err(), &args.pipeline.file)
}

/// What is known of the run before it is prepared.
fn draft(pipeline: &Pipeline) -> RunStart {
    RunStart {
        id: String::new(),
        pipeline: pipeline.name.clone(),
        pipeline_file: pipeline.file.display().to_string(),
        destination: String::new(),
        destination_url: shown_url(&pipeline.destination.url),
        initiated_by: String::new(),
        started_at: String::new(),
    }
}

async fn perform(app: &App, recorder: &Recorder, prepared: Prepared, start: &RunStart) -> Result<RunReport> {
    let action = if prepared.is_resumed() { "run resumed" } else { "run started" };
    info!(
        target: super::logging::SAID,
        run = start.id,
        pipeline = start.pipeline,
        destination = start.destination_url,
        initiated_by = start.initiated_by,
        version = env!("CARGO_PKG_VERSION"),
        "{action}"
    );
    let _watch = recorder.watch(&start.id, &app.stop);
    let report = prepared.execute().await?;
    info!(
        target: super::logging::SAID,
        status = report.status.as_str(),
        read = report.totals.read,
        inserted = report.totals.inserted,
        updated = report.totals.updated,
        unchanged = report.totals.unchanged,
        skipped = report.totals.skipped,
        rejected = report.totals.rejected,
        seconds = report.duration_seconds,
        error = report.error,
        "run ended"
    );
    Ok(report)
}

/// The report on stdout; what went wrong on stderr too, where the report itself is not seen.
fn tell(app: &App, report: &mut RunReport, unrecorded: Option<Error>, file: &Path) -> Result<Exit> {
    let mut exits = vec![Exit::of_report(report)];
    if let Some(error) = &unrecorded {
        report.warnings.push(format!("the ledger does not have this run: {error}"));
        exits.push(Exit::from(error));
    }
    app.output.answer(report, || text::run(report, &file.display().to_string()))?;
    if let Some(text) = report.error.as_ref().filter(|_| !std::io::stdout().is_terminal()) {
        app.output.error(&Error::new(ErrorKind::Internal, "run_failed", text.clone()));
    }
    if let Some(error) = &unrecorded {
        app.output.error(error);
    }
    Ok(Exit::of(exits))
}
