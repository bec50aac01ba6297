//! Lists of documents and of collections.

use firestore::gcloud_sdk::google::firestore::v1::{
    Document, DocumentMask, ListCollectionIdsRequest, ListDocumentsRequest,
};

use super::build::*;
use super::place::{Place, request};

/// All documents of a list, page by page, and the number of pages.
async fn listed(
    place: &mut Place,
    show_missing: bool,
    size: i32,
    mask: Option<DocumentMask>,
) -> (Vec<Document>, usize) {
    let mut list = ListDocumentsRequest {
        parent: place.name(""),
        collection_id: place.id("c"),
        page_size: size,
        show_missing,
        mask,
        ..ListDocumentsRequest::default()
    };
    let (mut documents, mut pages) = (Vec::new(), 0);
    loop {
        let page = place.client.list_documents(request(list.clone())).await.unwrap().into_inner();
        documents.extend(page.documents);
        pages += 1;
        if page.next_page_token.is_empty() {
            return (documents, pages);
        }
        list.page_token = page.next_page_token;
    }
}

fn ids(place: &Place, documents: &[Document]) -> Vec<String> {
    documents.iter().map(|document| place.path(&document.name)).collect()
}

pub async fn documents_come_in_pages(place: &mut Place) {
    place.put_empty(&["c/a", "c/b", "c/c", "c/d", "c/e", "c/a/d/x", "d/a"]).await;
    let (documents, pages) = listed(place, false, 2, None).await;
    assert_eq!(ids(place, &documents), ["c/a", "c/b", "c/c", "c/d", "c/e"]);
    assert_eq!(pages, 3);
}

pub async fn phantoms_are_shown_on_request(place: &mut Place) {
    place.put_empty(&["c/b", "c/a/d/x", "c/b/d/y", "c/c/d/y/e/z", "c/gone/d/x", "c/gone"]).await;
    let deletions = vec![place.deletion("c/gone"), place.deletion("c/gone/d/x")];
    place.write(deletions).await.unwrap();
    let (documents, _) = listed(place, true, 2, None).await;
    assert_eq!(ids(place, &documents), ["c/a", "c/b", "c/c"]);
    let times: Vec<bool> = documents.iter().map(|document| document.update_time.is_some()).collect();
    assert_eq!(times, [false, true, false]);
    assert!(documents.iter().all(|document| document.create_time.is_some() == document.update_time.is_some()));
    let (documents, _) = listed(place, false, 10, None).await;
    assert_eq!(ids(place, &documents), ["c/b"]);
}

pub async fn phantoms_are_in_no_query(place: &mut Place) {
    place.put_empty(&["c/a/d/x"]).await;
    assert!(place.ids(place.collection("c")).await.is_empty());
    assert!(place.ids(place.group("c")).await.is_empty());
    assert_eq!(place.paths(place.group("d")).await, ["c/a/d/x"]);
}

pub async fn an_empty_mask_is_names_only(place: &mut Place) {
    place.put("c/a", fields(&[("a", integer(1)), ("b", integer(2))])).await;
    let (documents, _) = listed(place, false, 10, Some(DocumentMask::default())).await;
    assert!(documents[0].fields.is_empty());
    let mask = DocumentMask { field_paths: vec!["b".to_owned()] };
    assert_eq!(listed(place, false, 10, Some(mask)).await.0[0].fields, fields(&[("b", integer(2))]));
}

pub async fn collection_ids_come_in_pages(place: &mut Place) {
    place.put_empty(&["c/a/z/1", "c/a/d/1", "c/a/d/2", "c/a/e/1/f/1", "c/b/g/1"]).await;
    let mut list =
        ListCollectionIdsRequest { parent: place.name("c/a"), page_size: 2, ..ListCollectionIdsRequest::default() };
    let mut found = Vec::new();
    loop {
        let page = place.client.list_collection_ids(request(list.clone())).await.unwrap().into_inner();
        assert!(page.collection_ids.len() <= 2);
        found.extend(page.collection_ids);
        if page.next_page_token.is_empty() {
            break;
        }
        list.page_token = page.next_page_token;
    }
    // The documentation promises no order.
    found.sort();
    assert_eq!(found, ["d", "e", "z"].map(|id| place.id(id)));
}
