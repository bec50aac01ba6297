//! What `init` found and wrote.

use std::fmt::Write;

use super::format::{Column, bytes, clean, count, price, seconds, table};
use crate::infer::readiness::Estimates;
use crate::report::init::InitReport;

/// Doubts shown on the terminal; the page has all of them.
const SHOWN: usize = 12;

/// The summary.
pub fn init(report: &InitReport) -> String {
    let mut text = format!("Profiled {}{}\n\n", clean(&report.source), if report.complete { "" } else { " (in part)" });
    let columns = [
        Column::Text("collection"),
        Column::Number("documents"),
        Column::Number("malformed"),
        Column::Text("tables"),
        Column::Number("columns"),
    ];
    let rows = report.collections.iter().map(|found| {
        let malformed = if found.malformed == 0 { "-".to_owned() } else { count(found.malformed) };
        let tables = found.tables.join(", ");
        vec![found.collection.clone(), count(found.documents), malformed, tables, count(found.columns)]
    });
    text.push_str(&table(&columns, rows));
    let readiness = &report.readiness;
    let _ = writeln!(text, "\nReadiness: {} of 100 ({})", readiness.score, readiness.reasons.join("; "));
    numbered(&mut text, "Blockers", &readiness.blockers);
    numbered(&mut text, "Warnings", &readiness.warnings);
    let decisions: Vec<String> = report
        .doubts
        .iter()
        .filter(|doubt| !doubt.serious)
        .map(|doubt| {
            let field = doubt.field.as_ref().map(|field| format!(" `{field}`")).unwrap_or_default();
            format!("{}{field}: {}; {}", doubt.collection, doubt.found, doubt.chosen)
        })
        .collect();
    numbered(&mut text, "To decide", &decisions[..decisions.len().min(SHOWN)]);
    if decisions.len() > SHOWN {
        let _ = writeln!(text, "  … and {} more, all in the page", decisions.len() - SHOWN);
    }
    estimate(&mut text, &readiness.estimate);
    text.push_str("\nWritten:\n");
    report.files.iter().for_each(|file| text.push_str(&format!("  {}\n", clean(file))));
    if let Some(pipeline) = report.files.first() {
        let _ = writeln!(text, "\nNext: fireferry run {} --dry-run", clean(pipeline));
    }
    text
}

fn numbered(text: &mut String, title: &str, items: &[String]) {
    if !items.is_empty() {
        let _ = writeln!(text, "\n{title}:");
        for (index, item) in items.iter().enumerate() {
            let _ = writeln!(text, "  {}. {}", index + 1, clean(item));
        }
    }
}

fn estimate(text: &mut String, estimate: &Estimates) {
    let Estimates { documents, rows, source_bytes, destination_bytes, .. } = estimate;
    let (least, most) = destination_bytes;
    let _ = writeln!(
        text,
        "\nRules of thumb: {} documents ({}) make {} rows ({} to {})",
        count(*documents),
        bytes(*source_bytes),
        count(*rows),
        bytes(*least),
        bytes(*most)
    );
    let time = |range: (f64, f64)| seconds(range.0, range.1);
    let _ = writeln!(
        text,
        "  reading {}; writing {} into a file, {} into a server",
        time(estimate.reading_seconds),
        time(estimate.local_seconds),
        time(estimate.server_seconds)
    );
    if let (Some(reads), Some(cost)) = (estimate.reads, estimate.price) {
        let _ = writeln!(text, "  billed reads of a run: about {} ({})", count(reads), price(cost));
    }
}
