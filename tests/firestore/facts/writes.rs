//! What writing does.

use firestore::gcloud_sdk::google::firestore::v1::precondition::ConditionType;
use firestore::gcloud_sdk::google::firestore::v1::{
    BatchGetDocumentsRequest, DocumentMask, Precondition, batch_get_documents_response::Result as Found,
};
use firestore::gcloud_sdk::tonic::Code;
use futures::TryStreamExt;

use super::build::*;
use super::place::{Place, request};

pub async fn times_are_the_commits(place: &mut Place) {
    let first = place.put("c/a", fields(&[("n", integer(1))])).await;
    let second = place.put("c/a", fields(&[("n", integer(2))])).await;
    let document = place.get("c/a").await.unwrap();
    assert_eq!((document.create_time, document.update_time), (Some(first), Some(second)));
    assert_eq!(first.nanos % 1_000, 0);
}

pub async fn writing_the_same_changes_nothing(place: &mut Place) {
    let first = place.put("c/a", fields(&[("n", double(0.0))])).await;
    place.put("c/a", fields(&[("n", double(0.0))])).await;
    assert_eq!(place.get("c/a").await.unwrap().update_time, Some(first));
}

pub async fn masks_change_only_their_fields(place: &mut Place) {
    place
        .put(
            "c/a",
            fields(&[("a", integer(1)), ("b", integer(2)), ("m", map(&[("x", integer(1)), ("y", integer(2))]))]),
        )
        .await;
    let mut write =
        place.replacement("c/a", fields(&[("a", integer(9)), ("m", map(&[("x", integer(9))])), ("c", null())]));
    let paths = ["a", "b", "m.x"].map(str::to_owned).to_vec();
    write.update_mask = Some(DocumentMask { field_paths: paths });
    place.write(vec![write]).await.unwrap();
    let expected = fields(&[("a", integer(9)), ("m", map(&[("x", integer(9)), ("y", integer(2))]))]);
    assert_eq!(place.get("c/a").await.unwrap().fields, expected);
}

pub async fn commits_are_all_or_nothing(place: &mut Place) {
    let good = place.replacement("c/a", Fields::new());
    let mut bad = place.replacement("c/b", Fields::new());
    bad.current_document = Some(Precondition { condition_type: Some(ConditionType::Exists(true)) });
    assert_eq!(place.write(vec![good, bad]).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(place.get("c/a").await.unwrap_err().code(), Code::NotFound);
}

pub async fn preconditions(place: &mut Place) {
    let time = place.put("c/a", fields(&[("n", integer(1))])).await;
    let mut write = place.replacement("c/a", fields(&[("n", integer(2))]));
    write.current_document = Some(Precondition { condition_type: Some(ConditionType::Exists(false)) });
    assert_eq!(place.write(vec![write.clone()]).await.unwrap_err().code(), Code::AlreadyExists);
    write.current_document = Some(Precondition { condition_type: Some(ConditionType::UpdateTime(time)) });
    place.write(vec![write.clone()]).await.unwrap();
    assert_eq!(place.write(vec![write]).await.unwrap_err().code(), Code::FailedPrecondition);
}

pub async fn no_list_directly_in_a_list(place: &mut Place) {
    let write = place.replacement("c/a", fields(&[("v", array(&[array(&[])]))]));
    assert_eq!(place.write(vec![write]).await.unwrap_err().code(), Code::InvalidArgument);
}

pub async fn reserved_names_are_refused(place: &mut Place) {
    for (path, field) in [("c/__a__", "n"), ("c/.", "n"), ("c/a", "__a__"), ("c/a", "")] {
        let write = place.replacement(path, fields(&[(field, integer(1))]));
        let refused = place.write(vec![write]).await.expect_err(path);
        assert_eq!(refused.code(), Code::InvalidArgument, "{path} {field}: {refused}");
    }
}

pub async fn missing_documents_are_told(place: &mut Place) {
    place.put_empty(&["c/b"]).await;
    assert_eq!(place.get("c/a").await.unwrap_err().code(), Code::NotFound);
    let get = BatchGetDocumentsRequest {
        database: place.database.clone(),
        documents: vec![place.name("c/a"), place.name("c/b")],
        ..BatchGetDocumentsRequest::default()
    };
    let responses: Vec<_> =
        place.client.batch_get_documents(request(get)).await.unwrap().into_inner().try_collect().await.unwrap();
    let mut found: Vec<(bool, String)> = responses
        .into_iter()
        .filter_map(|response| response.result)
        .map(|result| match result {
            Found::Found(document) => (true, place.path(&document.name)),
            Found::Missing(name) => (false, place.path(&name)),
        })
        .collect();
    found.sort();
    assert_eq!(found, [(false, "c/a".to_owned()), (true, "c/b".to_owned())]);
}
