//! `export`: the destination's rows as documents again, in files that `kind: json` reads. Changes nothing.
//!
//! Every document is mapped again before it is written; one that does not become exactly its rows is told. Rows are
//! counted twice, as they are read and by the destination: an export that does not add up is none.

mod files;
mod pages;
mod plan;
mod write;

use std::path::PathBuf;

use super::Context;
use super::steps::scratch;
use super::verify::panicked;
use crate::domain::document::CollectionPattern;
use crate::error::Result;
use crate::report::export::ExportReport;
use files::Folder;
use plan::Plan;
use write::Export;

/// What was asked for.
#[derive(Debug, Clone)]
pub struct ExportOptions {
    /// The folder to write.
    pub out: PathBuf,
    /// Only these collections; all without any.
    pub only: Vec<CollectionPattern>,
    /// Replace files of the same names.
    pub force: bool,
}

/// Exports.
///
/// # Errors
/// Kind `Preflight` where a collection has no way back or files are in the way, before anything is written; kind
/// `Interrupted` when asked to stop; those of the destination and of the files. No file is left half written.
pub async fn export(ctx: Context, options: ExportOptions) -> Result<ExportReport> {
    // A local file answers synchronously: it gets its own thread.
    let runtime = tokio::runtime::Handle::current();
    let work = tokio::task::spawn_blocking(move || {
        runtime.block_on(async move {
            let mut ctx = ctx;
            work(&mut ctx, &options).await
        })
    });
    work.await.map_err(panicked)?
}

async fn work(ctx: &mut Context, options: &ExportOptions) -> Result<ExportReport> {
    ctx.progress.phase("export");
    ctx.destination.check().await?;
    let plan = Plan::of(ctx, &options.only).await?;
    let collections = plan.inverses.iter().map(|inverse| inverse.collection());
    let mut folder = Folder::open(&options.out, collections, options.force)?;
    let (rejects, mut warnings) = plan::left_behind(ctx, &plan).await?;
    warnings.extend(folder.others.iter().cloned());
    // A server answers each question as it is then: a copy of its rows is how they were at one moment.
    let mut copied = None;
    if !ctx.destination.capabilities().local {
        ctx.progress.message("copying the tables, to read them as they are at one moment");
        copied = Some(scratch(ctx, &plan.tables()).await?);
    }
    let destination = match &mut copied {
        Some((copy, _)) => copy.as_mut(),
        None => ctx.destination.as_mut(),
    };
    let export = Export { plan: &plan, progress: &*ctx.progress, stop: &ctx.stop };
    let (collections, shortfalls) = export.write(destination, &mut folder).await?;
    let complete = collections.iter().all(|one| one.inexact + one.left_out + one.orphans == 0);
    let report = ExportReport {
        pipeline: ctx.pipeline.name.clone(),
        destination: ctx.destination.describe(),
        folder: options.out.display().to_string(),
        complete,
        collections,
        shortfalls,
        rejects,
        warnings,
    };
    folder.finish(&report)?;
    Ok(report)
}
