//! The example with a configuration and snapshots: constraints, cascades, triggers and defaults survive migrations.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::support::Sandbox;
use crate::support::database::{Database, try_change};

fn migrated() -> Sandbox {
    let sandbox = Sandbox::new();
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/usage");
    sandbox.write("data/sessions.ndjson", "{\"id\":\"s1\",\"title\":\"one\",\"startedAt\":\"2026-01-01T00:00:00Z\"}\n");
    let columns =
        "{ id: $id, title: title, started_at: { from: startedAt, type: timestamp, transform: [parse_timestamp] } }";
    sandbox.write(
        "p.yaml",
        format!(
            "version: 1\nname: usage\nsource: {{ kind: json, path: data, shape: plain }}\n\
             destination: {{ url: \"file:usage.db\" }}\nschema: {schema}\nbackup: never\n\
             collections: {{ sessions: {{ table: sessions, key: id, columns: {columns} }} }}\n"
        ),
    );
    sandbox.run(&["schema", "test", "p.yaml"]).exits(0);
    sandbox.run(&["run", "p.yaml"]).exits(0);
    sandbox
}

#[test]
fn constraints_cascades_triggers_and_defaults_are_there() {
    let sandbox = migrated();
    let file = sandbox.path("usage.db");
    let integer = |sql: &str| Database::open(&file).integer(sql);
    let refused = |sql: &str, why: &str| {
        let error = try_change(&file, sql).expect_err(sql);
        assert!(error.contains(why), "{sql}: {error}");
    };
    // The default row, and only one that is active.
    assert_eq!(integer("SELECT count(*) FROM usage_config WHERE active = 1 AND plan = 'free'"), 1);
    refused("INSERT INTO usage_config (name, active) VALUES ('second', 1)", "UNIQUE");
    try_change(&file, "INSERT INTO usage_config (name) VALUES ('third'), ('fourth')").unwrap();
    refused("UPDATE usage_config SET plan = 'gold'", "CHECK");
    refused("UPDATE usage_config SET token_limit = -1", "CHECK");
    refused("UPDATE usage_config SET warn_percent = 101", "CHECK");
    // The trigger.
    try_change(&file, "UPDATE usage_config SET updated_at = '2000-01-01T00:00:00.000Z'").unwrap();
    try_change(&file, "UPDATE usage_config SET token_limit = 5 WHERE name = 'default'").unwrap();
    assert_eq!(integer("SELECT count(*) FROM usage_config WHERE updated_at > '2020'"), 1);
    // Snapshots go with their session; a configuration that is used stays.
    try_change(&file, "INSERT INTO usage_snapshots (session_id, tokens) VALUES ('s1', 7)").unwrap();
    refused("INSERT INTO usage_snapshots (session_id, tokens) VALUES ('nobody', 7)", "FOREIGN KEY");
    refused("INSERT INTO usage_snapshots (session_id, tokens) VALUES ('s1', -7)", "CHECK");
    refused("DELETE FROM usage_config WHERE id = 1", "FOREIGN KEY");
    try_change(&file, "DELETE FROM sessions").unwrap();
    assert_eq!(integer("SELECT count(*) FROM usage_snapshots"), 0);
}

#[test]
fn down_to_nothing_and_up_again_is_the_same_text() {
    let sandbox = migrated();
    let declared = || {
        let sql = "SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_schema WHERE name NOT GLOB '_fireferry*'
                   AND name NOT GLOB 'schema_migrations*' AND sql IS NOT NULL ORDER BY type, name)";
        Database::open(&sandbox.path("usage.db")).query(sql)
    };
    let before = declared();
    let down = sandbox.run(&["schema", "down", "p.yaml", "--to", "0", "--yes"]).exits(0);
    assert!(down.stderr.contains("table usage_config goes (rows in it: 1)"), "{down:?}");
    sandbox.run(&["schema", "up", "p.yaml"]).exits(0);
    assert_eq!(declared(), before);
}
