//! What an incremental run reads of each collection: what changed since its watermark, and again what earlier runs could
//! not write. A collection without a watermark, or whose watermark is another pipeline's, is read whole.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::steps::Step;
use super::{Context, RunOptions};
use crate::destination::{OpenReject, StoredWatermark};
use crate::domain::value::Timestamp;
use crate::domain::watermark::{TimeUnit, Watermark};
use crate::error::Result;
use crate::pipeline::resolved::Collection;
use crate::report::finding::{Finding, Severity};
use crate::source::Changed;

/// Rejects of earlier runs that one run reads again; the oldest first, so that all have their turn.
const MOST_AGAIN: usize = 10_000;

/// Up to where a collection was read, as stored with the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// The field path.
    field: String,
    /// What the field holds.
    unit: String,
    /// RFC 3339.
    at: String,
}

/// How a step of an incremental run is read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reach {
    /// What is read.
    pub changed: Changed,
    /// From when on, RFC 3339.
    pub since: String,
    /// Nothing between the watermark and there is left out, so that the run moves the watermark.
    pub advances: bool,
}

/// What was decided about a run.
#[derive(Debug, Default)]
pub(super) struct Decided {
    /// What is to be said.
    pub findings: Vec<Finding>,
    /// Rejects of earlier runs that this one decides anew.
    pub closes: Vec<i64>,
    /// It is time to look for deleted documents.
    pub deletes_due: bool,
}

const fn unit_name(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Timestamp => "timestamp",
        TimeUnit::Seconds => "seconds",
        TimeUnit::Millis => "millis",
        TimeUnit::Micros => "micros",
    }
}

impl Mark {
    /// Deleted documents were looked for until now.
    pub fn of_deletes() -> Self {
        Self { field: String::new(), unit: String::new(), at: jiff::Timestamp::now().to_string() }
    }

    /// The mark of a collection of which everything was read at this point in time.
    pub fn after(watermark: &Watermark, read_at: Timestamp) -> Self {
        let at = watermark.after(read_at).to_string();
        Self { field: watermark.field.to_string(), unit: unit_name(watermark.unit).to_owned(), at }
    }

    /// The time, if the mark is one of this watermark.
    fn time(&self, watermark: &Watermark) -> Option<Timestamp> {
        let same = self.field == watermark.field.to_string() && self.unit == unit_name(watermark.unit);
        self.at.parse().ok().filter(|_| same)
    }
}

/// Decides how each step is read.
pub(super) async fn decide(ctx: &mut Context, options: &RunOptions, steps: &mut [Step]) -> Result<Decided> {
    let mut decided = Decided::default();
    if let Some(since) = &options.resumed_since {
        // A resumed run reads what it began to read.
        for step in steps.iter_mut() {
            let time = since.get(step.name()).and_then(|text| text.parse().ok());
            step.reach = time.zip(step.collection.watermark.as_ref()).map(|(time, watermark)| {
                let changed = Changed { since: watermark.since(time), again: Arc::default() };
                Reach { changed, since: time.to_string(), advances: true }
            });
        }
        return Ok(decided);
    }
    if !options.incremental {
        return Ok(decided);
    }
    let stored = ctx.destination.watermarks(&ctx.pipeline.name).await?;
    decided.deletes_due = options.deletes_every.is_some_and(|interval| deletes_due(&stored, interval));
    let open = ctx.destination.open_rejects(&ctx.pipeline.name, MOST_AGAIN).await?;
    if open.len() == MOST_AGAIN {
        let message =
            format!("{MOST_AGAIN} rejects of earlier runs are read again, and there are more for the next runs");
        decided.findings.push(Finding::new(Severity::Warning, "rejects_open", message));
    }
    let fingerprint = ctx.pipeline.fingerprint.clone();
    for step in steps {
        let own: Vec<&OpenReject> = open.iter().filter(|reject| reject.collection == step.name()).collect();
        let mark = stored.iter().find(|mark| mark.collection == step.name());
        match reach(ctx.source.capabilities().incremental, options, step, mark, &fingerprint) {
            Ok(mut reach) => {
                // One without a name cannot be read again: it stays on its list.
                let named = own.iter().filter(|reject| reject.document.is_some());
                decided.closes.extend(named.map(|reject| reject.id));
                let mut again: Vec<String> = own.iter().filter_map(|reject| reject.document.clone()).collect();
                again.sort_unstable();
                again.dedup();
                reach.changed.again = again.into();
                step.reach = Some(reach);
            }
            Err(finding) => {
                decided.closes.extend(own.iter().map(|reject| reject.id));
                decided.findings.push(finding);
            }
        }
    }
    Ok(decided)
}

/// The name under which is stored when deleted documents were looked for last; no collection can have it.
pub(super) const DELETES: &str = "~deletes";

fn deletes_due(stored: &[StoredWatermark], interval: Duration) -> bool {
    let last = stored.iter().find(|mark| mark.collection == DELETES);
    let last = last.and_then(|mark| serde_json::from_str::<Mark>(&mark.text).ok()?.at.parse::<jiff::Timestamp>().ok());
    let now = jiff::Timestamp::now();
    last.is_none_or(|last| now.duration_since(last).unsigned_abs() >= interval)
}

/// How one step is read, or why it is read whole (or not at all).
fn reach(
    capable: bool,
    options: &RunOptions,
    step: &Step,
    stored: Option<&StoredWatermark>,
    fingerprint: &str,
) -> Result<Reach, Finding> {
    let name = step.name();
    let whole = |why: &str| Finding::new(Severity::Info, "read_whole", format!("{name} is read whole: {why}"));
    if !capable {
        return Err(whole("the source cannot be asked for what changed"));
    }
    let Some(watermark) = &step.collection.watermark else {
        return Err(whole("its definition has no `watermark`"));
    };
    if !step.mapping.key_is_path() {
        let message = format!(
            "the key of {name} does not hold the whole path: a changed document could take the row of another one"
        );
        let hint = "make the key of `$id` (below a collection `$parent.id` and `$id`, or `$path`), or run without \
                    --incremental";
        return Err(Finding::new(Severity::Error, "incremental_key", message).hint(hint));
    }
    let mark = stored.map(|stored| (stored, serde_json::from_str::<Mark>(&stored.text).ok()));
    let known = mark.as_ref().and_then(|(_, mark)| mark.as_ref()?.time(watermark));
    let same = stored.is_some_and(|stored| stored.pipeline_fingerprint == fingerprint);
    let (time, advances) = match (options.since, known) {
        (Some(time), known) => (time, same && known.is_some_and(|known| time <= known)),
        (None, _) if stored.is_none() => return Err(whole("no run has read it to its end yet")),
        (None, None) => return Err(whole("its `watermark` is another one than that of the last run")),
        (None, Some(_)) if !same => return Err(whole("the pipeline changed since the last run")),
        (None, Some(time)) => (time, true),
    };
    let changed = Changed { since: watermark.since(time), again: Arc::default() };
    Ok(Reach { changed, since: time.to_string(), advances })
}

/// Up to when every collection of the pipeline is read; `None` where one never was, or has no watermark.
pub(super) async fn read_at(ctx: &mut Context) -> Result<Option<jiff::Timestamp>> {
    let stored = ctx.destination.watermarks(&ctx.pipeline.name).await?;
    let of = |collection: &Collection| {
        let watermark = collection.watermark.as_ref()?;
        let mark = stored.iter().find(|mark| mark.collection == collection.mapping.collection.as_str())?;
        let at = serde_json::from_str::<Mark>(&mark.text).ok()?.time(watermark)?;
        let at = jiff::Timestamp::from_nanosecond(at.as_nanosecond()).ok()?;
        Some(at + jiff::SignedDuration::try_from(watermark.overlap).ok()?)
    };
    let times: Option<Vec<jiff::Timestamp>> = ctx.pipeline.collections.iter().map(of).collect();
    Ok(times.and_then(|times| times.into_iter().min()))
}

/// Whether documents have the field of the watermark, and whether the source can be asked by it.
pub(super) async fn examine(ctx: &Context, options: &RunOptions, step: &Step) -> Result<Vec<Finding>> {
    let Some(watermark) = step.collection.watermark.as_ref().filter(|_| ctx.source.capabilities().incremental) else {
        return Ok(Vec::new());
    };
    let mut request = step.request(ctx, options);
    request.filter.conditions.clear();
    let all = ctx.source.count(&request).await?;
    let with = ctx.source.count_since(&request, &watermark.ever()).await?;
    if with >= all {
        return Ok(Vec::new());
    }
    let kind = match watermark.unit {
        TimeUnit::Timestamp => "timestamp",
        _ => "number",
    };
    let message = format!(
        "{} of {all} documents of {} have no {kind} in `{}`: no incremental run sees them change",
        all - with,
        step.name(),
        watermark.field
    );
    let finding = Finding::new(Severity::Warning, "watermark_missing", message);
    Ok(vec![finding.hint("set the field in every document and with every change, or run without --incremental")])
}
