//! Walking files in which documents are nested by collection and id, however large each of them is.
//!
//! A document's own fields are a record; its sub-collections are cut out of it (`{}` stands in their place) and are
//! walked when they are asked for.

use std::sync::Arc;

use super::parser::Fault;
use super::scan::{Position, Scanner};
use super::shape::Layout;
use super::sink::Sink;
use super::split::{Found, Mark};
use crate::domain::document::CollectionPattern;
use crate::error::{Error, Result};

/// Walks one file.
pub(super) struct Tree {
    scanner: Scanner,
    /// The member of a document that holds its sub-collections.
    nested: &'static str,
    /// The collection whose documents are wanted; `None` finds the documents of all, without their fields.
    wanted: Option<CollectionPattern>,
    frames: Vec<Frame>,
    /// The innermost object was just opened.
    fresh: bool,
    /// Where the pieces of the record in the sink come from: (byte in the record, place in the file).
    pieces: Vec<(u64, Position)>,
}

/// An object that is open.
#[derive(Clone)]
enum Frame {
    /// Collections by name, of the document with this path (the database itself: empty).
    Collections(Arc<str>),
    /// Documents by id, of this collection.
    Documents(Arc<str>),
    /// The members of the document with this path.
    Document(Arc<str>),
}

/// What a collection has to do with the wanted one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Relation {
    /// Its documents are wanted.
    Wanted,
    /// Documents below it may be wanted.
    Above,
    /// Nothing.
    Unrelated,
    /// Everything is to be found.
    Surveyed,
}

impl Frame {
    fn path(&self) -> &str {
        match self {
            Self::Collections(path) | Self::Document(path) | Self::Documents(path) => path,
        }
    }

    /// The frame that is open in the `depth`th place of a layout.
    fn at(layout: Layout, depth: usize, path: Arc<str>) -> Self {
        let first = match layout {
            Layout::Collection => 1,
            Layout::Database => 2,
            _ => 0,
        };
        match (first + depth) % 3 {
            0 => Self::Collections(path),
            1 => Self::Documents(path),
            _ => Self::Document(path),
        }
    }
}

impl Tree {
    /// Goes on at the mark that `scanner` was opened at. `root` is the collection of a layout that names none.
    pub(super) fn new(
        mut scanner: Scanner,
        layout: Layout,
        root: &str,
        wanted: Option<CollectionPattern>,
        from: &Mark,
    ) -> Result<Self> {
        let frame = |(depth, path): (usize, &String)| Frame::at(layout, depth, path.as_str().into());
        let mut frames: Vec<Frame> = from.inside.iter().enumerate().map(frame).collect();
        let fresh = from.position.offset == 0;
        if fresh {
            scanner.byte_order_mark()?;
            scanner.expect(b'{', "an object", None)?;
            let root = if layout == Layout::Collection { root } else { "" };
            frames.push(Frame::at(layout, 0, root.into()));
        }
        let nested = if layout == Layout::Collections { "subCollection" } else { "__collections__" };
        Ok(Self { scanner, nested, wanted, frames, fresh, pieces: Vec::new() })
    }

    /// The next document. Without a wanted collection, the sink stays empty.
    pub(super) fn next(&mut self, sink: &mut Sink) -> Result<Option<Found>> {
        loop {
            let Some(frame) = self.frames.last() else {
                return self.finish().map(|()| None);
            };
            let frame = frame.clone();
            if !self.member()? {
                self.frames.pop();
                continue;
            }
            match frame {
                Frame::Collections(parent) => self.enter_collection(&parent)?,
                Frame::Documents(collection) => {
                    if let Some(found) = self.document(collection, sink)? {
                        return Ok(Some(found));
                    }
                }
                Frame::Document(path) => self.enter_document_member(path)?,
            }
        }
    }

    /// Where reading can go on: the open objects, and the place in them.
    pub(super) fn mark(&mut self) -> Mark {
        let inside = self.frames.iter().map(|frame| frame.path().to_owned()).collect();
        Mark { position: self.scanner.position(), inside }
    }

    /// The error of a record that is no JSON: the record's pieces tell where in the file it is.
    pub(super) fn fault(&self, raw: &[u8], fault: &Fault) -> Error {
        let at = match fault {
            Fault::Syntax { at, .. } => *at,
            Fault::Reject(_) => 0,
        };
        let piece = self.pieces.iter().rev().find(|(begin, _)| *begin as usize <= at);
        let (begin, start) = piece.map_or((0, Position::START), |(begin, start)| (*begin as usize, *start));
        let fault = match fault {
            Fault::Syntax { at, message } => Fault::Syntax { at: at - begin, message: message.clone() },
            Fault::Reject(rejection) => Fault::Reject(rejection.clone()),
        };
        self.scanner.fault(start, raw.get(begin..).unwrap_or_default(), &fault)
    }

    /// Moves to the value of the next member of the innermost object; false where the object ends.
    fn member(&mut self) -> Result<bool> {
        match (self.scanner.whitespace(None)?, self.fresh) {
            (Some(b'}'), _) => {
                self.scanner.bump();
                self.fresh = false;
                return Ok(false);
            }
            (Some(b','), false) => {
                self.scanner.bump();
                self.scanner.whitespace(None)?;
            }
            (_, true) => {}
            _ => return Err(self.scanner.expected("`,` or `}` after a field")),
        }
        self.fresh = false;
        self.scanner.key(None)?;
        self.scanner.expect(b':', "`:` after a field name", None)?;
        Ok(true)
    }

    fn enter_collection(&mut self, parent: &str) -> Result<()> {
        let here = self.scanner.position();
        let collection = self.collection_path(parent, self.scanner.name(), here)?;
        if self.scanner.whitespace(None)? != Some(b'{') {
            return Err(self
                .scanner
                .expected(&format!("an object of documents by id for the collection `{collection}`")));
        }
        if self.relation(&collection) == Relation::Unrelated {
            return self.pass();
        }
        self.open(Frame::Documents(collection.into()));
        Ok(())
    }

    /// A collection's name is relative to its document, or (firestore-export-import) a whole path.
    fn collection_path(&self, parent: &str, name: &str, here: Position) -> Result<String> {
        let path = if parent.is_empty() || name.contains('/') { name.to_owned() } else { format!("{parent}/{name}") };
        let segments = path.split('/').count();
        let below = parent.is_empty()
            || path
                .strip_prefix(parent)
                .and_then(|rest| rest.strip_prefix('/'))
                .is_some_and(|rest| !rest.contains('/'));
        if segments.is_multiple_of(2) || path.split('/').any(str::is_empty) || !below {
            let message = format!("`{name}` is no collection of `{parent}`");
            return Err(self.scanner.error("json_syntax", here, message));
        }
        Ok(path)
    }

    fn document(&mut self, collection: Arc<str>, sink: &mut Sink) -> Result<Option<Found>> {
        let is_object = self.scanner.whitespace(None)? == Some(b'{');
        let start = self.scanner.position();
        let id = self.scanner.name().to_owned();
        match self.relation(&collection) {
            Relation::Wanted => {
                sink.clear();
                self.pieces.clear();
                self.pieces.push((0, start));
                if is_object && !sink.is_counting() { self.own_fields(sink)? } else { self.scanner.value(sink)? }
            }
            Relation::Above if is_object => {
                self.open(Frame::Document(format!("{collection}/{id}").into()));
                return Ok(None);
            }
            Relation::Surveyed if is_object => self.open(Frame::Document(format!("{collection}/{id}").into())),
            Relation::Surveyed => self.pass()?,
            Relation::Above | Relation::Unrelated => return self.pass().map(|()| None),
        }
        let length = self.scanner.position().offset - start.offset;
        Ok(Some(Found { start, length, owner: Some((collection, id)) }))
    }

    /// A document into the sink, its sub-collections left out.
    fn own_fields(&mut self, sink: &mut Sink) -> Result<()> {
        self.scanner.expect(b'{', "an object", None)?;
        sink.push(b"{");
        let mut first = true;
        loop {
            match (self.scanner.whitespace(Some(sink))?, first) {
                (Some(b'}'), _) => {
                    self.scanner.bump();
                    sink.push(b"}");
                    return Ok(());
                }
                (Some(b','), false) => {
                    self.scanner.bump();
                    sink.push(b",");
                    self.scanner.whitespace(Some(sink))?;
                }
                (_, true) => {}
                _ => return Err(self.scanner.expected("`,` or `}` after a field")),
            }
            first = false;
            self.scanner.key(Some(sink))?;
            self.scanner.expect(b':', "`:` after a field name", Some(sink))?;
            sink.push(b":");
            if self.scanner.whitespace(Some(sink))? == Some(b'{') && self.scanner.name() == self.nested {
                sink.push(b"{}");
                self.pass()?;
                self.pieces.push((sink.length(), self.scanner.position()));
            } else {
                self.scanner.value(sink)?;
            }
        }
    }

    fn enter_document_member(&mut self, path: Arc<str>) -> Result<()> {
        let is_object = self.scanner.whitespace(None)? == Some(b'{');
        if is_object && self.scanner.name() == self.nested {
            self.open(Frame::Collections(path));
            return Ok(());
        }
        if path.is_empty() {
            let here = self.scanner.position();
            let key = self.scanner.name();
            let message = format!("`{key}` stands beside `__collections__`: this is the export of a single document");
            let error = self.scanner.error("single_document_export", here, message);
            return Err(error.hint("the file does not say which document it is; export its collection or the database"));
        }
        self.pass()
    }

    fn relation(&self, collection: &str) -> Relation {
        let Some(wanted) = &self.wanted else { return Relation::Surveyed };
        if wanted.matches(collection) {
            return Relation::Wanted;
        }
        let above = std::iter::successors(wanted.parent(), CollectionPattern::parent);
        if above.into_iter().any(|pattern| pattern.matches(collection)) { Relation::Above } else { Relation::Unrelated }
    }

    fn open(&mut self, frame: Frame) {
        self.scanner.bump();
        self.frames.push(frame);
        self.fresh = true;
    }

    /// Passes over a value.
    fn pass(&mut self) -> Result<()> {
        self.scanner.value(&mut Sink::counting())
    }

    fn finish(&mut self) -> Result<()> {
        match self.scanner.whitespace(None)? {
            None => Ok(()),
            Some(_) => {
                let here = self.scanner.position();
                let message = "something follows the end of the object that holds the documents".to_owned();
                Err(self.scanner.error("trailing_data", here, message))
            }
        }
    }
}
