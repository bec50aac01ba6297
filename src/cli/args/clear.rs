//! Arguments of `clear`.

use clap::Args;

use super::PipelineArg;

/// Arguments of `clear`.
#[derive(Debug, Args)]
pub struct ClearArgs {
    /// The pipeline file.
    #[command(flatten)]
    pub pipeline: PipelineArg,
    /// Take no backup first
    #[arg(long)]
    pub no_backup: bool,
}
