//! What a query finds, and what its responses carry.

use firestore::gcloud_sdk::tonic::Code;

use super::build::*;
use super::place::Place;

pub async fn limit_and_offset(place: &mut Place) {
    place.put_empty(&["c/a", "c/b", "c/c", "c/d"]).await;
    assert_eq!(place.ids(place.collection("c").first(2)).await, ["a", "b"]);
    assert_eq!(place.ids(place.collection("c").skipping(1).first(2)).await, ["b", "c"]);
}

pub async fn empty_has_a_read_time(place: &mut Place) {
    let query = place.collection("nothing");
    let responses = place.responses("", query, None).await.unwrap();
    assert_eq!(responses.len(), 1);
    assert!(responses[0].document.is_none() && responses[0].read_time.is_some());
}

pub async fn every_response_has_the_read_time(place: &mut Place) {
    place.put_empty(&["c/a", "c/b", "c/c"]).await;
    let query = place.collection("c");
    let responses = place.responses("", query, None).await.unwrap();
    let times: Vec<_> = responses.iter().map(|response| response.read_time.unwrap()).collect();
    assert!(times.iter().all(|time| *time == times[0]));
    assert_eq!(times[0].nanos % 1_000, 0);
}

pub async fn collections_do_not_reach_down(place: &mut Place) {
    place.put_empty(&["c/a", "c/a/c/b", "c/a/d/e/c/f"]).await;
    let query = place.collection("c");
    assert_eq!(place.paths(query.clone()).await, ["c/a"]);
    let below = place.documents_below("c/a", query).await.unwrap();
    assert_eq!(below.iter().map(|document| place.path(&document.name)).collect::<Vec<_>>(), ["c/a/c/b"]);
}

pub async fn groups_reach_down_from_the_parent(place: &mut Place) {
    place.put_empty(&["d/1", "c/a/d/2", "c/a/e/x/d/3", "c/b/d/4"]).await;
    let query = place.group("d").ordered("__name__");
    assert_eq!(place.paths(query.clone()).await, ["c/a/d/2", "c/a/e/x/d/3", "c/b/d/4", "d/1"]);
    let below = place.documents_below("c/a", query).await.unwrap();
    assert_eq!(below.iter().map(|document| place.path(&document.name)).collect::<Vec<_>>(), ["c/a/d/2", "c/a/e/x/d/3"]);
}

pub async fn orders_and_cursors_by_field(place: &mut Place) {
    for (id, n) in [("a", 2), ("b", 1), ("c", 2), ("d", 3)] {
        place.put(&format!("c/{id}"), fields(&[("n", integer(n))])).await;
    }
    place.put_empty(&["c/without"]).await;
    let query = place.collection("c").ordered("n");
    assert_eq!(place.ids(query.clone()).await, ["b", "a", "c", "d"]);
    assert_eq!(place.ids(place.collection("c").descending("n")).await, ["d", "c", "a", "b"]);
    // A cursor of fewer values than the order stands before or after all that are equal.
    assert_eq!(place.ids(query.clone().start(true, &[integer(2)])).await, ["a", "c", "d"]);
    assert_eq!(place.ids(query.clone().start(false, &[integer(2)])).await, ["d"]);
    let (query, a) = (query.ordered("__name__"), reference(&place.name("c/a")));
    assert_eq!(place.ids(query.start(false, &[integer(2), a])).await, ["c", "d"]);
}

pub async fn values_sort_by_type(place: &mut Place) {
    let root = place.name("c/a");
    let ascending = [
        null(),
        boolean(false),
        boolean(true),
        double(f64::NAN),
        double(f64::NEG_INFINITY),
        integer(i64::MIN),
        integer(9_007_199_254_740_992),
        integer(9_007_199_254_740_993),
        double(f64::INFINITY),
        time(0, 0),
        text(""),
        text("\u{ff5e}"),
        text("😀"),
        bytes(&[]),
        bytes(&[0xFF]),
        reference(&root),
        reference(&place.name("c/a/d/b")),
        reference(&place.name("c/a-")),
        point(-1.0, 5.0),
        point(1.0, -5.0),
        array(&[]),
        array(&[integer(1)]),
        array(&[integer(1), null()]),
        array(&[integer(2)]),
        vector(&[9.0]),
        vector(&[1.0, 2.0]),
        map(&[]),
        map(&[("a", integer(1))]),
        map(&[("a", integer(1)), ("b", null())]),
        map(&[("a", integer(2))]),
        map(&[("b", null())]),
    ];
    let ids: Vec<String> = (0..ascending.len()).map(|index| format!("{:02}", (index * 7) % ascending.len())).collect();
    for (id, value) in ids.iter().zip(&ascending) {
        place.put(&format!("c/{id}"), fields(&[("v", value.clone())])).await;
    }
    assert_eq!(place.ids(place.collection("c").ordered("v")).await, ids);
}

pub async fn selects_fields(place: &mut Place) {
    let address = map(&[("city", text("Łódź")), ("zip", integer(1))]);
    place.put("c/a", fields(&[("n", integer(1)), ("a.b", integer(2)), ("address", address)])).await;
    let one = |documents: Vec<firestore::gcloud_sdk::google::firestore::v1::Document>| documents[0].clone();
    let masked = one(place.documents(place.collection("c").only(&["`a.b`", "address.city", "missing"])).await);
    assert_eq!(masked.fields, fields(&[("a.b", integer(2)), ("address", map(&[("city", text("Łódź"))]))]));
    let names = one(place.documents(place.collection("c").only(&["__name__"])).await);
    assert!(names.fields.is_empty() && names.update_time.is_some() && place.path(&names.name) == "c/a");
    assert_eq!(one(place.documents(place.collection("c").only(&[])).await).fields.len(), 3);
}

pub async fn counts(place: &mut Place) {
    place.put_empty(&["c/a", "c/b", "c/c", "c/a/c/x"]).await;
    assert_eq!(place.count(place.collection("c"), None).await, 3);
    assert_eq!(place.count(place.group("c"), None).await, 4);
    assert_eq!(place.count(place.collection("c"), Some(2)).await, 2);
    assert_eq!(place.count(place.collection("c").first(1), None).await, 1);
    assert_eq!(place.count(place.collection("nothing"), None).await, 0);
    let after = reference(&place.name("c/a"));
    assert_eq!(place.count(place.collection("c").ordered("__name__").start(false, &[after]), None).await, 2);
}

async fn needs_an_index(place: &mut Place, query: firestore::gcloud_sdk::google::firestore::v1::StructuredQuery) {
    let refusal = place.refusal(query).await;
    assert_eq!(refusal.code(), Code::FailedPrecondition);
    assert!(refusal.message().starts_with("The query requires an index."), "{refusal}");
}

pub async fn groups_have_no_field_indexes(place: &mut Place) {
    place.put("c/a", fields(&[("n", integer(1))])).await;
    needs_an_index(place, place.group("c").filtered(is("n", Op::Equal, integer(1)))).await;
    needs_an_index(place, place.group("c").ordered("n")).await;
}

pub async fn composite_queries_need_an_index(place: &mut Place) {
    place.put("c/a", fields(&[("n", integer(1)), ("m", integer(1))])).await;
    let more = is("n", Op::GreaterThan, integer(0));
    needs_an_index(place, place.collection("c").filtered(more.clone()).ordered("__name__")).await;
    needs_an_index(place, place.collection("c").filtered(is("m", Op::Equal, integer(1))).ordered("n")).await;
    needs_an_index(place, place.collection("c").filtered(more.clone()).ordered("n").ordered("m")).await;
    needs_an_index(place, place.collection("c").descending("__name__")).await;
    assert_eq!(place.ids(place.collection("c").filtered(more)).await, ["a"]);
    let equal = all(&[is("n", Op::Equal, integer(1)), is("m", Op::Equal, integer(1))]);
    assert_eq!(place.ids(place.collection("c").filtered(equal).ordered("__name__")).await, ["a"]);
}
