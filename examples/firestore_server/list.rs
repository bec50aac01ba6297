//! `ListDocuments` and `ListCollectionIds`.

use std::ops::Bound;

use tonic::Status;

use crate::call::Call;
use crate::get::no_transactions;
use crate::name::{Name, full};
use crate::proto::list_collection_ids_request::ConsistencySelector as IdsSelector;
use crate::proto::list_documents_request::ConsistencySelector;
use crate::proto::{
    Bytes, Document, ListCollectionIdsRequest, ListCollectionIdsResponse, ListDocumentsRequest, ListReply, encode,
};
use crate::query::mask::Mask;
use crate::store::{Snapshot, above, decode_path, decode_segment, encode_path, push_segment, segment_end};

/// Documents in a page, where the request does not say, and at most.
const PAGE: (usize, usize) = (20, 300);
/// The same for collection ids.
const IDS: (usize, usize) = (100, 300);

fn page_size(asked: i32, (default, most): (usize, usize)) -> Result<usize, Status> {
    let asked = usize::try_from(asked).map_err(|_| Status::invalid_argument("page_size must not be negative."))?;
    Ok(if asked == 0 { default } else { asked.min(most) })
}

/// A page of a collection, in the order of names.
pub async fn list_documents(call: Call, request: ListDocumentsRequest) -> Result<ListReply, Status> {
    let restart = call.begin_unary("ListDocuments", Some(&request.collection_id)).await?;
    let parent = Name::parent(&request.parent)?;
    if !matches!(request.order_by.trim(), "" | "__name__" | "__name__ asc") {
        return Err(Status::unimplemented("this server lists by __name__ only"));
    }
    if request.show_missing && !request.order_by.is_empty() {
        return Err(Status::invalid_argument("show_missing and order_by do not go together."));
    }
    let mask = Mask::of_document(request.mask.as_ref())?;
    let time = match &request.consistency_selector {
        None => None,
        Some(ConsistencySelector::ReadTime(time)) => Some(time),
        Some(ConsistencySelector::Transaction(_)) => return Err(no_transactions()),
    };
    let snapshot = call.snapshot(&parent.database, time)?;
    let size = page_size(request.page_size, PAGE)?;
    let mut walk = Walk::new(&parent, &request.collection_id, &snapshot);
    if !request.page_token.is_empty() && !restart {
        let path = request.page_token.strip_prefix("after:");
        let path = path.ok_or_else(|| Status::invalid_argument("Invalid page token."))?;
        walk.from = above(&encode_path(path));
    }
    let mut documents = Vec::new();
    let mut last = String::new();
    while documents.len() < size {
        let Some((path, found)) = walk.next(request.show_missing) else { break };
        let bytes = match (found, &mask) {
            (Some(bytes), Some(mask)) => mask.apply(&bytes)?,
            (Some(bytes), None) => bytes,
            (None, _) => encode(&Document { name: full(&parent.database, &path), ..Document::default() }),
        };
        documents.push(bytes);
        last = path;
    }
    let more = documents.len() == size && walk.next(request.show_missing).is_some();
    match documents.len() as u64 {
        0 => call.app.billing.minimum(),
        sent => call.app.billing.sent(sent, sent),
    }
    let next_page_token = if more { format!("after:{last}") } else { String::new() };
    Ok(ListReply { documents, next_page_token })
}

/// Goes from document to document of a collection (of all collections of a parent, where none is named), jumping over
/// what is below them.
struct Walk<'a> {
    snapshot: &'a Snapshot,
    parent: usize,
    from: Vec<u8>,
    upper: Vec<u8>,
}

impl<'a> Walk<'a> {
    fn new(parent: &Name, collection_id: &str, snapshot: &'a Snapshot) -> Self {
        let mut prefix = encode_path(&parent.path);
        let parent = prefix.len();
        let mut upper = above(&prefix);
        if collection_id.is_empty() {
            // Just after the parent itself.
            prefix.push(0);
        } else {
            push_segment(&mut prefix, collection_id);
            upper = above(&prefix);
        }
        Self { snapshot, parent, from: prefix, upper }
    }

    /// The next document's path, with its content unless it exists only as an ancestor.
    fn next(&mut self, show_missing: bool) -> Option<(String, Option<Bytes>)> {
        let database = self.snapshot.database.read();
        loop {
            let entry = database.first(Bound::Included(&self.from), &self.upper, self.snapshot.at)?;
            let end = segment_end(&entry.key, segment_end(&entry.key, self.parent));
            let document = &entry.key[..end];
            self.from = above(document);
            if end == entry.key.len() {
                let bytes = entry.at(self.snapshot.at).map(|content| content.bytes.clone());
                return Some((entry.path(), bytes));
            }
            if show_missing {
                return Some((decode_path(document), None));
            }
        }
    }
}

/// A page of the ids of a document's or the root's collections.
pub async fn list_collection_ids(
    call: Call,
    request: ListCollectionIdsRequest,
) -> Result<ListCollectionIdsResponse, Status> {
    let restart = call.begin_unary("ListCollectionIds", None).await?;
    let parent = Name::parent(&request.parent)?;
    let time = request.consistency_selector.as_ref().map(|IdsSelector::ReadTime(time)| time);
    let snapshot = call.snapshot(&parent.database, time)?;
    call.app.billing.list();
    let size = page_size(request.page_size, IDS)?;
    let prefix = encode_path(&parent.path);
    let upper = above(&prefix);
    let mut from = [prefix.as_slice(), &[0]].concat();
    if let Some(last) = Some(request.page_token.as_str()).filter(|token| !token.is_empty() && !restart) {
        let last = last.strip_prefix("after:").ok_or_else(|| Status::invalid_argument("Invalid page token."))?;
        from = prefix.clone();
        push_segment(&mut from, last);
        from = above(&from);
    }
    let mut collection_ids: Vec<String> = Vec::new();
    let database = snapshot.database.read();
    let mut next_page_token = String::new();
    while let Some(entry) = database.first(Bound::Included(&from), &upper, snapshot.at) {
        if collection_ids.len() == size {
            next_page_token = collection_ids.last().map(|last| format!("after:{last}")).unwrap_or_default();
            break;
        }
        let end = segment_end(&entry.key, prefix.len());
        collection_ids.push(decode_segment(&entry.key[prefix.len()..end]));
        from = above(&entry.key[..end]);
    }
    Ok(ListCollectionIdsResponse { collection_ids, next_page_token })
}
