//! What the files say to those who read them.

use serde_json::{Value, json};

use super::support::{init, lines};
use crate::support::Sandbox;

#[test]
fn the_profile_says_what_was_found() {
    let sandbox = Sandbox::new();
    let user = |n: usize| match n {
        0..3 => json!({ "id": format!("u{n}"), "age": "old", "updatedAt": { "_seconds": 5, "_nanoseconds": 0 } }),
        _ => json!({ "id": format!("u{n}"), "age": n, "updatedAt": { "_seconds": n, "_nanoseconds": 0 } }),
    };
    sandbox.write("x/users.ndjson", lines((0..1_000).map(user)));
    init(&sandbox, "x", &[]);
    let document: Value = serde_json::from_str(&sandbox.read("x.profile.json")).unwrap();
    let field = |name: &str| {
        let fields = document["profile"]["collections"][0]["fields"].as_array().unwrap();
        fields.iter().find(|field| field["path"] == name).unwrap().clone()
    };
    let age = field("age");
    assert_eq!(age["types"][0]["count"], 997);
    assert_eq!(
        age["types"][1],
        json!({ "type": "string", "count": 3, "examples": ["\"old\""], "document": age["types"][1]["document"] })
    );
    assert_eq!(age["numbers"]["largest_integer"], 999);
    assert_eq!(field("id")["repeats_id"], 1_000);
    assert_eq!(document["watermarks"][0]["field"], "updatedAt");
    let page = sandbox.read("x.profile.md");
    assert!(page.contains("997 integer") && page.contains("3 string, e.g. `\"old\"`"), "{page}");
    let sql = sandbox.read("schemas/x/0001_create_tables.up.sql");
    assert!(sql.contains("`id` only repeats the id and is left out"), "{sql}");
    assert!(!sql.contains(&*sandbox.path("").to_string_lossy()), "a path of this machine is in the migration");
}
