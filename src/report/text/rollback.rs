//! The plan of a rollback, and its report.

use super::format::{Column, clean, count, moment, table};
use crate::report::rollback::RollbackReport;

/// What a rollback does, as a question shows it or a report tells it.
pub fn rollback(report: &RollbackReport) -> String {
    let columns = [
        Column::Text("table"),
        Column::Number("to delete"),
        Column::Number("to restore"),
        Column::Number("to put back"),
    ];
    let rows = report
        .tables
        .iter()
        .map(|row| vec![row.table.clone(), count(row.deleted), count(row.restored), count(row.put_back)]);
    let mut text = table(&columns, rows);
    if report.rejects > 0 {
        text.push_str(&format!("{} rejects of the run are forgotten with it\n", count(report.rejects)));
    }
    if report.unfinished {
        text.push_str("An earlier rollback was not finished: this is what is left of it.\n");
    }
    for conflict in &report.conflicts {
        let (table, row) = (clean(&conflict.table), clean(&conflict.row));
        text.push_str(&format!("  - in the way: {table} [{row}]: {}\n", clean(&conflict.reason)));
    }
    for note in &report.notes {
        text.push_str(&format!("  - {}\n", clean(note)));
    }
    text
}

/// One line about the run.
pub fn rollback_headline(report: &RollbackReport) -> String {
    format!(
        "run {} of pipeline {} ({}, started {}) in {}",
        report.run,
        clean(&report.pipeline),
        clean(&report.status),
        moment(&report.started_at),
        clean(&report.destination)
    )
}
