//! Texts of arguments to values, and the settings that all verbs share.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::domain::document::CollectionPattern;
use crate::domain::value::Timestamp;
use crate::engine::RunOptions;
use crate::error::{Error, ErrorKind, Result};
use crate::pipeline;
use crate::pipeline::resolved::RejectLimit;
use crate::report::verify::DifferenceKind;

use super::args::{Global, LogFormat, PlanArgs, ProgressKind, RunArgs};

/// Validated settings of an invocation.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `--destination`.
    pub destination: Option<String>,
    /// `--source`.
    pub source: Option<String>,
    /// `--env`.
    pub environment: Option<String>,
    /// Where the ledger is.
    pub ledger: PathBuf,
    /// The state folder, absolute.
    pub state: PathBuf,
    /// `-v` given so many times.
    pub verbose: u8,
    /// `-q`.
    pub quiet: bool,
    /// `--log-format`.
    pub log_format: LogFormat,
    /// `--progress`.
    pub progress: ProgressKind,
    /// `--yes`.
    pub yes: bool,
}

impl Settings {
    /// Validates the global options.
    pub fn new(global: &Global) -> Result<Self> {
        let state = std::path::absolute(&global.state_dir).map_err(|error| {
            Error::new(ErrorKind::Usage, "state_dir_invalid", "--state-dir is not a path")
                .file(&global.state_dir)
                .caused_by(error)
        })?;
        Ok(Self {
            destination: global.destination.clone(),
            source: global.source.clone(),
            environment: global.env.clone().filter(|name| !name.is_empty()),
            ledger: ledger_path(global.ledger.as_deref(), &state)?,
            state,
            verbose: global.verbose,
            quiet: global.quiet,
            log_format: global.log_format,
            progress: global.progress,
            yes: global.yes,
        })
    }
}

fn ledger_path(url: Option<&str>, state: &Path) -> Result<PathBuf> {
    let Some(url) = url else { return Ok(state.join("ledger.db")) };
    let path = url.strip_prefix("file:").unwrap_or(url);
    if path.is_empty() || path.contains("://") {
        // The URL itself may hold a token, so it is not repeated.
        return Err(Error::new(ErrorKind::Usage, "ledger_unsupported", "--ledger must be a local file")
            .hint("write a path or file:PATH, or leave --ledger away to use the state folder"));
    }
    std::path::absolute(path).map_err(|error| {
        Error::new(ErrorKind::Usage, "ledger_unsupported", "--ledger is not a path").file(path).caused_by(error)
    })
}

/// What `run` was asked for.
pub fn run_options(args: &RunArgs) -> Result<RunOptions> {
    let batch_size = args.batch_size.map(usize::try_from).transpose().map_err(|error| {
        Error::new(ErrorKind::Usage, "batch_size_invalid", "--batch-size is too large").caused_by(error)
    })?;
    Ok(RunOptions {
        dry_run: args.dry_run,
        sample: args.selection.sample,
        only: args.selection.only.clone(),
        resume: args.resume.as_ref().map(|run| (run != "latest").then(|| run.clone())),
        batch_size,
        on_conflict: args.on_conflict.clone(),
        migrate: args.migrate,
        no_backup: args.no_backup,
        no_verify: args.no_verify,
        max_rejects: args.max_rejects,
        max_time: args.max_time,
        max_bytes: args.max_bytes,
        max_reads: args.max_reads,
        new_snapshot: args.new_snapshot,
        read_time: None,
        incremental: args.incremental || args.since.is_some(),
        since: args.since,
        resumed_since: None,
        go_on: false,
        deletes_every: None,
        deletes: args.deletes,
        max_deletes: args.max_deletes,
        retry: None,
    })
}

/// What `plan` was asked for.
pub fn plan_options(args: &PlanArgs) -> RunOptions {
    RunOptions { only: args.selection.only.clone(), sample: args.selection.sample, ..RunOptions::default() }
}

/// A kind of difference.
pub fn difference_kind(text: &str) -> Result<DifferenceKind, String> {
    DifferenceKind::parse(text).ok_or_else(|| "one of missing, extra, changed, kept, general".to_owned())
}

/// A whole number of at least 1.
pub fn positive(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("must be a whole number of at least 1".to_owned()),
        Ok(number) => Ok(number),
    }
}

/// A collection's path pattern.
pub fn collection(text: &str) -> Result<CollectionPattern, String> {
    CollectionPattern::parse(text)
}

/// `100` or `1%`, as in the pipeline file.
pub fn reject_limit(text: &str) -> Result<RejectLimit, String> {
    let problem = || "must be a number such as 100, or a percentage from 0% to 100%".to_owned();
    pipeline::reject_limit(text).ok_or_else(problem)
}

/// A point in time as RFC 3339 writes it.
pub fn timestamp(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|error| format!("must be a time such as 2026-01-31T08:00:00Z: {error}"))
}

/// `50s`, `10m`, `1h30m`, as in the pipeline file; more than nothing.
pub fn duration(text: &str) -> Result<Duration, String> {
    let problem = || "must be a time such as 50s, 10m or 1h30m".to_owned();
    pipeline::duration(text).filter(|duration| !duration.is_zero()).ok_or_else(problem)
}

/// `1048576`, `500MB`, `2GiB`, as in the pipeline file; more than nothing.
pub fn byte_size(text: &str) -> Result<u64, String> {
    let problem = || "must be a size such as 1048576, 500MB or 2GiB".to_owned();
    pipeline::size(text).filter(|bytes| *bytes > 0).ok_or_else(problem)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn limits_of_nothing_are_refused() {
        assert_eq!(duration("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(byte_size("2GiB"), Ok(2 << 30));
        assert_eq!(reject_limit("0"), Ok(RejectLimit::Count(0)));
        assert!(duration("0s").is_err() && duration("soon").is_err());
        assert!(byte_size("0").is_err() && byte_size("much").is_err());
        assert!(reject_limit("101%").is_err() && positive("0").is_err());
    }

    #[test]
    fn a_remote_ledger_is_refused_without_repeating_it() {
        let error = ledger_path(Some("libsql://host?authToken=secret"), Path::new("/s")).unwrap_err();
        assert_eq!(error.code(), "ledger_unsupported");
        assert!(!error.to_string().contains("secret"));
        assert_eq!(ledger_path(Some("file:/x/l.db"), Path::new("/s")).unwrap(), PathBuf::from("/x/l.db"));
        assert_eq!(ledger_path(None, Path::new("/s")).unwrap(), PathBuf::from("/s/ledger.db"));
    }
}
