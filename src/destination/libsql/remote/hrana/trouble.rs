//! What it means when a request does not succeed: the one place where statuses and codes are judged.

use std::time::Duration;

use reqwest::StatusCode;

use super::wire::ServerError;
use crate::destination::libsql::failure::{Failure, primary};
use crate::error::{Error, ErrorKind};

/// A request that did not succeed.
#[derive(Debug)]
pub enum Trouble {
    /// Nothing was applied; another try may succeed, not before the pause that the server asked for.
    Transient {
        /// What happened.
        what: String,
        /// The server's `Retry-After`.
        after: Option<Duration>,
    },
    /// No answer: it may have been applied or not.
    Lost(String),
    /// The server gave the stream up, and with it an open transaction.
    StreamGone(String),
    /// The request is larger than the server takes.
    TooLarge(String),
    /// The answer is larger than the server sends.
    AnswerTooLarge,
    /// The token is not accepted (any more).
    Unauthorized(String),
    /// SQLite refused a statement.
    Sql(Failure),
    /// Not worth another try: the error for the user.
    Stop(Box<Error>),
}

/// How a message begins when no connection could be made.
const UNREACHABLE: &str = "cannot connect";
/// How the answer's text is cut in messages.
const SHOWN: usize = 300;

/// Judges an HTTP answer that is none of 2xx. `host` is for messages.
pub(super) fn of_status(status: StatusCode, after: Option<Duration>, body: &str, host: &str) -> Trouble {
    let said = said(body);
    let what = format!("{host} answered {status}{}", if said.is_empty() { String::new() } else { format!(": {said}") });
    match status.as_u16() {
        _ if is_blocked(body) => blocked(&what, host),
        401 => Trouble::Unauthorized(what),
        403 => forbidden(what),
        404 if mentions_stream(body) => Trouble::StreamGone(what),
        400 if mentions_stream(body) || body.contains("baton") => Trouble::StreamGone(what),
        404 => stop(
            "destination_not_found",
            format!("there is no database at {host}"),
            "check the URL of the destination (`turso db show NAME --url` prints it)",
        )
        .map_cause(what),
        413 => Trouble::TooLarge(what),
        408 | 425 | 429 => Trouble::Transient { what, after },
        500..=599 => Trouble::Lost(what),
        _ => stop("destination_protocol", what, "is this the URL of a libSQL server? See docs/turso.md"),
    }
}

/// Judges an error in a stream or of a step.
pub(super) fn of_server_error(error: &ServerError, host: &str) -> Trouble {
    let code = error.code.as_deref().unwrap_or_default();
    let what = || format!("{host} says: {}", cut(&error.message));
    match code {
        _ if is_blocked(code) || is_blocked(&error.message) => blocked(&what(), host),
        "STREAM_EXPIRED" | "STREAM_CLOSED" | "BATON_STALE" | "BATON_INVALID" => Trouble::StreamGone(what()),
        "TRANSACTION_TIMEOUT" | "TRANSACTION_BUSY" | "SQLITE_BUSY" | "SQLITE_LOCKED" | "REPLICA_NOT_READY" => {
            Trouble::Transient { what: what(), after: None }
        }
        "RESPONSE_TOO_LARGE" => Trouble::AnswerTooLarge,
        "AUTH_JWT_EXPIRED" => Trouble::Unauthorized(what()),
        _ if code.starts_with("AUTH_") => forbidden(what()),
        _ if error.message.contains("database is locked") => Trouble::Transient { what: what(), after: None },
        _ => Trouble::Sql(failure_of(error)),
    }
}

/// The failure behind a server's error: code and message as SQLite gave them.
pub fn failure_of(error: &ServerError) -> Failure {
    let message = error.message.trim_start_matches("SQLite error: ").to_owned();
    let code = match error.code.as_deref().unwrap_or_default() {
        code if code.starts_with("SQLITE_CONSTRAINT") => primary::CONSTRAINT,
        "SQLITE_FULL" => primary::FULL,
        "SQLITE_READONLY" => primary::READONLY,
        "SQLITE_CORRUPT" => primary::CORRUPT,
        "SQLITE_TOOBIG" => primary::TOOBIG,
        "SQLITE_MISMATCH" => primary::MISMATCH,
        code if code.starts_with("SQLITE_IOERR") => primary::IOERR,
        _ if message.contains("constraint failed") => primary::CONSTRAINT,
        _ => primary::ERROR,
    };
    Failure { code, message }
}

/// An answer that is not even JSON: a web page, say.
pub(super) fn no_hrana(host: &str) -> Trouble {
    let message = format!("{host} answered with something else than a libSQL server does");
    stop("destination_protocol", message, "is this the URL of a libSQL server? See docs/turso.md")
}

/// Judges a request that got no answer.
pub(super) fn of_transport(error: &reqwest::Error, host: &str) -> Trouble {
    let cause = innermost(error);
    if is_certificate(&cause) {
        return stop(
            "destination_certificate",
            format!("the certificate of {host} is not trusted: {cause}"),
            "check the URL; a server with a certificate of its own needs one that this machine trusts",
        );
    }
    if error.is_connect() {
        return Trouble::Transient { what: format!("{UNREACHABLE} to {host}: {cause}"), after: None };
    }
    let what = if error.is_timeout() { "no answer in time".to_owned() } else { cause };
    Trouble::Lost(format!("the reply of {host} was lost: {what}"))
}

impl Trouble {
    /// No connection could be made.
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Transient { what, .. } if what.starts_with(UNREACHABLE))
    }

    /// The error for users, when there is no other try.
    pub fn into_error(self, host: &str) -> Error {
        let transient = |code, what: String| {
            Error::new(ErrorKind::Transient, code, what).hint(
            "check the network and the server, then go on with --resume; nothing that was reported as written is lost",
        )
        };
        match self {
            Self::Transient { what, .. } if what.starts_with(UNREACHABLE) => {
                transient("destination_unreachable", what)
            }
            Self::Transient { what, .. } => transient("destination_unavailable", what),
            Self::Lost(what) => transient("destination_reply_lost", what),
            Self::StreamGone(what) => transient("destination_stream_gone", what),
            Self::TooLarge(what) => Error::new(ErrorKind::Destination, "destination_request_too_large", what)
                .hint("lower commit_bytes and batch_bytes in `defaults`"),
            Self::AnswerTooLarge => Error::new(
                ErrorKind::Destination,
                "destination_answer_too_large",
                format!("a row is larger than what {host} sends in one answer"),
            ),
            Self::Unauthorized(what) => Error::new(
                ErrorKind::Destination,
                "destination_unauthorized",
                format!("the token is not accepted: {what}"),
            )
            .hint(
                "it may have expired or belong to another database: make one with `turso db tokens create NAME` and set \
                 TURSO_AUTH_TOKEN (or auth_token_file)",
            ),
            Self::Sql(failure) => of_failure(failure, host),
            Self::Stop(error) => *error,
        }
    }

    fn map_cause(self, cause: String) -> Self {
        match self {
            Self::Stop(error) => Self::Stop(Box::new(error.caused_by(cause))),
            other => other,
        }
    }
}

fn of_failure(failure: Failure, host: &str) -> Error {
    let (code, message, hint) = match failure.primary() {
        primary::FULL => {
            ("destination_full", format!("{host} has no space left"), "make room, then go on with --resume")
        }
        primary::READONLY => {
            ("destination_read_only", format!("{host} cannot be written"), "use a token that may write")
        }
        primary::CORRUPT => (
            "destination_damaged",
            format!("the database at {host} is damaged"),
            "restore a backup with `fireferry backup restore`",
        ),
        _ => {
            return Error::new(
                ErrorKind::Destination,
                "destination_sql",
                format!("the database refused a statement: {}", failure.message),
            );
        }
    };
    Error::new(ErrorKind::Destination, code, message).hint(hint).caused_by(failure.message)
}

fn forbidden(what: String) -> Trouble {
    stop(
        "destination_forbidden",
        format!("the token may not do this: {what}"),
        "a read-only token is enough for plan and --dry-run; a run needs one that may write (`turso db tokens create NAME`)",
    )
}

/// A quota of the service: waiting does not help.
fn blocked(what: &str, host: &str) -> Trouble {
    stop(
        "destination_blocked",
        format!("{host} is blocked by a limit of its plan: {what}"),
        "raise the plan's limits or wait for the next period, then go on with --resume",
    )
}

fn is_blocked(text: &str) -> bool {
    text.contains("BLOCKED") || text.contains("writes are blocked") || text.contains("reads are blocked")
}

fn mentions_stream(body: &str) -> bool {
    let lower = body.to_ascii_lowercase();
    lower.contains("stream not found") || lower.contains("stream_expired") || lower.contains("stream has expired")
}

fn stop(code: &'static str, message: String, hint: &str) -> Trouble {
    Trouble::Stop(Box::new(Error::new(ErrorKind::Destination, code, message).hint(hint)))
}

/// What a server says in the body of an error: its `error` or `message`, else the text.
fn said(body: &str) -> String {
    let json: Option<serde_json::Value> = serde_json::from_str(body).ok();
    let field = |name: &str| Some(json.as_ref()?.get(name)?.as_str()?.to_owned());
    cut(&field("error").or_else(|| field("message")).unwrap_or_else(|| body.to_owned()))
}

/// On one line and of bounded length.
fn cut(text: &str) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= SHOWN { line } else { line.chars().take(SHOWN).chain(['…']).collect() }
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

fn is_certificate(cause: &str) -> bool {
    let lower = cause.to_ascii_lowercase();
    lower.contains("certificate") || lower.contains("unknownissuer")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(code: u16, body: &str) -> Trouble {
        of_status(StatusCode::from_u16(code).unwrap_or_default(), None, body, "db.example")
    }

    fn code(trouble: Trouble) -> &'static str {
        trouble.into_error("db.example").code()
    }

    #[test]
    fn statuses_are_told_apart() {
        assert!(matches!(status(429, ""), Trouble::Transient { .. }));
        assert!(matches!(status(500, ""), Trouble::Lost(_)));
        assert!(matches!(status(404, r#"{"error":"stream not found: 1"}"#), Trouble::StreamGone(_)));
        assert!(matches!(status(413, ""), Trouble::TooLarge(_)));
        assert_eq!(code(status(404, "")), "destination_not_found");
        assert_eq!(code(status(401, "")), "destination_unauthorized");
        assert_eq!(code(status(403, "")), "destination_forbidden");
        assert_eq!(code(status(403, r#"{"error":"x","code":"BLOCKED"}"#)), "destination_blocked");
    }

    #[test]
    fn codes_in_answers_are_told_apart() {
        let of = |code: &str, message: &str| {
            let error = ServerError { message: message.into(), code: Some(code.into()) };
            of_server_error(&error, "db.example")
        };
        assert!(matches!(of("STREAM_EXPIRED", ""), Trouble::StreamGone(_)));
        assert!(matches!(of("TRANSACTION_TIMEOUT", ""), Trouble::Transient { .. }));
        assert!(matches!(of("SQLITE_BUSY", "database is locked"), Trouble::Transient { .. }));
        assert_eq!(code(of("BLOCKED", "writes are blocked")), "destination_blocked");
        let Trouble::Sql(failure) = of("SQLITE_CONSTRAINT", "SQLite error: UNIQUE constraint failed: t.a") else {
            panic!("a refusal of SQLite")
        };
        assert_eq!((failure.code, failure.message.as_str()), (19, "UNIQUE constraint failed: t.a"));
    }
}
