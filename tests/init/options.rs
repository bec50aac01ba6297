//! Samples, names, files that exist, and mistakes.

use serde_json::json;

use super::support::{init, lines, run};
use crate::support::Sandbox;

fn shop() -> Sandbox {
    let sandbox = Sandbox::new();
    let user = |n: usize| json!({ "id": format!("u{n}"), "email": format!("{n}@x"), "age": n });
    let late = |n: usize| json!({ "id": format!("u{n}"), "email": null, "late": { "x": n } });
    sandbox.write("shop/users.ndjson", lines((0..900).map(user).chain((900..1_000).map(late))));
    sandbox
}

#[test]
fn a_sample_proves_nothing_and_loses_nothing() {
    let sandbox = shop();
    let answer = init(&sandbox, "shop", &["--sample", "100"]);
    assert_eq!(answer["complete"], false);
    assert_eq!(answer["collections"][0]["documents"], 100);
    let sql = sandbox.read("schemas/shop/0001_create_tables.up.sql");
    assert!(!sql.contains("email TEXT NOT NULL") && !sql.contains("UNIQUE,"), "{sql}");
    assert!(sql.contains("email: in all 100 rows that were read: NOT NULL?"), "{sql}");
    let database = run(&sandbox, "shop", 1_000);
    assert_eq!(database.integer("SELECT count(*) FROM users WHERE extra ->> '$.late.x' >= 900"), 100);
}

#[test]
fn a_sample_that_holds_everything_is_everything() {
    let sandbox = shop();
    assert_eq!(init(&sandbox, "shop", &["--sample", "5000"])["complete"], true);
}

#[test]
fn the_files_have_the_name_and_place_that_was_asked_for_and_are_not_overwritten() {
    let sandbox = shop();
    let before = sandbox.files();
    let answer = init(&sandbox, "shop", &["--name", "store", "--out", "drafts"]);
    assert_eq!(answer["name"], "store");
    let expected = [
        "drafts/pipelines/store.yaml",
        "drafts/schemas/store/0001_create_tables.down.sql",
        "drafts/schemas/store/0001_create_tables.up.sql",
        "drafts/store.profile.json",
        "drafts/store.profile.md",
    ];
    let files = sandbox.files();
    let new: Vec<&str> = files.keys().filter(|file| !before.contains_key(*file)).map(String::as_str).collect();
    assert_eq!(new, expected);
    let again = sandbox.run(&["init", "shop", "--name", "store", "--out", "drafts"]).exits(2);
    assert!(again.stderr.contains("file_exists") && again.stderr.contains("--force"), "{}", again.stderr);
    assert_eq!(sandbox.files(), files);
    init(&sandbox, "shop", &["--name", "store", "--out", "drafts", "--force"]);
    assert_eq!(sandbox.files(), files, "the same source gives the same files");
    sandbox.run(&["run", "drafts/pipelines/store.yaml"]).exits(0);
}

#[test]
fn the_migration_can_be_taken_back() {
    let sandbox = shop();
    init(&sandbox, "shop", &[]);
    run(&sandbox, "shop", 1_000);
    let down = sandbox.read("schemas/shop/0001_create_tables.down.sql");
    assert_eq!(down, "DROP TABLE users;\n");
}

#[test]
fn mistakes_are_told_with_what_to_do() {
    let sandbox = shop();
    sandbox.write("empty/readme.txt", "x");
    for (arguments, code, text) in [
        (vec!["init", "nowhere"], 1, "hint"),
        (vec!["init", "empty"], 1, "hint"),
        (vec!["init", "shop", "--name", "a b"], 2, "invalid_name"),
        (vec!["init", "shop", "--shape", "cube"], 2, "shape_unknown"),
        (vec!["init", "firestore:a b"], 2, "invalid_source"),
        (vec!["init", "shop", "--sample", "0"], 2, "at least 1"),
    ] {
        let outcome = sandbox.run(&arguments);
        assert_eq!(outcome.code, code, "{arguments:?}: {}", outcome.stderr);
        assert!(outcome.stderr.contains(text), "{arguments:?}: {}", outcome.stderr);
    }
    assert!(!sandbox.path("pipelines").exists(), "nothing is written after a mistake");
}

#[test]
fn what_people_see() {
    let sandbox = shop();
    insta::assert_snapshot!("summary", sandbox.run(&["init", "shop"]).exits(0).seen());
    insta::assert_snapshot!("page", sandbox.read("shop.profile.md").replace(&*sandbox.path("").to_string_lossy(), ""));
    insta::assert_snapshot!("tables", sandbox.read("schemas/shop/0001_create_tables.up.sql"));
    insta::assert_snapshot!("pipeline", sandbox.read("pipelines/shop.yaml"));
}
