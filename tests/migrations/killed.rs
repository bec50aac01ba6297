//! A migration that is killed is there or not, and nothing in between.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::process::Stdio;
use std::time::Duration;

use crate::support::Sandbox;
use crate::support::database::Database;
use crate::support::documents::Random;

/// Statements of the migration: each makes a table with rows.
const STATEMENTS: usize = 40;

#[test]
fn a_migration_that_is_killed_at_any_moment_is_not_half_applied() {
    let sandbox = Sandbox::new();
    let table = |number: usize| {
        format!(
            "CREATE TABLE t{number} (a INTEGER PRIMARY KEY, b TEXT);\nINSERT INTO t{number} (b) WITH RECURSIVE n (i) AS \
             (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) SELECT hex(randomblob(50)) FROM n;\n"
        )
    };
    sandbox.write("schema/0001_many.up.sql", (0..STATEMENTS).map(table).collect::<String>());
    let drops = (0..STATEMENTS).map(|number| format!("DROP TABLE t{number};\n"));
    sandbox.write("schema/0001_many.down.sql", drops.collect::<String>());
    sandbox.write("data/t0.ndjson", "");
    let collections = "{ t0: { table: t0, key: a, columns: { a: { from: a, type: integer } } } }";
    sandbox.write(
        "p.yaml",
        format!(
            "version: 1\nname: many\nsource: {{ kind: json, path: data, shape: plain }}\n\
             destination: {{ url: \"file:many.db\" }}\nschema: schema\nbackup: never\ncollections: {collections}\n"
        ),
    );
    let mut random = Random::new(5);
    let (mut nothing, mut everything) = (0, 0);
    for _ in 0..12 {
        let mut command = sandbox.command(&["schema", "up", "p.yaml"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(random.below(250) as u64));
        let _ = child.kill();
        let _ = child.wait();
        if !sandbox.path("many.db").exists() {
            continue;
        }
        let tables = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name GLOB 't[0-9]*'";
        let found = Database::open(&sandbox.path("many.db")).integer(tables);
        match usize::try_from(found).unwrap() {
            0 => nothing += 1,
            STATEMENTS => everything += 1,
            half => panic!("{half} of {STATEMENTS} tables"),
        }
        if found > 0 {
            sandbox.run(&["schema", "down", "p.yaml", "--yes", "--no-backup"]).exits(0);
        }
    }
    println!("killed before it was applied: {nothing}, afterwards: {everything}");
    sandbox.run(&["schema", "up", "p.yaml"]).exits(0);
    sandbox.run(&["schema", "validate", "p.yaml"]).exits(0);
}
