//! `retry`: the rejects of a run once more, as a run of its own whose source is what was kept of them.
//!
//! The documents are *kept* in files (`staging`), and an ordinary run reads these: so it backs up, checks, decides conflicts,
//! resumes and reports like every other. Nothing is taken off the list of the first run before all of its documents are
//! decided; then those that failed again are on the list of the retry, whole and with their new reasons.

mod kept;
mod staging;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::details::Details;
use super::run::OVER;
use super::{Context, RunOptions};
use crate::destination::{Destination, RunRecord};
use crate::domain::document::CollectionPattern;
use crate::error::{Error, ErrorKind, Result};
use crate::ledger::files::private_dir;
use crate::source::Source;
use kept::KeptSource;

/// Rejects taken off a list at once.
const PAGE: usize = 500;

/// What `retry` was asked for, besides the options of a run.
#[derive(Debug, Clone, Default)]
pub struct RetryRequest {
    /// The run whose rejects are written again.
    pub run: String,
    /// Read the documents from the source again.
    pub from_source: bool,
    /// Only of these collections.
    pub collections: Vec<CollectionPattern>,
}

/// A retry under way.
#[derive(Debug)]
pub struct Retry {
    /// The run whose rejects these are.
    pub of: String,
    /// What is to be said in the report.
    pub warnings: Vec<String>,
    folder: PathBuf,
    /// Of a dry run: nothing is left of it.
    temporary: bool,
    collections: Vec<CollectionPattern>,
}

/// Makes the rejects of a run the source of the next one, or goes on with a retry that was interrupted.
///
/// # Errors
/// `run_unknown`, `run_unfinished`, `nothing_to_retry`, and what reading the source again says.
pub async fn enter(ctx: &mut Context, request: &RetryRequest, mut options: RunOptions) -> Result<RunOptions> {
    if !options.dry_run {
        ctx.destination.acquire_lease(&ctx.initiated_by).await?;
    }
    let entered = match prepare(ctx, request, &mut options).await {
        Ok(retry) => retry,
        Err(error) => {
            // Why it does not start is what counts.
            let _ = ctx.destination.release_lease().await;
            return Err(error);
        }
    };
    ctx.source = Arc::new(KeptSource::new(&entered.folder, ctx.source.clone()));
    // These are a few documents of many: what the pipeline expects of a whole collection is not expected of them.
    ctx.pipeline.settings.max_rejects = None;
    ctx.pipeline.collections.iter_mut().for_each(|collection| collection.expect_documents = false);
    options.only.clone_from(&entered.collections);
    options.retry = Some(Arc::new(entered));
    Ok(options)
}

async fn prepare(ctx: &mut Context, request: &RetryRequest, options: &mut RunOptions) -> Result<Retry> {
    let pipeline = ctx.pipeline.name.clone();
    let Some(first) = ctx.destination.find_run(&pipeline, Some(&request.run)).await? else {
        let message = format!("the destination knows no run {} of pipeline {pipeline}", request.run);
        return Err(Error::new(ErrorKind::Usage, "run_unknown", message).hint("`fireferry runs list` shows the runs"));
    };
    require_over(ctx, &first)?;
    let newest = ctx.destination.find_run(&pipeline, None).await?.unwrap_or_else(|| first.clone());
    let own = if options.dry_run { format!("dry-run-{}", uuid::Uuid::now_v7().simple()) } else { request.run.clone() };
    let folder = ctx.state.join("retries").join(own);
    if !options.dry_run && can_go_on(ctx, request, &newest, &folder).await? {
        let collections = collections_of(&Details::load(&newest.details)?);
        options.resume = Some(Some(newest.run));
        let of = request.run.clone();
        return Ok(Retry { of, warnings: Vec::new(), folder, temporary: false, collections });
    }
    if folder.exists() {
        fs_err::remove_dir_all(&folder).map_err(|error| failed(&folder, error))?;
    }
    private_dir(&folder).map_err(|error| failed(&folder, error))?;
    let later = newest.run != first.run && !is_retry_of(&newest, &first.run);
    let staged = staging::stage(ctx, request, &folder, later).await?;
    if staged.collections.is_empty() {
        // Nothing was put there.
        let _ = std::fs::remove_dir_all(&folder);
        let _ = folder.parent().map(std::fs::remove_dir);
        let why = if staged.left.is_empty() { String::new() } else { format!(": {}", staged.left.join("; ")) };
        let message = format!("run {} has no reject that can be written again{why}", request.run);
        return Err(Error::new(ErrorKind::Usage, "nothing_to_retry", message)
            .hint(format!("`fireferry runs rejects {}` lists what was rejected, and why", request.run)));
    }
    staged.left.iter().for_each(|left| ctx.progress.message(left));
    let (of, temporary) = (request.run.clone(), options.dry_run);
    Ok(Retry { of, warnings: staged.left, folder, temporary, collections: staged.collections })
}

fn require_over(ctx: &Context, record: &RunRecord) -> Result<()> {
    if OVER.contains(&record.status.as_str()) {
        return Ok(());
    }
    let message = format!("run {} is unfinished ({})", record.run, record.status.replace('_', " "));
    let next = match Details::load(&record.details)?.retry_of {
        Some(first) => format!("go on with it first: `fireferry retry {first}`"),
        None => format!("go on with it first: `fireferry run {} --resume={}`", ctx.pipeline.arguments(), record.run),
    };
    Err(Error::new(ErrorKind::Usage, "run_unfinished", message).hint(next))
}

/// Whether the newest run is a retry of this one that was interrupted, and nothing speaks against going on with it.
async fn can_go_on(ctx: &mut Context, request: &RetryRequest, newest: &RunRecord, folder: &Path) -> Result<bool> {
    let open = is_retry_of(newest, &request.run) && !OVER.contains(&newest.status.as_str()) && folder.exists();
    Ok(open
        && newest.pipeline_fingerprint == ctx.pipeline.fingerprint
        && newest.schema_fingerprint == ctx.destination.inspect().await?.fingerprint)
}

fn is_retry_of(record: &RunRecord, run: &str) -> bool {
    Details::load(&record.details).is_ok_and(|details| details.retry_of.as_deref() == Some(run))
}

fn collections_of(details: &Details) -> Vec<CollectionPattern> {
    details.collections.iter().filter_map(|name| CollectionPattern::parse(name).ok()).collect()
}

impl Retry {
    /// Takes what was decided off the list of the first run. Doing it again is harmless. `kept_by`: the retry, if it can be
    /// taken back.
    pub(super) async fn settle(
        &self,
        destination: &mut dyn Destination,
        source: Arc<dyn Source>,
        kept_by: Option<&str>,
    ) -> Result<()> {
        let kept = KeptSource::new(&self.folder, source);
        for collection in &self.collections {
            if !kept.holds(collection) {
                continue;
            }
            let mut page = Vec::with_capacity(PAGE);
            for number in kept.numbers(collection)? {
                page.push(number?);
                if page.len() == PAGE {
                    destination.forget_rejects(&self.of, &page, kept_by).await?;
                    page.clear();
                }
            }
            if !page.is_empty() {
                destination.forget_rejects(&self.of, &page, kept_by).await?;
            }
        }
        Ok(())
    }

    /// The kept documents are not needed any more.
    pub(super) fn forget(&self) {
        // What cannot be removed is in the way of nothing, and the next retry makes it anew.
        let _ = std::fs::remove_dir_all(&self.folder);
        let _ = self.folder.parent().map(std::fs::remove_dir);
    }
}

impl Drop for Retry {
    fn drop(&mut self) {
        if self.temporary {
            self.forget();
        }
    }
}

/// The folder of kept documents cannot be used.
fn failed(path: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Source, "kept_documents", "the kept documents of a retry cannot be used")
        .file(path)
        .hint("the rejects are safe in the destination's table _fireferry_rejects; retry again")
        .caused_by(error)
}
