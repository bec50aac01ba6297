//! `include`: one pipeline of several files.

use fireferry::pipeline::json_schema_of_included;

use super::json_schema::{complaint, parsed};
use super::support::Case;

const USERS: &str = "collections:\n  users:\n    key: id\n    columns: { id: $id, email: email }\n";
const TASKS: &str = "collections:\n  tasks:\n    key: id\n    depends_on: users\n    columns: { id: $id }\n";
const HERE: &str = "collections: { notes: { key: id, columns: { id: $id } } }\n";

fn including(files: &str, rest: &str) -> Case {
    Case::with_head(&format!("include: {files}\n{rest}"))
}

fn names(case: &Case) -> Vec<String> {
    let pipeline = case.load().unwrap_or_else(|error| panic!("{}", case.shown(&error)));
    pipeline.collections.iter().map(|collection| collection.mapping.collection.as_str().to_owned()).collect()
}

#[test]
fn collections_of_all_files_are_put_together() {
    let case = including("[parts/tasks.yaml, parts/users.yaml]", HERE);
    let case = case.file("parts/tasks.yaml", TASKS).file("parts/users.yaml", USERS);
    assert_eq!(names(&case), ["tasks", "users", "notes"]);
    let alone = including("users.yaml", "").file("users.yaml", USERS);
    assert_eq!(names(&alone), ["users"]);
    assert_eq!(complaint(&json_schema_of_included(), &parsed(USERS).unwrap()), None);
    assert!(complaint(&json_schema_of_included(), &parsed("collectoins: {}").unwrap()).is_some());
}

#[test]
fn included_files_include_others_and_each_counts_once() {
    let case = including("[a.yaml, deep/b.yaml]", "");
    let case = case.file("a.yaml", &format!("include: deep/users.yaml\n{TASKS}"));
    let case = case.file("deep/b.yaml", &format!("include: users.yaml\n{HERE}")).file("deep/users.yaml", USERS);
    assert_eq!(names(&case), ["users", "tasks", "notes"]);
}

#[test]
fn paths_in_an_included_file_start_from_its_folder_and_may_hold_variables() {
    let columns = "columns: { id: $id, name: { from: name, lookup: names.json } }";
    let users = format!("collections: {{ users: {{ key: id, {columns} }} }}\n");
    let case = including("\"${REGION}/users.yaml\"", "").variable("REGION", "eu");
    let case = case.file("eu/users.yaml", &users).file("eu/names.json", "{ \"a\": \"b\" }");
    assert_eq!(names(&case), ["users"]);
}

#[test]
fn of_defaults_the_including_file_wins() {
    let settings = |case: &Case| {
        let pipeline = case.load().unwrap_or_else(|error| panic!("{}", case.shown(&error)));
        (pipeline.collections[0].batch_size, pipeline.settings.readers)
    };
    let shared = "defaults: { batch_size: 7, readers: 3 }\n";
    let case = including("shared.yaml", HERE).file("shared.yaml", shared);
    assert_eq!(settings(&case), (7, 3));
    let case = including("shared.yaml", &format!("defaults: {{ batch_size: 9 }}\n{HERE}")).file("shared.yaml", shared);
    assert_eq!(settings(&case), (9, 3));
    let both = including("[shared.yaml, other.yaml]", &format!("defaults: {{ batch_size: 9 }}\n{HERE}"));
    let both = both.file("shared.yaml", shared).file("other.yaml", "defaults: { batch_size: 8 }\n");
    assert_eq!(settings(&both), (9, 3), "the file that includes both decides");
}

#[test]
fn the_fingerprint_is_that_of_one_file_and_changes_with_an_included_one() {
    let fingerprint = |users: &str| including("users.yaml", "").file("users.yaml", users).load().unwrap().fingerprint;
    let whole = Case::with_head(USERS).load().unwrap().fingerprint;
    assert_eq!(fingerprint(USERS), whole);
    assert_ne!(fingerprint(&USERS.replace("email: email", "email: mail")), whole);
}

#[test]
fn mistakes_name_the_file_that_they_are_in() {
    let mut all = String::new();
    let mut add = |title: &str, case: Case| all.push_str(&format!("## {title}\n{}\n\n", case.complaint()));
    add("a missing file", including("[users.yaml, parts/tasks.yaml]", "").file("users.yaml", USERS));
    add(
        "a typo in an included file",
        including("parts/users.yaml", "").file("parts/users.yaml", &USERS.replace("key", "kye")),
    );
    add("no YAML", including("users.yaml", "").file("users.yaml", "collections: {\n"));
    add(
        "a key of the pipeline file",
        including("users.yaml", "").file("users.yaml", &format!("backup: never\n{USERS}")),
    );
    add(
        "a collection twice, in two included files",
        including("[a.yaml, b.yaml]", "").file("a.yaml", USERS).file("b.yaml", USERS),
    );
    add("a collection twice, once in the file itself", including("a.yaml", USERS).file("a.yaml", USERS));
    add(
        "a default twice",
        including("[a.yaml, b.yaml]", HERE)
            .file("a.yaml", "defaults: { readers: 1 }")
            .file("b.yaml", "defaults: { readers: 2 }"),
    );
    add("a circle", including("a.yaml", HERE).file("a.yaml", "include: b.yaml").file("b.yaml", "include: a.yaml"));
    add("itself", including("pipeline.yaml", HERE));
    add("mistakes in several files, in their order", {
        let here = HERE.replace("key", "kee");
        including("[b.yaml, a.yaml]", &here)
            .file("a.yaml", &TASKS.replace("key", "kye"))
            .file("b.yaml", &USERS.replace("key", "keey"))
    });
    add("not a path", including("{ a: b }", HERE));
    insta::assert_snapshot!(all);
}

#[test]
fn an_empty_included_file_says_nothing() {
    let case = including("[empty.yaml, users.yaml]", "").file("empty.yaml", "# later\n").file("users.yaml", USERS);
    assert_eq!(names(&case), ["users"]);
}
