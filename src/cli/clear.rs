//! `clear`: deletes all rows of the pipeline's tables, after a backup and a confirmation.

use serde_json::json;

use crate::engine::clear::{self, ClearReport};
use crate::engine::stats;
use crate::error::Result;
use crate::report::text::{Column, clean, clean_lines, count, table};

use super::App;
use super::args::ClearArgs;
use super::connect::{Access, Connected, connect};
use super::exit::Exit;

/// Deletes.
pub async fn clear(app: &App, args: &ClearArgs) -> Result<Exit> {
    if !app.settings.yes {
        let mut connected = connect(app, &args.pipeline.file, Access::Read)?;
        let asked = ask(app, &mut connected, args.no_backup).await;
        connected.close();
        asked?;
    }
    let mut connected = connect(app, &args.pipeline.file, Access::Write)?;
    let result = clear::clear(&mut connected.context, args.no_backup).await;
    connected.close();
    let report = result?;
    let tables: Vec<_> = report.tables.iter().map(|(table, rows)| json!({ "table": table, "deleted": rows })).collect();
    app.output.answer(&json!({ "backup": report.backup, "tables": tables }), || text(&report))?;
    Ok(Exit::Clean)
}

async fn ask(app: &App, connected: &mut Connected, no_backup: bool) -> Result<()> {
    let found = app.interruptible(stats::stats(&mut connected.context)).await?;
    let name = connected.context.pipeline.name.clone();
    let tables = found.tables.iter().filter_map(|(table, rows)| Some(format!("  {table}: {} rows", count((*rows)?))));
    let backup = if no_backup { "No backup is taken." } else { "A backup is taken first." };
    let question = format!(
        "This deletes all rows of these tables, and the checkpoints and rejects of pipeline {name}, in {}:\n{}\n{backup}",
        found.destination,
        tables.collect::<Vec<_>>().join("\n"),
    );
    app.output.confirm(&clean_lines(&question), &name)
}

fn text(report: &ClearReport) -> String {
    let rows = report.tables.iter().map(|(table, rows)| vec![table.clone(), count(*rows)]);
    let backup = report.backup.as_ref().map_or_else(|| "none taken".to_owned(), |path| clean(path));
    table(&[Column::Text("table"), Column::Number("rows deleted")], rows) + &format!("\nBackup: {backup}\n")
}
