//! The committed documents are what the generator writes, and the dirty ones are listed rightly.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use fireferry::domain::reject::RejectCode;
use serde_json::Value;

use super::program::root;

/// What is generated, below `fixtures`.
const GENERATED: &[&str] = &[
    "classroom",
    "classroom.languages.json",
    "classroom_dirty",
    "classroom_dirty.expected.json",
    "sessions",
    "sessions.workspaces.json",
];

/// Contents by path, relative to `folder`.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut paths: Vec<PathBuf> = GENERATED.iter().map(|name| folder.join(name)).collect();
    while let Some(path) = paths.pop() {
        if path.is_dir() {
            paths.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            found.insert(path.strip_prefix(folder).unwrap().to_owned(), fs::read(&path).unwrap());
        }
    }
    found
}

#[test]
fn the_committed_fixtures_are_what_the_generator_writes() {
    // `cargo test` builds the examples next to the program.
    let program = Path::new(env!("CARGO_BIN_EXE_fireferry"));
    let generator = program.with_file_name("examples").join(format!("make_fixtures{}", std::env::consts::EXE_SUFFIX));
    let folder = tempfile::tempdir().unwrap();
    let status = Command::new(&generator).arg(folder.path()).status();
    assert!(status.is_ok_and(|status| status.success()), "{} does not run", generator.display());
    let (written, committed) = (contents(folder.path()), contents(&root().join("fixtures")));
    assert_eq!(written.keys().collect::<Vec<_>>(), committed.keys().collect::<Vec<_>>());
    for (path, bytes) in &written {
        assert!(committed[path] == *bytes, "fixtures/{} is not what the generator writes", path.display());
    }
}

#[test]
fn the_clean_set_is_large_enough_and_the_dirty_one_has_every_reason() {
    let clean: usize =
        contents(&root().join("fixtures")).iter().filter(|(path, _)| path.starts_with("classroom")).map(lines).sum();
    assert!(clean >= 5_000, "{clean} documents");
    let codes: BTreeSet<String> = expected().iter().map(|entry| text(entry, "code")).collect();
    // These need another `on_conflict`, the last one a trigger.
    let not_here = [RejectCode::RowExists, RejectCode::NotComparable, RejectCode::Constraint];
    let missing: Vec<_> =
        RejectCode::ALL.iter().filter(|code| !not_here.contains(code) && !codes.contains(code.as_str())).collect();
    assert!(missing.is_empty(), "no document is rejected for {missing:?}");
}

fn lines((_, bytes): (&PathBuf, &Vec<u8>)) -> usize {
    bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count()
}

#[test]
fn without_the_listed_lines_the_dirty_set_is_the_clean_one() {
    let fixtures = root().join("fixtures");
    let mut listed: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for entry in expected() {
        let origin = text(&entry, "origin");
        let (file, line) = origin.rsplit_once(':').unwrap();
        listed.entry(file.to_owned()).or_default().push(line.parse().unwrap());
    }
    let clean = |name: &str| fs::read(fixtures.join("classroom").join(name)).unwrap();
    for (path, bytes) in contents(&fixtures) {
        let Ok(file) = path.strip_prefix("classroom_dirty") else { continue };
        let name = file.to_str().unwrap().replace('\\', "/");
        let own = listed.get(&name).cloned().unwrap_or_default();
        let rest: Vec<&[u8]> = bytes
            .split_inclusive(|byte| *byte == b'\n')
            .enumerate()
            .filter(|(index, _)| !own.contains(&(index + 1)))
            .map(|(_, line)| line)
            .collect();
        let expected = match name.split_once('/') {
            Some((_, "dirty.ndjson")) => Vec::new(),
            Some((collection, _)) => clean(&format!("{collection}.ndjson")),
            None => clean(&name),
        };
        assert!(rest.concat() == expected, "{name}");
    }
}

/// The list of expected rejects.
pub fn expected() -> Vec<Value> {
    let text = fs::read_to_string(root().join("fixtures/classroom_dirty.expected.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// A text member of a JSON object; empty for null.
pub fn text(entry: &Value, name: &str) -> String {
    entry[name].as_str().unwrap_or_default().to_owned()
}
