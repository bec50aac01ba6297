//! What does not come back, and what stands in the way: told before, or with an exit code that cannot be overlooked.

use insta::assert_snapshot;

use crate::cli::shop;
use crate::support::Sandbox;
use crate::support::database::change;

#[test]
fn an_export_says_what_its_documents_are() {
    let sandbox = shop::clean();
    sandbox.run(&["run", "p.yaml"]).exits(0);
    let database = std::fs::read(sandbox.path("shop.db")).unwrap();
    assert_snapshot!("export_shop", sandbox.run(&["export", "p.yaml"]).exits(0).seen());
    assert_eq!(std::fs::read(sandbox.path("shop.db")).unwrap(), database, "the destination was changed");
    assert_snapshot!("export_shop_file", sandbox.read("export/shop/users.ndjson"));
    assert_snapshot!(
        "export_shop_page",
        sandbox.read("export/shop/EXPORT.md").replace(&*sandbox.path("").to_string_lossy(), "[DIR]")
    );

    let before = sandbox.files();
    assert_snapshot!("export_in_the_way", sandbox.run(&["export", "p.yaml"]).exits(3).seen());
    assert_eq!(sandbox.files(), before);
    sandbox.write("export/shop/other.json", "{}");
    let outcome = sandbox.run(&["export", "p.yaml", "--force", "--only", "users"]).exits(0);
    assert!(outcome.stdout.contains("other files stay") && outcome.stdout.contains("other.json"), "{outcome:?}");
    let outcome = sandbox.run(&["export", "p.yaml", "--only", "user", "--out", "elsewhere"]).exits(2);
    assert!(outcome.stderr.contains("unknown_collection"), "{outcome:?}");
    assert!(!sandbox.path("elsewhere").exists());
}

#[test]
fn rejects_and_runs_that_were_stopped_are_told() {
    let sandbox = shop::dirty();
    shop::change(&sandbox, "schema: schema", "schema: schema\ndefaults: { max_rejects: 90% }");
    sandbox.run(&["run", "p.yaml"]).exits(4);
    let outcome = sandbox.run(&["export", "p.yaml"]).exits(4);
    assert!(outcome.stdout.contains("documents were rejected by run"), "{outcome:?}");
}

const ODD: &str = r#"version: 1
name: odd
source: { kind: json, path: docs, shape: plain }
destination: { url: "file:odd.db" }
schema: schema
collections:
  places:
    table: places
    key: id
    where: { kind: cafe, stars: { gt: 2 } }
    columns:
      id: $id
      name: { from: name, transform: [trim, uppercase] }
      north: { from: at, type: latitude }
      city_id: { from: city, type: reference }
      data: { from: data, transform: [parse_json], type: json }
      level: { from: level, lookup: { file: levels.json, missing: "null" } }
    children:
      - { table: place_tags, each: tags, key: [id, tag], columns: { id: $id, tag: $item } }
  places/*/visits:
    table: visits
    key: [place_id, id]
    columns: { place_id: $parent.id, id: $id, at: { from: at, type: timestamp_millis }, ok: { from: ok, type: boolean } }
"#;

const ODD_SCHEMA: &str = "
CREATE TABLE places (id TEXT PRIMARY KEY, name TEXT, north REAL, city_id TEXT, data TEXT, level INTEGER) STRICT;
CREATE TABLE place_tags (id TEXT, tag TEXT, PRIMARY KEY (id, tag)) STRICT;
CREATE TABLE visits (place_id TEXT, id TEXT, at INTEGER, ok INTEGER, PRIMARY KEY (place_id, id)) STRICT;
";

fn odd() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("p.yaml", ODD);
    sandbox.write("levels.json", r#"{"low":1,"middle":2,"mid":2}"#);
    sandbox.write("schema/0001_odd.up.sql", ODD_SCHEMA);
    sandbox.write("schema/0001_odd.down.sql", "DROP TABLE visits; DROP TABLE place_tags; DROP TABLE places;");
    let reference = r#"{"_firestore":{"projectId":"p"},"_path":{"segments":["cities","ulm"]},"_converter":{}}"#;
    sandbox.write(
        "docs/places.ndjson",
        format!(
            "{{\"id\":\"a\",\"kind\":\"cafe\",\"stars\":3,\"name\":\" é \",\"data\":\"{{\\\"k\\\":[1,\\\"x\\\"]}}\",\"level\":\"mid\",\"tags\":[\"t\",\"s\"]}}\n\
             {{\"id\":\"b\",\"kind\":\"cafe\",\"stars\":4,\"at\":{{\"_latitude\":48.4,\"_longitude\":10.0}},\"city\":{reference}}}\n"
        ),
    );
    sandbox.write(
        "docs/places.*.visits.ndjson",
        "{\"$path\":\"places/a/visits/1\",\"at\":{\"_seconds\":5,\"_nanoseconds\":0},\"ok\":true}\n\
         {\"$path\":\"places/phantom/visits/1\"}\n",
    );
    sandbox
}

#[test]
fn what_does_not_come_back_is_said_of_columns_and_of_rows() {
    let sandbox = odd();
    sandbox.run(&["run", "p.yaml"]).exits(0);
    // As other programs leave it: not what any document makes.
    change(
        &sandbox.path("odd.db"),
        "UPDATE visits SET ok = 7 WHERE place_id = 'a'; INSERT INTO visits VALUES ('x/y', '1', NULL, NULL);
         INSERT INTO place_tags VALUES ('nobody', 'u')",
    );
    assert_snapshot!("export_odd", sandbox.run(&["export", "p.yaml", "--out", "out"]).exits(5).seen());
    assert_snapshot!("export_odd_places", sandbox.read("out/places.ndjson"));
    assert_snapshot!("export_odd_visits", sandbox.read("out/places.visits.ndjson"));
    let report = sandbox.run(&["export", "p.yaml", "--out", "json", "--json"]).exits(5).json();
    assert_eq!(report["complete"], false);
}

#[test]
fn a_sub_collection_comes_back_below_its_parents() {
    let sandbox = odd();
    sandbox.run(&["run", "p.yaml"]).exits(0);
    let report = sandbox.run(&["export", "p.yaml", "--only", "places/*/visits", "--json"]).exits(0).json();
    assert_eq!(report["collections"][0]["documents"], 2);
    shop::change(&sandbox, ", shape: plain", "");
    let outcome = sandbox.run(&[
        "run",
        "p.yaml",
        "--source",
        "export/odd",
        "--destination",
        "file:again.db",
        "--only",
        "places/*/visits",
        "--json",
    ]);
    let rows = |file: &str| {
        crate::support::database::Database::open(&sandbox.path(file)).query("SELECT * FROM visits ORDER BY place_id")
    };
    assert_eq!(outcome.exits(0).json()["totals"]["inserted"], 2);
    assert_eq!(rows("again.db"), rows("odd.db"));
}

#[test]
fn documents_that_are_gone_do_not_come_back() {
    let sandbox = shop::clean();
    sandbox.write("schema/0002_gone.up.sql", "ALTER TABLE orders ADD COLUMN gone_at TEXT;");
    sandbox.write("schema/0002_gone.down.sql", "ALTER TABLE orders DROP COLUMN gone_at;");
    shop::change(&sandbox, "    table: orders", "    table: orders\n    deletes: { soft: gone_at }");
    sandbox.run(&["run", "p.yaml"]).exits(0);
    change(&sandbox.path("shop.db"), "UPDATE orders SET gone_at = '2024-01-01T00:00:00.000000Z' WHERE id = 'o1'");
    let report = sandbox.run(&["export", "p.yaml", "--json"]).exits(0).json();
    let orders = &report["collections"][1];
    assert_eq!((&orders["documents"], &orders["gone"]), (&1.into(), &1.into()), "{orders:#}");
    assert!(!sandbox.read("export/shop/orders.ndjson").contains("o1"));
}

#[test]
fn a_row_that_is_of_another_collection_is_told() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "p.yaml",
        "version: 1\nname: p\nsource: { kind: json, path: docs }\ndestination: { url: \"file:out.db\" }\ncollections:\n  \
         users/*/orders: { table: orders, key: path, columns: { path: $path, n: { from: n, type: integer } } }\n",
    );
    change(&sandbox.path("out.db"), "CREATE TABLE orders (path TEXT PRIMARY KEY, n INTEGER) STRICT");
    sandbox.write("docs/users.*.orders.ndjson", "{\"$path\":\"users/a/orders/1\",\"n\":1}\n");
    sandbox.run(&["run", "p.yaml"]).exits(0);
    let report = sandbox.run(&["export", "p.yaml", "--json"]).exits(0).json();
    assert_eq!(report["collections"][0]["documents"], 1);
    change(&sandbox.path("out.db"), "INSERT INTO orders VALUES ('teams/x', 3), ('nothing', 4)");
    let report = sandbox.run(&["export", "p.yaml", "--out", "other", "--json"]).exits(5).json();
    assert_eq!(report["collections"][0]["left_out"], 2, "{report:#}");
    assert_eq!(report["shortfalls"].as_array().unwrap().len(), 2, "{report:#}");
    let named = |number: usize| report["shortfalls"][number]["document"].as_str().unwrap().to_owned();
    assert!([named(0), named(1)].contains(&"teams/x".to_owned()), "{report:#}");
}

#[test]
fn rows_that_name_no_document_are_refused_before_anything_is_written() {
    let sandbox = shop::clean();
    sandbox.run(&["run", "p.yaml"]).exits(0);
    shop::change(&sandbox, "id: { from: $id }\n      email", "id: { from: id }\n      email");
    let outcome = sandbox.run(&["export", "p.yaml"]).exits(3);
    assert!(outcome.stderr.contains("error[export_no_identity]") && outcome.stderr.contains("users"), "{outcome:?}");
    assert!(!sandbox.path("export").exists());
    sandbox.run(&["export", "p.yaml", "--only", "orders"]).exits(0);
    change(&sandbox.path("shop.db"), "DROP TABLE orders");
    let outcome = sandbox.run(&["export", "p.yaml", "--only", "orders", "--out", "other"]).exits(3);
    assert!(outcome.stderr.contains("error[export_unfit]"), "{outcome:?}");
    assert!(!sandbox.path("other").exists());
}

#[test]
fn a_folder_that_may_not_be_written_to_is_named() {
    let sandbox = shop::clean();
    sandbox.run(&["run", "p.yaml"]).exits(0);
    sandbox.write("file", "no folder");
    let outcome = sandbox.run(&["export", "p.yaml", "--out", "file/x"]).exits(2);
    assert!(outcome.stderr.contains("error[export_failed]") && outcome.stderr.contains("file/x"), "{outcome:?}");
}
