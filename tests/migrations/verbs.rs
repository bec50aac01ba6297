//! `schema`, as its users type it, on a local file and on a server.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use fireferry::destination::libsql::{LibsqlFile, Mode};
use fireferry::engine::migrate::migrate_at_start;
use serde_json::Value;

use crate::remote::server::Sqld;
use crate::support::{Outcome, Sandbox};

/// Three migrations: a table, a column with values in it, and a table that refers to the first.
const MIGRATIONS: [(&str, &str, &str); 3] = [
    ("0001_users", "CREATE TABLE users (id TEXT PRIMARY KEY, age INTEGER);\n", "DROP TABLE users;\n"),
    (
        "0002_city",
        "ALTER TABLE users ADD COLUMN city TEXT;\nUPDATE users SET city = 'here';\n",
        "ALTER TABLE users DROP COLUMN city;\n",
    ),
    (
        "0003_orders",
        "CREATE TABLE orders (id TEXT PRIMARY KEY, user TEXT NOT NULL REFERENCES users (id));\n\
         CREATE INDEX orders_user ON orders (user);\n",
        "DROP TABLE orders;\n",
    ),
];

/// A pipeline with these migrations.
fn shop(destination: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    for (name, up, down) in MIGRATIONS {
        sandbox.write(&format!("schema/{name}.up.sql"), up);
        sandbox.write(&format!("schema/{name}.down.sql"), down);
    }
    sandbox.write("data/users.ndjson", "{\"id\":\"ada\",\"age\":36}\n{\"id\":\"bob\",\"age\":7}\n");
    let collections = "{ users: { table: users, key: id, columns: { id: $id, age: { from: age, type: integer } } } }";
    sandbox.write(
        "p.yaml",
        format!(
            "version: 1\nname: shop\nsource: {{ kind: json, path: data, shape: plain }}\n\
             destination: {{ url: \"{destination}\" }}\nschema: schema\nbackup: never\ncollections: {collections}\n"
        ),
    );
    sandbox
}

fn schema(sandbox: &Sandbox, words: &[&str], code: i32) -> Outcome {
    let mut all = vec!["schema", words[0], "p.yaml"];
    all.extend(&words[1..]);
    sandbox.run(&all).exits(code)
}

fn json(sandbox: &Sandbox, words: &[&str], code: i32) -> Value {
    schema(sandbox, &[words, &["--json"]].concat(), code).json()
}

/// Up, down and up again, with what is asked, warned of and backed up on the way.
fn there_and_back(sandbox: &Sandbox) {
    assert_eq!(json(sandbox, &["test"], 0)["migrations"].as_array().unwrap().len(), 3);
    assert_eq!(json(sandbox, &["up", "--to", "1"], 0)["migrations"], serde_json::json!(["0001_users"]));
    sandbox.run(&["run", "p.yaml", "--no-backup", "--migrate"]).exits(0);
    assert_eq!(json(sandbox, &["validate"], 0)["version"], 3);
    assert_eq!(json(sandbox, &["test"], 0)["with_rows"], serde_json::json!(["0003_orders"]));

    // What goes is said first, and nothing goes without consent.
    let planned = json(sandbox, &["down", "--to", "1", "--dry-run"], 0);
    assert_eq!(planned["losses"][0], serde_json::json!({ "table": "orders", "rows": 0 }));
    assert_eq!(planned["losses"][1], serde_json::json!({ "table": "users", "column": "city", "rows": 2 }));
    let shown = schema(sandbox, &["down", "--dry-run", "--to", "1"], 0);
    assert!(shown.stdout.starts_with("-- 0003_orders.down.sql\nDROP TABLE orders;\n-- 0002_city"), "{shown:?}");
    schema(sandbox, &["down"], 2);
    assert_eq!(json(sandbox, &["validate"], 0)["version"], 3);

    let back = json(sandbox, &["down", "--to", "1", "--yes"], 0);
    assert_eq!(back["migrations"], serde_json::json!(["0003_orders", "0002_city"]));
    assert!(std::fs::exists(back["backup"].as_str().unwrap()).unwrap());
    assert_eq!(json(sandbox, &["validate"], 0)["version"], 1);
    assert_eq!(json(sandbox, &["down", "--yes", "--no-backup"], 0)["migrations"], serde_json::json!(["0001_users"]));
    assert_eq!(json(sandbox, &["validate"], 0)["version"], 0);
    assert_eq!(json(sandbox, &["up"], 0)["migrations"].as_array().unwrap().len(), 3);
    assert_eq!(json(sandbox, &["up"], 0)["migrations"].as_array().unwrap().len(), 0);
    assert_eq!(json(sandbox, &["up", "--to", "4"], 2)["error"]["code"], "migration_unknown");
    assert_eq!(json(sandbox, &["up", "--to", "1"], 2)["error"]["code"], "migration_direction");
}

#[test]
fn migrations_go_both_ways_in_a_file() {
    there_and_back(&shop("file:shop.db"));
}

#[test]
fn migrations_go_both_ways_on_a_server() {
    let Some(server) = Sqld::start() else { return };
    there_and_back(&shop(&server.url()));
    assert_eq!(server.integer("SELECT count(*) FROM schema_migrations"), 3);
    assert_eq!(server.integer("SELECT count(*) FROM schema_migrations WHERE duration_ms < 60000"), 3);
}

#[test]
fn a_folder_that_is_not_what_was_applied_is_refused_with_the_files_name() {
    let cases: [(&str, &str, Option<&str>); 5] = [
        ("migration_edited", "schema/0002_city.up.sql", Some("ALTER TABLE users ADD COLUMN town TEXT;\n")),
        ("migration_half_missing", "schema/0002_city.down.sql", None),
        ("migration_twice", "schema/0002_other.up.sql", Some("SELECT 1;\n")),
        ("migration_gap", "schema/0005_later.up.sql", Some("SELECT 1;\n")),
        ("migration_name", "schema/4_short.up.sql", Some("SELECT 1;\n")),
    ];
    for (code, file, text) in cases {
        let sandbox = shop("file:shop.db");
        schema(&sandbox, &["up"], 0);
        match text {
            Some(text) => drop(sandbox.write(file, text)),
            None => std::fs::remove_file(sandbox.path(file)).unwrap(),
        }
        let name = file.trim_start_matches("schema/").split('.').next().unwrap();
        for words in [&["up"][..], &["down", "--yes"], &["test"]] {
            let error = json(&sandbox, words, 2);
            assert_eq!(error["error"]["code"], code, "{words:?}: {error:#}");
            assert!(error["error"]["message"].as_str().unwrap().contains(name), "{error:#}");
        }
    }
}

#[test]
fn a_schema_that_somebody_changed_by_hand_is_no_longer_valid() {
    let sandbox = shop("file:shop.db");
    schema(&sandbox, &["up"], 0);
    let change = |sql: &str| crate::support::database::change(&sandbox.path("shop.db"), sql);
    change("CREATE TABLE somebody_elses (a)");
    let found = json(&sandbox, &["validate"], 0);
    assert_eq!(found["problems"][0]["message"], "table somebody_elses should not be there");
    change("DROP INDEX orders_user");
    change("ALTER TABLE users ADD COLUMN nick TEXT");
    let found = json(&sandbox, &["validate"], 5);
    let messages: Vec<&str> =
        found["problems"].as_array().unwrap().iter().map(|problem| problem["message"].as_str().unwrap()).collect();
    assert!(messages.contains(&"index orders_user is missing"), "{messages:?}");
    assert!(messages.contains(&"column users.nick should not be there"), "{messages:?}");
}

#[test]
fn a_migration_that_cannot_be_taken_back_is_found_by_its_test() {
    let sandbox = shop("file:shop.db");
    sandbox.write("schema/0003_orders.down.sql", "DROP INDEX orders_user;\n");
    let found = json(&sandbox, &["test"], 5);
    let problems = found["problems"].as_array().unwrap();
    assert!(problems[0].as_str().unwrap().contains("table orders should not be there"), "{problems:?}");
}

#[test]
fn tables_that_were_made_by_other_means_are_adopted_if_they_fit() {
    let sandbox = shop("file:shop.db");
    let change = |sql: &str| crate::support::database::change(&sandbox.path("shop.db"), sql);
    std::fs::write(sandbox.path("shop.db"), b"").unwrap();
    change("CREATE TABLE \"users\" ( id text PRIMARY KEY,\n age INTEGER ); INSERT INTO users VALUES ('ada', 36)");
    let error = json(&sandbox, &["adopt", "2"], 3);
    assert!(error["error"]["message"].as_str().unwrap().contains("column users.city is missing"), "{error:#}");
    assert_eq!(json(&sandbox, &["adopt", "1"], 0)["adopted"], serde_json::json!(["0001_users"]));
    assert_eq!(json(&sandbox, &["up"], 0)["migrations"].as_array().unwrap().len(), 2);
    assert_eq!(json(&sandbox, &["adopt", "2"], 2)["error"]["code"], "nothing_to_adopt");
    assert_eq!(json(&sandbox, &["validate"], 0)["version"], 3);
}

#[test]
fn a_next_migration_gets_the_next_number() {
    let sandbox = shop("file:shop.db");
    let files = json(&sandbox, &["new", "add_tags"], 0)["files"].clone();
    assert!(files[0].as_str().unwrap().ends_with("schema/0004_add_tags.up.sql"), "{files:#}");
    assert!(std::fs::exists(files[1].as_str().unwrap()).unwrap());
    assert_eq!(json(&sandbox, &["new", "no good"], 2)["error"]["code"], "migration_name");
}

#[test]
fn a_destructive_migration_draws_a_warning_and_a_backup() {
    let sandbox = shop("file:shop.db");
    let pipeline = std::fs::read_to_string(sandbox.path("p.yaml")).unwrap();
    sandbox.write("p.yaml", pipeline.replace("backup: never", "backup: before_destructive"));
    sandbox.run(&["run", "p.yaml"]).exits(0);
    sandbox.write("schema/0004_drop.up.sql", "ALTER TABLE users DROP COLUMN age;\n");
    sandbox.write("schema/0004_drop.down.sql", "ALTER TABLE users ADD COLUMN age INTEGER;\n");
    let done = schema(&sandbox, &["up"], 0);
    assert!(done.stderr.contains("warning: column users.age goes (rows in the table: 2)"), "{done:?}");
    assert!(done.stdout.contains("Backup: "), "{done:?}");
}

#[tokio::test]
async fn programs_that_migrate_at_their_start_take_turns() {
    let sandbox = shop("file:shop.db");
    let (file, folder) = (sandbox.path("shop.db"), sandbox.path("schema"));
    let open = || LibsqlFile::open(&file, Mode::ReadWrite { create: true }).unwrap();
    let mut first = open();
    assert_eq!(migrate_at_start(&mut first, &folder, "one").await.unwrap().len(), 3);
    let mut second = open();
    assert_eq!(migrate_at_start(&mut second, &folder, "two").await.unwrap(), Vec::<String>::new());
}
