//! Arguments of `verify`, and of `runs differences`.

use clap::{Args, ValueEnum};

use super::super::settings::{difference_kind, positive};
use super::PipelineArg;
use crate::report::verify::DifferenceKind;

const VERIFY_HELP: &str = "\
--counts reads no document of a source that can count; --contents reads all of them, which a live source bills.
Without --repair nothing is changed; what was found is kept in the ledger: `fireferry runs differences` lists it.

Examples:
  fireferry verify pipelines/classroom.yaml                        do the numbers still add up?
  fireferry verify pipelines/classroom.yaml --contents             is every value what the source says?
  fireferry verify pipelines/classroom.yaml --contents --resume    go on after Ctrl-C
  fireferry verify pipelines/classroom.yaml --repair --delete-extra

Exit code 5 says that something differs.";

/// Arguments of `verify`.
#[derive(Debug, Args)]
#[command(after_help = VERIFY_HELP)]
pub struct VerifyArgs {
    /// The pipeline file.
    #[command(flatten)]
    pub pipeline: PipelineArg,
    /// Count documents, rows and rejects: what is done without any option
    #[arg(long, conflicts_with_all = ["contents", "repair"])]
    pub counts: bool,
    /// Read every document again and compare it with its rows, value by value; look for rows without a document
    #[arg(long)]
    pub contents: bool,
    /// Compare contents, then write again the documents that differ; asks first, and backs up as the pipeline says
    #[arg(long)]
    pub repair: bool,
    /// With --repair: delete the rows that no document explains
    #[arg(long, requires = "repair")]
    pub delete_extra: bool,
    /// With --repair: take no backup first
    #[arg(long, requires = "repair")]
    pub no_backup: bool,
    /// Go on with a comparison of contents that was interrupted
    #[arg(long, conflicts_with = "counts")]
    pub resume: bool,
    /// Show no values, only where they differ
    #[arg(long, conflicts_with = "counts")]
    pub hide_values: bool,
}

impl VerifyArgs {
    /// `verify PIPELINE --contents`.
    pub fn contents(pipeline: PipelineArg) -> Self {
        Self {
            pipeline,
            counts: false,
            contents: true,
            repair: false,
            delete_extra: false,
            no_backup: false,
            resume: false,
            hide_values: false,
        }
    }
}

/// Arguments of `runs differences`.
#[derive(Debug, Args)]
pub struct DifferencesArgs {
    /// A comparison or a run: an id, its beginning, or `latest`
    #[arg(value_name = "VERIFY|RUN", default_value = "latest")]
    pub verification: String,
    /// Only of this collection
    #[arg(long, value_name = "COLLECTION")]
    pub collection: Option<String>,
    /// Only of this kind: missing, extra, changed, kept, general
    #[arg(long, value_name = "KIND", value_parser = difference_kind)]
    pub kind: Option<DifferenceKind>,
    /// At most so many; default: 100 as text, else all
    #[arg(long, value_name = "N", value_parser = positive)]
    pub limit: Option<u64>,
    /// How to write them: text, json, ndjson, csv
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT", hide_possible_values = true)]
    pub format: ListFormat,
    /// Accept them for this reason, instead of listing them
    #[arg(long, value_name = "REASON", conflicts_with_all = ["limit", "format"])]
    pub accept: Option<String>,
}

/// Formats of a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON document.
    Json,
    /// One JSON object per line.
    Ndjson,
    /// Comma-separated values with a heading.
    Csv,
}
