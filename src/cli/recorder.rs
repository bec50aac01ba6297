//! Writes a run into the ledger, as strictly as the pipeline asks.

use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::crossing::crossing;
use crate::error::{Error, ErrorKind, Result};
use crate::ledger::{Ledger, RunStart};
use crate::report::run::{RejectReport, RunReport, Status};

use super::logging::SAID;
use super::output::Output;

/// How often the ledger is asked whether someone wants the run to stop.
const POLL: Duration = Duration::from_secs(1);
/// Rejects written into the ledger at once.
const PAGE: usize = 500;
/// … or so many bytes of them.
const PAGE_BYTES: usize = 4 << 20;

/// The ledger of one run; nothing for a dry run, or once a ledger that is not required failed.
pub struct Recorder {
    ledger: Option<Arc<Ledger>>,
    required: bool,
    output: Output,
}

impl Recorder {
    /// Records nothing: a dry run leaves the history of real runs alone.
    pub fn nothing(output: &Output) -> Self {
        Self { ledger: None, required: false, output: output.clone() }
    }

    /// Opens the ledger. An error only if it is required.
    pub async fn open(path: &Path, required: bool, output: &Output) -> Result<Self> {
        let mut recorder = Self { ledger: None, required, output: output.clone() };
        let opened = Ledger::open(path).await;
        recorder.ledger = recorder.tolerate(opened)?.map(Arc::new);
        Ok(recorder)
    }

    /// The run starts or goes on.
    pub async fn started(&mut self, run: &RunStart) -> Result<()> {
        let Some(ledger) = self.ledger.clone() else { return Ok(()) };
        crossing("ledger.starting");
        if self.tolerate(ledger.run_started(run).await)?.is_none() {
            self.ledger = None;
        }
        crossing("ledger.started");
        Ok(())
    }

    /// Stops the run once `runs cancel` asks for it. Ends when the guard is dropped.
    pub fn watch(&self, run: &str, stop: &CancellationToken) -> Watch {
        let (ledger, run, stop, output) = (self.ledger.clone(), run.to_owned(), stop.clone(), self.output.clone());
        Watch(tokio::spawn(async move {
            let Some(ledger) = ledger else { return };
            while !stop.is_cancelled() {
                tokio::time::sleep(POLL).await;
                // A ledger that is busy now is asked again in a second.
                if ledger.cancel_requested(&run).await.unwrap_or(false) {
                    info!(target: SAID, "asked to stop by `fireferry runs cancel`");
                    output.note("stopping cleanly: asked to by `fireferry runs cancel`");
                    stop.cancel();
                }
            }
        }))
    }

    /// The run ended: its report, and copies of its rejects.
    pub async fn finished(&mut self, report: &RunReport, rejects: &Path) -> Result<()> {
        let Some(ledger) = self.ledger.clone() else { return Ok(()) };
        let recorded = async {
            crossing("ledger.finishing");
            ledger.run_finished(report).await?;
            crossing("ledger.finished");
            copy_rejects(&ledger, report, rejects).await?;
            match &report.retry_of {
                Some(first) => note_retry(&ledger, report, first, rejects).await,
                None => Ok(()),
            }
        };
        self.tolerate(recorded.await).map(drop)
    }

    /// A rollback ended; `run` is the one that it took back, if it did.
    pub async fn rolled_back(&mut self, report: &RunReport, run: Option<&str>) -> Result<()> {
        let Some(ledger) = self.ledger.clone() else { return Ok(()) };
        let recorded = async {
            crossing("ledger.finishing");
            ledger.run_finished(report).await?;
            crossing("ledger.finished");
            match run {
                Some(run) => ledger.run_rolled_back(run).await,
                None => Ok(()),
            }
        };
        self.tolerate(recorded.await).map(drop)
    }

    /// A failed ledger is an error where it is required, else a warning.
    fn tolerate<T>(&self, result: Result<T>) -> Result<Option<T>> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(error) if self.required => Err(error),
            Err(error) => {
                warn!(target: SAID, "going on without the ledger: {error}");
                self.output.warn(&format!("going on without the ledger: {error}"));
                Ok(None)
            }
        }
    }
}

/// The task behind [`Recorder::watch`].
pub struct Watch(tokio::task::JoinHandle<()>);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Copies the reject files that the engine wrote, page by page. Stops where the ledger has enough.
async fn copy_rejects(ledger: &Ledger, report: &RunReport, folder: &Path) -> Result<()> {
    let run = report.run_id.as_str();
    ledger.clear_rejects(run).await?;
    crossing("ledger.rejects_cleared");
    for file in reject_files(report, folder)? {
        let mut pages = Pages::open(&file)?;
        while let Some(page) = pages.next()? {
            if ledger.add_rejects(run, &page).await? < page.len() as u64 {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Says of the rejects of the first run which ones this retry decided: those that its reject files, made anew, do not have
/// any more.
async fn note_retry(ledger: &Ledger, report: &RunReport, first: &str, own: &Path) -> Result<()> {
    let over =
        matches!(report.status, Status::Completed | Status::CompletedWithRejects | Status::CompletedWithDifferences);
    let folder = own.parent().and_then(Path::parent).map(|runs| runs.join(first).join("rejects"));
    let Some(folder) = folder.filter(|_| over) else { return Ok(()) };
    ledger.retried(first, &report.run_id).await?;
    for file in reject_files(report, &folder)? {
        let mut pages = Pages::open(&file)?;
        while let Some(page) = pages.next()? {
            ledger.not_retried(first, &report.run_id, &page).await?;
        }
    }
    Ok(())
}

/// The reject files that are there, in the order of the run.
fn reject_files(report: &RunReport, folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries = fs_err::read_dir(folder).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
    let entries = entries.map_err(|error| unreadable(folder, error))?;
    let paths = entries.into_iter().map(|entry| entry.path());
    let mut files: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|end| end == "ndjson")).collect();
    files.sort_by_key(|path| (place(report, path), path.clone()));
    Ok(files)
}

/// Where the file's collection stands in the run: `users.orders.ndjson` is of `users/*/orders`.
fn place(report: &RunReport, path: &Path) -> usize {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let found = report.collections.iter().position(|row| row.collection.replace("/*/", ".") == stem);
    found.unwrap_or(usize::MAX)
}

/// Pages of one reject file.
struct Pages {
    path: PathBuf,
    lines: std::io::BufReader<fs_err::File>,
}

impl Pages {
    fn open(path: &Path) -> Result<Self> {
        let file = fs_err::File::open(path).map_err(|error| unreadable(path, error))?;
        Ok(Self { path: path.to_owned(), lines: std::io::BufReader::new(file) })
    }

    fn next(&mut self) -> Result<Option<Vec<RejectReport>>> {
        let (mut page, mut bytes, mut line) = (Vec::new(), 0, String::new());
        while page.len() < PAGE && bytes < PAGE_BYTES {
            line.clear();
            bytes += self.lines.read_line(&mut line).map_err(|error| unreadable(&self.path, error))?;
            if line.is_empty() {
                break;
            }
            page.push(serde_json::from_str(&line).map_err(|error| unreadable(&self.path, error))?);
        }
        Ok(Some(page).filter(|page| !page.is_empty()))
    }
}

fn unreadable(path: &Path, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(ErrorKind::Ledger, "rejects_unreadable", "the run's rejects cannot be copied into the ledger")
        .file(path)
        .caused_by(error)
        .hint("they are kept whole in the destination, in _fireferry_rejects")
}
