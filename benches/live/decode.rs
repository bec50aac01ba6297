//! Decoding alone: the same documents through the raw client, page after page, only counted.

use std::error::Error;

use firestore::gcloud_sdk::google::firestore::v1 as proto;
use firestore::gcloud_sdk::tonic::Request;
use proto::firestore_client::FirestoreClient;
use proto::run_query_request::QueryType;
use proto::structured_query::{CollectionSelector, Direction, FieldReference, Order};
use proto::value::ValueType;

const DOCUMENTS: &str = "projects/demo/databases/(default)/documents";

/// Reads `items` in pages of so many documents; gives their number.
pub async fn count(address: &str, page: usize) -> Result<u64, Box<dyn Error>> {
    let mut client = FirestoreClient::connect(format!("http://{address}")).await?.max_decoding_message_size(64 << 20);
    let (mut counted, mut last) = (0, None);
    loop {
        let message = proto::RunQueryRequest {
            parent: DOCUMENTS.to_owned(),
            query_type: Some(QueryType::StructuredQuery(query(last.take(), page))),
            ..proto::RunQueryRequest::default()
        };
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", "Bearer owner".parse()?);
        let mut stream = client.run_query(request).await?.into_inner();
        let mut arrived = 0;
        while let Some(response) = stream.message().await? {
            if let Some(document) = response.document {
                arrived += 1;
                if arrived == page {
                    last = Some(document.name);
                }
            }
        }
        counted += arrived as u64;
        if arrived < page {
            return Ok(counted);
        }
    }
}

fn query(after: Option<String>, limit: usize) -> proto::StructuredQuery {
    let field = FieldReference { field_path: "__name__".to_owned() };
    let start_at = after.map(|name| proto::Cursor {
        values: vec![proto::Value { value_type: Some(ValueType::ReferenceValue(name)) }],
        before: false,
    });
    proto::StructuredQuery {
        from: vec![CollectionSelector { collection_id: "items".to_owned(), all_descendants: false }],
        order_by: vec![Order { field: Some(field), direction: Direction::Ascending as i32 }],
        start_at,
        limit: i32::try_from(limit).ok(),
        ..proto::StructuredQuery::default()
    }
}
