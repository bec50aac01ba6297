//! Split points of collection groups.

use firestore::gcloud_sdk::google::firestore::v1::partition_query_request::QueryType;
use firestore::gcloud_sdk::google::firestore::v1::{Cursor, PartitionQueryRequest, StructuredQuery};
use firestore::gcloud_sdk::tonic::{Code, Status};

use super::build::*;
use super::place::{Place, request};

async fn split_points(place: &mut Place, query: StructuredQuery, most: i64, page: i32) -> Result<Vec<Cursor>, Status> {
    let mut split = PartitionQueryRequest {
        parent: place.name(""),
        partition_count: most,
        page_size: page,
        query_type: Some(QueryType::StructuredQuery(query)),
        ..PartitionQueryRequest::default()
    };
    let mut points = Vec::new();
    loop {
        let response = place.client.partition_query(request(split.clone())).await?.into_inner();
        points.extend(response.partitions);
        if response.next_page_token.is_empty() {
            return Ok(points);
        }
        split.page_token = response.next_page_token;
    }
}

pub async fn only_of_plain_groups(place: &mut Place) {
    let group = place.group("c").ordered("__name__");
    let wrong = [
        place.collection("c").ordered("__name__"),
        place.group("c"),
        group.clone().first(5),
        group.clone().skipping(5),
        group.clone().start(true, &[reference(&place.name("c/a"))]),
        group.clone().filtered(is("__name__", Op::GreaterThan, reference(&place.name("c/a")))),
    ];
    for query in wrong {
        assert_eq!(
            split_points(place, query.clone(), 4, 0).await.expect_err(&format!("{query:?}")).code(),
            Code::InvalidArgument
        );
    }
    assert_eq!(split_points(place, group.clone(), 0, 0).await.unwrap_err().code(), Code::InvalidArgument);
    assert!(split_points(place, group, 4, 0).await.unwrap().is_empty());
}

pub async fn cover_everything_once(place: &mut Place) {
    let paths: Vec<String> = (0..1_100).map(|index| format!("p/{}/c/{index}", index % 7)).collect();
    place.put_empty(&paths.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let group = place.group("c").ordered("__name__");
    let mut points = split_points(place, group.clone(), 5, 2).await.unwrap();
    assert!(points.len() <= 5);
    // Pages are ordered in themselves only.
    points.sort_by_key(|point| format!("{point:?}"));
    let mut read = Vec::new();
    for index in 0..=points.len() {
        let mut query = group.clone();
        if index > 0 {
            query = query.start(true, &points[index - 1].values);
        }
        if let Some(end) = points.get(index) {
            query = query.end(true, &end.values);
        }
        read.extend(place.paths(query).await);
    }
    assert_eq!(read.len(), paths.len());
    assert_eq!(read, place.paths(group).await);
}
