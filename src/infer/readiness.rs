//! How ready a source is to be moved: a score, and what stands behind it.

use serde::Serialize;

use super::model::Draft;
use crate::domain::number::count as number;
use crate::profile::Profile;
use crate::profile::model::Shortened;

/// Points that a blocker costs.
const BLOCKER: u32 = 25;
/// Points that a warning costs.
const WARNING: u32 = 4;
/// Points that all warnings cost at most.
const MOST_WARNINGS: u32 = 40;
/// Points that each thing to decide costs.
const DECISION: u32 = 1;
/// Points that all decisions cost at most.
const MOST_DECISIONS: u32 = 15;

/// Bytes that files are read at in a second: from a slow disk with compression to a fast one.
const FILE_BYTES: (f64, f64) = (30e6, 150e6);
/// Documents that a live source delivers in a second.
const LIVE_DOCUMENTS: (f64, f64) = (2_000.0, 10_000.0);
/// Rows that a local file takes in a second.
const LOCAL_ROWS: (f64, f64) = (30_000.0, 150_000.0);
/// Rows that a server takes in a second.
const SERVER_ROWS: (f64, f64) = (4_000.0, 40_000.0);
/// A destination's size in that of the source: types and indexes apart, text is text.
const GROWTH: (f64, f64) = (0.4, 1.3);

/// The verdict.
#[derive(Debug, Clone, Serialize)]
pub struct Readiness {
    /// 0 to 100.
    pub score: u32,
    /// What the score is made of.
    pub reasons: Vec<String>,
    /// What must be settled first; their number is their place, from 1.
    pub blockers: Vec<String>,
    /// What may be settled later; likewise numbered.
    pub warnings: Vec<String>,
    /// What it costs.
    pub estimate: Estimates,
}

/// Rules of thumb, for both ends. `plan` measures.
#[derive(Debug, Clone, Serialize)]
pub struct Estimates {
    /// Documents in all.
    pub documents: u64,
    /// Rows that they make.
    pub rows: u64,
    /// Bytes of source.
    pub source_bytes: u64,
    /// Bytes of the destination, least and most.
    pub destination_bytes: (u64, u64),
    /// Billed reads of a run; `None` where reading costs nothing.
    pub reads: Option<u64>,
    /// Their price in US dollars.
    pub price: Option<f64>,
    /// Seconds to read everything, least and most.
    pub reading_seconds: (f64, f64),
    /// Seconds to write into a local file.
    pub local_seconds: (f64, f64),
    /// Seconds to write into a server.
    pub server_seconds: (f64, f64),
}

/// Judges a profile and its draft.
pub fn readiness(profile: &Profile, draft: &Draft) -> Readiness {
    let (mut blockers, mut warnings) = (Vec::new(), Vec::new());
    if profile.collections.iter().all(|found| found.documents == 0) {
        blockers.push("no document was read: nothing can be said about the source".to_owned());
    }
    for found in &profile.collections {
        let name = &found.collection;
        if found.malformed > 0 {
            let codes: Vec<String> =
                found.malformed_codes.iter().map(|(code, count)| format!("{count} {code}")).collect();
            warnings.push(format!(
                "{name}: {} records are no documents and will be rejected ({})",
                number(found.malformed),
                codes.join(", ")
            ));
        }
        if let Some(repeated) = found.repeated.filter(|repeated| *repeated > 0) {
            warnings.push(format!(
                "{name}: {} documents have a path that another one has; the first of each wins",
                number(repeated)
            ));
        }
        warnings.extend(found.shortened.as_ref().map(|shortened| lacked(name, shortened)));
        if found.documents == 0 {
            blockers.push(format!("{name}: no document was read, so that it is not in the pipeline"));
        } else if !found.complete {
            let of = found.total.map(|total| format!(" of {}", number(total))).unwrap_or_default();
            warnings.push(format!(
                "{name}: only {}{of} documents were read; constraints are proposals, other types may turn up",
                number(found.documents)
            ));
        }
    }
    for doubt in &draft.doubts {
        let field = doubt.field.as_ref().map(|field| format!(" `{field}`")).unwrap_or_default();
        let text = format!("{}{field}: {}; {}", doubt.collection, doubt.found, doubt.chosen);
        if doubt.serious {
            warnings.push(text);
        }
    }
    let decisions = draft.doubts.iter().filter(|doubt| !doubt.serious).count();
    scored(blockers, warnings, decisions, estimates(profile, draft))
}

/// What memory did not suffice for, in words.
fn lacked(name: &str, found: &Shortened) -> String {
    let mut parts = Vec::new();
    if let Some(values) = found.exact_values {
        parts.push(format!("more than {} different values of one field are estimates", number(values)));
    }
    if let Some(levels) = found.levels {
        parts.push(format!("maps and arrays below level {levels} are only counted"));
    }
    if found.resolving {
        parts.push("not every reference was looked up".to_owned());
    }
    format!("{name}: memory did not suffice for everything: {}; more with --memory", parts.join(", "))
}

fn scored(blockers: Vec<String>, warnings: Vec<String>, decisions: usize, estimate: Estimates) -> Readiness {
    let count = |list: &[String]| u32::try_from(list.len()).unwrap_or(u32::MAX);
    let decisions = u32::try_from(decisions).unwrap_or(u32::MAX);
    let costs = [
        (count(&blockers), count(&blockers).saturating_mul(BLOCKER), "blockers"),
        (count(&warnings), count(&warnings).saturating_mul(WARNING).min(MOST_WARNINGS), "warnings"),
        (decisions, decisions.saturating_mul(DECISION).min(MOST_DECISIONS), "things to decide"),
    ];
    let reasons =
        costs.iter().filter(|(count, ..)| *count > 0).map(|(count, cost, what)| format!("-{cost}: {count} {what}"));
    let reasons: Vec<String> = reasons.collect();
    let cost = costs.iter().fold(0_u32, |sum, (_, cost, _)| sum.saturating_add(*cost));
    let reasons = if reasons.is_empty() { vec!["nothing stands in the way".to_owned()] } else { reasons };
    Readiness { score: 100_u32.saturating_sub(cost), reasons, blockers, warnings, estimate }
}

/// Scaled up where only a part was read.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate")]
fn estimates(profile: &Profile, draft: &Draft) -> Estimates {
    let (mut documents, mut rows, mut bytes) = (0, 0.0, 0.0);
    let (mut reads, mut price) = (None, None);
    for found in &profile.collections {
        let all = found.total.unwrap_or(found.documents).max(found.documents);
        let scale = all as f64 / found.documents.max(1) as f64;
        let tables = draft.tables.iter().filter(|table| table.collection == found.collection);
        documents += all;
        rows += tables.map(|table| table.rows as f64 * scale).sum::<f64>();
        bytes += found.bytes as f64 * scale;
        reads = found.reads.map(|more| more + reads.unwrap_or(0)).or(reads);
        price = found.price.map(|more| more + price.unwrap_or(0.0)).or(price);
    }
    let range = |amount: f64, (slow, fast): (f64, f64)| (amount / fast, amount / slow);
    let reading = if profile.billed { range(documents as f64, LIVE_DOCUMENTS) } else { range(bytes, FILE_BYTES) };
    Estimates {
        documents,
        rows: rows as u64,
        source_bytes: bytes as u64,
        destination_bytes: ((bytes * GROWTH.0) as u64, (bytes * GROWTH.1) as u64),
        reads,
        price,
        reading_seconds: reading,
        local_seconds: range(rows, LOCAL_ROWS),
        server_seconds: range(rows, SERVER_ROWS),
    }
}
