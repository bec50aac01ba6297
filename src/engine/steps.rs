//! What a run works through: the pipeline's collections in order, bound to the schema they will meet.

use std::path::PathBuf;
use std::sync::Arc;

use super::incremental::Reach;
use super::{Context, RunOptions};
use crate::destination::{ChildTarget, Destination, MigrationStep, OnConflict, Target};
use crate::domain::document::CollectionPattern;
use crate::domain::mapping::{BindProblem, ColumnType, Mapping};
use crate::domain::schema::Schema;
use crate::error::Result;
use crate::pipeline::graph::{self, Order};
use crate::pipeline::resolved::Collection;
use crate::schema::Migrations;
use crate::source::ReadRequest;

/// One collection of a run.
#[derive(Debug, Clone)]
pub(super) struct Step {
    /// The definition.
    pub collection: Collection,
    /// Its mapping, bound to the schema.
    pub mapping: Arc<Mapping>,
    /// Why others come before it.
    pub after: Vec<String>,
    /// What is read of it; `None` for everything.
    pub reach: Option<Reach>,
}

impl Step {
    /// The collection's pattern.
    pub fn pattern(&self) -> &CollectionPattern {
        &self.mapping.collection
    }

    /// The collection's name.
    pub fn name(&self) -> &str {
        self.mapping.collection.as_str()
    }

    /// The table and its child tables.
    pub fn tables(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.mapping.table.as_str())
            .chain(self.mapping.children.iter().map(|child| child.table.as_str()))
    }

    /// How to read it.
    pub fn request(&self, ctx: &Context, options: &RunOptions) -> ReadRequest {
        let settings = &ctx.pipeline.settings;
        ReadRequest {
            collection: self.pattern().clone(),
            page_documents: options.batch_size.unwrap_or(self.collection.batch_size).max(1),
            page_bytes: settings.batch_bytes,
            max_document_bytes: settings.max_document_bytes,
            filter: self.mapping.filter.clone(),
            fields: if settings.mapped_fields_only { self.mapping.fields_needed() } else { None },
            only: None,
            changed: self.reach.as_ref().map(|reach| reach.changed.clone()),
            brief: false,
        }
    }

    /// What to do with rows that are there.
    pub fn on_conflict<'a>(&'a self, options: &'a RunOptions) -> &'a OnConflict {
        options.on_conflict.as_ref().unwrap_or(&self.collection.on_conflict)
    }

    /// How to write it.
    pub fn target(&self, options: &RunOptions, empty_at_start: bool, unique_paths: bool) -> Target {
        let mapping = &self.mapping;
        let names = |columns: &[crate::domain::mapping::ColumnMapping]| -> Vec<String> {
            columns.iter().map(|column| column.name.clone()).collect()
        };
        Target {
            collection: mapping.collection.clone(),
            table: mapping.table.clone(),
            columns: names(&mapping.columns),
            key: mapping.key.clone(),
            children: mapping
                .children
                .iter()
                .map(|child| ChildTarget {
                    table: child.table.clone(),
                    columns: names(&child.columns),
                    link: child.link.clone(),
                })
                .collect(),
            on_conflict: self.on_conflict(options).clone(),
            json: mapping
                .columns
                .iter()
                .enumerate()
                .filter(|(_, column)| column.kind == ColumnType::Json)
                .map(|(index, _)| index)
                .collect(),
            empty_at_start,
            remember_keys: !(empty_at_start || unique_paths && mapping.key_is_path()),
        }
    }
}

/// The schema that the run will meet, and what must be applied for it.
#[derive(Debug)]
pub(super) struct FutureSchema {
    /// After the migrations.
    pub schema: Schema,
    /// Migrations not applied yet.
    pub pending: Vec<MigrationStep>,
    /// Migrations are pending, and no user table has a row: the run migrates it itself.
    pub empty: bool,
}

/// Finds out the schema after pending migrations, by applying them to a scratch database: the destination is only
/// read.
pub(super) async fn future_schema(ctx: &mut Context) -> Result<FutureSchema> {
    let current = ctx.destination.inspect().await?;
    let pending = match &ctx.pipeline.schema {
        Some(folder) => Migrations::load(folder)?.pending(&ctx.destination.migrations().await?)?,
        None => Vec::new(),
    };
    if pending.is_empty() {
        // Whether it is empty matters only to migrations, and counting takes as long as the tables are.
        return Ok(FutureSchema { schema: current, pending, empty: false });
    }
    let names: Vec<String> = current.tables.iter().map(|table| table.name.clone()).collect();
    let empty = ctx.destination.count(&names).await?.iter().all(|rows| *rows == 0);
    let (mut scratch, _guard) = scratch(ctx, &[]).await?;
    for step in &pending {
        scratch.migrate(step).await?;
    }
    Ok(FutureSchema { schema: scratch.inspect().await?, pending, empty })
}

/// The collections of the run in order, with their mappings bound to the schema, and everything wrong with that.
pub(super) fn plan_steps(
    ctx: &Context,
    options: &RunOptions,
    schema: &Schema,
) -> Result<(Vec<Step>, Order, Vec<BindProblem>)> {
    let order = graph::order(&ctx.pipeline.collections, Some(schema), &options.only)?;
    let mut problems = Vec::new();
    let steps = order
        .steps
        .iter()
        .zip(&order.after)
        .filter_map(|(index, after)| Some((ctx.pipeline.collections.get(*index)?, after)))
        .map(|(collection, after)| {
            let (mapping, mut found) = collection.mapping.bind(schema);
            problems.append(&mut found);
            Step { collection: collection.clone(), mapping: Arc::new(mapping), after: after.clone(), reach: None }
        })
        .collect();
    Ok((steps, order, problems))
}

/// Removes a scratch database, whatever happens.
pub(super) struct ScratchGuard(PathBuf);

impl ScratchGuard {
    /// Removes this database when it is dropped.
    pub fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Removes nothing any more.
    pub fn keep(mut self) {
        self.0 = PathBuf::new();
    }
}

impl Drop for ScratchGuard {
    fn drop(&mut self) {
        if self.0.as_os_str().is_empty() {
            return;
        }
        for suffix in ["", "-wal", "-shm", "-journal"] {
            let mut name = self.0.clone().into_os_string();
            name.push(suffix);
            // Nothing can be done about a file that does not go, and the next run does not care.
            let _ = std::fs::remove_file(PathBuf::from(name));
        }
    }
}

/// An empty throw-away database.
pub(super) async fn blank(ctx: &mut Context) -> Result<(Box<dyn Destination>, ScratchGuard)> {
    let path = ctx.state.join(format!("blank-{}.db", uuid::Uuid::now_v7().simple()));
    let guard = ScratchGuard(path.clone());
    Ok((ctx.destination.blank(&path).await?, guard))
}

/// A throw-away copy of the destination's schema, with the rows of the tables named.
pub(super) async fn scratch(ctx: &mut Context, tables: &[String]) -> Result<(Box<dyn Destination>, ScratchGuard)> {
    let path = ctx.state.join(format!("shadow-{}.db", uuid::Uuid::now_v7().simple()));
    let guard = ScratchGuard(path.clone());
    let shadow = ctx.destination.shadow(&path, tables).await?;
    Ok((shadow, guard))
}
