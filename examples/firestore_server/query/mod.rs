//! `RunQuery`.

pub mod field_path;
pub mod filter;
pub mod mask;
pub mod order;
mod plan;

use tonic::Status;

use crate::call::Call;
use crate::faults::Kind;
use crate::get::no_transactions;
use crate::proto::run_query_request::{ConsistencySelector, QueryType};
use crate::proto::{QueryReply, RunQueryRequest, StructuredQuery, Timestamp, timestamp};
use crate::stream::{Item, Replies, replies};

pub use plan::{Plan, Rows};

/// The replies of a query, one by one.
struct Answer {
    rows: Rows,
    plan: Plan,
    read_time: Timestamp,
    sent: u64,
    /// Says `done` at the end.
    done: bool,
    finished: bool,
}

/// Documents that match.
pub async fn run_query(call: Call, request: RunQueryRequest) -> Result<Replies<QueryReply>, Status> {
    let Some(QueryType::StructuredQuery(query)) = &request.query_type else {
        return Err(Status::invalid_argument("a structured query is required"));
    };
    let mut fault = call.begin("RunQuery", collection_id(query)).await?;
    let mut plan = Plan::new(&call.app, &request.parent, query)?;
    if let Some(ignoring) = fault.as_mut().filter(|fault| matches!(fault.kind, Kind::NoAdvance)) {
        call.suffer(ignoring).await?;
        plan.start = None;
        fault = None;
    }
    let time = match &request.consistency_selector {
        None => None,
        Some(ConsistencySelector::ReadTime(time)) => Some(time),
        Some(_) => return Err(no_transactions()),
    };
    let snapshot = call.snapshot(&plan.parent.database, time)?;
    let read_time = timestamp(snapshot.at);
    let (rows, done) = (plan.rows(snapshot), call.app.args.done);
    let answer = Answer { rows, plan, read_time, sent: 0, done, finished: false };
    Ok(replies(call, Box::new(answer), fault))
}

/// The collection id that a query names, for faults.
pub fn collection_id(query: &StructuredQuery) -> Option<&str> {
    query.from.first().map(|from| from.collection_id.as_str())
}

impl Answer {
    /// The next document that is not left out by `offset` or `limit`, and how many were left out before it.
    fn next_row(&mut self) -> (u64, Option<<Rows as Iterator>::Item>) {
        if self.plan.limit.is_some_and(|limit| self.sent >= limit) {
            return (0, None);
        }
        let mut skipped = 0;
        while self.sent == 0 && skipped < self.plan.offset {
            match self.rows.next() {
                Some(Ok(_)) => skipped += 1,
                end => return (skipped, end),
            }
        }
        (skipped, self.rows.next())
    }

    fn last(&mut self, skipped: u64) -> Option<Result<Item<QueryReply>, Status>> {
        self.finished = true;
        let done = self.done.then_some(true);
        if self.sent > 0 && done.is_none() {
            return None;
        }
        Some(Ok(self.item(None, skipped, done)))
    }

    fn item(&self, document: Option<crate::proto::Bytes>, skipped: u64, done: Option<bool>) -> Item<QueryReply> {
        let documents = u64::from(document.is_some());
        let skipped_results = i32::try_from(skipped).unwrap_or(i32::MAX);
        let reply = QueryReply { document, read_time: Some(self.read_time), skipped_results, done };
        Item { reply, documents, reads: documents + skipped }
    }
}

impl Iterator for Answer {
    type Item = Result<Item<QueryReply>, Status>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.finished {
            return None;
        }
        match self.next_row() {
            (skipped, None) => self.last(skipped),
            (_, Some(Err(status))) => {
                self.finished = true;
                Some(Err(status))
            }
            (skipped, Some(Ok(found))) => {
                let bytes = match &self.plan.mask {
                    Some(mask) => mask.apply(&found.content.bytes),
                    None => Ok(found.content.bytes),
                };
                let item = bytes.map(|bytes| self.item(Some(bytes), skipped, None));
                self.sent += 1;
                Some(item)
            }
        }
    }
}
