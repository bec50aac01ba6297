//! What a profile says does not depend on the order of documents, and not on how many there are.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use crate::domain::document::{CollectionPattern, Document, DocumentPath, Origin};
use crate::domain::json;
use crate::domain::value::{Map, Value};

fn document(id: usize, fields: &str) -> Document {
    let Value::Map(fields) = json::decode(fields).unwrap() else { unreachable!() };
    of(id, fields)
}

fn of(id: usize, fields: Map) -> Document {
    let path = DocumentPath::new("users", id.to_string());
    Document { path, fields, created: None, updated: None, origin: Origin::default() }
}

fn profile<'a>(documents: impl IntoIterator<Item = &'a Document>) -> CollectionProfile {
    let users = CollectionPattern::of("users");
    let mut collector = Collector::new(users.clone(), Known::new([&users]), usize::MAX);
    documents.into_iter().for_each(|document| collector.observe(document));
    let mut profile = collector.finish();
    profile.complete = true;
    resolve(std::slice::from_mut(&mut profile));
    profile
}

fn text(profile: &CollectionProfile) -> String {
    serde_json::to_string_pretty(profile).unwrap()
}

fn field<'a>(profile: &'a CollectionProfile, path: &str) -> &'a FieldProfile {
    profile.fields.iter().find(|field| field.path == path).unwrap()
}

/// Few names and many, so that maps are records in some cases and dictionaries in others.
fn value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Boolean),
        (-3_i64..900).prop_map(Value::Integer),
        any::<i64>().prop_map(Value::Integer),
        any::<f64>().prop_map(Value::Double),
        "[a-c]{0,2}".prop_map(Value::String),
        "[a-z]{0,50}".prop_map(Value::String),
        (0_usize..40).prop_map(|id| Value::Reference(format!("users/{id}"))),
        (0_usize..12).prop_map(|name| Value::Reference(format!("c{name}/x"))),
    ];
    scalar.prop_recursive(3, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((names(), inner), 0..12).prop_map(|fields| Value::Map(fields.into_iter().collect())),
        ]
    })
}

fn names() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-d]", 1 => "[a-z]{2}", 1 => Just("userId".to_owned()), 1 => "2024-0[1-9]-[0-2][0-9]"]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]
    #[test]
    fn the_order_of_documents_does_not_matter(
        (documents, shuffled) in prop::collection::vec(prop::collection::vec((names(), value()), 0..8), 0..120)
            .prop_map(|all| all.into_iter().enumerate().map(|(id, fields)| of(id, fields.into_iter().collect())).collect::<Vec<_>>())
            .prop_flat_map(|documents| (Just(documents.clone()), Just(documents).prop_shuffle()))
    ) {
        prop_assert_eq!(text(&profile(&documents)), text(&profile(&shuffled)));
    }
}

#[test]
fn what_passes_a_cap_is_forgotten_as_a_whole_in_every_order() {
    let name = |index: usize| format!(r#"{{"m":{{"k{index}":{{"v":"{index}","w":[{index}]}}}},"t":"{}"}}"#, index / 3);
    let documents: Vec<Document> = (0..60_000).map(|index| document(index, &name(index))).collect();
    let forward = profile(&documents);
    assert_eq!(text(&forward), text(&profile(documents.iter().rev())));
    let map = field(&forward, "m").map.as_ref().unwrap();
    assert_eq!(map.kind, model::MapKind::Dictionary);
    assert!(!map.names.exact && map.names.count.abs_diff(60_000) < 6_000, "{:?}", map.names);
    assert_eq!(map.values.as_ref().unwrap().count("map"), 60_000);
    let distinct = field(&forward, "t").distinct.unwrap();
    assert!(!distinct.exact && distinct.count.abs_diff(20_000) < 2_000, "{distinct:?}");
}

#[test]
fn types_presence_and_null_are_counted() {
    let documents: Vec<Document> = (0..100)
        .map(|id| match id {
            0..90 => document(id, &format!(r#"{{"age":{id},"role":"user","uid":"{id}"}}"#)),
            90..97 => document(id, r#"{"age":"old","role":"admin","uid":"0"}"#),
            _ => document(id, r#"{"age":null}"#),
        })
        .collect();
    let found = profile(&documents);
    let age = field(&found, "age");
    assert_eq!((age.of, age.present, age.null), (100, 100, 3));
    assert_eq!((age.count("integer"), age.count("string")), (90, 7));
    assert_eq!(age.types[1].examples, ["\"old\""]);
    assert_eq!(age.unique, Some(false));
    let role = field(&found, "role");
    assert_eq!(role.values.as_ref().unwrap().get("user"), Some(&90));
    assert_eq!((role.of, role.present), (100, 97));
    let uid = field(&found, "uid");
    assert_eq!(uid.repeats_id, 90);
    assert_eq!(uid.resolves[0].resolved, Some(90), "{:?}", uid.resolves);
}

#[test]
fn records_and_dictionaries_are_told_apart() {
    let languages = ["de", "fr", "uk", "ja", "pt"];
    let documents: Vec<Document> = (0..50)
        .map(|id| {
            let language = languages[id % 5];
            let fields = format!(
                r#"{{"address":{{"street":"s{id}","city":"c"}},"levels":{{"{language}":{{"level":1}}}},
                "names":{{"{language}":"x"}},"days":{{"2024-01-0{}":1}}}}"#,
                id % 9 + 1
            );
            document(id, &fields)
        })
        .collect();
    let found = profile(&documents);
    let kind = |path| field(&found, path).map.as_ref().unwrap().kind;
    assert_eq!(kind("address"), model::MapKind::Stable);
    assert_eq!(kind("levels"), model::MapKind::Dictionary);
    assert_eq!(kind("names"), model::MapKind::Dictionary);
    assert_eq!(kind("days"), model::MapKind::Dictionary);
}

#[test]
fn what_collections_hold_for_each_other_has_a_limit() {
    let users = CollectionPattern::of("users");
    let mut collector = Collector::new(users.clone(), Known::new([&users]), usize::MAX);
    let documents: Vec<Document> = (0..1_000).map(|id| document(id, &format!(r#"{{"uid":"{id}"}}"#))).collect();
    documents.iter().for_each(|document| collector.observe(document));
    let mut all = vec![collector.finish()];
    all[0].complete = true;
    assert_eq!(hold(&mut all, usize::MAX), 16_000);
    assert_eq!(all[0].shortened, None);
    // Those of the documents go last.
    assert_eq!(hold(&mut all, 9_000), 8_000);
    assert!(all[0].shortened.as_ref().unwrap().resolving);
    resolve(&mut all);
    assert_eq!((field(&all[0], "uid").repeats_id, field(&all[0], "uid").resolves.len()), (1_000, 0));
    assert_eq!(hold(&mut all, 10), 0);
}

#[test]
fn sets_that_memory_does_not_suffice_for_are_estimated_and_the_largest_give_way_first() {
    let users = CollectionPattern::of("users");
    let mut collector = Collector::new(users.clone(), Known::new([&users]), 600_000);
    let fields = |id: usize| (0..40).map(|k| format!(r#""f{k}Id":{id}"#)).collect::<Vec<_>>().join(",");
    let documents = (0..5_000).map(|id| document(id, &format!(r#"{{{},"kind":"{}"}}"#, fields(id), id % 500)));
    documents.for_each(|document| collector.observe(&document));
    let profile = collector.finish();
    assert!(profile.shortened.as_ref().unwrap().exact_values.unwrap() < 5_000, "{:?}", profile.shortened);
    let large = field(&profile, "f7Id");
    assert!(!large.distinct.unwrap().exact && large.unique.is_none());
    assert_eq!((large.present, large.numbers.as_ref().unwrap().largest_integer), (5_000, Some(4_999)));
    assert_eq!(field(&profile, "kind").distinct, Some(model::Count { count: 500, exact: true }));
}
