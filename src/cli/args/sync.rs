//! Arguments of `sync`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::super::settings::{duration, positive};

const SYNC_HELP: &str = "\
Each turn runs every pipeline once, one after another: an unfinished run is gone on with, else only what changed since the
last run is read (`run --incremental`). Without --every or --cron there is one turn, and its exit code.

Turns never overlap: where another process holds the lease of a destination, the turn is skipped and counted. After a
failure the next turn waits 30 s, then twice as long each time, up to an hour. SIGTERM or Ctrl-C finishes the commit under
way and ends with exit code 0, within max_lock_time and a few seconds.

Examples:
  fireferry sync pipelines/shop.yaml                              one turn, for cron or a CronJob
  fireferry sync pipelines/shop.yaml --every 15m --deletes-every 1d
  fireferry sync shop.yaml blog.yaml --cron \"*/10 6-22 * * *\" --timezone Europe/Kyiv --metrics-listen 127.0.0.1:9464";

/// Arguments of `sync`.
#[derive(Debug, Args)]
#[command(after_help = SYNC_HELP)]
pub struct SyncArgs {
    /// The pipeline files
    #[arg(value_name = "PIPELINE", required = true)]
    pub files: Vec<PathBuf>,
    /// Again so long after the last turn began, e.g. 15m
    #[arg(long, value_name = "DURATION", value_parser = duration, conflicts_with = "cron")]
    pub every: Option<Duration>,
    /// At these times: minute, hour, day, month, weekday
    #[arg(long, value_name = "EXPRESSION")]
    pub cron: Option<String>,
    /// The time zone of --cron
    #[arg(long, value_name = "ZONE", default_value = "UTC", requires = "cron")]
    pub timezone: String,
    /// Begin each turn up to so much later
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub jitter: Option<Duration>,
    /// When turns passed while another one was under way: skip them, or have one at once
    #[arg(long, value_enum, default_value_t, value_name = "POLICY")]
    pub catch_up: CatchUpPolicy,
    /// Give up after so many failed turns in a row
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = positive)]
    pub max_failures: u64,
    /// Look for documents that were deleted, where a collection says `deletes`, when that was last done so long ago
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub deletes_every: Option<Duration>,
    /// Compare source and destination value by value so often, after a turn
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub verify_every: Option<Duration>,
    /// Back up the destination so often, before a turn
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub backup_every: Option<Duration>,
    /// End a single turn with exit code 0 instead of these, e.g. 3,4,6,7: what a later turn sees to
    #[arg(long, value_name = "CODE,…", value_delimiter = ',')]
    pub tolerate: Vec<u8>,
    /// Stop a run, to be gone on with at the next turn, before the source bills more reads than this
    #[arg(long, value_name = "N", value_parser = positive)]
    pub max_reads: Option<u64>,
    /// Serve /metrics, /healthz and /readyz there, e.g. 127.0.0.1:9464
    #[arg(long, value_name = "ADDRESS", env = "FIREFERRY_METRICS_LISTEN", hide_env_values = true)]
    pub metrics_listen: Option<SocketAddr>,
    /// Write the metrics into this file after every turn
    #[arg(long, value_name = "FILE", env = "FIREFERRY_METRICS_FILE", hide_env_values = true)]
    pub metrics_file: Option<PathBuf>,
    /// Tell this URL of every turn that failed, or found differences, and of the first one that went well again
    #[arg(long, value_name = "URL", env = "FIREFERRY_WEBHOOK", hide_env_values = true)]
    pub webhook: Option<String>,
}

impl SyncArgs {
    /// Whether there is more than one turn.
    pub fn repeats(&self) -> bool {
        self.every.is_some() || self.cron.is_some()
    }
}

/// What to do about turns that passed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum CatchUpPolicy {
    /// Wait for the next one.
    #[default]
    Skip,
    /// Have one at once for all of them.
    Once,
}
