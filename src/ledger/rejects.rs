//! Copies of rejects.

use libsql::Value;

use crate::error::Result;
use crate::report::run::RejectReport;

use super::entry::Retried;
use super::values::Values;
use super::{Ledger, LedgerReject, MOST_DATA_BYTES, MOST_REJECTS, RejectFilter, failure};

impl Ledger {
    /// Forgets the rejects of a run, before they are copied anew.
    pub async fn clear_rejects(&self, run: &str) -> Result<()> {
        self.execute("DELETE FROM rejects WHERE run = ?1", [run]).await.map(drop)
    }

    /// Adds a page of rejects to those of the run, in one transaction. Returns how many were kept: fewer once
    /// [`MOST_REJECTS`] is reached.
    pub async fn add_rejects(&self, run: &str, page: &[RejectReport]) -> Result<u64> {
        let broken = |error| failure::failed(&self.path, error);
        let transaction = self.connection.transaction().await.map_err(broken)?;
        let rows = self.query("SELECT coalesce(max(number), 0) FROM rejects WHERE run = ?1", [run]).await?;
        let last = rows.first().map_or(0, |row| row.number(0));
        let room = usize::try_from(MOST_REJECTS.saturating_sub(u64::try_from(last).unwrap_or(0))).unwrap_or(usize::MAX);
        let sql = "INSERT INTO rejects (run, number, collection, document, code, reason, origin, data)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let statement = transaction.prepare(sql).await.map_err(broken)?;
        let mut number = last;
        for reject in page.iter().take(room) {
            number += 1;
            statement.reset();
            statement.execute(values(run, number, reject)).await.map_err(broken)?;
        }
        drop(statement);
        transaction.commit().await.map_err(broken)?;
        Ok(u64::try_from(number - last).unwrap_or(0))
    }

    /// Of the rejects of a run, all but those that are left were decided by a retry.
    pub async fn retried(&self, run: &str, retry: &str) -> Result<()> {
        let sql = "UPDATE rejects SET retried_by = ?2 WHERE run = ?1 AND retried_by IS NULL";
        self.execute(sql, [run, retry]).await.map(drop)
    }

    /// These were not: they are still on the run's list.
    pub async fn not_retried(&self, run: &str, retry: &str, left: &[RejectReport]) -> Result<()> {
        let sql = "UPDATE rejects SET retried_by = NULL
                   WHERE run = ?1 AND retried_by = ?2 AND collection = ?3 AND document = ?4 AND origin = ?5";
        for reject in left {
            let (collection, document) = (reject.collection.as_str(), reject.document.as_str());
            self.execute(sql, libsql::params![run, retry, collection, document, reject.origin.as_str()]).await?;
        }
        Ok(())
    }

    /// Rejects of a run in their order.
    pub async fn rejects(&self, run: &str, filter: &RejectFilter) -> Result<Vec<LedgerReject>> {
        let sql = "SELECT number, collection, document, code, reason, origin, data, retried_by,
                     EXISTS (SELECT 1 FROM rejects again WHERE again.run = rejects.retried_by
                             AND again.collection = rejects.collection AND again.document = rejects.document)
                   FROM rejects
                   WHERE run = ?1 AND number > ?2 AND (?3 IS NULL OR collection = ?3) AND (?4 IS NULL OR code = ?4)
                   ORDER BY number LIMIT ?5";
        let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let parameters = libsql::params![
            run,
            signed(filter.after),
            filter.collection.as_deref(),
            filter.code.as_deref(),
            signed(filter.limit)
        ];
        self.query(sql, parameters).await.map(|rows| rows.iter().map(reject).collect())
    }
}

fn reject(row: &Values) -> LedgerReject {
    LedgerReject {
        number: row.count(0).unwrap_or(0),
        retried: row.optional_text(7).map(|run| Retried { run, written: row.number(8) == 0 }),
        reject: RejectReport {
            collection: row.text(1),
            document: row.text(2),
            code: row.text(3),
            reason: row.text(4),
            origin: row.text(5),
            // Written by this program from a JSON value, so it is one.
            data: row.optional_text(6).and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default(),
        },
    }
}

fn values(run: &str, number: i64, reject: &RejectReport) -> Vec<Value> {
    let text = |text: &str| Value::Text(text.to_owned());
    let data = match &reject.data {
        serde_json::Value::Null => None,
        data => Some(data.to_string()).filter(|data| data.len() <= MOST_DATA_BYTES),
    };
    vec![
        text(run),
        Value::Integer(number),
        text(&reject.collection),
        text(&reject.document),
        text(&reject.code),
        text(&reject.reason),
        text(&reject.origin),
        data.map_or(Value::Null, Value::Text),
    ]
}
