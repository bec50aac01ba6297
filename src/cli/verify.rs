//! `verify`: counts of source and destination; changes nothing.

use crate::engine::verify::{self, CountsReport};
use crate::error::Result;
use crate::report::text::{Column, clean, count, table};

use super::App;
use super::args::VerifyArgs;
use super::connect::{Access, connect};
use super::exit::Exit;

/// Exit code 5 when something differs.
pub async fn verify(app: &App, args: &VerifyArgs) -> Result<Exit> {
    let mut connected = connect(app, &args.pipeline.file, Access::Read)?;
    let result = app.interruptible(verify::counts(&mut connected.context)).await;
    connected.close();
    let report = result?;
    app.output.answer(&report, || text(&report))?;
    Ok(if report.valid { Exit::Clean } else { Exit::Differences })
}

fn text(report: &CountsReport) -> String {
    let columns = [
        Column::Text("collection"),
        Column::Text("table"),
        Column::Number("in the source"),
        Column::Number("rows"),
        Column::Number("rejected"),
        Column::Text("valid"),
    ];
    let rows = report.collections.iter().map(|row| {
        let valid = if row.valid { "yes" } else { "NO" };
        vec![
            row.collection.clone(),
            row.table.clone(),
            row.source_count.map_or_else(|| "-".to_owned(), count),
            count(row.rows),
            count(row.rejected),
            valid.to_owned(),
        ]
    });
    let mut text = format!("Counts of run {} ({})\n\n{}", report.run, report.status, table(&columns, rows));
    let of = |row: &verify::CollectionCounts| {
        row.differences.iter().map(|found| format!("  - {}: {}\n", clean(&row.collection), clean(found))).collect()
    };
    let differences: Vec<String> = report.collections.iter().map(of).collect();
    if !report.valid {
        text.push_str(&format!("\nDifferences:\n{}", differences.concat()));
    }
    text + if report.valid { "\nCounts are valid.\n" } else { "\nCounts are NOT valid.\n" }
}
