//! What the server knows of the documents of a commit before it: rows that exist and whether they differ, stored child
//! rows, and earlier documents that wait for something these also need.

use std::collections::HashMap;
use std::ops::Range;

use super::pending::Pending;
use super::session::TargetPlan;
use super::{sql, units};
use crate::destination::libsql::comparing::same_rows;
use crate::destination::libsql::existing::Existing;
use crate::destination::libsql::failure::Failure;
use crate::destination::libsql::records::{claims, rejects, seen};
use crate::destination::libsql::remote::connection::{Connection, Rows};
use crate::destination::libsql::remote::encode::{Piece, pieces};
use crate::destination::libsql::statement::{Statement, exact_row, integer, text};
use crate::domain::row::{MappedDocument, Row, SqlValue};
use crate::error::{Error, ErrorKind, Result};

/// Documents asked about in one request: what is stored of their child rows must fit into an answer.
const AT_ONCE: usize = 1_000;

/// What is known of one document.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    /// The row that has its key.
    pub row: Option<Existing>,
    /// Per child table: stored rows, and whether they are the document's.
    pub children: Vec<Stored>,
    /// An earlier document of the run, not of this commit, had the same key.
    pub seen: bool,
    /// An earlier document, not of this commit, with the same key waits.
    pub key_waits: bool,
    /// The first earlier document, not of this commit, that waits with the same unique value: the set and its name.
    pub claimed: Option<(i64, String)>,
}

/// Stored rows of a document in a child table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Stored {
    pub rows: u64,
    pub equal: bool,
}

/// What a question is about.
enum About {
    Row(usize),
    Children(usize, usize),
    Seen,
    Key,
    Claims,
}

/// Asks about every document of the commit, by its place among the items.
pub(super) async fn look(
    connection: &Connection,
    run: &str,
    plan: &TargetPlan,
    pending: &Pending,
) -> Result<HashMap<usize, Known>> {
    let documents: Vec<(usize, &MappedDocument)> = pending.documents().collect();
    let mut known = HashMap::with_capacity(documents.len());
    let own: Vec<i64> = documents.iter().filter_map(|(_, document)| document.waiting).collect();
    for part in documents.chunks(AT_ONCE) {
        let asking = Asking { run, plan, own: &own, documents: part };
        for (place, of) in asking.ask(connection, 0..part.len()).await? {
            known.insert(place, of);
        }
    }
    Ok(known)
}

struct Asking<'a> {
    run: &'a str,
    plan: &'a TargetPlan,
    /// Waiting documents that are tried again in this commit.
    own: &'a [i64],
    documents: &'a [(usize, &'a MappedDocument)],
}

impl Asking<'_> {
    async fn ask(&self, connection: &Connection, range: Range<usize>) -> Result<Vec<(usize, Known)>> {
        let Some(documents) = self.documents.get(range.clone()) else { return Ok(Vec::new()) };
        let (about, questions): (Vec<About>, Vec<Statement>) = self.questions(documents).into_iter().unzip();
        let mut known = vec![Known::default(); documents.len()];
        if !self.plan.target.empty_at_start {
            let none = vec![Stored::default(); self.plan.children.len()];
            known.iter_mut().for_each(|known| known.children.clone_from(&none));
        }
        match connection.queries(questions).await {
            Err(error) if error.code() == "destination_answer_too_large" && documents.len() > 1 => {
                let middle = range.start + documents.len() / 2;
                let mut first = Box::pin(self.ask(connection, range.start..middle)).await?;
                first.extend(Box::pin(self.ask(connection, middle..range.end)).await?);
                return Ok(first);
            }
            answers => {
                for (about, rows) in about.iter().zip(answers?) {
                    self.learn(documents, about, &rows, &mut known).map_err(unreadable)?;
                }
            }
        }
        Ok(documents.iter().map(|(place, _)| *place).zip(known).collect())
    }

    fn questions(&self, documents: &[(usize, &MappedDocument)]) -> Vec<(About, Statement)> {
        let mut questions = Vec::new();
        let target = &self.plan.target;
        if !target.empty_at_start {
            let rows = documents.iter().map(|(_, document)| document.row.as_slice());
            for (first, piece) in placed(pieces(target.columns.len(), rows, usize::MAX)) {
                questions.push((About::Row(first), sql::compare(target, piece)));
            }
            for (index, child) in self.plan.children.iter().enumerate() {
                let links: Vec<Row> =
                    documents.iter().map(|(_, document)| units::link(self.plan, index, document)).collect();
                let links = pieces(child.child.link.len(), links.iter().map(Vec::as_slice), usize::MAX);
                for (first, piece) in placed(links) {
                    questions.push((About::Children(index, first), sql::select_children(&child.child, piece)));
                }
            }
        }
        if target.remember_keys {
            questions.extend(self.seen(documents).map(|statement| (About::Seen, statement)));
        }
        if self.plan.waiting > 0 {
            questions.push((About::Key, self.waiting_keys(documents)));
            questions.extend(self.claims(documents).map(|statement| (About::Claims, statement)));
        }
        questions
    }

    /// Numbers of the documents whose key an earlier one had.
    fn seen(&self, documents: &[(usize, &MappedDocument)]) -> Option<Statement> {
        let keys: Vec<String> =
            documents.iter().map(|(_, document)| hexadecimal(&seen::key(&self.plan.target, document))).collect();
        let owner = self.plan.owner?;
        let sql = "SELECT k.key FROM json_each(?1) k JOIN _fireferry_seen s ON s.owner = ?2 AND s.key = unhex(k.value)";
        Some(Statement::new(sql, vec![json(&keys), SqlValue::Integer(owner)]))
    }

    /// Numbers of the documents for whose key an earlier one waits that is not tried in this commit.
    fn waiting_keys(&self, documents: &[(usize, &MappedDocument)]) -> Statement {
        let keys: Vec<serde_json::Value> = documents
            .iter()
            .map(|(_, document)| {
                let key = rejects::key_json(&self.plan.target, document);
                serde_json::json!([key, document.waiting.unwrap_or(i64::MAX)])
            })
            .collect();
        let collection = self.plan.target.collection.as_str().to_owned();
        Statement::new(
            "SELECT k.key FROM json_each(?1) k WHERE EXISTS (
               SELECT 1 FROM _fireferry_rejects r WHERE r.run = ?2 AND r.collection = ?3 AND r.key = k.value->>0
                 AND r.state = 'waiting' AND r.id < k.value->>1 AND r.id NOT IN (SELECT value FROM json_each(?4)))",
            vec![json(&keys), SqlValue::Text(self.run.to_owned()), SqlValue::Text(collection), json(self.own)],
        )
    }

    /// For every unique value that an earlier document, not tried in this commit, waits with: the number of the document
    /// here, the set, and the earlier one's name.
    fn claims(&self, documents: &[(usize, &MappedDocument)]) -> Option<Statement> {
        let owner = self.plan.owner?;
        let values: Vec<serde_json::Value> = documents
            .iter()
            .enumerate()
            .flat_map(|(number, (_, document))| {
                let before = document.waiting.unwrap_or(i64::MAX);
                let claims = claims::claims_of(&self.plan.unique_sets, document);
                claims
                    .into_iter()
                    .map(move |(set, value)| serde_json::json!([number, set, hexadecimal(&value), before]))
            })
            .collect();
        (!values.is_empty()).then(|| {
            Statement::new(
                "SELECT v.value->>0, v.value->>1, CAST(coalesce(r.document, r.key) AS BLOB)
                 FROM json_each(?1) v JOIN _fireferry_rejects r ON r.id = (
                   SELECT min(c.reject) FROM _fireferry_claims c
                   WHERE c.owner = ?2 AND c.unique_set = v.value->>1 AND c.value = unhex(v.value->>2)
                     AND c.reject < v.value->>3 AND c.reject NOT IN (SELECT value FROM json_each(?3)))
                 ORDER BY v.value->>0, v.value->>1",
                vec![json(&values), SqlValue::Integer(owner), json(self.own)],
            )
        })
    }

    fn learn(
        &self,
        documents: &[(usize, &MappedDocument)],
        about: &About,
        rows: &Rows,
        known: &mut [Known],
    ) -> Result<(), Failure> {
        match about {
            About::Row(first) => {
                for row in rows {
                    let (number, known) = numbered(known, *first, row)?;
                    let (_, document) = documents[number];
                    let existing = Existing::read(&self.plan.target, &document.row, row.get(1..).unwrap_or_default());
                    known.row = Some(existing?);
                }
            }
            About::Children(index, first) => self.learn_children(documents, *index, *first, rows, known)?,
            About::Seen => {
                for row in rows {
                    at(known, 0, row)?.seen = true;
                }
            }
            About::Key => {
                for row in rows {
                    at(known, 0, row)?.key_waits = true;
                }
            }
            About::Claims => {
                for row in rows {
                    let claim = (integer(row, 1)?, text(row, 2)?);
                    // Of several, the first set.
                    at(known, 0, row)?.claimed.get_or_insert(claim);
                }
            }
        }
        Ok(())
    }

    fn learn_children(
        &self,
        documents: &[(usize, &MappedDocument)],
        index: usize,
        first: usize,
        rows: &Rows,
        known: &mut [Known],
    ) -> Result<(), Failure> {
        let width = self.plan.children[index].child.columns.len();
        let mut stored: HashMap<usize, Vec<Row>> = HashMap::new();
        for row in rows {
            let number = first + usize::try_from(integer(row, 0)?).unwrap_or_default();
            stored.entry(number).or_default().push(exact_row(row.get(1..).unwrap_or_default(), width)?);
        }
        for (number, ((_, document), known)) in documents.iter().zip(known).enumerate().skip(first) {
            let Some(here) = known.children.get_mut(index) else { continue };
            let own = document.children.get(index).map(Vec::as_slice).unwrap_or_default();
            match stored.get(&number) {
                Some(rows) => *here = Stored { rows: rows.len() as u64, equal: same_rows(rows, own) },
                None if here.rows == 0 => here.equal = own.is_empty(),
                None => {}
            }
        }
        Ok(())
    }
}

/// Pieces with the number of their first row.
fn placed(pieces: Vec<Piece>) -> impl Iterator<Item = (usize, Piece)> {
    let mut first = 0;
    pieces.into_iter().map(move |piece| {
        let at = first;
        first += piece.rows;
        (at, piece)
    })
}

fn at<'a>(known: &'a mut [Known], first: usize, row: &[SqlValue]) -> Result<&'a mut Known, Failure> {
    numbered(known, first, row).map(|(_, known)| known)
}

fn numbered<'a>(known: &'a mut [Known], first: usize, row: &[SqlValue]) -> Result<(usize, &'a mut Known), Failure> {
    let number = first.saturating_add(usize::try_from(integer(row, 0)?).unwrap_or(usize::MAX));
    let known = known.get_mut(number);
    let known = known.ok_or_else(|| Failure::internal("an answer about a document that was not asked about"))?;
    Ok((number, known))
}

fn json<T: serde::Serialize + ?Sized>(value: &T) -> SqlValue {
    SqlValue::Text(serde_json::to_string(value).unwrap_or_else(|_| "[]".to_owned()))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

fn unreadable(failure: Failure) -> Error {
    Error::new(ErrorKind::Internal, "destination_internal", failure.message)
}
