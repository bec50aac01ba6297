//! One turn of `sync`.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use crate::engine::RunOptions;
use crate::engine::schedule::Outcome;
use crate::error::{Error, ErrorKind, Result};
use crate::report::run::{RunReport, Status};
use crate::report::text::count;

use super::super::App;
use super::super::args::{PipelineArg, SyncArgs, VerifyArgs};
use super::super::exit::Exit;
use super::super::{backup, run, verify};
use super::metrics::Metrics;
use super::notify::{Event, Notifier};

/// A run that cannot go on for one of these reasons begins anew.
const BEGIN_ANEW: [&str; 4] = ["resume_refused", "snapshot_too_old", "cursor_not_understood", "nothing_to_resume"];

/// How a turn ended.
pub(super) struct Ended {
    /// What the schedule makes of it.
    pub outcome: Outcome,
    /// What a single turn ends with.
    pub exit: Result<Exit>,
    /// Another turn may go well.
    pub may_mend: bool,
}

/// What else is to be done from time to time.
pub(super) struct Due {
    backup: Option<(Duration, Timestamp)>,
    verify: Option<(Duration, Timestamp)>,
}

impl Due {
    /// Nothing was done yet.
    pub fn new(args: &SyncArgs, now: Timestamp) -> Self {
        let from = |every: Option<Duration>| every.map(|every| (every, now));
        Self { backup: from(args.backup_every), verify: from(args.verify_every) }
    }

    fn take(job: &mut Option<(Duration, Timestamp)>, now: Timestamp) -> bool {
        let Some((every, last)) = job else { return false };
        let due = now.duration_since(*last).unsigned_abs() >= *every;
        if due {
            *last = now;
        }
        due
    }
}

/// Every pipeline once; a failure of one does not keep the others back.
pub(super) async fn turn(app: &App, args: &SyncArgs, due: &mut Due, metrics: &Metrics, notifier: &Notifier) -> Ended {
    let now = Timestamp::now();
    let (backs_up, compares) = (Due::take(&mut due.backup, now), Due::take(&mut due.verify, now));
    let mut all = Ended { outcome: Outcome::Done, exit: Ok(Exit::Clean), may_mend: true };
    for file in &args.files {
        if app.stop.is_cancelled() {
            break;
        }
        let one = pipeline(app, args, file, (backs_up, compares), metrics, notifier).await;
        all.outcome = match (all.outcome, one.outcome) {
            (Outcome::Failed, _) | (_, Outcome::Failed) => Outcome::Failed,
            (Outcome::Skipped, _) | (_, Outcome::Skipped) => Outcome::Skipped,
            _ => Outcome::Done,
        };
        all.may_mend &= one.may_mend;
        all.exit = match (all.exit, one.exit) {
            (Ok(first), Ok(second)) => Ok(Exit::of([first, second])),
            (Err(first), Err(second)) => {
                app.output.error(&second);
                Err(first)
            }
            (Err(error), _) | (_, Err(error)) => Err(error),
        };
    }
    all
}

async fn pipeline(
    app: &App,
    args: &SyncArgs,
    file: &Path,
    (backs_up, compares): (bool, bool),
    metrics: &Metrics,
    notifier: &Notifier,
) -> Ended {
    let pipeline = PipelineArg { file: file.to_owned() };
    if backs_up && let Err(error) = backup::create_quietly(app, &pipeline).await {
        return failed(app, args, file, error, metrics, notifier);
    }
    let report = match once(app, args, file).await {
        Ok(report) => report,
        Err(error) => return failed(app, args, file, error, metrics, notifier),
    };
    metrics.ran(&report);
    tell(app, &report);
    let mut exit = Exit::of_report(&report);
    if compares && exit != Exit::Failed {
        match verify::quietly(app, &VerifyArgs::contents(pipeline)).await {
            Ok((consistent, rate)) => {
                metrics.compared(&report.pipeline, consistent, rate);
                exit = if consistent { exit } else { Exit::of([exit, Exit::Differences]) };
            }
            Err(error) => return failed(app, args, file, error, metrics, notifier),
        }
    }
    notifier.turn(&Event::of_report(&report, exit));
    let outcome = if exit == Exit::Failed { Outcome::Failed } else { Outcome::Done };
    Ended { outcome, exit: Ok(exit), may_mend: true }
}

/// Goes on with an unfinished run, or begins one.
async fn once(app: &App, args: &SyncArgs, file: &Path) -> Result<RunReport> {
    let options = |go_on: bool| RunOptions {
        incremental: true,
        go_on,
        deletes_every: args.deletes_every,
        max_reads: args.max_reads,
        ..RunOptions::default()
    };
    match run::once(app, file, options(true)).await {
        Err(error) if BEGIN_ANEW.contains(&error.code()) => {
            app.output.note(&format!("beginning a new run: {error}"));
            run::once(app, file, options(false)).await
        }
        done => done,
    }
}

fn failed(app: &App, args: &SyncArgs, file: &Path, error: Error, metrics: &Metrics, notifier: &Notifier) -> Ended {
    let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    if error.kind() == ErrorKind::LeaseHeld {
        metrics.skipped(&name);
        app.output.note(&format!("{name}: skipped, {error}"));
        return Ended { outcome: Outcome::Skipped, exit: Err(error), may_mend: true };
    }
    if error.kind() == ErrorKind::Interrupted {
        return Ended { outcome: Outcome::Done, exit: Ok(Exit::Interrupted), may_mend: true };
    }
    metrics.failed(&name);
    notifier.turn(&Event::of_error(&name, &error));
    if args.repeats() {
        app.output.error(&error);
    }
    let may_mend = !matches!(error.kind(), ErrorKind::Usage | ErrorKind::Config);
    Ended { outcome: Outcome::Failed, exit: Err(error), may_mend }
}

/// One line for a turn; with `--json` one document a line.
fn tell(app: &App, report: &RunReport) {
    let totals = &report.totals;
    let deleted: u64 = report.collections.iter().map(|row| row.deleted).sum();
    if app.output.is_json() {
        let line = json!({
            "pipeline": report.pipeline, "run_id": report.run_id, "status": report.status.as_str(),
            "started_at": report.started_at, "duration_seconds": report.duration_seconds, "snapshot": report.snapshot,
            "read": totals.read, "inserted": totals.inserted, "updated": totals.updated,
            "unchanged": totals.unchanged, "skipped": totals.skipped, "rejected": totals.rejected, "deleted": deleted,
            "billed_reads": report.reads.map(|reads| reads.billed), "warnings": report.warnings, "error": report.error,
        });
        // A reader that went away is no reason to stop.
        drop(app.output.data(&format!("{line}\n")));
        return;
    }
    let mut line = format!("{} {}: {} read", report.finished_at, report.pipeline, count(totals.read));
    let parts = [
        (totals.inserted, "inserted"),
        (totals.updated, "updated"),
        (deleted, "deleted"),
        (totals.rejected, "rejected"),
    ];
    for (number, what) in parts.iter().filter(|(number, _)| *number > 0) {
        line.push_str(&format!(", {} {what}", count(*number)));
    }
    if !matches!(report.status, Status::Completed) {
        line.push_str(&format!(" ({})", report.status.as_str().replace('_', " ")));
    }
    drop(app.output.data(&(line + "\n")));
    if let Some(failure) = &report.error {
        app.output.failure(failure);
    }
}
