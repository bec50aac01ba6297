//! A crash at every named place of small runs, at every crossing of it; resumed, the result is that of an undisturbed run.
//!
//! `FIREFERRY_TEST_CROSSINGS=3` takes every third crossing only; 1 takes all of them on a server, too, which takes minutes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::crash::Scenario;
use super::program::Workspace;
use super::{rollback, setting};
use crate::explain::tokens::{Token, tokens};
use crate::support::database::{Database, assert_same, change};
use crate::support::documents::Load;
use crate::support::repository;

const VARIABLE: &str = "FIREFERRY_CROSSINGS";

/// Places that other tests cross: those of a server's requests, of source files that are put away, of backups that make
/// room, and of documents that were deleted.
const ELSEWHERE: &[&str] = &[
    "request.made",
    "request.answered",
    "source.retiring",
    "source.renamed",
    "source.retired",
    "backup.unlisted",
    "rejects.forgotten",
    "names.read",
    "rows.removed",
];

/// How often a command crosses each place, found out by running it on this workspace.
pub fn crossed(workspace: &mut Workspace, run: impl FnOnce(&Workspace)) -> BTreeMap<String, usize> {
    let file = workspace.sandbox.path("crossings");
    workspace.environment.push((VARIABLE, format!("record:{}", file.display())));
    run(workspace);
    workspace.environment.pop();
    let mut crossed = BTreeMap::new();
    for name in std::fs::read_to_string(&file).unwrap().lines() {
        *crossed.entry(name.to_owned()).or_default() += 1;
    }
    crossed
}

/// Every place with the number of the crossing, as the variable wants it: `3:commit.durable`; every so manyth of them.
pub fn moments(crossed: &BTreeMap<String, usize>, step: usize) -> Vec<String> {
    let all = crossed.iter().flat_map(|(name, times)| (1..=*times).map(move |number| format!("{number}:{name}")));
    all.step_by(setting("FIREFERRY_TEST_CROSSINGS", step)).collect()
}

/// Runs with a crash; whether it came. Reading ahead may get less far another time.
pub fn crash(workspace: &mut Workspace, moment: &str, run: impl Fn(&Workspace) -> i32) -> bool {
    workspace.environment.push((VARIABLE, format!("crash:{moment}")));
    let code = run(workspace);
    workspace.environment.pop();
    code < 0
}

fn enumerate(scenario: &Scenario, all: &mut BTreeMap<String, usize>) {
    let crossed = crossed(&mut scenario.workspace(), |workspace| drop(workspace.run(&[]).exits(4)));
    let moments = moments(&crossed, 1);
    let mut came = 0;
    for moment in &moments {
        let mut workspace = scenario.workspace();
        came += usize::from(crash(&mut workspace, moment, |workspace| workspace.run(&[]).code));
        scenario.resume_and_compare(&workspace, None, &format!("{}, crashed at {moment}", scenario.name));
    }
    println!("{}: {} places, {} crossings, {came} crashes", scenario.name, crossed.len(), moments.len());
    assert!(came * 10 >= moments.len() * 9, "only {came} of {} crashes came", moments.len());
    for (name, times) in crossed {
        *all.entry(name).or_default() += times;
    }
}

/// What somebody did to the destination of a load: rows that are gone, changed, and of nobody.
const DAMAGE: &str = "PRAGMA foreign_keys = OFF;
    DELETE FROM order_items WHERE order_id IN (SELECT id FROM orders WHERE rowid % 3 = 0);
    DELETE FROM orders WHERE rowid % 3 = 0;
    UPDATE people SET score = 0.125 WHERE rowid % 2 = 0;
    INSERT INTO orders (id, person_id, number, total)
      SELECT 'extra' || rowid, person_id, -rowid, 1.5 FROM orders WHERE rowid % 5 = 1;";

/// A repair with a crash at every place; started again, it ends like one without.
fn repairs(scenario: &Scenario, all: &mut BTreeMap<String, usize>) {
    let pipeline = scenario.pipeline.to_str().unwrap();
    let verb = ["verify", pipeline, "--contents", "--repair", "--delete-extra", "--yes", "--json"];
    let fresh = || {
        let workspace = Workspace::new(&scenario.pipeline, &scenario.documents).onto(&scenario.undisturbed());
        change(&workspace.destination(), DAMAGE);
        workspace
    };
    let repair = |workspace: &Workspace| workspace.finish(workspace.command(&verb));
    let mut undisturbed = fresh();
    let mut ended = 0;
    let crossed = crossed(&mut undisturbed, |workspace| ended = repair(workspace).code);
    assert_same(&undisturbed.destination(), &scenario.undisturbed(), "a repair");
    let moments = moments(&crossed, 1);
    let mut came = 0;
    for moment in &moments {
        let mut workspace = fresh();
        came += usize::from(crash(&mut workspace, moment, |workspace| repair(workspace).code));
        let again = repair(&workspace);
        assert_eq!(again.code, ended, "a repair, crashed at {moment}: {again:?}");
        assert_same(&workspace.destination(), &scenario.undisturbed(), &format!("a repair, crashed at {moment}"));
        Database::open(&workspace.destination()).assert_sound();
    }
    println!("a repair: {} places, {} crossings, {came} crashes", crossed.len(), moments.len());
    assert!(came * 10 >= moments.len() * 9, "only {came} of {} crashes came", moments.len());
    for (name, times) in crossed {
        *all.entry(name).or_default() += times;
    }
}

#[test]
fn a_crash_at_any_crossing_is_resumed_to_the_same_result() {
    let load = Load { documents: 90, seed: 7, commit_documents: 20, later: false };
    let empty = Scenario::new("into an empty database", &load, None);
    let full = Scenario::new("over earlier rows", &Load { later: true, ..load }, Some(&empty));
    let mut all = BTreeMap::new();
    enumerate(&empty, &mut all);
    enumerate(&full, &mut all);
    rollback::crash_everywhere(&empty.undisturbed(), &full, &mut all);
    repairs(&empty, &mut all);
    let crossed: BTreeSet<String> = all.into_keys().collect();
    let elsewhere = ELSEWHERE.iter().map(|name| (*name).to_owned());
    let known: BTreeSet<String> = crossed.into_iter().chain(elsewhere).collect();
    assert_eq!(known, named(), "every place in the source is crossed by a test, and no other one exists");
}

/// Every place that the source names.
fn named() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![repository("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.extend(named_in(&path));
            }
        }
    }
    found
}

fn named_in(file: &Path) -> Vec<String> {
    let Ok(source) = std::fs::read_to_string(file) else { return vec![] };
    let tokens = tokens(&source);
    let call = |window: &[(Token, usize)]| match window {
        [(Token::Word(word), _), (open, _), (Token::Text(name), _), (close, _)]
            if word == "crossing" && open.is('(') && close.is(')') =>
        {
            Some(name.clone())
        }
        _ => None,
    };
    tokens.windows(4).filter_map(call).collect()
}
