//! What stopped a run, as its report keeps it.

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// An error in a report: what a script, a person and a later look at the run need of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Stored")]
pub struct Failure {
    /// The error's stable code.
    pub code: String,
    /// What happened, where, and why, on one line.
    pub message: String,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        Self { code: error.code().to_owned(), message: error.to_string(), hint: error.hint_text().map(str::to_owned) }
    }
}

/// Reports of earlier versions have the message alone.
#[derive(Deserialize)]
#[serde(untagged)]
enum Stored {
    Message(String),
    Whole { code: String, message: String, hint: Option<String> },
}

impl From<Stored> for Failure {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::Message(message) => Self { code: "run_failed".to_owned(), message, hint: None },
            Stored::Whole { code, message, hint } => Self { code, message, hint },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn a_failure_is_read_as_it_was_stored_and_as_earlier_versions_stored_it() {
        let error = Error::new(ErrorKind::Destination, "destination_full", "no space left").hint("make room");
        let failure = Failure::from(&error);
        let text = serde_json::to_string(&failure).unwrap_or_default();
        assert_eq!(text, r#"{"code":"destination_full","message":"no space left","hint":"make room"}"#);
        assert_eq!(serde_json::from_str::<Failure>(&text).ok(), Some(failure));
        let earlier: Option<Failure> = serde_json::from_str("\"no space left\"").ok();
        assert!(earlier.is_some_and(|failure| failure.code == "run_failed" && failure.message == "no space left"));
    }
}
