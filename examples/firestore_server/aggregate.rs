//! `RunAggregationQuery`: counting.

use std::collections::HashMap;

use tonic::Status;

use crate::call::Call;
use crate::get::no_transactions;
use crate::proto::run_aggregation_query_request::{ConsistencySelector, QueryType};
use crate::proto::structured_aggregation_query::QueryType as Inner;
use crate::proto::structured_aggregation_query::aggregation::Operator;
use crate::proto::{
    AggregationResult, RunAggregationQueryRequest, RunAggregationQueryResponse, Value, ValueType, timestamp, value,
};
use crate::query::{Plan, collection_id};
use crate::stream::Replies;

/// One response with all counts.
pub async fn run_aggregation_query(
    call: Call,
    request: RunAggregationQueryRequest,
) -> Result<Replies<RunAggregationQueryResponse>, Status> {
    let Some(QueryType::StructuredAggregationQuery(aggregation)) = &request.query_type else {
        return Err(Status::invalid_argument("an aggregation query is required"));
    };
    let Some(Inner::StructuredQuery(query)) = &aggregation.query_type else {
        return Err(Status::invalid_argument("a structured query is required"));
    };
    call.begin_unary("RunAggregationQuery", collection_id(query)).await?;
    let plan = Plan::new(&call.app, &request.parent, query)?;
    let time = match &request.consistency_selector {
        None => None,
        Some(ConsistencySelector::ReadTime(time)) => Some(time),
        Some(_) => return Err(no_transactions()),
    };
    let limits = limits(&aggregation.aggregations)?;
    let snapshot = call.snapshot(&plan.parent.database, time)?;
    let at = snapshot.at;
    let most = limits.iter().map(|(_, up_to)| *up_to).max().unwrap_or_default().min(plan.limit.unwrap_or(u64::MAX));
    let mut matched: u64 = 0;
    for row in plan.rows(snapshot).skip(usize::try_from(plan.offset).unwrap_or(usize::MAX)) {
        if matched >= most {
            break;
        }
        row?;
        matched += 1;
    }
    call.app.billing.count(matched.saturating_add(plan.offset));
    let aggregate_fields: HashMap<String, Value> = limits
        .into_iter()
        .map(|(alias, up_to)| {
            let count = i64::try_from(matched.min(up_to)).unwrap_or(i64::MAX);
            (alias, value(ValueType::IntegerValue(count)))
        })
        .collect();
    let response = RunAggregationQueryResponse {
        result: Some(AggregationResult { aggregate_fields }),
        read_time: Some(timestamp(at)),
        ..Default::default()
    };
    Ok(Box::pin(futures::stream::once(async { Ok(response) })))
}

/// Every count's alias and the number at which it may stop.
fn limits(
    aggregations: &[crate::proto::structured_aggregation_query::Aggregation],
) -> Result<Vec<(String, u64)>, Status> {
    if !(1..=5).contains(&aggregations.len()) {
        return Err(Status::invalid_argument("A query can have 1 to 5 aggregations."));
    }
    let mut limits = Vec::new();
    for (index, aggregation) in aggregations.iter().enumerate() {
        let Some(Operator::Count(count)) = &aggregation.operator else {
            return Err(Status::unimplemented("only counts are part of this server"));
        };
        let up_to = match count.up_to {
            None => u64::MAX,
            Some(up_to) => u64::try_from(up_to)
                .ok()
                .filter(|up_to| *up_to > 0)
                .ok_or_else(|| Status::invalid_argument("up_to must be greater than zero."))?,
        };
        let alias = Some(&aggregation.alias).filter(|alias| !alias.is_empty()).cloned();
        limits.push((alias.unwrap_or_else(|| format!("field_{}", index + 1)), up_to));
    }
    Ok(limits)
}
