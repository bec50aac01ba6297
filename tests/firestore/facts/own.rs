//! What only the example server has: scripted faults, options, fixtures.

use std::time::{Duration, Instant};

use firestore::gcloud_sdk::google::firestore::v1::run_query_request::QueryType;
use firestore::gcloud_sdk::google::firestore::v1::run_query_response::ContinuationSelector;
use firestore::gcloud_sdk::google::firestore::v1::{RunQueryRequest, StructuredQuery};
use firestore::gcloud_sdk::prost_types::Timestamp;
use firestore::gcloud_sdk::tonic::{Code, Status};
use futures::StreamExt;
use serde_json::{Value, json};

use super::build::*;
use super::place::{Place, request};

/// A server with documents `c/0` to `c/9` and this script.
async fn faulty(arguments: &[&str], rules: Value) -> Place {
    let mut place = Place::with(arguments).await;
    place.put_empty(&["c/0", "c/1", "c/2", "c/3", "c/4", "c/5", "c/6", "c/7", "c/8", "c/9"]).await;
    let server = place.server.as_mut().unwrap();
    server.tell("reset");
    server.faults(&rules);
    place
}

/// The documents of a stream, and how it ended.
async fn streamed(place: &mut Place, query: StructuredQuery) -> (usize, Result<(), Status>) {
    let run = RunQueryRequest {
        parent: place.name(""),
        query_type: Some(QueryType::StructuredQuery(query)),
        ..RunQueryRequest::default()
    };
    let mut stream = match place.client.run_query(request(run)).await {
        Ok(response) => response.into_inner(),
        Err(status) => return (usize::MAX, Err(status)),
    };
    let mut documents = 0;
    while let Some(response) = stream.next().await {
        match response {
            Ok(response) => documents += usize::from(response.document.is_some()),
            Err(status) => return (documents, Err(status)),
        }
    }
    (documents, Ok(()))
}

#[tokio::test]
async fn a_status_comes_before_the_headers_after_them_or_in_mid_stream() {
    let mut place = faulty(
        &[],
        json!([
            {"method": "RunQuery", "kind": "UNAVAILABLE", "message": "try later", "retry_after_ms": 1500},
            {"method": "*", "kind": "INTERNAL", "headers": true},
            {"method": "RunQuery", "kind": "RESOURCE_EXHAUSTED", "after_documents": 3},
        ]),
    )
    .await;
    let query = place.collection("c");
    let (before, error) = streamed(&mut place, query.clone()).await;
    let error = error.unwrap_err();
    assert_eq!((before, error.code(), error.message()), (usize::MAX, Code::Unavailable, "try later"));
    assert!(!error.details().is_empty());
    let (documents, error) = streamed(&mut place, query.clone()).await;
    assert_eq!((documents, error.unwrap_err().code()), (0, Code::Internal));
    let (documents, error) = streamed(&mut place, query.clone()).await;
    assert_eq!((documents, error.unwrap_err().code()), (3, Code::ResourceExhausted));
    assert!(matches!(streamed(&mut place, query).await, (10, Ok(()))));
    let stats = place.billed();
    assert_eq!(stats["faults"], json!({"INTERNAL": 1, "RESOURCE_EXHAUSTED": 1, "UNAVAILABLE": 1}));
    // The minimum for the stream that broke before its first document.
    assert_eq!(stats["billed"]["total"], 1 + 3 + 10);
    assert_eq!(stats["documents_sent"], 13);
}

#[tokio::test]
async fn a_cut_closes_the_connection_in_mid_stream() {
    let mut place = faulty(&[], json!([{"method": "RunQuery", "kind": "cut", "after_documents": 2}])).await;
    let query = place.collection("c");
    let (documents, error) = streamed(&mut place, query.clone()).await;
    assert_eq!(documents, 2);
    assert!(error.is_err());
    assert!(matches!(streamed(&mut place, query).await, (10, Ok(()))));
    assert_eq!(place.billed()["billed"]["total"], 2 + 10);
}

#[tokio::test]
async fn a_stream_may_end_early_or_start_again() {
    let rules = json!([
        {"method": "RunQuery", "collection": "unknown", "kind": "UNAVAILABLE"},
        {"method": "RunQuery", "kind": "end_early", "after_documents": 4},
        {"method": "RunQuery", "kind": "no_advance"},
    ]);
    let mut place = faulty(&[], rules).await;
    let (first, after) = (reference(&place.name("c/0")), reference(&place.name("c/7")));
    let query = place.collection("c").ordered("__name__").start(false, &[after]);
    assert!(matches!(streamed(&mut place, query.clone().start(true, &[first])).await, (4, Ok(()))));
    assert_eq!(place.ids(query.clone()).await.len(), 10);
    assert_eq!(place.ids(query).await, ["8", "9"]);
}

#[tokio::test]
async fn a_call_may_be_slow() {
    let rules = json!([
        {"method": "RunQuery", "kind": "delay", "ms": 150},
        {"method": "RunQuery", "kind": "hang", "ms": 150, "after_documents": 5},
    ]);
    let mut place = faulty(&[], rules).await;
    let query = place.collection("c");
    for _ in 0..2 {
        let start = Instant::now();
        assert!(matches!(streamed(&mut place, query.clone()).await, (10, Ok(()))));
        assert!(start.elapsed() >= Duration::from_millis(150));
    }
}

#[tokio::test]
async fn faults_are_skipped_and_counted_and_kept_until_they_happen() {
    let rules = json!([{"method": "RunQuery", "kind": "ABORTED", "skip": 1, "times": 2, "after_documents": 5}]);
    let mut place = faulty(&[], rules).await;
    let mut outcomes = Vec::new();
    for limit in [10, 10, 3, 10, 10] {
        let query = place.collection("c").first(limit);
        outcomes.push(streamed(&mut place, query).await.0);
    }
    // The short stream did not use the fault up.
    assert_eq!(outcomes, [10, 5, 3, 5, 10]);
}

#[tokio::test]
async fn chances_depend_on_the_seed_only() {
    let mut runs = Vec::new();
    for seed in ["7", "7", "8"] {
        let rules =
            json!([{"method": "RunQuery", "kind": "UNAVAILABLE", "probability": 0.5, "after_documents": [0, 9]}]);
        let mut place = faulty(&["--seed", seed], rules).await;
        let mut outcomes = Vec::new();
        for _ in 0..30 {
            let query = place.collection("c");
            outcomes.push(streamed(&mut place, query).await.0);
        }
        assert!(outcomes.contains(&10) && outcomes.iter().any(|documents| *documents < 10));
        runs.push(outcomes);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
}

#[tokio::test]
async fn only_the_right_token_is_let_in() {
    let mut place = Place::with(&["--token", "owner"]).await;
    assert!(place.ids(place.collection("c")).await.is_empty());
    let mut place = Place::with(&["--token", "secret"]).await;
    let query = place.collection("c");
    assert_eq!(place.refusal(query).await.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn the_end_is_marked_on_request() {
    let mut place = faulty(&["--done"], json!([])).await;
    let query = place.collection("c");
    let responses = place.responses("", query, None).await.unwrap();
    let done: Vec<bool> =
        responses.iter().map(|each| each.continuation_selector == Some(ContinuationSelector::Done(true))).collect();
    assert_eq!(done.iter().filter(|done| **done).count(), 1);
    assert_eq!(done.last(), Some(&true));
}

#[tokio::test]
async fn with_recovery_whole_minutes_of_the_last_days_are_readable() {
    let now = jiff::Timestamp::now().as_second();
    let minute = (now - 2 * 86_400) / 60 * 60;
    let loaded = jiff::Timestamp::from_second(now - 3 * 86_400).unwrap().to_string();
    let arguments = ["--pitr", "--loaded-at", loaded.as_str(), "--generate", "gen:3"];
    let mut place = Place::with(&arguments).await;
    let query = |place: &Place| {
        let mut query = place.collection("gen");
        query.from[0].collection_id = "gen".to_owned();
        query
    };
    let whole = Timestamp { seconds: minute, nanos: 0 };
    let (plain, again) = (query(&place), query(&place));
    assert_eq!(place.responses("", plain, Some(whole)).await.unwrap().len(), 3);
    let odd = Timestamp { seconds: minute + 1, nanos: 0 };
    assert_eq!(place.responses("", again, Some(odd)).await.unwrap_err().code(), Code::FailedPrecondition);
}

#[tokio::test]
async fn fixtures_are_loaded_and_written_by_hand() {
    let mut place = Place::with(&["--fixtures", "fixtures/classroom"]).await;
    let mut users = place.collection("users");
    users.from[0].collection_id = "users".to_owned();
    let lines = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/classroom/users.ndjson"));
    let lines = i64::try_from(lines.unwrap().lines().count()).unwrap();
    assert_eq!(place.count(users.clone(), None).await, lines);
    let server = place.server.as_mut().unwrap();
    server.put("users/by/hand/1", &json!({"n": 1}));
    server.put("users/hand", &json!({"n": [1, 2.5, null, {"a": "b"}]}));
    assert_eq!(place.count(users.clone(), None).await, lines + 1);
    place.server.as_mut().unwrap().tell("delete users/hand");
    assert_eq!(place.count(users, None).await, lines);
    let answer = place.server.as_mut().unwrap().command("nonsense");
    assert!(answer["error"].as_str().unwrap().contains("nonsense"));
}
