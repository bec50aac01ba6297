//! Reports as Markdown: a run's for tickets and pull requests, an export's beside its files.

use std::fmt::Write;

use super::export::{ExportReport, ExportedCollection};
use super::run::{CollectionReport, RejectReport, RunReport};
use super::text::{clean, duration, price, sum};

/// The report as one Markdown document.
pub fn run(report: &RunReport) -> String {
    let mut text = format!("# Run {} of pipeline {}\n\n", report.run_id, cell(&report.pipeline));
    let _ =
        writeln!(text, "- status: **{}**{}", report.status.as_str(), if report.dry_run { " (dry run)" } else { "" });
    let _ = writeln!(text, "- started: {} by {}", report.started_at, cell(&report.initiated_by));
    let _ = writeln!(text, "- took: {}", duration(report.duration_seconds));
    if let Some(backup) = &report.backup {
        let _ = writeln!(text, "- backup: {}", code(backup));
    }
    if let Some(snapshot) = &report.snapshot {
        let _ = writeln!(text, "- snapshot: {}", cell(snapshot));
    }
    if let Some(reads) = &report.reads {
        let _ = writeln!(text, "- billed reads: {} ({})", reads.billed, price(reads.price));
    }
    if let Some(error) = &report.error {
        let _ = writeln!(text, "- error: {} ({})", cell(&error.message), code(&error.code));
    }
    collections(&mut text, report);
    section(&mut text, "Differences", &differences(report));
    section(&mut text, "Warnings", &report.warnings);
    rejects(&mut text, report);
    text
}

/// The page beside the files of an export.
pub fn export(report: &ExportReport) -> String {
    let mut text = format!("# Export of pipeline {}\n\n", cell(&report.pipeline));
    let whole = if report.complete { "yes" } else { "**no**" };
    let _ = writeln!(text, "- from: {}\n- whole: {whole}", cell(&report.destination));
    exported_collections(&mut text, report);
    section(&mut text, "Warnings", &report.warnings);
    exported_columns(&mut text, report);
    let notes =
        report.collections.iter().flat_map(|one| one.notes.iter().map(|note| format!("{}: {note}", one.collection)));
    section(&mut text, "What holds for whole collections", &notes.collect::<Vec<_>>());
    let found = report.shortfalls.iter().map(|found| {
        let how = if found.written { "written, but" } else { "not written:" };
        format!("{}: {how} {}", found.document, found.reason)
    });
    section(&mut text, "Not exactly in the export", &found.collect::<Vec<_>>());
    text
}

fn exported_collections(text: &mut String, report: &ExportReport) {
    text.push_str("\n| collection | file | documents | inexact | left out | gone | orphans |\n");
    text.push_str("| --- | --- | --: | --: | --: | --: | --: |\n");
    for one in &report.collections {
        let ExportedCollection { documents, inexact, left_out, gone, orphans, .. } = one;
        let (collection, file) = (cell(&one.collection), code(&one.file));
        let _ = writeln!(text, "| {collection} | {file} | {documents} | {inexact} | {left_out} | {gone} | {orphans} |");
    }
}

fn exported_columns(text: &mut String, report: &ExportReport) {
    text.push_str("\n## What becomes of each column\n\n| column | from | comes back | because |\n");
    text.push_str("| --- | --- | --- | --- |\n");
    for column in report.collections.iter().flat_map(|one| &one.columns) {
        let how = column.comes_back.replace('_', " ");
        let (name, from) = (code(&column.column), code(&column.from));
        let _ = writeln!(text, "| {name} | {from} | {how} | {} |", cell(&column.reason));
    }
}

fn collections(text: &mut String, report: &RunReport) {
    if report.collections.is_empty() {
        return;
    }
    text.push_str("\n| collection | table | read | inserted | updated | unchanged | skipped | rejected | valid |\n");
    text.push_str("| --- | --- | --: | --: | --: | --: | --: | --: | --- |\n");
    for row in &report.collections {
        let CollectionReport { read, inserted, updated, unchanged, skipped, rejected, .. } = row;
        let valid = row.validation.as_ref().map_or("-", |validation| if validation.valid { "yes" } else { "**no**" });
        let _ = writeln!(
            text,
            "| {} | {} | {read} | {inserted} | {updated} | {unchanged} | {skipped} | {rejected} | {valid} |",
            cell(&row.collection),
            cell(&row.table),
        );
    }
    let _ = writeln!(text, "\n{}", sum(&report.totals));
}

fn differences(report: &RunReport) -> Vec<String> {
    let mut found = Vec::new();
    for row in &report.collections {
        for difference in row.validation.iter().flat_map(|validation| &validation.differences) {
            found.push(format!("{}: {difference}", row.collection));
        }
    }
    found
}

fn section(text: &mut String, title: &str, items: &[String]) {
    if !items.is_empty() {
        let _ = writeln!(text, "\n## {title}\n");
        items.iter().for_each(|item| text.push_str(&format!("- {}\n", cell(item))));
    }
}

fn rejects(text: &mut String, report: &RunReport) {
    if report.rejects.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n## Rejects ({} of {})\n", report.rejects.len(), report.total_rejects);
    text.push_str("| code | document | origin | reason |\n| --- | --- | --- | --- |\n");
    for RejectReport { code: reject_code, document, origin, reason, .. } in &report.rejects {
        let _ = writeln!(text, "| {} | {} | {} | {} |", cell(reject_code), code(document), cell(origin), cell(reason));
    }
}

/// Text that cannot end its cell or become markup.
fn cell(text: &str) -> String {
    let mut safe = String::new();
    for character in clean(text).chars() {
        if matches!(character, '|' | '*' | '`' | '<' | '>' | '[' | ']' | '\\') {
            safe.push('\\');
        }
        safe.push(character);
    }
    safe
}

/// Text in code quotes; a quote in it falls back to escaped text.
fn code(text: &str) -> String {
    if text.contains(['`', '|']) { cell(text) } else { format!("`{}`", clean(text)) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::report::failure::Failure;
    use crate::report::run::samples_for_tests::dirty;

    #[test]
    fn a_run_becomes_one_document() {
        let mut report = dirty();
        report.rejects.truncate(2);
        report.rejects[1].reason = "`a|b` <script>".to_owned();
        report.collections[0].validation.as_mut().unwrap().valid = false;
        report.collections[0].validation.as_mut().unwrap().differences = vec!["2 rows are missing".to_owned()];
        let message = "the destination is full".to_owned();
        report.error = Some(Failure { code: "destination_full".to_owned(), message, hint: None });
        insta::assert_snapshot!(run(&report));
    }
}
