//! One request, one answer: `POST /v3/pipeline` with a timeout. Retries are the caller's.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use secrecy::ExposeSecret;

use super::body;
use super::token::{Token, TokenSource};
use super::trouble::{Trouble, no_hrana, of_server_error, of_status, of_transport};
use super::wire::{PipelineAnswer, Request, RequestAnswer, Response, ServerError};
use crate::crossing::crossing;
use crate::destination::Traffic;
use crate::error::{Error, ErrorKind, Result};

/// Longest time for a connection to be made, TLS included.
const CONNECT: Duration = Duration::from_secs(15);
/// Connections that nobody uses are kept for so long.
const IDLE: Duration = Duration::from_secs(60);

/// A client of one server. Cheap to clone; clones share connections and the token.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    /// `https://host`, without a slash at the end.
    base: String,
    /// For messages.
    host: String,
    token: Arc<Token>,
    timeout: Duration,
    /// It answered once.
    reached: Arc<AtomicBool>,
    /// All tries of a request were in vain, and nothing was answered since.
    given_up: Arc<AtomicBool>,
    /// Microseconds that the quickest answer took.
    quickest: Arc<AtomicU64>,
    /// Requests, bytes sent, bytes received.
    crossed: Arc<[AtomicU64; 3]>,
}

/// An answer with what the stream's next request needs.
#[derive(Debug)]
pub struct Answer {
    /// One per request.
    pub responses: Vec<Result<Response, Trouble>>,
    /// The stream, if it is still open.
    pub stream: Option<Stream>,
}

/// An open stream: it is the server's, and may go at any time.
#[derive(Debug, Clone)]
pub struct Stream {
    baton: String,
    base: String,
}

impl Client {
    /// A client for `https://host[:port][/path]` (or `http://`). Connects to nothing yet.
    ///
    /// # Errors
    /// Kind `Config` for a token file that cannot be read; `Internal` when the machine has no usable TLS.
    pub fn new(base: &str, token: TokenSource, timeout: Duration) -> Result<Self> {
        // The crates below leave the choice of a provider open. One that is installed already is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            // One connection per request under way: over one HTTP/2 connection, large bodies would share its window.
            .http1_only()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .pool_idle_timeout(IDLE)
            .tcp_nodelay(true)
            .user_agent(concat!("fireferry/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| {
                Error::new(ErrorKind::Internal, "http_client", "no HTTP client can be made").caused_by(error)
            })?;
        let base = base.trim_end_matches('/').to_owned();
        let host = base.split_once("://").map_or(base.as_str(), |(_, host)| host).to_owned();
        Ok(Self {
            http,
            base,
            host,
            token: Arc::new(Token::new(token)?),
            timeout,
            reached: Arc::default(),
            given_up: Arc::default(),
            quickest: Arc::new(AtomicU64::new(u64::MAX)),
            crossed: Arc::default(),
        })
    }

    /// The server's name, for messages.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether the server ever answered.
    pub fn was_reached(&self) -> bool {
        self.reached.load(Ordering::Relaxed)
    }

    /// Remembers that all tries of a request were in vain.
    pub fn give_up(&self) {
        self.given_up.store(true, Ordering::Relaxed);
    }

    /// Whether a request was given up, and nothing was answered since.
    pub fn was_given_up(&self) -> bool {
        self.given_up.load(Ordering::Relaxed)
    }

    /// How far away the server is: the time of the quickest answer, there and back; zero before the first one.
    pub fn distance(&self) -> Duration {
        match self.quickest.load(Ordering::Relaxed) {
            u64::MAX => Duration::ZERO,
            quickest => Duration::from_micros(quickest),
        }
    }

    /// What crossed the network so far.
    pub fn traffic(&self) -> Traffic {
        let [requests, sent, received] = [0, 1, 2].map(|index: usize| self.crossed[index].load(Ordering::Relaxed));
        Traffic { requests, sent, received }
    }

    fn count(&self, index: usize, number: usize) {
        self.crossed[index].fetch_add(number as u64, Ordering::Relaxed);
    }

    /// What an error of a step means.
    pub fn judge(&self, error: &ServerError) -> Trouble {
        of_server_error(error, &self.host)
    }

    /// The body of requests on a new stream.
    pub fn body(requests: &[Request]) -> bytes::Bytes {
        body::encode(None, requests)
    }

    /// Sends requests on a new stream or goes on with an open one.
    pub async fn pipeline(&self, stream: Option<&Stream>, requests: &[Request]) -> Result<Answer, Trouble> {
        let body = body::encode(stream.map(|stream| stream.baton.as_str()), requests);
        self.send(stream, body).await
    }

    /// Sends a body made by [`Self::body`] on a new stream.
    pub async fn post(&self, body: bytes::Bytes) -> Result<Answer, Trouble> {
        self.send(None, body).await
    }

    async fn send(&self, stream: Option<&Stream>, body: bytes::Bytes) -> Result<Answer, Trouble> {
        let base = stream.map_or(self.base.as_str(), |stream| stream.base.as_str());
        crossing("request.made");
        let text = match self.text(base, &body).await {
            // A token that was rotated meanwhile is in its file: once more with that.
            Err((Trouble::Unauthorized(_), refused)) if self.token.renewed(refused.as_ref()) => {
                self.text(base, &body).await
            }
            other => other,
        };
        let text = text.map_err(|(trouble, _)| trouble)?;
        crossing("request.answered");
        if text.first().is_some_and(|first| *first != b'{') {
            return Err(no_hrana(&self.host));
        }
        let answer: PipelineAnswer = serde_json::from_slice(&text)
            .map_err(|error| Trouble::Lost(format!("the reply of {} was cut or is no Hrana: {error}", self.host)))?;
        Ok(self.answer(answer, base))
    }

    async fn text(
        &self,
        base: &str,
        body: &bytes::Bytes,
    ) -> Result<bytes::Bytes, (Trouble, Option<secrecy::SecretString>)> {
        let token = self.token.current();
        self.count(0, 1);
        self.count(1, body.len());
        let mut request = self
            .http
            .post(format!("{base}/v3/pipeline"))
            .header(CONTENT_TYPE, "application/json")
            .timeout(self.timeout)
            .body(body.clone());
        if let Some(token) = &token {
            request = request.bearer_auth(token.expose_secret());
        }
        let sent = Instant::now();
        let received = async {
            let response = request.send().await?;
            let after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
            Ok((response.status(), after.map(Duration::from_secs), response.bytes().await?))
        };
        let (status, after, text) =
            received.await.map_err(|error: reqwest::Error| (of_transport(&error, &self.host), None))?;
        self.reached.store(true, Ordering::Relaxed);
        let took = u64::try_from(sent.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.quickest.fetch_min(took, Ordering::Relaxed);
        self.count(2, text.len());
        if status.is_success() {
            self.given_up.store(false, Ordering::Relaxed);
            return Ok(text);
        }
        Err((of_status(status, after, &String::from_utf8_lossy(&text), &self.host), token))
    }

    fn answer(&self, answer: PipelineAnswer, base: &str) -> Answer {
        let base = answer.base_url.map_or_else(|| base.to_owned(), |url| url.trim_end_matches('/').to_owned());
        let stream = answer.baton.map(|baton| Stream { baton, base });
        let responses = answer.results.into_iter().map(|result| match result {
            RequestAnswer::Ok { response } => Ok(response),
            RequestAnswer::Error { error } => Err(of_server_error(&error, &self.host)),
        });
        Answer { responses: responses.collect(), stream }
    }
}
