//! Splitting a file into records: lines, elements of an array, or values one after another.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::parser::Fault;
use super::scan::{Position, Scanner};
use super::shape::Layout;
use super::sink::Sink;
use super::tree::Tree;
use crate::error::{Error, Result};

/// Where splitting stands, as the engine keeps it in a cursor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// After the last record's last byte.
    #[serde(flatten)]
    pub(super) position: Position,
    /// The objects that are open there, outermost first; only in nested shapes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) inside: Vec<String>,
}

impl Mark {
    /// The beginning of a file.
    pub(super) const START: Self = Self { position: Position::START, inside: Vec::new() };
}

/// A record found; its bytes are in the sink.
pub(super) struct Found {
    /// Its first byte.
    pub(super) start: Position,
    /// Its length in the file.
    pub(super) length: u64,
    /// Collection and id, where the place in the file tells them.
    pub(super) owner: Option<(Arc<str>, String)>,
}

/// Splits one file.
pub(super) enum Splitter {
    /// Records one after another.
    Flat(Flat),
    /// Documents nested by collection and id.
    Tree(Tree),
}

impl Splitter {
    /// The next record, into the sink.
    pub(super) fn next(&mut self, sink: &mut Sink) -> Result<Option<Found>> {
        match self {
            Self::Flat(flat) => flat.next(sink),
            Self::Tree(tree) => tree.next(sink),
        }
    }

    /// Where reading can go on after the last record.
    pub(super) fn mark(&mut self) -> Mark {
        match self {
            Self::Flat(flat) => Mark { position: flat.after, inside: Vec::new() },
            Self::Tree(tree) => tree.mark(),
        }
    }

    /// The error of a record that is no JSON.
    pub(super) fn fault(&self, start: Position, raw: &[u8], fault: &Fault) -> Error {
        match self {
            Self::Flat(flat) => flat.scanner.fault(start, raw, fault),
            Self::Tree(tree) => tree.fault(raw, fault),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    After,
    Done,
}

/// Splits lines, elements and values.
pub(super) struct Flat {
    scanner: Scanner,
    layout: Layout,
    state: State,
    after: Position,
}

impl Flat {
    /// Goes on at the position that `scanner` was opened at.
    pub(super) fn new(scanner: Scanner, layout: Layout, from: Position) -> Self {
        let state = if from.offset == 0 { State::Start } else { State::After };
        Self { scanner, layout, state, after: from }
    }

    fn next(&mut self, sink: &mut Sink) -> Result<Option<Found>> {
        if self.state == State::Start {
            self.scanner.byte_order_mark()?;
        }
        let start = match self.layout {
            Layout::Lines => self.line(sink)?,
            _ => self.element(sink)?,
        };
        let Some(start) = start else {
            self.state = State::Done;
            return Ok(None);
        };
        self.state = State::After;
        self.after = self.scanner.position();
        Ok(Some(Found { start, length: sink.length(), owner: None }))
    }

    fn line(&mut self, sink: &mut Sink) -> Result<Option<Position>> {
        loop {
            sink.clear();
            let start = self.scanner.position();
            if !self.scanner.line(sink)? {
                return Ok(None);
            }
            if !sink.is_blank() {
                return Ok(Some(start));
            }
        }
    }

    fn element(&mut self, sink: &mut Sink) -> Result<Option<Position>> {
        sink.clear();
        if !self.advance()? {
            return Ok(None);
        }
        let start = self.scanner.position();
        self.scanner.value(sink)?;
        Ok(Some(start))
    }

    /// Moves to the first byte of the next element; false when there is none.
    fn advance(&mut self) -> Result<bool> {
        match (self.state, self.layout.member()) {
            (State::Done, _) => Ok(false),
            (_, None) if self.layout == Layout::Values => Ok(self.scanner.whitespace(None)?.is_some()),
            (State::Start, None) => {
                self.scanner.expect(b'[', "an array", None)?;
                if self.first()? { Ok(true) } else { self.finish("array") }
            }
            (State::Start, Some(member)) => {
                self.scanner.expect(b'{', "an object", None)?;
                self.members(member, true)
            }
            (State::After, member) => match (self.scanner.whitespace(None)?, member) {
                (Some(b','), _) => {
                    self.scanner.bump();
                    self.scanner.whitespace(None).map(|_| true)
                }
                (Some(b']'), None) => {
                    self.scanner.bump();
                    self.finish("array")
                }
                (Some(b']'), Some(member)) => {
                    self.scanner.bump();
                    self.members(member, false)
                }
                _ => Err(self.scanner.expected("`,` or `]` after an element")),
            },
        }
    }

    /// After an opening bracket: whether there is an element. Takes the closing bracket if there is none.
    fn first(&mut self) -> Result<bool> {
        let empty = self.scanner.whitespace(None)? == Some(b']');
        if empty {
            self.scanner.bump();
        }
        Ok(!empty)
    }

    /// Goes through the members of the root object to the first element of the array of records.
    fn members(&mut self, member: &str, mut first: bool) -> Result<bool> {
        loop {
            match self.scanner.whitespace(None)? {
                Some(b'}') => {
                    self.scanner.bump();
                    return self.finish("object");
                }
                Some(b',') if !first => {
                    self.scanner.bump();
                    self.scanner.whitespace(None)?;
                }
                _ if first => {}
                _ => return Err(self.scanner.expected("`,` or `}` after a field")),
            }
            first = false;
            self.scanner.key(None)?;
            self.scanner.expect(b':', "`:` after a field name", None)?;
            let next = self.scanner.whitespace(None)?;
            if self.scanner.name() == member && next == Some(b'[') {
                self.scanner.bump();
                if self.first()? {
                    return Ok(true);
                }
            } else {
                self.scanner.value(&mut Sink::counting())?;
            }
        }
    }

    /// After the root value: nothing may follow.
    fn finish(&mut self, root: &str) -> Result<bool> {
        match self.scanner.whitespace(None)? {
            None => Ok(false),
            Some(_) => {
                let here = self.scanner.position();
                let message = format!("something follows the end of the {root} that holds the documents");
                Err(self.scanner.error("trailing_data", here, message))
            }
        }
    }
}
