//! What the tests of the destination share: a folder, a schema, documents, commits.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::cell::Cell;
use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use fireferry::destination::libsql::{LibsqlFile, Mode, RemoteDatabase};
use fireferry::destination::{
    Batch, ChildTarget, CommitHeader, Destination, Feed, OnConflict, Receipt, RejectQuery, RunRecord, StoredReject,
    Target,
};
use fireferry::domain::cursor::{Counts, Cursor, Partition};
use fireferry::domain::document::{CollectionPattern, Document, DocumentPath, Origin};
use fireferry::domain::row::{MappedDocument, Row, SqlValue};
use fireferry::domain::value::Map;
use fireferry::error::{Error, Result};

use crate::remote::opening::options;
use crate::remote::server::Sqld;
use crate::support::database;

/// Defines a test against a local file and against a real server, of an `async fn` with the same name.
macro_rules! in_a_file_and_on_a_server {
    ($($name:ident),+ $(,)?) => { $(
        mod $name {
            #[tokio::test]
            async fn in_a_file() {
                super::$name().await;
            }

            #[tokio::test]
            async fn on_a_server() {
                if crate::remote::server::available() {
                    crate::destination::support::SERVER.set(true);
                    super::$name().await;
                }
            }
        }
    )+ };
}
pub(crate) use in_a_file_and_on_a_server;

thread_local! {
    /// Databases of this test are a server's.
    pub static SERVER: Cell<bool> = const { Cell::new(false) };
}

/// A file in a folder of its own, or a server of its own.
pub struct Place {
    /// Removed with the place.
    _folder: tempfile::TempDir,
    pub file: PathBuf,
    server: Option<Sqld>,
}

pub fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("test.db");
    Place { _folder: folder, file, server: None }
}

impl Place {
    /// Every value of a query as SQLite's own literals, rows joined by newlines.
    pub async fn query(&self, sql: &str) -> String {
        let Some(server) = &self.server else { return query(&self.file, sql).await };
        let literal = |cell: &database::Cell| match cell {
            database::Cell::Null => "NULL".to_owned(),
            database::Cell::Integer(number) => number.to_string(),
            database::Cell::Real(bits) => format!("{:?}", f64::from_bits(*bits)),
            database::Cell::Text(bytes) => String::from_utf8(bytes.clone()).unwrap(),
            database::Cell::Blob(bytes) => format!("{bytes:?}"),
        };
        let line = |row: &Vec<database::Cell>| row.iter().map(literal).collect::<Vec<_>>().join("|");
        server.query(sql).iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// Opens it once more, after whoever had it open before is gone.
    pub async fn open_again(&self) -> Database {
        let Some(server) = &self.server else { return Database(Box::new(open(&self.file))) };
        server.execute("UPDATE _fireferry_lease SET expires = 0");
        on_server(server).await
    }
}

/// A database that is open, wherever it is.
pub struct Database(Box<dyn Destination>);

impl Deref for Database {
    type Target = dyn Destination;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl DerefMut for Database {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut *self.0
    }
}

async fn on_server(server: &Sqld) -> Database {
    let mut destination = RemoteDatabase::new(options(server)).unwrap();
    destination.acquire_lease("the test").await.unwrap();
    Database(Box::new(destination))
}

/// A database with the schema and fireferry's tables, in a file or on a server.
pub async fn with_tables(sql: &str) -> (Place, Database) {
    if !SERVER.get() {
        let (place, destination) = with_schema(sql).await;
        return (place, Database(Box::new(destination)));
    }
    let server = Sqld::start().unwrap();
    server.execute_all(sql);
    let mut destination = on_server(&server).await;
    destination.initialize().await.unwrap();
    (Place { server: Some(server), ..place() }, destination)
}

pub fn open(path: &Path) -> LibsqlFile {
    LibsqlFile::open(path, Mode::ReadWrite { create: true }).unwrap()
}

/// Runs SQL with a connection of its own, as another program would.
pub async fn execute(path: &Path, sql: &str) {
    let database = libsql::Builder::new_local(path).build().await.unwrap();
    database.connect().unwrap().execute_batch(sql).await.unwrap();
}

/// Every value of a query as SQLite's own literals, rows joined by newlines.
pub async fn query(path: &Path, sql: &str) -> String {
    let database = libsql::Builder::new_local(path).build().await.unwrap();
    let connection = database.connect().unwrap();
    let mut rows = connection.query(sql, ()).await.unwrap();
    let mut lines = Vec::new();
    while let Some(row) = rows.next().await.unwrap() {
        let cells: Vec<String> = (0..row.column_count()).map(|i| cell(&row.get_value(i).unwrap())).collect();
        lines.push(cells.join("|"));
    }
    lines.join("\n")
}

fn cell(value: &libsql::Value) -> String {
    match value {
        libsql::Value::Null => "NULL".into(),
        libsql::Value::Integer(number) => number.to_string(),
        libsql::Value::Real(number) => format!("{number:?}"),
        libsql::Value::Text(text) => text.clone(),
        libsql::Value::Blob(bytes) => format!("{bytes:?}"),
    }
}

/// A file with the schema and fireferry's tables.
pub async fn with_schema(sql: &str) -> (Place, LibsqlFile) {
    let place = place();
    execute(&place.file, sql).await;
    let mut destination = open(&place.file);
    destination.initialize().await.unwrap();
    (place, destination)
}

pub fn text(text: &str) -> SqlValue {
    SqlValue::Text(text.into())
}

pub fn int(number: i64) -> SqlValue {
    SqlValue::Integer(number)
}

pub fn target(collection: &str, columns: &[&str]) -> Target {
    Target {
        collection: CollectionPattern::parse(collection).unwrap(),
        table: collection.rsplit('/').next().unwrap().into(),
        columns: columns.iter().map(|name| (*name).to_owned()).collect(),
        key: vec![0],
        children: vec![],
        on_conflict: OnConflict::Replace,
        json: vec![],
        empty_at_start: true,
        remember_keys: false,
    }
}

/// The same target in a table that holds rows already.
pub fn filled(mut target: Target) -> Target {
    target.empty_at_start = false;
    target.remember_keys = true;
    target
}

pub fn child(table: &str, columns: &[&str], link: &[(usize, usize)]) -> ChildTarget {
    ChildTarget {
        table: table.into(),
        columns: columns.iter().map(|name| (*name).to_owned()).collect(),
        link: link.to_vec(),
    }
}

pub fn document(collection: &str, row: Row) -> MappedDocument {
    let id = match &row[0] {
        SqlValue::Text(text) => text.clone(),
        other => format!("{other:?}"),
    };
    let origin = Origin { file: Some("test.ndjson".into()), offset: 0, length: 10, line: 1 };
    let path = DocumentPath::new(collection, id);
    MappedDocument {
        document: Document { path, fields: Map::new(), created: None, updated: None, origin },
        row,
        children: vec![],
        waiting: None,
    }
}

pub fn with_children(mut document: MappedDocument, children: Vec<Vec<Row>>) -> MappedDocument {
    document.children = children;
    document
}

pub fn batch(documents: Vec<MappedDocument>, to: &str) -> Batch {
    let bytes = documents.len() as u64 * 10;
    Batch { documents, rejects: vec![], skipped: 0, bytes, to: Cursor(to.into()), last: false }
}

/// Batches that are there already, then an end or an error.
pub struct Batches {
    pub batches: VecDeque<Batch>,
    pub error: Option<fireferry::error::Error>,
}

#[async_trait]
impl Feed for Batches {
    async fn next(&mut self) -> Result<Option<Batch>> {
        match (self.batches.pop_front(), self.error.take()) {
            (None, Some(error)) => Err(error),
            (batch, error) => {
                self.error = error;
                Ok(batch)
            }
        }
    }
}

pub fn feed(batches: Vec<Batch>) -> Batches {
    Batches { batches: batches.into(), error: None }
}

/// A run with its targets, and the numbers of its commits.
pub struct Run {
    pub id: String,
    pub targets: Vec<Target>,
    sequence: Vec<u64>,
    cursor: Vec<Option<Cursor>>,
    retries: u64,
}

impl Run {
    /// Starts a run: one partition `p` per target.
    pub async fn start(destination: &mut dyn Destination, id: &str, targets: Vec<Target>) -> Self {
        let record = RunRecord {
            run: id.into(),
            pipeline: "test".into(),
            started_at: "2026-01-01T00:00:00Z".into(),
            status: "running".into(),
            pipeline_fingerprint: "p".into(),
            schema_fingerprint: "s".into(),
            details: "{}".into(),
        };
        let partitions: Vec<(String, Partition)> = targets
            .iter()
            .map(|target| (target.collection.to_string(), Partition { id: "p".into(), bounds: "all".into() }))
            .collect();
        destination.start_run(&record, &partitions).await.unwrap();
        destination.prepare(id, &targets).await.unwrap();
        let count = targets.len();
        Self { id: id.into(), targets, sequence: vec![0; count], cursor: vec![None; count], retries: 0 }
    }

    pub fn header(&self, target: usize) -> CommitHeader {
        CommitHeader {
            run: self.id.clone(),
            target,
            partition: "p".into(),
            sequence: self.sequence[target] + 1,
            from: self.cursor[target].clone(),
            finalize: false,
            pass: 0,
        }
    }

    /// One commit of one batch.
    pub async fn write(
        &mut self,
        destination: &mut dyn Destination,
        target: usize,
        documents: Vec<MappedDocument>,
    ) -> Receipt {
        let header = self.header(target);
        let to = format!("after {}", header.sequence);
        let written = destination.write(&header, &mut feed(vec![batch(documents, &to)])).await.unwrap();
        let receipt = only(destination, written).await;
        self.sequence[target] += 1;
        self.cursor[target] = receipt.to.clone();
        assert!(receipt.counts.adds_up(), "{:?}", receipt.counts);
        receipt
    }

    /// Tries waiting documents again.
    pub async fn retry(
        &mut self,
        destination: &mut dyn Destination,
        target: usize,
        documents: Vec<MappedDocument>,
        finalize: bool,
    ) -> Receipt {
        self.retries += 1;
        let header = CommitHeader {
            partition: format!("~{}", self.retries),
            sequence: 1,
            from: None,
            finalize,
            pass: self.retries,
            ..self.header(target)
        };
        let mut batch = batch(documents, "");
        batch.bytes = 0;
        {
            let written = destination.write(&header, &mut feed(vec![batch])).await.unwrap();
            only(destination, written).await
        }
    }
}

pub async fn rejects(destination: &mut dyn Destination) -> Vec<StoredReject> {
    destination.rejects(&RejectQuery { limit: 1000, ..RejectQuery::default() }).await.unwrap()
}

/// `code: reason` of every reject.
pub async fn reasons(destination: &mut dyn Destination) -> Vec<String> {
    let rejects = rejects(destination).await;
    rejects
        .iter()
        .map(|stored| format!("{}: {}", stored.reject.rejection.code, stored.reject.rejection.reason))
        .collect()
}

/// The counts that are not zero, as text.
pub fn counts(counts: &Counts) -> String {
    let parts = [
        ("read", counts.read),
        ("inserted", counts.inserted),
        ("updated", counts.updated),
        ("unchanged", counts.unchanged),
        ("skipped", counts.skipped),
        ("rejected", counts.rejected),
        ("waiting", counts.waiting),
        ("child_inserted", counts.child_inserted),
        ("child_deleted", counts.child_deleted),
    ];
    let shown: Vec<String> =
        parts.iter().filter(|(_, count)| *count != 0).map(|(name, count)| format!("{name} {count}")).collect();
    shown.join(", ")
}

/// The receipt of the one commit under way.
pub async fn only(destination: &mut dyn Destination, written: fireferry::destination::Written) -> Receipt {
    let mut receipts = written.durable;
    receipts.extend(destination.flush().await.unwrap());
    assert_eq!(receipts.len(), 1, "one commit, one receipt");
    receipts.remove(0)
}

/// Why a commit fails: at once, or when it is waited for.
pub async fn failure(destination: &mut dyn Destination, header: &CommitHeader, mut batches: Batches) -> Error {
    match destination.write(header, &mut batches).await {
        Ok(_) => destination.flush().await.unwrap_err(),
        Err(error) => error,
    }
}
