//! Comparisons of contents: where each stands, and what it found.

use crate::error::{Error, ErrorKind, Result};
use crate::report::verify::ContentsReport;

use super::values::Values;
use super::{Ledger, MOST_VERIFICATIONS};

/// What is known of a comparison when it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerificationStart {
    /// Its id.
    pub id: String,
    /// The pipeline's name.
    pub pipeline: String,
    /// Its file, and ` --env NAME` where there is one: what one types.
    pub pipeline_file: String,
    /// The destination for people, without secrets.
    pub destination: String,
    /// The run it is about.
    pub run: Option<String>,
    /// RFC 3339 of fixed width.
    pub started_at: String,
}

/// A comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerificationEntry {
    /// What was known when it started.
    pub start: VerificationStart,
    /// `running`, `consistent` or `different`.
    pub status: String,
    /// Where it stands, as the engine keeps it; `None` once it ended.
    pub state: Option<String>,
}

const COLUMNS: &str = "id, pipeline, pipeline_file, destination, run, started_at, status, state";

impl Ledger {
    /// Records that a comparison starts.
    pub async fn verification_started(&self, start: &VerificationStart) -> Result<()> {
        self.execute(
            "INSERT INTO verifications (id, pipeline, pipeline_file, destination, run, status, started_at, active_at)
             VALUES (?1, ?2, ?3, ?4, ?5, 'running', ?6, ?6)",
            libsql::params![
                start.id.as_str(),
                start.pipeline.as_str(),
                start.pipeline_file.as_str(),
                start.destination.as_str(),
                start.run.as_deref(),
                start.started_at.as_str()
            ],
        )
        .await?;
        let keep = i64::try_from(MOST_VERIFICATIONS).unwrap_or(i64::MAX);
        let sql = "DELETE FROM verifications WHERE id IN
                   (SELECT id FROM verifications ORDER BY active_at DESC, id DESC LIMIT -1 OFFSET ?1)";
        self.execute(sql, [keep]).await.map(drop)
    }

    /// Records how a comparison ended.
    pub async fn verification_ended(&self, report: &ContentsReport) -> Result<()> {
        let text = serde_json::to_string(report).map_err(|error| {
            Error::new(ErrorKind::Internal, "report_failed", "the report cannot be written as JSON").caused_by(error)
        })?;
        let status = if report.consistent { "consistent" } else { "different" };
        let sql = "UPDATE verifications SET status = ?2, state = NULL, report = ?3, active_at = ?4 WHERE id = ?1";
        let id = report.verification.as_str();
        self.execute(sql, libsql::params![id, status, text, report.finished_at.as_str()]).await.map(drop)
    }

    /// Reports of the comparisons of the pipeline with this destination that came to their end, the newest first.
    pub async fn comparisons(&self, pipeline: &str, destination: &str, limit: usize) -> Result<Vec<ContentsReport>> {
        let sql = "SELECT report FROM verifications WHERE pipeline = ?1 AND destination = ?2 AND report IS NOT NULL
                   AND status <> 'running' ORDER BY active_at DESC, id DESC LIMIT ?3";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = self.query(sql, libsql::params![pipeline, destination, limit]).await?;
        Ok(rows.iter().filter_map(|row| serde_json::from_str(&row.text(0)).ok()).collect())
    }

    /// The newest comparison of the pipeline with this destination that did not come to its end.
    pub async fn unfinished_verification(
        &self,
        pipeline: &str,
        destination: &str,
    ) -> Result<Option<VerificationEntry>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM verifications WHERE pipeline = ?1 AND destination = ?2
             ORDER BY active_at DESC, id DESC LIMIT 1"
        );
        let rows = self.query(&sql, [pipeline, destination]).await?;
        Ok(rows.first().map(entry).filter(|entry| entry.state.is_some()))
    }

    /// The comparison with this id, with an id that begins so, the newest of a run, or the `latest`.
    ///
    /// Errors: `verification_unknown`.
    pub async fn verification(&self, selector: &str) -> Result<VerificationEntry> {
        let sql = format!(
            "SELECT {COLUMNS} FROM verifications
             WHERE ?1 = 'latest' OR (length(?1) >= 4 AND ?1 IN (substr(id, 1, length(?1)), substr(run, 1, length(?1))))
             ORDER BY id = ?1 DESC, active_at DESC, id DESC LIMIT 1"
        );
        let rows = self.query(&sql, [selector]).await?;
        rows.first().map(entry).ok_or_else(|| {
            let message = match selector {
                "latest" => "contents were never compared yet".to_owned(),
                other => format!("there is no comparison {other}, and none of a run {other}, in the ledger"),
            };
            Error::new(ErrorKind::Usage, "verification_unknown", message)
                .file(&self.path)
                .hint("`fireferry verify PIPELINE --contents` makes one and says its id")
        })
    }
}

fn entry(row: &Values) -> VerificationEntry {
    VerificationEntry {
        start: VerificationStart {
            id: row.text(0),
            pipeline: row.text(1),
            pipeline_file: row.text(2),
            destination: row.text(3),
            run: row.optional_text(4),
            started_at: row.text(5),
        },
        status: row.text(6),
        state: row.optional_text(7),
    }
}
