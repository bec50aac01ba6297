//! The report of `gate`.

use serde::Serialize;

/// Whether it is safe to go.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GateReport {
    /// The pipeline.
    pub pipeline: String,
    /// The destination, for people.
    pub destination: String,
    /// RFC 3339.
    pub at: String,
    /// Every gate is open that does not only warn.
    pub go: bool,
    /// Differences that somebody accepted, in the last comparison.
    pub accepted: u64,
    /// The last comparison of contents.
    pub verification: Option<String>,
    /// In the order of the judgement.
    pub gates: Vec<Judged>,
}

/// One gate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judged {
    /// Its key in the pipeline.
    pub gate: &'static str,
    /// What must hold.
    pub wanted: String,
    /// What was found.
    pub measured: String,
    /// Since when it holds, where that is known.
    pub since: Option<String>,
    /// It holds.
    pub open: bool,
    /// A closed one is only said.
    pub only_warns: bool,
    /// Why it is closed, or what to do.
    pub why: Option<String>,
}
