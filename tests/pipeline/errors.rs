//! Every complaint about a pipeline file, as the user reads it. One snapshot per kind of mistake.

use std::fmt::Write;

use super::support::{Case, HEAD};

/// All complaints of some cases, each under its title.
#[derive(Default)]
struct Complaints(String);

impl Complaints {
    fn add(&mut self, title: &str, complaint: &str) {
        writeln!(self.0, "## {title}\n{complaint}\n").unwrap();
    }

    /// A file with [`HEAD`] in front.
    fn of(cases: &[(&str, &str)]) -> String {
        let mut all = Self::default();
        for (title, rest) in cases {
            all.add(title, &Case::with_head(rest).complaint());
        }
        all.0
    }

    /// Whole files.
    fn of_whole(cases: &[(&str, &str)]) -> String {
        let mut all = Self::default();
        for (title, yaml) in cases {
            all.add(title, &Case::new(yaml).complaint());
        }
        all.0
    }
}

const USERS: &str = "collections: { users: { key: id, columns: { id: $id } } }\n";

#[test]
fn files_that_cannot_be_read() {
    let case = Case::with_head(USERS).file("other.yaml", "");
    let mut all = Complaints::default();
    let mut failed =
        |title: &str, name: &str| all.add(title, &case.shown(&case.load_file(&case.path(name)).unwrap_err()));
    failed("missing file", "missing.yaml");
    failed("a directory", ".");
    failed("empty file", "other.yaml");
    all.add("only comments", &Case::new("# nothing\n\n").complaint());
    all.add("not UTF-8", &Case::bytes(b"version: 1\nname: \xff\xfe\n").complaint());
    all.add("data instead of a pipeline", &Case::new(&"x".repeat(5 << 20)).complaint());
    let complaints = all.0;
    insta::assert_snapshot!(complaints);
}

#[test]
fn text_that_is_not_yaml() {
    let complaints = Complaints::of_whole(&[
        ("a colon too many", "version: 1\nname: a: b\n"),
        ("tabs", "version: 1\nsource:\n\tkind: json\n"),
        ("an open quote", "version: 1\nname: \"x\n"),
        ("an open brace", "version: 1\nsource: { kind: json\n"),
        ("wrong indentation", "version: 1\nsource:\n    kind: json\n  path: x\n"),
        ("a key twice", "version: 1\nname: a\nname: b\n"),
        ("a collection twice", &format!("{HEAD}collections:\n  users: {{}}\n  users: {{}}\n")),
        ("two documents", "version: 1\n---\nversion: 1\n"),
        ("an unknown alias", "version: 1\nname: *missing\n"),
        ("a tag", "version: 1\nname: !secret x\n"),
        ("a list", "- version: 1\n"),
        ("text", "just some text\n"),
        ("deep nesting", &format!("a: {}", "[".repeat(200))),
    ]);
    insta::assert_snapshot!(complaints);
}

#[test]
fn a_yaml_bomb_is_refused_quickly() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..15 {
        let before = format!("*a{}", level - 1);
        text.push_str(&format!("a{level}: &a{level} [{}]\n", [before.as_str(); 10].join(", ")));
    }
    let complaints = Case::new(&text).complaint();
    insta::assert_snapshot!(complaints);
}

#[test]
fn the_version_comes_before_everything_else() {
    let complaints = Complaints::of_whole(&[
        ("missing", &format!("{}{USERS}", HEAD.replace("version: 1\n", ""))),
        ("newer: nothing else is judged", "version: 2\nnovelty: true\n"),
        ("not a number", "version: one\n"),
    ]);
    insta::assert_snapshot!(complaints);
}

#[test]
fn unknown_and_missing_keys() {
    let complaints = Complaints::of(&[
        ("nothing but a head", ""),
        ("a misspelled key", &format!("defaults: {{ batchsize: 5 }}\n{USERS}")),
        ("a key of another place", &format!("max_rejects: 5\n{USERS}")),
        ("a key that exists nowhere", &format!("colour: red\n{USERS}")),
        (
            "several at once, a misspelled required key only once",
            "collections:\n  users:\n    tabel: users\n    kee: id\n    colums: { id: $id }\n  tasks:\n    table: tasks\n",
        ),
        ("a column without from", "collections: { users: { key: id, columns: { id: { type: text } } } }\n"),
        ("no collections", "collections: {}\n"),
        ("a collection without columns", "collections: { users: { key: id, columns: {} } }\n"),
    ]);
    insta::assert_snapshot!(complaints);
}

#[test]
fn values_of_a_wrong_type() {
    let complaints = Complaints::of(&[
        (
            "settings",
            &format!(
                "defaults:\n  batch_size: many\n  readers: 0\n  max_rejects: 200%\n  max_time: 10\n  \
                 batch_bytes: 16 apples\n  expect_documents: 'yes'\n  max_retries: -1\n{USERS}"
            ),
        ),
        ("names out of a set", &format!("backup: weekly\nledger: bestefort\n{USERS}")),
        ("text expected", "collections: { users: { table: 7, key: [id, 1], columns: { id: $id } } }\n"),
        ("a map expected", "defaults: 5\ncollections: [users]\n"),
        ("a column that is a list", "collections: { users: { key: id, columns: { id: [a] } } }\n"),
        ("a column without value", "collections: { users: { key: id, columns: { id: $id, name: } } }\n"),
        ("unknown_fields", "collections: { users: { key: id, unknown_fields: drop, columns: { id: $id } } }\n"),
    ]);
    insta::assert_snapshot!(complaints);
}

#[test]
fn sources_and_destinations() {
    let ends = |source: &str, destination: &str| {
        format!("version: 1\nname: demo\nsource: {source}\ndestination: {destination}\n{USERS}")
    };
    const JSON: &str = "{ kind: json, path: data }";
    const FILE: &str = "{ url: \"file:a.db\" }";
    let complaints = Complaints::of_whole(&[
        ("a Firestore without project", &ends("{ kind: firestore, database: x }", FILE)),
        (
            "a Firestore with keys of files",
            &ends(
                "{ kind: firestore, project: demo, path: data, snapshot: yesterday, price_per_100k_reads: -1 }",
                FILE,
            ),
        ),
        ("a project that cannot be one", &ends("{ kind: firestore, project: \"my project\" }", FILE)),
        ("an unknown kind", &ends("{ kind: jsonl, path: data }", FILE)),
        ("no path", &ends("{ kind: json }", FILE)),
        ("an unknown shape", &ends("{ kind: json, path: data, shape: firestore-rest }", FILE)),
        ("keys of another kind", &ends("{ kind: json, path: data, project: demo }", FILE)),
        ("a collection that is a document", &ends("{ kind: json, path: data, collection: users/a }", FILE)),
        ("a collection of no definition", &ends("{ kind: json, path: data, collection: user }", FILE)),
        ("no url", &ends(JSON, "{ auth_token: x }")),
        ("another database", &ends(JSON, "{ url: \"postgres://me:s3cret@host/db\" }")),
        ("a password in the url", &ends(JSON, "{ url: \"https://me:s3cret@host/db\" }")),
        ("a database in memory", &ends(JSON, "{ url: \":memory:\" }")),
        ("a token that is a number", &ends(JSON, "{ url: \"libsql://h\", auth_token: 123456 }")),
        ("a bad name", &format!("{}{USERS}", HEAD.replace("demo\n", "my demo/1\n"))),
    ]);
    insta::assert_snapshot!(complaints);
}

#[test]
fn overrides() {
    let mut all = Complaints::default();
    let mut case = Case::with_head(USERS);
    case.overrides.source = Some("firestore:".into());
    all.add("--source firestore:", &case.complaint());
    case.overrides.source = None;
    case.overrides.destination = Some("ftp://host".into());
    all.add("--destination", &case.complaint());
    let complaints = all.0;
    insta::assert_snapshot!(complaints);
}

#[test]
fn collections_that_contradict_each_other() {
    let complaints = Complaints::of(&[
        (
            "one table for two collections",
            "collections:\n  users: { key: id, columns: { id: $id } }\n  people: { table: USERS, key: id, columns: { id: $id } }\n",
        ),
        (
            "one table for a collection and a child table",
            "collections:\n  tags: { key: id, columns: { id: $id } }\n  users:\n    key: id\n    columns: { id: $id }\n    \
             children: [{ table: tags, each: tags, columns: { user_id: $id, n: $index } }]\n",
        ),
        ("reserved tables", "collections: { users: { table: _fireferry_runs, key: id, columns: { id: $id } } }\n"),
        ("a document instead of a collection", "collections: { users/ada: { key: id, columns: { id: $id } } }\n"),
        (
            "depends_on in a circle",
            "collections:\n  a: { key: id, depends_on: [b, c], columns: { id: $id } }\n  b: { key: id, columns: { id: $id } }\n  \
             c: { key: id, depends_on: a, columns: { id: $id } }\n",
        ),
        (
            "depends_on itself and the unknown",
            "collections:\n  users: { key: id, depends_on: [users, batchs], columns: { id: $id } }\n  batches: { key: id, columns: { id: $id } }\n",
        ),
    ]);
    insta::assert_snapshot!(complaints);
}

#[test]
fn columns_and_keys() {
    let columns =
        |columns: &str| format!("collections:\n  users:\n    key: id\n    columns: {{ id: $id, {columns} }}\n");
    let complaints = Complaints::of(&[
        ("two columns that SQL cannot tell apart", &columns("email: email, EMAIL: mail")),
        (
            "a key that is no column",
            "collections: { users: { key: [id, emial], columns: { id: $id, email: email } } }\n",
        ),
        ("an unknown type", &columns("n: { from: n, type: int }, m: { from: m, type: String }")),
        ("an unknown transform", &columns("n: { from: n, transform: [trim, lower_case] }")),
        ("$index outside of children", &columns("n: $index, m: $item.x")),
        ("$parent.id of a root collection", &columns("n: $parent.id")),
        ("an unknown $ name", &columns("n: $craeted, m: $whatever")),
        ("broken field paths", &columns("n: a..b, m: '`a', o: ''")),
        (
            "rules of another type",
            &columns("n: { from: n, type: text, digits: 3, negative_zero: zero, reference: id }"),
        ),
        ("digits", &columns("n: { from: n, type: timestamp, digits: 4 }")),
        ("a default of no type", &columns("n: { from: n, default: { $timestamp: yesterday } }")),
        (
            "unknown fields kept in a mapped column",
            "collections: { users: { key: id, unknown_fields: { keep: Id }, columns: { id: $id } } }\n",
        ),
    ]);
    insta::assert_snapshot!(complaints);
}

#[test]
fn conflict_strategies() {
    let strategy = |text: &str| {
        let columns = "{ id: $id, changed_at: $updated, settings: { from: settings, type: json } }";
        format!("collections: {{ users: {{ key: id, on_conflict: {text}, columns: {columns} }} }}\n")
    };
    let complaints = Complaints::of(&[
        ("no strategy", &strategy("replcae")),
        ("without its column", &strategy("keep_newest")),
        ("an unknown one with a column", &strategy("{ keep_newset: changed_at }")),
        ("two at once", &strategy("{ keep_newest: changed_at, keep_oldest: changed_at }")),
        ("none at all", &strategy("{}")),
        ("of another type", &strategy("{ keep_newest: 3 }")),
        ("by a column that is not mapped", &strategy("{ keep_newest: chagned_at }")),
        ("by the key", &strategy("{ keep_oldest: ID }")),
        ("by JSON", &strategy("{ keep_newest: settings }")),
        ("a default that does not fit", &format!("defaults: {{ on_conflict: {{ keep_newest: at }} }}\n{USERS}")),
    ]);
    insta::assert_snapshot!(complaints);
}

#[test]
fn child_tables() {
    let child = |child: &str| {
        format!("collections:\n  users:\n    key: id\n    columns: {{ id: $id }}\n    children:\n      - {child}\n")
    };
    let complaints = Complaints::of(&[
        ("no column for the document", &child("{ table: tags, each: tags, columns: { n: $index, tag: $item } }")),
        ("no key", &child("{ table: tags, each: tags, columns: { user_id: $id, tag: $item } }")),
        ("missing keys", &child("{ columns: { user_id: $id } }")),
    ]);
    insta::assert_snapshot!(complaints);
}

#[test]
fn conditions() {
    let condition =
        |text: &str| format!("collections: {{ users: {{ key: id, columns: {{ id: $id }}, where: {text} }} }}\n");
    let complaints = Complaints::of(&[
        ("a list", &condition("{ role: [a, b] }")),
        ("an unknown operator", &condition("{ age: { ge: 5 } }")),
        ("operands of a wrong type", &condition("{ age: { in: 5, exists: 1 } }")),
        ("a broken path", &condition("{ a..b: 1 }")),
        ("a typed value that is none", &condition("{ at: { gt: { $timestamp: 5 } } }")),
        ("no map", &condition("active")),
    ]);
    insta::assert_snapshot!(complaints);
}

#[test]
fn lookups() {
    let yaml = "collections:\n  users:\n    key: id\n    columns:\n      id: $id\n      a: { from: a, lookup: missing.json }\n      \
                b: { from: b, lookup: { file: array.json, missing: drop } }\n      c: { from: c, lookup: broken.json }\n      \
                d: { from: d, lookup: . }\n      e: { from: e, lookup: \"${DIR}/x.json\" }\n      f: { from: f, lookup: array.json }\n";
    let case =
        Case::with_head(yaml).file("array.json", "[1]").file("broken.json", "{ \"a\": ").variable("DIR", "secret-dir");
    let complaints = case.complaint();
    insta::assert_snapshot!(complaints);
}

#[test]
fn variables() {
    let case = Case::with_head(&format!(
        "schema: \"${{SCHEMA}}\"\nbackup: ${{BACKUP}}\ndefaults: {{ batch_size: \"${{SIZE}}\", max_time: \"${{SIZE}}\" }}\n{USERS}"
    ))
    .variable("BACKUP", "s3cret")
    .variable("SIZE", "s3cret");
    let complaint = case.complaint();
    assert!(!complaint.contains("s3cret"), "{complaint}");
    let malformed = Case::with_head(&format!("schema: \"${{A-b}} ${{\"\n{USERS}")).complaint();
    let complaints = format!("{complaint}\n\n{malformed}");
    insta::assert_snapshot!(complaints);
}

#[test]
fn a_variable_never_shows_in_any_error() {
    let places = [
        ("url: \"file:demo.db\"", "url: \"${X}\""),
        ("path: data", "path: data, shape: \"${X}\""),
        ("path: data", "path: data, collection: \"${X}\""),
        ("name: demo", "name: \"${X}\""),
        ("key: id", "key: \"${X}\""),
        ("id: $id", "id: \"${X}\""),
        ("id: $id", "id: { from: $id, type: \"${X}\" }"),
        ("id: $id", "id: { from: $id, transform: \"${X}\" }"),
        ("id: $id", "id: { from: $id, default: { $timestamp: \"${X}\" } }"),
        ("id: $id", "id: { from: $id, lookup: \"${X}\" }"),
        ("key: id", "key: id, depends_on: \"${X}\""),
        ("key: id", "key: id, table: \"${X}\", unknown_fields: \"${X}\""),
        ("key: id", "key: id, on_conflict: \"${X}\", where: { a: { in: \"${X}\" } }"),
    ];
    for (from, to) in places {
        let yaml = format!("{HEAD}{USERS}").replace(from, to);
        for value in ["s3cret..!/x", "s3cret://u:p@host/", "_fireferry_s3cret", "`a`s3cret"] {
            let case = Case::new(&yaml).variable("X", value);
            let Err(error) = case.load() else { continue };
            let shown = case.shown(&error);
            assert!(!shown.contains("s3cret") && !format!("{error:?}").contains("s3cret"), "{to}\n{shown}");
        }
    }
}

#[test]
fn a_token_in_the_file_never_shows_in_a_snippet() {
    let yaml = format!("{}{USERS}", HEAD.replace("\"file:demo.db\"", "\"libsql://h\", auth_token: s3cret, tokn: x"));
    let complaint = Case::new(&yaml).complaint();
    assert!(complaint.contains("tokn") && !complaint.contains("s3cret"), "{complaint}");
}

#[test]
fn tests_of_the_pipeline() {
    let test = |test: &str| format!("{USERS}tests:\n  - {test}\n");
    let complaints = Complaints::of(&[
        ("an unknown collection", &test("{ collection: user, document: {}, skipped: true }")),
        ("no outcome", &test("{ collection: users, document: {} }")),
        ("two outcomes", &test("{ collection: users, document: {}, skipped: true, rejected: not_null }")),
        ("an unknown code", &test("{ collection: users, document: {}, rejected: wrong_typ }")),
        ("an unknown table", &test("{ collection: users, document: {}, rows: { user_tags: [] } }")),
        ("an unknown column", &test("{ collection: users, document: {}, rows: { users: [{ idd: 1 }] } }")),
        ("a path elsewhere", &test("{ collection: users, path: tasks/1, document: {}, skipped: true }")),
        ("no timestamp", &test("{ collection: users, created: today, document: {}, skipped: true }")),
        ("a document that is none", &test("{ collection: users, document: [1], skipped: true }")),
        ("a field of no type", &test("{ collection: users, document: { a: { $bytes: '?' }, $b: 1 }, skipped: true }")),
    ]);
    insta::assert_snapshot!(complaints);
}
