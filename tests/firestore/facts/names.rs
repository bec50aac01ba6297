//! The order of names, and cursors in it.

use super::build::*;
use super::place::Place;

pub async fn sort_by_utf8_bytes(place: &mut Place) {
    place.put_empty(&["c/😀", "c/\u{ff5e}", "c/ä", "c/a", "c/B", "c/10", "c/9"]).await;
    // UTF-16 would put the emoji before the full-width tilde.
    assert_eq!(place.ids(place.collection("c")).await, ["10", "9", "B", "a", "ä", "\u{ff5e}", "😀"]);
}

pub async fn numeric_ids_come_first(place: &mut Place) {
    let ids = ["__id-9223372036854775808__", "__id-7__", "__id2__", "__id10__", "__id9223372036854775807__", " ", "0"];
    let paths: Vec<String> = ids.iter().rev().map(|id| format!("c/{id}")).collect();
    place.put_empty(&paths.iter().map(String::as_str).collect::<Vec<_>>()).await;
    assert_eq!(place.ids(place.collection("c")).await, ids);
}

pub async fn compare_segment_by_segment(place: &mut Place) {
    // As one text, "a-b/…" would come before "a/…".
    place.put_empty(&["c/a-b/d/1", "c/a/d/2", "c/a/d/1"]).await;
    let query = place.group("d").ordered("__name__");
    assert_eq!(place.paths(query).await, ["c/a/d/1", "c/a/d/2", "c/a-b/d/1"]);
}

pub async fn cursors_need_no_document(place: &mut Place) {
    place.put_empty(&["c/a", "c/c", "c/e"]).await;
    let (b, d) = (reference(&place.name("c/b")), reference(&place.name("c/d")));
    let query = place.collection("c").ordered("__name__").start(true, &[b]).end(true, &[d]);
    assert_eq!(place.ids(query).await, ["c"]);
}

pub async fn start_at_and_after(place: &mut Place) {
    place.put_empty(&["c/a", "c/b", "c/c"]).await;
    let b = [reference(&place.name("c/b"))];
    let query = place.collection("c").ordered("__name__");
    assert_eq!(place.ids(query.clone().start(true, &b)).await, ["b", "c"]);
    assert_eq!(place.ids(query.clone().start(false, &b)).await, ["c"]);
    assert_eq!(place.ids(query.clone().end(true, &b)).await, ["a"]);
    assert_eq!(place.ids(query.end(false, &b)).await, ["a", "b"]);
}

pub async fn pages_by_last_name_miss_nothing(place: &mut Place) {
    let paths: Vec<String> = (0..95).map(|index| format!("c/{:02}", index * 37 % 95)).collect();
    place.put_empty(&paths.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let mut read: Vec<String> = Vec::new();
    loop {
        let mut query = place.collection("c").ordered("__name__").first(10);
        if let Some(last) = read.last() {
            query = query.start(false, &[reference(&place.name(last))]);
        }
        let page = place.paths(query).await;
        let ended = page.len() < 10;
        read.extend(page);
        if ended {
            break;
        }
    }
    assert_eq!(read, (0..95).map(|index| format!("c/{index:02}")).collect::<Vec<_>>());
}

pub async fn ranges_end_at_impossible_names(place: &mut Place) {
    place.put_empty(&["c/a", "c/z", "d/a"]).await;
    // How the clients say "everything of a collection", with any depth below it.
    let first = format!("{}/__id-9223372036854775808__", place.name("c"));
    let after = format!("{}\0/__id-9223372036854775808__", place.name("c"));
    let range =
        [is("__name__", Op::GreaterThanOrEqual, reference(&first)), is("__name__", Op::LessThan, reference(&after))];
    let query = place.collection("c").filtered(all(&range));
    assert_eq!(place.ids(query).await, ["a", "z"]);
    let query = place.collection("c").ordered("__name__").start(true, &[reference(&first)]);
    assert_eq!(place.ids(query.end(true, &[reference(&after)])).await, ["a", "z"]);
}

pub async fn filters_by_name(place: &mut Place) {
    place.put_empty(&["c/a", "c/b", "c/c", "c/d"]).await;
    let name = |place: &Place, id: &str| reference(&place.name(&format!("c/{id}")));
    let (a, b, d) = (name(place, "a"), name(place, "b"), name(place, "d"));
    let query = |filter| place.collection("c").filtered(filter);
    let range = query(all(&[is("__name__", Op::GreaterThan, a.clone()), is("__name__", Op::LessThan, d.clone())]));
    let (one, two) = (query(is("__name__", Op::Equal, b)), query(is("__name__", Op::In, array(&[d, a]))));
    assert_eq!(place.ids(range).await, ["b", "c"]);
    assert_eq!(place.ids(one).await, ["b"]);
    assert_eq!(place.ids(two).await, ["a", "d"]);
}
