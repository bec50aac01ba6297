//! `init`: reads a source once and says what is in it. Changes nothing.

use std::sync::Arc;

use futures::StreamExt;
use tokio_util::sync::CancellationToken;

use super::progress::{CollectionProgress, Progress};
use crate::domain::document::CollectionPattern;
use crate::domain::filter::Filter;
use crate::error::{Error, ErrorKind, Result};
use crate::profile::{CollectionProfile, Collector, Known, Profile, hold, resolve};
use crate::source::{FoundCollection, Page, ReadRequest, Record, Source};

/// Version of the profile's form.
const VERSION: u32 = 1;
/// Documents in a page.
const PAGE_DOCUMENTS: usize = 500;
/// Bytes in a page.
const PAGE_BYTES: usize = 1 << 20;
/// As in a pipeline that says nothing else.
const MAX_DOCUMENT_BYTES: usize = 16 << 20;
/// Progress is told after so many documents.
const STRIDE: u64 = 5_000;

/// What `init` was asked for.
#[derive(Debug, Clone, Copy)]
pub struct InitOptions {
    /// Only so many documents of each collection.
    pub sample: Option<u64>,
    /// Never cause more billed reads than this; what it does not suffice for stays unread.
    pub max_reads: Option<u64>,
    /// Bytes for what is remembered of documents, about; what does not fit is told in the profile.
    pub memory: usize,
}

/// Enough for a million documents of two dozen fields.
pub const MEMORY: usize = 96 << 20;

/// Profiles a source.
///
/// # Errors
/// Those of the source; a limit of reads is none as long as it sufficed for anything.
pub async fn profile(
    source: Arc<dyn Source>,
    options: InitOptions,
    progress: &dyn Progress,
    stop: &CancellationToken,
) -> Result<Profile> {
    progress.phase("profile");
    options.max_reads.iter().for_each(|most| source.limit_reads(*most));
    for note in source.check().await? {
        progress.message(&note);
    }
    let snapshot = source.pin(None).await?;
    let mut found = source.collections().await?;
    if found.is_empty() {
        return Err(Error::new(ErrorKind::Source, "source_empty", "the source holds no collection")
            .hint("name a folder with one file or folder per collection, or a database that has documents"));
    }
    let known = Known::new(found.iter().map(|found| &found.collection));
    let mut reading = Reading { source: source.as_ref(), options, progress, stop, spent: false };
    let mut collections = Vec::with_capacity(found.len());
    // What is held of one collection leaves less for the next: always in the same order.
    found.sort_by(|a, b| a.collection.as_str().cmp(b.collection.as_str()));
    let mut held = 0;
    for FoundCollection { collection, .. } in &found {
        collections.push(reading.collection(collection, &known, options.memory.saturating_sub(held)).await?);
        held = hold(&mut collections, options.memory / 2);
    }
    resolve(&mut collections);
    Ok(Profile {
        version: VERSION,
        source: source.describe(),
        snapshot,
        complete: collections.iter().all(|collection| collection.complete),
        billed: source.capabilities().billed,
        collections,
    })
}

/// Reading collection after collection: accumulators of one at a time are in memory.
struct Reading<'a> {
    source: &'a dyn Source,
    options: InitOptions,
    progress: &'a dyn Progress,
    stop: &'a CancellationToken,
    /// No more reads are allowed.
    spent: bool,
}

/// What is counted besides the documents themselves.
#[derive(Default)]
struct Tally {
    records: u64,
    bytes: u64,
    malformed: std::collections::BTreeMap<String, u64>,
    complete: bool,
}

impl Reading<'_> {
    async fn collection(
        &mut self,
        pattern: &CollectionPattern,
        known: &Known,
        memory: usize,
    ) -> Result<CollectionProfile> {
        let request = self.request(pattern);
        let total = self.total(&request).await?;
        let mut collector = Collector::new(pattern.clone(), known.clone(), memory);
        let mut tally = Tally::default();
        let mut progress = CollectionProgress { collection: pattern.to_string(), current: 0, total, rejected: 0 };
        self.progress.collection_started(&progress);
        match self.read(&request, &mut collector, &mut tally, &mut progress).await {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::Budget => {
                self.spent = true;
                self.progress.message(&format!("{error}; the rest stays unread"));
            }
            Err(error) => return Err(error.collection(pattern.as_str())),
        }
        self.progress.collection_finished(&progress);
        let mut profile = collector.finish();
        profile.malformed = tally.malformed.values().sum();
        profile.malformed_codes = tally.malformed;
        profile.bytes = tally.bytes;
        profile.complete = tally.complete;
        profile.total = if tally.complete { Some(profile.documents) } else { total };
        let bill = self.source.bill(profile.total.unwrap_or(profile.documents), &request);
        (profile.reads, profile.price) = (bill.map(|bill| bill.reads), bill.map(|bill| bill.price));
        Ok(profile)
    }

    fn request(&self, collection: &CollectionPattern) -> ReadRequest {
        let sample = self.options.sample.map(|most| usize::try_from(most).unwrap_or(usize::MAX));
        ReadRequest {
            collection: collection.clone(),
            page_documents: sample.map_or(PAGE_DOCUMENTS, |most| most.clamp(1, PAGE_DOCUMENTS)),
            page_bytes: PAGE_BYTES,
            max_document_bytes: MAX_DOCUMENT_BYTES,
            filter: Filter::default(),
            fields: None,
            only: None,
            changed: None,
            brief: sample.is_some(),
        }
    }

    /// Documents of the collection, where they are not all read and a service tells: files would be read for it.
    async fn total(&mut self, request: &ReadRequest) -> Result<Option<u64>> {
        let partial = self.options.sample.is_some() || self.options.max_reads.is_some();
        if !partial || self.spent || !self.source.capabilities().billed {
            return Ok(None);
        }
        match self.source.count(request).await {
            Ok(count) => Ok(Some(count)),
            Err(error) if error.kind() == ErrorKind::Budget => {
                self.spent = true;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Reads until the end, or until the sample is full.
    async fn read(
        &self,
        request: &ReadRequest,
        collector: &mut Collector,
        tally: &mut Tally,
        progress: &mut CollectionProgress,
    ) -> Result<()> {
        if self.spent {
            return Ok(());
        }
        for partition in self.source.partitions(request).await? {
            let mut pages = self.source.read(request, &partition, None).await?;
            let mut ended = false;
            while let Some(page) = pages.next().await {
                let page = page?;
                ended = page.last;
                if !self.take(page, collector, tally) {
                    return Ok(());
                }
                if tally.records / STRIDE > progress.current / STRIDE {
                    progress.current = tally.records;
                    self.progress.committed(progress);
                }
                if self.stop.is_cancelled() {
                    return Err(Error::new(
                        ErrorKind::Interrupted,
                        "interrupted",
                        "stopped on request; nothing was changed",
                    ));
                }
            }
            if !ended {
                return Err(Error::new(ErrorKind::Source, "source_cut", "reading ended before the end of the source"));
            }
        }
        progress.current = tally.records;
        tally.complete = true;
        Ok(())
    }

    /// Takes a page in; `false` once the sample is full.
    fn take(&self, page: Page, collector: &mut Collector, tally: &mut Tally) -> bool {
        let last = page.last;
        tally.bytes += page.bytes;
        for record in page.records {
            if self.options.sample.is_some_and(|most| tally.records >= most) {
                return false;
            }
            tally.records += 1;
            match record {
                Record::Document(document) => collector.observe(&document),
                Record::Malformed(record) => {
                    *tally.malformed.entry(record.rejection.code.as_str().to_owned()).or_default() += 1;
                }
            }
        }
        // A sample that the collection is too small for is all of it.
        last || self.options.sample.is_none_or(|most| tally.records < most)
    }
}
