//! What people see: the report, the lists, and what they may hide or accept.

use super::damage::workspace;
use crate::support::Sandbox;
use crate::support::database::{Database, change};

const DAMAGE: &str = "
UPDATE things SET text = 'secret instead', number = '2' WHERE id = 't00001';
DELETE FROM things WHERE id = 't00002';
UPDATE thing_tags SET tag = 'z' WHERE thing_id = 't00003' AND position = 1;
INSERT INTO things (id) VALUES ('extra');
";

fn damaged(hidden: &str) -> Sandbox {
    let sandbox = workspace("file:damage.db", 6, hidden);
    sandbox.run(&["run", "p.yaml"]).exits(0);
    change(&sandbox.path("damage.db"), DAMAGE);
    sandbox
}

#[test]
fn the_report_says_what_differs_and_what_to_do_next() {
    let sandbox = damaged("");
    insta::assert_snapshot!("report", sandbox.run(&["verify", "p.yaml", "--contents"]).exits(5).seen());
    insta::assert_snapshot!("list", sandbox.run(&["runs", "differences", "latest"]).exits(0).seen());
    insta::assert_snapshot!("csv", sandbox.run(&["runs", "differences", "--format", "csv"]).exits(0).seen());
    let only =
        sandbox.run(&["runs", "differences", "--kind", "extra", "--collection", "things", "--json"]).exits(0).json();
    assert_eq!(only["differences"].as_array().unwrap().len(), 1, "{only}");
    let database = Database::open(&sandbox.path("damage.db"));
    assert_eq!(database.integer("SELECT count(*) FROM things"), 6, "nothing was changed");
}

#[test]
fn a_repair_asks_first_and_says_what_it_would_do() {
    let sandbox = damaged("");
    let before = std::fs::read(sandbox.path("damage.db")).unwrap();
    let refused = sandbox.run(&["verify", "p.yaml", "--repair", "--delete-extra"]).exits(2);
    assert!(refused.stderr.contains("not_confirmed"), "{}", refused.stderr);
    assert_eq!(std::fs::read(sandbox.path("damage.db")).unwrap(), before);
    let repaired = sandbox.run(&["verify", "p.yaml", "--repair", "--delete-extra", "--yes"]).exits(0);
    insta::assert_snapshot!("repair", repaired.seen());
    let nothing = sandbox.run(&["verify", "p.yaml", "--repair", "--yes"]).exits(0);
    assert!(nothing.stdout.contains("Nothing was to be repaired."), "{}", nothing.stdout);
    assert!(sandbox.run(&["runs", "list"]).exits(0).stdout.matches("damage").count() == 2, "a run of its own");
}

#[test]
fn a_repair_backs_up_as_the_pipeline_says() {
    let sandbox = damaged("");
    let pipeline = sandbox.read("p.yaml").replace("backup: never", "backup: before_destructive");
    sandbox.write("p.yaml", pipeline);
    let repaired = sandbox.run(&["verify", "p.yaml", "--repair", "--yes", "--json"]).exits(5).json();
    let backup = repaired["repair"]["backup"].as_str().unwrap();
    let rows = Database::open(backup.as_ref()).integer("SELECT count(*) FROM things WHERE text = 'secret instead'");
    assert_eq!(rows, 1);
}

#[test]
fn hidden_values_are_nowhere() {
    for (hidden, options) in [("    hidden_columns: [text]\n", &[][..]), ("", &["--hide-values"][..])] {
        let sandbox = damaged(hidden);
        let outcome = sandbox.run(&[&["verify", "p.yaml", "--contents", "--json"][..], options].concat()).exits(5);
        assert!(outcome.stdout.contains("(hidden)"), "{}", outcome.stdout);
        let list = sandbox.run(&["runs", "differences", "--format", "ndjson"]).exits(0);
        let kept: Vec<u8> = sandbox
            .files()
            .into_iter()
            .filter(|(name, _)| name.contains(".fireferry"))
            .flat_map(|(_, file)| file)
            .collect();
        for place in [outcome.stdout.as_bytes(), outcome.stderr.as_bytes(), list.stdout.as_bytes(), &kept] {
            let found = place.windows(14).any(|window| window == b"secret instead");
            assert!(!found, "{hidden}{options:?}");
        }
    }
}

#[test]
fn accepted_differences_fail_nothing_until_they_become_others() {
    let sandbox = damaged("");
    sandbox.run(&["verify", "p.yaml", "--contents"]).exits(5);
    let accepted = sandbox.run(&["runs", "differences", "--accept", "known since May", "--json"]).exits(0).json();
    assert_eq!(accepted["accepted"], 4);
    let report = sandbox.run(&["verify", "p.yaml", "--contents", "--json"]).exits(0).json();
    assert_eq!((&report["accepted"], &report["unaccepted"]), (&4.into(), &0.into()));
    assert!(sandbox.run(&["runs", "differences"]).stdout.contains("(accepted: known since May)"));
    // A repair leaves them alone too.
    let repaired = sandbox.run(&["verify", "p.yaml", "--repair", "--delete-extra", "--yes", "--json"]).exits(0).json();
    assert_eq!(repaired["repair"]["run"], serde_json::Value::Null);
    change(&sandbox.path("damage.db"), "UPDATE things SET text = 'yet another' WHERE id = 't00001'");
    let report = sandbox.run(&["verify", "p.yaml", "--contents", "--json"]).exits(5).json();
    assert_eq!((&report["accepted"], &report["unaccepted"]), (&3.into(), &1.into()));
}
