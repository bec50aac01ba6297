//! What a monitor wants to know of `sync`. Everything advances only with what is durable: by the reports of runs.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use jiff::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::error::{Error, ErrorKind, Result};
use crate::ledger::files::private_create;
use crate::report::run::{RunReport, Status};

type Float = Gauge<f64, AtomicU64>;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Pipeline {
    pipeline: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Documents {
    pipeline: String,
    collection: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Runs {
    pipeline: String,
    status: String,
}

/// The metrics of a process. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub(super) struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    documents: Family<Documents, Counter>,
    deleted: Family<Pipeline, Counter>,
    billed: Family<Pipeline, Counter>,
    runs: Family<Runs, Counter>,
    skipped: Family<Pipeline, Counter>,
    missed: Counter,
    failures: Gauge,
    last_success: Family<Pipeline, Float>,
    read_at: Family<Pipeline, Float>,
    duration: Family<Pipeline, Float>,
    rejects: Family<Pipeline, Gauge>,
    checks: Family<Pipeline, Counter>,
    check_failures: Family<Pipeline, Counter>,
    rate: Family<Pipeline, Float>,
    ready: AtomicBool,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("fireferry");
        macro_rules! metric {
            ($name:literal, $help:literal) => {{
                let metric = Default::default();
                registry.register($name, $help, Clone::clone(&metric));
                metric
            }};
        }
        let (documents, deleted): (Family<Documents, Counter>, Family<Pipeline, Counter>) = (
            metric!("documents", "Documents read, by what became of them"),
            metric!("rows_removed", "Rows removed because their documents were deleted"),
        );
        let inner = Inner {
            documents,
            deleted,
            billed: metric!("billed_reads", "Reads that the source billed"),
            runs: metric!("runs", "Runs, by how they ended"),
            skipped: metric!("turns_skipped", "Turns skipped because another process held the lease"),
            missed: metric!("turns_missed", "Turns that passed while another one was under way"),
            failures: metric!("failures_in_a_row", "Turns that failed since the last one that went well"),
            last_success: metric!("last_success_timestamp_seconds", "When the last run ended well"),
            read_at: metric!("read_at_timestamp_seconds", "The point in time up to which changes are written"),
            duration: metric!("run_duration_seconds", "How long the last run took"),
            rejects: metric!("open_rejects", "Documents that the last run could not write"),
            checks: metric!("consistency_checks", "Comparisons of source and destination value by value"),
            check_failures: metric!("consistency_failures", "Comparisons that found differences"),
            rate: metric!("consistency_rate", "Share of documents that are stored as they are, of the last comparison"),
            ready: AtomicBool::new(false),
            registry,
        };
        Self(Arc::new(inner))
    }
}

fn of(pipeline: &str) -> Pipeline {
    Pipeline { pipeline: pipeline.to_owned() }
}

#[expect(clippy::cast_precision_loss, reason = "seconds for a monitor")]
fn seconds(text: &str) -> Option<f64> {
    let time: Timestamp = text.parse().ok()?;
    Some(time.as_millisecond() as f64 / 1_000.0)
}

impl Metrics {
    /// A run came to an end.
    pub fn ran(&self, report: &RunReport) {
        let inner = &self.0;
        let own = of(&report.pipeline);
        for row in &report.collections {
            let outcomes = [
                ("inserted", row.inserted),
                ("updated", row.updated),
                ("unchanged", row.unchanged),
                ("skipped", row.skipped),
                ("rejected", row.rejected),
            ];
            for (outcome, number) in outcomes {
                let (pipeline, collection) = (report.pipeline.clone(), row.collection.clone());
                inner.documents.get_or_create(&Documents { pipeline, collection, outcome }).inc_by(number);
            }
            inner.deleted.get_or_create(&own).inc_by(row.deleted);
        }
        inner.billed.get_or_create(&own).inc_by(report.reads.map_or(0, |reads| reads.billed));
        let status = report.status.as_str().to_owned();
        inner.runs.get_or_create(&Runs { pipeline: report.pipeline.clone(), status }).inc();
        inner.duration.get_or_create(&own).set(report.duration_seconds);
        inner.rejects.get_or_create(&own).set(i64::try_from(report.total_rejects).unwrap_or(i64::MAX));
        if matches!(report.status, Status::Completed | Status::CompletedWithRejects) {
            inner.ready.store(true, Ordering::Relaxed);
            inner.last_success.get_or_create(&own).set(seconds(&report.finished_at).unwrap_or(0.0));
            let read_at = report.snapshot.as_deref().unwrap_or(&report.started_at);
            inner.read_at.get_or_create(&own).set(seconds(read_at).unwrap_or(0.0));
        }
    }

    /// A turn failed before there was a run.
    pub fn failed(&self, pipeline: &str) {
        let labels = Runs { pipeline: pipeline.to_owned(), status: "not_started".to_owned() };
        self.0.runs.get_or_create(&labels).inc();
    }

    /// A turn was skipped.
    pub fn skipped(&self, pipeline: &str) {
        self.0.skipped.get_or_create(&of(pipeline)).inc();
    }

    /// Turns passed.
    pub fn missed(&self, turns: u64) {
        self.0.missed.inc_by(turns);
    }

    /// Failures in a row.
    pub fn failures(&self, failures: u32) {
        self.0.failures.set(i64::from(failures));
    }

    /// Source and destination were compared.
    pub fn compared(&self, pipeline: &str, consistent: bool, rate: f64) {
        self.0.checks.get_or_create(&of(pipeline)).inc();
        self.0.check_failures.get_or_create(&of(pipeline)).inc_by(u64::from(!consistent));
        self.0.rate.get_or_create(&of(pipeline)).set(rate / 100.0);
    }

    /// Whether a run ended well since the process began.
    pub fn ready(&self) -> bool {
        self.0.ready.load(Ordering::Relaxed)
    }

    /// The text format of Prometheus (OpenMetrics).
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing into a text does not fail.
        let _ = encode(&mut text, &self.0.registry);
        text
    }

    /// Writes them whole or not at all.
    pub fn write(&self, file: &Path) -> Result<()> {
        let part = file.with_extension("part");
        let written = || {
            let mut out = private_create(&part)?;
            out.write_all(self.text().as_bytes())?;
            out.sync_all()?;
            std::fs::rename(&part, file)
        };
        written().map_err(|error| {
            Error::new(ErrorKind::Ledger, "metrics_failed", "the metrics cannot be written")
                .file(file)
                .hint("name a file in a folder that can be written to with --metrics-file")
                .caused_by(error)
        })
    }
}
