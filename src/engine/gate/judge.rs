//! Whether each gate is open: pure, what was measured is given.

use std::time::Duration;

use jiff::Timestamp;

use crate::pipeline::resolved::{Criterion, Gate, Severity};
use crate::report::gate::Judged;

/// One comparison of contents that came to its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// When.
    pub at: Timestamp,
    /// Documents stored as they are, in percent.
    pub rate: f64,
    /// Nothing differs that was not accepted.
    pub clean: bool,
}

/// What is known.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// Comparisons, the newest first.
    pub comparisons: Vec<Comparison>,
    /// Documents rejected or waiting.
    pub rejects: u64,
    /// Documents that have rows.
    pub documents: u64,
    /// Up to when every collection is read; `None` where one never was.
    pub read_at: Option<Timestamp>,
}

/// Judges one gate.
pub fn judge(gate: &Gate, evidence: &Evidence, now: Timestamp) -> Judged {
    let found = match gate.criterion {
        Criterion::ConsistencyRate(limit) => consistency(limit, evidence),
        Criterion::RejectRate(limit) => rejects(limit, evidence),
        Criterion::Lag(limit) => lag(limit, evidence, now),
        Criterion::CleanVerifies(limit) => clean(limit, evidence),
    };
    let held = found.since.map(|since| now.duration_since(since).unsigned_abs());
    let long_enough = gate.window.is_none_or(|window| held.is_some_and(|held| held >= window));
    let why = match (found.open, long_enough) {
        (true, false) => Some(format!("holds for {} only", shown(held.unwrap_or_default()))),
        _ => found.why,
    };
    Judged {
        gate: name(gate.criterion),
        wanted: format!(
            "{}{}",
            wanted(gate.criterion),
            gate.window.map(|window| format!(" for {}", shown(window))).unwrap_or_default()
        ),
        measured: found.measured,
        since: found.since.map(|since| since.to_string()),
        open: found.open && long_enough,
        only_warns: gate.severity == Severity::Warn,
        why,
    }
}

struct Found {
    open: bool,
    measured: String,
    since: Option<Timestamp>,
    why: Option<String>,
}

fn never(measured: &str, why: &str) -> Found {
    Found { open: false, measured: measured.to_owned(), since: None, why: Some(why.to_owned()) }
}

/// The oldest of the comparisons, from the newest back, that all fit.
fn streak(evidence: &Evidence, fits: impl Fn(&Comparison) -> bool) -> (u64, Option<Timestamp>) {
    let fitting: Vec<_> = evidence.comparisons.iter().take_while(|one| fits(one)).collect();
    (fitting.len() as u64, fitting.last().map(|oldest| oldest.at))
}

fn consistency(limit: f64, evidence: &Evidence) -> Found {
    let Some(newest) = evidence.comparisons.first() else {
        return never("never compared", "run `fireferry verify PIPELINE --contents`");
    };
    let (_, since) = streak(evidence, |one| one.rate >= limit);
    let why = (newest.rate < limit).then(|| "see `fireferry runs differences`".to_owned());
    Found { open: newest.rate >= limit, measured: format!("{} %", newest.rate), since, why }
}

fn clean(limit: u64, evidence: &Evidence) -> Found {
    let (number, since) = streak(evidence, |one| one.clean);
    let why = (number < limit).then(|| match evidence.comparisons.first() {
        Some(newest) if !newest.clean => "the last comparison found differences".to_owned(),
        _ => "compare again: `fireferry verify PIPELINE --contents`".to_owned(),
    });
    Found { open: number >= limit, measured: number.to_string(), since, why }
}

#[expect(clippy::cast_precision_loss, reason = "a percentage")]
fn rejects(limit: f64, evidence: &Evidence) -> Found {
    let all = evidence.documents + evidence.rejects;
    let rate = if all == 0 { 0.0 } else { evidence.rejects as f64 * 100.0 / all as f64 };
    let open = rate <= limit;
    let why = (!open).then(|| "see `fireferry runs rejects latest`".to_owned());
    Found { open, measured: format!("{rate:.4} % ({} documents)", evidence.rejects), since: None, why }
}

fn lag(limit: Duration, evidence: &Evidence, now: Timestamp) -> Found {
    let Some(read_at) = evidence.read_at else {
        return never("unknown", "a collection has no `watermark`, or no run has read it to its end");
    };
    let lag = now.duration_since(read_at).unsigned_abs();
    let open = lag <= limit;
    let why = (!open).then(|| "run `fireferry sync PIPELINE`".to_owned());
    Found { open, measured: shown(lag), since: None, why }
}

const fn name(criterion: Criterion) -> &'static str {
    match criterion {
        Criterion::ConsistencyRate(_) => "consistency_rate",
        Criterion::RejectRate(_) => "reject_rate",
        Criterion::Lag(_) => "lag",
        Criterion::CleanVerifies(_) => "clean_verifies",
    }
}

fn wanted(criterion: Criterion) -> String {
    match criterion {
        Criterion::ConsistencyRate(limit) => format!("at least {limit} %"),
        Criterion::RejectRate(limit) => format!("at most {limit} %"),
        Criterion::Lag(limit) => format!("at most {}", shown(limit)),
        Criterion::CleanVerifies(limit) => format!("at least {limit}"),
    }
}

/// A time for people, in whole seconds where it is one.
fn shown(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3_600),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const NOW: &str = "2026-01-02T00:00:00Z";

    fn gate(criterion: Criterion, window: Option<u64>) -> Gate {
        Gate { criterion, window: window.map(Duration::from_secs), severity: Severity::Stop }
    }

    fn compared(ago: i64, rate: f64) -> Comparison {
        let now: Timestamp = NOW.parse().unwrap();
        Comparison { at: now - jiff::SignedDuration::from_secs(ago), rate, clean: rate >= 100.0 }
    }

    fn opens(gate: &Gate, evidence: &Evidence) -> bool {
        judge(gate, evidence, NOW.parse().unwrap()).open
    }

    #[test]
    fn a_window_is_fulfilled_only_by_an_unbroken_row_of_comparisons() {
        let hour = gate(Criterion::ConsistencyRate(99.9), Some(3_600));
        let of = |comparisons: &[(i64, f64)]| Evidence {
            comparisons: comparisons.iter().map(|(ago, rate)| compared(*ago, *rate)).collect(),
            ..Evidence::default()
        };
        assert!(!opens(&hour, &of(&[])));
        assert!(!opens(&hour, &of(&[(60, 100.0)])), "one minute is no hour");
        assert!(opens(&hour, &of(&[(60, 100.0), (4_000, 99.95)])));
        assert!(!opens(&hour, &of(&[(60, 100.0), (1_000, 99.0), (4_000, 100.0)])), "it was broken in between");
        assert!(!opens(&hour, &of(&[(60, 99.0), (4_000, 100.0)])));
    }

    #[test]
    fn clean_comparisons_are_counted_from_the_newest() {
        let three = gate(Criterion::CleanVerifies(3), None);
        let of = |rates: &[f64]| Evidence {
            comparisons: rates.iter().map(|rate| compared(60, *rate)).collect(),
            ..Evidence::default()
        };
        assert!(opens(&three, &of(&[100.0, 100.0, 100.0, 90.0])));
        assert!(!opens(&three, &of(&[100.0, 100.0, 99.9, 100.0])));
    }

    #[test]
    fn rejects_and_lag_are_judged_as_they_are() {
        let evidence = Evidence {
            rejects: 1,
            documents: 999,
            read_at: Some("2026-01-01T23:59:50Z".parse().unwrap()),
            ..Evidence::default()
        };
        assert!(opens(&gate(Criterion::RejectRate(0.1), None), &evidence));
        assert!(!opens(&gate(Criterion::RejectRate(0.09), None), &evidence));
        assert!(opens(&gate(Criterion::Lag(Duration::from_secs(10)), None), &evidence));
        assert!(!opens(&gate(Criterion::Lag(Duration::from_secs(5)), None), &evidence));
        assert!(!opens(&gate(Criterion::Lag(Duration::from_secs(5)), None), &Evidence::default()));
    }
}
