//! The report of a run.

use std::fmt::Write;

use super::format::{Column, bytes, clean, count, duration, price, seconds, shorten, table};
use super::rollback::{rollback, rollback_headline};
use crate::report::drift::{DriftKind, DriftReport};
use crate::report::failure::Failure;
use crate::report::plan::Estimate;
use crate::report::run::{CollectionReport, RejectReport, RunReport, Sample, Status, Totals};

/// Rejects shown; the others are asked for with `runs rejects`.
const REJECTS_SHOWN: usize = 10;
/// Differences from what the pipeline expects that are shown.
const DRIFT_SHOWN: usize = 10;
/// Characters of a sampled value shown.
const VALUE_SHOWN: usize = 40;

/// The whole report. `pipeline_file` is what the user would type to run it again.
pub fn run(report: &RunReport, pipeline_file: &str) -> String {
    if let Some(taken) = &report.rollback {
        let error = report.error.as_ref().map(failure).unwrap_or_default();
        return format!(
            "Rollback of {}: {}.\n{error}\n{}",
            rollback_headline(taken),
            outcome(report.status),
            rollback(taken)
        );
    }
    let parts = [
        headline(report),
        report.error.as_ref().map(failure).unwrap_or_default(),
        collections(report),
        facts(report),
        list("Differences", &differences(report)),
        list("Warnings", &report.warnings),
        drift(&report.drift),
        rejects(report),
        samples(&report.samples),
        next_steps(report, pipeline_file),
    ];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

fn headline(report: &RunReport) -> String {
    let pipeline = clean(&report.pipeline);
    let outcome = outcome(report.status);
    if report.dry_run {
        format!("Dry run of pipeline {pipeline}: {outcome}. Nothing was changed.\n")
    } else {
        let retry = report.retry_of.as_ref().map(|first| format!(", a retry of run {first}")).unwrap_or_default();
        format!("Run {} of pipeline {pipeline}{retry}: {outcome}.\n", report.run_id)
    }
}

fn failure(failure: &Failure) -> String {
    let hint = failure.hint.as_ref().map(|hint| format!("Hint: {}\n", clean(hint))).unwrap_or_default();
    format!("Error [{}]: {}\n{hint}", failure.code, clean(&failure.message))
}

/// How a run ended, in words.
const fn outcome(status: Status) -> &'static str {
    match status {
        Status::Starting => "starting",
        Status::Running => "running",
        Status::Verifying => "verifying",
        Status::Completed => "completed",
        Status::CompletedWithRejects => "completed with rejects",
        Status::CompletedWithDifferences => "completed, but the counts differ",
        Status::Failed => "FAILED",
        Status::Interrupted => "interrupted, can be resumed",
        Status::BudgetReached => "stopped at a limit, can be resumed",
        Status::RolledBack => "rolled back",
    }
}

fn collections(report: &RunReport) -> String {
    if report.collections.is_empty() {
        return String::new();
    }
    let columns = [
        Column::Text("collection"),
        Column::Text("table"),
        Column::Number("read"),
        Column::Number("inserted"),
        Column::Number("updated"),
        Column::Number("unchanged"),
        Column::Number("skipped"),
        Column::Number("rejected"),
        Column::Text("valid"),
    ];
    let totals = &report.totals;
    let total = CollectionReport {
        collection: "total".to_owned(),
        read: totals.read,
        inserted: totals.inserted,
        updated: totals.updated,
        unchanged: totals.unchanged,
        skipped: totals.skipped,
        rejected: totals.rejected,
        ..CollectionReport::default()
    };
    let rows = report.collections.iter().map(|row| (row, validity(row)));
    table(&columns, rows.chain([(&total, String::new())]).map(|(row, valid)| cells(row, valid)))
}

fn cells(row: &CollectionReport, valid: String) -> Vec<String> {
    let numbers = [row.read, row.inserted, row.updated, row.unchanged, row.skipped, row.rejected].map(count);
    let mut cells = vec![row.collection.clone(), row.table.clone()];
    cells.extend(numbers);
    cells.push(valid);
    cells
}

fn validity(row: &CollectionReport) -> String {
    match &row.validation {
        None => "-",
        Some(validation) if validation.valid => "yes",
        Some(_) => "NO",
    }
    .to_owned()
}

/// Promise 3 in one line: `5 read = 3 inserted + …`, and what is missing if it does not hold.
pub fn sum(totals: &Totals) -> String {
    let parts = [
        (totals.inserted, "inserted"),
        (totals.updated, "updated"),
        (totals.unchanged, "unchanged"),
        (totals.skipped, "skipped"),
        (totals.rejected, "rejected"),
    ];
    let terms: Vec<String> = parts.iter().map(|(number, name)| format!("{} {name}", count(*number))).collect();
    let accounted = parts.iter().fold(0u64, |sum, (number, _)| sum.saturating_add(*number));
    let mut line = format!("{} read = {}", count(totals.read), terms.join(" + "));
    if accounted != totals.read {
        let _ = write!(line, "  DOES NOT ADD UP: {} accounted for", count(accounted));
    }
    line
}

fn facts(report: &RunReport) -> String {
    let mut text = String::new();
    if !report.collections.is_empty() {
        let _ = writeln!(text, "{}", sum(&report.totals));
    }
    let _ = writeln!(
        text,
        "Took {} ({} documents/s, {} of source){}",
        duration(report.duration_seconds),
        count(report.totals.documents_per_second.max(0.0).round() as u64),
        bytes(report.totals.bytes),
        report
            .estimate
            .as_ref()
            .map(|estimate| format!("; estimated {}", self::estimate(estimate)))
            .unwrap_or_default(),
    );
    if let Some(snapshot) = &report.snapshot {
        let _ = writeln!(text, "Snapshot: {snapshot}");
    }
    for row in &report.collections {
        if row.deleted > 0 {
            let _ = writeln!(
                text,
                "  {}: {} rows of deleted documents were removed",
                clean(&row.collection),
                count(row.deleted)
            );
        }
        if let Some(since) = &row.since {
            let _ = writeln!(text, "  {}: what changed since {since}", clean(&row.collection));
        }
        if let Some(snapshot) = &row.snapshot {
            let _ = writeln!(text, "  {} was read at {snapshot}", clean(&row.collection));
        }
    }
    if let Some(reads) = &report.reads {
        let earlier = match reads.whole_run - reads.billed.min(reads.whole_run) {
            0 => String::new(),
            _ => format!("; {} in the whole run", count(reads.whole_run)),
        };
        let _ = writeln!(text, "Billed reads: {} ({}){earlier}", count(reads.billed), price(reads.price));
    }
    match &report.backup {
        Some(backup) => text.push_str(&format!("Backup: {}\n", clean(backup))),
        None if report.dry_run => {}
        None => text.push_str("Backup: none taken\n"),
    }
    if let Some(stage) = &report.stage {
        text.push_str(&format!("Stage: {}\n", clean(stage)));
    }
    text.push_str(counts_line(report));
    text
}

/// An estimate as `1.2 s to 3 s (calibration of 2000 documents)`.
pub fn estimate(estimate: &Estimate) -> String {
    format!("{} ({})", seconds(estimate.seconds_low, estimate.seconds_high), clean(&estimate.basis))
}

fn counts_line(report: &RunReport) -> &'static str {
    let ended =
        matches!(report.status, Status::Completed | Status::CompletedWithRejects | Status::CompletedWithDifferences);
    if !ended || report.collections.is_empty() {
        return "";
    }
    let mut validations = report.collections.iter().map(|row| row.validation.as_ref());
    if validations.clone().all(|validation| validation.is_none()) {
        "Counts: not validated\n"
    } else if validations.all(|validation| validation.is_none_or(|validation| validation.valid)) {
        "Counts: valid\n"
    } else {
        "Counts: NOT valid, see the differences\n"
    }
}

fn differences(report: &RunReport) -> Vec<String> {
    let of = |row: &CollectionReport| {
        let found = row.validation.iter().flat_map(|validation| validation.differences.clone());
        found.map(|difference| format!("{}: {difference}", row.collection)).collect::<Vec<_>>()
    };
    report.collections.iter().flat_map(of).collect()
}

fn list(title: &str, items: &[String]) -> String {
    if items.is_empty() {
        return String::new();
    }
    items.iter().fold(format!("{title}:\n"), |text, item| text + "  - " + &clean(item) + "\n")
}

/// What documents held that the pipeline does not expect.
fn drift(found: &[DriftReport]) -> String {
    let line = |found: &DriftReport| {
        let what = match &found.kind {
            DriftKind::UnmappedField { field } => format!("`{field}` of {} is mapped by no column", found.collection),
            DriftKind::Misfit { column, found, rule } => format!("{column} cannot hold {found} ({rule})"),
        };
        format!("{what}: {} documents, e.g. {}", count(found.documents), found.example)
    };
    let mut lines: Vec<String> = found.iter().take(DRIFT_SHOWN).map(line).collect();
    if found.len() > DRIFT_SHOWN {
        lines.push(format!("and {} more (`--json` has them all)", found.len() - DRIFT_SHOWN));
    }
    list("Not as the pipeline expects", &lines)
}

fn rejects(report: &RunReport) -> String {
    if report.total_rejects == 0 {
        return String::new();
    }
    let shown = report.rejects.len().min(REJECTS_SHOWN);
    let mut text = match u64::try_from(shown) == Ok(report.total_rejects) {
        true => format!("Rejects ({}):\n", count(report.total_rejects)),
        false => format!("Rejects (the first {shown} of {}):\n", count(report.total_rejects)),
    };
    for item in &report.rejects[..shown] {
        text.push_str(&reject(item));
    }
    text
}

/// One reject: code, document, origin and, below, the reason.
pub fn reject(item: &RejectReport) -> String {
    let origin = match item.origin.as_str() {
        "" | "-" => String::new(),
        origin if origin == item.document => String::new(),
        origin => format!("  ({})", clean(origin)),
    };
    format!("  {}  {}{origin}\n      {}\n", clean(&item.code), clean(&item.document), clean(&item.reason))
}

fn samples(samples: &[Sample]) -> String {
    let mut text = String::new();
    for sample in samples.iter().filter(|sample| !sample.rows.is_empty()) {
        let columns: Vec<Column<'_>> = sample.columns.iter().map(|name| Column::Text(name)).collect();
        let rows = sample.rows.iter().map(|row| row.iter().map(value).collect());
        let _ = write!(
            text,
            "{}Rows of {}:\n{}",
            if text.is_empty() { "" } else { "\n" },
            sample.table,
            table(&columns, rows)
        );
    }
    text
}

fn value(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => "NULL".to_owned(),
        serde_json::Value::String(text) => shorten(text, VALUE_SHOWN),
        other => shorten(&other.to_string(), VALUE_SHOWN),
    }
}

fn next_steps(report: &RunReport, pipeline_file: &str) -> String {
    let mut steps = Vec::new();
    let stage = if report.stage.is_some() { " --stage" } else { "" };
    let again = match &report.retry_of {
        Some(first) => format!("fireferry retry {first}"),
        None => format!("fireferry run {pipeline_file}{stage} --resume"),
    };
    let resume = format!("go on where it stopped: {again}");
    match report.status {
        Status::Interrupted | Status::BudgetReached => steps.push(resume),
        Status::Failed if !report.dry_run => {
            steps.push(format!("what happened in detail: fireferry runs logs {}", report.run_id));
            steps.push(format!("when the cause is removed, {resume}"));
        }
        Status::CompletedWithDifferences if !report.dry_run => {
            steps.push(format!("count again: fireferry verify {pipeline_file} --counts"));
        }
        Status::Completed if report.dry_run => steps.push(match &report.retry_of {
            Some(_) => format!("do it: {again}"),
            None => format!("do it: fireferry run {pipeline_file}"),
        }),
        _ => {}
    }
    if report.total_rejects > 0 && !report.dry_run {
        steps.push(format!("all rejects: fireferry runs rejects {}", latest_or(report)));
        steps.push(format!(
            "correct the documents or the pipeline, then: fireferry run {pipeline_file}  (documents already there count as unchanged)"
        ));
    }
    list("Next", &steps)
}

/// `latest` reads better, and is right as long as no other run was started.
fn latest_or(report: &RunReport) -> &str {
    match report.status {
        Status::CompletedWithRejects => "latest",
        _ => &report.run_id,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::report::run::samples_for_tests::{dirty, empty};

    #[test]
    fn a_run_with_rejects_reads_well() {
        insta::assert_snapshot!(run(&dirty(), "pipelines/classroom.yaml"));
    }

    #[test]
    fn a_clean_dry_run_shows_rows_and_the_next_step() {
        let mut report = empty();
        report.dry_run = true;
        report.samples = vec![Sample {
            table: "users".to_owned(),
            columns: vec!["id".to_owned(), "age".to_owned(), "bio".to_owned()],
            rows: vec![vec!["u1".into(), 7.into(), serde_json::Value::Null]],
        }];
        insta::assert_snapshot!(run(&report, "p.yaml"));
    }

    #[test]
    fn differences_and_a_failure_are_named() {
        let mut report = dirty();
        report.status = Status::Failed;
        let hint = Some("make room, then go on with --resume".to_owned());
        report.error = Some(Failure { code: "destination_full".to_owned(), message: "disk full".to_owned(), hint });
        report.collections[0].validation.as_mut().unwrap().valid = false;
        report.collections[0].validation.as_mut().unwrap().differences =
            vec!["1,001 documents in the source, 1,000 read".to_owned()];
        insta::assert_snapshot!(run(&report, "p.yaml"));
    }

    #[test]
    fn a_sum_that_does_not_add_up_says_so() {
        let totals = Totals { read: 10, inserted: 8, rejected: 1, ..Totals::default() };
        assert_eq!(
            sum(&totals),
            "10 read = 8 inserted + 0 updated + 0 unchanged + 0 skipped + 1 rejected  DOES NOT ADD UP: 9 accounted for"
        );
    }
}
