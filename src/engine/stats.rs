//! `stats`: what is in the pipeline's tables.

use serde::Serialize;

use super::Context;
use crate::error::Result;

/// Rows per table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatsReport {
    /// The destination, for people.
    pub destination: String,
    /// Table and rows, in the order of the pipeline; `None` where the table does not exist.
    pub tables: Vec<(String, Option<u64>)>,
    /// Size of a local database with its WAL, in bytes.
    pub bytes: Option<u64>,
}

/// Counts the rows of every table of the pipeline. Changes nothing.
pub async fn stats(ctx: &mut Context) -> Result<StatsReport> {
    ctx.destination.check().await?;
    let schema = ctx.destination.inspect().await?;
    let mut tables = Vec::new();
    for name in tables_of(ctx) {
        let rows = match schema.table(&name) {
            Some(_) => ctx.destination.count(std::slice::from_ref(&name)).await?.first().copied(),
            None => None,
        };
        tables.push((name, rows));
    }
    let bytes = ctx.destination.space().await?.map(|space| space.database);
    Ok(StatsReport { destination: ctx.destination.describe(), tables, bytes })
}

/// All tables of the pipeline in the order of its file, child tables after their own.
pub(super) fn tables_of(ctx: &Context) -> Vec<String> {
    let mappings = ctx.pipeline.collections.iter().map(|collection| &collection.mapping);
    mappings
        .flat_map(|mapping| {
            std::iter::once(mapping.table.clone()).chain(mapping.children.iter().map(|child| child.table.clone()))
        })
        .collect()
}
