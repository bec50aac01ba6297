//! Reading one file for one collection: records from the splitter, documents from the decoder.

use std::path::Path;
use std::sync::Arc;

use super::bounds::Bounds;
use super::decode::{Decoder, Owner, Refused};
use super::locate::{Located, locate};
use super::parser::Fault;
use super::scan::Scanner;
use super::shape::{Layout, Shape};
use super::sink::{Body, Sink};
use super::split::{Flat, Found, Mark, Splitter};
use super::tree::Tree;
use crate::domain::document::{CollectionPattern, Origin};
use crate::domain::reject::{RejectCode, Rejection};
use crate::error::Result;
use crate::source::{MalformedRecord, ReadRequest, Record};

/// Asked now and then; true ends the reading with an error.
pub(super) type Stop = Box<dyn Fn() -> bool + Send>;

/// Opens a splitter at a mark. `wanted` is only needed in nested shapes.
pub(super) fn splitter(
    path: &Path,
    bounds: &Bounds,
    wanted: Option<CollectionPattern>,
    from: &Mark,
    stop: Stop,
) -> Result<Splitter> {
    let scanner = Scanner::open(path, from.position, stop)?;
    Ok(if bounds.layout.is_tree() {
        let root = bounds.collection.as_deref().unwrap_or_default();
        Splitter::Tree(Tree::new(scanner, bounds.layout, root, wanted, from)?)
    } else {
        Splitter::Flat(Flat::new(scanner, bounds.layout, from.position))
    })
}

/// Reads the records of one collection in one file.
pub(super) struct Reader {
    splitter: Splitter,
    sink: Sink,
    decoder: Decoder,
    file: Arc<str>,
    limit: usize,
    lines: bool,
}

/// What became of a record.
pub(super) enum Taken {
    /// One of this collection.
    Record(Record),
    /// One of another collection.
    Passed,
    /// There are no more.
    End,
}

impl Reader {
    /// Opens a file at a mark.
    pub(super) fn open(
        path: &Path,
        bounds: &Bounds,
        id_field: &str,
        request: &ReadRequest,
        from: &Mark,
        stop: Stop,
    ) -> Result<Self> {
        let splitter = splitter(path, bounds, Some(request.collection.clone()), from, stop)?;
        Ok(Self {
            splitter,
            sink: Sink::new(request.max_document_bytes),
            decoder: decoder(bounds, id_field, &request.collection),
            file: bounds.file.as_str().into(),
            limit: request.max_document_bytes,
            lines: bounds.layout == Layout::Lines,
        })
    }

    /// Where reading stands.
    pub(super) fn mark(&mut self) -> Mark {
        self.splitter.mark()
    }

    /// The next record.
    pub(super) fn next(&mut self) -> Result<Taken> {
        let Some(found) = self.splitter.next(&mut self.sink)? else {
            return Ok(Taken::End);
        };
        let raw = match self.sink.body() {
            Body::Whole(raw) => raw,
            Body::Oversized { head, hash } => {
                let located = self.decoder.locate(head);
                if !self.decoder.wants(&located) {
                    return Ok(Taken::Passed);
                }
                let document = self.decoder.path_of(head, &located, found.owner.as_ref());
                let origin = origin(&self.file, &found);
                return Ok(Taken::Record(oversized(origin, document, hash, self.sink.length(), self.limit)));
            }
        };
        let located = self.decoder.locate(raw);
        if !self.decoder.wants(&located) {
            return Ok(Taken::Passed);
        }
        let origin = origin(&self.file, &found);
        let refused = match self.decoder.decode(raw, &located, found.owner.as_ref(), origin) {
            Ok(document) => return Ok(Taken::Record(Record::Document(document))),
            Err(refused) => refused,
        };
        let rejection = match &refused.fault {
            Fault::Reject(rejection) => rejection.clone(),
            // A line is a record whatever it holds; brackets and commas around it cannot be trusted any more.
            Fault::Syntax { at, message } if self.lines => {
                let reason = format!("not valid JSON: {message}, at byte {} of the line", at + 1);
                Rejection::new(RejectCode::MalformedRecord, reason)
            }
            fault @ Fault::Syntax { .. } => return Err(self.splitter.fault(found.start, raw, fault)),
        };
        Ok(Taken::Record(malformed(&self.file, &found, refused, rejection, raw)))
    }
}

/// The decoder of a file's records for one collection.
fn decoder(bounds: &Bounds, id_field: &str, wanted: &CollectionPattern) -> Decoder {
    let owner = match &bounds.collection {
        Some(collection) if !bounds.shape.carries_paths() && !has_wildcard(collection) => {
            Owner::File(collection.as_str().into())
        }
        _ => Owner::Record,
    };
    let last = match &owner {
        Owner::File(collection) => Arc::clone(collection),
        Owner::Record => "".into(),
    };
    Decoder { shape: bounds.shape, id_field: id_field.to_owned(), wanted: wanted.clone(), owner, last }
}

fn has_wildcard(collection: &str) -> bool {
    collection.split('/').any(|segment| segment == "*")
}

fn origin(file: &Arc<str>, found: &Found) -> Origin {
    Origin { file: Some(Arc::clone(file)), offset: found.start.offset, length: found.length, line: found.start.line }
}

fn oversized(origin: Origin, document: Option<String>, hash: String, length: u64, limit: usize) -> Record {
    let reason = format!("the document has {length} bytes; max_document_bytes is {limit}");
    let rejection = Rejection::new(RejectCode::OversizedDocument, reason);
    Record::Malformed(MalformedRecord { rejection, origin, document, raw: None, hash: Some(hash) })
}

fn malformed(file: &Arc<str>, found: &Found, refused: Refused, rejection: Rejection, raw: &[u8]) -> Record {
    Record::Malformed(MalformedRecord {
        rejection,
        origin: origin(file, found),
        document: refused.document,
        raw: Some(raw.to_vec()),
        hash: None,
    })
}

/// Counts the records that reading the collection in the file would give, without decoding any.
pub(super) fn count(path: &Path, bounds: &Bounds, request: &ReadRequest) -> Result<u64> {
    let from = Mark::START;
    let mut splitter = splitter(path, bounds, Some(request.collection.clone()), &from, Box::new(|| false))?;
    let by_record = bounds.shape.carries_paths() && !bounds.layout.is_tree();
    let mut sink = if by_record { Sink::new(request.max_document_bytes) } else { Sink::counting() };
    let decoder = decoder(bounds, "", &request.collection);
    let mut count = 0;
    while splitter.next(&mut sink)?.is_some() {
        let wanted = !by_record || decoder.wants(&locate_in(bounds.shape, &sink));
        count += u64::from(wanted);
    }
    Ok(count)
}

/// Where a record in a sink says that it belongs.
pub(super) fn locate_in(shape: Shape, sink: &Sink) -> Located {
    match sink.body() {
        Body::Whole(raw) | Body::Oversized { head: raw, .. } => locate(shape, raw),
    }
}
