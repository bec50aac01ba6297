//! `gate`: is it safe to go? What was measured, against what the pipeline asks for. Changes nothing.

mod judge;

use jiff::Timestamp;

use super::Context;
use super::incremental;
use crate::error::Result;
use crate::ledger::Ledger;
use crate::report::gate::GateReport;
use judge::{Comparison, Evidence};

/// Comparisons that are looked at.
const COMPARISONS: usize = 1_000;
/// Open rejects are counted up to here.
const REJECTS: usize = 1_000_000;

/// Judges every gate of the pipeline.
pub async fn gate(ctx: &mut Context, ledger: &Ledger) -> Result<GateReport> {
    ctx.destination.check().await?;
    let reports = ledger.comparisons(&ctx.pipeline.name, &ctx.destination.describe(), COMPARISONS).await?;
    let of = |report: &crate::report::verify::ContentsReport| {
        let at = report.finished_at.parse().ok()?;
        Some(Comparison { at, rate: report.consistency_rate, clean: report.consistent })
    };
    let evidence = Evidence {
        comparisons: reports.iter().filter_map(of).collect(),
        rejects: ctx.destination.open_rejects(&ctx.pipeline.name, REJECTS).await?.len() as u64,
        documents: documents(ctx).await?,
        read_at: incremental::read_at(ctx).await?,
    };
    let now = Timestamp::now();
    let gates: Vec<_> = ctx.pipeline.gates.iter().map(|gate| judge::judge(gate, &evidence, now)).collect();
    Ok(GateReport {
        pipeline: ctx.pipeline.name.clone(),
        destination: ctx.destination.describe(),
        at: now.to_string(),
        go: gates.iter().all(|gate| gate.open || gate.only_warns),
        accepted: reports.first().map_or(0, |report| report.accepted),
        verification: reports.first().map(|report| report.verification.clone()),
        gates,
    })
}

/// Rows of the pipeline's own tables.
async fn documents(ctx: &mut Context) -> Result<u64> {
    let schema = ctx.destination.inspect().await?;
    let tables = ctx.pipeline.collections.iter().map(|collection| collection.mapping.table.clone());
    let there: Vec<String> = tables.filter(|name| schema.table(name).is_some()).collect();
    Ok(ctx.destination.count(&there).await?.iter().sum())
}
