//! `GetDocument` and `BatchGetDocuments`.

use std::collections::HashSet;

use tonic::Status;

use crate::call::Call;
use crate::name::Name;
use crate::proto::batch_get_documents_request::ConsistencySelector as BatchSelector;
use crate::proto::get_document_request::ConsistencySelector;
use crate::proto::{
    BatchGetDocumentsRequest, BatchGetReply, Document, GetDocumentRequest, Message, Timestamp, timestamp,
};
use crate::query::mask::Mask;
use crate::stream::{Item, Replies, replies};

/// The refusal of everything that has to do with transactions.
pub fn no_transactions() -> Status {
    Status::unimplemented("transactions are not part of this server")
}

/// One document.
pub async fn get_document(call: Call, request: GetDocumentRequest) -> Result<Document, Status> {
    let name = Name::document(&request.name)?;
    call.begin_unary("GetDocument", Some(name.collection_id())).await?;
    let mask = Mask::of_document(request.mask.as_ref())?;
    let snapshot = call.snapshot(&name.database, read_time(request.consistency_selector.as_ref())?)?;
    let found = snapshot.database.read().get(&name.path, snapshot.at).cloned();
    let Some(content) = found else {
        call.app.billing.sent(0, 1);
        return Err(Status::not_found(format!("Document \"{}\" not found.", request.name)));
    };
    call.app.billing.sent(1, 1);
    let bytes = mask.map_or(Ok(content.bytes.clone()), |mask| mask.apply(&content.bytes))?;
    Document::decode(bytes).map_err(|error| Status::internal(error.to_string()))
}

fn read_time(selector: Option<&ConsistencySelector>) -> Result<Option<&Timestamp>, Status> {
    match selector {
        None => Ok(None),
        Some(ConsistencySelector::ReadTime(time)) => Ok(Some(time)),
        Some(ConsistencySelector::Transaction(_)) => Err(no_transactions()),
    }
}

/// Many documents, each once, in the order asked for.
pub async fn batch_get_documents(
    call: Call,
    request: BatchGetDocumentsRequest,
) -> Result<Replies<BatchGetReply>, Status> {
    let wanted: Result<Vec<Name>, Status> =
        request.documents.iter().map(|name| Name::document_in(&request.database, name)).collect();
    let wanted = wanted?;
    let fault = call.begin("BatchGetDocuments", wanted.first().map(Name::collection_id)).await?;
    let mask = Mask::of_document(request.mask.as_ref())?;
    let time = match &request.consistency_selector {
        None => None,
        Some(BatchSelector::ReadTime(time)) => Some(time),
        Some(_) => return Err(no_transactions()),
    };
    let snapshot = call.snapshot(&request.database, time)?;
    let mut seen = HashSet::new();
    let items = wanted.into_iter().filter(move |name| seen.insert(name.path.clone())).map(move |name| {
        let found = snapshot.database.read().get(&name.path, snapshot.at).cloned();
        let found = match (found, &mask) {
            (Some(content), Some(mask)) => Some(mask.apply(&content.bytes)?),
            (content, _) => content.map(|content| content.bytes),
        };
        let documents = u64::from(found.is_some());
        let missing = found.is_none().then(|| crate::name::full(&name.database, &name.path));
        let reply = BatchGetReply { found, missing, read_time: Some(timestamp(snapshot.at)) };
        Ok(Item { reply, documents, reads: 1 })
    });
    Ok(replies(call, Box::new(items), fault))
}
