//! `check`: all findings of preflight; changes nothing.

use crate::engine::{RunOptions, preflight};
use crate::error::Result;
use crate::report::text;

use super::App;
use super::args::PipelineArg;
use super::connect::{Access, connect};
use super::exit::Exit;

/// Exit code 3 when a run would be refused.
pub async fn check(app: &App, args: &PipelineArg) -> Result<Exit> {
    let mut connected = connect(app, &args.file, Access::Read)?;
    let result = app.interruptible(preflight::check(&mut connected.context, &RunOptions::default())).await;
    connected.close();
    let report = result?;
    app.output.answer(&report, || text::check(&report))?;
    Ok(if report.safe { Exit::Clean } else { Exit::Refused })
}
