//! What happened and what it would have cost.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde_json::{Value, json};

/// Reads that would be on the bill, by what they were for.
#[derive(Debug, Default, Clone, Serialize)]
pub struct Billed {
    /// Documents returned, masked and missing ones too, and those that `offset` skipped.
    pub documents: u64,
    /// Queries and pages without any document: one each.
    pub minimums: u64,
    /// One for 1,000 matches of a count, or a part of them.
    pub counts: u64,
    /// Requests for collection ids.
    pub lists: u64,
    /// Requests for partitions.
    pub partitions: u64,
}

/// Counters since the start or the last reset.
#[derive(Debug, Default)]
struct Counters {
    calls: BTreeMap<&'static str, u64>,
    documents_sent: u64,
    documents_written: u64,
    billed: Billed,
    faults: BTreeMap<String, u64>,
    streams: u64,
    max_streams: u64,
    offset_used: bool,
}

/// All counters. One lock is enough: it is held for nanoseconds.
#[derive(Debug, Default)]
pub struct Billing(Mutex<Counters>);

impl Billing {
    fn counters(&self) -> MutexGuard<'_, Counters> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call came in.
    pub fn call(&self, method: &'static str) {
        *self.counters().calls.entry(method).or_default() += 1;
    }

    /// A fault happened.
    pub fn fault(&self, kind: &str) {
        *self.counters().faults.entry(kind.to_owned()).or_default() += 1;
    }

    /// Something was sent: so many documents, for so many reads.
    pub fn sent(&self, documents: u64, reads: u64) {
        let mut counters = self.counters();
        counters.documents_sent += documents;
        counters.billed.documents += reads;
    }

    /// Documents were written or deleted.
    pub fn written(&self, documents: u64) {
        self.counters().documents_written += documents;
    }

    /// A query that returned nothing.
    pub fn minimum(&self) {
        self.counters().billed.minimums += 1;
    }

    /// A count with so many matches.
    pub fn count(&self, matched: u64) {
        self.counters().billed.counts += matched.div_ceil(1_000).max(1);
    }

    /// A request for collection ids.
    pub fn list(&self) {
        self.counters().billed.lists += 1;
    }

    /// A request for partitions.
    pub fn partition(&self) {
        self.counters().billed.partitions += 1;
    }

    /// Somebody used `offset`.
    pub fn offset(&self) {
        self.counters().offset_used = true;
    }

    /// A stream began.
    pub fn stream_began(&self) {
        let mut counters = self.counters();
        counters.streams += 1;
        counters.max_streams = counters.max_streams.max(counters.streams);
    }

    /// A stream ended.
    pub fn stream_ended(&self) {
        let mut counters = self.counters();
        counters.streams = counters.streams.saturating_sub(1);
    }

    /// Starts again from zero. Streams under way stay counted.
    pub fn reset(&self) {
        let mut counters = self.counters();
        let streams = counters.streams;
        *counters = Counters { streams, max_streams: streams, ..Counters::default() };
    }

    /// Everything as JSON.
    pub fn snapshot(&self) -> Value {
        let counters = self.counters();
        let billed = &counters.billed;
        let total = billed.documents + billed.minimums + billed.counts + billed.lists + billed.partitions;
        let mut billed = json!(billed);
        billed["total"] = json!(total);
        json!({
            "calls": counters.calls,
            "documents_sent": counters.documents_sent,
            "documents_written": counters.documents_written,
            "billed": billed,
            "faults": counters.faults,
            "streams": counters.streams,
            "max_concurrent_streams": counters.max_streams,
            "offset_used": counters.offset_used,
        })
    }
}
