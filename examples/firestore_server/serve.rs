//! The service, routed by hand: only clients are generated for the messages in use.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::{FutureExt, StreamExt, future};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::{Grpc, NamedService, ServerStreamingService, UnaryService};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

use crate::call::{App, Call};
use crate::connection::Connection;
use crate::proto::Message;
use crate::stream::Replies;
use crate::{aggregate, get, list, listen, partition, query, write};

/// A request may be larger than gRPC's default of 4 MiB.
const LARGEST_MESSAGE: usize = 64 << 20;

/// `google.firestore.v1.Firestore`.
#[derive(Clone)]
struct Firestore(Arc<App>);

impl NamedService for Firestore {
    const NAME: &'static str = "google.firestore.v1.Firestore";
}

/// Serves until the listener fails.
pub async fn serve(app: Arc<App>, listener: TcpListener) -> Result<(), tonic::transport::Error> {
    let connections =
        TcpListenerStream::new(listener).filter_map(|tcp| future::ready(Some(tcp.and_then(Connection::new))));
    tonic::transport::Server::builder().add_service(Firestore(app)).serve_with_incoming(connections).await
}

impl Service<http::Request<Body>> for Firestore {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        route(self.0.clone(), request).map(Ok).boxed()
    }
}

async fn route(app: Arc<App>, request: http::Request<Body>) -> http::Response<Body> {
    if let Err(status) = authorize(&app, &request) {
        return status.into_http();
    }
    let method = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
    match method.as_str() {
        "RunQuery" => streaming(app, request, query::run_query).await,
        "BatchGetDocuments" => streaming(app, request, get::batch_get_documents).await,
        "RunAggregationQuery" => streaming(app, request, aggregate::run_aggregation_query).await,
        "GetDocument" => unary(app, request, get::get_document).await,
        "ListDocuments" => unary(app, request, list::list_documents).await,
        "ListCollectionIds" => unary(app, request, list::list_collection_ids).await,
        "PartitionQuery" => unary(app, request, partition::partition_query).await,
        "Commit" => unary(app, request, write::commit).await,
        "BatchWrite" => unary(app, request, write::batch_write).await,
        "CreateDocument" => unary(app, request, write::create_document).await,
        "UpdateDocument" => unary(app, request, write::update_document).await,
        "DeleteDocument" => unary(app, request, write::delete_document).await,
        "Listen" => listen::listen(app).into_http(),
        other => Status::unimplemented(format!("{other} is not part of this server")).into_http(),
    }
}

fn authorize(app: &App, request: &http::Request<Body>) -> Result<(), Status> {
    let Some(token) = &app.args.token else { return Ok(()) };
    let given = request.headers().get("authorization").and_then(|header| header.to_str().ok());
    if given.and_then(|given| given.strip_prefix("Bearer ")) == Some(token) {
        Ok(())
    } else {
        Err(Status::unauthenticated("Request had invalid authentication credentials."))
    }
}

/// A function with what it needs besides the request.
struct Handler<F>(Arc<App>, F);

impl<F, Q, A, R> UnaryService<Q> for Handler<F>
where
    F: Fn(Call, Q) -> R,
    R: Future<Output = Result<A, Status>> + Send + 'static,
    Q: Send,
{
    type Response = A;
    type Future = BoxFuture<Response<A>, Status>;

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        let call = Call::new(self.0.clone(), &request);
        (self.1)(call, request.into_inner()).map(|answer| answer.map(Response::new)).boxed()
    }
}

impl<F, Q, A, R> ServerStreamingService<Q> for Handler<F>
where
    F: Fn(Call, Q) -> R,
    R: Future<Output = Result<Replies<A>, Status>> + Send + 'static,
    Q: Send,
{
    type Response = A;
    type ResponseStream = Replies<A>;
    type Future = BoxFuture<Response<Replies<A>>, Status>;

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        let call = Call::new(self.0.clone(), &request);
        (self.1)(call, request.into_inner()).map(|answer| answer.map(Response::new)).boxed()
    }
}

async fn unary<Q, A, R>(app: Arc<App>, request: http::Request<Body>, handle: fn(Call, Q) -> R) -> http::Response<Body>
where
    Q: Message + Default + 'static,
    A: Message + 'static,
    R: Future<Output = Result<A, Status>> + Send + 'static,
{
    let mut grpc = Grpc::new(ProstCodec::<A, Q>::default()).max_decoding_message_size(LARGEST_MESSAGE);
    grpc.unary(Handler(app, handle), request).await
}

async fn streaming<Q, A, R>(
    app: Arc<App>,
    request: http::Request<Body>,
    handle: fn(Call, Q) -> R,
) -> http::Response<Body>
where
    Q: Message + Default + 'static,
    A: Message + 'static,
    R: Future<Output = Result<Replies<A>, Status>> + Send + 'static,
{
    let mut grpc = Grpc::new(ProstCodec::<A, Q>::default()).max_decoding_message_size(LARGEST_MESSAGE);
    grpc.server_streaming(Handler(app, handle), request).await
}
