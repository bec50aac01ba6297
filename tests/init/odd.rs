//! Documents that make a draft difficult: every one of them must still arrive.

use serde_json::{Map, Value, json};

use super::support::{column, doubts, init, lines, run};
use crate::support::Sandbox;

#[test]
fn texts_that_are_ids_become_foreign_keys_only_where_all_of_them_resolve() {
    let sandbox = Sandbox::new();
    sandbox
        .write("x/users.ndjson", lines((0..50).map(|n| json!({ "id": format!("u{n}"), "email": format!("{n}@x") }))));
    let order = |n: usize| {
        let broken = if n == 7 { "nobody".to_owned() } else { format!("u{}", n % 40) };
        json!({ "id": n, "userId": format!("u{}", n % 50), "sellerUser": broken, "users": [format!("u{}", n % 9)] })
    };
    sandbox.write("x/orders.ndjson", lines((0..200).map(order)));
    let answer = init(&sandbox, "x", &[]);
    let database = run(&sandbox, "x", 250);
    assert_eq!(column(&database, "orders", "user_id"), "TEXT NOT NULL REFERENCES users (id)");
    assert_eq!(column(&database, "order_users", "user"), "TEXT NOT NULL REFERENCES users (id)");
    assert_eq!(column(&database, "users", "email"), "TEXT NOT NULL UNIQUE");
    assert_eq!(column(&database, "orders", "seller_user"), "TEXT NOT NULL");
    let _ = doubts(&answer, "sellerUser");
}

#[test]
fn fields_and_maps_without_number_stay_within_bounds_and_arrive() {
    let sandbox = Sandbox::new();
    let wide = |n: usize| {
        let mut fields: Map<String, Value> = (0..5).map(|k| (format!("f{}", n * 5 + k), json!(n))).collect();
        fields.insert("id".to_owned(), json!(format!("w{n}")));
        Value::Object(fields)
    };
    sandbox.write("x/wide.ndjson", lines((0..2_000).map(wide)));
    let keyed =
        |n: usize| json!({ "id": format!("k{n}"), "scores": { format!("user{n}"): { "points": n, "at": "x" } } });
    sandbox.write("x/keyed.ndjson", lines((0..2_000).map(keyed)));
    let empty = |n: usize| json!({ "id": format!("e{n}"), "m": { "": n }, "": 1 });
    sandbox.write("x/empty.ndjson", lines((0..30).map(empty)));
    init(&sandbox, "x", &[]);
    let database = run(&sandbox, "x", 4_030);
    assert_eq!(database.integer("SELECT count(*) FROM wide WHERE extra ->> '$.f0' = 0"), 1);
    assert_eq!(database.integer("SELECT sum(points) FROM keyed_scores"), 1_999_000);
    assert_eq!(database.integer("SELECT count(*) FROM empty WHERE json_extract(extra, '$.\"\"') = 1"), 30);
}

#[test]
fn numbers_and_places_that_sql_cannot_hold_stay_as_they_are() {
    let sandbox = Sandbox::new();
    let double = |text: &str| json!({ "doubleValue": text });
    let point =
        |latitude: f64, longitude: f64| json!({ "geoPointValue": { "latitude": latitude, "longitude": longitude } });
    let document = |n: usize| {
        let name = format!("projects/p/databases/(default)/documents/things/{n}");
        json!({ "name": name, "fields": {
            "ease": if n == 3 { double("NaN") } else { json!({ "doubleValue": 1.5 }) },
            "place": point(if n == 1 { -0.0 } else { 5.0 }, 7.0),
            "at": { "timestampValue": if n == 2 { "2024-01-01T00:00:00.123456789Z" } else { "2024-01-01T00:00:00Z" } },
            "other": { "referenceValue": if n == 4 { "projects/q/databases/(default)/documents/a/b" } else { "projects/p/databases/(default)/documents/things/1" } },
            "mixed": if n == 5 { json!({ "booleanValue": true }) } else { json!({ "timestampValue": "2024-01-01T00:00:00Z" }) },
            "raw": { "bytesValue": "AAE=" },
            "vector": { "mapValue": { "fields": { "__type__": { "stringValue": "__vector__" }, "value": { "arrayValue": { "values": [{ "doubleValue": if n == 6 { 0.1 } else { 0.5 } }] } } } } }
        }})
    };
    sandbox.write("things.ndjson", lines((0..40).map(document)));
    let answer = init(&sandbox, "things.ndjson", &[]);
    let database = run(&sandbox, "things", 40);
    assert_eq!(database.texts("SELECT ease FROM things WHERE id = '3'"), ["{\"$double\":\"NaN\"}"]);
    assert_eq!(database.texts("SELECT at FROM things WHERE id = '2'"), ["2024-01-01T00:00:00.123456789Z"]);
    assert_eq!(database.texts("SELECT mixed FROM things WHERE id = '5'"), ["true"]);
    assert_eq!(database.integer("SELECT length(vector) FROM things WHERE id = '6'"), 9);
    assert_eq!(column(&database, "things", "raw"), "BLOB NOT NULL");
    assert!(doubts(&answer, "ease")[0].contains("NaN"));
    assert!(doubts(&answer, "other")[0].contains("other databases"), "{answer:#}");
}

#[test]
fn a_map_that_is_sometimes_something_else_is_kept_whole() {
    let sandbox = Sandbox::new();
    let document = |n: usize| match n {
        3 => json!({ "id": n, "address": "none", "tags": "a", "lines": [{ "a": 1 }, 2] }),
        4 => json!({ "id": n, "address": null, "tags": null, "lines": null }),
        _ => json!({ "id": n, "address": { "city": "x" }, "tags": ["a", "b"], "lines": [{ "a": 1 }] }),
    };
    sandbox.write("x/people.ndjson", lines((0..60).map(document)));
    init(&sandbox, "x", &[]);
    let database = run(&sandbox, "x", 60);
    assert_eq!(database.texts("SELECT address FROM people WHERE id = '3'"), ["\"none\""]);
    assert_eq!(database.texts("SELECT lines FROM people WHERE id = '3'"), ["[{\"a\":1},2]"]);
    assert_eq!(column(&database, "people", "address"), "TEXT CHECK (json_valid(address))");
}

#[test]
fn collections_that_refer_to_each_other_and_documents_that_refer_to_themselves() {
    let sandbox = Sandbox::new();
    let root = "projects/p/databases/(default)/documents";
    let reference = |path: String| json!({ "referenceValue": format!("{root}/{path}") });
    let document = |path: String, fields: Value| json!({ "name": format!("{root}/{path}"), "fields": fields });
    let user = |n: usize| {
        let friends = [reference(format!("users/{}", (n + 1) % 30)), reference(format!("users/{}", (n + 9) % 30))];
        document(
            format!("users/{n}"),
            json!({
                "team": reference(format!("teams/{}", n % 5)),
                "boss": reference(format!("users/{}", n / 2)),
                "friends": { "arrayValue": { "values": friends } }
            }),
        )
    };
    let captain = |n: usize| if n == 4 { json!({ "nullValue": null }) } else { reference(format!("users/{n}")) };
    let team = |n: usize| document(format!("teams/{n}"), json!({ "captain": captain(n) }));
    sandbox.write("x/all.ndjson", lines((0..30).map(user).chain((0..5).map(team))));
    let answer = init(&sandbox, "x", &[]);
    let database = run(&sandbox, "x", 35);
    assert_eq!(column(&database, "users", "team_id"), "TEXT NOT NULL REFERENCES teams (id)");
    assert_eq!(column(&database, "users", "boss_id"), "TEXT NOT NULL REFERENCES users (id)");
    assert_eq!(column(&database, "teams", "captain_id"), "TEXT", "one of the two has to go");
    assert_eq!(column(&database, "user_friends", "friend_id"), "TEXT NOT NULL", "friends of friends are friends");
    assert!(doubts(&answer, "captain")[0].contains("teams → users → teams"), "{answer:#}");
}

#[test]
fn a_document_that_is_rejected_for_its_own_sake_takes_no_other_along() {
    let sandbox = Sandbox::new();
    let root = "projects/p/databases/(default)/documents";
    let user = |n: usize| {
        let time = if n == 3 { "the day before" } else { "2024-01-01T00:00:00Z" };
        json!({ "name": format!("{root}/users/{n}"), "fields": { "at": { "timestampValue": time } } })
    };
    let order = |n: usize| {
        let owner = json!({ "referenceValue": format!("{root}/users/{}", n % 20) });
        json!({ "name": format!("{root}/orders/{n}"), "fields": { "owner": owner } })
    };
    sandbox.write("x/all.ndjson", lines((0..20).map(user).chain((0..60).map(order))));
    let answer = init(&sandbox, "x", &[]);
    assert!(answer["readiness"]["warnings"][0].as_str().unwrap().contains("users/3"), "{answer:#}");
    let report = sandbox.run(&["run", "pipelines/x.yaml", "--json"]).exits(4).json();
    assert_eq!((&report["totals"]["rejected"], &report["totals"]["inserted"]), (&json!(1), &json!(79)));
}
