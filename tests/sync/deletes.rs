//! Documents that are deleted at the source.

use super::place::{PIPELINE, Place};

fn with(deletes: &str) -> Place {
    Place::with(&PIPELINE.replace("    key: id\n", &format!("    key: id\n    deletes: {deletes}\n")), &[])
}

fn filled(deletes: &str) -> Place {
    let mut place = with(deletes);
    for number in 0..30 {
        place.person(&format!("p{number}"), "x");
        place.note(&format!("n{number}"), &format!("p{number}"), "text");
    }
    place.tick(0);
    place
}

fn rows(place: &Place) -> [i64; 3] {
    ["people", "notes", "note_tags"].map(|table| place.database().integer(&format!("SELECT count(*) FROM {table}")))
}

#[test]
fn rows_go_with_their_child_rows_when_they_are_looked_for() {
    let mut place = filled("hard");
    place.server.tell("delete notes/n1");
    place.server.tell("delete notes/n2");
    place.server.tell("delete people/p2");
    place.tick(0);
    assert_eq!(rows(&place), [30, 30, 60], "nothing is looked for unless asked");
    let report = place.workspace.run(&["--incremental", "--deletes"]).exits(0).json();
    assert_eq!(
        (report["collections"][0]["deleted"].as_u64(), report["collections"][1]["deleted"].as_u64()),
        (Some(1), Some(2))
    );
    assert_eq!(rows(&place), [29, 28, 56]);
    place.assert_equal();
    let again = place.workspace.run(&["--incremental", "--deletes"]).exits(0).json();
    assert!(again["collections"][0].get("deleted").is_none(), "{again:#}");
    assert!(!place.workspace.disk().join("state/deletes").exists(), "scratch files are gone");
}

#[test]
fn a_row_that_others_refer_to_stays_until_they_are_gone() {
    let mut place = filled("hard");
    place.server.tell("delete people/p5");
    place.workspace.run(&["--incremental", "--deletes"]).exits(0);
    assert_eq!(rows(&place), [30, 30, 60], "a note of this person is still there");
    place.server.tell("delete notes/n5");
    place.workspace.run(&["--incremental", "--deletes"]).exits(0);
    assert_eq!(rows(&place), [29, 29, 58]);
    place.assert_equal();
}

#[test]
fn more_than_the_share_allowed_removes_nothing_and_says_so() {
    let mut place = filled("hard");
    for number in 0..12 {
        place.server.tell(&format!("delete notes/n{number}"));
    }
    let report = place.workspace.run(&["--incremental", "--deletes"]).exits(5).json();
    assert_eq!(rows(&place), [30, 30, 60]);
    assert!(report.to_string().contains("12 of 30 rows of notes have no document any more"), "{report:#}");
    place.workspace.run(&["--incremental", "--deletes", "--max-deletes", "50%"]).exits(0);
    assert_eq!(rows(&place), [30, 18, 36]);
    place.assert_equal();
}

#[test]
fn rows_are_marked_and_unmarked_where_the_pipeline_says_so() {
    let mut place = with("ignore");
    let marked = PIPELINE.replacen("    key: id\n", "    key: id\n    deletes: { soft: gone_at }\n", 1);
    place.folder.write("schema/0002_gone.up.sql", "ALTER TABLE people ADD COLUMN gone_at TEXT;");
    place.folder.write("schema/0002_gone.down.sql", "ALTER TABLE people DROP COLUMN gone_at;");
    place.rewrite(&marked);
    place.person("a", "a");
    place.person("b", "b");
    place.tick(0);
    place.server.tell("delete people/a");
    let report = place.workspace.run(&["--incremental", "--deletes"]).exits(0).json();
    assert_eq!(report["collections"][0]["deleted"], 1, "{report:#}");
    let marked = "SELECT id FROM people WHERE gone_at IS NOT NULL";
    assert_eq!(place.database().texts(marked), ["a"]);
    place.person("a", "back");
    place.workspace.run(&["--incremental", "--deletes"]).exits(0);
    assert!(place.database().texts(marked).is_empty());
    assert_eq!(place.database().texts("SELECT name FROM people WHERE id = 'a'"), ["back"]);
}

#[test]
fn a_mapped_column_cannot_be_the_mark() {
    let mut place = with("{ soft: name }");
    place.person("a", "a");
    let refused = place.workspace.run(&[]).exits(2);
    assert!(refused.stdout.contains("deletes_column"), "{}", refused.stdout);
}

#[test]
fn a_source_without_any_document_empties_no_table() {
    let careful = PIPELINE.replace("expect_documents: false", "expect_documents: true");
    let mut place = Place::with(&careful.replace("    key: id\n", "    key: id\n    deletes: hard\n"), &[]);
    place.person("a", "a");
    place.note("n", "a", "text");
    place.tick(0);
    place.server.tell("delete notes/n");
    place.server.tell("delete people/a");
    let report = place.workspace.run(&["--incremental", "--deletes"]).exits(5).json();
    assert_eq!(rows(&place), [1, 1, 2], "few rows, but all of them: {report:#}");
    assert!(report.to_string().contains("the source has no document of notes"), "{report:#}");
}
