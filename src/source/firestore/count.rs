//! Counting by aggregation: one read for a thousand documents.

use std::sync::atomic::{AtomicU64, Ordering};

use firestore::gcloud_sdk::google::firestore::v1 as proto;
use firestore::gcloud_sdk::tonic::Status;
use proto::run_aggregation_query_request::{ConsistencySelector, QueryType};
use proto::structured_aggregation_query::aggregation::{Count, Operator};
use proto::structured_aggregation_query::{Aggregation, QueryType as Base};
use proto::value::ValueType;

use super::peek;
use super::scope::{Range, Scope};
use super::session::{Session, request};
use crate::domain::watermark::Since;
use crate::error::Result;

/// Documents that are counted for the price of one read.
pub(super) const PER_READ: u64 = 1_000;

/// Names read in one request where the server cannot count.
const NAMES: u64 = 1_000;

/// Number of documents in a range, conditions applied, those of other paths with the same collection name included.
pub(super) async fn count(session: &Session, scope: &Scope, range: &Range) -> Result<u64> {
    match aggregated(session, scope, scope.query(range, None, None)).await {
        Err(error) if error.code() == "source_lacks" => by_names(session, scope, range).await,
        counted => counted,
    }
}

/// Number of documents whose field is at a value or behind it, those of other paths with the same collection name included.
pub(super) async fn count_since(session: &Session, scope: &Scope, since: &Since) -> Result<u64> {
    aggregated(session, scope, scope.changes(since, None, None)).await
}

/// For servers that cannot count: reads all names.
async fn by_names(session: &Session, scope: &Scope, range: &Range) -> Result<u64> {
    let mut after: Option<String> = None;
    let mut counted = 0;
    loop {
        let mut paths = peek::paths(session, scope, range, after.as_deref(), NAMES).await?;
        counted += paths.len() as u64;
        match paths.pop() {
            Some(last) => after = Some(last),
            None => return Ok(counted),
        }
    }
}

/// Number of documents by an aggregation query.
async fn aggregated(session: &Session, scope: &Scope, query: proto::StructuredQuery) -> Result<u64> {
    let connection = session.connection().await?;
    let doing = format!("counting {}", scope.pattern());
    // Counting itself must stay within a limit of reads: all that is left is set aside, and it stops where that would be
    // exceeded. Without a limit nobody knows what a count will cost; a lost one cost what the one that arrives does.
    let limited = session.meter.is_limited();
    let most = if limited { u64::MAX / PER_READ } else { 1 };
    let (tries, query) = (&AtomicU64::new(0), &query);
    let (counted, allowed) = session
        .ask(
            &doing,
            most,
            |(counted, _)| price(*counted) * if limited { 1 } else { tries.load(Ordering::Relaxed) },
            |granted| {
                Box::pin(async move {
                    tries.fetch_add(1, Ordering::Relaxed);
                    let up_to = limited.then(|| i64::try_from(granted * PER_READ).unwrap_or(i64::MAX));
                    let message = proto::RunAggregationQueryRequest {
                        parent: connection.documents.clone(),
                        query_type: Some(QueryType::StructuredAggregationQuery(aggregation(query.clone(), up_to))),
                        consistency_selector: session.read_time_message().map(ConsistencySelector::ReadTime),
                        ..proto::RunAggregationQueryRequest::default()
                    };
                    let mut stream = connection.client().run_aggregation_query(request(message)).await?.into_inner();
                    let mut counted = None;
                    while let Some(response) = stream.message().await? {
                        counted = response.result.as_ref().and_then(number).or(counted);
                    }
                    let counted = counted.ok_or_else(|| Status::unavailable("the answer ended before the count"))?;
                    Ok((counted, up_to))
                })
            },
        )
        .await?;
    match allowed {
        Some(most) if i128::from(counted) >= i128::from(most) => Err(session.meter.reached()),
        _ => Ok(counted),
    }
}

/// Reads that a count of so many documents is billed for.
pub(super) fn price(counted: u64) -> u64 {
    counted.div_ceil(PER_READ).max(1)
}

fn aggregation(query: proto::StructuredQuery, up_to: Option<i64>) -> proto::StructuredAggregationQuery {
    proto::StructuredAggregationQuery {
        aggregations: vec![Aggregation {
            alias: "documents".to_owned(),
            operator: Some(Operator::Count(Count { up_to })),
        }],
        // A count needs no fields.
        query_type: Some(Base::StructuredQuery(proto::StructuredQuery { select: None, ..query })),
    }
}

fn number(result: &proto::AggregationResult) -> Option<u64> {
    match result.aggregate_fields.get("documents")?.value_type {
        Some(ValueType::IntegerValue(number)) => u64::try_from(number).ok(),
        _ => None,
    }
}
