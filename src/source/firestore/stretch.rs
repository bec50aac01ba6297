//! Reads one stretch of a collection, query after query, and cuts what comes into pages.
//!
//! A query asks for no more documents than a page takes, and starts only when there is room for the page. What the service
//! sends is always taken off its hands at once: all streams share one connection, so a stream that waits for its turn
//! would keep back the very one that everybody waits for. It also means that a connection that breaks costs few reads,
//! and that no stream outlives the service's patience.

use std::sync::Arc;
use std::time::Instant;

use firestore::gcloud_sdk::google::firestore::v1 as proto;
use firestore::gcloud_sdk::prost::Message;
use firestore::gcloud_sdk::tonic::{Status, Streaming};
use proto::run_query_request::{ConsistencySelector, QueryType};
use proto::run_query_response::ContinuationSelector;
use tokio::sync::Semaphore;

use super::bounds::Mark;
use super::room::{Building, Out};
use super::scope::Scope;
use super::session::{Pauses, Session, patient, request, settle_failed};
use super::sizes::Sizes;
use super::value;
use super::way::Way;
use crate::error::{Error, ErrorKind, Result};

/// What a stretch needs.
pub(super) struct Stretch {
    pub session: Arc<Session>,
    pub scope: Scope,
    pub way: Way,
    /// Go on after this document.
    pub after: Option<Mark>,
    pub sizes: Arc<Sizes>,
    pub page_documents: usize,
    pub page_bytes: usize,
    pub max_document_bytes: usize,
    /// One ticket for every piece that is asked for, where nothing is to be read ahead.
    pub tickets: Option<Arc<Semaphore>>,
}

/// A query whose documents are so many times larger than those before is given up, and asked again for fewer.
const OVERSHOOT: u64 = 4;

/// How one query ended.
enum End {
    /// All that was asked for came: there may be more.
    Full,
    /// Less came, and the service did not say that this is all.
    Short,
    /// The documents were much larger than expected: there may be more.
    GivenUp,
    /// Nothing follows.
    Over,
}

impl Stretch {
    /// Reads to the end of the stretch. An error is sent like a piece and ends it; so does a receiver that is gone.
    pub async fn read(mut self, out: Out) {
        match self.pages(&out).await {
            Ok(()) => {}
            Err(error) => drop(out.send(Err(error)).await),
        }
    }

    async fn pages(&mut self, out: &Out) -> Result<()> {
        let mut pauses = self.session.pauses();
        let limits = (self.page_documents, self.page_bytes as u64);
        let mut building = Building::new(out.clone(), limits, self.tickets.clone());
        let ended = loop {
            match self.query(&mut building, &mut pauses).await {
                Ok(Some(End::Over)) => break Ok(()),
                Ok(Some(End::Full | End::Short | End::GivenUp)) => {}
                Ok(None) => return Ok(()),
                Err(error) => break Err(error),
            }
        };
        building.piece.end = ended.is_ok();
        // What came before an error is whole, and paid for.
        if building.find_room().await {
            building.send();
        }
        ended
    }

    /// One query with its retries. `None` when nobody listens any more.
    async fn query(&mut self, building: &mut Building, pauses: &mut Pauses) -> Result<Option<End>> {
        loop {
            if !building.find_room().await {
                return Ok(None);
            }
            let (documents, bytes) = building.left();
            let limit = self.sizes.documents(documents, bytes);
            let reservation = self.session.meter.reserve(limit as u64).await?;
            let limit = usize::try_from(reservation.granted()).unwrap_or(limit).min(limit);
            let permit = self.session.limiter.acquire().await;
            let mut arrived = None;
            let outcome = self.stream(limit, &mut arrived, building).await;
            building.piece.after.clone_from(&self.after);
            if arrived > Some(0) {
                pauses.reset();
            }
            match outcome {
                // What was sent and not taken is billed too.
                Ok(End::GivenUp) => return Ok(Some(End::GivenUp)),
                Ok(end) => {
                    reservation.settle(arrived.unwrap_or(0));
                    return Ok(Some(end));
                }
                Err(Stop::Failed(error)) => return Err(error),
                Err(Stop::Status(status)) => {
                    settle_failed(reservation, &status, arrived);
                    drop(permit);
                    let doing = format!("reading {}", self.scope.pattern());
                    self.session.pause(status, pauses, &doing).await?;
                }
            }
        }
    }

    /// `arrived` counts documents from when the service begins to answer.
    async fn stream(&mut self, limit: usize, arrived: &mut Option<u64>, building: &mut Building) -> Result<End, Stop> {
        let started = Instant::now();
        let mut stream = self.open(limit).await?;
        let arrived = arrived.insert(0);
        let mut first = true;
        let mut heard = false;
        let mut done = false;
        while let Some(response) = patient(stream.message()).await? {
            if std::mem::take(&mut first) {
                self.session.limiter.answered(started.elapsed());
            }
            heard |= response.read_time.is_some() || response.document.is_some();
            // Some servers say `false` with every document.
            done |= matches!(response.continuation_selector, Some(ContinuationSelector::Done(true)));
            if let Some(document) = response.document {
                *arrived += 1;
                let bytes = self.take(document, building)?;
                self.sizes.learn(bytes);
                if building.is_full() {
                    building.piece.after.clone_from(&self.after);
                    building.send();
                    building.try_room();
                }
                if building.piece.bytes > self.page_bytes as u64 * OVERSHOOT {
                    return Ok(End::GivenUp);
                }
            }
        }
        match *arrived {
            arrived if arrived >= limit as u64 => Ok(End::Full),
            _ if done => Ok(End::Over),
            0 if heard => Ok(End::Over),
            // Even a query without results is answered by one message.
            0 => Err(Stop::Status(Status::unavailable("the answer ended before it began"))),
            _ => Ok(End::Short),
        }
    }

    async fn open(&self, limit: usize) -> Result<Streaming<proto::RunQueryResponse>, Stop> {
        let connection = self.session.connection().await.map_err(Stop::Failed)?;
        let query = self.way.query(&self.scope, self.after.as_ref(), limit);
        let message = proto::RunQueryRequest {
            parent: connection.documents.clone(),
            query_type: Some(QueryType::StructuredQuery(query)),
            consistency_selector: self.session.read_time_message().map(ConsistencySelector::ReadTime),
            ..proto::RunQueryRequest::default()
        };
        Ok(patient(connection.client().run_query(request(message))).await?.into_inner())
    }

    /// Adds a document; gives its size.
    fn take(&mut self, message: proto::Document, building: &mut Building) -> Result<usize, Stop> {
        let bytes = message.encoded_len();
        let mark = self.way.advance(&self.scope, self.after.as_ref(), &message).map_err(Stop::Failed)?;
        let piece = &mut building.piece;
        piece.bytes += bytes as u64;
        let collection = mark.path.rsplit_once('/').map_or("", |(collection, _)| collection);
        if !self.scope.wants(collection) {
            piece.passed_over += 1;
        } else {
            let record = value::record(self.scope.documents(), message, bytes, self.max_document_bytes);
            self.session.notice(&record);
            piece.records.push(record);
        }
        self.after = Some(mark);
        Ok(bytes)
    }
}

/// The error of a server that ignores where a query starts: going on would never end.
pub(super) fn stuck(scope: &Scope, after: &str, answered: &str) -> Error {
    let message = format!("the source does not advance: asked for documents after {after}, it answered {answered}");
    Error::new(ErrorKind::Source, "source_stuck", message)
        .collection(scope.pattern().as_str())
        .hint("the server ignores where a query starts; read the database from the real service, or from an export")
}

/// Why a query ended without its answer.
enum Stop {
    Status(Status),
    Failed(Error),
}

impl From<Status> for Stop {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}
