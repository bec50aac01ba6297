//! `check`: all findings of preflight; changes nothing.

use crate::engine::{RunOptions, preflight};
use crate::error::{Error, ErrorKind, Result};
use crate::report::finding::{CheckReport, Finding};
use crate::report::text;

use super::App;
use super::args::PipelineArg;
use super::connect::{Access, connect};
use super::exit::Exit;

/// Exit code 3 when a run would be refused.
pub async fn check(app: &App, args: &PipelineArg) -> Result<Exit> {
    let mut connected = match connect(app, &args.file, Access::Read) {
        Ok(connected) => connected,
        Err(error) if error.kind() == ErrorKind::Preflight => return answer(app, &unopened(&error)),
        Err(error) => return Err(error),
    };
    let result = app.interruptible(preflight::check(&mut connected.context, &RunOptions::default())).await;
    connected.close();
    answer(app, &result?)
}

/// An end that cannot be opened is a finding like any other; the checks behind it cannot be made.
fn unopened(error: &Error) -> CheckReport {
    CheckReport { safe: false, issues: vec![Finding::of_error(error)] }
}

fn answer(app: &App, report: &CheckReport) -> Result<Exit> {
    app.output.answer(report, || text::check(report))?;
    Ok(if report.safe { Exit::Clean } else { Exit::Refused })
}
