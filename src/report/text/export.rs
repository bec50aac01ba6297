//! What an export wrote, and what it could not.

use std::fmt::Write;

use super::format::{Column, bytes, clean, count, table};
use crate::report::export::{ExportReport, ExportedCollection};

/// The answer for people.
pub fn export(report: &ExportReport) -> String {
    let mut text = format!("Exported {} to {}\n\n", clean(&report.destination), clean(&report.folder));
    let columns = [
        Column::Text("collection"),
        Column::Text("file"),
        Column::Number("documents"),
        Column::Number("inexact"),
        Column::Number("left out"),
        Column::Number("gone"),
        Column::Number("orphans"),
        Column::Number("size"),
    ];
    let rows = report.collections.iter().map(|one| {
        let numbers = [one.documents, one.inexact, one.left_out, one.gone, one.orphans].map(count);
        [clean(&one.collection), clean(&one.file)].into_iter().chain(numbers).chain([bytes(one.bytes)]).collect()
    });
    text.push_str(&table(&columns, rows));
    for warning in &report.warnings {
        let _ = writeln!(text, "\nwarning: {}", clean(warning));
    }
    text.push_str(&what_comes_back(report));
    if !report.shortfalls.is_empty() {
        text.push_str("\nNot exactly in the export:\n");
    }
    for found in &report.shortfalls {
        let how = if found.written { "written, but" } else { "NOT WRITTEN:" };
        let _ = writeln!(text, "  - {}: {how} {}", clean(&found.document), clean(&found.reason));
    }
    text + &verdict(report)
}

fn verdict(report: &ExportReport) -> String {
    if report.complete {
        return "\nEvery row is in the export, and a run of the pipeline makes exactly these rows of it.\n".to_owned();
    }
    let sum = |of: fn(&ExportedCollection) -> u64| count(report.collections.iter().map(of).sum());
    format!(
        "\nThe export is NOT the whole. Rows left out: {}; documents inexact: {}; child rows without their document: {}.\n",
        sum(|one| one.left_out),
        sum(|one| one.inexact),
        sum(|one| one.orphans),
    )
}

/// Columns whose values do not come back as they were, and what holds for whole collections.
fn what_comes_back(report: &ExportReport) -> String {
    let columns = [Column::Text("column"), Column::Text("from"), Column::Text("comes back"), Column::Text("because")];
    let told = report.collections.iter().flat_map(|one| &one.columns);
    let rows: Vec<Vec<String>> = told
        .filter(|column| !["exact", "derived"].contains(&column.comes_back))
        .map(|column| {
            let how = column.comes_back.replace('_', " ");
            vec![clean(&column.column), clean(&column.from), how, clean(&column.reason)]
        })
        .collect();
    let mut text = String::new();
    if !rows.is_empty() {
        let _ = write!(text, "\nNot every value comes back as Firestore had it:\n\n{}", table(&columns, rows));
    }
    for one in report.collections.iter().filter(|one| !one.notes.is_empty()) {
        let _ = writeln!(text, "\n{}:", clean(&one.collection));
        one.notes.iter().for_each(|note| text.push_str(&format!("  - {}\n", clean(note))));
    }
    text
}
