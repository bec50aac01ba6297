//! Large pipelines, seen from outside: several files, several environments.

use super::shop;
use crate::support::Sandbox;

/// The shop with its collections in files of their own, and two environments.
fn large() -> Sandbox {
    let sandbox = shop::clean();
    let text = sandbox.read("p.yaml");
    let (head, rest) = text.split_once("collections:\n").unwrap();
    let (collections, tests) = rest.split_once("tests:\n").unwrap();
    let (users, orders) = collections.split_once("  orders:\n").unwrap();
    sandbox.write("parts/users.yaml", format!("collections:\n{users}"));
    sandbox.write("parts/orders.yaml", format!("collections:\n  orders:\n{orders}"));
    let head = head.replace("destination: { url: \"file:shop.db\" }\n", "");
    let environments = "environments:\n  dev: { destination: { url: \"file:dev.db\" } }\n  \
                        prod: { destination: { url: \"file:${PROD:-prod}.db\" }, backup: never }\n";
    sandbox.write(
        "p.yaml",
        format!("{head}include: [parts/users.yaml, parts/orders.yaml]\n{environments}tests:\n{tests}"),
    );
    sandbox
}

#[test]
fn a_pipeline_of_several_files_runs_in_each_environment() {
    let sandbox = large();
    let refused = sandbox.run(&["run", "p.yaml"]).exits(2);
    assert!(refused.stderr.contains("say --env dev or --env prod"), "{}", refused.stderr);
    let dev = sandbox.run(&["run", "p.yaml", "--env", "dev", "--json"]).exits(0).json();
    assert_eq!((&dev["pipeline"], &dev["totals"]["inserted"]), (&"shop.dev".into(), &5.into()));
    assert!(sandbox.path("dev.db").exists() && !sandbox.path("prod.db").exists());
    let environment = [("FIREFERRY_ENV", "prod")];
    sandbox.run_with(&["run", "p.yaml"], &environment).exits(0);
    assert!(sandbox.path("prod.db").exists());
    sandbox.run_with(&["verify", "p.yaml"], &environment).exits(0);
    let unknown = sandbox.run_with(&["run", "p.yaml", "--env", "test"], &environment).exits(2);
    assert!(unknown.stderr.contains("known are: dev, prod"), "the option wins: {}", unknown.stderr);
}

#[test]
fn backups_of_one_environment_are_not_those_of_another() {
    let sandbox = large();
    for environment in ["dev", "prod"] {
        sandbox.run(&["run", "p.yaml", "--env", environment]).exits(0);
    }
    sandbox.run(&["backup", "create", "p.yaml", "--env", "dev"]).exits(0);
    let list =
        |environment: &str| sandbox.run(&["backup", "list", "p.yaml", "--env", environment, "--json"]).exits(0).json();
    assert_eq!(list("dev")["backups"].as_array().unwrap().len(), 1);
    assert_eq!(list("prod")["backups"].as_array().unwrap().len(), 0);
    sandbox.run(&["backup", "restore", "p.yaml", "latest", "--env", "prod", "--yes"]).exits(2);
}

#[test]
fn what_to_do_next_names_the_environment() {
    let sandbox = large();
    let stopped = sandbox.run(&["run", "p.yaml", "--env", "dev", "--max-bytes", "1"]).exits(7);
    assert!(stopped.stdout.contains("fireferry run p.yaml --env dev --resume"), "{}", stopped.stdout);
    let shown = sandbox.run(&["runs", "show"]).exits(0).stdout;
    assert!(shown.contains("p.yaml --env dev --resume"), "{shown}");
    sandbox.run(&["run", "p.yaml", "--env", "dev", "--resume"]).exits(0);
}

#[test]
fn a_run_is_not_resumed_after_an_included_file_changed_its_meaning() {
    let sandbox = large();
    sandbox.run(&["run", "p.yaml", "--env", "dev", "--max-bytes", "1"]).exits(7);
    let users = sandbox.read("parts/users.yaml");
    sandbox.write("parts/users.yaml", users.replace("required: true }", "required: true, transform: [trim] }"));
    let refused = sandbox.run(&["run", "p.yaml", "--env", "dev", "--resume"]);
    assert!(refused.stderr.contains("error[resume_refused]"), "{}", refused.stderr);
    sandbox.write("parts/users.yaml", format!("# only a remark\n{users}"));
    sandbox.run(&["run", "p.yaml", "--env", "dev", "--resume"]).exits(0);
}

#[test]
fn a_mistake_in_an_included_file_is_shown_with_its_lines() {
    let sandbox = large();
    let users = sandbox.read("parts/users.yaml");
    sandbox.write("parts/users.yaml", users.replace("table: users", "tabel: users"));
    insta::assert_snapshot!(sandbox.run(&["check", "p.yaml", "--env", "dev"]).exits(2).seen());
}
