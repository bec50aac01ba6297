//! `Commit`, `BatchWrite`, and the methods that write one document.

mod apply;
mod fields;

use std::collections::HashSet;

use tonic::Status;

use crate::call::Call;
use crate::faults::mix;
use crate::name::Name;
use crate::proto::precondition::ConditionType;
use crate::proto::write::Operation;
use crate::proto::{
    BatchWriteRequest, BatchWriteResponse, CommitRequest, CommitResponse, CreateDocumentRequest, DeleteDocumentRequest,
    Document, Message, Precondition, UpdateDocumentRequest, Write, WriteResult, timestamp,
};
use crate::query::mask::Mask;
use crate::store::Clock;
use firestore::gcloud_sdk::google::rpc;

pub use apply::{commit_all, content};
pub use fields::check_name;

/// All writes or none, at one time.
pub async fn commit(call: Call, request: CommitRequest) -> Result<CommitResponse, Status> {
    call.begin_unary("Commit", None).await?;
    if !request.transaction.is_empty() {
        return Err(crate::get::no_transactions());
    }
    let (at, write_results) = commit_all(&call.app, &request.database, &request.writes)?;
    Ok(CommitResponse { write_results, commit_time: Some(timestamp(at)) })
}

/// Each write by itself, in any order: one may fail and the others not.
pub async fn batch_write(call: Call, request: BatchWriteRequest) -> Result<BatchWriteResponse, Status> {
    call.begin_unary("BatchWrite", None).await?;
    let mut names = HashSet::new();
    if !request.writes.iter().all(|write| names.insert(target(write))) {
        return Err(Status::invalid_argument("A document may be written once in a batch only."));
    }
    let mut response = BatchWriteResponse::default();
    for write in &request.writes {
        let (result, status) = match commit_all(&call.app, &request.database, std::slice::from_ref(write)) {
            Ok((_, results)) => (results.into_iter().next().unwrap_or_default(), rpc::Status::default()),
            Err(status) => {
                let failed =
                    rpc::Status { code: status.code() as i32, message: status.message().to_owned(), details: vec![] };
                (WriteResult::default(), failed)
            }
        };
        response.write_results.push(result);
        response.status.push(status);
    }
    Ok(response)
}

fn target(write: &Write) -> &str {
    match &write.operation {
        Some(Operation::Update(document)) => &document.name,
        Some(Operation::Delete(name)) => name,
        Some(Operation::Transform(transform)) => &transform.document,
        None => "",
    }
}

/// A new document; without an id it gets one.
pub async fn create_document(call: Call, request: CreateDocumentRequest) -> Result<Document, Status> {
    call.begin_unary("CreateDocument", Some(&request.collection_id)).await?;
    let parent = Name::parent(&request.parent)?;
    let id = match request.document_id.as_str() {
        "" => automatic_id(Clock::wall() as u64),
        id => id.to_owned(),
    };
    let mut document = request.document.unwrap_or_default();
    document.name = format!("{}/{}/{id}", request.parent, request.collection_id);
    let new = Precondition { condition_type: Some(ConditionType::Exists(false)) };
    let mask = Mask::of_document(request.mask.as_ref())?;
    let write =
        Write { operation: Some(Operation::Update(document.clone())), current_document: Some(new), ..Write::default() };
    write_one(&call, &parent.database, &write, &document.name, mask.as_ref())
}

/// A document changed, or created.
pub async fn update_document(call: Call, request: UpdateDocumentRequest) -> Result<Document, Status> {
    let document = request.document.unwrap_or_default();
    let name = Name::document(&document.name)?;
    call.begin_unary("UpdateDocument", Some(name.collection_id())).await?;
    let mask = Mask::of_document(request.mask.as_ref())?;
    let write = Write {
        operation: Some(Operation::Update(document.clone())),
        update_mask: request.update_mask,
        current_document: request.current_document,
        ..Write::default()
    };
    write_one(&call, &name.database, &write, &document.name, mask.as_ref())
}

/// A document gone.
pub async fn delete_document(call: Call, request: DeleteDocumentRequest) -> Result<(), Status> {
    let name = Name::document(&request.name)?;
    call.begin_unary("DeleteDocument", Some(name.collection_id())).await?;
    let write = Write {
        operation: Some(Operation::Delete(request.name)),
        current_document: request.current_document,
        ..Write::default()
    };
    commit_all(&call.app, &name.database, &[write]).map(drop)
}

fn write_one(call: &Call, database: &str, write: &Write, name: &str, mask: Option<&Mask>) -> Result<Document, Status> {
    let (at, _) = commit_all(&call.app, database, std::slice::from_ref(write))?;
    let path = Name::document(name)?.path;
    let content = call.app.store.database(database).read().get(&path, at).cloned();
    let content = content.ok_or_else(|| Status::internal("written and not there"))?;
    let bytes = mask.map_or(Ok(content.bytes.clone()), |mask| mask.apply(&content.bytes))?;
    Document::decode(bytes).map_err(|error| Status::internal(error.to_string()))
}

/// An id as the clients make them: 20 letters and digits, here always the same for a number.
pub fn automatic_id(seed: u64) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut id = String::with_capacity(20);
    let mut bits = 0;
    for place in 0..20 {
        if place % 10 == 0 {
            bits = mix(seed.wrapping_mul(2).wrapping_add(place / 10).wrapping_add(0x9E37_79B9_7F4A_7C15));
        }
        id.push(char::from(LETTERS[(bits % 62) as usize]));
        bits /= 62;
    }
    id
}
