//! A plan: order, counts, estimate.

use std::fmt::Write;

use super::format::{Column, clean, count, price, table};
use super::run::estimate;
use crate::report::plan::{PlanReport, PlannedCollection};

/// The plan as a table in the order of the run.
pub fn plan(report: &PlanReport) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "Pipeline {}", clean(&report.pipeline));
    let _ = writeln!(text, "  from {}", clean(&report.source));
    let _ = writeln!(text, "  to   {}", clean(&report.destination));
    if let Some(snapshot) = &report.snapshot {
        let _ = writeln!(text, "  as of {}", clean(snapshot));
    }
    text.push('\n');
    let columns = [
        Column::Number("#"),
        Column::Text("collection"),
        Column::Text("table"),
        Column::Number("documents"),
        Column::Number("rows now"),
        Column::Text("after"),
    ];
    text.push_str(&table(&columns, report.collections.iter().enumerate().map(cells)));
    let _ = writeln!(text, "\n{} documents in all", count(report.documents));
    if let Some(found) = &report.estimate {
        let _ = writeln!(text, "Estimate: {}", estimate(found));
        if let Some(warning) = &found.warning {
            let _ = writeln!(text, "Warning: {}", clean(warning));
        }
    }
    if let Some(reads) = &report.reads {
        let _ = writeln!(
            text,
            "Billed reads: about {} for a run ({}); this plan took {}",
            count(reads.billed),
            price(reads.price),
            count(reads.plan)
        );
    }
    section(&mut text, "Migrations that the run would apply", &report.migrations);
    section(&mut text, "Collections of the source that no definition covers", &report.uncovered);
    text
}

fn cells((index, row): (usize, &PlannedCollection)) -> Vec<String> {
    vec![
        (index + 1).to_string(),
        row.collection.clone(),
        row.table.clone(),
        count(row.documents),
        row.rows.map_or_else(|| "no table".to_owned(), count),
        parents(&row.after),
    ]
}

/// The collections of `users (depends_on)`, `users (foreign key …)`: each once, without the reason.
fn parents(after: &[String]) -> String {
    let mut names: Vec<&str> = after.iter().map(|reason| reason.split(" (").next().unwrap_or(reason)).collect();
    names.dedup();
    names.join(", ")
}

fn section(text: &mut String, title: &str, items: &[String]) {
    if !items.is_empty() {
        let _ = writeln!(text, "\n{title}:");
        items.iter().for_each(|item| text.push_str(&format!("  - {}\n", clean(item))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::plan::{Estimate, PlannedReads};

    #[test]
    fn a_plan_shows_order_counts_and_estimate() {
        let row = |collection: &str, documents, rows, after: &[&str]| PlannedCollection {
            collection: collection.to_owned(),
            table: collection.to_owned(),
            documents,
            rows,
            after: after.iter().map(|name| (*name).to_owned()).collect(),
        };
        insta::assert_snapshot!(plan(&PlanReport {
            pipeline: "classroom".to_owned(),
            source: "json files in fixtures/classroom".to_owned(),
            destination: "local file classroom.db".to_owned(),
            collections: vec![
                row("users", 1200, Some(0), &[]),
                row("batches", 40, None, &["users (depends_on)", "users (foreign key batches.teacher_id)"])
            ],
            uncovered: vec!["audit".to_owned()],
            documents: 1240,
            estimate: Some(Estimate {
                seconds_low: 40.0,
                seconds_high: 70.0,
                documents_per_second: 20.0,
                basis: "calibration of 1,000 documents".to_owned(),
                warning: Some("may take longer than time_limit (60 s)".to_owned()),
            }),
            snapshot: Some("2025-06-01T20:00:00.000000Z".to_owned()),
            reads: Some(PlannedReads { billed: 1_245, price: 0.000_747, plan: 62 }),
            migrations: vec!["0001_users".to_owned()],
        }));
    }
}
