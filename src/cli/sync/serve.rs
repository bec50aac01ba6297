//! `/metrics`, `/healthz` and `/readyz` of a running `sync`.

use std::net::SocketAddr;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::task::JoinHandle;

use crate::error::{Error, ErrorKind, Result};

use super::metrics::Metrics;

/// What metrics are written in.
const TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The server; dropped, it ends.
pub(super) struct Server(JoinHandle<()>);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Listens from when this returns.
pub(super) async fn start(address: SocketAddr, metrics: Metrics) -> Result<Server> {
    let listener = tokio::net::TcpListener::bind(address).await.map_err(|error| {
        Error::new(ErrorKind::Usage, "metrics_listen_failed", format!("cannot listen on {address}"))
            .hint("name a free address with --metrics-listen")
            .caused_by(error)
    })?;
    let (scraped, readiness) = (metrics.clone(), metrics);
    let router = Router::new()
        .route("/metrics", get(move || async move { ([(header::CONTENT_TYPE, TYPE)], scraped.text()).into_response() }))
        .route("/healthz", get(|| async { "ok\n" }))
        .route(
            "/readyz",
            get(move || async move {
                match readiness.ready() {
                    true => (StatusCode::OK, "ok\n"),
                    false => (StatusCode::SERVICE_UNAVAILABLE, "no run has ended well yet\n"),
                }
            }),
        );
    Ok(Server(tokio::spawn(async move {
        // It ends with the process.
        let _ = axum::serve(listener, router).await;
    })))
}
