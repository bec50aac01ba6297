//! Whatever happens to the source while it is followed: when it is quiet, both sides are equal.

use serde_json::json;

use super::place::{PIPELINE, Place};
use crate::proof::setting;
use crate::support::documents::Random;

/// Something that happens to the source; clocks of writers differ by up to two seconds.
fn change(place: &mut Place, random: &mut Random) {
    let (person, note) = (random.below(12), random.below(25));
    let now = json!({ "$now": i64::try_from(random.below(4_000)).unwrap() - 2_000 });
    match random.below(10) {
        0..=2 => {
            let fields = json!({ "name": format!("name {}", random.below(100)), "updatedAt": now });
            place.server.put(&format!("people/p{person}"), &fields);
        }
        3..=6 => {
            let tags: Vec<usize> = (0..random.below(4)).collect();
            let tags: Vec<String> = tags.iter().map(|tag| format!("tag{tag}")).collect();
            let fields = json!({
                "person": format!("p{}", random.below(14)), "text": format!("{}", random.below(50)), "tags": tags,
                "updatedAt": now,
            });
            place.server.put(&format!("notes/n{note}"), &fields);
        }
        7 => place.server.tell(&format!("delete people/p{person}")),
        _ => place.server.tell(&format!("delete notes/n{note}")),
    }
}

fn settles(seed: u64) {
    let pipeline =
        PIPELINE.replace("overlap: 1ms", "overlap: 10s").replace("    key: id\n", "    key: id\n    deletes: hard\n");
    let mut place = Place::with(&pipeline, &["--seed", &seed.to_string()]);
    let mut random = Random::new(seed);
    place.server.faults(&json!([
        { "method": "RunQuery", "kind": "UNAVAILABLE", "probability": 0.1 },
        { "method": "RunQuery", "kind": "cut", "after_documents": [0, 5], "probability": 0.05 },
        { "method": "BatchGetDocuments", "kind": "UNAVAILABLE", "probability": 0.1 },
    ]));
    for turn in 0..12 {
        for _ in 0..random.below(15) {
            change(&mut place, &mut random);
        }
        let mut options = vec!["--incremental"];
        if turn % 4 == 3 {
            options.extend(["--deletes", "--max-deletes", "100%"]);
        }
        let running = place.workspace.start(place.workspace.run_command(&options));
        for _ in 0..random.below(6) {
            change(&mut place, &mut random);
        }
        let outcome = place.workspace.sandbox.finish(running);
        assert!(matches!(outcome.code, 0 | 4 | 5), "seed {seed} turn {turn}: {}{}", outcome.stdout, outcome.stderr);
    }
    place.server.faults(&json!([]));
    // A deleted person whose notes are still there could not go, and the notes could not be written.
    for person in 0..14 {
        place.person(&format!("p{person}"), "there");
    }
    for _ in 0..2 {
        let settled = place.workspace.run(&["--incremental", "--deletes", "--max-deletes", "100%"]);
        assert!(settled.code == 0, "seed {seed}: {}", settled.stdout);
    }
    let mut verify = place.workspace.command(&["verify", place.workspace.pipeline.to_str().unwrap()]);
    verify.args(["--contents", "--json"]);
    let compared = place.workspace.finish(verify);
    assert_eq!(compared.code, 0, "seed {seed}: {}", compared.stdout);
}

#[test]
fn after_any_changes_and_faults_both_sides_are_equal() {
    let seeds = setting("FIREFERRY_TEST_SYNCS", 4);
    for seed in 1..=seeds as u64 {
        settles(seed);
    }
    println!("{seeds} random sources followed, each equal in the end");
}
