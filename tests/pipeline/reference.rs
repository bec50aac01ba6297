//! `docs/pipeline-file.md` against the program: its example works, and it names every key and every name.

use fireferry::domain::reject::RejectCode;
use fireferry::pipeline::tests::run_tests;

use super::support::{Case, HEAD};

const REFERENCE: &str = include_str!("../../docs/pipeline-file.md");

/// The blocks of YAML in the reference.
fn blocks() -> Vec<&'static str> {
    REFERENCE.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

#[test]
fn the_first_example_is_a_pipeline_that_passes_its_own_tests() {
    let pipeline = Case::new(blocks()[0]).load().unwrap();
    let outcomes = run_tests(&pipeline, None);
    assert!(!outcomes.is_empty() && outcomes.iter().all(|outcome| outcome.passed()), "{outcomes:?}");
}

#[test]
fn every_other_example_fits_into_a_pipeline() {
    let users = "collections: { users: { key: id, columns: { id: $id, email: email } } }\n";
    let indented =
        |block: &str, by: usize| block.lines().map(|line| format!("{}{line}\n", " ".repeat(by))).collect::<String>();
    for block in blocks().into_iter().skip(1) {
        let first = block.split(':').next().unwrap();
        let yaml = match first {
            "source" => format!(
                "{}{block}{}",
                HEAD.replace("source: { kind: json, path: data }\n", ""),
                users.replace("users", "sessions")
            ),
            "collections" => format!("{HEAD}{block}")
                .replace("collections:", "collections:\n  users: { key: id, columns: { id: $id } }"),
            "columns" => format!("{HEAD}collections:\n  users:\n    key: id\n{}", indented(block, 4)),
            "include" => format!("{HEAD}{block}"),
            "defaults" => format!("{HEAD}{block}"),
            "environments" | "gates" => format!("{HEAD}{users}{block}"),
            "where" | "children" => {
                format!("{HEAD}collections:\n  users:\n    key: id\n    columns: {{ id: $id }}\n{}", indented(block, 4))
            }
            "tests" => format!(
                "{HEAD}collections:\n  users:\n    key: id\n    columns: {{ id: $id, email: email }}\n    \
                 children: [{{ table: user_tags, each: tags, columns: {{ u: $id, n: $index }} }}]\n{block}"
            ),
            other => panic!("no place for the example `{other}`"),
        };
        let part = |name: &str| format!("collections: {{ {name}: {{ key: id, columns: {{ id: $id }} }} }}");
        let case = Case::new(&yaml).file("collections/users.yaml", &part("users"));
        let case = case.file("collections/tasks.yaml", &part("tasks"));
        case.load().unwrap_or_else(|error| panic!("{yaml}\n{}", case.shown(&error)));
    }
}

#[test]
fn the_reference_names_every_key_and_every_name() {
    let column =
        |rest: &str| format!("collections: {{ users: {{ key: id, columns: {{ id: {{ from: $id, {rest} }} }} }} }}\n");
    let complaints = [
        "zzzzzz: 1\n".to_owned(),
        "defaults: { zzzzzz: 1 }\n".to_owned(),
        "backup: zzzzzz\nledger: zzzzzz\n".to_owned(),
        "collections: { users: { zzzzzz: 1, where: { a: { zzzzzz: 1 } }, children: [{ zzzzzz: 1 }] } }\n".to_owned(),
        column(
            "zzzzzz: 1, type: zzzzzz, transform: zzzzzz, reference: zzzzzz, non_finite: zzzzzz, negative_zero: zzzzzz",
        ),
        column("lookup: { zzzzzz: 1, missing: zzzzzz }"),
        "tests: [{ zzzzzz: 1 }]\n".to_owned(),
    ];
    let mut yamls: Vec<String> = complaints.iter().map(|rest| format!("{HEAD}{rest}")).collect();
    yamls.push("version: 1\nsource: { zzzzzz: 1, kind: zzzzzz, shape: zzzzzz, on_success: zzzzzz, snapshot: zzzzzz, fields: zzzzzz }\ndestination: { zzzzzz: 1 }\n".to_owned());
    let mut names = 0;
    for yaml in yamls {
        let error = Case::new(&yaml).load().unwrap_err();
        for error in std::iter::once(&error).chain(error.others()) {
            let Some((_, list)) = error.hint_text().and_then(|hint| hint.split_once("valid")) else { continue };
            let list = list.split(';').next().unwrap().trim_start_matches(" keys").trim_start_matches(": ");
            for name in list.split(", ") {
                assert!(REFERENCE.contains(&format!("`{name}")) || REFERENCE.contains(&format!("{name}`")), "{name}");
                names += 1;
            }
        }
    }
    assert!(names > 100, "{names}");
    assert!(RejectCode::ALL.iter().any(|code| REFERENCE.contains(code.as_str())));
}
