//! Recording, finding and cancelling runs.

use crate::error::{Error, ErrorKind, Result};
use crate::report::run::{RunReport, Status};

use super::entry::RunWithReport;
use super::process::{Process, host};
use super::values::Values;
use super::{Ledger, MOST_RUNS, RunEntry, RunStart, RunState};

/// Columns of a [`RunEntry`], without the report, which may be large.
const COLUMNS: &str = "id, pipeline, pipeline_file, destination, destination_url, status, initiated_by, started_at, \
     finished_at, host, pid, pid_started, cancel_requested, report ->> '$.totals.read', report ->> '$.total_rejects', \
     report ->> '$.retry_of', rolls_back";

/// Fewer characters of an id are no way to name a run.
const SHORTEST_PREFIX: usize = 4;

impl Ledger {
    /// Records that a run starts, or goes on after it was stopped, in this process. A report of before goes away: the
    /// next one counts everything.
    pub async fn run_started(&self, run: &RunStart) -> Result<()> {
        let me = Process::current();
        self.execute(
            "INSERT INTO runs (id, pipeline, pipeline_file, destination, destination_url, status, initiated_by,
                               started_at, active_at, host, pid, pid_started, rolls_back)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9, ?10, ?11, ?12)
             ON CONFLICT (id) DO UPDATE SET status = excluded.status, finished_at = NULL, cancel_requested = 0,
                 active_at = excluded.active_at, report = NULL, host = excluded.host, pid = excluded.pid, pid_started = excluded.pid_started",
            libsql::params![
                run.id.as_str(),
                run.pipeline.as_str(),
                run.pipeline_file.as_str(),
                run.destination.as_str(),
                run.destination_url.as_str(),
                Status::Running.as_str(),
                run.initiated_by.as_str(),
                run.started_at.as_str(),
                host(),
                me.pid,
                me.started,
                run.rolls_back.clone()
            ],
        )
        .await?;
        self.forget_old_runs().await
    }

    /// Records how a run ended. It must have been recorded when it started.
    pub async fn run_finished(&self, report: &RunReport) -> Result<()> {
        let text = serde_json::to_string(report).map_err(|error| {
            Error::new(ErrorKind::Internal, "report_failed", "the report cannot be written as JSON").caused_by(error)
        })?;
        let changed = self
            .execute(
                "UPDATE runs SET status = ?2, finished_at = ?3, report = ?4 WHERE id = ?1",
                libsql::params![report.run_id.as_str(), report.status.as_str(), report.finished_at.as_str(), text],
            )
            .await?;
        if changed == 1 { Ok(()) } else { Err(unknown(&report.run_id)) }
    }

    /// Records that a run was taken back, and with it what it made of another one's rejects. One that the ledger does not have is no error.
    pub async fn run_rolled_back(&self, id: &str) -> Result<()> {
        let sql = "UPDATE runs SET status = ?2, report = json_set(report, '$.status', ?2),
                     finished_at = coalesce(finished_at, active_at) WHERE id = ?1";
        self.execute(sql, libsql::params![id, Status::RolledBack.as_str()]).await?;
        self.execute("UPDATE rejects SET retried_by = NULL WHERE retried_by = ?1", [id]).await.map(drop)
    }

    /// The runs that were started or resumed last, newest first.
    pub async fn list(&self, limit: u64) -> Result<Vec<RunEntry>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let sql = format!("SELECT {COLUMNS} FROM runs ORDER BY active_at DESC, id DESC LIMIT ?1");
        self.query(&sql, [limit]).await.map(|rows| rows.iter().map(entry).collect())
    }

    /// The run with this id, with an id that begins so, or the `latest`; with its report if it ended.
    ///
    /// Errors: `run_unknown`, `run_ambiguous`.
    pub async fn get(&self, selector: &str) -> Result<RunWithReport> {
        let id = self.resolve(selector).await?;
        let sql = format!("SELECT {COLUMNS}, report FROM runs WHERE id = ?1");
        let rows = self.query(&sql, [id.as_str()]).await?;
        let row = rows.first().ok_or_else(|| unknown(selector))?;
        let report = row.optional_text(17).map(|text| serde_json::from_str(&text)).transpose().map_err(|error| {
            Error::new(ErrorKind::Ledger, "report_unreadable", format!("the report of run {id} cannot be read"))
                .file(&self.path)
                .caused_by(error)
        })?;
        Ok((entry(row), report))
    }

    /// Asks the process of an active run to stop. Says nothing about runs that are not active.
    pub async fn request_cancel(&self, id: &str) -> Result<()> {
        self.execute("UPDATE runs SET cancel_requested = 1 WHERE id = ?1", [id]).await.map(drop)
    }

    /// Whether someone asked the run to stop.
    pub async fn cancel_requested(&self, id: &str) -> Result<bool> {
        let rows = self.query("SELECT cancel_requested FROM runs WHERE id = ?1", [id]).await?;
        Ok(rows.first().is_some_and(|row| row.number(0) != 0))
    }

    async fn resolve(&self, selector: &str) -> Result<String> {
        let rows = if selector == "latest" {
            self.query("SELECT id FROM runs ORDER BY active_at DESC, id DESC LIMIT 1", ()).await?
        } else {
            let least = i64::try_from(SHORTEST_PREFIX).unwrap_or(i64::MAX);
            let sql = "SELECT id FROM runs WHERE id = ?1
                       OR (length(?1) >= ?2 AND substr(id, 1, length(?1)) = ?1) ORDER BY id = ?1 DESC, id LIMIT 6";
            self.query(sql, libsql::params![selector, least]).await?
        };
        let ids: Vec<String> = rows.iter().map(|row| row.text(0)).collect();
        match ids.as_slice() {
            [] if selector == "latest" => {
                Err(Error::new(ErrorKind::Usage, "run_unknown", "there is no run yet").file(&self.path))
            }
            [] => Err(unknown(selector)),
            [id] => Ok(id.clone()),
            [id, ..] if id == selector => Ok(id.clone()),
            several => Err(Error::new(
                ErrorKind::Usage,
                "run_ambiguous",
                format!("several runs begin with {selector}: {}", several.join(", ")),
            )
            .hint("write more of the id")),
        }
    }

    /// Runs that may still be active are never forgotten.
    async fn forget_old_runs(&self) -> Result<()> {
        let keep = i64::try_from(MOST_RUNS).unwrap_or(i64::MAX);
        let sql = "DELETE FROM runs WHERE finished_at IS NOT NULL AND id IN
                   (SELECT id FROM runs ORDER BY active_at DESC, id DESC LIMIT -1 OFFSET ?1)";
        self.execute(sql, [keep]).await.map(drop)
    }
}

/// A run as read by [`COLUMNS`].
fn entry(row: &Values) -> RunEntry {
    let mut entry = RunEntry {
        run_id: row.text(0),
        pipeline: row.text(1),
        pipeline_file: row.text(2),
        destination: row.text(3),
        destination_url: row.text(4),
        status: row.text(5),
        state: RunState::Ended,
        initiated_by: row.text(6),
        started_at: row.text(7),
        finished_at: row.optional_text(8),
        host: row.text(9),
        pid: row.number(10),
        cancel_requested: row.number(12) != 0,
        read: row.count(13),
        rejected: row.count(14),
        retry_of: row.optional_text(15),
        kind: if row.optional_text(16).is_some() { "rollback" } else { "run" },
        rolls_back: row.optional_text(16),
    };
    let process = Process { pid: entry.pid, started: row.number(11) };
    if RunEntry::is_open(&entry.status) {
        if entry.host == host() && !process.is_alive() {
            entry.state = RunState::Died;
            entry.status = Status::Interrupted.as_str().to_owned();
        } else {
            entry.state = RunState::Active;
        }
    }
    entry
}

fn unknown(selector: &str) -> Error {
    Error::new(ErrorKind::Usage, "run_unknown", format!("there is no run {selector} in the ledger"))
        .hint("`fireferry runs list` shows them")
}
