//! From a server that speaks Firestore's protocol.

use super::support::{column, init, run_with};
use crate::firestore::live::billed;
use crate::firestore::server::Server;
use crate::support::Sandbox;

#[test]
fn a_live_database_is_profiled_within_its_budget_and_moved() {
    let mut server = Server::start(&["--fixtures", "fixtures/classroom"]);
    let sandbox = Sandbox::new();
    let address = server.address().to_owned();
    let environment = [("FIRESTORE_EMULATOR_HOST", address.as_str())];
    let live = ["init", "firestore:demo", "--name", "live", "--json"];

    let answer = sandbox.run_with(&[&live[..], &["--max-reads", "900", "--sample", "50"]].concat(), &environment);
    let answer = answer.exits(0).json();
    assert_eq!(answer["complete"], false);
    assert!(billed(&mut server) <= 900, "{}", billed(&mut server));
    assert!(answer["readiness"]["estimate"]["reads"].as_u64().unwrap() > 0, "{answer:#}");

    let answer = sandbox.run_with(&[&live[..], &["--force"]].concat(), &environment).exits(0).json();
    assert_eq!(answer["complete"], true);
    let database = run_with(&sandbox, "live", 5_500, &environment);
    assert_eq!(column(&database, "submissions", "task_id"), "TEXT NOT NULL REFERENCES tasks (id)");
    let _ = init;
}
