//! Only some fields of a document.

use std::collections::HashMap;

use tonic::Status;

use super::field_path::{FieldPath, as_map};
use crate::proto::structured_query::Projection;
use crate::proto::{Bytes, Document, DocumentMask, MapValue, Message, Value, ValueType, encode, value};

/// The fields to keep; none keeps the name and the times.
#[derive(Debug, Clone)]
pub struct Mask(Vec<FieldPath>);

impl Mask {
    /// The mask of reading methods. One without fields is names only.
    pub fn of_document(mask: Option<&DocumentMask>) -> Result<Option<Self>, Status> {
        let paths = mask.map(|mask| mask.field_paths.iter().map(|path| FieldPath::parse(path)).collect());
        paths.transpose().map(|paths| paths.map(Self))
    }

    /// The mask of a query. One without fields is everything, `__name__` alone is names only.
    pub fn of_query(select: Option<&Projection>) -> Result<Option<Self>, Status> {
        let Some(select) = select.filter(|select| !select.fields.is_empty()) else { return Ok(None) };
        let paths: Result<Vec<_>, _> = select.fields.iter().map(|field| FieldPath::parse(&field.field_path)).collect();
        Ok(Some(Self(paths?.into_iter().filter(|path| !path.is_name()).collect())))
    }

    /// The encoded document with these fields only.
    pub fn apply(&self, bytes: &Bytes) -> Result<Bytes, Status> {
        let mut document = Document::decode(bytes.clone()).map_err(|error| Status::internal(error.to_string()))?;
        let mut kept = HashMap::new();
        for path in &self.0 {
            copy(&document.fields, &mut kept, &path.0);
        }
        document.fields = kept;
        Ok(encode(&document))
    }
}

fn copy(from: &HashMap<String, Value>, to: &mut HashMap<String, Value>, path: &[String]) {
    let Some((name, rest)) = path.split_first() else { return };
    let Some(found) = from.get(name) else { return };
    if rest.is_empty() {
        to.insert(name.clone(), found.clone());
        return;
    }
    // Nothing is kept of a map that does not have the field.
    let Some(map) = as_map(found).filter(|map| holds(map, rest)) else { return };
    let place = to.entry(name.clone()).or_insert_with(|| value(ValueType::MapValue(MapValue::default())));
    if let Some(ValueType::MapValue(place)) = &mut place.value_type {
        copy(&map.fields, &mut place.fields, rest);
    }
}

fn holds(map: &MapValue, path: &[String]) -> bool {
    match path {
        [] => true,
        [name] => map.fields.contains_key(name),
        [name, rest @ ..] => map.fields.get(name).and_then(as_map).is_some_and(|map| holds(map, rest)),
    }
}
