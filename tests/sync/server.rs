//! A server as the destination of what changes.

use super::place::{Place, counts};
use crate::remote::server::Sqld;

#[test]
fn changes_rejects_and_deletes_reach_a_server() {
    let Some(server) = Sqld::start() else { return };
    let mut place = Place::into_server(&format!("http://{}", server.address()), "hard");
    for number in 0..30 {
        place.person(&format!("p{number}"), "x");
        place.note(&format!("n{number}"), &format!("p{number}"), "text");
    }
    assert_eq!(counts(&place.tick(0)), [60, 60, 0, 0, 0]);
    assert_eq!(counts(&place.tick(0)), [0, 0, 0, 0, 0]);
    place.person("p3", "changed");
    place.note("orphan", "missing", "text");
    assert_eq!(counts(&place.tick(4)), [2, 0, 1, 0, 1]);
    place.person("missing", "there now");
    assert_eq!(counts(&place.tick(0)), [2, 2, 0, 0, 0]);
    place.server.tell("delete notes/n1");
    place.server.tell("delete people/p1");
    place.server.tell("delete people/p2");
    let report = place.workspace.run(&["--incremental", "--deletes"]).exits(0).json();
    assert_eq!(
        (report["collections"][0]["deleted"].as_u64(), report["collections"][1]["deleted"].as_u64()),
        (Some(1), Some(1))
    );
    let rows = server
        .query("SELECT (SELECT count(*) FROM people), (SELECT count(*) FROM notes), (SELECT count(*) FROM note_tags)");
    assert_eq!(rows[0].iter().map(|cell| cell.integer()).collect::<Vec<_>>(), [30, 30, 60], "p2 has a note");
    place.server.tell("delete notes/n2");
    place.workspace.run(&["--incremental", "--deletes"]).exits(0);
    place.assert_equal();
}

#[test]
fn the_records_of_frequent_runs_do_not_pile_up() {
    let mut place = Place::new();
    place.person("a", "a");
    place.tick(0);
    for _ in 0..105 {
        place.tick(0);
    }
    let runs = place.database().integer("SELECT count(*) FROM _fireferry_runs");
    assert!((100..=102).contains(&runs), "{runs}");
    let left = "SELECT count(*) FROM _fireferry_checkpoints WHERE run NOT IN (SELECT run FROM _fireferry_runs)";
    assert_eq!(place.database().integer(left), 0);
    place.person("b", "b");
    assert_eq!(counts(&place.tick(0)), [1, 1, 0, 0, 0]);
    place.assert_equal();
}
