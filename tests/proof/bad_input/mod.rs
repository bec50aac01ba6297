//! Bad input and bad surroundings: what the user is told, the right exit code, nothing lost.

mod damaged;
mod disk;
mod hostile;
mod locked;
mod sources;

use crate::support::{Outcome, Sandbox};

/// A sandbox with a small pipeline `p.yaml` from `people/` to `out.db`.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("p.yaml", PIPELINE);
    sandbox.write("schema/0001_people.up.sql", SCHEMA);
    sandbox.write("schema/0001_people.down.sql", "DROP TABLE people;");
    sandbox.write("people/people.ndjson", PEOPLE);
    sandbox
}

const PIPELINE: &str = r#"version: 1
name: people
source: { kind: json, path: people, shape: plain }
destination: { url: "file:${OUT:-out.db}" }
schema: schema
defaults: { max_retries: 2, max_retry_time: 1s }
collections:
  people:
    table: people
    key: id
    columns: { id: $id, name: { from: name, required: true } }
"#;

const SCHEMA: &str = "CREATE TABLE people (id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL) STRICT;";

const PEOPLE: &str =
    "{\"id\":\"a\",\"name\":\"Anna\"}\n{\"id\":\"b\",\"name\":\"Ben\"}\n{\"id\":\"c\",\"name\":\"Cem\"}\n";

fn run(sandbox: &Sandbox) -> Outcome {
    sandbox.run(&["run", "p.yaml", "--progress", "none"])
}

/// The same after what was wrong has been put right.
fn assert_runs(sandbox: &Sandbox) {
    run(sandbox).exits(0);
    let database = crate::support::database::Database::open(&sandbox.path("out.db"));
    assert_eq!(database.texts("SELECT name FROM people ORDER BY id"), ["Anna", "Ben", "Cem"]);
}
