//! A staged run: everything is written into a local file at full speed, and an empty destination gets it in one go.
//!
//! [`enter`] puts the file in the destination's place before the run begins, so that everything until the counts are
//! valid is an ordinary local run; `push` puts the destination back and imports the file there. Both can be
//! interrupted, and gone on with.

mod entry;
mod push;

use std::path::{Path, PathBuf};

pub(super) use entry::Entry;
pub(super) use push::push;

use super::steps::ScratchGuard;
use super::{Context, RunOptions};
use crate::destination::Destination;
use crate::error::{Error, ErrorKind, Result};
use crate::ledger::files::private_dir;

/// Opens the file of a staged run; the caller knows the adapter.
pub type Open = Box<dyn Fn(&Path) -> Result<Box<dyn Destination>> + Send>;

/// How a run is staged.
pub struct Stage {
    open: Open,
    file: PathBuf,
    run: String,
    /// The destination, while the file is in its place.
    target: Option<Box<dyn Destination>>,
    /// What is known of a file that is complete.
    entry: Option<Entry>,
}

impl Stage {
    /// A stage whose files are opened by `open`.
    pub fn new(open: Open) -> Self {
        Self { open, file: PathBuf::new(), run: String::new(), target: None, entry: None }
    }

    /// The file.
    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// Id of the run that fills it.
    pub(super) fn run(&self) -> &str {
        &self.run
    }

    /// The server is not written to after all.
    pub(super) async fn give_up(&mut self) {
        if let Some(target) = &mut self.target {
            // Why the run does not start is what counts.
            let _ = target.release_lease().await;
        }
    }

    /// What is known of the file, once it is complete.
    pub(super) fn entry(&self) -> Option<&Entry> {
        self.entry.as_ref()
    }
}

/// Puts the stage's file in the destination's place, if the run is a staged one. What is returned removes a new file
/// again, unless it is kept.
pub(super) async fn enter(ctx: &mut Context, options: &RunOptions) -> Result<Option<ScratchGuard>> {
    let Some(mut stage) = ctx.stage.take() else { return Ok(None) };
    if options.dry_run || ctx.destination.capabilities().local {
        return Err(Error::new(ErrorKind::Usage, "stage_needs_server", "only a run into a server can be staged")
            .hint("leave out --stage: a local file is written at full speed anyway"));
    }
    find(ctx, options, &mut stage)?;
    ctx.destination.acquire_lease(&ctx.initiated_by).await?;
    if stage.entry.is_none()
        && let Err(error) = ctx.destination.require_empty().await
    {
        ctx.destination.release_lease().await?;
        return Err(error);
    }
    let guard = if stage.file.exists() { None } else { Some(make(ctx, &stage.file).await?) };
    let local = (stage.open)(&stage.file)?;
    stage.target = Some(std::mem::replace(&mut ctx.destination, local));
    ctx.stage = Some(stage);
    Ok(guard)
}

/// Finds the file to go on with, or names a new one.
fn find(ctx: &Context, options: &RunOptions, stage: &mut Stage) -> Result<()> {
    let folder = ctx.state.join("stages").join(&ctx.pipeline.name);
    private_dir(&folder).map_err(|error| failed(&folder, error))?;
    let run = match &options.resume {
        None => None,
        Some(Some(run)) if file_of(&folder, run).exists() => Some(run.clone()),
        Some(Some(run)) => {
            return Err(Error::new(ErrorKind::Usage, "run_unknown", format!("there is no stage of run {run}"))
                .file(folder)
                .hint("`--stage --resume` goes on with the latest staged run"));
        }
        Some(None) => latest(&folder).map_err(|error| failed(&folder, error))?,
    };
    stage.run = run.unwrap_or_else(|| uuid::Uuid::now_v7().to_string());
    stage.file = file_of(&folder, &stage.run);
    stage.entry = Entry::load(&stage.file)?;
    match &stage.entry {
        Some(entry) if entry.pushed => {
            Err(Error::new(ErrorKind::Usage, "nothing_to_resume", format!("run {} is complete already", stage.run))
                .file(&stage.file)
                .hint("run without --resume to start a new one"))
        }
        _ => Ok(()),
    }
}

/// The newest run with a file. Ids sort by time.
fn latest(folder: &Path) -> std::io::Result<Option<String>> {
    let names = fs_err::read_dir(folder)?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let runs = names.filter_map(|name| Some(name.strip_prefix("stage-")?.strip_suffix(".db")?.to_owned()));
    Ok(runs.max())
}

fn file_of(folder: &Path, run: &str) -> PathBuf {
    folder.join(format!("stage-{run}.db"))
}

/// Makes a file with the destination's schema. It has its name once it is whole.
async fn make(ctx: &mut Context, file: &Path) -> Result<ScratchGuard> {
    let part = file.with_extension("part");
    let unfinished = ScratchGuard::new(part.clone());
    // What an interrupted run left has no name of its own.
    drop(ScratchGuard::new(part.clone()));
    drop(ctx.destination.shadow(&part, &[]).await?);
    let durable = fs_err::File::open(&part).and_then(|written| written.sync_all());
    durable.and_then(|()| fs_err::rename(&part, file)).map_err(|error| failed(file, error))?;
    drop(unfinished);
    Ok(ScratchGuard::new(file.to_owned()))
}

fn failed(path: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Ledger, "stage_failed", "the folder of staged runs cannot be used")
        .file(path)
        .hint("check space and permissions, or choose another --state-dir")
        .caused_by(error)
}
