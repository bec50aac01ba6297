//! `PartitionQuery`: names that cut a collection group into pieces of about the same size.

use tonic::Status;

use crate::call::Call;
use crate::name::full;
use crate::proto::partition_query_request::{ConsistencySelector, QueryType};
use crate::proto::{Cursor, PartitionQueryRequest, PartitionQueryResponse, StructuredQuery, ValueType, value};
use crate::query::{Plan, collection_id};
use crate::store::decode_path;

/// A piece has at least so many documents.
const SMALLEST: usize = 128;
/// Split points in a page, where the request does not say.
const PAGE: usize = 100;

/// Split points, a page of them.
pub async fn partition_query(call: Call, request: PartitionQueryRequest) -> Result<PartitionQueryResponse, Status> {
    let Some(QueryType::StructuredQuery(query)) = &request.query_type else {
        return Err(Status::invalid_argument("a structured query is required"));
    };
    let restart = call.begin_unary("PartitionQuery", collection_id(query)).await?;
    let plan = check(&call, &request, query)?;
    let wanted = usize::try_from(request.partition_count).unwrap_or_default();
    if wanted == 0 {
        return Err(Status::invalid_argument("partition_count must be positive."));
    }
    let page_size =
        usize::try_from(request.page_size).map_err(|_| Status::invalid_argument("page_size must not be negative."))?;
    let page_size = if page_size == 0 { PAGE } else { page_size };
    let time = request.consistency_selector.as_ref().map(|ConsistencySelector::ReadTime(time)| time);
    let snapshot = call.snapshot(&plan.parent.database, time)?;
    let database = plan.parent.database.clone();
    let keys: Vec<_> = plan.rows(snapshot).map(|found| found.map(|found| found.key)).collect::<Result<_, _>>()?;
    call.app.billing.partition();
    let points = wanted.min(keys.len() / SMALLEST);
    // As the real service: pages are ordered in themselves, not one after the other.
    let pages = points.div_ceil(page_size).max(1);
    let page: usize = match request.page_token.as_str() {
        "" => 0,
        _ if restart => 0,
        token => token.parse().map_err(|_| Status::invalid_argument("Invalid page token."))?,
    };
    let cursor = |point: usize| {
        let key = &keys[(point + 1) * keys.len() / (points + 1)];
        let name = full(&database, &decode_path(key));
        Cursor { values: vec![value(ValueType::ReferenceValue(name))], before: true }
    };
    let partitions = (0..points).skip(page).step_by(pages).map(cursor).collect();
    let next_page_token = if page + 1 < pages { (page + 1).to_string() } else { String::new() };
    Ok(PartitionQueryResponse { partitions, next_page_token })
}

fn check(call: &Call, request: &PartitionQueryRequest, query: &StructuredQuery) -> Result<Plan, Status> {
    let plan = Plan::new(&call.app, &request.parent, query)?;
    let by_name = matches!(query.order_by.as_slice(), [_]) && plan.orders.iter().all(|order| order.path.is_name());
    let plain = query.r#where.is_none()
        && query.limit.is_none()
        && query.offset == 0
        && query.start_at.is_none()
        && query.end_at.is_none();
    let ascending = plan.orders.iter().all(|order| !order.descending);
    if plan.all_descendants && plan.collection_id.is_some() && by_name && plain && ascending {
        Ok(plan)
    } else {
        Err(Status::invalid_argument(
            "PartitionQuery requires a collection group query ordered by __name__ ascending, without filters, limits, \
             offsets and cursors.",
        ))
    }
}
