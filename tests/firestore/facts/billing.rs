//! What reading costs. Only our own server tells.

use serde_json::json;

use super::build::*;
use super::place::Place;

pub async fn a_read_per_document(place: &mut Place) {
    place.put_empty(&["c/a", "c/b", "c/c"]).await;
    place.documents(place.collection("c").only(&["__name__"])).await;
    place.get("c/a").await.unwrap();
    place.get("c/missing").await.unwrap_err();
    let billed = place.billed();
    assert_eq!(billed["billed"]["documents"], 5, "{billed}");
    assert_eq!(billed["calls"], json!({"Commit": 1, "GetDocument": 2, "RunQuery": 1}));
}

pub async fn at_least_one_per_query(place: &mut Place) {
    place.documents(place.collection("nothing")).await;
    assert_eq!(place.billed()["billed"]["total"], 1);
}

pub async fn skipped_documents_too(place: &mut Place) {
    place.put_empty(&["c/a", "c/b", "c/c"]).await;
    place.documents(place.collection("c").skipping(2)).await;
    let billed = place.billed();
    assert_eq!(billed["billed"]["total"], 3, "{billed}");
    assert_eq!(billed["offset_used"], true);
}

pub async fn a_count_by_thousands(place: &mut Place) {
    let paths: Vec<String> = (0..1_001).map(|index| format!("c/{index}")).collect();
    place.put_empty(&paths.iter().map(String::as_str).collect::<Vec<_>>()).await;
    place.count(place.collection("c").first(1_000), None).await;
    assert_eq!(place.billed()["billed"]["total"], 1);
    place.count(place.collection("c"), None).await;
    assert_eq!(place.billed()["billed"]["total"], 2);
    place.count(place.collection("nothing"), None).await;
    assert_eq!(place.billed()["billed"]["total"], 1);
}
