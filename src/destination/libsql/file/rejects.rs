//! `_fireferry_rejects`: documents that were not written, whole, with their reasons.

use std::sync::Arc;

use libsql::{Row, Value};

use super::LibsqlFile;
use super::database::{Database, Prepared, integer, optional, optional_text, text};
use super::document::Trouble;
use super::failure::Failure;
use super::write::Commit;
use crate::destination::{RejectQuery, StoredReject};
use crate::domain::document::{CollectionPattern, Origin};
use crate::domain::json;
use crate::domain::reject::{Reject, RejectCode, RejectData, RejectState, Rejection};
use crate::domain::row::MappedDocument;
use crate::error::Result;

/// Content in one answer: at least one reject, then up to this many bytes.
const MOST_BYTES: i64 = 16 << 20;

/// Statements of a load.
pub(super) struct RejectStatements {
    insert: Prepared,
    update: Prepared,
    delete: Prepared,
    earlier: Prepared,
}

impl RejectStatements {
    pub(super) fn prepare(database: &Database) -> Result<Self, Failure> {
        Ok(Self {
            insert: database.prepare(
                "INSERT INTO _fireferry_rejects (id, run, collection, document, key, code, reason, state, file, position,
                 length, line, kind, data, pass)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
            )?,
            update: database
                .prepare("UPDATE _fireferry_rejects SET code = ?2, reason = ?3, state = ?4, pass = ?5 WHERE id = ?1")?,
            delete: database.prepare("DELETE FROM _fireferry_rejects WHERE id = ?1")?,
            earlier: database.prepare(
                "SELECT 1 FROM _fireferry_rejects WHERE run = ?1 AND collection = ?2 AND key = ?3 AND state = 'waiting'
                 AND id < ?4 LIMIT 1",
            )?,
        })
    }
}

impl Commit<'_> {
    /// Stores a reject and returns its number.
    pub(super) fn keep(&mut self, reject: &Reject) -> Result<i64> {
        let id = self.session.next_reject;
        let values = values(id, &self.session.run, reject, self.header.pass);
        self.session.rejects.insert.execute(values).map_err(|failure| self.lost(failure))?;
        self.session.next_reject += 1;
        Ok(id)
    }

    /// A retried document failed again.
    pub(super) fn keep_again(&self, id: i64, rejection: &Rejection, state: RejectState) -> Result<()> {
        let values: Vec<Value> = vec![
            id.into(),
            rejection.code.as_str().into(),
            rejection.reason.as_str().into(),
            state.as_str().into(),
            number(self.header.pass),
        ];
        self.session.rejects.update.execute(values).map(|_| ()).map_err(|failure| self.lost(failure))
    }

    /// A retried document succeeded.
    pub(super) fn forget_reject(&self, id: i64) -> Result<()> {
        self.session.rejects.delete.execute(vec![id.into()]).map(|_| ()).map_err(|failure| self.lost(failure))
    }

    /// Whether an earlier document with the same key waits.
    pub(super) fn earlier_waiting(&self, document: &MappedDocument) -> Result<bool, Trouble> {
        let values: Vec<Value> = vec![
            self.session.run.as_str().into(),
            self.plan().target.collection.as_str().into(),
            self.key_json(document).into(),
            document.waiting.unwrap_or(i64::MAX).into(),
        ];
        Ok(!self.session.rejects.earlier.query(values, |_| Ok(()))?.is_empty())
    }

    /// The reject of a document that the database refused.
    pub(super) fn reject_of(&self, document: &MappedDocument, rejection: Rejection, state: RejectState) -> Reject {
        Reject {
            collection: self.plan().target.collection.clone(),
            document: Some(document.document.path.to_string()),
            key: Some(self.key_json(document)),
            rejection,
            state,
            origin: document.document.origin.clone(),
            data: RejectData::Document(json::encode_document(&document.document)),
        }
    }
}

fn number(number: u64) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

fn values(id: i64, run: &str, reject: &Reject, pass: u64) -> Vec<Value> {
    let (kind, data): (&str, Value) = match &reject.data {
        RejectData::Document(json) => ("document", json.as_str().into()),
        RejectData::Raw(bytes) => ("raw", bytes.clone().into()),
        RejectData::Elsewhere { hash } => ("elsewhere", hash.as_str().into()),
    };
    vec![
        id.into(),
        run.into(),
        reject.collection.as_str().into(),
        optional(reject.document.as_deref()),
        optional(reject.key.as_deref()),
        reject.rejection.code.as_str().into(),
        reject.rejection.reason.as_str().into(),
        reject.state.as_str().into(),
        optional(reject.origin.file.as_deref()),
        number(reject.origin.offset),
        number(reject.origin.length),
        number(reject.origin.line),
        kind.into(),
        data,
        number(pass),
    ]
}

impl LibsqlFile {
    /// Rejects by query, bounded in number and bytes.
    pub(super) fn stored_rejects(&mut self, query: &RejectQuery) -> Result<Vec<StoredReject>> {
        if !self.has_state()? {
            return Ok(vec![]);
        }
        let (condition, values) = condition(query);
        let limit = values.len() + 1;
        let condition = format!("{condition} ORDER BY id LIMIT ?{limit}");
        let bound = |limit: usize| [values.clone(), vec![number(limit as u64)]].concat();
        let sizes = format!("SELECT octet_length(data) FROM _fireferry_rejects WHERE {condition}");
        let sizes = self.database.query(&sizes, bound(query.limit), |row| integer(row, 0))?;
        if sizes.is_empty() {
            return Ok(vec![]);
        }
        let select = format!(
            "SELECT id, CAST(run AS BLOB), CAST(collection AS BLOB), CAST(document AS BLOB), CAST(key AS BLOB), code,
             CAST(reason AS BLOB), state, CAST(file AS BLOB), position, length, line, kind, CAST(data AS BLOB)
             FROM _fireferry_rejects WHERE {condition}"
        );
        self.database.query(&select, bound(fitting(&sizes)), read)
    }

    /// The highest pass that a waiting document was tried in.
    pub(super) fn highest_pass(&mut self, run: &str, collection: Option<&str>) -> Result<u64> {
        if !self.has_state()? {
            return Ok(0);
        }
        let sql = "SELECT coalesce(max(pass), 0) FROM _fireferry_rejects
                   WHERE run = ?1 AND (?2 IS NULL OR collection = ?2) AND state = 'waiting'";
        let pass = self.database.query_one(sql, vec![run.into(), optional(collection)], |row| integer(row, 0))?;
        Ok(pass.and_then(|pass| u64::try_from(pass).ok()).unwrap_or_default())
    }
}

/// Only the conditions asked for, so that the right index is used.
fn condition(query: &RejectQuery) -> (String, Vec<Value>) {
    let state = query.waiting.map(|waiting| if waiting { "state = 'waiting'" } else { "state = 'rejected'" });
    let mut parts: Vec<String> = vec!["1".into()];
    parts.extend(state.map(str::to_owned));
    let mut values: Vec<Value> = Vec::new();
    let mut compare = |what: &str, value: Option<Value>| {
        if let Some(value) = value {
            values.push(value);
            parts.push(format!("{what} ?{}", values.len()));
        }
    };
    compare("run =", query.run.as_deref().map(Value::from));
    compare("collection =", query.collection.as_deref().map(Value::from));
    compare("id >", query.after.map(Value::from));
    compare("pass <", query.before_pass.map(number));
    (parts.join(" AND "), values)
}

/// How many of the sizes fit; at least one.
fn fitting(sizes: &[i64]) -> usize {
    let mut sum = 0;
    let fits = sizes.iter().take_while(|size| {
        sum += **size;
        sum <= MOST_BYTES
    });
    fits.count().max(1)
}

fn read(row: &Row) -> Result<StoredReject, Failure> {
    let invalid = |what: &str| Failure::internal(format!("_fireferry_rejects holds an invalid {what}"));
    let collection = CollectionPattern::parse(&text(row, 2)?).map_err(|_| invalid("collection"))?;
    let code = RejectCode::parse(&text(row, 5)?).ok_or_else(|| invalid("code"))?;
    let state = if text(row, 7)? == "waiting" { RejectState::Waiting } else { RejectState::Rejected };
    let number = |column| integer(row, column).map(|number| u64::try_from(number).unwrap_or(0));
    let data = match text(row, 12)?.as_str() {
        "document" => RejectData::Document(text(row, 13)?),
        "elsewhere" => RejectData::Elsewhere { hash: text(row, 13)? },
        _ => match row.get_value(13)? {
            Value::Blob(bytes) => RejectData::Raw(bytes),
            _ => return Err(invalid("record")),
        },
    };
    Ok(StoredReject {
        id: integer(row, 0)?,
        run: text(row, 1)?,
        reject: Reject {
            collection,
            document: optional_text(row, 3)?,
            key: optional_text(row, 4)?,
            rejection: Rejection::new(code, text(row, 6)?),
            state,
            origin: Origin {
                file: optional_text(row, 8)?.map(Arc::from),
                offset: number(9)?,
                length: number(10)?,
                line: number(11)?,
            },
            data,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_reject_always_fits() {
        assert_eq!(fitting(&[MOST_BYTES * 2, 1]), 1);
        assert_eq!(fitting(&[1, 2, MOST_BYTES]), 2);
        assert_eq!(fitting(&[1, 2, 3]), 3);
    }
}
