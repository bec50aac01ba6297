//! The one error type of the library, and the one table that says what to do about each kind.
//!
//! Every error carries a stable `code`, a message that says what happened, where (collection, document,
//! file and line) and, where there is something to do, a hint.

use std::fmt;
use std::path::PathBuf;

/// A stable, snake_case identifier of one situation, documented for users and never reused.
pub type Code = &'static str;

/// The result of everything that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What sort of thing went wrong; decides the [`Policy`] and the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The command line asks for something that does not exist or does not fit together.
    Usage,
    /// The pipeline file, a migration or a setting is wrong.
    Config,
    /// A check before the run found a reason not to start.
    Preflight,
    /// Another process holds the lease of the destination.
    LeaseHeld,
    /// Reading the source failed for good.
    Source,
    /// The destination failed for good (disk full, damaged, permission).
    Destination,
    /// Failed now, may succeed a moment later (busy, unavailable); nothing was applied.
    Transient,
    /// The reply was lost: the commit may or may not have been applied. Settled by reading the checkpoint.
    Unknown,
    /// The user or the system asked to stop; resumable.
    Interrupted,
    /// A hard limit was reached; resumable.
    Budget,
    /// The state folder or the ledger failed.
    Ledger,
    /// A broken promise of the program itself.
    Internal,
}

/// What the engine does about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Try again after a pause, within limits.
    Retry,
    /// Read the checkpoint back, then go on or try again.
    Settle,
    /// Stop the run; everything durable stays.
    Stop,
}

impl ErrorKind {
    /// The policy for this kind. The only place where it is decided.
    pub const fn policy(self) -> Policy {
        match self {
            Self::Transient => Policy::Retry,
            Self::Unknown => Policy::Settle,
            Self::Usage
            | Self::Config
            | Self::Preflight
            | Self::LeaseHeld
            | Self::Source
            | Self::Destination
            | Self::Interrupted
            | Self::Budget
            | Self::Ledger
            | Self::Internal => Policy::Stop,
        }
    }
}

/// Where an error happened. Every part is optional; what is known is printed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// Collection name, e.g. `users/*/orders`.
    pub collection: Option<String>,
    /// Document path, e.g. `users/alice`.
    pub document: Option<String>,
    /// The file concerned.
    pub file: Option<PathBuf>,
    /// Line in `file`, from 1.
    pub line: Option<u64>,
    /// Column in `line`, from 1.
    pub column: Option<u64>,
}

/// An error with everything a user at 2 a.m. needs: code, what, where, what to do next.
#[derive(Debug, thiserror::Error)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    code: Code,
    message: String,
    place: Place,
    snippet: Option<String>,
    hint: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
    others: Vec<Error>,
}

impl Error {
    /// A new error. `message` says what happened in one sentence without a full stop.
    pub fn new(kind: ErrorKind, code: Code, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            code,
            message: message.into(),
            place: Place::default(),
            snippet: None,
            hint: None,
            source: None,
            others: Vec::new(),
        }))
    }

    /// The same error as a reason not to start: an end that cannot be opened is a failed check, not a failed run.
    #[must_use]
    pub fn refused(mut self) -> Self {
        if matches!(self.0.kind, ErrorKind::Source | ErrorKind::Destination) {
            self.0.kind = ErrorKind::Preflight;
        }
        self
    }

    /// What the user can do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// The collection concerned.
    #[must_use]
    pub fn collection(mut self, collection: impl Into<String>) -> Self {
        self.0.place.collection = Some(collection.into());
        self
    }

    /// The document concerned.
    #[must_use]
    pub fn document(mut self, document: impl Into<String>) -> Self {
        self.0.place.document = Some(document.into());
        self
    }

    /// The file concerned.
    #[must_use]
    pub fn file(mut self, file: impl Into<PathBuf>) -> Self {
        self.0.place.file = Some(file.into());
        self
    }

    /// The position in the file, both from 1; a column of `None` where only the line is known.
    #[must_use]
    pub fn position(mut self, line: u64, column: Option<u64>) -> Self {
        self.0.place.line = Some(line);
        self.0.place.column = column;
        self
    }

    /// The lines of the file around the position, ready to print.
    #[must_use]
    pub fn snippet(mut self, snippet: impl Into<String>) -> Self {
        self.0.snippet = Some(snippet.into());
        self
    }

    /// The error below this one.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// More problems found at the same time (the other mistakes of a pipeline file).
    #[must_use]
    pub fn and_others(mut self, others: Vec<Error>) -> Self {
        self.0.others.extend(others);
        self
    }

    /// The kind.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The stable code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// What happened, without place, cause and hint.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where it happened.
    pub fn place(&self) -> &Place {
        &self.0.place
    }

    /// The lines around the place, if it is a text file.
    pub fn snippet_text(&self) -> Option<&str> {
        self.0.snippet.as_deref()
    }

    /// What to do next.
    pub fn hint_text(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// More problems found at the same time; each is to be shown like this one.
    pub fn others(&self) -> &[Error] {
        &self.0.others
    }

    /// The cause as text, if there is one.
    pub fn cause(&self) -> Option<String> {
        self.0.source.as_ref().map(ToString::to_string)
    }
}

impl fmt::Display for Error {
    /// One line: message, place, cause. The renderers in `cli` add snippet, code and hint.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.message)?;
        if !self.0.place.is_empty() {
            write!(f, " ({})", self.0.place)?;
        }
        if let Some(source) = &self.0.source {
            write!(f, ": {source}")?;
        }
        match self.0.others.len() {
            0 => Ok(()),
            1 => write!(f, " (and 1 more problem)"),
            more => write!(f, " (and {more} more problems)"),
        }
    }
}

impl Place {
    /// True when nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if let Some(document) = &self.document {
            parts.push(format!("document {document}"));
        } else if let Some(collection) = &self.collection {
            parts.push(format!("collection {collection}"));
        }
        if let Some(file) = &self.file {
            let mut text = file.display().to_string();
            for number in [self.line, self.column].into_iter().flatten() {
                text.push_str(&format!(":{number}"));
            }
            parts.push(text);
        }
        write!(f, "{}", parts.join(", "))
    }
}
