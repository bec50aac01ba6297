//! What taking a run back would do, and what speaks against it.

use super::super::statement::{Statement, integer, text};
use super::access::{Access, Log, decode_bound, internal, log};
use super::check::{self, Check, Other};
use super::mirror::Mirror;
use super::take_back;
use crate::destination::{Before, Extent, Rollback, RollbackConflict, TableChanges};
use crate::domain::schema::{ForeignKey, Schema, Table};
use crate::error::{Error, ErrorKind, Result};

/// What taking the run back would do, and what speaks against it.
pub async fn changes(access: &mut dyn Access, rollback: &Rollback) -> Result<Vec<TableChanges>> {
    let log = log(access, &rollback.run).await?;
    let schema = access.tables().await?;
    let mut all = Vec::new();
    access.look().await?;
    for planned in &rollback.tables {
        let table = table(&schema, &planned.table)?;
        require_same_columns(access, &log, table).await?;
        let mirror = log.fitting(table).filter(|_| planned.before == Before::Logged);
        let mut found = TableChanges { table: table.name.clone(), ..TableChanges::default() };
        let mut changed = false;
        match (planned.before, mirror) {
            (Before::Empty { rows }, _) => found.deleted = rows,
            (Before::Logged, Some(mirror)) => changed = look(access, mirror, log.run, &mut found).await?,
            (Before::Logged, None) => {}
        }
        let mut checks = checks(rollback, &log, &schema, table, mirror.zip(found.extent.as_ref()));
        checks.extend(mirror.filter(|_| changed).map(|mirror| check::changed(mirror, log.run)));
        let (questions, reasons): (Vec<Statement>, Vec<String>) =
            checks.into_iter().map(|Check { statement, reason }| (statement, reason)).unzip();
        for (rows, reason) in access.ask(questions).await?.iter().zip(reasons) {
            for row in rows {
                let row = text(row, 0).map_err(internal)?;
                found.conflicts.push(RollbackConflict { table: table.name.clone(), row, reason: reason.clone() });
            }
        }
        all.push(found);
    }
    Ok(all)
}

fn table<'a>(schema: &'a Schema, name: &str) -> Result<&'a Table> {
    schema.table(name).ok_or_else(|| changed_schema(&format!("table {name} is gone")))
}

/// Entries for columns that the table does not have any more cannot be put back.
async fn require_same_columns(access: &mut dyn Access, log: &Log, table: &Table) -> Result<()> {
    let others: Vec<Statement> = log
        .of(&table.name)
        .filter(|mirror| !mirror.fits(table))
        .flat_map(|mirror| [log.run, -log.run].map(|run| take_back::any(mirror, run)))
        .collect();
    match access.ask(others).await?.iter().all(Vec::is_empty) {
        true => Ok(()),
        false => Err(changed_schema(&format!("table {} has other columns than when the run wrote it", table.name))),
    }
}

fn changed_schema(what: &str) -> Error {
    Error::new(ErrorKind::Preflight, "rollback_schema_changed", format!("the run cannot be taken back: {what}"))
        .hint("take the migrations since the run back first (`fireferry schema down`), or restore a backup")
}

/// Rows by what happens to them; whether somebody changed one of them since. In parts, between which it can be stopped.
async fn look(access: &mut dyn Access, mirror: &Mirror, run: i64, found: &mut TableChanges) -> Result<bool> {
    let waiting = access.ask(vec![check::waiting(mirror, run)]).await?.concat();
    let mut sums = vec![0; mirror.shape.columns.len() + 4];
    sums[3] = waiting.first().map_or(Ok(0), |row| integer(row, 0)).map_err(internal)?;
    let mut after = None;
    loop {
        let upto = access.ask(vec![take_back::bound(mirror, run, &after, access.entries())]).await?.concat();
        let upto = decode_bound(mirror, &upto)?;
        let answer = access.ask(vec![check::extent(mirror, run, &after, &upto)]).await?.concat();
        for (index, sum) in sums.iter_mut().enumerate() {
            *sum += answer.first().map_or(Ok(0), |row| integer(row, index)).map_err(internal)?;
        }
        if upto.is_none() {
            break;
        }
        after = upto;
        tokio::task::yield_now().await;
    }
    let count = |index: usize| u64::try_from(sums[index]).unwrap_or_default();
    let (after, both, before) = (count(0), count(1), count(3));
    (found.deleted, found.restored, found.put_back) = (after.saturating_sub(both), both, before.saturating_sub(both));
    let changed = mirror.shape.columns.iter().zip(&sums[4..]).filter(|(_, rows)| **rows > 0);
    found.extent = Some(Extent {
        inserted: found.deleted > 0,
        deleted: found.put_back > 0,
        columns: changed.map(|(name, _)| name.clone()).collect(),
    });
    Ok(count(2) > 0)
}

/// What could speak against it, as questions. `logged`: the table's mirror, and what the run did; none for a table that is
/// emptied, or that has no log.
fn checks(
    rollback: &Rollback,
    log: &Log,
    schema: &Schema,
    table: &Table,
    logged: Option<(&Mirror, &Extent)>,
) -> Vec<Check> {
    let run = log.run;
    let treated = |name: &str| {
        let planned = rollback.tables.iter().find(|planned| planned.table.eq_ignore_ascii_case(name));
        planned.map(|planned| planned.before)
    };
    let other = |name: &str| match treated(name) {
        None => Other::Stays,
        Some(Before::Empty { .. }) => Other::Emptied,
        Some(Before::Logged) => {
            schema.table(name).and_then(|table| log.fitting(table)).map_or(Other::Stays, Other::Logged)
        }
    };
    let mut checks = Vec::new();
    if let Some((mirror, extent)) = logged {
        checks.extend(check::taken(mirror, table, extent, run));
        let comes = |key: &&ForeignKey| extent.deleted || check::changes_any(extent, &key.columns);
        let keys = table.foreign_keys.iter().filter(comes);
        checks.extend(keys.map(|key| check::orphaned(mirror, key, other(&key.parent), run)));
    }
    let goes = |key: &&ForeignKey| match logged {
        Some((_, extent)) => extent.inserted || check::changes_any(extent, &key.parent_columns),
        None => treated(&table.name) != Some(Before::Logged),
    };
    for child in &schema.tables {
        let keys = child.foreign_keys.iter().filter(|key| key.parent.eq_ignore_ascii_case(&table.name)).filter(goes);
        let mirror = logged.map(|(mirror, _)| mirror);
        checks.extend(keys.filter_map(|key| check::referenced(table, mirror, (child, key), other(&child.name), run)));
    }
    checks
}
