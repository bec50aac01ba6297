//! A server to ask, and a corner of its own in it.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::atomic::{AtomicU32, Ordering};

use firestore::gcloud_sdk::google::firestore::v1::firestore_client::FirestoreClient;
use firestore::gcloud_sdk::google::firestore::v1::run_query_request::{ConsistencySelector, QueryType};
use firestore::gcloud_sdk::google::firestore::v1::write::Operation;
use firestore::gcloud_sdk::google::firestore::v1::*;
use firestore::gcloud_sdk::prost_types::Timestamp;
use firestore::gcloud_sdk::tonic::transport::{Channel, Endpoint};
use firestore::gcloud_sdk::tonic::{Request, Status};
use futures::future::BoxFuture;
use futures::{FutureExt, TryStreamExt};

use super::super::server::Server;
use super::build::Fields;
use super::table::{Fact, Shown};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A client with collections that nobody else has.
pub struct Place {
    /// The raw client.
    pub client: FirestoreClient<Channel>,
    /// `projects/…/databases/…`.
    pub database: String,
    /// Our own server, unless another was asked for.
    pub server: Option<Server>,
    prefix: String,
    written: Vec<String>,
}

/// What states a fact.
pub type Test = for<'a> fn(&'a mut Place) -> BoxFuture<'a, ()>;

/// Runs a fact's test, and cleans up whether it holds or not.
pub async fn state(fact: &Fact) {
    let elsewhere = std::env::var("FIREFERRY_FACTS_HOST").ok();
    if elsewhere.is_some() && fact.shown == Shown::HereOnly {
        eprintln!("SKIPPED {}: another server cannot show: {}", fact.id, fact.sentence);
        return;
    }
    let mut place = Place::open(elsewhere.as_deref()).await;
    let outcome = AssertUnwindSafe((fact.test)(&mut place)).catch_unwind().await;
    if place.server.is_none() {
        place.clean().await;
    }
    if let Err(panic) = outcome {
        eprintln!("{}: {}\n  source: {}", fact.id, fact.sentence, fact.source);
        resume_unwind(panic);
    }
}

/// A request as emulators and this server want it.
pub fn request<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", "Bearer owner".parse().unwrap());
    request
}

impl Place {
    async fn open(elsewhere: Option<&str>) -> Self {
        match elsewhere {
            Some(host) => Self::at(host, None).await,
            None => Self::with(&[]).await,
        }
    }

    /// Our own server, started with these arguments.
    pub async fn with(arguments: &[&str]) -> Self {
        let server = Server::start(arguments);
        let address = server.address().to_owned();
        Self::at(&address, Some(server)).await
    }

    async fn at(host: &str, server: Option<Server>) -> Self {
        let channel = Endpoint::from_shared(format!("http://{host}")).unwrap().connect().await.unwrap();
        let database = std::env::var("FIREFERRY_FACTS_DATABASE");
        Self {
            client: FirestoreClient::new(channel).max_decoding_message_size(64 << 20),
            database: database.unwrap_or_else(|_| "projects/demo/databases/(default)".to_owned()),
            server,
            prefix: format!("f{:x}n{}_", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)),
            written: Vec::new(),
        }
    }

    async fn clean(&mut self) {
        let writes: Vec<Write> = self.written.iter().map(|path| self.deletion(path)).collect();
        for some in writes.chunks(200) {
            if let Err(status) = self.write(some.to_vec()).await {
                eprintln!("left behind in collections {}*: {status}", self.prefix);
            }
        }
    }

    /// A collection's id, ours alone.
    pub fn id(&self, collection: &str) -> String {
        format!("{}{collection}", self.prefix)
    }

    /// The name of `users/alice`, with every collection our own; of the root for an empty path.
    pub fn name(&self, path: &str) -> String {
        let mut name = format!("{}/documents", self.database);
        for (index, segment) in path.split('/').filter(|segment| !segment.is_empty()).enumerate() {
            name.push('/');
            if index % 2 == 0 {
                name.push_str(&self.prefix);
            }
            name.push_str(segment);
        }
        name
    }

    /// The path of a name: the inverse.
    pub fn path(&self, name: &str) -> String {
        let root = format!("{}/documents/", self.database);
        let path = name.strip_prefix(&root).unwrap_or_else(|| panic!("{name}"));
        let segments: Vec<_> =
            path.split('/').map(|segment| segment.strip_prefix(&self.prefix).unwrap_or(segment)).collect();
        segments.join("/")
    }

    /// A write that replaces a document.
    pub fn replacement(&mut self, path: &str, fields: Fields) -> Write {
        self.written.push(path.to_owned());
        let document = Document { name: self.name(path), fields, ..Document::default() };
        Write { operation: Some(Operation::Update(document)), ..Write::default() }
    }

    /// A write that deletes a document.
    pub fn deletion(&self, path: &str) -> Write {
        Write { operation: Some(Operation::Delete(self.name(path))), ..Write::default() }
    }

    /// Commits writes.
    pub async fn write(&mut self, writes: Vec<Write>) -> Result<CommitResponse, Status> {
        let commit = CommitRequest { database: self.database.clone(), writes, ..CommitRequest::default() };
        self.client.commit(request(commit)).await.map(|response| response.into_inner())
    }

    /// Writes a document; returns the commit's time.
    pub async fn put(&mut self, path: &str, fields: Fields) -> Timestamp {
        let write = self.replacement(path, fields);
        self.write(vec![write]).await.unwrap().commit_time.unwrap()
    }

    /// Writes documents without fields.
    pub async fn put_empty(&mut self, paths: &[&str]) {
        let writes: Vec<Write> = paths.iter().map(|path| self.replacement(path, Fields::new())).collect();
        for some in writes.chunks(300) {
            self.write(some.to_vec()).await.unwrap();
        }
    }

    /// Reads a document.
    pub async fn get(&mut self, path: &str) -> Result<Document, Status> {
        self.get_at(path, None).await
    }

    /// Reads a document as of a time.
    pub async fn get_at(&mut self, path: &str, time: Option<Timestamp>) -> Result<Document, Status> {
        let get = GetDocumentRequest {
            name: self.name(path),
            consistency_selector: time.map(get_document_request::ConsistencySelector::ReadTime),
            ..GetDocumentRequest::default()
        };
        self.client.get_document(request(get)).await.map(|response| response.into_inner())
    }

    /// A query of a collection at the root of what it is run below.
    pub fn collection(&self, id: &str) -> StructuredQuery {
        let from = structured_query::CollectionSelector { collection_id: self.id(id), all_descendants: false };
        StructuredQuery { from: vec![from], ..StructuredQuery::default() }
    }

    /// A query of all collections of an id.
    pub fn group(&self, id: &str) -> StructuredQuery {
        let mut query = self.collection(id);
        query.from[0].all_descendants = true;
        query
    }

    /// Everything a query answers.
    pub async fn responses(
        &mut self,
        parent: &str,
        query: StructuredQuery,
        time: Option<Timestamp>,
    ) -> Result<Vec<RunQueryResponse>, Status> {
        let run = RunQueryRequest {
            parent: self.name(parent),
            query_type: Some(QueryType::StructuredQuery(query)),
            consistency_selector: time.map(ConsistencySelector::ReadTime),
            ..RunQueryRequest::default()
        };
        self.client.run_query(request(run)).await?.into_inner().try_collect().await
    }

    /// The documents that a query below a document finds.
    pub async fn documents_below(&mut self, parent: &str, query: StructuredQuery) -> Result<Vec<Document>, Status> {
        let responses = self.responses(parent, query, None).await?;
        Ok(responses.into_iter().filter_map(|response| response.document).collect())
    }

    /// The documents that a query finds.
    pub async fn documents(&mut self, query: StructuredQuery) -> Vec<Document> {
        self.documents_below("", query).await.unwrap()
    }

    /// The paths of the documents that a query finds.
    pub async fn paths(&mut self, query: StructuredQuery) -> Vec<String> {
        let documents = self.documents(query).await;
        documents.iter().map(|document| self.path(&document.name)).collect()
    }

    /// The same, ids only.
    pub async fn ids(&mut self, query: StructuredQuery) -> Vec<String> {
        let paths = self.paths(query).await;
        paths.iter().map(|path| path.rsplit('/').next().unwrap().to_owned()).collect()
    }

    /// The error that a query ends with.
    pub async fn refusal(&mut self, query: StructuredQuery) -> Status {
        self.documents_below("", query).await.expect_err("the query is refused")
    }

    /// How many documents a query counts.
    pub async fn count(&mut self, query: StructuredQuery, up_to: Option<i64>) -> i64 {
        use structured_aggregation_query::{Aggregation, QueryType as Inner, aggregation};
        let operator = aggregation::Operator::Count(aggregation::Count { up_to });
        let aggregation = StructuredAggregationQuery {
            query_type: Some(Inner::StructuredQuery(query)),
            aggregations: vec![Aggregation { alias: "count".to_owned(), operator: Some(operator) }],
        };
        let run = RunAggregationQueryRequest {
            parent: self.name(""),
            query_type: Some(run_aggregation_query_request::QueryType::StructuredAggregationQuery(aggregation)),
            ..RunAggregationQueryRequest::default()
        };
        let response = self.client.run_aggregation_query(request(run)).await.unwrap();
        let responses: Vec<RunAggregationQueryResponse> = response.into_inner().try_collect().await.unwrap();
        assert_eq!(responses.len(), 1);
        assert!(responses[0].read_time.is_some());
        match responses[0].result.as_ref().unwrap().aggregate_fields["count"].value_type {
            Some(value::ValueType::IntegerValue(count)) => count,
            ref other => panic!("{other:?}"),
        }
    }

    /// The counters of our own server since the last look, which starts them again.
    pub fn billed(&mut self) -> serde_json::Value {
        let server = self.server.as_mut().unwrap();
        let stats = server.stats();
        server.tell("reset");
        stats
    }
}
