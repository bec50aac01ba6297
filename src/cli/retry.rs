//! `retry`: the rejects of a run once more.

use std::path::PathBuf;

use crate::engine::RunOptions;
use crate::engine::retrying::RetryRequest;
use crate::error::Result;
use crate::ledger::RunEntry;

use super::App;
use super::args::RetryArgs;
use super::exit::Exit;
use super::{run, runs};

/// Finds the run's pipeline in the ledger, and writes its rejects again.
pub async fn retry(app: &App, args: &RetryArgs) -> Result<Exit> {
    let entry = runs::find(app, &args.run.run).await?;
    let (file, environment) = pipeline_of(&entry);
    let mut settings = app.settings.clone();
    settings.environment = settings.environment.or(environment);
    // The run may have gone to another place than the pipeline says; only of a file the ledger knows all that it takes.
    if settings.destination.is_none() && entry.destination_url.starts_with("file:") {
        settings.destination = Some(entry.destination_url.clone());
    }
    let request =
        RetryRequest { run: entry.run_id, from_source: args.from_source, collections: args.collection.clone() };
    let options = RunOptions {
        dry_run: args.dry_run,
        on_conflict: args.on_conflict.clone(),
        no_backup: args.no_backup,
        ..RunOptions::default()
    };
    run::retry(&App { settings, ..app.clone() }, &file, request, options).await
}

/// The file, and the environment it ran in: the ledger has what one types.
fn pipeline_of(entry: &RunEntry) -> (PathBuf, Option<String>) {
    match entry.pipeline_file.rsplit_once(" --env ") {
        Some((file, environment)) => (file.into(), Some(environment.to_owned())),
        None => (entry.pipeline_file.as_str().into(), None),
    }
}
