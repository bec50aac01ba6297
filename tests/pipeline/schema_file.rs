//! The JSON Schema of the pipeline file says what the program says.

use std::fs;
use std::path::PathBuf;

use fireferry::pipeline::json_schema;
use serde_json::Value;

use super::json_schema::complaint;
use super::support::Case;
use crate::support::{Sandbox, repository};

/// What `pipeline-schema` prints, where editors find it.
const COPIES: [(&str, &[&str]); 2] = [
    ("pipelines/pipeline.schema.json", &["pipeline-schema"]),
    ("pipelines/included.schema.json", &["pipeline-schema", "--included"]),
];

/// The example pipelines.
fn examples() -> Vec<PathBuf> {
    let files = fs::read_dir(repository("pipelines")).unwrap().map(|entry| entry.unwrap().path());
    let mut yamls: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|extension| extension == "yaml")).collect();
    yamls.sort();
    assert!(yamls.len() >= 2, "{yamls:?}");
    yamls
}

fn parsed(yaml: &str) -> Value {
    super::json_schema::parsed(yaml).unwrap()
}

#[test]
fn the_copies_in_the_repository_are_what_the_program_prints() {
    for (copy, arguments) in COPIES {
        let printed = Sandbox::new().run(arguments).exits(0).stdout;
        if std::env::var_os("INSTA_UPDATE").is_some_and(|update| update == "always") {
            fs::write(repository(copy), &printed).unwrap();
        }
        let found = fs::read_to_string(repository(copy)).unwrap();
        assert!(found == printed, "write it anew: fireferry {} > {copy}", arguments.join(" "));
    }
}

#[test]
fn the_examples_are_valid_and_tell_editors_so() {
    for path in examples() {
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("# yaml-language-server: $schema=pipeline.schema.json\n"), "{}", path.display());
        assert_eq!(complaint(&json_schema(), &parsed(&text)), None, "{}", path.display());
    }
}

#[test]
fn a_misspelled_key_is_wrong_in_the_editor_wherever_it_is_wrong_in_the_program() {
    let schema = json_schema();
    let (mut refused, mut let_through) = (0, 0);
    for path in examples() {
        let whole = parsed(&fs::read_to_string(&path).unwrap());
        for place in keys(&whole, "") {
            let misspelled = misspell(&whole, &place);
            let program = unknown_keys(&misspelled);
            let editor = complaint(&schema, &misspelled);
            match (program, &editor) {
                (true, Some(why)) if why.contains("unknown key") || why.contains("required") => refused += 1,
                // A value under a misspelled name: a column that is missing in the key, a field that no column takes.
                (false, None) => let_through += 1,
                _ => panic!("{place}: {program} {editor:?}"),
            }
        }
    }
    assert!(refused > 100 && let_through > 100, "{refused} {let_through}");
}

/// Whether the program calls a key unknown.
fn unknown_keys(pipeline: &Value) -> bool {
    // JSON is YAML.
    let case = Case::new(&pipeline.to_string());
    let Err(error) = case.load() else { return false };
    let all: Vec<_> = std::iter::once(&error).chain(error.others()).map(|error| error.code()).collect();
    all.iter().any(|code| ["unknown_key", "unknown_operator"].contains(code))
}

/// The places of all keys, as JSON pointers.
fn keys(value: &Value, place: &str) -> Vec<String> {
    let below = |name: String, inner: &Value| keys(inner, &format!("{place}/{name}"));
    match value {
        Value::Object(map) => map
            .iter()
            .filter(|(key, _)| !key.starts_with('$'))
            .flat_map(|(key, inner)| {
                std::iter::once(format!("{place}/{key}")).chain(below(key.clone(), inner)).collect::<Vec<_>>()
            })
            .collect(),
        Value::Array(items) => {
            items.iter().enumerate().flat_map(|(index, item)| below(index.to_string(), item)).collect()
        }
        _ => Vec::new(),
    }
}

fn misspell(whole: &Value, place: &str) -> Value {
    let mut copy = whole.clone();
    let (parent, key) = place.rsplit_once('/').unwrap();
    let map = copy.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    let value = map.remove(key).unwrap();
    map.insert(format!("{key}_zz"), value);
    copy
}

#[test]
fn values_of_a_wrong_kind_are_wrong_in_the_editor() {
    let head = "version: 1\nname: a\nsource: { kind: json, path: x }\ndestination: { url: \"file:a.db\" }\n";
    let users = "collections: { users: { key: id, columns: { id: $id } } }\n";
    let wrong = [
        "backup: sometimes\n",
        "backup_keep: -1\n",
        "defaults: { max_time: 10 }\n",
        "defaults: { batch_bytes: 16 apples }\n",
        "defaults: { max_rejects: many }\n",
        "defaults: { readers: 0 }\n",
        "defaults: { expect_documents: \"yes\" }\n",
    ];
    assert_eq!(complaint(&json_schema(), &parsed(&format!("{head}{users}"))), None);
    for line in wrong {
        assert!(complaint(&json_schema(), &parsed(&format!("{head}{users}{line}"))).is_some(), "{line}");
        assert!(Case::new(&format!("{head}{users}{line}")).load().is_err(), "{line}");
    }
    assert!(complaint(&json_schema(), &parsed(head)).is_some(), "no collections");
    let variable = format!("{head}{users}defaults: {{ readers: \"${{READERS:-2}}\", max_time: \"${{TIME:-5s}}\" }}\n");
    assert_eq!(complaint(&json_schema(), &parsed(&variable)), None);
}
