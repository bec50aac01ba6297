//! What comes back of what was written.

use firestore::gcloud_sdk::google::firestore::v1::value::ValueType;

use super::build::*;
use super::place::Place;

async fn round_trip(place: &mut Place, written: Fields) -> Fields {
    place.put("c/a", written).await;
    place.documents(place.collection("c")).await.remove(0).fields
}

pub async fn timestamps_are_cut_to_microseconds(place: &mut Place) {
    let written =
        fields(&[("t", time(1, 123_456_789)), ("old", time(-1, 999_999_999)), ("list", array(&[time(2, 999)]))]);
    let expected =
        fields(&[("t", time(1, 123_456_000)), ("old", time(-1, 999_999_000)), ("list", array(&[time(2, 0)]))]);
    assert_eq!(round_trip(place, written).await, expected);
}

pub async fn timestamps_reach_from_year_1_to_9999(place: &mut Place) {
    let written = fields(&[("first", time(-62_135_596_800, 0)), ("last", time(253_402_300_799, 999_999_000))]);
    assert_eq!(round_trip(place, written.clone()).await, written);
}

pub async fn integers_are_exact(place: &mut Place) {
    let written = fields(&[
        ("max", integer(i64::MAX)),
        ("min", integer(i64::MIN)),
        ("odd", integer(9_007_199_254_740_993)),
        ("one", integer(1)),
        ("one_point_zero", double(1.0)),
    ]);
    assert_eq!(round_trip(place, written.clone()).await, written);
}

pub async fn doubles_are_exact(place: &mut Place) {
    let doubles =
        [-0.0, 0.0, 0.1 + 0.2, f64::MIN_POSITIVE, 5e-324, f64::MAX, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
    let values: Vec<_> = doubles.iter().map(|each| double(*each)).collect();
    let read = round_trip(place, fields(&[("list", array(&values))])).await;
    let Some(ValueType::ArrayValue(read)) = &read["list"].value_type else { panic!("{read:?}") };
    for (written, read) in doubles.iter().zip(&read.values) {
        let Some(ValueType::DoubleValue(read)) = read.value_type else { panic!("{read:?}") };
        assert!(read.to_bits() == written.to_bits() || (read.is_nan() && written.is_nan()), "{written}: {read}");
    }
}

pub async fn empty_and_null_stay(place: &mut Place) {
    let written = fields(&[
        ("null", null()),
        ("text", text("")),
        ("bytes", bytes(&[])),
        ("list", array(&[])),
        ("map", map(&[])),
        ("nested", map(&[("map", map(&[])), ("list", array(&[null(), map(&[])]))])),
    ]);
    let read = round_trip(place, written.clone()).await;
    assert_eq!(read, written);
    assert!(!read.contains_key("missing"));
}

pub async fn any_field_name(place: &mut Place) {
    let written = fields(&[
        ("a.b", integer(1)),
        ("`", integer(2)),
        ("😀 ü\\", integer(3)),
        ("__", integer(4)),
        (" ", integer(5)),
    ]);
    assert_eq!(round_trip(place, written.clone()).await, written);
}

pub async fn every_type(place: &mut Place) {
    let written = fields(&[
        ("reference", reference(&place.name("nowhere/at/all/there"))),
        ("point", point(-90.0, 180.0)),
        ("bytes", bytes(&[0, 255])),
        ("vector", vector(&[1.5, -0.5])),
        ("text", text("e\u{301} é \0 \u{feff}")),
        ("true", boolean(true)),
    ]);
    assert_eq!(round_trip(place, written.clone()).await, written);
}

pub async fn large_documents(place: &mut Place) {
    let large = "x".repeat(1_000_000);
    place.put("c/a", fields(&[("large", bytes(large.as_bytes()))])).await;
    place.put("c/b", fields(&[("large", bytes(large.as_bytes()))])).await;
    assert_eq!(place.ids(place.collection("c")).await, ["a", "b"]);
}
