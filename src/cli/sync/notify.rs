//! Telling somebody: a signed HTTP request for every turn that failed, and for the first one that went well again. It is
//! retried, bounded, and never keeps a turn waiting.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use base64::Engine;
use ring::hmac;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::error::{Error, ErrorKind, Result};
use crate::report::run::RunReport;

use super::super::App;
use super::super::exit::Exit;
use super::super::output::Output;

/// Events that wait; what comes beyond is left out, and said on stderr.
const WAITING: usize = 16;
/// Tries of one event.
const TRIES: usize = 5;
/// How long one try may take, and how long the end waits for those that are left.
const PATIENCE: Duration = Duration::from_secs(10);
/// The secret that requests are signed with.
const SECRET: &str = "FIREFERRY_WEBHOOK_SECRET";

/// What is told.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Event {
    /// `failed`, `differences`, `rejects`, `finished`.
    event: &'static str,
    pipeline: String,
    run_id: Option<String>,
    status: Option<String>,
    code: Option<String>,
    message: String,
    at: String,
}

impl Event {
    /// Of a run that came to an end.
    pub fn of_report(report: &RunReport, exit: Exit) -> Self {
        let totals = &report.totals;
        let failure = report.error.as_ref();
        Self {
            event: match exit {
                Exit::Clean => "finished",
                Exit::Rejects => "rejects",
                Exit::Differences => "differences",
                _ => "failed",
            },
            pipeline: report.pipeline.clone(),
            run_id: Some(report.run_id.clone()),
            status: Some(report.status.as_str().to_owned()),
            code: failure.map(|failure| failure.code.clone()),
            message: failure.map_or_else(
                || format!("{} read, {} rejected", totals.read, totals.rejected),
                |failure| failure.message.clone(),
            ),
            at: report.finished_at.clone(),
        }
    }

    /// Of a turn without a run.
    pub fn of_error(pipeline: &str, error: &Error) -> Self {
        Self {
            event: "failed",
            pipeline: pipeline.to_owned(),
            run_id: None,
            status: None,
            code: Some(error.code().to_owned()),
            message: error.to_string(),
            at: jiff::Timestamp::now().to_string(),
        }
    }

    fn is_good(&self) -> bool {
        matches!(self.event, "finished" | "rejects")
    }
}

/// Sends events in the background.
pub(super) struct Notifier {
    queue: Option<mpsc::Sender<Event>>,
    task: Option<JoinHandle<()>>,
    output: Output,
    /// The last turn went wrong.
    bad: AtomicBool,
}

impl Notifier {
    /// Sends to this URL; to nobody without one.
    pub fn start(app: &App, url: Option<&str>) -> Result<Self> {
        let (output, bad) = (app.output.clone(), AtomicBool::new(false));
        let Some(url) = url else { return Ok(Self { queue: None, task: None, output, bad }) };
        let url = reqwest::Url::parse(url).map_err(|error| {
            Error::new(ErrorKind::Usage, "webhook_invalid", "--webhook is no URL")
                .hint("write https://…; it is not shown anywhere")
                .caused_by(error)
        })?;
        let secret = std::env::var(SECRET).ok().filter(|secret| !secret.is_empty());
        secret.iter().for_each(|secret| output.secrets().hide(secret));
        output.secrets().hide(url.as_str());
        let client = reqwest::Client::builder().timeout(PATIENCE).build().map_err(|error| {
            Error::new(ErrorKind::Internal, "webhook_failed", "cannot make HTTP requests").caused_by(error)
        })?;
        let (queue, mut events) = mpsc::channel::<Event>(WAITING);
        let said = output.clone();
        let task = tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                if let Err(error) = send(&client, &url, secret.as_deref(), &event).await {
                    // Its text may hold the URL.
                    said.warn(&format!("the webhook did not take an event: {}", error.without_url()));
                }
            }
        });
        Ok(Self { queue: Some(queue), task: Some(task), output, bad })
    }

    /// Tells of a turn that went wrong, and of the first one that went well again.
    pub fn turn(&self, event: &Event) {
        let was_bad = self.bad.swap(!event.is_good(), Ordering::Relaxed);
        if event.is_good() && !was_bad {
            return;
        }
        let Some(queue) = &self.queue else { return };
        if queue.try_send(event.clone()).is_err() {
            self.output.warn("the webhook is behind: an event was left out");
        }
    }

    /// Waits a while for what is left.
    pub async fn finish(mut self) {
        self.queue = None;
        if let Some(task) = self.task.take() {
            let _ = tokio::time::timeout(PATIENCE, task).await;
        }
    }
}

async fn send(
    client: &reqwest::Client,
    url: &reqwest::Url,
    secret: Option<&str>,
    event: &Event,
) -> Result<(), reqwest::Error> {
    let body = serde_json::to_string(event).unwrap_or_default();
    let signature = secret.map(|secret| signature(secret, &body));
    let attempt = || async {
        let mut request = client.post(url.clone()).header("content-type", "application/json");
        if let Some(signature) = &signature {
            request = request.header("x-fireferry-signature", signature);
        }
        request.body(body.clone()).send().await?.error_for_status().map(drop)
    };
    let pauses = ExponentialBuilder::default().with_jitter().with_max_times(TRIES - 1);
    attempt.retry(pauses).await
}

/// HMAC-SHA256 of the body.
fn signature(secret: &str, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, body.as_bytes());
    format!("sha256={}", base64::engine::general_purpose::STANDARD.encode(tag.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_signed_with_the_secret() {
        // RFC 4231, test case 2.
        assert_eq!(
            signature("Jefe", "what do ya want for nothing?"),
            "sha256=W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM="
        );
    }
}
