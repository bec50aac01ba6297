//! Which collections the database holds. Those at its root are listed; sub-collections can only be found by looking
//! below documents, which is done for the first few of every collection, whichever documents those are below.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use futures::{StreamExt, TryStreamExt, stream};

use firestore::gcloud_sdk::google::firestore::v1 as proto;
use proto::list_collection_ids_request::ConsistencySelector;
use proto::list_documents_request::ConsistencySelector as AtTime;

use super::names;
use super::session::{Session, request};
use crate::domain::document::CollectionPattern;
use crate::error::Result;

/// Collections are not followed deeper than this many levels.
const DEEPEST: usize = 4;
/// Documents that are looked below at the same time.
const AT_ONCE: usize = 4;
/// Names listed in one request.
const PAGE: i32 = 300;

/// Patterns of the collections found.
pub(super) async fn collections(session: &Session, look_below: u32) -> Result<BTreeSet<CollectionPattern>> {
    let documents = session.connection().await?.documents.clone();
    // How many documents of a pattern were looked below.
    let mut found: BTreeMap<CollectionPattern, u32> = BTreeMap::new();
    let mut waiting: VecDeque<(String, String, usize)> = below(session, &documents, documents.clone()).await?.into();
    while let Some((parent, id, depth)) = waiting.pop_front() {
        let path = names::relative(&documents, &parent).map_or_else(|| id.clone(), |parent| format!("{parent}/{id}"));
        let looked = found.entry(CollectionPattern::of(&path)).or_default();
        if depth >= DEEPEST || *looked >= look_below {
            continue;
        }
        let names = first_documents(session, &parent, &id, look_below - *looked).await?;
        *looked += u32::try_from(names.len()).unwrap_or(u32::MAX);
        let looking = names.into_iter().map(|name| below(session, &documents, name));
        let lists: Vec<_> = stream::iter(looking).buffered(AT_ONCE).try_collect().await?;
        waiting.extend(lists.into_iter().flatten());
    }
    Ok(found.into_keys().collect())
}

/// The collections directly below a document or the root: (parent, id, level).
async fn below(session: &Session, documents: &str, parent: String) -> Result<Vec<(String, String, usize)>> {
    let connection = session.connection().await?;
    let depth = names::relative(documents, &parent).map_or(0, |path| path.split('/').count() / 2);
    let mut ids = Vec::new();
    let mut page_token = String::new();
    loop {
        let answer = session
            .ask(
                "listing collections",
                1,
                |_| 1,
                |_| {
                    let page_token = page_token.clone();
                    let parent = parent.clone();
                    Box::pin(async move {
                        let message = proto::ListCollectionIdsRequest {
                            parent,
                            page_size: PAGE,
                            page_token,
                            consistency_selector: session.read_time_message().map(ConsistencySelector::ReadTime),
                            ..proto::ListCollectionIdsRequest::default()
                        };
                        Ok(connection.client().list_collection_ids(request(message)).await?.into_inner())
                    })
                },
            )
            .await?;
        ids.extend(answer.collection_ids.into_iter().map(|id| (parent.clone(), id, depth + 1)));
        if answer.next_page_token.is_empty() || answer.next_page_token == page_token {
            return Ok(ids);
        }
        page_token = answer.next_page_token;
    }
}

/// Names of the first documents of a collection, those that exist only as parents of others included.
async fn first_documents(session: &Session, parent: &str, id: &str, most: u32) -> Result<Vec<String>> {
    let connection = session.connection().await?;
    let answer = session
        .ask(
            "looking for sub-collections",
            most.into(),
            |answer: &proto::ListDocumentsResponse| answer.documents.len() as u64,
            |granted| {
                Box::pin(async move {
                    let message = proto::ListDocumentsRequest {
                        parent: parent.to_owned(),
                        collection_id: id.to_owned(),
                        page_size: i32::try_from(granted).unwrap_or(PAGE),
                        mask: Some(proto::DocumentMask { field_paths: vec![super::scope::NAME.to_owned()] }),
                        show_missing: true,
                        consistency_selector: session.read_time_message().map(AtTime::ReadTime),
                        ..proto::ListDocumentsRequest::default()
                    };
                    Ok(connection.client().list_documents(request(message)).await?.into_inner())
                })
            },
        )
        .await?;
    Ok(answer.documents.into_iter().map(|document| document.name).collect())
}
