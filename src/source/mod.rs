//! Where documents come from: the [`Source`] trait and its adapters.
//!
//! A source is read page by page. A page is the unit that later becomes a batch: the engine never splits one.

mod fetch;
pub mod firestore;
pub mod json;

pub use fetch::by_reading;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;

use crate::domain::cursor::{Cursor, Partition};
use crate::domain::document::{CollectionPattern, Document, Origin};
use crate::domain::field_path::FieldPath;
use crate::domain::filter::Filter;
use crate::domain::reject::Rejection;
use crate::domain::value::Timestamp;
use crate::domain::watermark::Since;
use crate::error::{Error, ErrorKind, Result};

/// What a source can do. Preflight refuses a pipeline that needs more, before any I/O.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceCapabilities {
    /// `count` is answered without reading (and billing) every document.
    pub cheap_count: bool,
    /// The whole run reads one point in time.
    pub snapshot: bool,
    /// A collection may have several partitions that are read at the same time.
    pub parallel_partitions: bool,
    /// A collection cannot contain two documents with one path.
    pub unique_paths: bool,
    /// Can be asked for documents that changed since a time.
    pub incremental: bool,
    /// `retire` is supported (rename what was migrated).
    pub retire: bool,
    /// Reads cost money and time: measure on few documents, commit often, read nothing twice.
    pub billed: bool,
}

/// What to read, and in what portions.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadRequest {
    /// The collection.
    pub collection: CollectionPattern,
    /// Most documents in a page.
    pub page_documents: usize,
    /// A page ends once it has this many bytes.
    pub page_bytes: usize,
    /// A record larger than this is an `oversized_document` reject, never held in memory whole.
    pub max_document_bytes: usize,
    /// The collection's conditions. A source may leave out documents that do not satisfy them; it need not.
    pub filter: Filter,
    /// The only fields that are needed; `None` for whole documents, none for names alone. A source may give more.
    pub fields: Option<Vec<FieldPath>>,
    /// Only these documents, by path; a source that cannot pick documents gives all. Those that do not exist are left
    /// out.
    pub only: Option<Arc<[String]>>,
    /// Only what changed. Asked of a source that is `incremental` when partitions are made, which then keep it; the
    /// collection's conditions are not looked at, because a document may have changed so that it no longer satisfies them.
    pub changed: Option<Changed>,
    /// Only the beginning is wanted (a measurement, a sample): nothing is read ahead.
    pub brief: bool,
}

/// What an incremental run reads of a collection.
#[derive(Debug, Clone, PartialEq)]
pub struct Changed {
    /// Documents that changed; they come in the order of that field, then of names.
    pub since: Since,
    /// Documents to be read again whether they changed or not, by path; they come first. Those that do not exist are left
    /// out.
    pub again: Arc<[String]>,
}

/// One record of a source.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// A document of the collection.
    Document(Document),
    /// Something that should have been one.
    Malformed(MalformedRecord),
}

/// A record that could not be decoded. It counts as read, and as a reject.
#[derive(Debug, Clone, PartialEq)]
pub struct MalformedRecord {
    /// Why.
    pub rejection: Rejection,
    /// Where.
    pub origin: Origin,
    /// The document's path, where decoding got that far.
    pub document: Option<String>,
    /// Its bytes; `None` when larger than `max_document_bytes`.
    pub raw: Option<Vec<u8>>,
    /// BLAKE3 of its bytes in hex, when `raw` is `None`.
    pub hash: Option<String>,
}

/// Consecutive records of a partition.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// In the partition's order. Empty pages are allowed (a long stretch of other collections' documents).
    pub records: Vec<Record>,
    /// Where reading stands after the last record.
    pub cursor: Cursor,
    /// Bytes of source read for this page.
    pub bytes: u64,
    /// The end marker: nothing follows.
    pub last: bool,
}

/// Pages of one partition, in order. Dropping it stops reading.
pub type PageStream = BoxStream<'static, Result<Page>>;

/// A collection that a source holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundCollection {
    /// Its pattern.
    pub collection: CollectionPattern,
    /// Where, for people: file names, or the database.
    pub place: String,
    /// Size in bytes on disk, where known (compressed size for compressed files).
    pub bytes: Option<u64>,
}

/// What reading has cost so far, and what was noticed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Usage {
    /// Billed reads; `None` where reading costs nothing.
    pub bill: Option<Bill>,
    /// Without a snapshot: documents that were created or changed after reading began.
    pub changed: u64,
}

/// Billed reads and their price.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Bill {
    /// Reads; an upper bound where a connection broke.
    pub reads: u64,
    /// In the currency of the price that the pipeline names (US dollars by default).
    pub price: f64,
}

/// Reads documents.
///
/// # Contract
/// - In a partition, records come in a total, stable order; the partitions of a collection in the order returned
///   by `partitions` give the collection's order. Where documents compete, the earlier one wins.
/// - The stream's last page has `last: true`. A stream that ends without it was cut: the engine treats that as an
///   error, never as the end.
/// - `read` with the cursor of a page yields exactly the records after that page, as often as it is asked.
/// - An adapter that cannot advance fails; it never loops and never skips.
/// - A record that cannot be decoded is a [`Record::Malformed`] and reading goes on; an error in the stream means
///   that reading cannot go on.
/// - Memory is bounded by the request's page and document limits, never by the source's size.
#[async_trait]
pub trait Source: Send + Sync {
    /// The source for people, without secrets: `json files in fixtures/classroom`.
    fn describe(&self) -> String;

    /// What it can do.
    fn capabilities(&self) -> SourceCapabilities;

    /// Fails unless the source is reachable and readable; says in the error what to do. Returns what is worth knowing
    /// (which credentials were used), without secrets.
    async fn check(&self) -> Result<Vec<String>>;

    /// Fixes the point in time that everything is read at from now on: the one given, or a new one. Returns it as text;
    /// `None` when the source reads every document as it is at that moment. Fails with code `snapshot_too_old` when the
    /// source does not keep that time any more.
    async fn pin(&self, _at: Option<&str>) -> Result<Option<String>> {
        Ok(None)
    }

    /// The point in time that is read at, or, without one, when reading began, by the source's own clock. `None` where
    /// it has no clock.
    fn read_at(&self) -> Option<Timestamp> {
        None
    }

    /// Number of documents, at the point in time that is read at, whose field is at that value or behind it; those of other
    /// collections of the same name included, as in `count`. Fails with code `index_missing` where the source cannot be
    /// asked for them.
    async fn count_since(&self, _request: &ReadRequest, _since: &Since) -> Result<u64> {
        Err(Error::new(ErrorKind::Internal, "source_lacks", "the source cannot be asked for what changed"))
    }

    /// Every collection that it holds, sub-collections included, sorted by name.
    async fn collections(&self) -> Result<Vec<FoundCollection>>;

    /// Number of records `read` would yield for the collection, malformed ones and those passed over included, found
    /// independently of `read` (another pass, another query).
    async fn count(&self, request: &ReadRequest) -> Result<u64>;

    /// The collection's partitions in order. Empty when the source has no such collection.
    async fn partitions(&self, request: &ReadRequest) -> Result<Vec<Partition>>;

    /// Records of the partition after the cursor, or from its start.
    async fn read(&self, request: &ReadRequest, partition: &Partition, after: Option<&Cursor>) -> Result<PageStream>;

    /// The documents of the collection that have these paths, as they are at the point in time that is read at.
    ///
    /// # Contract
    /// - Only records of these paths come, in the collection's order, each path once: of several records with one path the
    ///   first. A path that the source does not have (any more) is left out; that is no error.
    /// - A record that cannot be decoded comes as [`Record::Malformed`] where its path could be told.
    /// - The request's conditions need not be looked at, and its `only` is not: whether a document is wanted is the mapping's
    ///   matter.
    /// - Pages are bounded by the request, the last one says so; their cursors mean nothing. An interrupted fetch is begun
    ///   anew.
    /// - Costs: a live source bills one read a path; files are read through once, up to the last document that is found. The
    ///   paths are held in memory, so the caller bounds their number.
    fn fetch(self: Arc<Self>, request: ReadRequest, paths: Arc<[String]>) -> PageStream;

    /// What must not have changed for a resume after `cursor` to be right, as text to be compared for equality
    /// (files: size, modification time, hash of head, tail and the bytes before the cursor).
    async fn fingerprint(&self, partition: &Partition, cursor: Option<&Cursor>) -> Result<String>;

    /// Puts away what was migrated (files: renamed to `*.migrated`). Idempotent: finishing twice is fine.
    /// Returns what was put away, for the report.
    async fn retire(&self, partitions: &[Partition]) -> Result<Vec<String>>;

    /// Names of what earlier runs put away.
    async fn retired(&self) -> Result<Vec<String>>;

    /// What a new `pin` waits for, to be told before; `None` when it does not wait.
    fn pin_waits_for(&self) -> Option<&'static str> {
        None
    }

    /// How long a point in time that `pin` fixed can be read at; `None` for ever, or without one.
    fn snapshot_kept(&self) -> Option<Duration> {
        None
    }

    /// Never causes more billed reads than this in all; `read` and `count` then fail with kind `Budget`.
    fn limit_reads(&self, _most: u64) {}

    /// What reading has cost so far.
    fn usage(&self) -> Usage {
        Usage::default()
    }

    /// What reading so many documents of the collection will cost, its count included; `None` where it costs nothing.
    fn bill(&self, _documents: u64, _request: &ReadRequest) -> Option<Bill> {
        None
    }

    /// Documents of other collections that reading a partition up to the cursor brought along. They are no records, but
    /// `count` cannot tell them apart.
    fn passed_over(&self, _cursor: &Cursor) -> u64 {
        0
    }

    /// Conditions of the request that the source does not evaluate: all documents that only these leave out are read.
    fn left_here(&self, _request: &ReadRequest) -> Vec<String> {
        Vec::new()
    }
}
