//! The only place that prints. Data goes to stdout, everything else to stderr.

use std::io::{self, ErrorKind as IoErrorKind, IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indicatif::{MultiProgress, ProgressDrawTarget};
use serde::Serialize;

use crate::error::{Error, ErrorKind, Result};
use crate::report::failure::Failure;

use super::error_view;
use super::secrets::Secrets;

/// Prints. Cheap to clone; all clones share the terminal.
#[derive(Clone)]
pub struct Output(Arc<Shared>);

struct Shared {
    json: bool,
    quiet: bool,
    colour: bool,
    secrets: Secrets,
    bars: Mutex<Option<MultiProgress>>,
}

impl Output {
    /// An output. With `json`, stdout carries one JSON document only.
    pub fn new(json: bool, quiet: bool) -> Self {
        let colour = io::stderr().is_terminal() && !has_text("NO_COLOR") && !is_dumb();
        Self(Arc::new(Shared { json, quiet, colour, secrets: Secrets::default(), bars: Mutex::new(None) }))
    }

    /// Whether the answer is one JSON document.
    pub fn is_json(&self) -> bool {
        self.0.json
    }

    /// Texts that are never shown.
    pub fn secrets(&self) -> &Secrets {
        &self.0.secrets
    }

    /// Whether stderr may be coloured.
    pub fn colour(&self) -> bool {
        self.0.colour
    }

    /// Whether someone sees stdout as it is written.
    pub fn data_is_seen(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// Whether bars can be drawn on stderr.
    pub fn can_draw(&self) -> bool {
        io::stderr().is_terminal() && !is_dumb()
    }

    /// Draws bars on stderr; they get out of the way while something is printed.
    pub fn draw(&self) -> MultiProgress {
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        *self.bars() = Some(bars.clone());
        bars
    }

    /// No bars any more.
    pub fn stop_drawing(&self) {
        *self.bars() = None;
    }

    fn bars(&self) -> MutexGuard<'_, Option<MultiProgress>> {
        self.0.bars.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Text on stdout. A reader that went away is no error: it has seen what it wanted.
    pub fn data(&self, text: &str) -> Result<()> {
        self.bytes(text.as_bytes())
    }

    /// Bytes on stdout, as [`Output::data`].
    pub fn bytes(&self, bytes: &[u8]) -> Result<()> {
        let write = || {
            let mut out = io::stdout().lock();
            out.write_all(bytes)?;
            out.flush()
        };
        match self.aside(write) {
            Err(error) if error.kind() != IoErrorKind::BrokenPipe => {
                Err(Error::new(ErrorKind::Internal, "output_failed", "cannot write to stdout").caused_by(error))
            }
            _ => Ok(()),
        }
    }

    /// The answer of a verb: the document with `--json`, else the text.
    pub fn answer(&self, document: &impl Serialize, text: impl FnOnce() -> String) -> Result<()> {
        if self.is_json() { self.document(document) } else { self.data(&text()) }
    }

    /// One JSON document, indented, with a line break.
    pub fn document(&self, document: &impl Serialize) -> Result<()> {
        let text = serde_json::to_string_pretty(document).map_err(|error| {
            Error::new(ErrorKind::Internal, "output_failed", "cannot write the answer as JSON").caused_by(error)
        })?;
        self.data(&(text + "\n"))
    }

    /// A line on stderr, unless `-q`.
    pub fn note(&self, text: &str) {
        if !self.0.quiet {
            self.raw(&format!("{text}\n"));
        }
    }

    /// A warning on stderr, unless `-q`.
    pub fn warn(&self, text: &str) {
        if !self.0.quiet {
            self.raw(&format!("{} {text}\n", self.mark("warning:", "33")));
        }
    }

    /// An error on stderr.
    pub fn error(&self, error: &Error) {
        let mark = |word: &str| self.mark(word, if word.starts_with("error") { "31" } else { "36" });
        self.raw(&error_view::text(error, &mark));
    }

    /// What stopped a run, on stderr.
    pub fn failure(&self, failure: &Failure) {
        let mark = |word: &str| self.mark(word, if word.starts_with("error") { "31" } else { "36" });
        self.raw(&error_view::failure(failure, &mark));
    }

    /// The error that ended a verb: on stderr, with `--json` as the one document on stdout.
    pub fn fatal(&self, error: &Error) {
        if !self.is_json() {
            return self.error(error);
        }
        let text = serde_json::to_string_pretty(&error_view::document(error)).unwrap_or_default() + "\n";
        // Nothing is left to report a failure of this to.
        drop(self.data(&self.0.secrets.redact(&text)));
    }

    /// Text on stderr as it is, secrets left out, bars out of the way.
    pub fn raw(&self, text: &str) {
        let text = self.0.secrets.redact(text);
        // stderr that is gone cannot be told so.
        drop(self.aside(|| io::stderr().lock().write_all(text.as_bytes())));
    }

    /// Asks for a typed answer. `expected` is what consent looks like.
    pub fn confirm(&self, question: &str, expected: &str) -> Result<()> {
        let refused = |message: &str| {
            Error::new(ErrorKind::Usage, "not_confirmed", message)
                .hint("nothing was changed; say --yes to do it without being asked")
        };
        if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
            return Err(refused("this needs a confirmation, and there is no terminal to ask on"));
        }
        self.raw(&format!("{question}\nType {expected} to go on: "));
        let mut answer = String::new();
        let read = io::stdin().read_line(&mut answer);
        match read {
            Ok(_) if answer.trim() == expected => Ok(()),
            _ => Err(refused("not confirmed")),
        }
    }

    fn mark(&self, word: &str, colour: &str) -> String {
        if self.0.colour { format!("\u{1b}[1;{colour}m{word}\u{1b}[0m") } else { word.to_owned() }
    }

    fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        let bars = self.bars().clone();
        match bars {
            Some(bars) => bars.suspend(print),
            None => print(),
        }
    }
}

/// A terminal that knows no control sequences.
fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

/// Whether an environment variable is set and not empty.
fn has_text(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}
