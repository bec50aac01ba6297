//! How long a run will take: measured on the first documents, in a scratch database.

use std::time::{Duration, Instant};

use super::drift::Drift;
use super::reader::{self, Reading, Start};
use super::steps::{self, Step};
use super::{Context, RunOptions};
use crate::destination::{Batch, CommitHeader, Destination, RunRecord};
use crate::domain::cursor::{Cursor, Partition};
use crate::error::Result;
use crate::report::plan::Estimate;

/// Documents measured: a tenth of the largest collection, within these bounds.
const SAMPLE: std::ops::RangeInclusive<u64> = 200..=2_000;
/// Large documents are measured on fewer of them.
const MOST_BYTES: u64 = 8 << 20;
/// Documents measured where reading costs money.
const BILLED_SAMPLE: std::ops::RangeInclusive<u64> = 50..=200;
/// Fewer documents than this are not worth a measurement of their own: the run is over before it.
const WORTH_MEASURING: u64 = 1_000;
/// From this share of the time that a snapshot is kept on, an estimate warns.
const NEARLY: f64 = 0.75;
/// A limit of billed reads below this is too precious for a measurement.
const WORTH_A_MEASUREMENT: u64 = 10_000;
/// The range around the measured rate: keys spread over more pages as tables grow, and machines are shared.
const RANGE: (f64, f64) = (0.7, 2.5);
/// The same for a server, which is calibrated on a local copy: how fast it is and how far away is only known once it writes.
const RANGE_OF_SERVER: (f64, f64) = (1.0, 8.0);

/// Estimates the run, or says nothing for a very small one.
pub(super) async fn estimate(
    ctx: &mut Context,
    options: &RunOptions,
    steps: &[Step],
    counts: &[u64],
) -> Result<Option<Estimate>> {
    let total: u64 = counts.iter().sum();
    let largest = steps.iter().zip(counts).max_by_key(|(_, count)| **count);
    let Some((step, count)) = largest.filter(|_| total >= WORTH_MEASURING) else { return Ok(None) };
    let billed = ctx.source.capabilities().billed;
    let limit = options.max_reads.or(ctx.pipeline.settings.max_reads);
    if billed && limit.is_some_and(|most| most < WORTH_A_MEASUREMENT) {
        return Ok(None);
    }
    let wanted = match billed {
        true => (count / 500).clamp(*BILLED_SAMPLE.start(), *BILLED_SAMPLE.end()),
        false => (count / 10).clamp(*SAMPLE.start(), *SAMPLE.end()),
    };
    let Some((documents, spent)) = measure(ctx, options, step, wanted).await? else { return Ok(None) };
    let local = ctx.destination.capabilities().local;
    let mut estimate = estimate_of(documents, spent, total, ctx.pipeline.settings.time_limit, local);
    if let Some(warning) = snapshot_warning(estimate.seconds_high, ctx.source.snapshot_kept()) {
        estimate.warning = Some(estimate.warning.map_or(warning.clone(), |first| format!("{first}; {warning}")));
    }
    Ok(Some(estimate))
}

/// A run that may outlive its snapshot.
fn snapshot_warning(seconds: f64, kept: Option<Duration>) -> Option<String> {
    let kept = kept.filter(|kept| seconds > kept.as_secs_f64() * NEARLY)?;
    Some(format!(
        "may take up to {:.0} min, and the source keeps a snapshot for {} min only: with point-in-time recovery say \
         `snapshot: minute`, or go on with `--resume --new-snapshot` when it is gone",
        seconds / 60.0,
        kept.as_secs() / 60
    ))
}

/// The estimate for `total` documents after `documents` took `spent`.
#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn estimate_of(documents: u64, spent: Duration, total: u64, limit: Option<Duration>, local: bool) -> Estimate {
    let (range, on) = if local { (RANGE, "") } else { (RANGE_OF_SERVER, " in a local copy of the server") };
    let rate = documents as f64 / spent.as_secs_f64().max(1e-6);
    let seconds = total as f64 / rate;
    let high = seconds * range.1;
    let warning = limit.filter(|limit| high > limit.as_secs_f64()).map(|limit| {
        format!(
            "may take up to {high:.0} s, longer than time_limit ({} s): run it where there is more time, or with --max-time and --resume",
            limit.as_secs_f64()
        )
    });
    Estimate {
        seconds_low: seconds * range.0,
        seconds_high: high,
        documents_per_second: rate,
        basis: format!("calibration on {documents} documents{on}"),
        warning,
    }
}

async fn measure(ctx: &mut Context, options: &RunOptions, step: &Step, wanted: u64) -> Result<Option<(u64, Duration)>> {
    let (mut scratch, _guard) = steps::scratch(ctx, &[]).await?;
    for migration in steps::future_schema(ctx).await?.pending {
        scratch.migrate(&migration).await?;
    }
    let mut request = step.request(ctx, options);
    let Some(partition) = ctx.source.partitions(&request).await?.into_iter().next() else {
        return Ok(None);
    };
    request.brief = true;
    if ctx.source.capabilities().billed {
        request.page_documents = request.page_documents.min(usize::try_from(wanted).unwrap_or(usize::MAX));
    }
    prepare(scratch.as_mut(), ctx, options, step, &partition).await?;
    let reading = Reading {
        source: ctx.source.clone(),
        request,
        mapping: step.mapping.clone(),
        selection: None,
        starts: vec![Start { partition: partition.clone(), after: None }],
        drift: Drift::default().of(&step.mapping),
    };
    let started = Instant::now();
    let (_readers, mut queues) = reader::start(vec![reading], 1, 1);
    let mut documents = 0;
    let mut sequence = 0;
    let mut from = None;
    let Some(queue) = queues.first_mut() else { return Ok(None) };
    let mut bytes = 0;
    while documents < wanted
        && bytes < MOST_BYTES
        && let Some(Ok(batch)) = queue.recv().await
    {
        sequence += 1;
        documents += (batch.documents.len() + batch.rejects.len()) as u64 + batch.skipped;
        bytes += batch.bytes;
        let last = batch.last;
        let to = batch.to.clone();
        write(scratch.as_mut(), &partition, sequence, from.replace(to), batch).await?;
        if last {
            break;
        }
    }
    Ok((documents > 0).then(|| (documents, started.elapsed())))
}

const RUN: &str = "calibration";

async fn prepare(
    scratch: &mut dyn Destination,
    ctx: &Context,
    options: &RunOptions,
    step: &Step,
    partition: &Partition,
) -> Result<()> {
    let run = RunRecord {
        run: RUN.to_owned(),
        pipeline: ctx.pipeline.name.clone(),
        started_at: jiff::Timestamp::now().to_string(),
        status: "running".to_owned(),
        pipeline_fingerprint: String::new(),
        schema_fingerprint: String::new(),
        details: "{}".to_owned(),
    };
    scratch.initialize().await?;
    scratch.start_run(&run, &[(step.name().to_owned(), partition.clone())]).await?;
    scratch.prepare(RUN, &[step.target(options, true, true)]).await
}

async fn write(
    scratch: &mut dyn Destination,
    partition: &Partition,
    sequence: u64,
    from: Option<Cursor>,
    batch: Batch,
) -> Result<()> {
    let header = CommitHeader {
        run: RUN.to_owned(),
        target: 0,
        partition: partition.id.clone(),
        sequence,
        from,
        finalize: false,
        pass: 0,
    };
    scratch.write(&header, &mut super::feed::ReadyFeed(Some(batch))).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_may_outlive_its_snapshot_is_warned_of() {
        let hour = Some(Duration::from_secs(3_600));
        assert_eq!(snapshot_warning(2_600.0, hour), None);
        assert!(snapshot_warning(2_800.0, hour).is_some_and(|text| text.contains("47 min") && text.contains("60 min")));
        assert_eq!(snapshot_warning(1e9, None), None);
    }

    #[test]
    fn the_estimate_is_a_range_around_the_measured_rate_and_warns_above_the_limit() {
        let estimate = estimate_of(1_000, Duration::from_secs(1), 60_000, Some(Duration::from_secs(60)), true);
        assert_eq!((estimate.seconds_low, estimate.seconds_high), (42.0, 150.0));
        assert!(estimate.warning.is_some_and(|warning| warning.contains("150 s")));
        let estimate = estimate_of(1_000, Duration::from_secs(1), 10_000, Some(Duration::from_secs(60)), true);
        assert_eq!(estimate.warning, None);
    }
}
