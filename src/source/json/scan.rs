//! Finding where values begin and end in a file of any size, without holding more than a window of it.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use memchr::{memchr, memchr_iter, memrchr};
use serde::{Deserialize, Serialize};

use super::extent::{Extent, Step};
use super::input::{self, Compression, Input};
use super::parser::{Fault, Parser};
use super::sink::Sink;
use crate::error::{Error, ErrorKind, Result};

/// Bytes of a file in memory at a time.
const WINDOW: usize = 256 * 1024;
/// Firestore allows names of 1,500 bytes; whoever writes longer ones writes no names.
const MAX_KEY: usize = 64 * 1024;

/// A place in the decompressed file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    /// Byte, from 0.
    pub(super) offset: u64,
    /// Line, from 1.
    pub(super) line: u64,
    /// Byte in the line, from 1.
    pub(super) column: u64,
}

impl Position {
    /// The beginning of a file.
    pub(super) const START: Self = Self { offset: 0, line: 1, column: 1 };

    /// The position `text` further on.
    pub(super) fn after(self, text: &[u8]) -> Self {
        let length = text.len() as u64;
        let Some(last) = memrchr(b'\n', text) else {
            return Self { offset: self.offset + length, column: self.column + length, ..self };
        };
        let lines = memchr_iter(b'\n', text).count() as u64;
        let column = length - last as u64;
        Self { offset: self.offset + length, line: self.line + lines, column }
    }
}

/// Reads a file byte by byte and value by value.
pub(super) struct Scanner {
    input: Input,
    path: PathBuf,
    compression: Compression,
    /// Asked at every window; true ends the reading.
    stop: Box<dyn Fn() -> bool + Send>,
    buffer: Box<[u8]>,
    at: usize,
    end: usize,
    /// Where the byte at `settled` of the buffer lies; what is before it has been counted.
    place: Position,
    settled: usize,
    /// The last field name, as written and as meant; kept here so that they need no new memory each time.
    raw_key: Sink,
    name: String,
}

impl Scanner {
    /// Starts at a position of a file.
    pub(super) fn open(path: &Path, from: Position, stop: Box<dyn Fn() -> bool + Send>) -> Result<Self> {
        let (input, compression) = input::open(path, from.offset)?;
        let buffer = vec![0; WINDOW].into_boxed_slice();
        let path = path.to_owned();
        let raw_key = Sink::new(MAX_KEY);
        Ok(Self {
            input,
            path,
            compression,
            stop,
            buffer,
            at: 0,
            end: 0,
            place: from,
            settled: 0,
            raw_key,
            name: String::new(),
        })
    }

    /// Here.
    pub(super) fn position(&mut self) -> Position {
        if self.settled < self.at {
            self.place = self.place.after(&self.buffer[self.settled..self.at]);
            self.settled = self.at;
        }
        self.place
    }

    /// Bytes in the window from here on; none at the end of the file.
    fn rest(&mut self) -> Result<&[u8]> {
        if self.at == self.end {
            self.fill()?;
        }
        Ok(&self.buffer[self.at..self.end])
    }

    fn fill(&mut self) -> Result<()> {
        self.position();
        (self.at, self.end, self.settled) = (0, 0, 0);
        if (self.stop)() {
            return Err(Error::new(ErrorKind::Interrupted, "reading_stopped", "reading was stopped").file(&self.path));
        }
        self.end = loop {
            match self.input.read(&mut self.buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let place = self.place;
                    let error = input::read_failed(&self.path, error, self.compression);
                    return Err(error.position(place.line, Some(place.column)));
                }
                Ok(read) => break read,
            }
        };
        Ok(())
    }

    /// The next byte, left where it is.
    fn peek(&mut self) -> Result<Option<u8>> {
        Ok(self.rest()?.first().copied())
    }

    /// Takes the byte that was peeked.
    pub(super) fn bump(&mut self) {
        self.at += 1;
    }

    /// Passes a byte order mark.
    pub(super) fn byte_order_mark(&mut self) -> Result<()> {
        if self.rest()?.starts_with(b"\xef\xbb\xbf") {
            self.at += 3;
        }
        Ok(())
    }

    /// Passes white space, into the sink if there is one; gives the byte after it, left where it is.
    pub(super) fn whitespace(&mut self, mut sink: Option<&mut Sink>) -> Result<Option<u8>> {
        loop {
            let chunk = self.rest()?;
            let spaces = chunk.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
            let next = chunk.get(spaces).copied();
            if let Some(sink) = &mut sink {
                sink.push(&chunk[..spaces]);
            }
            let ended = chunk.is_empty();
            self.at += spaces;
            if next.is_some() || ended {
                return Ok(next);
            }
        }
    }

    /// A line without its end, into the sink. False at the end of the file.
    pub(super) fn line(&mut self, sink: &mut Sink) -> Result<bool> {
        let mut any = false;
        loop {
            let chunk = self.rest()?;
            if chunk.is_empty() {
                return Ok(any);
            }
            any = true;
            if let Some(end) = memchr(b'\n', chunk) {
                sink.push(&chunk[..end]);
                self.at += end + 1;
                return Ok(true);
            }
            sink.push(chunk);
            self.at = self.end;
        }
    }

    /// A value, from its first byte to its last, into the sink. Brackets are checked, contents are not.
    pub(super) fn value(&mut self, sink: &mut Sink) -> Result<()> {
        let mut extent = match self.peek()? {
            Some(b'{' | b'[' | b'"') => Extent::default(),
            Some(byte) if is_scalar(byte) => return self.scalar(sink),
            _ => return Err(self.expected("a JSON value")),
        };
        // Only looked up where the value does not end in the window.
        let mut start = None;
        loop {
            let chunk = self.rest()?;
            if chunk.is_empty() {
                let start = start.unwrap_or(Position::START);
                return Err(self.cut_off(start));
            }
            let (length, step) = extent.run(chunk);
            sink.push(&chunk[..length]);
            if matches!(step, Step::More) && start.is_none() {
                start = Some(self.position());
            }
            self.at += length;
            match step {
                Step::More => {}
                Step::Done => return Ok(()),
                Step::Mismatch => return Err(self.expected("the bracket that closes what was opened last")),
            }
        }
    }

    /// A number or a word, or what stands in its place: up to the next white space or punctuation.
    fn scalar(&mut self, sink: &mut Sink) -> Result<()> {
        loop {
            let chunk = self.rest()?;
            let length = chunk.iter().take_while(|byte| is_scalar(**byte)).count();
            let done = length < chunk.len() || chunk.is_empty();
            sink.push(&chunk[..length]);
            self.at += length;
            if done {
                return Ok(());
            }
        }
    }

    /// Takes a field name, which must be next; as it is written into the sink, if there is one. See [`Self::name`].
    pub(super) fn key(&mut self, sink: Option<&mut Sink>) -> Result<()> {
        let start = self.position();
        if self.peek()? != Some(b'"') {
            return Err(self.expected("a field name in double quotes"));
        }
        let mut raw = std::mem::replace(&mut self.raw_key, Sink::new(0));
        raw.clear();
        self.value(&mut raw)?;
        let read = self.read_key(start, &raw);
        if let (Some(sink), Some(raw)) = (sink, raw.whole()) {
            sink.push(raw);
        }
        self.raw_key = raw;
        read
    }

    fn read_key(&mut self, start: Position, raw: &Sink) -> Result<()> {
        let Some(raw) = raw.whole() else {
            let message = format!("a field name is longer than {MAX_KEY} bytes");
            return Err(self.error("json_syntax", start, message));
        };
        let Ok(text) = std::str::from_utf8(raw) else {
            return Err(self.error("json_syntax", start, "a field name is not valid UTF-8".to_owned()));
        };
        match Parser::new(text).string() {
            Ok(name) => {
                self.name.clear();
                self.name.push_str(&name);
                Ok(())
            }
            Err(fault) => Err(self.fault(start, raw, &fault)),
        }
    }

    /// The field name that was taken last.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Fails unless `byte` comes next, after white space; takes it.
    pub(super) fn expect(&mut self, byte: u8, what: &str, sink: Option<&mut Sink>) -> Result<()> {
        if self.whitespace(sink)? != Some(byte) {
            return Err(self.expected(what));
        }
        self.bump();
        Ok(())
    }

    /// The error of something else standing here.
    pub(super) fn expected(&mut self, what: &str) -> Error {
        let here = self.position();
        match self.peek() {
            Err(error) => error,
            Ok(None) => self.cut_off(here),
            Ok(Some(found)) => {
                let found = std::ascii::escape_default(found);
                self.error("json_syntax", here, format!("expected {what}, found `{found}`"))
            }
        }
    }

    /// The error of a record that is no JSON: `raw` starts at `start`.
    pub(super) fn fault(&self, start: Position, raw: &[u8], fault: &Fault) -> Error {
        match fault {
            Fault::Syntax { at, message } => {
                self.error("json_syntax", start.after(&raw[..(*at).min(raw.len())]), message.clone())
            }
            Fault::Reject(rejection) => self.error("json_syntax", start, rejection.reason.clone()),
        }
    }

    /// The error of a file that ends too early; `start` is where the open value began.
    pub(super) fn cut_off(&mut self, start: Position) -> Error {
        let end = self.position();
        let message = if start == end {
            format!("the file ends at byte {} where more must follow", end.offset)
        } else {
            format!("the file ends at byte {} inside of the value that starts in line {}", end.offset, start.line)
        };
        Error::new(ErrorKind::Source, "file_cut_off", message)
            .file(&self.path)
            .position(end.line, Some(end.column))
            .hint("the file is not complete: export it again, then start a new run")
    }

    /// An error with code, place and a hint.
    pub(super) fn error(&self, code: &'static str, place: Position, message: String) -> Error {
        Error::new(ErrorKind::Source, code, format!("{message}, at byte {}", place.offset))
            .file(&self.path)
            .position(place.line, Some(place.column))
            .hint("repair the file at that place, or export it again; what comes before was read")
    }
}

/// The first bytes of the decompressed file, at most `limit`, and whether that is all of it.
pub(super) fn head(path: &Path, limit: usize) -> Result<(Vec<u8>, bool)> {
    let (input, compression) = input::open(path, 0)?;
    let mut head = Vec::new();
    let read = input.take(limit as u64 + 1).read_to_end(&mut head);
    // A damaged end is reported by whoever reads that far.
    if let Err(error) = read
        && head.is_empty()
    {
        return Err(input::read_failed(path, error, compression));
    }
    let whole = head.len() <= limit;
    head.truncate(limit);
    Ok((head, whole))
}

/// Whether the file's own bytes are its content.
pub(super) fn is_plain(path: &Path) -> Result<bool> {
    input::open(path, 0).map(|(_, compression)| compression == Compression::None)
}

fn is_scalar(byte: u8) -> bool {
    !matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b',' | b':' | b'{' | b'}' | b'[' | b']' | b'"')
}
