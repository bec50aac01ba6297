//! Destinations and ledgers that are damaged, or no databases at all.

use super::{assert_runs, run, sandbox};
use crate::support::database::{Database, beside, change};
use insta::assert_snapshot;

#[test]
fn a_destination_that_is_no_database_stays_as_it_is() {
    let sandbox = sandbox();
    let text = "A list of things to do, which nobody may overwrite.\n".repeat(40);
    let file = sandbox.write("out.db", &text);
    for verb in ["run", "check", "plan", "stats"] {
        let outcome = sandbox.run(&[verb, "p.yaml"]).exits(3);
        let said = outcome.stdout + &outcome.stderr;
        assert!(said.contains("error[not_a_database]") && said.contains("hint"), "{said}");
    }
    assert_eq!(sandbox.read("out.db"), text);
    assert!(!beside(&file, "-wal").exists() && !beside(&file, "-journal").exists());
}

#[test]
fn a_destination_that_is_damaged() {
    let sandbox = sandbox();
    run(&sandbox).exits(0);
    let file = sandbox.path("out.db");
    change(
        &file,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) INSERT INTO people SELECT 'id' || i, 'name' || i FROM n",
    );
    let mut bytes = std::fs::read(&file).unwrap();
    let start = bytes.len() / 2;
    bytes[start..start + 4096].fill(0xa5);
    std::fs::write(&file, &bytes).unwrap();
    let outcome = run(&sandbox).exits(3);
    assert!(outcome.stderr.contains("damaged") || outcome.stderr.contains("integrity"), "{outcome:?}");
    assert!(std::fs::read(&file).unwrap() == bytes, "the damaged file was changed");
}

#[test]
fn a_destination_of_a_newer_fireferry() {
    let sandbox = sandbox();
    run(&sandbox).exits(0);
    change(&sandbox.path("out.db"), "UPDATE _fireferry_meta SET value = '99' WHERE name = 'format'");
    let before = crate::support::database::digest(&sandbox.path("out.db"));
    assert_snapshot!(run(&sandbox).exits(3).seen());
    assert_eq!(crate::support::database::digest(&sandbox.path("out.db")), before);
}

#[test]
fn a_ledger_that_is_damaged() {
    let sandbox = sandbox();
    let garbage = "no database at all, however long it is. ".repeat(50);
    sandbox.write(".fireferry/ledger.db", &garbage);
    assert_snapshot!(run(&sandbox).exits(1).seen());
    assert!(!sandbox.path("out.db").exists(), "the run began without its ledger");
    assert_eq!(sandbox.read(".fireferry/ledger.db"), garbage);

    // A pipeline that can do without it says so and goes on.
    let text = sandbox.read("p.yaml").replace("schema: schema", "schema: schema\nledger: best_effort");
    sandbox.write("p.yaml", text);
    assert_snapshot!("a_ledger_that_is_damaged_and_not_required", run(&sandbox).exits(0).seen());
    assert_runs(&sandbox);
    assert_eq!(sandbox.read(".fireferry/ledger.db"), garbage);
}

#[test]
fn a_ledger_that_was_lost_takes_no_run_along() {
    let sandbox = sandbox();
    run(&sandbox).exits(0);
    std::fs::remove_dir_all(sandbox.path(".fireferry")).unwrap();
    assert_runs(&sandbox);
    let database = Database::open(&sandbox.path("out.db"));
    assert_eq!(database.integer("SELECT count(*) FROM _fireferry_runs"), 2);
}
