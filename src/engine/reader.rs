//! Reads and maps one collection into batches, ahead of the writer, as far as the queue lets it.

use std::sync::Arc;

use futures::StreamExt;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

use super::bookmark::Bookmark;
use super::drift::CollectionDrift;
use super::sample::Selection;
use crate::crossing::crossing;
use crate::destination::Batch;
use crate::domain::cursor::{Cursor, Partition};
use crate::domain::document::CollectionPattern;
use crate::domain::json;
use crate::domain::mapping::{Mapped, Mapping};
use crate::domain::reject::{Reject, RejectData, RejectState, Rejection};
use crate::error::{Error, ErrorKind, Result};
use crate::source::{MalformedRecord, Page, ReadRequest, Record, Source};

/// One partition and where to go on.
#[derive(Debug, Clone)]
pub(super) struct Start {
    /// The partition as stored.
    pub partition: Partition,
    /// The bookmark of the last durable commit.
    pub after: Option<Bookmark>,
}

/// What to read.
pub(super) struct Reading {
    /// The source.
    pub source: Arc<dyn Source>,
    /// Collection and page limits.
    pub request: ReadRequest,
    /// Documents to rows.
    pub mapping: Arc<Mapping>,
    /// Only these documents, for a sample.
    pub selection: Option<Arc<Selection>>,
    /// Partitions in order.
    pub starts: Vec<Start>,
    /// What is told of documents that are not as expected.
    pub drift: CollectionDrift,
}

/// Batches of a collection, partition after partition; an error ends it.
pub(super) type Queue = mpsc::Receiver<Result<Batch>>;

/// The readers of a run. Dropping it ends them.
pub(super) struct Readers {
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Readers {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Starts reading all collections in order, at most `readers` at a time, each at most `queue` batches ahead.
pub(super) fn start(readings: Vec<Reading>, readers: usize, queue: usize) -> (Readers, Vec<Queue>) {
    let permits = Arc::new(Semaphore::new(readers.max(1)));
    let (senders, queues): (Vec<_>, Vec<_>) = readings.iter().map(|_| mpsc::channel(queue.max(1))).unzip();
    // One task hands out the permits in order, so that the collection the writer waits for always has one.
    let dispatcher = tokio::spawn(async move {
        let mut tasks = tokio::task::JoinSet::new();
        for (reading, sender) in readings.into_iter().zip(senders) {
            let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
            tasks.spawn(async move {
                read_collection(reading, &sender).await;
                drop(permit);
            });
        }
        while tasks.join_next().await.is_some() {}
    });
    (Readers { tasks: vec![dispatcher] }, queues)
}

async fn read_collection(reading: Reading, sender: &mpsc::Sender<Result<Batch>>) {
    let mut sample = SampleLeft::of(&reading);
    for start in &reading.starts {
        if let Err(error) = read_partition(&reading, start, &mut sample, sender).await {
            // Nobody listens any more when the run has stopped; then the error does not matter.
            let _ = sender.send(Err(error)).await;
            return;
        }
    }
}

/// Documents of a sample that were not read yet. Once all are, the rest of a partition need not be read.
struct SampleLeft(Option<u64>);

impl SampleLeft {
    /// Known only where a path stands for one record, and not after an interruption.
    fn of(reading: &Reading) -> Self {
        let fresh = reading.starts.iter().all(|start| start.after.is_none());
        let known = fresh && reading.source.capabilities().unique_paths;
        Self(reading.selection.as_ref().filter(|_| known).map(|selection| selection.len()))
    }

    fn read(&mut self, batch: &Batch) {
        let records = (batch.documents.len() + batch.rejects.len()) as u64 + batch.skipped;
        self.0 = self.0.map(|left| left.saturating_sub(records));
    }

    fn is_complete(&self) -> bool {
        self.0 == Some(0)
    }
}

async fn read_partition(
    reading: &Reading,
    start: &Start,
    sample: &mut SampleLeft,
    sender: &mpsc::Sender<Result<Batch>>,
) -> Result<()> {
    let collection = reading.mapping.collection.as_str();
    let after = start.after.as_ref().map(|bookmark| Cursor(bookmark.cursor.clone()));
    let mut pages = reading.source.read(&reading.request, &start.partition, after.as_ref()).await?;
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| error.collection(collection))?;
        crossing("page.read");
        let mut batch = batch_of(reading, start, page).await?;
        crossing("page.mapped");
        sample.read(&batch);
        batch.last |= sample.is_complete();
        let last = batch.last;
        if sender.send(Ok(batch)).await.is_err() || last {
            return Ok(());
        }
    }
    Err(Error::new(ErrorKind::Source, "source_cut", "the source ended without its end marker")
        .collection(collection)
        .hint("what was read so far is safe; go on with `--resume`"))
}

async fn batch_of(reading: &Reading, start: &Start, page: Page) -> Result<Batch> {
    let fingerprint = reading.source.fingerprint(&start.partition, Some(&page.cursor)).await?;
    let bookmark = Bookmark { cursor: page.cursor.0, fingerprint };
    let mut batch = Batch {
        documents: Vec::with_capacity(page.records.len()),
        rejects: Vec::new(),
        skipped: 0,
        bytes: page.bytes,
        to: bookmark.store(),
        last: page.last,
    };
    for record in page.records {
        if reading.selection.as_ref().is_none_or(|selection| selection.contains(&record)) {
            map_record(reading, record, &mut batch);
        }
    }
    Ok(batch)
}

fn map_record(reading: &Reading, record: Record, batch: &mut Batch) {
    let mapping = &reading.mapping;
    let mut misfits = Vec::new();
    match record {
        Record::Malformed(record) => batch.rejects.push(malformed(&mapping.collection, record)),
        Record::Document(document) => match mapping.map_noting(document, &mut misfits) {
            Mapped::Rows(mapped) => {
                reading.drift.look(&mapped.document);
                if !misfits.is_empty() {
                    reading.drift.note(&mapped.document.path.to_string(), &mut misfits);
                }
                batch.documents.push(mapped);
            }
            Mapped::Filtered => batch.skipped += 1,
            Mapped::Rejected { document, rejection, key } => batch.rejects.push(Reject {
                collection: mapping.collection.clone(),
                document: Some(document.path.to_string()),
                key,
                rejection,
                state: RejectState::Rejected,
                origin: document.origin.clone(),
                data: RejectData::Document(json::encode_document(&document)),
            }),
        },
    }
}

fn malformed(collection: &CollectionPattern, record: MalformedRecord) -> Reject {
    let MalformedRecord { rejection: Rejection { code, reason }, origin, document, raw, hash } = record;
    Reject {
        collection: collection.clone(),
        document,
        key: None,
        rejection: Rejection::new(code, reason),
        state: RejectState::Rejected,
        origin,
        data: match raw {
            Some(raw) => RejectData::Raw(raw),
            None => RejectData::Elsewhere { hash: hash.unwrap_or_default() },
        },
    }
}
