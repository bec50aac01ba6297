//! Arguments of `cutover`.

use std::time::Duration;

use clap::Args;

use super::super::settings::duration;
use super::PipelineArg;

const CUTOVER_HELP: &str = "\
Reads what changed and looks for deleted documents, waits, reads again: where anything changed meanwhile, it refuses (exit
code 3). Then it compares every document, judges the gates, and says go (exit code 0) or no-go (5). Nothing is switched over
by it, and it can be repeated.

Examples:
  fireferry cutover pipelines/shop.yaml --quiet-for 60s";

/// Arguments of `cutover`.
#[derive(Debug, Args)]
#[command(after_help = CUTOVER_HELP)]
pub struct CutoverArgs {
    /// The pipeline file.
    #[command(flatten)]
    pub pipeline: PipelineArg,
    /// Nothing may change for so long
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "30s")]
    pub quiet_for: Duration,
}
