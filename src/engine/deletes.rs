//! Rows whose documents the source does not have any more. All names of a collection are read (and billed), the hashes of their
//! keys kept in a scratch file, and the keys of the table looked up there.
//!
//! Nothing is removed where too much would go, or where names do not say what the keys are. A row that others refer to stays
//! until they are gone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use futures::StreamExt;

use super::incremental::{DELETES, Mark};
use super::run::Work;
use super::steps::Step;
use super::verify::hashes::{Distinct, Scratch, hash};
use super::{Context, RunOptions};
use crate::crossing::crossing;
use crate::destination::{How, Removal, Scan, ScannedRow, Target};
use crate::domain::document::DocumentPath;
use crate::domain::row::{Row, SqlValue};
use crate::error::{Error, ErrorKind, Result};
use crate::pipeline::resolved::{Deletes, RejectLimit};
use crate::source::{ReadRequest, Record};

/// Rows removed in one transaction.
const AT_ONCE: usize = 200;
/// Keys held in memory at once; others are found when the table is looked through again.
const MOST_KEPT: usize = 100_000;
/// So many rows may always go: a share of a small table says nothing.
const ALWAYS: u64 = 10;
/// Rows of one table may refer to each other: it is looked through again while that helps.
const ROUNDS: usize = 100;
/// The file of hashes.
const NAMES: &str = "names";

/// Removes what is gone, the last collections first: children before their parents.
pub(super) async fn remove(ctx: &mut Context, options: &RunOptions, steps: &[Step], work: &mut Work) -> Result<()> {
    if !options.deletes {
        return Ok(());
    }
    ctx.progress.phase("deletes");
    for (index, step) in steps.iter().enumerate().rev() {
        let fresh = step.reach.is_none() && step.tables().all(|name| work.details.rows_before.get(name) == Some(&0));
        // What was empty when the run began holds what the run wrote.
        if step.collection.deletes == Deletes::Ignore || fresh {
            continue;
        }
        let found = collection(ctx, options, step).await;
        let (removed, refused) = found.map_err(|error| error.collection(step.name()))?;
        work.details.removed |= removed.any;
        let Some(report) = work.collections.get_mut(index) else { continue };
        report.deleted = removed.rows;
        if let Some(refused) = refused {
            let validation = report.validation.get_or_insert_default();
            validation.valid = false;
            validation.differences.push(refused);
        }
    }
    work.details.watermarks.insert(DELETES.to_owned(), Mark::of_deletes());
    // Only what removed rows cannot be taken back by an undo log.
    work.details.deletes = work.collections.iter().any(|report| report.deleted > 0);
    Ok(())
}

/// One collection: rows removed, or why none was.
async fn collection(ctx: &mut Context, options: &RunOptions, step: &Step) -> Result<(Removed, Option<String>)> {
    let folder = Folder(ctx.state.join("deletes").join(uuid::Uuid::now_v7().simple().to_string()));
    let (mut scratch, _) = Scratch::open(folder.0.clone(), &BTreeMap::new())?;
    let mut names = names(ctx, options, step, &mut scratch).await?;
    let target = step.target(options, false, true);
    let nothing = names.len() == 0 && step.collection.expect_documents;
    let mut looking = Looking { step, target: &target, names: &mut names };
    let looked = looking.look(ctx).await?;
    let most = allowed(options.max_deletes.unwrap_or(ctx.pipeline.settings.max_deletes), looked.rows);
    if nothing && looked.gone > 0 {
        let refused = format!(
            "the source has no document of {}: no row was removed (say `expect_documents: false` if that may be)",
            step.name()
        );
        return Ok((Removed::default(), Some(refused)));
    }
    if looked.gone > most {
        let refused = format!(
            "{} of {} rows of {} have no document any more, more than max_deletes allows ({most}): none was removed",
            looked.gone, looked.rows, target.table
        );
        return Ok((Removed::default(), Some(refused)));
    }
    Ok((looking.remove_all(ctx, looked).await?, None))
}

/// The hashes of the keys of all documents.
async fn names(ctx: &Context, options: &RunOptions, step: &Step, scratch: &mut Scratch) -> Result<Distinct> {
    // Conditions are left out: they cannot all be looked at without fields, and a row too many does no harm.
    let mut request = ReadRequest { changed: None, fields: Some(Vec::new()), ..step.request(ctx, options) };
    request.filter.conditions.clear();
    for partition in ctx.source.partitions(&request).await? {
        let mut pages = ctx.source.read(&request, &partition, None).await?;
        loop {
            let page = tokio::select! {
                biased;
                () = ctx.stop.cancelled() => return Err(stopped()),
                page = pages.next() => page.ok_or_else(cut)??,
            };
            for record in &page.records {
                let key = path_of(record).and_then(|path| step.mapping.key_of_path(&path));
                scratch.add(NAMES, hash(&key.ok_or_else(|| no_keys(step))?))?;
            }
            if page.last {
                break;
            }
        }
        crossing("names.read");
    }
    scratch.distinct(&[NAMES.to_owned()])
}

fn path_of(record: &Record) -> Option<DocumentPath> {
    match record {
        Record::Document(document) => Some(document.path.clone()),
        Record::Malformed(record) => record.document.as_deref().and_then(DocumentPath::parse),
    }
}

/// What became of rows.
#[derive(Default)]
struct Removed {
    /// Removed ones.
    rows: u64,
    /// Whether any row was removed, or is no longer marked.
    any: bool,
}

/// What was found in a table.
#[derive(Default)]
struct Looked {
    rows: u64,
    gone: u64,
    /// Keys of rows to be removed.
    remove: Vec<Row>,
    /// Keys of marked rows whose documents are there again.
    back: Vec<Row>,
}

struct Looking<'a> {
    step: &'a Step,
    target: &'a Target,
    names: &'a mut Distinct,
}

impl Looking<'_> {
    fn mark(&self) -> Option<&str> {
        match &self.step.collection.deletes {
            Deletes::Soft(column) => Some(column),
            Deletes::Hard | Deletes::Ignore => None,
        }
    }

    /// Looks through the table.
    async fn look(&mut self, ctx: &mut Context) -> Result<Looked> {
        let mut looked = Looked::default();
        ctx.destination.begin_comparing(std::slice::from_ref(self.target)).await?;
        let scanned = self.scan(ctx, &mut looked).await;
        ctx.destination.end_comparing().await?;
        scanned.map(|()| looked)
    }

    async fn scan(&mut self, ctx: &mut Context, looked: &mut Looked) -> Result<()> {
        let key = self.target.key.iter().filter_map(|index| self.target.columns.get(*index));
        let columns: Vec<String> = key.cloned().chain(self.mark().map(str::to_owned)).collect();
        let mut after = None;
        loop {
            let scan = Scan {
                table: self.target.table.clone(),
                columns: columns.clone(),
                after: after.take(),
                among: None,
                limit: None,
            };
            let rows = ctx.destination.scan(&scan).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = Some(last.identity.clone());
            for row in rows {
                looked.rows += 1;
                self.judge(row, looked)?;
            }
        }
    }

    fn judge(&mut self, row: ScannedRow, looked: &mut Looked) -> Result<()> {
        let mut key = row.values;
        let marked = self.mark().is_some() && key.pop().is_some_and(|value| value != SqlValue::Null);
        let room = looked.remove.len() + looked.back.len() < MOST_KEPT;
        match (self.names.contains(hash(&key))?, marked) {
            (true, true) if room => looked.back.push(key),
            (false, false) => {
                looked.gone += 1;
                if room {
                    looked.remove.push(key);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Removes, and looks again while that brings more to light.
    async fn remove_all(&mut self, ctx: &mut Context, mut looked: Looked) -> Result<Removed> {
        let since = ctx.source.read_at().map_or_else(|| jiff::Timestamp::now().to_string(), |time| time.text(6));
        let mark = self.mark().map(str::to_owned);
        let mut removed = Removed::default();
        for _ in 0..ROUNDS {
            let gone = match &mark {
                Some(column) => How::Mark { column, since: &since },
                None => How::Delete,
            };
            let changed = self.apply(ctx, &looked.remove, gone).await?;
            removed.rows += changed;
            removed.any |= changed > 0;
            if let Some(column) = &mark {
                removed.any |= self.apply(ctx, &looked.back, How::Unmark { column }).await? > 0;
            }
            if changed == 0 || changed == looked.gone {
                break;
            }
            looked = self.look(ctx).await?;
        }
        Ok(removed)
    }

    async fn apply(&self, ctx: &mut Context, keys: &[Row], how: How<'_>) -> Result<u64> {
        let mut changed = 0;
        for keys in keys.chunks(AT_ONCE) {
            if ctx.stop.is_cancelled() {
                return Err(stopped());
            }
            changed += ctx.destination.remove(&Removal { target: self.target, keys, how }).await?;
            crossing("rows.removed");
        }
        Ok(changed)
    }
}

/// How many rows may go.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share")]
fn allowed(limit: RejectLimit, rows: u64) -> u64 {
    match limit {
        RejectLimit::Count(most) => most,
        RejectLimit::Percent(percent) => ((rows as f64 * percent / 100.0) as u64).max(ALWAYS),
    }
}

/// Scratch files go, whatever happens.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed does no harm.
        let _ = std::fs::remove_dir_all(&self.0);
        let _ = self.0.parent().map(Path::to_owned).map(std::fs::remove_dir);
    }
}

fn no_keys(step: &Step) -> Error {
    let message = format!("the key of {} is not made of names alone", step.mapping.table);
    Error::new(ErrorKind::Preflight, "deletes_key", message)
        .hint("make the key of `$id` (below a collection `$parent.id` and `$id`, or `$path`), or say `deletes: ignore`")
}

fn stopped() -> Error {
    Error::new(ErrorKind::Interrupted, "interrupted", "stopped while looking for deleted documents")
        .hint("the next run looks again")
}

fn cut() -> Error {
    Error::new(ErrorKind::Source, "source_cut", "the source ended without its end marker")
        .hint("what was written is safe; go on with `--resume`")
}
