//! Arguments of `retry`.

use clap::Args;

use super::super::settings::collection;
use super::RunArg;
use crate::destination::OnConflict;
use crate::domain::document::CollectionPattern;

const RETRY_HELP: &str = "\
The rejects of the run are written again by its pipeline as it is now: from the documents that were kept, or, with
--from-source or when the pipeline ran since, from the source. What is written, and what is rejected again, leaves the
list of the run; what fails again is on the list of the retry. Interrupted, the same command goes on.

Examples:
  fireferry retry latest --dry-run
  fireferry retry 0190 --collection users --from-source";

/// Arguments of `retry`.
#[derive(Debug, Args)]
#[command(after_help = RETRY_HELP)]
pub struct RetryArgs {
    /// The run.
    #[command(flatten)]
    pub run: RunArg,
    /// Read the documents from the source again
    #[arg(long)]
    pub from_source: bool,
    /// Only of these collections
    #[arg(long, value_name = "COLLECTION,…", value_delimiter = ',', value_parser = collection)]
    pub collection: Vec<CollectionPattern>,
    /// Change nothing: write into a throw-away copy and report what a real retry would
    #[arg(long)]
    pub dry_run: bool,
    /// What to do with a row that is there already, instead of what the pipeline says; see `run --help`
    #[arg(long, value_name = "STRATEGY")]
    pub on_conflict: Option<OnConflict>,
    /// Take no backup first
    #[arg(long)]
    pub no_backup: bool,
}
