//! Taking a run back, step by step. What is left to do is what is left in the log, so that a rollback that was killed goes
//! on where it stood.

use super::super::statement::Statement;
use super::access::{Access, Refused, log, next};
use super::runs::ROLLING_BACK;
use super::take_back::{self, Step};
use crate::destination::{Before, Extent, Rollback, RollbackTable};
use crate::domain::schema::Table;
use crate::error::{Error, ErrorKind, Result};

/// Notes that the run is being taken back: from now on every other use of the destination is refused.
pub async fn begin(access: &mut dyn Access, rollback: &Rollback) -> Result<()> {
    let log = log(access, &rollback.run).await?;
    let schema = access.tables().await?;
    let mark = "UPDATE _fireferry_runs SET status = ?2 WHERE run = ?1";
    let mut statements = vec![Statement::new(mark, vec![rollback.run.as_str().into(), ROLLING_BACK.into()])];
    for planned in rollback.tables.iter().filter(|planned| planned.before == Before::Logged) {
        let mirror = schema.table(&planned.table).and_then(|table| log.fitting(table));
        statements.extend(mirror.and_then(|mirror| take_back::renumber(mirror, log.run)));
    }
    access.apply(None, statements).await?.map_err(|Refused(message)| blocked("", &message))
}

/// One step of one table: entries (or rows) taken back, 0 when nothing is left.
pub async fn step(access: &mut dyn Access, rollback: &Rollback, index: usize) -> Result<u64> {
    let Some(planned) = rollback.tables.get(index) else { return Ok(0) };
    let log = log(access, &rollback.run).await?;
    if let Before::Empty { rows } = planned.before {
        return empty(access, rollback, &planned.table, rows).await;
    }
    let schema = access.tables().await?;
    let Some(table) = schema.table(&planned.table) else { return Ok(0) };
    let Some(mirror) = log.fitting(table) else { return Ok(0) };
    // A row that was changed has two.
    let entries = access.entries().min(rollback.at_once.saturating_mul(2));
    for run in [log.run, -log.run] {
        let (bound, any) = next(access, mirror, run, entries).await?;
        if !any {
            continue;
        }
        let step = Step { mirror, run: log.run, bound: &bound, force: rollback.force };
        let applied = match (run > 0, in_place(planned, table)) {
            (true, Some(extent)) => match access.apply(step.guard(), step.in_place(extent)).await? {
                // A constraint that is not known to the schema, or a trigger.
                Err(_) => access.apply(step.guard(), step.take_back()).await?,
                applied => applied,
            },
            (true, None) => access.apply(step.guard(), step.take_back()).await?,
            (false, _) => access.apply(None, step.take_back_waiting()).await?,
        };
        applied.map_err(|Refused(message)| blocked(&planned.table, &message))?;
        return Ok(entries);
    }
    Ok(0)
}

/// What the run did, if its changed rows can be updated: no unique value went from one row to another.
fn in_place<'a>(planned: &'a RollbackTable, table: &Table) -> Option<&'a Extent> {
    let unique = |column: &String| {
        let mut sets = table.unique.iter().chain([&table.primary_key]);
        sets.any(|set| set.iter().any(|own| own.eq_ignore_ascii_case(column)))
    };
    planned.extent.as_ref().filter(|extent| !extent.columns.iter().any(unique))
}

/// A table that was empty is emptied once: what others add afterwards stays.
async fn empty(access: &mut dyn Access, rollback: &Rollback, table: &str, rows: u64) -> Result<u64> {
    let run = rollback.run.as_str();
    let asked = "SELECT 1 FROM _fireferry_runs, json_each(_fireferry_runs.details, '$.emptied') AS e
                 WHERE run = ?1 AND e.value = ?2";
    let done = access.ask(vec![Statement::new(asked, vec![run.into(), table.into()])]).await?;
    if done.first().is_some_and(|rows| !rows.is_empty()) {
        return Ok(0);
    }
    let note = "UPDATE _fireferry_runs SET details = json_set(details, '$.emptied',
                  json_insert(coalesce(json_extract(details, '$.emptied'), json('[]')), '$[#]', ?2)) WHERE run = ?1";
    let guard = (!rollback.force).then(|| take_back::no_more_rows(table, rows));
    let note = Statement::new(note, vec![run.into(), table.into()]);
    access
        .apply(guard, vec![take_back::empty(table), note])
        .await?
        .map_err(|Refused(message)| blocked(table, &message))?;
    Ok(rows.max(1))
}

fn blocked(table: &str, message: &str) -> Error {
    Error::new(
        ErrorKind::Preflight,
        "rollback_blocked",
        format!("rows of {table} were changed by somebody else, or something is in their way; the step was not made"),
    )
    .hint("start the rollback again: it tells which rows, and goes on where it stopped; --force puts them back all the same")
    .caused_by(message.to_owned())
}
