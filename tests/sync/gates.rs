//! `gate` and `cutover`: go, or no-go.

use std::time::Duration;

use serde_json::{Value, json};

use super::place::{PIPELINE, Place};

fn with(gates: &str) -> Place {
    let mut place = Place::with(&format!("{}gates:\n{gates}", PIPELINE), &[]);
    for number in 0..20 {
        place.person(&format!("p{number}"), "x");
        place.note(&format!("n{number}"), &format!("p{number}"), "text");
    }
    place.tick(0);
    place
}

#[track_caller]
fn gate(place: &Place, exit: i32) -> Value {
    let command = place.workspace.command(&["gate", place.workspace.pipeline.to_str().unwrap(), "--json"]);
    place.workspace.finish(command).exits(exit).json()
}

fn verify(place: &Place) -> i32 {
    let mut command = place.workspace.command(&["verify", place.workspace.pipeline.to_str().unwrap()]);
    command.args(["--contents", "--json"]);
    place.workspace.finish(command).code
}

#[track_caller]
fn assert_closed(report: &Value, gate: &str) {
    let closed: Vec<&Value> = report["gates"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|gate| gate["open"] == false)
        .map(|gate| &gate["gate"])
        .collect();
    assert_eq!(closed, [gate], "{report:#}");
    assert_eq!(report["go"], false);
}

fn damage(place: &Place, sql: &str) {
    drop(crate::support::database::Program::start(&place.workspace.destination(), sql));
}

#[test]
fn consistency_is_no_go_until_it_was_compared_and_mended() {
    let place = with("  consistency_rate: 99.9%\n");
    assert_closed(&gate(&place, 5), "consistency_rate");
    assert_eq!(verify(&place), 0);
    assert_eq!(gate(&place, 0)["go"], true);
    damage(&place, "UPDATE people SET name = 'other' WHERE id = 'p3'");
    assert_eq!(verify(&place), 5);
    assert_closed(&gate(&place, 5), "consistency_rate");
    let mut repair = place.workspace.command(&["verify", place.workspace.pipeline.to_str().unwrap()]);
    repair.args(["--repair", "--yes", "--json"]);
    place.workspace.finish(repair).exits(0);
    assert_eq!(verify(&place), 0);
    gate(&place, 0);
}

#[test]
fn a_row_of_clean_comparisons_is_broken_by_one_that_is_not() {
    let place = with("  clean_verifies: 2\n");
    verify(&place);
    assert_closed(&gate(&place, 5), "clean_verifies");
    verify(&place);
    gate(&place, 0);
    damage(&place, "DELETE FROM note_tags WHERE note_id = 'n1'");
    verify(&place);
    assert_closed(&gate(&place, 5), "clean_verifies");
}

#[test]
fn a_window_is_not_fulfilled_by_one_comparison() {
    let place = with("  consistency_rate: { limit: 99.9%, for: 1h }\n");
    verify(&place);
    let report = gate(&place, 5);
    assert_closed(&report, "consistency_rate");
    assert!(report["gates"][0]["why"].as_str().unwrap().starts_with("holds for"), "{report:#}");
}

#[test]
fn too_many_rejects_are_no_go_until_they_are_written() {
    let mut place = with("  reject_rate: 1%\n");
    gate(&place, 0);
    place.note("orphan", "nobody", "x");
    place.tick(4);
    assert_closed(&gate(&place, 5), "reject_rate");
    place.person("nobody", "somebody");
    place.tick(0);
    gate(&place, 0);
}

#[test]
fn lag_is_no_go_until_what_changed_is_written() {
    let mut place = with("  lag: 2s\n");
    std::thread::sleep(Duration::from_millis(2_100));
    assert_closed(&gate(&place, 5), "lag");
    place.person("late", "x");
    place.tick(0);
    gate(&place, 0);
}

#[test]
fn a_gate_that_only_warns_lets_go() {
    let place = with("  consistency_rate: { limit: 99.9%, severity: warn }\n");
    let report = gate(&place, 0);
    assert_eq!((&report["gates"][0]["open"], &report["go"]), (&json!(false), &json!(true)));
}

#[test]
fn a_window_for_what_has_no_history_is_a_mistake() {
    let place = Place::with(&format!("{PIPELINE}gates: {{ lag: {{ limit: 5s, for: 1h }} }}\n"), &[]);
    let command = place.workspace.command(&["gate", place.workspace.pipeline.to_str().unwrap()]);
    let refused = place.workspace.finish(command).exits(2);
    assert!(refused.stderr.contains("gate_window"), "{}", refused.stderr);
}

fn cutover(place: &Place, quiet_for: &str) -> std::process::Command {
    let mut command = place.workspace.command(&["cutover", place.workspace.pipeline.to_str().unwrap()]);
    command.args(["--quiet-for", quiet_for, "--json"]);
    command
}

#[test]
fn cutover_refuses_while_the_source_moves_and_says_go_when_it_is_quiet() {
    let mut place = with("  clean_verifies: 1\n");
    let running = place.workspace.start(cutover(&place, "2s"));
    for number in 0..12 {
        place.person(&format!("moving{number}"), "x");
        std::thread::sleep(Duration::from_millis(200));
    }
    let refused = place.workspace.sandbox.finish(running).exits(3);
    assert!(refused.stdout.contains("source_moves"), "{}", refused.stdout);
    let report = place.workspace.finish(cutover(&place, "1s")).exits(0).json();
    assert_eq!((&report["cutover"], &report["consistent"]), (&json!(true), &json!(true)), "{report:#}");
    assert_eq!(place.database().integer("SELECT count(*) FROM people"), 32);
    damage(&place, "UPDATE people SET name = 'other' WHERE id = 'p3'");
    let report = place.workspace.finish(cutover(&place, "100ms")).exits(5).json();
    assert_eq!(report["cutover"], false);
}
