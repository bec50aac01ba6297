//! Samples of the mapped rows, shown by a dry run.

use super::steps::Step;
use crate::destination::Destination;
use crate::domain::json;
use crate::error::Result;
use crate::report::run::Sample;

/// Rows per table.
const ROWS: usize = 3;

/// The first rows of every table of the steps.
pub(super) async fn samples(destination: &mut dyn Destination, steps: &[Step]) -> Result<Vec<Sample>> {
    let mut samples = Vec::new();
    for step in steps {
        let mapping = &step.mapping;
        let tables = std::iter::once((&mapping.table, &mapping.columns))
            .chain(mapping.children.iter().map(|child| (&child.table, &child.columns)));
        for (table, columns) in tables {
            let columns: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
            let rows = destination.sample(table, &columns, ROWS).await?;
            let rows = rows.iter().map(|row| row.iter().map(json::sql_to_json).collect()).collect();
            samples.push(Sample { table: table.clone(), columns, rows });
        }
    }
    Ok(samples)
}
