//! `_fireferry_rejects`: documents that were not written, whole, with their reasons.

use std::sync::Arc;

use super::super::failure::Failure;
use super::super::statement::{Statement, integer, number, optional, optional_text, text, value};
use crate::destination::{RejectQuery, StoredReject, Target};
use crate::domain::document::{CollectionPattern, Origin};
use crate::domain::json;
use crate::domain::reject::{Reject, RejectCode, RejectData, RejectState, Rejection};
use crate::domain::row::{MappedDocument, SqlValue};

/// Content in one answer: at least one reject, then up to this many bytes.
const MOST_BYTES: i64 = 16 << 20;

/// Stores a reject; its parameters are [`values`].
pub const INSERT: &str =
    "INSERT INTO _fireferry_rejects (id, run, collection, document, key, code, reason, state, file,
                          position, length, line, kind, data, pass)
                          VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)";

/// The columns of a reject, in the order of [`values`].
pub const COLUMNS: [&str; 15] = [
    "id",
    "run",
    "collection",
    "document",
    "key",
    "code",
    "reason",
    "state",
    "file",
    "position",
    "length",
    "line",
    "kind",
    "data",
    "pass",
];

/// The text of [`update`].
pub const UPDATE: &str = "UPDATE _fireferry_rejects SET code = ?2, reason = ?3, state = ?4, pass = ?5 WHERE id = ?1";

/// The text of [`forget`].
pub const FORGET: &str = "DELETE FROM _fireferry_rejects WHERE id = ?1";

/// The text of [`earlier`].
pub const EARLIER: &str = "SELECT 1 FROM _fireferry_rejects
                           WHERE run = ?1 AND collection = ?2 AND key = ?3 AND state = 'waiting' AND id < ?4 LIMIT 1";

/// The reject of a document that the database refused.
pub fn of_document(target: &Target, document: &MappedDocument, rejection: Rejection, state: RejectState) -> Reject {
    Reject {
        collection: target.collection.clone(),
        document: Some(document.document.path.to_string()),
        key: Some(key_json(target, document)),
        rejection,
        state,
        origin: document.document.origin.clone(),
        data: RejectData::Document(json::encode_document(&document.document)),
    }
}

/// The document's key as canonical JSON.
pub fn key_json(target: &Target, document: &MappedDocument) -> String {
    let key: Vec<&SqlValue> = target.key.iter().map(|index| &document.row[*index]).collect();
    json::encode_key(&key)
}

/// The parameters of [`INSERT`].
pub fn values(id: i64, run: &str, reject: &Reject, pass: u64) -> Vec<SqlValue> {
    let (kind, data): (&str, SqlValue) = match &reject.data {
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

/// A retried document failed again.
pub fn update(id: i64, rejection: &Rejection, state: RejectState, pass: u64) -> Statement {
    let values = vec![
        id.into(),
        rejection.code.as_str().into(),
        rejection.reason.as_str().into(),
        state.as_str().into(),
        number(pass),
    ];
    Statement::new(UPDATE, values)
}

/// A retried document succeeded.
pub fn forget(id: i64) -> Statement {
    Statement::new(FORGET, vec![id.into()])
}

/// Final rejects of a run leave its list. `kept_by`: they stay under a name made of that run's and their own.
pub fn forget_final(run: &str, ids: &[i64], kept_by: Option<&str>) -> Statement {
    const WHICH: &str = "WHERE run = ?1 AND state = 'rejected' AND id IN (SELECT value FROM json_each(?2))";
    let ids = serde_json::to_string(ids).unwrap_or_else(|_| "[]".to_owned());
    match kept_by {
        None => Statement::new(format!("DELETE FROM _fireferry_rejects {WHICH}"), vec![run.into(), ids.into()]),
        Some(later) => {
            let sql = format!("UPDATE _fireferry_rejects SET run = ?3 || '~' || run {WHICH}");
            Statement::new(sql, vec![run.into(), ids.into(), later.into()])
        }
    }
}

/// The rejects of other lists that the run ?1 keeps (see [`forget_final`]): as a condition.
pub const KEPT: &str = "run > ?1 || '~' AND run < ?1 || char(127)";

/// Whether an earlier document with the same key waits: a row if so.
pub fn earlier(run: &str, target: &Target, document: &MappedDocument) -> Statement {
    let values = vec![
        run.into(),
        target.collection.as_str().into(),
        key_json(target, document).into(),
        document.waiting.unwrap_or(i64::MAX).into(),
    ];
    Statement::new(EARLIER, values)
}

/// The number of the next reject.
pub fn next_id() -> Statement {
    Statement::new("SELECT coalesce(max(id), 0) + 1 FROM _fireferry_rejects", vec![])
}

/// How many documents of the target wait.
pub fn waiting(run: &str, target: &Target) -> Statement {
    let sql = "SELECT count(*) FROM _fireferry_rejects WHERE run = ?1 AND collection = ?2 AND state = 'waiting'";
    Statement::new(sql, vec![run.into(), target.collection.as_str().into()])
}

/// The highest pass that a waiting document was tried in.
pub fn highest_pass(run: &str, collection: Option<&str>) -> Statement {
    let sql = "SELECT coalesce(max(pass), 0) FROM _fireferry_rejects
               WHERE run = ?1 AND (?2 IS NULL OR collection = ?2) AND state = 'waiting'";
    Statement::new(sql, vec![run.into(), optional(collection)])
}

/// The sizes of the rejects asked for, in the order of [`select`]; how many of them to select says [`fitting`].
pub fn sizes(query: &RejectQuery) -> Statement {
    bounded("octet_length(data)", query, query.limit)
}

/// At most so many of the rejects asked for, ascending.
pub fn select(query: &RejectQuery, limit: usize) -> Statement {
    bounded(&select_columns("CAST(data AS BLOB)"), query, limit)
}

fn select_columns(data: &str) -> String {
    format!(
        "id, CAST(run AS BLOB), CAST(collection AS BLOB), CAST(document AS BLOB), CAST(key AS BLOB), code,
         CAST(reason AS BLOB), state, CAST(file AS BLOB), position, length, line, kind, {data}"
    )
}

fn bounded(columns: &str, query: &RejectQuery, limit: usize) -> Statement {
    let (condition, mut values) = condition(query);
    values.push(number(limit as u64));
    let sql = format!("SELECT {columns} FROM _fireferry_rejects WHERE {condition} ORDER BY id LIMIT ?{}", values.len());
    Statement::new(sql, values)
}

/// Only the conditions asked for, so that the right index is used.
fn condition(query: &RejectQuery) -> (String, Vec<SqlValue>) {
    let state = query.waiting.map(|waiting| if waiting { "state = 'waiting'" } else { "state = 'rejected'" });
    let mut parts: Vec<String> = vec!["1".into()];
    parts.extend(state.map(str::to_owned));
    let mut values: Vec<SqlValue> = Vec::new();
    let mut compare = |what: &str, value: Option<SqlValue>| {
        if let Some(value) = value {
            values.push(value);
            parts.push(format!("{what} ?{}", values.len()));
        }
    };
    compare("run =", query.run.as_deref().map(SqlValue::from));
    compare("collection =", query.collection.as_deref().map(SqlValue::from));
    compare("id >", query.after.map(SqlValue::from));
    compare("pass <", query.before_pass.map(number));
    (parts.join(" AND "), values)
}

/// The first reject asked for, in two statements for one whose content is too large for one answer: everything but its
/// content (NULL instead), and a part of that (to which two values are to be added: the first byte, from 1, and how many).
pub fn in_parts(query: &RejectQuery) -> (Statement, Statement) {
    let without = select_columns("NULL");
    let part = |first: usize| format!("substr(CAST(data AS BLOB), ?{first}, ?{})", first + 1);
    let (condition, values) = condition(query);
    let sql =
        format!("SELECT {} FROM _fireferry_rejects WHERE {condition} ORDER BY id LIMIT 1", part(values.len() + 1));
    (bounded(&without, query, 1), Statement::new(sql, values))
}

/// How many of the sizes fit; at least one.
pub fn fitting(sizes: &[i64]) -> usize {
    fitting_within(sizes, MOST_BYTES)
}

/// How many of the sizes fit into so many bytes; at least one.
pub fn fitting_within(sizes: &[i64], most: i64) -> usize {
    let mut sum = 0;
    let fits = sizes.iter().take_while(|size| {
        sum += **size;
        sum <= most
    });
    fits.count().max(1)
}

/// A row of [`select`].
pub fn decode(row: &[SqlValue]) -> Result<StoredReject, Failure> {
    let invalid = |what: &str| Failure::internal(format!("_fireferry_rejects holds an invalid {what}"));
    let collection = CollectionPattern::parse(&text(row, 2)?).map_err(|_| invalid("collection"))?;
    let code = RejectCode::parse(&text(row, 5)?).ok_or_else(|| invalid("code"))?;
    let state = if text(row, 7)? == "waiting" { RejectState::Waiting } else { RejectState::Rejected };
    let number = |column| integer(row, column).map(|number| u64::try_from(number).unwrap_or(0));
    let data = match text(row, 12)?.as_str() {
        "document" => RejectData::Document(text(row, 13)?),
        "elsewhere" => RejectData::Elsewhere { hash: text(row, 13)? },
        _ => match value(row, 13)? {
            SqlValue::Blob(bytes) => RejectData::Raw(bytes.clone()),
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

    #[test]
    fn a_reject_is_read_as_it_was_stored() {
        let reject = Reject {
            collection: CollectionPattern::of("users"),
            document: None,
            key: Some("[1]".into()),
            rejection: Rejection::new(RejectCode::MalformedRecord, "broken"),
            state: RejectState::Rejected,
            origin: Origin { file: Some(Arc::from("a.json")), offset: 1, length: 2, line: 3 },
            data: RejectData::Raw(vec![0xff]),
        };
        let stored = decode(&values(7, "r", &reject, 0)).ok();
        assert_eq!(stored, Some(StoredReject { id: 7, run: "r".into(), reject }));
    }

    #[test]
    fn only_what_is_asked_for_is_a_condition() {
        let query = RejectQuery { waiting: Some(true), after: Some(4), limit: 9, ..RejectQuery::default() };
        let statement = sizes(&query);
        assert!(statement.sql.ends_with("WHERE 1 AND state = 'waiting' AND id > ?1 ORDER BY id LIMIT ?2"));
        assert_eq!(statement.values, [4, 9].map(SqlValue::from));
    }
}
