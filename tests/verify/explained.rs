//! What explains a difference is told apart from damage: rejects, strategies, filters, samples, sources that are gone.

use serde_json::{Value, json};

use super::damage::{lines, workspace};
use crate::support::database::{Database, change};
use crate::support::{Sandbox, repository};

fn contents(sandbox: &Sandbox, code: i32) -> Value {
    sandbox.run(&["verify", "p.yaml", "--contents", "--json"]).exits(code).json()
}

/// The classroom's documents, with all kinds of rejects.
fn classroom(fixtures: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    for folder in ["pipelines/classroom.yaml", "schemas/classroom", "fixtures/classroom.languages.json"] {
        sandbox.bring(folder);
    }
    sandbox.bring(&format!("fixtures/{fixtures}"));
    assert!(repository("fixtures").join(fixtures).is_dir());
    sandbox
}

#[test]
fn rejected_documents_are_not_missing() {
    let sandbox = classroom("classroom_dirty");
    let verbs = |verb: &[&str]| {
        let rest = ["pipelines/classroom.yaml", "--source", "fixtures/classroom_dirty", "--json"];
        sandbox.run(&[verb, &rest[..]].concat())
    };
    let run = verbs(&["run"]).exits(4).json();
    let report = verbs(&["verify", "--contents"]).exits(0).json();
    for (own, of_run) in report["collections"].as_array().unwrap().iter().zip(run["collections"].as_array().unwrap()) {
        let unwritten = [&of_run["rejected"], &of_run["skipped"]].map(|number| number.as_u64().unwrap());
        assert_eq!(
            [&own["rejected"], &own["skipped"]].map(|number| number.as_u64().unwrap()),
            unwritten,
            "{own} {of_run}"
        );
        assert_eq!(own["read"], of_run["read"]);
    }
    assert_eq!(report["totals"]["rejected"], run["total_rejects"]);
}

#[test]
fn the_clean_classroom_is_consistent() {
    let sandbox = classroom("classroom");
    sandbox.run(&["run", "pipelines/classroom.yaml"]).exits(0);
    let report = sandbox.run(&["verify", "pipelines/classroom.yaml", "--contents"]).exits(0);
    assert!(report.stdout.contains("Contents are consistent (100.0000 % consistent)."), "{}", report.stdout);
}

#[test]
fn of_two_documents_with_one_path_the_second_is_rejected_and_the_first_still_judged() {
    let sandbox = workspace("file:damage.db", 5, "");
    let mut text = sandbox.read("documents/things.ndjson");
    let first = text.lines().next().unwrap().to_owned();
    text += &first.replace("thing 0", "another");
    sandbox.write("documents/things.ndjson", text);
    sandbox.run(&["run", "p.yaml"]).exits(4);
    let report = contents(&sandbox, 0);
    assert_eq!((&report["totals"]["rejected"], &report["totals"]["consistent"]), (&json!(1), &json!(12)));
    change(&sandbox.path("damage.db"), "UPDATE things SET text = 'x' WHERE id = 't00000'");
    let report = contents(&sandbox, 5);
    assert_eq!((&report["totals"]["rejected"], &report["totals"]["changed"]), (&json!(1), &json!(1)));
    sandbox.run(&["verify", "p.yaml", "--repair", "--yes"]).exits(0);
    let text = Database::open(&sandbox.path("damage.db")).texts("SELECT text FROM things WHERE id = 't00000'");
    assert_eq!(text, ["thing 0 of Übung 🦊"]);
}

#[test]
fn what_the_strategy_left_alone_is_kept_and_never_repaired() {
    let sandbox = workspace("file:damage.db", 5, "");
    sandbox.run(&["schema", "up", "p.yaml"]).exits(0);
    change(&sandbox.path("damage.db"), "INSERT INTO things (id, text) VALUES ('t00002', 'mine'), ('other', 'older')");
    sandbox.run(&["run", "p.yaml", "--on-conflict", "skip"]).exits(0);
    change(&sandbox.path("damage.db"), "DELETE FROM things WHERE id = 't00003'");
    let report = contents(&sandbox, 5);
    let totals = ["kept", "missing", "extra", "changed"].map(|kind| report["totals"][kind].as_u64().unwrap());
    assert_eq!(totals, [1, 1, 1, 0]);
    sandbox.run(&["verify", "p.yaml", "--repair", "--yes"]).exits(5);
    let database = Database::open(&sandbox.path("damage.db"));
    assert_eq!(database.texts("SELECT text FROM things WHERE id = 't00002'"), ["mine"]);
    assert_eq!(database.integer("SELECT count(*) FROM things WHERE id IN ('t00003', 'other')"), 2);
}

#[test]
fn a_row_that_wins_is_kept_and_one_that_should_have_lost_is_not() {
    let sandbox = workspace("file:damage.db", 5, "");
    sandbox.run(&["schema", "up", "p.yaml"]).exits(0);
    let newer = "INSERT INTO things (id, number) VALUES ('t00001', 100), ('t00002', 100), ('t00003', 100)";
    change(&sandbox.path("damage.db"), newer);
    sandbox.run(&["run", "p.yaml", "--on-conflict", "merge"]).exits(0);
    // The labels were filled; the numbers of others stay.
    let report = contents(&sandbox, 0);
    assert_eq!((&report["totals"]["kept"], &report["totals"]["changed"]), (&json!(3), &json!(0)), "{report}");
    change(&sandbox.path("damage.db"), "UPDATE things SET text = NULL WHERE id = 't00001'");
    let report = contents(&sandbox, 5);
    assert_eq!((&report["totals"]["kept"], &report["totals"]["changed"]), (&json!(2), &json!(1)), "{report}");
}

#[test]
fn a_row_whose_document_cannot_be_mapped_any_more_is_not_extra() {
    let sandbox = workspace("file:damage.db", 5, "");
    sandbox.run(&["run", "p.yaml"]).exits(0);
    let text =
        sandbox.read("documents/things.ndjson").replacen("\"number\":2", "\"ratio\":\"no number\",\"number\":2", 1);
    let text = text.replace("\"ratio\":1.2000000000000002,", "");
    sandbox.write("documents/things.ndjson", text);
    let pipeline = sandbox.read("p.yaml").replace("ratio: ratio", "ratio: { from: ratio, type: double }");
    sandbox.write("p.yaml", pipeline);
    let report = contents(&sandbox, 0);
    assert_eq!((&report["totals"]["rejected"], &report["totals"]["extra"]), (&json!(1), &json!(0)), "{report}");
}

#[test]
fn documents_outside_of_a_sample_are_skipped_and_lost_ones_of_it_told() {
    let sandbox = workspace("file:damage.db", 50, "");
    sandbox.run(&["run", "p.yaml", "--sample", "10"]).exits(0);
    let report = contents(&sandbox, 0);
    assert_eq!((&report["totals"]["skipped"], &report["totals"]["consistent"]), (&json!(40), &json!(17)), "{report}");
    change(&sandbox.path("damage.db"), "DELETE FROM things WHERE id = 't00003'");
    let report = contents(&sandbox, 5);
    assert_eq!(report["general"][0]["message"], "10 documents of the sample were written, 9 have a row");
}

#[test]
fn files_that_were_put_away_cannot_be_compared() {
    let sandbox = workspace("file:damage.db", 5, "");
    let pipeline =
        sandbox.read("p.yaml").replace("path: documents }", "path: documents, on_success: rename_migrated }");
    sandbox.write("p.yaml", pipeline);
    sandbox.run(&["run", "p.yaml"]).exits(0);
    let refused = sandbox.run(&["verify", "p.yaml", "--contents"]).exits(2);
    assert!(refused.stderr.contains("source_put_away"), "{}", refused.stderr);
}

#[test]
fn a_filtered_document_is_skipped_and_its_old_row_extra() {
    let sandbox = workspace("file:damage.db", 5, "");
    sandbox.run(&["run", "p.yaml"]).exits(0);
    let pipeline = sandbox
        .read("p.yaml")
        .replace("    key: id\n    columns", "    key: id\n    where: { number: 3 }\n    columns");
    sandbox.write("p.yaml", pipeline);
    let report = contents(&sandbox, 5);
    let totals = ["skipped", "extra", "consistent"].map(|kind| report["totals"][kind].as_u64().unwrap());
    assert_eq!(totals, [4, 4 + 4 * 5, 8], "{report}");
    let things = sandbox.run(&["runs", "differences", "--kind", "extra", "--json"]).exits(0).json();
    let of =
        |table: &str| things["differences"].as_array().unwrap().iter().filter(|found| found["table"] == table).count();
    assert_eq!(["things", "thing_tags", "thing_labels"].map(of), [4, 12, 8]);
}

#[test]
fn a_table_that_is_gone_is_told_and_the_others_are_compared() {
    let sandbox = workspace("file:damage.db", 5, "");
    sandbox.run(&["run", "p.yaml"]).exits(0);
    change(&sandbox.path("damage.db"), "DROP TABLE thing_labels; UPDATE owners SET name = 'x' WHERE id = 'o1'");
    let report = contents(&sandbox, 5);
    let general: Vec<&str> =
        report["general"].as_array().unwrap().iter().filter_map(|found| found["message"].as_str()).collect();
    assert_eq!(
        general,
        [
            "the destination's schema is not what it was when the run started",
            "not compared: the destination has no table thing_labels"
        ]
    );
    assert_eq!(report["totals"]["changed"], 1);
}

#[test]
fn a_document_that_the_destination_refuses_is_a_reject_of_the_repair() {
    let sandbox = workspace("file:damage.db", 5, "");
    sandbox.run(&["run", "p.yaml"]).exits(0);
    let gone = "UPDATE things SET owner_id = NULL WHERE owner_id = 'o1'; DELETE FROM owners WHERE id = 'o1'";
    change(&sandbox.path("damage.db"), gone);
    // The owner is gone from the source too: its thing has no parent any more.
    let owners = (0..7).filter(|number| *number != 1);
    let owners = owners.map(|number| json!({ "id": format!("o{number}"), "name": format!("Owner {number}") }));
    sandbox.write("documents/owners.ndjson", lines(owners));
    let repaired = sandbox.run(&["verify", "p.yaml", "--repair", "--yes", "--json"]).exits(5).json();
    assert_eq!(repaired["repair"]["rejected"], 1, "{repaired}");
    let rejects = sandbox.run(&["runs", "rejects", "latest", "--json"]).exits(0).json();
    assert_eq!(rejects["rejects"][0]["code"], "parent_missing", "{rejects}");
    // The run that explains the destination is still the one that wrote it.
    assert_eq!(sandbox.run(&["verify", "p.yaml", "--json"]).json()["run"], repaired["contents"]["run"]);
}
