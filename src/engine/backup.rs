//! Backups: whole copies of the destination, kept in the state folder with a description beside each.

use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::lease::leased;
use super::{Context, RunOptions};
use crate::crossing::crossing;
use crate::error::{Error, ErrorKind, Result};
use crate::ledger::files::{private_create, private_dir};
use crate::pipeline::resolved::BackupPolicy;

/// One backup, as described beside its file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupEntry {
    /// The database file.
    pub path: PathBuf,
    /// The pipeline it was taken for.
    pub pipeline: String,
    /// What it is a copy of, for people.
    pub destination: String,
    /// RFC 3339.
    pub created_at: String,
    /// Size in bytes.
    pub bytes: u64,
    /// BLAKE3 of the file, hexadecimal.
    pub hash: String,
    /// Why it was taken: `run`, `clear`, `restore`, `asked`.
    pub reason: String,
    /// Taken before the pipeline's first run: never evicted.
    pub before_first_run: bool,
}

/// Code of a destination's refusal while it is half restored.
pub(super) const UNFINISHED: &str = "restore_unfinished";

/// Takes a backup now.
pub async fn create(ctx: &mut Context) -> Result<BackupEntry> {
    ctx.destination.check().await?;
    take(ctx, "asked").await
}

/// Backups of the pipeline, oldest first. A description that cannot be read is left out; its file stays.
pub fn list(state: &Path, pipeline: &str) -> Result<Vec<BackupEntry>> {
    let folder = folder(state, pipeline);
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let files = fs_err::read_dir(&folder).map_err(|error| failed(&folder, error))?;
    let mut entries: Vec<BackupEntry> = files
        .filter_map(|file| Some(file.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .filter_map(|path| serde_json::from_slice(&fs_err::read(path).ok()?).ok())
        .collect();
    entries.sort_by(|a, b| a.created_at.cmp(&b.created_at));
    Ok(entries)
}

/// Makes the destination equal to a backup, after a backup of what is there now. Refuses a damaged file.
pub async fn restore(ctx: &mut Context, path: &Path) -> Result<BackupEntry> {
    let known = list(&ctx.state, &ctx.pipeline.name)?;
    let canonical = fs_err::canonicalize(path).map_err(|error| failed(path, error))?;
    let entry = known.into_iter().find(|entry| fs_err::canonicalize(&entry.path).is_ok_and(|own| own == canonical));
    let entry = entry.ok_or_else(|| {
        Error::new(ErrorKind::Usage, "backup_unknown", "this file is not one of the pipeline's backups")
            .file(path)
            .hint("`fireferry backup list` shows them")
    })?;
    if hash(&entry.path)? != entry.hash {
        return Err(Error::new(
            ErrorKind::Preflight,
            "backup_damaged",
            "the backup is not what was written; nothing was changed",
        )
        .file(&entry.path)
        .hint("use another one: `fireferry backup list`"));
    }
    leased(ctx, async |ctx| put_back(ctx, &entry.path).await).await?;
    Ok(entry)
}

async fn put_back(ctx: &mut Context, path: &Path) -> Result<()> {
    // What is half restored was backed up when that began.
    let half_restored = ctx.destination.check().await.is_err_and(|error| error.code() == UNFINISHED);
    if !half_restored && holds_rows(ctx).await.unwrap_or(false) {
        match take(ctx, "restore").await {
            Ok(before) => ctx.progress.message(&format!("backed up what was there to {}", before.path.display())),
            // What is damaged cannot be backed up; it is why there is a restore.
            Err(error) if is_damaged(ctx).await => {
                ctx.progress.message(&format!("what was there is damaged, so that no backup of it was made: {error}"));
            }
            Err(error) => return Err(error),
        }
    }
    if let Some(aside) = ctx.destination.restore(path).await? {
        ctx.progress.message(&format!("what was there is damaged; it was put aside as {}", aside.display()));
    }
    Ok(())
}

async fn is_damaged(ctx: &mut Context) -> bool {
    ctx.destination
        .integrity(false)
        .await
        .map_or_else(|error| error.kind() != ErrorKind::Transient, |found| !found.is_empty())
}

/// Takes the backup that the policy asks for before a run.
pub(super) async fn before_run(ctx: &mut Context, options: &RunOptions) -> Result<Option<BackupEntry>> {
    if options.no_backup {
        return Ok(None);
    }
    let wanted = match ctx.pipeline.backup {
        // A frequent small run is not worth a whole copy every time.
        BackupPolicy::EveryRun if options.incremental => !recent(&list(&ctx.state, &ctx.pipeline.name)?),
        BackupPolicy::EveryRun => true,
        BackupPolicy::FirstRun => !ran_before(ctx).await?,
        BackupPolicy::Daily => !recent(&list(&ctx.state, &ctx.pipeline.name)?),
        BackupPolicy::BeforeDestructive | BackupPolicy::Never => false,
    };
    if wanted && holds_rows(ctx).await? { take(ctx, "run").await.map(Some) } else { Ok(None) }
}

/// Takes a backup and evicts the oldest beyond the number to keep.
pub(super) async fn take(ctx: &mut Context, reason: &str) -> Result<BackupEntry> {
    let folder = folder(&ctx.state, &ctx.pipeline.name);
    private_dir(&folder).map_err(|error| failed(&folder, error))?;
    let now = Timestamp::now();
    let stem = format!("{}-{reason}", now.strftime("%Y%m%dT%H%M%S%.6fZ"));
    let path = folder.join(format!("{stem}.db"));
    let before_first_run = !ran_before(ctx).await?;
    let file = ctx.destination.backup(&path).await?;
    crossing("backup.copied");
    let entry = BackupEntry {
        path: file.path,
        pipeline: ctx.pipeline.name.clone(),
        destination: ctx.destination.describe(),
        created_at: now.to_string(),
        bytes: file.bytes,
        hash: file.hash,
        reason: reason.to_owned(),
        before_first_run,
    };
    let description = folder.join(format!("{stem}.json"));
    let text = serde_json::to_vec_pretty(&entry).map_err(|error| failed(&description, error.into()))?;
    write_durably(&description, &text, &ctx.state).map_err(|error| failed(&description, error))?;
    crossing("backup.listed");
    evict(ctx)?;
    Ok(entry)
}

/// Writes a whole file or none, and makes its name durable with those of the folders above it: the run that follows may
/// not outlive its backup.
fn write_durably(path: &Path, content: &[u8], state: &Path) -> std::io::Result<()> {
    let part = path.with_extension("part");
    let mut file = private_create(&part)?;
    file.write_all(content)?;
    file.sync_all()?;
    crossing("backup.described");
    fs_err::rename(&part, path)?;
    if cfg!(unix) {
        for folder in path.ancestors().skip(1) {
            fs_err::File::open(folder)?.sync_all()?;
            if state.parent() == Some(folder) {
                break;
            }
        }
    }
    Ok(())
}

fn evict(ctx: &Context) -> Result<()> {
    let entries = list(&ctx.state, &ctx.pipeline.name)?;
    let evictable: Vec<_> = entries.iter().filter(|entry| !entry.before_first_run).collect();
    let surplus = evictable.len().saturating_sub(ctx.pipeline.backup_keep.max(1));
    for entry in evictable.into_iter().take(surplus) {
        // First what lists it: what is listed is there.
        let description = entry.path.with_extension("json");
        fs_err::remove_file(&description).map_err(|error| failed(&description, error))?;
        crossing("backup.unlisted");
        fs_err::remove_file(&entry.path).map_err(|error| failed(&entry.path, error))?;
        ctx.progress.message(&format!("removed old backup {}", entry.path.display()));
    }
    Ok(())
}

async fn holds_rows(ctx: &mut Context) -> Result<bool> {
    let schema = ctx.destination.inspect().await?;
    let names: Vec<String> = schema.tables.into_iter().map(|table| table.name).collect();
    Ok(ctx.destination.count(&names).await?.iter().any(|rows| *rows > 0))
}

async fn ran_before(ctx: &mut Context) -> Result<bool> {
    Ok(ctx.destination.find_run(&ctx.pipeline.name, None).await?.is_some())
}

fn recent(entries: &[BackupEntry]) -> bool {
    let newest = entries.last().and_then(|entry| entry.created_at.parse::<Timestamp>().ok());
    newest.is_some_and(|newest| Timestamp::now().duration_since(newest) < jiff::SignedDuration::from_hours(24))
}

fn folder(state: &Path, pipeline: &str) -> PathBuf {
    state.join("backups").join(pipeline)
}

fn hash(path: &Path) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    let mut file = fs_err::File::open(path).map_err(|error| failed(path, error))?;
    std::io::copy(&mut file, &mut hasher).map_err(|error| failed(path, error))?;
    Ok(hasher.finalize().to_hex().to_string())
}

fn failed(path: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Ledger, "backup_failed", "the backup folder cannot be used")
        .file(path)
        .hint("check space and permissions, or choose another --state-dir")
        .caused_by(error)
}
