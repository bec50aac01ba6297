//! `gate`: is it safe to go? And `cutover`: the last pass, the proof that the source is quiet, and that answer.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::engine::{RunOptions, gate};
use crate::error::{Error, ErrorKind, Result};
use crate::ledger::Ledger;
use crate::report::gate::GateReport;
use crate::report::run::{RunReport, Status};
use crate::report::text::{Column, clean, count, table};

use super::App;
use super::args::{CutoverArgs, PipelineArg, VerifyArgs};
use super::connect::{Access, connect};
use super::exit::Exit;
use super::{run, verify};

/// Exit code 0 says go, 5 no-go.
pub async fn gate(app: &App, args: &PipelineArg) -> Result<Exit> {
    let report = judged(app, args).await?;
    app.output.answer(&report, || text(&report))?;
    Ok(if report.go { Exit::Clean } else { Exit::Differences })
}

async fn judged(app: &App, args: &PipelineArg) -> Result<GateReport> {
    let mut connected = connect(app, &args.file, Access::Read)?;
    let ledger = Arc::new(Ledger::open(&app.settings.ledger).await?);
    let result = app.interruptible(gate::gate(&mut connected.context, &ledger)).await;
    connected.close();
    result
}

fn text(report: &GateReport) -> String {
    let columns = [
        Column::Text("gate"),
        Column::Text("wanted"),
        Column::Text("measured"),
        Column::Text("since"),
        Column::Text(""),
    ];
    let rows = report.gates.iter().map(|gate| {
        let state = match (gate.open, gate.only_warns) {
            (true, _) => "open",
            (false, true) => "closed (warns)",
            (false, false) => "CLOSED",
        };
        let since = gate.since.clone().unwrap_or_else(|| "-".to_owned());
        vec![gate.gate.to_owned(), gate.wanted.clone(), gate.measured.clone(), since, state.to_owned()]
    });
    let mut text =
        format!("{}: {}\n\n{}", clean(&report.pipeline), if report.go { "GO" } else { "NO-GO" }, table(&columns, rows));
    for gate in &report.gates {
        if let Some(why) = gate.why.as_ref().filter(|_| !gate.open) {
            text.push_str(&format!("  {}: {why}\n", gate.gate));
        }
    }
    if report.accepted > 0 {
        text.push_str(&format!("{} differences were accepted by hand.\n", count(report.accepted)));
    }
    text
}

/// Everything that must be done and proven before the old system is switched off, in one command.
pub async fn cutover(app: &App, args: &CutoverArgs) -> Result<Exit> {
    let file = &args.pipeline.file;
    app.output.note("1. reading what changed, and looking for deleted documents");
    let last = pass(app, args, true).await?;
    app.output.note(&format!("2. waiting {} s: is the source quiet?", args.quiet_for.as_secs_f64()));
    quiet(app, args.quiet_for).await?;
    let again = pass(app, args, false).await?;
    let moved = again.totals.inserted + again.totals.updated;
    if moved > 0 {
        let message =
            format!("the source still moves: {moved} documents changed within {} s", args.quiet_for.as_secs_f64());
        return Err(Error::new(ErrorKind::Preflight, "source_moves", message)
            .hint("stop what writes to it (security rules, functions, clients), then try again"));
    }
    app.output.note("3. comparing every document");
    let (consistent, rate) = verify::quietly(app, &VerifyArgs::contents(args.pipeline.clone())).await?;
    app.output.note("4. judging the gates");
    let report = judged(app, &args.pipeline).await?;
    let go = report.go && consistent;
    let document = json!({
        "cutover": go, "run_id": again.run_id, "last_changes": last.totals, "read_at": again.snapshot,
        "consistent": consistent, "consistency_rate": rate, "gate": report,
    });
    app.output.answer(&document, || {
        let end = match go {
            true => format!(
                "\nEverything up to {} is in the destination, and nothing has changed since. Switch over now.\n",
                again.snapshot.as_deref().unwrap_or(&again.started_at)
            ),
            false => format!(
                "\nDo not switch over. `fireferry runs differences` lists what differs; then: fireferry cutover {}\n",
                file.display()
            ),
        };
        text(&report) + &end
    })?;
    Ok(if go { Exit::Clean } else { Exit::Differences })
}

/// One incremental run that must end well.
async fn pass(app: &App, args: &CutoverArgs, deletes: bool) -> Result<RunReport> {
    let options = RunOptions { incremental: true, go_on: true, deletes, ..RunOptions::default() };
    let report = run::once(app, &args.pipeline.file, options).await?;
    match report.status {
        Status::Completed | Status::CompletedWithRejects => Ok(report),
        status => {
            let failure = report.error.as_ref().map(|failure| format!(": {}", failure.message)).unwrap_or_default();
            let message = format!("run {} is {}{failure}", report.run_id, status.as_str().replace('_', " "));
            Err(Error::new(ErrorKind::Preflight, "cutover_refused", message)
                .hint("`fireferry runs show latest` tells more; when it is mended, try again"))
        }
    }
}

async fn quiet(app: &App, time: Duration) -> Result<()> {
    app.interruptible(async {
        tokio::time::sleep(time).await;
        Ok(())
    })
    .await
}
