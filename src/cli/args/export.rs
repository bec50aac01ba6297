//! Arguments of `export`.

use std::path::PathBuf;

use clap::Args;

use super::super::settings::collection;
use super::PipelineArg;
use crate::domain::document::CollectionPattern;

const EXPORT_HELP: &str = "\
Writes one file of NDJSON per collection, in the form of Firestore's REST interface, and EXPORT.md, which says what the
documents are and what they are not. Every document is mapped again before it is written.

Exit code 5 when rows are left out or do not come back exactly, 4 when the newest run rejected documents.

Examples:
  fireferry export pipelines/shop.yaml
  fireferry export pipelines/shop.yaml --out /backup/shop --only users,orders
  fireferry run pipelines/shop.yaml --source export/shop --destination file:again.db";

/// Arguments of `export`.
#[derive(Debug, Args)]
#[command(after_help = EXPORT_HELP)]
pub struct ExportArgs {
    /// The pipeline file.
    #[command(flatten)]
    pub pipeline: PipelineArg,
    /// The folder to write; default: export/NAME of the pipeline
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Only these collections
    #[arg(long, value_name = "COLLECTION,…", value_delimiter = ',', value_parser = collection)]
    pub only: Vec<CollectionPattern>,
    /// Replace files of the same names in a folder that is not empty
    #[arg(long)]
    pub force: bool,
}
