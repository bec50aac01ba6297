//! Comparing documents with what a server holds. The server compares: it is sent the rows as they should be and answers with
//! the numbers of those that are not so, in one request for thousands of documents; only these are then read.

use std::collections::{BTreeSet, HashMap};

use super::RemoteDatabase;
use super::encode::{Piece, pieces};
use super::records::unreadable;
use super::write::sql;
use crate::destination::libsql::comparing::{changed, identity, same_rows, scan, scanned, stored_row, unlike_rows};
use crate::destination::libsql::copied::size;
use crate::destination::libsql::failure::Failure;
use crate::destination::libsql::statement::{Statement, integer};
use crate::destination::libsql::tables::require;
use crate::destination::{ChildTarget, Found, FoundChildren, FoundRow, Scan, ScannedRow, Target};
use crate::domain::row::{MappedDocument, Row, SqlValue};
use crate::domain::schema::Schema;
use crate::error::{Error, ErrorKind, Result};

/// Documents, and bytes of their values, that one request asks about.
const DOCUMENTS: usize = 5_000;
const BYTES: usize = 3 << 20;
/// Documents that are read at once because they differ.
const READ: usize = 250;
/// Rows of a scan that are read at once; fewer where they are too large for an answer.
const PAGE: usize = 5_000;

/// What documents are compared with.
pub(super) struct Comparing {
    targets: Vec<Target>,
    schema: Schema,
}

impl RemoteDatabase {
    /// Checks that the tables are there.
    pub(super) async fn begin_looking(&mut self, targets: &[Target]) -> Result<()> {
        let schema = self.survey().await?.schema()?.clone();
        for target in targets {
            require(&schema, &target.table, &target.columns, target)?;
            for child in &target.children {
                require(&schema, &child.table, &child.columns, target)?;
            }
        }
        self.comparing = Some(Comparing { targets: targets.to_vec(), schema });
        Ok(())
    }

    fn looking(&self) -> Result<&Comparing> {
        self.comparing.as_ref().ok_or_else(|| internal("a comparison that was not begun"))
    }

    pub(super) async fn compare_documents(
        &self,
        target: usize,
        documents: &[MappedDocument],
    ) -> Result<Vec<(usize, Found)>> {
        let target =
            self.looking()?.targets.get(target).ok_or_else(|| internal("a comparison with an unknown table"))?;
        let mut found = Vec::new();
        let mut first = 0;
        while let Some(rest) = documents.get(first..).filter(|rest| !rest.is_empty()) {
            let part = &rest[..fitting(rest)];
            let unlike = self.unlike(target, part).await?;
            for numbers in unlike.chunks(READ) {
                let read = self.read(target, part, numbers).await?;
                found.extend(read.into_iter().map(|(number, unlike)| (first + number, unlike)));
            }
            first += part.len();
        }
        Ok(found)
    }

    /// Numbers of the documents that the server holds differently, ascending. One round trip.
    async fn unlike(&self, target: &Target, documents: &[MappedDocument]) -> Result<Vec<usize>> {
        let mut unlike = BTreeSet::new();
        // Every question with the number of its first document.
        let (mut firsts, mut questions, mut first) = (Vec::new(), Vec::new(), 0);
        for piece in pieces(target.columns.len(), documents.iter().map(|document| document.row.as_slice()), usize::MAX)
        {
            firsts.push(first);
            first += piece.rows;
            questions.push(sql::unlike(target, piece));
        }
        for (index, child) in target.children.iter().enumerate() {
            match child_question(child, index, documents) {
                Some(question) => {
                    firsts.push(0);
                    questions.push(question);
                }
                None => unlike.extend(0..documents.len()),
            }
        }
        for (first, rows) in firsts.into_iter().zip(self.connection.queries(questions).await?) {
            for row in rows {
                let number = integer(&row, 0).map_err(unreadable)?;
                unlike.insert(first + usize::try_from(number).unwrap_or(usize::MAX));
            }
        }
        Ok(unlike.into_iter().filter(|number| *number < documents.len()).collect())
    }

    /// What is stored of these documents, as far as it differs. An answer that is too large is asked for in halves.
    async fn read(
        &self,
        target: &Target,
        documents: &[MappedDocument],
        numbers: &[usize],
    ) -> Result<Vec<(usize, Found)>> {
        let some: Vec<&MappedDocument> = numbers.iter().filter_map(|number| documents.get(*number)).collect();
        let answers = match self.connection.queries(stored_questions(target, &some)).await {
            Err(error) if error.code() == "destination_answer_too_large" => {
                if let [number] = numbers {
                    // That it differs is known; what is there is too large to be shown.
                    return Ok(vec![(*number, Found { row: FoundRow::Changed(Vec::new()), children: Vec::new() })]);
                }
                let (first, second) = numbers.split_at(numbers.len() / 2);
                let mut found = Box::pin(self.read(target, documents, first)).await?;
                found.extend(Box::pin(self.read(target, documents, second)).await?);
                return Ok(found);
            }
            answers => answers?,
        };
        let mut answers = answers.into_iter();
        let mut rows = by_number(answers.next().unwrap_or_default(), target.columns.len()).map_err(unreadable)?;
        let mut children = Vec::new();
        for child in &target.children {
            let stored = by_number(answers.next().unwrap_or_default(), child.columns.len()).map_err(unreadable)?;
            children.push(stored);
        }
        let places = numbers.iter().zip(some).enumerate();
        let found = places.filter_map(|(place, (number, document))| {
            let stored = rows.remove(&place).and_then(|mut rows| rows.pop());
            let children = children.iter_mut().map(|stored| stored.remove(&place).unwrap_or_default());
            Some((*number, found(document, stored, children.collect())?))
        });
        Ok(found.collect())
    }

    pub(super) async fn scan_rows(&self, wanted: &Scan) -> Result<Vec<ScannedRow>> {
        let table =
            self.looking()?.schema.table(&wanted.table).ok_or_else(|| internal("a scan of an unknown table"))?;
        let identity = identity(table).map_err(unreadable)?;
        let mut limit = wanted.limit.unwrap_or(PAGE);
        let rows = loop {
            match self.connection.query(scan(wanted, &identity, limit)).await {
                Err(error) if error.code() == "destination_answer_too_large" && limit > 1 => limit = (limit / 8).max(1),
                rows => break rows?,
            }
        };
        let decode = |row: &Vec<SqlValue>| scanned(row, identity.len(), wanted.columns.len());
        rows.iter().map(decode).collect::<Result<_, _>>().map_err(unreadable)
    }
}

/// How many of the documents one request may ask about; at least one.
fn fitting(documents: &[MappedDocument]) -> usize {
    let mut bytes = 0;
    let fits = documents.iter().take(DOCUMENTS).take_while(|document| {
        bytes += size(&document.row) + document.children.iter().flatten().map(size).sum::<usize>();
        bytes <= BYTES
    });
    fits.count().max(1)
}

/// Asks which documents have other rows in the child table; `None` where their rows are too large to be sent as one piece.
fn child_question(child: &ChildTarget, index: usize, documents: &[MappedDocument]) -> Option<Statement> {
    let links: Vec<Row> = documents.iter().map(|document| link(child, document)).collect();
    let own: Vec<Row> = documents
        .iter()
        .enumerate()
        .flat_map(|(number, document)| {
            let rows = document.children.get(index).map(Vec::as_slice).unwrap_or_default();
            let number = SqlValue::Integer(i64::try_from(number).unwrap_or(i64::MAX));
            rows.iter().map(move |row| [number.clone()].into_iter().chain(row.iter().cloned()).collect())
        })
        .collect();
    let links = whole(pieces(child.link.len(), links.iter().map(Vec::as_slice), usize::MAX))??;
    let own = whole(pieces(child.columns.len() + 1, own.iter().map(Vec::as_slice), usize::MAX))?;
    Some(sql::unlike_children(child, own, links))
}

/// The only piece, if there is one; `None` if there are several, or one that is no JSON.
#[expect(clippy::option_option, reason = "no rows are not too many rows")]
fn whole(pieces: Vec<Piece>) -> Option<Option<Piece>> {
    let mut pieces = pieces.into_iter();
    match (pieces.next(), pieces.next()) {
        (None, _) => Some(None),
        (Some(piece), None) if !piece.from.is_empty() => Some(Some(piece)),
        _ => None,
    }
}

fn stored_questions(target: &Target, documents: &[&MappedDocument]) -> Vec<Statement> {
    let keys: Vec<Row> = documents
        .iter()
        .map(|document| target.key.iter().filter_map(|index| document.row.get(*index).cloned()).collect())
        .collect();
    // Keys and links are small: one piece.
    let one = |width, rows: &[Row]| pieces(width, rows.iter().map(Vec::as_slice), usize::MAX).into_iter().next();
    let mut questions: Vec<Statement> =
        one(target.key.len(), &keys).map(|keys| sql::select_rows(target, keys)).into_iter().collect();
    for child in &target.children {
        let links: Vec<Row> = documents.iter().map(|document| link(child, document)).collect();
        questions.extend(one(child.link.len(), &links).map(|links| sql::select_children(child, links)));
    }
    questions
}

fn by_number(rows: Vec<Row>, columns: usize) -> Result<HashMap<usize, Vec<Row>>, Failure> {
    let mut stored: HashMap<usize, Vec<Row>> = HashMap::new();
    for row in rows {
        let number = usize::try_from(integer(&row, 0)?).unwrap_or(usize::MAX);
        stored.entry(number).or_default().push(stored_row(row.get(1..).unwrap_or_default(), columns)?);
    }
    Ok(stored)
}

/// `None` where what differed a moment ago does not any more.
fn found(document: &MappedDocument, stored: Option<Row>, children: Vec<Vec<Row>>) -> Option<Found> {
    let row = match stored {
        None => FoundRow::Missing,
        Some(stored) if stored == document.row => FoundRow::Equal,
        Some(stored) => changed(&document.row, stored),
    };
    let pairs = children.into_iter().zip(&document.children).enumerate();
    let unlike = pairs.filter(|(_, (stored, own))| !same_rows(stored, own));
    let children: Vec<FoundChildren> = unlike
        .map(|(child, (stored, own))| {
            let (missing, extra) = unlike_rows(stored, own);
            FoundChildren { child, missing, extra }
        })
        .collect();
    (row != FoundRow::Equal || !children.is_empty()).then_some(Found { row, children })
}

/// The values that link child rows to the document.
fn link(child: &ChildTarget, document: &MappedDocument) -> Row {
    child.link.iter().filter_map(|(_, parent)| document.row.get(*parent).cloned()).collect()
}

fn internal(message: &str) -> Error {
    Error::new(ErrorKind::Internal, "destination_internal", message)
}
