//! One connection with what all requests share: the point in time, the count of reads, the number under way.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBuilder};
use firestore::gcloud_sdk::prost_types;
use firestore::gcloud_sdk::tonic::{Request, Status};
use futures::future::BoxFuture;
use tokio::sync::OnceCell;

use super::FirestoreOptions;
use super::connection::Connection;
use super::limiter::Limiter;
use super::meter::{Meter, Reservation};
use super::status::{self, SILENCE, Verdict};
use super::value::time_message;
use crate::domain::value::Timestamp;
use crate::error::Result;
use crate::source::Record;

/// Longest that the service may work on one request: it ends streams by itself after about a minute.
const LONGEST_REQUEST: Duration = Duration::from_secs(55);

/// What all requests of a source share.
pub(super) struct Session {
    /// Which database, and how to read it.
    pub options: FirestoreOptions,
    /// Billed reads.
    pub meter: Meter,
    /// Requests under way.
    pub limiter: Limiter,
    connection: OnceCell<Connection>,
    read_time: RwLock<Option<Timestamp>>,
    /// Without a snapshot: when reading began, by the service's clock.
    began: RwLock<Option<Timestamp>>,
    /// Documents that changed after that.
    changed: AtomicU64,
}

impl Session {
    /// Not connected yet.
    pub fn new(options: FirestoreOptions) -> Arc<Self> {
        let limiter = Limiter::new(options.concurrency);
        Arc::new(Self {
            options,
            limiter,
            meter: Meter::default(),
            connection: OnceCell::new(),
            read_time: RwLock::new(None),
            began: RwLock::new(None),
            changed: AtomicU64::new(0),
        })
    }

    /// The connection, opened at the first need.
    pub async fn connection(&self) -> Result<&Connection> {
        self.connection.get_or_try_init(|| Connection::open(&self.options)).await
    }

    /// The point in time that is read at; `None` without a snapshot.
    pub fn read_time(&self) -> Option<Timestamp> {
        *self.read_time.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// As it goes into requests.
    pub fn read_time_message(&self) -> Option<prost_types::Timestamp> {
        self.read_time().map(time_message)
    }

    /// Reads at this point in time from now on.
    pub fn set_read_time(&self, time: Option<Timestamp>) {
        *self.read_time.write().unwrap_or_else(PoisonError::into_inner) = time;
    }

    /// Reading without a snapshot begins at this moment.
    pub fn set_began(&self, time: Option<Timestamp>) {
        *self.began.write().unwrap_or_else(PoisonError::into_inner) = time;
    }

    /// Without a snapshot: when reading began, by the service's clock.
    pub fn began(&self) -> Option<Timestamp> {
        *self.began.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a document that changed while it was read.
    pub fn notice(&self, record: &Record) {
        let Record::Document(document) = record else { return };
        let Some(began) = self.began() else { return };
        if document.updated.is_some_and(|updated| updated > began) {
            self.changed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Documents that changed while they were read.
    pub fn changed(&self) -> u64 {
        self.changed.load(Ordering::Relaxed)
    }

    /// The pauses between tries of one request, ending after `max_retries` or `max_retry_time`.
    pub fn pauses(&self) -> Pauses {
        Pauses::new(&self.options)
    }

    /// Waits before another try, or says that there is none.
    pub async fn pause(&self, status: Status, pauses: &mut Pauses, doing: &str) -> Result<()> {
        let verdict = status::verdict(&status);
        if verdict != Verdict::Fail {
            self.limiter.failed();
        }
        let pause = if verdict == Verdict::Fail { None } else { pauses.next(verdict) };
        let Some(pause) = pause else { return Err(status::error(&status, doing)) };
        tracing::debug!("{doing}: {:?} {}; trying again in {} ms", status.code(), status.message(), pause.as_millis());
        tokio::time::sleep(pause).await;
        Ok(())
    }

    /// A small request with one answer: tried again within limits, billed by what `billed` says of the answer.
    pub async fn ask<'a, T>(
        &'a self,
        doing: &str,
        most: u64,
        billed: impl Fn(&T) -> u64,
        attempt: impl Fn(u64) -> BoxFuture<'a, Result<T, Status>>,
    ) -> Result<T> {
        let mut pauses = self.pauses();
        loop {
            let reservation = self.meter.reserve(most).await?;
            let answer = {
                let _permit = self.limiter.acquire().await;
                patient(attempt(reservation.granted())).await
            };
            match answer {
                Ok(answer) => {
                    reservation.settle(billed(&answer));
                    return Ok(answer);
                }
                Err(status) => {
                    settle_failed(reservation, &status, Some(0));
                    self.pause(status, &mut pauses, doing).await?;
                }
            }
        }
    }
}

/// What a failed request was billed for: what arrived where the service itself ended it (`None`: it was refused before it
/// began), else whatever it may have sent.
pub(super) fn settle_failed(reservation: Reservation, status: &Status, arrived: Option<u64>) {
    match (status::sent_by_service(status), arrived) {
        (true, None) => reservation.refused(),
        (true, Some(arrived)) => reservation.settle(arrived),
        (false, _) => drop(reservation),
    }
}

/// A request that the service gives up in time.
pub(super) fn request<M>(message: M) -> Request<M> {
    let mut request = Request::new(message);
    request.set_timeout(LONGEST_REQUEST);
    request
}

/// An answer that does not come is as good as a broken connection.
pub(super) async fn patient<T>(answer: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
    tokio::time::timeout(SILENCE, answer).await.unwrap_or_else(|_| Err(status::silent()))
}

/// Pauses that grow, with jitter and an end. Starts anew whenever there was progress.
pub(super) struct Pauses {
    options: (usize, Duration),
    started: Option<Instant>,
    pauses: backon::ExponentialBackoff,
}

impl Pauses {
    fn new(options: &FirestoreOptions) -> Self {
        let options = (options.max_retries, options.max_retry_time);
        Self { options, started: None, pauses: Self::build(options.0) }
    }

    fn build(times: usize) -> backon::ExponentialBackoff {
        ExponentialBuilder::default()
            .with_jitter()
            .with_min_delay(Duration::from_millis(50))
            .with_max_delay(Duration::from_secs(10))
            .with_max_times(times)
            .build()
    }

    /// There was progress: the next failure is a first one again.
    pub fn reset(&mut self) {
        if self.started.take().is_some() {
            self.pauses = Self::build(self.options.0);
        }
    }

    fn next(&mut self, verdict: Verdict) -> Option<Duration> {
        let started = *self.started.get_or_insert_with(Instant::now);
        let pause = self.pauses.next()?;
        // A service that is overloaded is given more time.
        let pause = if verdict == Verdict::RetrySlower { pause * 2 } else { pause };
        (started.elapsed() + pause <= self.options.1).then_some(pause)
    }
}
