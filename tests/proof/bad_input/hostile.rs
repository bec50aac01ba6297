//! Input that means harm: names that are SQL, documents of any size and depth, bytes that are no text, paths that lead
//! away, YAML that grows. Clear answers, bounded time and memory, and everything that is good arrives.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::support::database::Database;
use crate::support::memory::watch_peak;
use crate::support::{Outcome, Sandbox};

/// Memory that no hostile input may make the program use.
const MOST_MEMORY: u64 = 200 << 20;

/// Names that would be something else to SQL, a shell or a file system.
const NAMES: &[&str] = &[
    "'; DROP TABLE people; --",
    "\" OR 1=1 --",
    "x'00'",
    "`$(touch pwned)`",
    "../../../etc/passwd",
    "..%2f..%2fpwned",
    "C:\\pwned",
    "people); DELETE FROM people; --",
    "a\u{0}b",
    "\u{202e}drow",
    "%s%n%p",
    "\u{1b}[31mred",
    "__proto__",
    "NULL",
    "?1",
];

const PIPELINE: &str = r#"version: 1
name: hostile
source: { kind: json, path: people, shape: plain }
destination: { url: "file:out.db" }
schema: schema
defaults: { max_rejects: 90% }
collections:
  people:
    table: "Robert'); DROP TABLE Students;--"
    key: "id; --"
    columns:
      "id; --": $id
      "select": { from: data, type: json }
"#;

const SCHEMA: &str = "CREATE TABLE \"Robert'); DROP TABLE Students;--\" \
                      (\"id; --\" TEXT NOT NULL PRIMARY KEY, \"select\" TEXT) STRICT;";

fn sandbox(lines: &[u8]) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("p.yaml", PIPELINE);
    sandbox.write("schema/0001_people.up.sql", SCHEMA);
    sandbox.write("schema/0001_people.down.sql", "DROP TABLE \"Robert'); DROP TABLE Students;--\";");
    sandbox.write("people/people.ndjson", lines);
    sandbox
}

/// Runs within the bound on memory; the report.
fn run(sandbox: &Sandbox, code: i32) -> Value {
    let child = sandbox.start(&["run", "p.yaml", "--json"]);
    let peak = watch_peak(child.id());
    let report = sandbox.finish(child).exits(code).json();
    let peak = peak.join().unwrap();
    assert!(peak < MOST_MEMORY, "{peak} bytes of memory");
    report
}

/// The ids that are stored, in hexadecimal: a text may hold anything.
fn ids(sandbox: &Sandbox) -> Vec<String> {
    let database = Database::open(&sandbox.path("out.db"));
    database.texts("SELECT lower(hex(\"id; --\")) FROM \"Robert'); DROP TABLE Students;--\" ORDER BY 1")
}

#[test]
fn names_that_are_sql_or_paths_are_names() {
    let line = |name: &&str| format!("{}\n", json!({ "id": name, "data": { *name: *name } }));
    // A document's id may hold anything but a slash.
    let (possible, impossible): (Vec<&str>, Vec<&str>) = NAMES.iter().partition(|name| !name.contains('/'));
    let sandbox = sandbox(NAMES.iter().map(line).collect::<String>().as_bytes());
    let report = run(&sandbox, 4);
    assert_eq!(report["totals"]["inserted"], possible.len(), "{report:#}");
    assert_eq!(report["totals"]["rejected"], impossible.len(), "{report:#}");
    let mut expected: Vec<String> = possible.iter().map(|name| hex(name.as_bytes())).collect();
    expected.sort();
    assert_eq!(ids(&sandbox), expected);
    let database = Database::open(&sandbox.path("out.db"));
    for name in possible {
        let stored = database.texts(&format!(
            "SELECT \"select\" FROM \"Robert'); DROP TABLE Students;--\" WHERE \"id; --\" = CAST(x'{}' AS TEXT)",
            hex(name.as_bytes())
        ));
        assert_eq!(serde_json::from_str::<Value>(&stored[0]).unwrap(), json!({ name: name }));
    }
    // Nothing was written anywhere else.
    let around: Vec<_> = std::fs::read_dir(sandbox.path("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(around.iter().all(|name| !name.to_string_lossy().contains("pwned")), "{around:?}");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[test]
fn documents_without_measure_are_written_or_rejected_one_by_one() {
    let good = |id: &str| json!({ "id": id, "data": 1 }).to_string();
    let fields: serde_json::Map<String, Value> = (0..20_000).map(|n| (format!("field{n}"), json!(n))).collect();
    let deep = |depth: usize| format!("{}{}", "{\"a\":".repeat(depth), "1") + &"}".repeat(depth);
    let mut lines: Vec<Vec<u8>> = [
        good("a"),
        json!({ "id": "large", "data": "x".repeat(1_000_000) }).to_string(),
        json!({ "id": "wide", "data": fields }).to_string(),
        format!("{{\"id\":\"deep\",\"data\":{}}}", deep(20)),
        format!("{{\"id\":\"abyss\",\"data\":{}}}", deep(10_000)),
        json!({ "id": "huge", "data": "x".repeat(10_000_000) }).to_string(),
        "[".repeat(1_000_000),
        good("z"),
    ]
    .map(String::into_bytes)
    .to_vec();
    lines.insert(3, b"{\"id\":\"no text\",\"data\":\"\xff\xfe\x80\"}".to_vec());
    let sandbox = sandbox(&lines.join(&b'\n'));
    let report = run(&sandbox, 4);
    let mut rejects: Vec<(String, String)> = report["rejects"].as_array().unwrap().iter().map(reject).collect();
    rejects.sort();
    insta::assert_snapshot!(
        "rejects",
        rejects.iter().map(|(code, reason)| format!("{code}: {reason}\n")).collect::<String>()
    );
    let stored = ids(&sandbox);
    for id in ["a", "deep", "large", "wide", "z"] {
        assert!(stored.contains(&hex(id.as_bytes())), "{id} is not among {stored:?}");
    }
    let totals = &report["totals"];
    let sum = |names: &[&str]| names.iter().map(|name| totals[name].as_u64().unwrap()).sum::<u64>();
    assert_eq!(sum(&["inserted", "rejected"]), lines.len() as u64, "{totals}");
}

fn reject(reject: &Value) -> (String, String) {
    let text = |name: &str| reject[name].as_str().unwrap().chars().take(200).collect();
    (text("code"), text("reason"))
}

#[test]
fn yaml_that_grows_is_refused_at_once() {
    let sandbox = sandbox(b"");
    let mut laughs = "version: 1\na: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for (name, of) in ('b'..='k').zip('a'..='j') {
        let _ = writeln!(laughs, "{name}: &{name} [{}]", vec![format!("*{of}"); 10].join(", "));
    }
    let mut outcomes = vec![];
    for (name, yaml) in [
        ("billion laughs", laughs),
        ("nesting", format!("version: 1\ncollections: {}{}", "[".repeat(100_000), "]".repeat(100_000))),
        ("many keys", format!("version: 1\n{}", (0..300_000).map(|n| format!("k{n}: 1\n")).collect::<String>())),
        ("a folder above", "version: 1\nname: ../../pwned\n".to_owned()),
    ] {
        sandbox.write("p.yaml", yaml);
        let outcome = sandbox.run(&["check", "p.yaml"]);
        assert_eq!(outcome.code, 2, "{name}: {outcome:?}");
        outcomes.push(format!("# {name}\n{}", short(&outcome)));
    }
    insta::assert_snapshot!("yaml", outcomes.join("\n"));
}

/// What is seen, without long lines.
fn short(outcome: &Outcome) -> String {
    outcome.seen().lines().map(|line| line.chars().take(160).collect::<String>() + "\n").collect()
}

#[test]
fn names_of_runs_and_pipelines_lead_nowhere_else() {
    let sandbox = sandbox(b"{\"id\":\"a\",\"data\":1}\n");
    run(&sandbox, 0);
    for verb in [
        ["runs", "show", "../../../../etc/passwd"],
        ["runs", "rejects", "../../etc"],
        ["runs", "cancel", "'; DROP TABLE runs; --"],
    ] {
        let outcome = sandbox.run(&verb);
        assert_eq!(outcome.code, 2, "{verb:?}: {outcome:?}");
    }
    let outcome = sandbox.run(&["run", "p.yaml", "--resume", "../../etc/passwd"]);
    assert_eq!(outcome.code, 2, "{outcome:?}");
    assert_eq!(sandbox.run(&["runs", "list", "--json"]).exits(0).json()["runs"].as_array().map(Vec::len), Some(1));
}
