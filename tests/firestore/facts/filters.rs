//! Which documents a filter lets through.

use super::build::*;
use super::place::Place;

/// Documents with one field `v` of many kinds, and one without it.
async fn kinds(place: &mut Place) {
    let kinds = [
        ("five", integer(5)),
        ("five_and_a_half", double(5.5)),
        ("five_point_zero", double(5.0)),
        ("list", array(&[integer(5), text("x")])),
        ("nan", double(f64::NAN)),
        ("null", null()),
        ("text", text("5")),
        ("true", boolean(true)),
    ];
    for (id, value) in kinds {
        place.put(&format!("c/{id}"), fields(&[("v", value)])).await;
    }
    place.put("c/without", fields(&[("w", integer(5))])).await;
}

async fn found(
    place: &mut Place,
    filter: firestore::gcloud_sdk::google::firestore::v1::structured_query::Filter,
) -> Vec<String> {
    let mut ids = place.ids(place.collection("c").filtered(filter)).await;
    ids.sort_unstable();
    ids
}

pub async fn equality_is_of_numbers_not_of_types(place: &mut Place) {
    kinds(place).await;
    assert_eq!(found(place, is("v", Op::Equal, integer(5))).await, ["five", "five_point_zero"]);
    assert_eq!(found(place, is("v", Op::Equal, text("5"))).await, ["text"]);
}

pub async fn null_is_not_missing(place: &mut Place) {
    kinds(place).await;
    assert_eq!(found(place, unary("v", Unary::IsNull)).await, ["null"]);
    let not_null = found(place, unary("v", Unary::IsNotNull)).await;
    assert_eq!(not_null, ["five", "five_and_a_half", "five_point_zero", "list", "nan", "text", "true"]);
}

pub async fn nan_has_its_own_filter(place: &mut Place) {
    kinds(place).await;
    assert_eq!(found(place, unary("v", Unary::IsNan)).await, ["nan"]);
}

pub async fn unequal_leaves_out_null_and_missing(place: &mut Place) {
    kinds(place).await;
    let unequal = found(place, is("v", Op::NotEqual, integer(5))).await;
    assert_eq!(unequal, ["five_and_a_half", "list", "nan", "text", "true"]);
    let not_in = found(place, is("v", Op::NotIn, array(&[integer(5), text("5")]))).await;
    assert_eq!(not_in, ["five_and_a_half", "list", "nan", "true"]);
}

pub async fn ranges_stay_in_a_type(place: &mut Place) {
    kinds(place).await;
    let at_least = found(place, is("v", Op::GreaterThanOrEqual, integer(5))).await;
    assert_eq!(at_least, ["five", "five_and_a_half", "five_point_zero"]);
    assert_eq!(found(place, is("v", Op::GreaterThan, text(""))).await, ["text"]);
    assert_eq!(found(place, is("v", Op::LessThan, boolean(true))).await, [""; 0]);
}

pub async fn lists(place: &mut Place) {
    kinds(place).await;
    assert_eq!(found(place, is("v", Op::ArrayContains, double(5.0))).await, ["list"]);
    assert_eq!(found(place, is("v", Op::ArrayContainsAny, array(&[text("x"), text("y")]))).await, ["list"]);
    let among = found(place, is("v", Op::In, array(&[integer(5), boolean(true)]))).await;
    assert_eq!(among, ["five", "five_point_zero", "true"]);
}

pub async fn either_or(place: &mut Place) {
    kinds(place).await;
    let either = any(&[is("v", Op::Equal, text("5")), is("w", Op::Equal, integer(5))]);
    assert_eq!(found(place, either).await, ["text", "without"]);
}

pub async fn nested_and_quoted_fields(place: &mut Place) {
    let address = map(&[("city", text("Porto")), ("zip code", integer(1))]);
    place.put("c/a", fields(&[("address", address), ("a.b", integer(1))])).await;
    place.put("c/b", fields(&[("a", map(&[("b", integer(1))])), ("`", integer(1))])).await;
    assert_eq!(found(place, is("address.city", Op::Equal, text("Porto"))).await, ["a"]);
    assert_eq!(found(place, is("address.`zip code`", Op::Equal, integer(1))).await, ["a"]);
    assert_eq!(found(place, is("`a.b`", Op::Equal, integer(1))).await, ["a"]);
    assert_eq!(found(place, is("a.b", Op::Equal, integer(1))).await, ["b"]);
    assert_eq!(found(place, is("`\\``", Op::Equal, integer(1))).await, ["b"]);
}
