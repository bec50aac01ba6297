//! Reads documents by their paths, for samples: a sample of a large collection must not cost all of it.

use std::collections::VecDeque;
use std::sync::Arc;

use firestore::gcloud_sdk::google::firestore::v1 as proto;
use firestore::gcloud_sdk::prost::Message;
use firestore::gcloud_sdk::tonic::Status;
use futures::StreamExt;
use futures::stream;
use proto::batch_get_documents_request::ConsistencySelector;
use proto::batch_get_documents_response::Result as Found;

use super::bounds::{Bounds, Place};
use super::names;
use super::scope::Scope;
use super::session::{Session, request};
use super::sizes::Sizes;
use super::value;
use crate::domain::document::DocumentPath;
use crate::error::Result;
use crate::source::{Page, PageStream, ReadRequest, Record};

/// Documents asked for in one request at most.
const MOST: usize = 100;

/// Paths that are left to be read.
struct Picking {
    session: Arc<Session>,
    scope: Scope,
    sizes: Arc<Sizes>,
    request: ReadRequest,
    /// In the order of names.
    left: VecDeque<String>,
    place: Place,
    over: bool,
}

/// Pages of the documents among `paths` that exist in a partition, after a place, in the order of names.
pub(super) fn pages(
    session: Arc<Session>,
    scope: Scope,
    sizes: Arc<Sizes>,
    request: ReadRequest,
    paths: &[String],
    (bounds, place): (&Bounds, Place),
) -> PageStream {
    let behind = |path: &&String| place.after.as_ref().is_none_or(|after| names::compare(after, path).is_lt());
    // What a row refers to may be no possible path at all, or one of another collection.
    let possible = |path: &&String| {
        let collection = path.rsplit_once('/').map_or("", |(collection, _)| collection);
        DocumentPath::parse(path).is_some() && scope.wants(collection) && bounds.range.contains(path)
    };
    let mut left: Vec<String> = paths.iter().filter(possible).filter(behind).cloned().collect();
    left.sort_unstable_by(|a, b| names::compare(a, b));
    let picking = Picking { session, scope, sizes, request, left: left.into(), place, over: false };
    stream::unfold(picking, |mut picking| async move { Some((picking.next().await?, picking)) }).boxed()
}

impl Picking {
    async fn next(&mut self) -> Option<Result<Page>> {
        if self.over {
            return None;
        }
        let size = self.sizes.documents(MOST.min(self.request.page_documents), self.request.page_bytes as u64);
        let paths: Vec<String> = self.left.iter().take(size).cloned().collect();
        let got = if paths.is_empty() { Ok((Vec::new(), 0)) } else { self.get(&paths).await };
        // A limit of reads may have allowed fewer than wanted: the others are still left.
        let last = got.as_ref().ok().and_then(|(_, asked)| self.left.drain(..*asked).next_back());
        self.over = self.left.is_empty() || got.is_err();
        Some(got.map(|(records, _)| self.page(records, last)))
    }

    fn page(&mut self, records: Vec<(Record, usize)>, last: Option<String>) -> Page {
        let bytes = records.iter().map(|(_, bytes)| *bytes as u64).sum();
        self.place.after = last.or(self.place.after.take());
        let records = records.into_iter().map(|(record, _)| record).collect();
        Page { records, cursor: self.place.to_cursor(), bytes, last: self.over }
    }

    /// The documents that exist, with their sizes, in the order of names; and how many of the paths were asked for.
    async fn get(&self, paths: &[String]) -> Result<(Vec<(Record, usize)>, usize)> {
        let connection = self.session.connection().await?;
        let names: &Vec<String> = &paths.iter().map(|path| format!("{}/{path}", self.scope.documents())).collect();
        let (messages, asked) = self
            .session
            .ask(
                &format!("reading {}", self.scope.pattern()),
                names.len() as u64,
                |(_, asked)| *asked as u64,
                |granted| {
                    Box::pin(async move {
                        let granted = usize::try_from(granted).unwrap_or(names.len()).min(names.len());
                        let message = proto::BatchGetDocumentsRequest {
                            database: connection.database().to_owned(),
                            documents: names.iter().take(granted).cloned().collect(),
                            mask: self.scope.mask(),
                            consistency_selector: self.session.read_time_message().map(ConsistencySelector::ReadTime),
                            ..proto::BatchGetDocumentsRequest::default()
                        };
                        let mut stream = connection.client().batch_get_documents(request(message)).await?.into_inner();
                        let (mut found, mut answered) = (Vec::new(), 0);
                        while let Some(response) = stream.message().await? {
                            answered += usize::from(response.result.is_some());
                            if let Some(Found::Found(document)) = response.result {
                                found.push(document);
                            }
                        }
                        // Missing documents are answered too: one that is not was cut off.
                        match answered {
                            answered if answered == granted => Ok((found, granted)),
                            _ => Err(Status::unavailable("the answer ended before all documents")),
                        }
                    })
                },
            )
            .await?;
        let mut records: Vec<(String, Record, usize)> = messages.into_iter().map(|one| self.record(one)).collect();
        records.sort_unstable_by(|(a, ..), (b, ..)| names::compare(a, b));
        Ok((records.into_iter().map(|(_, record, bytes)| (record, bytes)).collect(), asked))
    }

    fn record(&self, message: proto::Document) -> (String, Record, usize) {
        let documents = self.scope.documents();
        let path = names::relative(documents, &message.name).unwrap_or(&message.name).to_owned();
        let bytes = message.encoded_len();
        self.sizes.learn(bytes);
        (path, value::record(documents, message, bytes, self.request.max_document_bytes), bytes)
    }
}
