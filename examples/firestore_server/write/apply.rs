//! Writes, applied all at once.

use std::collections::HashMap;

use tonic::Status;

use super::fields::{check_fields, merge, normalize};
use crate::call::App;
use crate::name::{Name, check_writable, full};
use crate::proto::precondition::ConditionType;
use crate::proto::write::Operation;
use crate::proto::{Document, MapValue, Message, Precondition, Write, WriteResult, encode, micros, timestamp};
use crate::store::{Content, Database};
use crate::value::identical_maps;

/// What a commit is about to leave, by path.
type Staged = HashMap<String, Option<Content>>;

/// Applies all writes or none. Returns the time of the commit and a result for each.
pub fn commit_all(app: &App, database: &str, writes: &[Write]) -> Result<(i64, Vec<WriteResult>), Status> {
    // A database that does not parse here would be one that nobody can read.
    Name::parent(&format!("{database}/documents"))?;
    let shared = app.store.database(database);
    let mut locked = shared.write();
    let at = app.store.clock.commit();
    let mut staged = Staged::new();
    let mut results = Vec::with_capacity(writes.len());
    for write in writes {
        let updated = stage(&locked, &mut staged, database, at, write)?;
        results.push(WriteResult { update_time: updated.map(timestamp), transform_results: Vec::new() });
    }
    app.billing.written(staged.len() as u64);
    for (path, content) in staged {
        if content.is_some() || locked.knows(&path) {
            locked.put(&path, at, content);
        }
    }
    Ok((at, results))
}

/// Applies one write to what is staged. Returns the document's update time.
fn stage(
    locked: &Database,
    staged: &mut Staged,
    database: &str,
    at: i64,
    write: &Write,
) -> Result<Option<i64>, Status> {
    if !write.update_transforms.is_empty() {
        return Err(Status::unimplemented("transforms are not part of this server"));
    }
    let (name, update) = match &write.operation {
        Some(Operation::Update(document)) => (&document.name, Some(document)),
        Some(Operation::Delete(name)) => (name, None),
        Some(Operation::Transform(_)) => return Err(Status::unimplemented("transforms are not part of this server")),
        None => return Err(Status::invalid_argument("a write without an operation")),
    };
    let path = Name::document_in(database, name)?.path;
    let old = match staged.get(&path) {
        Some(content) => content.clone(),
        None => locked.get(&path, i64::MAX).cloned(),
    };
    check(write.current_document.as_ref(), old.as_ref(), name)?;
    let Some(document) = update else {
        staged.insert(path, None);
        return Ok(None);
    };
    check_writable(&path).map_err(|why| Status::invalid_argument(format!("{name}: {why}")))?;
    let before = old.as_ref().map(decode).transpose()?;
    let mut fields = match (&write.update_mask, &before) {
        (Some(mask), before) => {
            merge(before.as_ref().map(|before| &before.fields), &document.fields, &mask.field_paths)?
        }
        (None, _) => document.fields.clone(),
    };
    check_fields(&fields).map_err(Status::invalid_argument)?;
    fields.values_mut().for_each(normalize);
    if let (Some(old), Some(before)) = (&old, before)
        && identical_maps(&MapValue { fields: before.fields }, &MapValue { fields: fields.clone() })
    {
        return Ok(Some(old.updated));
    }
    let created = old.map_or(at, |old| old.created);
    staged.insert(path.clone(), Some(content(full(database, &path), fields, created, at)));
    Ok(Some(at))
}

/// A document as it is stored.
pub fn content(name: String, fields: HashMap<String, crate::proto::Value>, created: i64, updated: i64) -> Content {
    let times = (Some(timestamp(created)), Some(timestamp(updated)));
    let document = Document { name, fields, create_time: times.0, update_time: times.1 };
    Content { bytes: encode(&document), created, updated }
}

fn decode(content: &Content) -> Result<Document, Status> {
    Document::decode(content.bytes.clone()).map_err(|error| Status::internal(error.to_string()))
}

fn check(condition: Option<&Precondition>, old: Option<&Content>, name: &str) -> Result<(), Status> {
    match condition.and_then(|condition| condition.condition_type.as_ref()) {
        None => Ok(()),
        Some(ConditionType::Exists(true)) if old.is_none() => {
            Err(Status::not_found(format!("No document to update: {name}")))
        }
        Some(ConditionType::Exists(false)) if old.is_some() => {
            Err(Status::already_exists(format!("Document already exists: {name}")))
        }
        Some(ConditionType::Exists(_)) => Ok(()),
        Some(ConditionType::UpdateTime(time)) => match old {
            None => Err(Status::not_found(format!("No document to update: {name}"))),
            Some(old) if old.updated == micros(time) => Ok(()),
            Some(_) => Err(Status::failed_precondition("the stored version does not match the required base version")),
        },
    }
}
