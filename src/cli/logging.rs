//! The log: warnings (more with `-v`) on stderr, everything of a run in its log file.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{FilterExt, Targets, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Layer, Registry, fmt};

use crate::error::{Error, ErrorKind, Result};
use crate::ledger::files;

use super::args::LogFormat;
use super::output::Output;
use super::secrets::Secrets;
use super::settings::Settings;

/// Events with this target were already said on stderr, in plain words.
pub const SAID: &str = "fireferry::said";
/// What is logged before a run has a file is kept up to this size.
const MOST_WAITING: usize = 256 * 1024;

/// Where the log of a run goes: kept in memory until the run has an id, and so a file.
#[derive(Clone)]
pub struct RunLog {
    target: Arc<Mutex<Target>>,
    secrets: Secrets,
}

enum Target {
    Waiting(Vec<u8>),
    File(File),
    Nowhere,
}

impl RunLog {
    /// A log without a file yet.
    pub fn new(secrets: Secrets) -> Self {
        Self { target: Arc::new(Mutex::new(Target::Waiting(Vec::new()))), secrets }
    }

    /// From now on the log goes to this file (0600), with what was logged before.
    pub fn attach(&self, path: &Path) -> Result<()> {
        let attach = || {
            if let Some(folder) = path.parent() {
                files::private_dir(folder)?;
            }
            let mut file = files::private_append(path)?;
            let mut target = self.target.lock().unwrap_or_else(PoisonError::into_inner);
            if let Target::Waiting(waiting) = &*target {
                file.write_all(waiting)?;
            }
            *target = Target::File(file);
            io::Result::Ok(())
        };
        attach().map_err(|error| {
            Error::new(ErrorKind::Ledger, "log_failed", "cannot write the log of the run")
                .file(path)
                .caused_by(error)
                .hint("name a folder that can be written to with --state-dir")
        })
    }

    /// This invocation needs no log file.
    pub fn discard(&self) {
        *self.target.lock().unwrap_or_else(PoisonError::into_inner) = Target::Nowhere;
    }
}

impl Write for RunLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let text = self.secrets.redact(&text);
        match &mut *self.target.lock().unwrap_or_else(PoisonError::into_inner) {
            Target::Waiting(waiting) if waiting.len() + text.len() <= MOST_WAITING => {
                waiting.extend_from_slice(text.as_bytes());
            }
            Target::File(file) => file.write_all(text.as_bytes())?,
            Target::Waiting(_) | Target::Nowhere => {}
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for RunLog {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// stderr as the log sees it: through the one place that prints.
#[derive(Clone)]
struct Stderr(Output);

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.raw(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Stderr {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Installs the log for the process.
pub fn install(settings: &Settings, output: &Output, log: &RunLog) {
    let level = match (settings.quiet, settings.verbose) {
        (true, _) => LevelFilter::ERROR,
        (false, 0) => LevelFilter::WARN,
        (false, 1) => LevelFilter::INFO,
        (false, _) => LevelFilter::DEBUG,
    };
    let ours = |level: LevelFilter| Targets::new().with_target("fireferry", level);
    let unsaid = filter_fn(|event| event.target() != SAID);
    let stderr = Stderr(output.clone());
    let (to_stderr, to_file): (Box<dyn Layer<Registry> + Send + Sync>, Box<dyn Layer<_> + Send + Sync>) = match settings
        .log_format
    {
        LogFormat::Text => {
            let screen = fmt::layer().compact().without_time().with_target(false).with_ansi(output.colour());
            (
                screen.with_writer(stderr).with_filter(ours(level).and(unsaid)).boxed(),
                fmt::layer().with_ansi(false).with_target(false).with_writer(log.clone()).boxed(),
            )
        }
        LogFormat::Json => (
            fmt::layer().json().flatten_event(true).with_writer(stderr).with_filter(ours(level).and(unsaid)).boxed(),
            fmt::layer().json().flatten_event(true).with_writer(log.clone()).boxed(),
        ),
    };
    let to_file = to_file.with_filter(ours(if settings.verbose > 0 { LevelFilter::DEBUG } else { LevelFilter::INFO }));
    // A second subscriber in one process (tests) leaves the first in place.
    drop(tracing::subscriber::set_global_default(Registry::default().with(to_stderr).with(to_file)));
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn what_was_logged_before_the_file_is_in_the_file_without_secrets() {
        let secrets = Secrets::default();
        secrets.hide("topsecret");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs/1/run.log");
        let log = RunLog::new(secrets);
        log.clone().write_all("first topsecret\n".as_bytes()).unwrap();
        log.attach(&path).unwrap();
        log.clone().write_all(b"second\n").unwrap();
        assert_eq!(fs_err::read_to_string(&path).unwrap(), "first ***\nsecond\n");
    }

    #[test]
    fn waiting_lines_are_bounded() {
        let log = RunLog::new(Secrets::default());
        for _ in 0..10 {
            log.clone().write_all(&vec![b'x'; MOST_WAITING / 4]).unwrap();
        }
        let Target::Waiting(waiting) = &*log.target.lock().unwrap() else { panic!() };
        assert!(waiting.len() <= MOST_WAITING);
    }
}
