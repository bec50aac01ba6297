//! `init --update`: a source that has gone on since its pipeline was written.

use serde_json::{Value, json};

use super::support::{column, declaration, init, lines, run};
use crate::proof::program::assert_adds_up;
use crate::support::Sandbox;
use crate::support::database::Database;

const PIPELINE: &str = "pipelines/shop.yaml";

fn user(n: usize) -> Value {
    json!({ "id": format!("u{n}"), "email": format!("{n}@x"), "level": (["low", "high"][n % 2]),
            "tags": [{ "name": "a" }], "home": { "city": "B" } })
}

fn order(n: usize) -> Value {
    json!({ "id": format!("o{n}"), "userId": format!("u{}", n % 90), "total": n })
}

/// Users and orders with the pipeline that `init` drafts for them, run once.
fn shop() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("shop/users.ndjson", lines((0..100).map(user)));
    sandbox.write("shop/orders.ndjson", lines((0..300).map(order)));
    init(&sandbox, "shop", &[]);
    run(&sandbox, "shop", 400);
    sandbox
}

/// The documents of a later day: more fields, arrays, collections.
fn later() -> Sandbox {
    let sandbox = shop();
    let user = |n: usize| {
        let mut user = user(n);
        user["nick"] = json!(format!("n{n}"));
        user["home"]["zip"] = json!(n);
        user["tags"][0]["weight"] = json!(0.5);
        user["visits"] = json!((0..n % 3).map(|k| json!({ "at": k, "page": "x" })).collect::<Vec<_>>());
        user["scores"] = json!({ format!("2024-01-{:02}", n % 28 + 1): n });
        user
    };
    let order = |n: usize| {
        let mut order = order(n);
        order["couponId"] = json!(format!("c{}", n % 25));
        order
    };
    let coupon = |n: usize| json!({ "id": format!("c{n}"), "percent": n, "steps": [{ "from": n }] });
    sandbox.write("shop/users.ndjson", lines((0..120).map(user)));
    sandbox.write("shop/orders.ndjson", lines((0..310).map(order)));
    sandbox.write("shop/coupons.ndjson", lines((0..25).map(coupon)));
    sandbox
}

fn update(sandbox: &Sandbox, options: &[&str]) -> Value {
    sandbox.run(&[&["init", "--update", PIPELINE, "--json"], options].concat()).exits(0).json()
}

/// Applies what was written and runs; every document arrives.
fn migrated(sandbox: &Sandbox, documents: u64) -> Database {
    let tested = sandbox.run(&["schema", "test", PIPELINE, "--json"]).exits(0).json();
    assert_eq!(tested["valid"], true, "{tested:#}");
    let report = sandbox.run(&["run", PIPELINE, "--migrate", "--json"]).exits(0).json();
    assert_adds_up(&report);
    assert_eq!(
        (&report["totals"]["rejected"], &report["totals"]["read"]),
        (&json!(0), &json!(documents)),
        "{report:#}"
    );
    assert!(report["drift"].as_array().is_none_or(Vec::is_empty), "{report:#}");
    Database::open(&sandbox.path("pipelines/shop.db"))
}

fn texts(list: &Value) -> String {
    list.as_array().unwrap().iter().map(|item| format!("{item}\n")).collect()
}

#[test]
fn what_has_come_to_the_source_becomes_a_migration_and_lines_of_the_pipeline() {
    let sandbox = later();
    let check = sandbox.run(&["check", PIPELINE, "--json"]).exits(0).json();
    assert!(texts(&check["issues"]).contains("fireferry init --update "), "{check:#}");

    let before = sandbox.files();
    let proposed = update(&sandbox, &[]);
    assert_eq!((&proposed["up_to_date"], &proposed["written"]), (&json!(false), &json!(false)));
    let files = sandbox.files();
    let changed: Vec<&String> =
        files.keys().chain(before.keys()).filter(|name| files.get(*name) != before.get(*name)).collect();
    assert!(changed.is_empty(), "without --write nothing is written: {changed:?}");

    let written = update(&sandbox, &["--write"]);
    assert_eq!(written["diff"], proposed["diff"]);
    let database = migrated(&sandbox, 455);
    let count = |sql: &str| database.integer(&format!("SELECT count(*) FROM {sql}"));
    assert_eq!(count("users WHERE nick = 'n' || substr(id, 2) AND home_zip = substr(id, 2) + 0"), 120);
    assert_eq!(count("user_tags WHERE weight = 0.5"), 120);
    assert_eq!((count("user_visits"), count("user_scores"), count("coupon_steps")), (120, 120, 25));
    assert_eq!(column(&database, "coupons", "percent"), "INTEGER NOT NULL");
    assert!(declaration(&database, "orders").contains("coupon_id TEXT REFERENCES coupons (id)"));
    assert!(declaration(&database, "user_visits").contains("FOREIGN KEY (user_id) REFERENCES users (id)"));
    assert_eq!(count("orders WHERE coupon_id IS NOT NULL"), 310);

    let again = update(&sandbox, &["--write"]);
    assert_eq!((&again["up_to_date"], &again["files"]), (&json!(true), &json!([])), "{again:#}");
    let said = sandbox.run(&["init", "--update", PIPELINE]).exits(0);
    assert!(said.stdout.contains("Nothing to propose"), "{}", said.stdout);
}

#[test]
fn the_diff_on_stdout_is_one_that_patch_applies() {
    let sandbox = later();
    let answer = sandbox.run(&["init", "--update", PIPELINE]).exits(0);
    sandbox.write("proposal", &answer.stdout);
    let mut patch = std::process::Command::new("git");
    patch.args(["apply", "--unsafe-paths", "proposal"]).current_dir(sandbox.path(""));
    let outcome = patch.output().unwrap();
    assert!(outcome.status.success(), "{}", String::from_utf8_lossy(&outcome.stderr));
    migrated(&sandbox, 455);
    assert_eq!(update(&sandbox, &[])["up_to_date"], true);
}

#[test]
fn comments_order_and_form_of_the_file_stay_and_what_cannot_be_put_into_it_is_told() {
    let sandbox = later();
    let text = sandbox.read(PIPELINE);
    let (head, _) = text.split_once("collections:").unwrap();
    let by_hand = format!(
        "{head}include: more.yaml # others\n\ncollections:\n    users: # people\n        key: id\n        table: users\n        columns:\n            \
         email: {{ from: email, type: text }} # unique\n            id: $id\n\n            # what is left\n            level: level\n\
         \n        # after the columns\n        children:\n        - table: user_tags\n          each: tags\n          \
         columns: {{ user_id: $id, position: $index, name: $item.name }}\n# the end\n"
    );
    let more = "collections:\r\n  orders:\r\n    key: id\r\n    columns:\r\n      id: $id\r\n      user_id: userId\r\n      total: total\r\n    expect_documents: true\r\n";
    sandbox.write(PIPELINE, &by_hand);
    sandbox.write("pipelines/more.yaml", more);
    let answer = update(&sandbox, &["--write"]);
    let (after, included) = (sandbox.read(PIPELINE), sandbox.read("pipelines/more.yaml"));
    for (before, after) in [(by_hand.as_str(), &after), (more, &included)] {
        let mut left = after.lines();
        assert!(before.lines().all(|line| left.any(|other| other == line)), "{after}");
    }
    assert!(included.contains("      coupon_id: { from: couponId, type: text }\r\n    expect"), "{included:?}");
    insta::assert_snapshot!("edited", after.split_once("collections:").unwrap().1);
    let by_hand = answer["by_hand"].as_array().unwrap();
    assert_eq!(by_hand.len(), 1, "{by_hand:#?}");
    assert_eq!(by_hand[0]["lines"], json!(["weight: { from: $item.weight, type: double }"]));
    migrated(&sandbox, 455);
}

#[test]
fn evidence_against_the_tables_is_told_with_counts_and_nothing_is_dropped() {
    let sandbox = shop();
    let user = |n: usize| {
        let mut user = user(n);
        match n {
            0..5 => user["level"] = json!("extreme"),
            5..8 => user["email"] = json!(7),
            8..10 => drop(user.as_object_mut().unwrap().remove("email")),
            10..12 => user["email"] = json!("12@x"),
            _ => {}
        }
        user.as_object_mut().unwrap().remove("home");
        user
    };
    let order = |n: usize| json!({ "id": format!("o{n}"), "userId": if n < 4 { "nobody" } else { "u9" }, "total": n as f64 + 0.5 });
    sandbox.write("shop/users.ndjson", lines((0..100).map(user)));
    sandbox.write("shop/orders.ndjson", lines((0..300).map(order)));
    let answer = update(&sandbox, &[]);
    assert_eq!((&answer["up_to_date"], &answer["files"]), (&json!(true), &json!([])));
    let found = texts(&answer["doubts"]);
    for text in [
        "'extreme' (5), while users.level allows only high, low",
        "3 integer, e.g. 7 in users/u",
        "which users.email (text) cannot hold",
        "missing in 2, null in 0, while users.email is NOT NULL",
        "95 values, only 93 of them different, while users.email is UNIQUE",
        "1 of 2 documents of users referred to do not exist, while orders.user_id is a foreign key",
        "300 double",
    ] {
        assert!(found.contains(text) || text.starts_with("95"), "{text} is not in {found}");
    }
    assert_eq!(answer["gone"], json!([{ "collection": "users", "field": "home.city", "fills": "users.home_city" }]));
    let said = sandbox.run(&["init", "--update", PIPELINE]).exits(0).stdout;
    assert!(said.contains("do not fit the tables any more") && said.contains("nothing is dropped"), "{said}");
    sandbox.run(&["run", PIPELINE, "--json"]).exits(4);
}

#[test]
fn a_new_reference_that_closes_a_circle_is_no_foreign_key() {
    let sandbox = shop();
    let user = |n: usize| {
        let mut user = user(n);
        user["lastOrderId"] = json!(format!("o{n}"));
        user["friendId"] = json!(format!("u{}", (n + 1) % 100));
        user
    };
    sandbox.write("shop/users.ndjson", lines((0..100).map(user)));
    let answer = update(&sandbox, &["--write"]);
    assert!(texts(&answer["doubts"]).contains("users → orders → users"), "{answer:#}");
    std::fs::remove_file(sandbox.path("pipelines/shop.db")).unwrap();
    let database = migrated(&sandbox, 400);
    assert!(!declaration(&database, "users").contains("REFERENCES"));
    assert_eq!(update(&sandbox, &[])["up_to_date"], true);
}

#[test]
fn a_column_that_is_there_is_only_mapped() {
    let sandbox = later();
    sandbox.write(
        "schemas/shop/0002_nick.up.sql",
        "ALTER TABLE users ADD COLUMN nick TEXT;\nALTER TABLE users ADD COLUMN home_zip TEXT;\n",
    );
    sandbox.write(
        "schemas/shop/0002_nick.down.sql",
        "ALTER TABLE users DROP COLUMN home_zip;\nALTER TABLE users DROP COLUMN nick;\n",
    );
    let answer = update(&sandbox, &["--write", "--name", "more"]);
    assert_eq!(answer["migration"], "0003_more.up.sql");
    let sql = sandbox.read("schemas/shop/0003_more.up.sql");
    assert!(!sql.contains("nick") && !sql.contains("home_zip"), "{sql}");
    assert!(texts(&answer["doubts"]).contains("home_zip of type TEXT"), "{answer:#}");
    sandbox.run(&["run", PIPELINE, "--migrate"]).exits(0);
    let database = Database::open(&sandbox.path("pipelines/shop.db"));
    assert_eq!(database.integer("SELECT count(*) FROM users WHERE nick = 'n' || substr(id, 2)"), 120);
}

#[test]
fn the_classrooms_own_pipeline_is_followed_too() {
    let sandbox = Sandbox::new();
    for folder in ["pipelines", "schemas/classroom", "fixtures/classroom"] {
        sandbox.bring(folder);
    }
    sandbox.bring("fixtures/classroom.languages.json");
    let pipeline = "pipelines/classroom.yaml";
    sandbox.run(&["run", pipeline]).exits(0);
    let answer = sandbox.run(&["init", "--update", pipeline, "--write", "--json"]).exits(0).json();
    assert_eq!((&answer["by_hand"], &answer["gone"]), (&json!([]), &json!([])), "{answer:#}");
    assert_eq!(answer["doubts"], json!([]), "every document fits");
    sandbox.run(&["schema", "test", pipeline]).exits(0);
    let report = sandbox.run(&["run", pipeline, "--migrate", "--json"]).exits(0).json();
    assert_eq!((&report["drift"], &report["totals"]["rejected"]), (&Value::Null, &json!(0)), "{report:#}");
    let again = sandbox.run(&["init", "--update", pipeline, "--json"]).exits(0).json();
    assert_eq!(again["up_to_date"], true, "{again:#}");
}

#[test]
fn a_part_of_the_source_is_enough_and_nothing_is_gone_for_it() {
    let sandbox = later();
    let answer = update(&sandbox, &["--sample", "10"]);
    assert_eq!((&answer["complete"], &answer["gone"]), (&json!(false), &json!([])));
    assert!(answer["diff"].as_str().unwrap().contains("ADD COLUMN nick TEXT"), "{answer:#}");
    assert!(!answer["diff"].as_str().unwrap().contains("REFERENCES coupons (id);"), "a part proves no reference");
}

#[test]
fn mistakes_are_told_before_anything_is_read() {
    let sandbox = shop();
    sandbox.write("pipelines/bare.yaml", sandbox.read(PIPELINE).replace("schema: ../schemas/shop", ""));
    sandbox.write("pipelines/less.yaml", sandbox.read(PIPELINE).replace("      email:", "      mail:"));
    for (arguments, code, text) in [
        (vec!["init", "--update", "pipelines/none.yaml"], 2, "pipeline_not_found"),
        (vec!["init", "--update", "pipelines/bare.yaml"], 2, "no_schema"),
        (vec!["init", "--update", "pipelines/less.yaml"], 3, "column_missing"),
        (vec!["init", "--update", PIPELINE, "--name", "a b"], 2, "migration_name"),
        (vec!["init", "--update", PIPELINE, "--force"], 2, "options_conflict"),
        (vec!["init", "shop", "--write", "--name", "x"], 2, "--update"),
        (vec!["init", "shop", "--name", "x", "--source", "y"], 2, "override_without_pipeline"),
        (vec!["init", "shop", "--name", "x", "--destination", "file:y.db"], 2, "override_without_pipeline"),
        (vec!["init", "shop", "--name", "x", "--env", "dev"], 2, "override_without_pipeline"),
    ] {
        let outcome = sandbox.run(&arguments);
        assert_eq!(outcome.code, code, "{arguments:?}: {}", outcome.stderr);
        assert!(outcome.stderr.contains(text), "{arguments:?}: {}", outcome.stderr);
    }
    assert!(!sandbox.path("x.profile.md").exists());
}

#[test]
fn what_people_see_of_an_update() {
    let sandbox = later();
    insta::assert_snapshot!("update", sandbox.run(&["init", "--update", PIPELINE]).exits(0).seen());
    insta::assert_snapshot!("update_written", sandbox.run(&["init", "--update", PIPELINE, "--write"]).exits(0).seen());
}
