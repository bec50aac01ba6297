//! Differences that comparisons found, and those that somebody accepted.

use libsql::Value;
use serde::Serialize;

use crate::error::{Error, ErrorKind, Result};
use crate::report::verify::{Difference, DifferenceKind};

use super::verifications::VerificationEntry;
use super::{Ledger, MOST_DIFFERENCES, failure};

/// Which differences.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DifferenceFilter {
    /// Only of this collection.
    pub collection: Option<String>,
    /// Only of this kind.
    pub kind: Option<DifferenceKind>,
    /// Only after this number.
    pub after: u64,
    /// At most so many.
    pub limit: u64,
}

/// A difference as kept in the ledger.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LedgerDifference {
    /// Its number in the comparison, from 1.
    pub number: u64,
    /// It.
    #[serde(flatten)]
    pub difference: Difference,
}

/// Joined to a difference `d` of a comparison `v` where somebody accepted it.
const ACCEPTED: &str = "LEFT JOIN accepted_differences a
     ON a.pipeline = v.pipeline AND a.destination = v.destination AND a.digest = d.digest";

impl Ledger {
    /// Keeps differences, numbered from `first`, and where the comparison stands after them, in one transaction. Those of an
    /// earlier invocation that stood further are forgotten.
    pub async fn save_differences(&self, id: &str, first: u64, found: &[Difference], state: &str) -> Result<()> {
        let broken = |error| failure::failed(&self.path, error);
        let transaction = self.connection.transaction().await.map_err(broken)?;
        self.execute(
            "DELETE FROM differences WHERE verification = ?1 AND number >= ?2",
            libsql::params![id, signed(first)],
        )
        .await?;
        let sql = "INSERT INTO differences (verification, number, collection, kind, document, digest, content)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let statement = transaction.prepare(sql).await.map_err(broken)?;
        for (number, difference) in (first..=MOST_DIFFERENCES).zip(found) {
            statement.reset();
            statement.execute(values(id, number, difference)).await.map_err(broken)?;
        }
        drop(statement);
        let now = format!("{:.6}", jiff::Timestamp::now());
        self.execute("UPDATE verifications SET state = ?2, active_at = ?3 WHERE id = ?1", [id, state, now.as_str()])
            .await?;
        transaction.commit().await.map_err(broken)
    }

    /// Differences of a comparison in their order.
    pub async fn differences(&self, id: &str, filter: &DifferenceFilter) -> Result<Vec<LedgerDifference>> {
        let sql = format!(
            "SELECT d.number, d.content, a.reason FROM differences d JOIN verifications v ON v.id = d.verification {ACCEPTED}
             WHERE d.verification = ?1 AND d.number > ?2 AND (?3 IS NULL OR d.collection = ?3)
               AND (?4 IS NULL OR d.kind = ?4) ORDER BY d.number LIMIT ?5"
        );
        let text = |text: Option<&str>| text.map_or(Value::Null, |text| Value::Text(text.to_owned()));
        let values = vec![
            Value::Text(id.to_owned()),
            Value::Integer(signed(filter.after)),
            text(filter.collection.as_deref()),
            text(filter.kind.map(DifferenceKind::as_str)),
            Value::Integer(signed(filter.limit)),
        ];
        let rows = self.query(&sql, values).await?;
        let decode = |row: &super::Values| {
            let difference: Difference = serde_json::from_str(&row.text(1)).map_err(|error| {
                Error::new(ErrorKind::Ledger, "difference_unreadable", "a difference in the ledger cannot be read")
                    .file(&self.path)
                    .caused_by(error)
            })?;
            let accepted = row.optional_text(2);
            Ok(LedgerDifference {
                number: row.count(0).unwrap_or(0),
                difference: Difference { accepted, ..difference },
            })
        };
        rows.iter().map(decode).collect()
    }

    /// How many differences of a comparison are accepted, and how many are neither accepted nor kept on purpose.
    pub async fn judge_differences(&self, id: &str) -> Result<(u64, u64)> {
        let sql = format!(
            "SELECT count(a.digest), count(*) FILTER (WHERE a.digest IS NULL AND d.kind <> 'kept')
             FROM differences d JOIN verifications v ON v.id = d.verification {ACCEPTED} WHERE d.verification = ?1"
        );
        let rows = self.query(&sql, [id]).await?;
        let number = |index| rows.first().and_then(|row| row.count(index)).unwrap_or(0);
        Ok((number(0), number(1)))
    }

    /// Accepts the differences of a comparison that the filter names (its limit aside): wherever the same ones are found
    /// again between this pipeline and this destination, they fail nothing. Returns how many are new.
    pub async fn accept(
        &self,
        entry: &VerificationEntry,
        filter: &DifferenceFilter,
        reason: &str,
        by: &str,
    ) -> Result<u64> {
        let text = |text: Option<&str>| text.map_or(Value::Null, |text| Value::Text(text.to_owned()));
        let now = format!("{:.6}", jiff::Timestamp::now());
        let values = vec![
            Value::Text(entry.start.pipeline.clone()),
            Value::Text(entry.start.destination.clone()),
            Value::Text(entry.start.id.clone()),
            text(filter.collection.as_deref()),
            text(filter.kind.map(DifferenceKind::as_str)),
            Value::Text(reason.to_owned()),
            Value::Text(by.to_owned()),
            Value::Text(now),
        ];
        let sql = "INSERT INTO accepted_differences (pipeline, destination, digest, reason, accepted_by, accepted_at)
                   SELECT DISTINCT ?1, ?2, digest, ?6, ?7, ?8 FROM differences
                   WHERE verification = ?3 AND kind <> 'kept' AND (?4 IS NULL OR collection = ?4) AND (?5 IS NULL OR kind = ?5)
                   ON CONFLICT DO NOTHING";
        self.execute(sql, values).await
    }
}

fn values(id: &str, number: u64, difference: &Difference) -> Vec<Value> {
    vec![
        Value::Text(id.to_owned()),
        Value::Integer(signed(number)),
        Value::Text(difference.collection.clone()),
        Value::Text(difference.kind.as_str().to_owned()),
        difference.document.clone().map_or(Value::Null, Value::Text),
        Value::Text(difference.digest.clone()),
        // Strings, numbers and JSON values always serialise.
        Value::Text(serde_json::to_string(difference).unwrap_or_default()),
    ]
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
