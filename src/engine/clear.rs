//! `clear`: empties the pipeline's tables, children first, after a backup.

use serde::Serialize;

use super::lease::leased;
use super::{Context, backup, stats};
use crate::error::{Error, ErrorKind, Result};
use crate::pipeline::graph;

/// What was deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClearReport {
    /// The backup taken first.
    pub backup: Option<String>,
    /// Rows deleted per table.
    pub tables: Vec<(String, u64)>,
}

/// Deletes all rows of the pipeline's tables, and its runs, checkpoints, watermarks and rejects. The caller has the
/// user's consent.
pub async fn clear(ctx: &mut Context, no_backup: bool) -> Result<ClearReport> {
    ctx.destination.check().await?;
    leased(ctx, async |ctx| held(ctx, no_backup).await).await
}

async fn held(ctx: &mut Context, no_backup: bool) -> Result<ClearReport> {
    let schema = ctx.destination.inspect().await?;
    let order = graph::order(&ctx.pipeline.collections, Some(&schema), &[])?;
    if !order.cycles.is_empty() {
        let cycle = order.cycles.first().map(|cycle| cycle.join(" → ")).unwrap_or_default();
        return Err(Error::new(
            ErrorKind::Preflight,
            "clear_cycle",
            format!("the tables cannot be emptied in order: {cycle} is a cycle"),
        )
        .hint("delete the rows yourself with foreign keys off"));
    }
    let backup = if no_backup { None } else { Some(backup::take(ctx, "clear").await?) };
    let tables: Vec<String> = order
        .steps
        .iter()
        .rev()
        .filter_map(|index| ctx.pipeline.collections.get(*index))
        .flat_map(|collection| {
            let mapping = &collection.mapping;
            mapping.children.iter().rev().map(|child| child.table.clone()).chain([mapping.table.clone()])
        })
        .filter(|name| schema.table(name).is_some())
        .collect();
    debug_assert!(tables.len() <= stats::tables_of(ctx).len());
    let deleted = ctx.destination.clear(&ctx.pipeline.name, &tables).await?;
    Ok(ClearReport {
        backup: backup.map(|entry| entry.path.display().to_string()),
        tables: tables.into_iter().zip(deleted).collect(),
    })
}
