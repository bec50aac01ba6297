//! One record's bytes to one document.

use std::sync::Arc;

use super::backfire;
use super::locate::{Located, database, locate, text_member};
use super::parser::{Fault, Parsed, Parser};
use super::rest;
use super::shape::Shape;
use super::value::{self, Style, is_document_path};
use crate::domain::document::{CollectionPattern, Document, DocumentPath, Origin};
use crate::domain::reject::{RejectCode, Rejection};
use crate::domain::value::{Map, Timestamp, Value};

/// The field that names the whole path of a plain document whose file name does not say whose child it is.
pub(super) const PATH_FIELD: &str = "$path";

/// What firebase-to-supabase calls the id: the first of these that the document does not use itself.
const SUPABASE_IDS: [&str; 4] = ["firestore_id", "firestoreid", "original_id", "originalid"];

/// Which collection the records of a file belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Owner {
    /// All of them to this one.
    File(Arc<str>),
    /// Each says it itself.
    Record,
}

/// Decodes the records of one file for one collection.
pub(super) struct Decoder {
    pub(super) shape: Shape,
    pub(super) id_field: String,
    pub(super) wanted: CollectionPattern,
    pub(super) owner: Owner,
    /// The collection path that the last record had, to share it.
    pub(super) last: Arc<str>,
}

/// A record that is no document: why, and its path where that was found.
pub(super) struct Refused {
    pub(super) fault: Fault,
    pub(super) document: Option<String>,
}

impl Decoder {
    /// Whether the record belongs to the wanted collection. One whose collection cannot be found may belong to any,
    /// so it is reported in each: a document must not get lost because its record is damaged.
    pub(super) fn wants(&self, located: &Located) -> bool {
        match located {
            Located::Nothing => false,
            Located::Unknown | Located::Invalid(_) => true,
            Located::Path(path) => match path.rsplit_once('/') {
                Some((collection, _)) => collection == &*self.last || self.wanted.matches(collection),
                None => true,
            },
        }
    }

    /// Where a record of this shape says that it belongs; for shapes whose records do not say, `Unknown`.
    pub(super) fn locate(&self, raw: &[u8]) -> Located {
        if self.shape.carries_paths() { locate(self.shape, raw) } else { Located::Unknown }
    }

    /// Decodes a record. `owner` is its collection and id where its place in the file tells them.
    pub(super) fn decode(
        &mut self,
        raw: &[u8],
        located: &Located,
        owner: Option<&(Arc<str>, String)>,
        origin: Origin,
    ) -> Result<Document, Refused> {
        let decoded = match std::str::from_utf8(raw) {
            Ok(text) => self.document(text, located, owner),
            Err(error) => {
                let reason = format!("the bytes from the record's byte {} on are not valid UTF-8", error.valid_up_to());
                Err(Fault::reject(RejectCode::InvalidUtf8, reason))
            }
        };
        match decoded {
            Ok((path, fields, [created, updated])) => Ok(Document { path, fields, created, updated, origin }),
            Err(fault) => Err(Refused { document: self.path_of(raw, located, owner), fault }),
        }
    }

    /// The path of a record that was refused, as far as it can be found.
    pub(super) fn path_of(&self, raw: &[u8], located: &Located, owner: Option<&(Arc<str>, String)>) -> Option<String> {
        let path = match (located, owner, &self.owner) {
            (Located::Path(path), _, _) => path.clone(),
            (_, Some((collection, id)), _) => format!("{collection}/{id}"),
            (_, _, Owner::File(collection)) => {
                let id = match self.shape {
                    Shape::FirebaseAuthExport => text_member(raw, &["localId"]),
                    Shape::FirebaseToSupabase => text_member(raw, &SUPABASE_IDS),
                    _ => text_member(raw, &[&self.id_field]),
                };
                format!("{collection}/{}", id?)
            }
            _ => text_member(raw, &[PATH_FIELD])?,
        };
        DocumentPath::parse(&path).map(|_| path)
    }

    fn document(
        &mut self,
        text: &str,
        located: &Located,
        owner: Option<&(Arc<str>, String)>,
    ) -> Parsed<(DocumentPath, Map, [Option<Timestamp>; 2])> {
        let mut parser = Parser::new(text);
        if parser.peek()? != b'{' {
            parser.skip()?;
            parser.end()?;
            return Err(Fault::reject(RejectCode::MalformedRecord, "a document must be a JSON object"));
        }
        let mut times = [None, None];
        let (path, fields) = match (self.shape, owner) {
            (Shape::FirestoreRest, _) => {
                let own = database(text.as_bytes()).unwrap_or_default();
                let document = rest::document(&mut parser, &own)?;
                times = [document.created, document.updated];
                (self.own_path(located, "name")?, document.fields)
            }
            (Shape::FirestoreBackfire, _) => {
                let fields = backfire::fields(&mut parser)?;
                parser.end()?;
                (self.own_path(located, "path")?, fields)
            }
            (shape, Some((collection, id))) => {
                let node = shape == Shape::NodeFirestoreImportExport;
                let (style, nested) =
                    if node { (Style::Node, "__collections__") } else { (Style::Admin, "subCollection") };
                let mut fields = value::map(&mut parser, style)?;
                if matches!(fields.get(nested), Some(Value::Map(_))) {
                    fields.remove(nested);
                }
                (DocumentPath::new(Arc::clone(collection), checked_id(id)?), fields)
            }
            (Shape::FirebaseAuthExport, None) => {
                let fields = value::map(&mut parser, Style::Json)?;
                (self.path(id_in(&fields, "localId")?), fields)
            }
            (Shape::FirebaseToSupabase, None) => {
                let mut fields = value::map(&mut parser, Style::Admin)?;
                let field = fields.iter().map(|(name, _)| name).filter(|name| SUPABASE_IDS.contains(name)).last();
                let field = field.unwrap_or(SUPABASE_IDS[0]).to_owned();
                let id = id_in(&fields, &field)?;
                fields.remove(&field);
                (self.path(id), fields)
            }
            (_, None) => {
                let mut fields = value::map(&mut parser, Style::Admin)?;
                let path = self.plain_path(&mut fields)?;
                (path, fields)
            }
        };
        parser.end()?;
        Ok((path, fields, times))
    }

    fn path(&self, id: String) -> DocumentPath {
        DocumentPath { collection: Arc::clone(&self.last), id }
    }

    fn plain_path(&mut self, fields: &mut Map) -> Parsed<DocumentPath> {
        if matches!(self.owner, Owner::File(_)) {
            return Ok(self.path(id_in(fields, &self.id_field)?));
        }
        let path = match fields.remove(PATH_FIELD) {
            Some(Value::String(path)) => path,
            Some(_) => return Err(Fault::reject(RejectCode::InvalidId, format!("`{PATH_FIELD}` must be a string"))),
            None => {
                let reason = format!("`{PATH_FIELD}` is missing: documents of {} need their whole path", self.wanted);
                return Err(Fault::reject(RejectCode::MissingId, reason));
            }
        };
        let located = if is_document_path(&path) { Located::Path(path) } else { Located::Invalid(path) };
        self.own_path(&located, PATH_FIELD)
    }

    /// The path that a record says itself.
    fn own_path(&mut self, located: &Located, field: &str) -> Parsed<DocumentPath> {
        let parts = match located {
            Located::Path(path) => path.rsplit_once('/').map(|parts| (path, parts)),
            Located::Invalid(path) => {
                let reason = format!("`{field}` is not the path of a document: `{path}`");
                return Err(Fault::reject(RejectCode::InvalidId, reason));
            }
            Located::Unknown | Located::Nothing => None,
        };
        let Some((path, (collection, id))) = parts else {
            return Err(missing(format!("`{field}` is missing or names no document")));
        };
        if *collection != *self.last {
            if !self.wanted.matches(collection) {
                let reason = format!("`{field}` is not in {}: `{path}`", self.wanted);
                return Err(Fault::reject(RejectCode::InvalidId, reason));
            }
            self.last = collection.into();
        }
        Ok(self.path(id.to_owned()))
    }
}

fn id_in(fields: &Map, field: &str) -> Parsed<String> {
    match fields.get(field) {
        None | Some(Value::Null) => Err(missing(format!("the id field `{field}` is missing"))),
        Some(Value::String(id)) => checked_id(id),
        Some(Value::Integer(id)) => Ok(id.to_string()),
        Some(other) => {
            let reason = format!("the id in `{field}` must be text or an integer, not {}", other.type_name());
            Err(Fault::reject(RejectCode::InvalidId, reason))
        }
    }
}

fn checked_id(id: &str) -> Parsed<String> {
    if id.is_empty() {
        return Err(missing("the id is empty".to_owned()));
    }
    if id.contains('/') {
        let reason = format!("the id `{id}` contains a `/`");
        return Err(Fault::Reject(Rejection::new(RejectCode::InvalidId, reason)));
    }
    Ok(id.to_owned())
}

fn missing(reason: String) -> Fault {
    Fault::reject(RejectCode::MissingId, reason)
}
