//! How far a collection is, and how fast: pure arithmetic over what was reported.

use std::time::Duration;

use serde::Serialize;

use crate::engine::progress::CollectionProgress;
use crate::report::text::{clean, count, duration};

/// No guess of the time left before this share is done.
const ETA_FROM: f64 = 0.01;

/// One line of `--progress json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// Collection name.
    pub collection: String,
    /// Documents durably accounted for.
    pub current: u64,
    /// Documents in the source, where known.
    pub total: Option<u64>,
    /// Of `total`, with one decimal.
    pub percentage: Option<f64>,
    /// Rejected and waiting so far.
    pub rejected: u64,
    /// Documents per second of this invocation, with one decimal.
    pub rate: Option<f64>,
    /// Seconds left; none before 1 %.
    pub eta: Option<u64>,
}

/// Measures one collection from where it started in this invocation (a resumed one does not start at 0).
#[derive(Debug, Clone, PartialEq)]
pub struct Meter {
    began_at: u64,
    latest: CollectionProgress,
}

impl Meter {
    /// Starts measuring.
    pub fn new(progress: &CollectionProgress) -> Self {
        Self { began_at: progress.current, latest: progress.clone() }
    }

    /// Takes over what is durable now.
    pub fn update(&mut self, progress: &CollectionProgress) {
        self.latest = progress.clone();
    }

    /// How it stands after so much time.
    pub fn line(&self, elapsed: Duration) -> Line {
        let CollectionProgress { collection, current, total, rejected } = self.latest.clone();
        let share = total.filter(|total| *total > 0).map(|total| (current as f64 / total as f64).min(1.0));
        let done = current.saturating_sub(self.began_at);
        let rate = (done > 0 && !elapsed.is_zero()).then(|| done as f64 / elapsed.as_secs_f64());
        let eta = match (share, rate, total) {
            (Some(share), Some(rate), Some(total)) if share >= ETA_FROM => {
                Some((total.saturating_sub(current) as f64 / rate).ceil() as u64)
            }
            _ => None,
        };
        let one_decimal = |number: f64| (number * 10.0).round() / 10.0;
        Line {
            collection,
            current,
            total,
            percentage: share.map(|share| one_decimal(share * 100.0)),
            rejected,
            rate: rate.map(one_decimal),
            eta,
        }
    }
}

impl Line {
    /// For people: `users: 1,200 of 5,000 (24 %), 3 rejected, 2,400/s, 2.0 s left`.
    pub fn text(&self) -> String {
        let mut text = format!("{}: {}", clean(&self.collection), count(self.current));
        if let Some(total) = self.total {
            text.push_str(&format!(" of {}", count(total)));
        }
        if let Some(percentage) = self.percentage {
            text.push_str(&format!(" ({percentage:.0} %)"));
        }
        text + &self.tail()
    }

    /// What follows the numbers, also beside a bar: `, 3 rejected, 2,400/s, 2.0 s left`.
    pub fn tail(&self) -> String {
        let mut text = String::new();
        if self.rejected > 0 {
            text.push_str(&format!(", {} rejected", count(self.rejected)));
        }
        if let Some(rate) = self.rate {
            text.push_str(&format!(", {}/s", count(rate.round() as u64)));
        }
        if let Some(eta) = self.eta.filter(|eta| *eta > 0) {
            text.push_str(&format!(", {} left", duration(eta as f64)));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(current: u64, total: Option<u64>) -> CollectionProgress {
        CollectionProgress { collection: "users".to_owned(), current, total, rejected: 3 }
    }

    fn line(began: u64, current: u64, total: Option<u64>, seconds: u64) -> Line {
        let mut meter = Meter::new(&at(began, total));
        meter.update(&at(current, total));
        meter.line(Duration::from_secs(seconds))
    }

    #[test]
    fn there_is_no_eta_before_one_percent_and_one_from_there() {
        assert_eq!(line(0, 9, Some(1000), 1).eta, None);
        assert_eq!(line(0, 10, Some(1000), 1).eta, Some(99));
        assert_eq!(line(0, 1000, Some(1000), 1).eta, Some(0));
    }

    #[test]
    fn a_resumed_collection_is_as_fast_as_this_invocation() {
        let line = line(800, 900, Some(1000), 10);
        assert_eq!((line.rate, line.eta, line.percentage), (Some(10.0), Some(10), Some(90.0)));
    }

    #[test]
    fn unknown_and_empty_totals_give_no_percentage() {
        assert_eq!(line(0, 5, None, 1).percentage, None);
        assert_eq!(line(0, 0, Some(0), 0).percentage, None);
        assert_eq!(line(0, 0, Some(0), 0).rate, None);
    }

    #[test]
    fn a_line_reads_well() {
        assert_eq!(line(0, 1200, Some(5000), 2).text(), "users: 1,200 of 5,000 (24 %), 3 rejected, 600/s, 7.0 s left");
        assert_eq!(line(0, 0, None, 0).text(), "users: 0, 3 rejected");
    }

    #[test]
    fn json_has_the_fields_that_are_promised() {
        let text = serde_json::to_string(&line(0, 10, Some(1000), 1)).unwrap_or_default();
        assert_eq!(
            text,
            r#"{"collection":"users","current":10,"total":1000,"percentage":1.0,"rejected":3,"rate":10.0,"eta":99}"#
        );
    }
}
