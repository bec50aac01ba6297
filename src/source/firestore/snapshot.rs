//! The point in time that a whole run reads at.

use std::time::Duration;

use firestore::gcloud_sdk::google::firestore::v1 as proto;
use firestore::gcloud_sdk::tonic::Status;
use proto::run_query_request::{ConsistencySelector, QueryType};

use super::SnapshotPolicy;
use super::scope::{Range, Scope};
use super::session::{Session, request};
use super::value::{time, time_message};
use crate::domain::document::CollectionPattern;
use crate::domain::value::Timestamp;
use crate::error::{Error, ErrorKind, Result};

/// A collection that nobody has: asking for it costs one read and shows the service's clock.
const NOBODY: &str = "_fireferry_probe";
/// Digits that the service takes.
const MICROS: u8 = 6;

/// Fixes the point in time: the given one, or a new one as the pipeline says. `None` when there is none.
pub(super) async fn pin(session: &Session, at: Option<&str>) -> Result<Option<String>> {
    if let Some(text) = at {
        let time = text.parse::<Timestamp>().map_err(|error| {
            Error::new(ErrorKind::Source, "snapshot_not_understood", format!("`{text}` is no point in time"))
                .caused_by(error)
        })?;
        probe(session, Some(time)).await?;
        session.set_read_time(Some(time));
        return Ok(Some(text.to_owned()));
    }
    session.set_read_time(None);
    let now = probe(session, None).await?;
    let time = match (session.options.snapshot, now) {
        (SnapshotPolicy::Off, now) => {
            session.set_began(now);
            return Ok(None);
        }
        (_, None) => return Err(no_clock()),
        (SnapshotPolicy::Now, Some(now)) => now.truncate(MICROS),
        (SnapshotPolicy::Minute, Some(now)) => next_minute(session, now).await?,
    };
    session.set_read_time(Some(time));
    Ok(Some(time.to_string()))
}

/// Waits until the next whole minute by the service's clock: the last one would lack what was written since.
async fn next_minute(session: &Session, now: Timestamp) -> Result<Timestamp> {
    let minute = Timestamp::from_second((now.as_second() / 60 + 1) * 60)
        .map_err(|error| Error::new(ErrorKind::Source, "snapshot_not_understood", "no next minute").caused_by(error))?;
    let left = u64::try_from(minute.as_millisecond() - now.as_millisecond()).unwrap_or(0);
    tracing::info!("waiting {} s for the whole minute {minute}", left.div_ceil(1_000));
    tokio::time::sleep(Duration::from_millis(left + 50)).await;
    probe(session, Some(minute)).await?;
    Ok(minute)
}

/// Asks for nothing, at a point in time; gives the time of the answer.
pub(super) async fn probe(session: &Session, at: Option<Timestamp>) -> Result<Option<Timestamp>> {
    let connection = session.connection().await?;
    let pattern = CollectionPattern::of(NOBODY);
    let scope = &Scope::new(&connection.documents, pattern, None, None);
    session
        .ask(
            "asking the service for its time",
            1,
            |_| 1,
            |_| {
                Box::pin(async move {
                    let message = proto::RunQueryRequest {
                        parent: connection.documents.clone(),
                        query_type: Some(QueryType::StructuredQuery(scope.query(&Range::default(), None, Some(1)))),
                        consistency_selector: at.map(time_message).map(ConsistencySelector::ReadTime),
                        ..proto::RunQueryRequest::default()
                    };
                    let mut stream = connection.client().run_query(request(message)).await?.into_inner();
                    let mut found = None;
                    let mut answered = false;
                    while let Some(response) = stream.message().await? {
                        answered = true;
                        found = response.read_time.and_then(time).or(found);
                    }
                    if answered { Ok(found) } else { Err(Status::unavailable("the answer ended before it began")) }
                })
            },
        )
        .await
}

fn no_clock() -> Error {
    Error::new(ErrorKind::Source, "snapshot_unavailable", "the server does not say at which time it read").hint(
        "say `snapshot: off` in the source; documents that change during the run are then read at different times",
    )
}
