//! `stats`: rows per table; changes nothing.

use serde_json::{Value, json};

use crate::engine::stats::{self, StatsReport};
use crate::error::Result;
use crate::report::text::{Column, bytes, clean, count, table};

use super::App;
use super::args::PipelineArg;
use super::connect::{Access, connect};
use super::exit::Exit;

/// Shows rows per table.
pub async fn stats(app: &App, args: &PipelineArg) -> Result<Exit> {
    let mut connected = connect(app, &args.file, Access::Read)?;
    let result = app.interruptible(stats::stats(&mut connected.context)).await;
    connected.close();
    let report = result?;
    app.output.answer(&document(&report), || text(&report))?;
    Ok(Exit::Clean)
}

fn document(report: &StatsReport) -> Value {
    let tables = report.tables.iter().map(|(table, rows)| json!({ "table": table, "rows": rows }));
    json!({ "destination": report.destination, "tables": tables.collect::<Vec<_>>(), "bytes": report.bytes })
}

fn text(report: &StatsReport) -> String {
    let rows = report
        .tables
        .iter()
        .map(|(table, rows)| vec![table.clone(), rows.map_or_else(|| "no table".to_owned(), count)]);
    let size = report.bytes.map(|size| format!(", {}", bytes(size))).unwrap_or_default();
    format!("{}{size}\n\n{}", clean(&report.destination), table(&[Column::Text("table"), Column::Number("rows")], rows))
}
