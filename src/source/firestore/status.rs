//! What the service's refusals mean: which are worth another try, and what the user can do about the others.

use std::time::Duration;

use firestore::gcloud_sdk::tonic::{Code, Status};

use crate::error::{Error, ErrorKind};

/// No answer for so long is as good as a broken connection.
pub(super) const SILENCE: Duration = Duration::from_secs(30);

/// What to do about a failed request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// May succeed a moment later.
    Retry,
    /// As above, and the service asks for fewer requests.
    RetrySlower,
    /// Will fail again.
    Fail,
}

/// Judges a status. The only place where it is decided.
pub(super) fn verdict(status: &Status) -> Verdict {
    match status.code() {
        Code::ResourceExhausted => Verdict::RetrySlower,
        Code::Unavailable | Code::DeadlineExceeded | Code::Internal | Code::Aborted => Verdict::Retry,
        // What a broken connection leaves: the library has no code of its own for it.
        Code::Unknown | Code::Cancelled => Verdict::Retry,
        _ => Verdict::Fail,
    }
}

/// Whether the status was sent by the service, so that everything before it has arrived. One that the library made up
/// for a broken connection has a cause.
pub(super) fn sent_by_service(status: &Status) -> bool {
    std::error::Error::source(status).is_none()
}

/// The status of a service that went silent.
pub(super) fn silent() -> Status {
    Status::from_error(Box::new(std::io::Error::new(
        std::io::ErrorKind::TimedOut,
        format!("no answer for {} s", SILENCE.as_secs()),
    )))
}

/// Whether the snapshot that was asked for is no longer kept.
fn snapshot_gone(status: &Status) -> bool {
    let text = status.message().to_ascii_lowercase();
    matches!(status.code(), Code::FailedPrecondition | Code::InvalidArgument | Code::OutOfRange)
        && text.contains("too old")
}

/// Whether an index is missing.
fn index_missing(status: &Status) -> bool {
    status.code() == Code::FailedPrecondition && status.message().contains("index")
}

/// The error to stop with, after all tries.
pub(super) fn error(status: &Status, doing: &str) -> Error {
    let text = status.message();
    let failed =
        |code: &'static str, what: &str| Error::new(ErrorKind::Source, code, format!("{doing}: {what}{}", said(text)));
    match status.code() {
        _ if snapshot_gone(status) => failed("snapshot_too_old", "the snapshot is no longer kept by the service").hint(
            "go on at a new one with `--resume --new-snapshot`: collections that are complete stay as they are; \
             with point-in-time recovery and `snapshot: minute` a snapshot is kept for 7 days",
        ),
        _ if index_missing(status) => failed("index_missing", "the query needs an index that does not exist").hint(
            "create it with the link in the message, or say `push_down: false` to read all documents and filter here",
        ),
        Code::Unauthenticated => failed("source_unauthenticated", "the credentials were not accepted")
            .hint("check `credentials` in the pipeline, or log in again with `gcloud auth application-default login`"),
        Code::PermissionDenied => failed("source_permission_denied", "the account may not do this")
            .hint("grant it the role `roles/datastore.viewer` (Cloud Datastore Viewer) on the project"),
        Code::NotFound => failed("source_not_found", "project or database do not exist")
            .hint("check `project` and `database`; the first database of a project is called `(default)`"),
        Code::ResourceExhausted => failed("source_exhausted", "the service's quota is used up")
            .hint("look at the quotas of the project; what was read is safe: go on later with `--resume`"),
        Code::Unimplemented => failed("source_lacks", "the server does not offer this"),
        code => failed("source_failed", &format!("the service answered {code:?}"))
            .hint("what was read is safe; go on with `--resume`"),
    }
}

fn said(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(" ({text})") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passing_faults_are_tried_again_and_refusals_are_not() {
        for code in [Code::Unavailable, Code::DeadlineExceeded, Code::Internal, Code::Unknown] {
            assert_eq!(verdict(&Status::new(code, "x")), Verdict::Retry);
        }
        assert_eq!(verdict(&Status::resource_exhausted("x")), Verdict::RetrySlower);
        for code in [Code::PermissionDenied, Code::Unauthenticated, Code::InvalidArgument, Code::FailedPrecondition] {
            assert_eq!(verdict(&Status::new(code, "x")), Verdict::Fail);
        }
    }

    #[test]
    fn refusals_say_what_to_do() {
        let code = |status: Status| error(&status, "reading users").code();
        assert_eq!(code(Status::permission_denied("no")), "source_permission_denied");
        assert_eq!(code(Status::failed_precondition("The query requires an index.")), "index_missing");
        assert_eq!(code(Status::failed_precondition("The requested snapshot version is too old.")), "snapshot_too_old");
        assert_eq!(code(Status::unavailable("down")), "source_failed");
    }

    #[test]
    fn a_broken_connection_is_told_from_an_answer() {
        assert!(sent_by_service(&Status::unavailable("x")));
        assert!(!sent_by_service(&silent()));
    }
}
