//! The other verbs, each seen from outside.

use super::shop;
use crate::support::Sandbox;

#[test]
fn a_missing_pipeline_file_is_named() {
    let sandbox = Sandbox::new();
    for verb in ["check", "test", "plan", "run", "verify", "stats", "clear"] {
        let outcome = sandbox.run(&[verb, "missing.yaml"]).exits(2);
        assert!(outcome.stderr.contains("missing.yaml"), "{}", outcome.stderr);
    }
    insta::assert_snapshot!(sandbox.run(&["run", "missing.yaml"]).seen());
    assert!(sandbox.files().is_empty());
}

#[test]
fn a_mistake_in_the_pipeline_is_shown_with_its_lines() {
    let sandbox = shop::clean();
    shop::change(&sandbox, "    table: users", "    tabel: users");
    insta::assert_snapshot!("bad_yaml", sandbox.run(&["check", "p.yaml"]).exits(2).seen());
    insta::assert_snapshot!("bad_yaml_json", sandbox.run(&["check", "p.yaml", "--json"]).exits(2).seen());
}

#[test]
fn check_reports_and_leaves_nothing() {
    let sandbox = shop::clean();
    let before = sandbox.files();
    insta::assert_snapshot!(sandbox.run(&["check", "p.yaml"]).exits(0).seen());
    assert_eq!(sandbox.files(), before);
    assert!(!sandbox.path(".fireferry").exists());
}

#[test]
fn check_lists_everything_that_is_wrong() {
    let sandbox = shop::clean();
    shop::change(&sandbox, "schema: schema\n", "");
    shop::change(&sandbox, "user_id: ada }", "user_id: bob }");
    insta::assert_snapshot!("check_unsafe", sandbox.run(&["check", "p.yaml"]).exits(3).seen());
    let report = sandbox.run(&["check", "p.yaml", "--json"]).exits(3).json();
    assert_eq!(report["safe"], false);
    assert!(report["issues"].as_array().unwrap().len() > 1);
    let refused = sandbox.run(&["run", "p.yaml"]).exits(3);
    assert!(!sandbox.path("shop.db").exists(), "a refused run leaves no database");
    insta::assert_snapshot!("run_refused", refused.seen());
}

#[test]
fn a_failing_test_of_the_pipeline_shows_the_difference() {
    let sandbox = shop::clean();
    assert!(sandbox.run(&["test", "p.yaml"]).exits(0).stdout.contains("1 test passed"));
    shop::change(&sandbox, "user_id: ada }", "user_id: bob }");
    insta::assert_snapshot!(sandbox.run(&["test", "p.yaml"]).exits(1).seen());
    assert_eq!(sandbox.run(&["test", "p.yaml", "--json"]).exits(1).json()["passed"], false);
}

#[test]
fn plan_shows_the_order_and_leaves_nothing() {
    let sandbox = shop::clean();
    let before = sandbox.files();
    insta::assert_snapshot!(sandbox.run(&["plan", "p.yaml"]).exits(0).seen());
    assert_eq!(sandbox.files(), before);
}

#[test]
fn verify_counts_and_finds_a_row_that_is_gone() {
    let sandbox = shop::clean();
    let never = sandbox.run(&["verify", "p.yaml"]);
    assert!(never.code != 0 && never.stderr.contains("error["), "{}", never.stderr);
    sandbox.run(&["run", "p.yaml"]).exits(0);
    insta::assert_snapshot!("verify_valid", sandbox.run(&["verify", "p.yaml", "--counts"]).exits(0).seen());
    sandbox.write("data/orders.ndjson", "{\"id\":\"o1\",\"user\":\"ada\"}\n");
    insta::assert_snapshot!("verify_differs", sandbox.run(&["verify", "p.yaml"]).exits(5).seen());
    assert_eq!(sandbox.run(&["verify", "p.yaml", "--json"]).exits(5).json()["valid"], false);
}

#[test]
fn schema_status_and_up() {
    let sandbox = shop::clean();
    insta::assert_snapshot!("schema_pending", sandbox.run(&["schema", "status", "p.yaml"]).exits(0).seen());
    assert!(!sandbox.path("shop.db").exists(), "asking does not make it");
    insta::assert_snapshot!("schema_up", sandbox.run(&["schema", "up", "p.yaml"]).exits(0).seen());
    insta::assert_snapshot!("schema_applied", sandbox.run(&["schema", "status", "p.yaml"]).exits(0).seen());
    assert!(sandbox.run(&["schema", "up", "p.yaml"]).exits(0).stdout.contains("Nothing to apply"));
}

#[test]
fn clear_asks_first_and_backs_up() {
    let sandbox = shop::clean();
    sandbox.run(&["run", "p.yaml"]).exits(0);
    insta::assert_snapshot!("clear_refused", sandbox.run(&["clear", "p.yaml"]).exits(2).seen());
    let stats = |sandbox: &Sandbox| sandbox.run(&["stats", "p.yaml", "--json"]).exits(0).json()["tables"].clone();
    assert_eq!(stats(&sandbox)[0]["rows"], 3);
    let cleared = sandbox.run(&["clear", "p.yaml", "--yes", "--json"]).exits(0).json();
    assert_eq!(stats(&sandbox)[0]["rows"], 0);
    assert!(std::fs::exists(cleared["backup"].as_str().unwrap()).unwrap());
}

#[test]
fn a_backup_can_be_made_listed_and_put_back() {
    let sandbox = shop::clean();
    assert!(sandbox.run(&["backup", "list", "p.yaml"]).exits(0).stdout.contains("There is no backup"));
    sandbox.run(&["run", "p.yaml"]).exits(0);
    sandbox.run(&["backup", "create", "p.yaml"]).exits(0);
    let list = sandbox.run(&["backup", "list", "p.yaml", "--json"]).exits(0).json();
    let path = list["backups"][0]["path"].as_str().unwrap().to_owned();
    assert!(sandbox.run(&["backup", "list", "p.yaml"]).exits(0).stdout.contains(&path));
    sandbox.run(&["clear", "p.yaml", "--yes", "--no-backup"]).exits(0);
    sandbox.run(&["backup", "restore", "p.yaml", &path]).exits(2);
    sandbox.run(&["backup", "restore", "p.yaml", &path, "--yes"]).exits(0);
    let stats = sandbox.run(&["stats", "p.yaml"]).exits(0).stdout;
    assert!(stats.contains("users      3") && stats.contains("orders     2"), "{stats}");
    let unknown = sandbox.run(&["backup", "restore", "p.yaml", "p.yaml", "--yes"]);
    assert!(unknown.code != 0 && unknown.stderr.contains("error["), "{}", unknown.stderr);
}
