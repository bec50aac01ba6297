//! The command line: arguments → settings → work → exit code. One file per verb; only [`output`] prints.

pub mod args;
mod backup;
mod check;
mod clear;
mod connect;
mod differences;
mod error_view;
pub mod exit;
mod explain;
mod export;
mod gate;
mod init;
mod logging;
pub mod output;
mod pipeline_schema;
mod plan;
mod progress;
mod recorder;
mod retry;
mod rollback;
mod run;
mod runs;
mod schema;
mod secrets;
mod settings;
mod signals;
mod state;
mod stats;
mod sync;
mod test;
mod usage;
mod verify;

use std::ffi::OsString;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::Parser;
use tokio_util::sync::CancellationToken;

use crate::error::{Error, ErrorKind, Result};
use args::{Cli, Verb};
use exit::Exit;
use logging::RunLog;
use output::Output;
use settings::Settings;
use usage::Misparse;

/// What every verb works with.
#[derive(Clone)]
pub struct App {
    /// Validated settings.
    settings: Settings,
    /// The only way to print.
    output: Output,
    /// Cancelled by Ctrl-C.
    stop: CancellationToken,
    /// The log, before and after it has a file.
    log: RunLog,
}

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    // The panic itself was told on stderr by then.
    let exit = catch_unwind(AssertUnwindSafe(|| start(&arguments))).unwrap_or(Exit::Failed);
    ExitCode::from(exit.code())
}

fn start(arguments: &[OsString]) -> Exit {
    match Cli::try_parse_from(arguments) {
        Ok(cli) => {
            let output = Output::new(cli.global.json, cli.global.quiet);
            conclude(&output, execute(cli, &output))
        }
        Err(error) => {
            let output = Output::new(usage::wants_json(arguments), false);
            conclude(&output, misparsed(&error, arguments, &output))
        }
    }
}

/// The exit code; an error is told first.
fn conclude(output: &Output, result: Result<Exit>) -> Exit {
    result.unwrap_or_else(|error| {
        output.fatal(&error);
        Exit::from(&error)
    })
}

fn misparsed(error: &clap::Error, arguments: &[OsString], output: &Output) -> Result<Exit> {
    match usage::explain(error, arguments) {
        Misparse::Asked(text) => output.data(&text).map(|()| Exit::Clean),
        Misparse::Nothing(help, _) if !output.is_json() => {
            output.raw(&help);
            Ok(Exit::Usage)
        }
        Misparse::Nothing(_, error) | Misparse::Wrong(error) => Err(error),
    }
}

fn execute(cli: Cli, output: &Output) -> Result<Exit> {
    let settings = Settings::new(&cli.global)?;
    let log = RunLog::new(output.secrets().clone());
    logging::install(&settings, output, &log);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| {
        Error::new(ErrorKind::Internal, "runtime_failed", "cannot start the runtime").caused_by(error)
    })?;
    let app = App { settings, output: output.clone(), stop: CancellationToken::new(), log };
    let exit = runtime.block_on(async {
        signals::watch(app.stop.clone(), app.output.clone());
        dispatch(&app, cli.verb).await
    });
    // Threads that still read are not waited for: what is durable is durable.
    runtime.shutdown_background();
    exit
}

async fn dispatch(app: &App, verb: Verb) -> Result<Exit> {
    if !matches!(verb, Verb::Run(_) | Verb::Retry(_) | Verb::Sync(_) | Verb::Cutover(_)) {
        app.log.discard();
    }
    match verb {
        Verb::Init(args) => init::init(app, &args).await,
        Verb::Check(args) => check::check(app, &args).await,
        Verb::Test(args) => test::test(app, &args),
        Verb::Plan(args) => plan::plan(app, &args).await,
        Verb::Run(args) => run::run(app, &args).await,
        Verb::Gate(args) => gate::gate(app, &args).await,
        Verb::Cutover(args) => gate::cutover(app, &args).await,
        Verb::Sync(args) => sync::sync(app, &args).await,
        Verb::Retry(args) => retry::retry(app, &args).await,
        Verb::Verify(args) => verify::verify(app, &args).await,
        Verb::Backup { verb } => backup::backup(app, verb).await,
        Verb::Schema { verb } => schema::schema(app, verb).await,
        Verb::Rollback(args) => rollback::rollback(app, &args).await,
        Verb::Clear(args) => clear::clear(app, &args).await,
        Verb::Stats(args) => stats::stats(app, &args).await,
        Verb::Export(args) => export::export(app, &args).await,
        Verb::Runs { verb } => runs::runs(app, verb).await,
        Verb::PipelineSchema(args) => pipeline_schema::pipeline_schema(app, &args),
        Verb::Explain(args) => explain::explain(app, &args),
    }
}

impl App {
    /// Work that changes nothing, so that Ctrl-C may end it at once.
    async fn interruptible<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => {
                Err(Error::new(ErrorKind::Interrupted, "interrupted", "stopped on request; nothing was changed"))
            }
            done = work => done,
        }
    }
}
