//! Checks of the destination as a database: reachable, writable, sound, with room.

use super::Examination;
use crate::engine::{Context, RunOptions};
use crate::pipeline::resolved::BackupPolicy;
use crate::report::finding::{Finding, Severity};

/// STRICT tables and `IS NOT` on rows need it.
const OLDEST_SQLITE: (u32, u32) = (3, 38);
/// Problems shown at most.
const SHOWN: usize = 10;

/// Whether the destination can be read, and (for a real run) written.
pub(super) async fn reachable(ctx: &mut Context, options: &RunOptions, found: &mut Examination) -> bool {
    if let Err(error) = ctx.destination.check().await {
        found.findings.push(Finding::of_error(&error));
        return false;
    }
    if !options.dry_run
        && let Err(error) = ctx.destination.check_writable().await
    {
        found.findings.push(Finding::of_error(&error));
    }
    match ctx.destination.version().await {
        Ok(version) if parse(&version).is_some_and(|parsed| parsed < OLDEST_SQLITE) => found.findings.push(
            Finding::new(
                Severity::Error,
                "sqlite_too_old",
                format!(
                    "the destination's SQLite is {version}, at least {}.{} is needed",
                    OLDEST_SQLITE.0, OLDEST_SQLITE.1
                ),
            )
            .hint("upgrade the server"),
        ),
        Ok(_) => {}
        Err(error) => found.findings.push(Finding::of_error(&error)),
    }
    true
}

fn parse(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split('.').map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

/// Whether its pages are sound. Frequent small runs (any policy but `every_run`) take the quicker check.
pub(super) async fn sound(ctx: &mut Context, found: &mut Examination) {
    let thorough = ctx.pipeline.backup == BackupPolicy::EveryRun;
    match ctx.destination.integrity(thorough).await {
        Ok(problems) if problems.is_empty() => {}
        Ok(problems) => found.findings.push(
            Finding::new(
                Severity::Error,
                "destination_damaged",
                format!(
                    "the destination is damaged: {}",
                    problems.iter().take(SHOWN).cloned().collect::<Vec<_>>().join("; ")
                ),
            )
            .hint("restore a backup (`fireferry backup list`), or repair it with `sqlite3 FILE .recover`"),
        ),
        Err(error) => found.findings.push(Finding::of_error(&error)),
    }
}

/// Whether there is room for rows, log and backup.
pub(super) async fn space(ctx: &mut Context, options: &RunOptions, found: &mut Examination) {
    let Ok(Some(space)) = ctx.destination.space().await else { return };
    let source: u64 = match ctx.source.collections().await {
        Ok(collections) => collections.iter().filter_map(|collection| collection.bytes).sum(),
        Err(_) => 0,
    };
    let copies = u64::from(!options.no_backup && !options.dry_run) + u64::from(options.dry_run);
    let needed = space.database.saturating_mul(copies).saturating_add(source);
    if needed > space.free {
        let megabytes = |bytes: u64| bytes.div_ceil(1 << 20);
        found.findings.push(
            Finding::new(
                Severity::Error,
                "disk_space",
                format!(
                    "about {} MiB are needed for rows and a copy of the database, {} MiB are free",
                    megabytes(needed),
                    megabytes(space.free)
                ),
            )
            .hint("free some space, or move the destination"),
        );
    }
}
