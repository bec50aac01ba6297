//! The source as the engine sees it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt, stream};

use super::ahead::Ahead;
use super::bounds::{Bounds, Place};
use super::connection::{Credentials, credentials_of};
use super::count;
use super::scope::{Range, Scope};
use super::session::Session;
use super::sizes::Sizes;
use super::{FirestoreOptions, SnapshotPolicy, discover, filter, picked, snapshot, splits};
use crate::domain::cursor::{Cursor, Partition};
use crate::domain::value::Timestamp;
use crate::domain::watermark::Since;
use crate::error::Result;
use crate::source::{Bill, Changed, FoundCollection, PageStream, ReadRequest, Source, SourceCapabilities, Usage};

/// Pages in a stretch: all of a stretch fits into the room that waits for its turn.
const PAGES_PER_STRETCH: u64 = 2;
/// Documents in a partition, unless the pipeline says how many partitions there are.
const PER_PARTITION: u64 = 50_000;

/// Documents named in one partition.
const AGAIN: usize = 1_000;

/// So long the service keeps every point in time.
const HOUR: Duration = Duration::from_secs(3_600);

/// A live Firestore database.
pub struct FirestoreSource {
    session: Arc<Session>,
    /// What was learnt of collections, by request.
    known: Mutex<HashMap<String, Known>>,
    found: Mutex<Option<Vec<FoundCollection>>>,
}

#[derive(Default, Clone)]
struct Known {
    sizes: Arc<Sizes>,
    partitions: Option<Vec<Partition>>,
    counted: Option<u64>,
}

impl FirestoreSource {
    /// A source that connects at its first use.
    pub fn new(options: FirestoreOptions) -> Self {
        Self { session: Session::new(options), known: Mutex::default(), found: Mutex::default() }
    }

    async fn scope(&self, request: &ReadRequest) -> Result<Scope> {
        let documents = &self.session.connection().await?.documents;
        let pushed = if self.session.options.push_down { filter::pushed(documents, &request.filter) } else { None };
        Ok(Scope::new(documents, request.collection.clone(), pushed, request.fields.as_deref()))
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of(&self, request: &ReadRequest) -> Known {
        self.known().entry(key(request)).or_default().clone()
    }

    fn learn(&self, request: &ReadRequest, change: impl FnOnce(&mut Known)) {
        change(self.known().entry(key(request)).or_default());
    }

    /// The number of documents, asked for once: partitions are cut by it.
    async fn counted(&self, request: &ReadRequest) -> Result<u64> {
        if let Some(counted) = self.of(request).counted {
            return Ok(counted);
        }
        let scope = self.scope(request).await?;
        let counted = count::count(&self.session, &scope, &scope.whole()).await?;
        self.learn(request, |known| known.counted = Some(counted));
        Ok(counted)
    }

    async fn cut(&self, request: &ReadRequest) -> Result<Vec<Partition>> {
        let documents = self.counted(request).await?;
        if documents == 0 {
            return Ok(Vec::new());
        }
        let scope = self.scope(request).await?;
        let stretch = (request.page_documents as u64).saturating_mul(PAGES_PER_STRETCH).max(1);
        let given = self.session.options.partitions.map(|number| number as u64);
        let partitions = given.unwrap_or_else(|| documents.div_ceil(PER_PARTITION));
        let wanted = ((documents - 1) / stretch).max(given.unwrap_or(1) - 1);
        let points = splits::splits(&self.session, &scope, wanted).await?;
        Ok(grouped(&scope.whole(), points, partitions))
    }
}

/// Documents that are read again come first, so many in a partition; then what changed.
fn changed_partitions(changed: &Changed) -> Vec<Partition> {
    let again = changed.again.chunks(AGAIN).map(Bounds::paths);
    let all = again.chain([Bounds::changed(&changed.since)]);
    all.enumerate().map(|(number, bounds)| bounds.to_partition(number)).collect()
}

fn key(request: &ReadRequest) -> String {
    format!("{} {:?}", request.collection, request.filter)
}

/// Partitions with about as many split points each.
fn grouped(whole: &Range, points: Vec<String>, wanted: u64) -> Vec<Partition> {
    let wanted = usize::try_from(wanted).unwrap_or(usize::MAX).clamp(1, points.len() + 1);
    let stretches = points.len() + 1;
    let mut partitions = Vec::with_capacity(wanted);
    let mut from = whole.from.clone();
    let mut points = points.into_iter();
    for number in 0..wanted {
        let size = stretches * (number + 1) / wanted - stretches * number / wanted;
        let splits: Vec<String> = points.by_ref().take(size.saturating_sub(1)).collect();
        let to = points.next().or_else(|| whole.to.clone());
        let range = Range { from: std::mem::replace(&mut from, to.clone()), to };
        partitions.push(Bounds::new(range, splits).to_partition(number));
    }
    partitions
}

#[async_trait]
impl Source for FirestoreSource {
    fn describe(&self) -> String {
        let options = &self.session.options;
        let place = match credentials_of(options) {
            Credentials::Emulator(host) => format!(" at {host}"),
            Credentials::File(_) | Credentials::Default(_) => String::new(),
        };
        format!("Firestore project {}, database {}{place}", options.project, options.database)
    }

    fn capabilities(&self) -> SourceCapabilities {
        SourceCapabilities {
            cheap_count: true,
            snapshot: self.session.options.snapshot != SnapshotPolicy::Off,
            parallel_partitions: true,
            unique_paths: true,
            incremental: true,
            retire: false,
            billed: true,
        }
    }

    async fn check(&self) -> Result<Vec<String>> {
        let connection = self.session.connection().await?;
        snapshot::probe(&self.session, None).await?;
        Ok(vec![format!("connected to {} with {}", connection.database(), connection.credentials.describe())])
    }

    async fn pin(&self, at: Option<&str>) -> Result<Option<String>> {
        let pinned = snapshot::pin(&self.session, at).await?;
        self.known().clear();
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(pinned)
    }

    fn read_at(&self) -> Option<Timestamp> {
        self.session.read_time().or_else(|| self.session.began())
    }

    async fn count_since(&self, request: &ReadRequest, since: &Since) -> Result<u64> {
        let scope = self.scope(request).await?.unfiltered();
        count::count_since(&self.session, &scope, since).await
    }

    async fn collections(&self) -> Result<Vec<FoundCollection>> {
        if let Some(found) = self.found.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            return Ok(found);
        }
        let place = self.describe();
        let collections = discover::collections(&self.session, self.session.options.look_below).await?.into_iter();
        let found: Vec<FoundCollection> =
            collections.map(|collection| FoundCollection { collection, place: place.clone(), bytes: None }).collect();
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = Some(found.clone());
        Ok(found)
    }

    async fn count(&self, request: &ReadRequest) -> Result<u64> {
        // At one point in time the answer stays the same; else the next one may differ.
        let counted = self.counted(request).await?;
        if self.session.read_time().is_none() {
            self.learn(request, |known| known.counted = None);
        }
        Ok(counted)
    }

    async fn partitions(&self, request: &ReadRequest) -> Result<Vec<Partition>> {
        if let Some(changed) = &request.changed {
            return Ok(changed_partitions(changed));
        }
        if let Some(partitions) = self.of(request).partitions {
            return Ok(partitions);
        }
        let partitions = self.cut(request).await?;
        self.learn(request, |known| known.partitions = Some(partitions.clone()));
        Ok(partitions)
    }

    async fn read(&self, request: &ReadRequest, partition: &Partition, after: Option<&Cursor>) -> Result<PageStream> {
        let (bounds, place) = (Bounds::of(partition)?, Place::of(after)?);
        let session = Arc::clone(&self.session);
        let (scope, sizes) = (self.scope(request).await?, self.of(request).sizes);
        let request = request.clone();
        match request.only.clone().or_else(|| bounds.paths.clone().map(Into::into)) {
            Some(paths) => Ok(picked::pages(session, scope, sizes, request, &paths, (&bounds, place))),
            None => Ahead { session, scope, sizes, request }.pages(&bounds, place),
        }
    }

    fn fetch(self: Arc<Self>, request: ReadRequest, paths: Arc<[String]>) -> PageStream {
        let mut unique = paths.to_vec();
        unique.sort_unstable();
        unique.dedup();
        let request = ReadRequest { only: Some(unique.into()), ..request };
        let everything = Bounds::default().to_partition(0);
        stream::once(async move { self.read(&request, &everything, None).await }).try_flatten().boxed()
    }

    async fn fingerprint(&self, _partition: &Partition, _cursor: Option<&Cursor>) -> Result<String> {
        // Names stay where they are; that contents stay the same is the snapshot's matter.
        let options = &self.session.options;
        Ok(format!("projects/{}/databases/{}", options.project, options.database))
    }

    async fn retire(&self, _partitions: &[Partition]) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    async fn retired(&self) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn pin_waits_for(&self) -> Option<&'static str> {
        (self.session.options.snapshot == SnapshotPolicy::Minute)
            .then_some("the next whole minute of the service's clock")
    }

    fn snapshot_kept(&self) -> Option<Duration> {
        match self.session.options.snapshot {
            SnapshotPolicy::Now => Some(HOUR),
            SnapshotPolicy::Minute => Some(HOUR * 24 * 7),
            SnapshotPolicy::Off => None,
        }
    }

    fn limit_reads(&self, most: u64) {
        self.session.meter.limit(most);
    }

    fn usage(&self) -> Usage {
        Usage { bill: Some(self.bill_of(self.session.meter.used())), changed: self.session.changed() }
    }

    fn bill(&self, documents: u64, request: &ReadRequest) -> Option<Bill> {
        // The count, the documents, and one query at the end of every stretch that finds nothing more.
        let stretch = (request.page_documents as u64).saturating_mul(PAGES_PER_STRETCH).max(1);
        Some(self.bill_of(count::price(documents) + documents + documents.div_ceil(stretch)))
    }

    fn passed_over(&self, cursor: &Cursor) -> u64 {
        // A cursor that cannot be read stops the resume that would need it, not this sum.
        Place::of(Some(cursor)).map_or(0, |place| place.passed_over)
    }

    fn left_here(&self, request: &ReadRequest) -> Vec<String> {
        let all = || request.filter.conditions.iter().map(|one| format!("{} {}", one.field, one.operator)).collect();
        if self.session.options.push_down { filter::left_here("", &request.filter) } else { all() }
    }
}

impl FirestoreSource {
    #[expect(clippy::cast_precision_loss, reason = "a price for people")]
    fn bill_of(&self, reads: u64) -> Bill {
        Bill { reads, price: reads as f64 * self.session.options.price_per_100k_reads / 100_000.0 }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn partitions_cover_everything_whatever_their_number() {
        let points: Vec<String> = (0..9).map(|number| format!("users/{number}")).collect();
        for wanted in 1..14 {
            let partitions = grouped(&Range::default(), points.clone(), wanted);
            let bounds: Vec<Bounds> = partitions.iter().map(|partition| Bounds::of(partition).unwrap()).collect();
            assert_eq!(bounds.len() as u64, wanted.min(10));
            let stretches: Vec<Range> = bounds.iter().flat_map(|bounds| bounds.stretches(None)).collect();
            assert_eq!(stretches.len(), 10);
            assert_eq!((&stretches[0].from, &stretches[9].to), (&None, &None));
            assert!(stretches.windows(2).all(|pair| pair[0].to == pair[1].from && pair[0].to.is_some()));
        }
    }
}
