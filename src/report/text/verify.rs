//! What a comparison of contents found, and what a repair does.

use std::fmt::Write;

use serde_json::Value;

use super::format::{Column, bytes, clean, count, shorten, table};
use crate::report::verify::{ContentsReport, Difference, DifferenceKind, RepairReport, VerifyTotals};

/// Longest value in a line.
const LONGEST: usize = 100;

/// The whole report; `arguments` name the pipeline on a command line.
pub fn contents(report: &ContentsReport, arguments: &str) -> String {
    let mut text = String::new();
    let about = match (&report.run, &report.run_status) {
        (Some(run), Some(status)) => format!("Contents against run {run} ({})", status.replace('_', " ")),
        _ => "Contents".to_owned(),
    };
    let _ = writeln!(text, "{about}\n");
    text.push_str(&totals(report));
    for note in &report.notes {
        let _ = writeln!(text, "\nnote: {}", clean(note));
    }
    if report.unaccepted + report.accepted > 0 || report.collections.iter().any(|row| !row.differences.is_empty()) {
        text.push_str("\nDifferences:\n");
        report.general.iter().for_each(|found| text.push_str(&difference(found)));
    }
    for row in &report.collections {
        let named = row.differences.iter().filter(|found| found.kind != DifferenceKind::General);
        named.for_each(|found| text.push_str(&difference(found)));
        let all = row.totals.missing + row.totals.extra + row.totals.changed + row.totals.kept;
        let shown = row.differences.len() as u64;
        if all > shown {
            let _ = writeln!(text, "  … and {} more in {}", count(all - shown), clean(&row.collection));
        }
    }
    if let Some(crossed) = report.crossed {
        let (sent, received) = (bytes(crossed.bytes_sent), bytes(crossed.bytes_received));
        let _ = writeln!(text, "\n{} requests: {sent} sent, {received} received", count(crossed.requests));
    }
    text + &verdict(report, arguments)
}

fn totals(report: &ContentsReport) -> String {
    let columns = [
        Column::Text("collection"),
        Column::Text("table"),
        Column::Number("read"),
        Column::Number("consistent"),
        Column::Number("missing"),
        Column::Number("extra"),
        Column::Number("changed"),
        Column::Number("kept"),
        Column::Number("rejected"),
        Column::Number("skipped"),
    ];
    let row = |name: &str, table: &str, totals: &VerifyTotals| {
        let numbers = [
            totals.read,
            totals.consistent,
            totals.missing,
            totals.extra,
            totals.changed,
            totals.kept,
            totals.rejected,
            totals.skipped,
        ];
        [name.to_owned(), table.to_owned()].into_iter().chain(numbers.map(count)).collect()
    };
    let rows = report.collections.iter().map(|own| row(&own.collection, &own.table, &own.totals));
    table(&columns, rows.chain([row("total", "", &report.totals)]))
}

fn verdict(report: &ContentsReport, arguments: &str) -> String {
    let accepted = match report.accepted {
        0 => String::new(),
        some => format!(", {} accepted", count(some)),
    };
    let rate = format!("{:.4} % consistent", report.consistency_rate);
    if report.consistent {
        return format!("\nContents are consistent ({rate}{accepted}).\n");
    }
    format!(
        "\nContents DIFFER: {} differences{accepted} ({rate}).\n\nNext:\n  \
         - all of them: fireferry runs differences {}\n  \
         - write them again: fireferry verify {arguments} --repair\n",
        count(report.unaccepted),
        report.verification
    )
}

/// One difference, in a line or a few.
pub fn difference(found: &Difference) -> String {
    let mut text = match (&found.document, found.kind) {
        (_, DifferenceKind::General) => {
            let of = if found.collection.is_empty() { String::new() } else { clean(&found.collection) + ": " };
            format!("  - {of}{}", clean(found.message.as_deref().unwrap_or_default()))
        }
        (Some(document), kind) => format!("  - {} {}", kind.as_str(), clean(document)),
        (None, kind) => format!("  - {} row of {}: {}", kind.as_str(), clean(&found.table), value(&found.key)),
    };
    if let Some(reason) = &found.accepted {
        let _ = write!(text, " (accepted: {})", clean(reason));
    }
    text.push('\n');
    if found.kind != DifferenceKind::General
        && let Some(message) = &found.message
    {
        let _ = writeln!(text, "      {}", clean(message));
    }
    for column in &found.columns {
        let (name, own, stored) = (clean(&column.column), value(&column.source), value(&column.destination));
        let _ = writeln!(text, "      {}.{name}: {own} in the source, {stored} stored", clean(&found.table));
    }
    for child in &found.children {
        let name = clean(&child.table);
        let lines = [(child.missing, &child.missing_rows, "missing"), (child.extra, &child.extra_rows, "extra")];
        for (number, rows, what) in lines {
            for row in rows.iter().take(3) {
                let _ = writeln!(text, "      {name}: {what} {}", value(row));
            }
            let shown = rows.len().min(3) as u64;
            if number > shown {
                let _ = writeln!(text, "      {name}: {} more {what}", count(number - shown));
            }
        }
    }
    text
}

fn value(value: &Value) -> String {
    shorten(&clean(&value.to_string()), LONGEST)
}

/// What a repair would do, as a question.
pub fn repair_plan(report: &ContentsReport, delete_extra: bool, backup: &str, destination: &str) -> String {
    let mut text = format!("This writes again, whatever is there, in {}:\n", clean(destination));
    for row in &report.collections {
        let written = row.totals.missing + row.totals.changed;
        if written > 0 {
            let _ = writeln!(text, "  {} documents of {}", count(written), clean(&row.collection));
        }
    }
    if delete_extra {
        text.push_str("and deletes rows that no document explains:\n");
        for row in report.collections.iter().filter(|row| row.totals.extra > 0) {
            let _ = writeln!(text, "  {} of {} and its child tables", count(row.totals.extra), clean(&row.table));
        }
    }
    text + backup
}

/// What a repair did.
pub fn repair(report: &RepairReport) -> String {
    let mut text = String::new();
    let Some(run) = &report.run else { return "\nNothing was to be repaired.\n".to_owned() };
    let _ = writeln!(text, "\nRepair {run}");
    let backup = report.backup.as_ref().map_or_else(|| "none taken".to_owned(), |path| clean(path));
    let _ = writeln!(text, "  backup: {backup}\n  written again: {}", count(report.written));
    for (what, number) in [("rejected", report.rejected), ("not in the source any more", report.gone)] {
        if number > 0 {
            let _ = writeln!(text, "  {what}: {}", count(number));
        }
    }
    for (table, rows) in &report.deleted {
        let _ = writeln!(text, "  deleted from {}: {}", clean(table), count(*rows));
    }
    let counts = match report.counts_valid {
        Some(true) => "valid",
        Some(false) => "NOT valid: fireferry verify says why",
        None => "not known",
    };
    let _ = writeln!(text, "  still different: {}\n  counts: {counts}", count(report.still_different));
    for note in &report.notes {
        let _ = writeln!(text, "  note: {}", clean(note));
    }
    text
}
