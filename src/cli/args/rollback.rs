//! Arguments of `rollback`.

use std::path::PathBuf;

use clap::Args;

const ROLLBACK_HELP: &str = "\
Rows that the run inserted go, rows that it changed or deleted become what they were, and its checkpoints and rejects are
forgotten: it counts as never having happened. Refused, with a list, when somebody else changed these rows since, or refers
to them. What was interrupted goes on when it is started again.

Examples:
  fireferry rollback latest --dry-run     what would be taken back? changes nothing
  fireferry rollback 0197a1c2 --yes";

/// Arguments of `rollback`.
#[derive(Debug, Args)]
#[command(after_help = ROLLBACK_HELP)]
pub struct RollbackArgs {
    /// Which run: an id, its beginning, or `latest`.
    #[arg(value_name = "RUN")]
    pub run: String,
    /// Its pipeline file, where the ledger does not know the run
    #[arg(long, value_name = "PIPELINE")]
    pub pipeline: Option<PathBuf>,
    /// Also where others changed the rows since, or refer to them: what they did is lost
    #[arg(long)]
    pub force: bool,
    /// Show what would be taken back, and what speaks against it; changes nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Take no backup first
    #[arg(long)]
    pub no_backup: bool,
}
