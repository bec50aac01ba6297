//! `sync`: incremental runs, turn after turn.

mod metrics;
mod notify;
mod serve;
mod tick;

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::sleep;

use crate::engine::schedule::{CatchUp, Outcome, Pace, Policy, Schedule, Turn};
use crate::error::{Error, ErrorKind, Result};

use super::App;
use super::args::{CatchUpPolicy, SyncArgs};
use super::exit::Exit;
use metrics::Metrics;
use notify::Notifier;
use tick::{Due, Ended};

/// No schedule has a turn later than this; the clock is looked at again by then.
const LONGEST_SLEEP: Duration = Duration::from_secs(600);

/// One turn, or turn after turn until somebody stops it.
pub async fn sync(app: &App, args: &SyncArgs) -> Result<Exit> {
    let schedule = schedule(args)?;
    let metrics = Metrics::default();
    let _server = match args.metrics_listen {
        Some(address) => Some(serve::start(address, metrics.clone()).await?),
        None => None,
    };
    let notifier = Notifier::start(app, args.webhook.as_deref())?;
    let mut due = Due::new(args, Timestamp::now());
    let ended = match schedule {
        Some(schedule) => {
            let mut pace = Pace::new(policy(args, schedule), Timestamp::now());
            repeat(app, args, &mut due, &mut pace, &metrics, &notifier).await
        }
        None => tolerated(app, args, turn(app, args, &mut due, &metrics, &notifier).await.exit),
    };
    notifier.finish().await;
    ended
}

/// What the caller does not want to be told by the exit code.
fn tolerated(app: &App, args: &SyncArgs, exit: Result<Exit>) -> Result<Exit> {
    let code = exit.as_ref().map_or_else(Exit::from, |exit| *exit).code();
    if code == 0 || !args.tolerate.contains(&code) {
        return exit;
    }
    app.output.note(&format!("exit code {code} is tolerated"));
    Ok(Exit::Clean)
}

/// Every pipeline once.
async fn turn(app: &App, args: &SyncArgs, due: &mut Due, metrics: &Metrics, notifier: &Notifier) -> Ended {
    let ended = tick::turn(app, args, due, metrics, notifier).await;
    if let Some(file) = &args.metrics_file
        && let Err(error) = metrics.write(file)
    {
        app.output.warn(&format!("the metrics were not written: {error}"));
    }
    ended
}

async fn repeat(
    app: &App,
    args: &SyncArgs,
    due: &mut Due,
    pace: &mut Pace,
    metrics: &Metrics,
    notifier: &Notifier,
) -> Result<Exit> {
    loop {
        let ended = turn(app, args, due, metrics, notifier).await;
        if app.stop.is_cancelled() {
            return Ok(Exit::Clean);
        }
        if ended.outcome == Outcome::Failed && !ended.may_mend {
            // A mistake in the pipeline file stays one; it was told.
            return Ok(ended.exit.unwrap_or_else(|error| Exit::from(&error)));
        }
        match pace.after(ended.outcome, Timestamp::now(), random()) {
            Turn::At(at, missed) => {
                metrics.missed(missed);
                metrics.failures(pace.failures());
                wait(app, at).await;
            }
            Turn::GiveUp(failures) => return Err(gave_up(failures)),
            Turn::Over => return Ok(Exit::Clean),
        }
        if app.stop.is_cancelled() {
            return Ok(Exit::Clean);
        }
    }
}

/// Sleeps until then, or until somebody wants to stop.
async fn wait(app: &App, at: Timestamp) {
    loop {
        let left = at.duration_since(Timestamp::now());
        let Ok(left) = Duration::try_from(left) else { return };
        if left.is_zero() {
            return;
        }
        tokio::select! {
            () = app.stop.cancelled() => return,
            // The clock may be set meanwhile.
            () = sleep(left.min(LONGEST_SLEEP)) => {}
        }
    }
}

fn schedule(args: &SyncArgs) -> Result<Option<Schedule>> {
    match (&args.every, &args.cron) {
        (Some(interval), _) => Ok(Some(Schedule::Every(*interval))),
        (None, Some(expression)) => Schedule::cron(expression, &args.timezone).map(Some),
        (None, None) => Ok(None),
    }
}

fn policy(args: &SyncArgs, schedule: Schedule) -> Policy {
    Policy {
        schedule,
        jitter: args.jitter.unwrap_or_default(),
        catch_up: match args.catch_up {
            CatchUpPolicy::Skip => CatchUp::Skip,
            CatchUpPolicy::Once => CatchUp::Once,
        },
        max_failures: u32::try_from(args.max_failures).unwrap_or(u32::MAX),
    }
}

/// A number that nobody needs to be unable to guess.
fn random() -> u64 {
    uuid::Uuid::now_v7().as_u64_pair().1
}

fn gave_up(failures: u32) -> Error {
    let message = format!("{failures} turns in a row failed");
    Error::new(ErrorKind::Source, "sync_failing", message)
        .hint("remove the cause (`fireferry runs logs latest`), then start it again: it goes on where it stopped")
}
