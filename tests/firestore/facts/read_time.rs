//! Reading the past.

use std::time::{SystemTime, UNIX_EPOCH};

use firestore::gcloud_sdk::prost_types::Timestamp;
use firestore::gcloud_sdk::tonic::Code;

use super::build::*;
use super::place::Place;

fn seconds_from_now(seconds: i64) -> Timestamp {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64;
    Timestamp { seconds: now + seconds, nanos: 0 }
}

pub async fn gives_the_state_of_that_time(place: &mut Place) {
    let first = place.put("c/a", fields(&[("n", integer(1))])).await;
    let second = place.put("c/a", fields(&[("n", integer(2))])).await;
    place.put_empty(&["c/b"]).await;
    let deletion = place.deletion("c/a");
    let third = place.write(vec![deletion]).await.unwrap().commit_time.unwrap();
    let query = place.collection("c");
    for (time, n) in [(first, 1), (second, 2)] {
        assert_eq!(place.get_at("c/a", Some(time)).await.unwrap().fields["n"], integer(n));
        let responses = place.responses("", query.clone(), Some(time)).await.unwrap();
        let documents: Vec<_> = responses.iter().filter_map(|response| response.document.as_ref()).collect();
        assert_eq!(documents.len(), 1);
        assert_eq!(documents[0].fields["n"], integer(n));
        assert!(responses.iter().all(|response| response.read_time == Some(time)));
    }
    assert_eq!(place.get_at("c/a", Some(third)).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(place.ids(query).await, ["b"]);
}

pub async fn of_the_response_can_be_read_again(place: &mut Place) {
    place.put_empty(&["c/a"]).await;
    let query = place.collection("c");
    let time = place.responses("", query.clone(), None).await.unwrap()[0].read_time.unwrap();
    place.put_empty(&["c/b"]).await;
    let again = place.responses("", query, Some(time)).await.unwrap();
    assert_eq!(again.len(), 1);
}

pub async fn too_old_is_refused(place: &mut Place) {
    let (query, time) = (place.collection("c"), seconds_from_now(-2 * 3_600 - 7));
    let refused = place.responses("", query, Some(time)).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().contains("too old"), "{refused}");
}

pub async fn the_future_is_refused(place: &mut Place) {
    let (query, time) = (place.collection("c"), seconds_from_now(3_600));
    assert_eq!(place.responses("", query, Some(time)).await.unwrap_err().code(), Code::InvalidArgument);
}

pub async fn finer_than_microseconds_is_refused(place: &mut Place) {
    let time = Timestamp { nanos: 1, ..seconds_from_now(-10) };
    let query = place.collection("c");
    assert_eq!(place.responses("", query, Some(time)).await.unwrap_err().code(), Code::InvalidArgument);
}
