//! Forgetting a run, or its log, in bounded steps.

use super::super::records::rejects::KEPT;
use super::super::statement::{Statement, number};
use super::access::{Access, Log, Refused, log, next};
use super::mirror::RUN;
use super::take_back;
use crate::error::{Error, ErrorKind, Result};

/// Records that one step forgets.
const AT_ONCE: u64 = 5_000;

/// Of every one of these, at most [`AT_ONCE`] rows of the run go; what it took off the lists of others comes back.
fn some_records(run: &str) -> Vec<Statement> {
    const OWNED: &str = "owner IN (SELECT id FROM _fireferry_partitions WHERE run = ?1)";
    let rejects =
        "DELETE FROM _fireferry_rejects WHERE id IN (SELECT id FROM _fireferry_rejects WHERE run = ?1 LIMIT ?2)";
    let seen = format!(
        "DELETE FROM _fireferry_seen WHERE (owner, key) IN (SELECT owner, key FROM _fireferry_seen WHERE {OWNED} LIMIT ?2)"
    );
    let claims = format!(
        "DELETE FROM _fireferry_claims WHERE (owner, unique_set, value, reject) IN
         (SELECT owner, unique_set, value, reject FROM _fireferry_claims WHERE {OWNED} LIMIT ?2)"
    );
    let put_back = format!(
        "UPDATE _fireferry_rejects SET run = substr(run, length(?1) + 2)
         WHERE id IN (SELECT id FROM _fireferry_rejects WHERE {KEPT} LIMIT ?2)"
    );
    [claims, seen, rejects.to_owned(), put_back]
        .map(|sql| Statement::new(sql, vec![run.into(), number(AT_ONCE)]))
        .to_vec()
}

/// Whether [`some_records`] has more to do: a row if so.
fn more_records(run: &str) -> Statement {
    let sql = format!(
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM _fireferry_rejects WHERE run = ?1)
         OR EXISTS (SELECT 1 FROM _fireferry_rejects WHERE {KEPT})
         OR EXISTS (SELECT 1 FROM _fireferry_seen WHERE owner IN (SELECT id FROM _fireferry_partitions WHERE run = ?1))"
    );
    Statement::new(sql, vec![run.into()])
}

/// The rest of what is known of a run: afterwards it never was.
fn last_records(run: &str) -> Vec<Statement> {
    let sql = [
        "DELETE FROM _fireferry_claims WHERE owner IN (SELECT id FROM _fireferry_partitions WHERE run = ?1)",
        // Those that a later run keeps are nobody's then.
        "DELETE FROM _fireferry_rejects WHERE instr(run, '~') > 0 AND substr(run, instr(run, '~') + 1) = ?1",
        "DELETE FROM _fireferry_checkpoints WHERE run = ?1",
        "DELETE FROM _fireferry_partitions WHERE run = ?1",
        "DELETE FROM _fireferry_runs WHERE run = ?1",
    ];
    sql.map(|sql| Statement::new(sql, vec![run.into()])).to_vec()
}

/// Forgets the log of all runs of a pipeline, whose mirrors (in SQL) these are.
pub fn clear(pipeline: &str, mirrors: &[String]) -> Vec<Statement> {
    let runs =
        "SELECT id FROM _fireferry_runs WHERE pipeline = ?1 UNION SELECT -id FROM _fireferry_runs WHERE pipeline = ?1";
    let clear = |mirror: &String| {
        Statement::new(format!("DELETE FROM {mirror} WHERE {RUN} IN ({runs})"), vec![pipeline.into()])
    };
    mirrors.iter().map(clear).collect()
}

/// Forgets what is known of the run, a part of it at a time; whether there is more. The run itself goes last.
pub async fn forget_run(access: &mut dyn Access, run: &str) -> Result<bool> {
    let more = access.ask(vec![more_records(run)]).await?;
    let more = more.first().is_some_and(|rows| !rows.is_empty());
    let log = log(access, run).await?;
    // By force, entries of columns that are gone may be left.
    if forget_entries(access, &log).await? {
        return Ok(true);
    }
    applied(access, if more { some_records(run) } else { last_records(run) }).await?;
    Ok(more)
}

/// Forgets a part of the run's log; whether there is more.
pub async fn prune(access: &mut dyn Access, run: &str) -> Result<bool> {
    let log = log(access, run).await?;
    if forget_entries(access, &log).await? {
        return Ok(true);
    }
    let kept = format!("SELECT id FROM _fireferry_rejects WHERE {KEPT} LIMIT ?2");
    let values = vec![run.into(), number(AT_ONCE)];
    let any = access.ask(vec![Statement::new(kept.clone(), values.clone())]).await?.concat();
    if any.is_empty() {
        return Ok(false);
    }
    let forget = [
        format!("DELETE FROM _fireferry_claims WHERE reject IN ({kept})"),
        format!("DELETE FROM _fireferry_rejects WHERE id IN ({kept})"),
    ];
    applied(access, forget.map(|sql| Statement::new(sql, values.clone())).to_vec()).await?;
    Ok(true)
}

/// Forgets some entries of the log; false when there were none.
async fn forget_entries(access: &mut dyn Access, log: &Log) -> Result<bool> {
    let entries = access.entries();
    for mirror in &log.mirrors {
        for run in [log.run, -log.run] {
            let (bound, any) = next(access, mirror, run, entries).await?;
            if any {
                applied(access, vec![take_back::forget(mirror, run, &bound)]).await?;
                return Ok(true);
            }
        }
    }
    Ok(false)
}

async fn applied(access: &mut dyn Access, statements: Vec<Statement>) -> Result<()> {
    access.apply(None, statements).await?.map_err(|Refused(message)| {
        Error::new(ErrorKind::Destination, "destination_sql", "the records of a run cannot be forgotten")
            .caused_by(message)
    })
}
