//! Names of documents without their fields: to learn where documents are, and to count for servers that cannot.

use firestore::gcloud_sdk::google::firestore::v1 as proto;
use firestore::gcloud_sdk::tonic::Status;
use proto::run_query_request::{ConsistencySelector, QueryType};

use super::names;
use super::scope::{Range, Scope};
use super::session::{Session, request};
use super::stretch::stuck;
use crate::error::Result;

/// Paths of the first documents of a range after a document, at most `limit`.
pub(super) async fn paths(
    session: &Session,
    scope: &Scope,
    range: &Range,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<String>> {
    let connection = session.connection().await?;
    let doing = format!("looking into {}", scope.pattern());
    let billed = |paths: &Vec<String>| paths.len() as u64;
    let paths = session
        .ask(&doing, limit, billed, |granted| {
            Box::pin(async move {
                let limit = usize::try_from(granted.min(limit)).unwrap_or(usize::MAX);
                let message = proto::RunQueryRequest {
                    parent: connection.documents.clone(),
                    query_type: Some(QueryType::StructuredQuery(scope.names(range, after, limit))),
                    consistency_selector: session.read_time_message().map(ConsistencySelector::ReadTime),
                    ..proto::RunQueryRequest::default()
                };
                let mut stream = connection.client().run_query(request(message)).await?.into_inner();
                let (mut found, mut answered) = (Vec::new(), false);
                while let Some(response) = stream.message().await? {
                    answered = true;
                    let path = response
                        .document
                        .and_then(|document| names::relative(scope.documents(), &document.name).map(str::to_owned));
                    found.extend(path);
                }
                if answered { Ok(found) } else { Err(Status::unavailable("the answer ended before it began")) }
            })
        })
        .await?;
    match (after, paths.first()) {
        (Some(after), Some(first)) if names::compare(first, after).is_le() => Err(stuck(scope, after, first)),
        _ => Ok(paths),
    }
}
