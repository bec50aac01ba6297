//! Firestore's messages, and those of its replies that carry documents as the bytes they are stored in.

use firestore::gcloud_sdk;

pub use gcloud_sdk::google::firestore::v1::value::ValueType;
pub use gcloud_sdk::google::firestore::v1::*;
pub use gcloud_sdk::google::r#type::LatLng;
pub use gcloud_sdk::prost::Message;
pub use gcloud_sdk::prost::bytes::Bytes;
pub use gcloud_sdk::prost_types::{Any, Duration, Timestamp};

/// A `RunQueryResponse`: an embedded message and a bytes field look the same on the wire.
#[derive(Clone, PartialEq, Message)]
#[prost(prost_path = "firestore::gcloud_sdk::prost")]
pub struct QueryReply {
    /// The encoded document.
    #[prost(bytes = "bytes", optional, tag = "1")]
    pub document: Option<Bytes>,
    /// The time that was read.
    #[prost(message, optional, tag = "3")]
    pub read_time: Option<Timestamp>,
    /// Results left out because of `offset`.
    #[prost(int32, tag = "4")]
    pub skipped_results: i32,
    /// Nothing follows.
    #[prost(bool, optional, tag = "6")]
    pub done: Option<bool>,
}

/// A `BatchGetDocumentsResponse`.
#[derive(Clone, PartialEq, Message)]
#[prost(prost_path = "firestore::gcloud_sdk::prost")]
pub struct BatchGetReply {
    /// The encoded document.
    #[prost(bytes = "bytes", optional, tag = "1")]
    pub found: Option<Bytes>,
    /// The name of a document that does not exist.
    #[prost(string, optional, tag = "2")]
    pub missing: Option<String>,
    /// The time that was read.
    #[prost(message, optional, tag = "4")]
    pub read_time: Option<Timestamp>,
}

/// A `ListDocumentsResponse`.
#[derive(Clone, PartialEq, Message)]
#[prost(prost_path = "firestore::gcloud_sdk::prost")]
pub struct ListReply {
    /// The encoded documents.
    #[prost(bytes = "bytes", repeated, tag = "1")]
    pub documents: Vec<Bytes>,
    /// Where the next page goes on.
    #[prost(string, tag = "2")]
    pub next_page_token: String,
}

/// A point in time from microseconds since 1970.
pub fn timestamp(micros: i64) -> Timestamp {
    Timestamp { seconds: micros.div_euclid(1_000_000), nanos: (micros.rem_euclid(1_000_000) * 1_000) as i32 }
}

/// Microseconds since 1970, rounded down.
pub fn micros(time: &Timestamp) -> i64 {
    time.seconds.saturating_mul(1_000_000).saturating_add(i64::from(time.nanos.div_euclid(1_000)))
}

/// A value of a type.
pub fn value(of: ValueType) -> Value {
    Value { value_type: Some(of) }
}

/// A document with these times, encoded.
pub fn encode(document: &Document) -> Bytes {
    Bytes::from(document.encode_to_vec())
}
