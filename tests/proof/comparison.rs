//! The comparison that every proof rests on sees every difference.

use crate::support::database::{change, compare, digest};

const SCHEMA: &str = "
CREATE TABLE things (id TEXT PRIMARY KEY, value ANY, made TEXT DEFAULT CURRENT_TIMESTAMP) STRICT;
CREATE TABLE pairs (a, b);
CREATE TABLE _fireferry_x (x);
INSERT INTO things (id, value) VALUES ('a', 1), ('b', 0.1), ('c', 'x' || char(0) || 'y'), ('d', x'00ff'), ('e', NULL);
INSERT INTO pairs VALUES (1, 2), (3, 4);
";

/// What `compare` says after this change to one of two equal databases.
fn after(sql: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (left, right) = (folder.path().join("left.db"), folder.path().join("right.db"));
    change(&left, SCHEMA);
    change(&right, SCHEMA);
    assert_eq!(compare(&left, &right), Vec::<String>::new());
    change(&right, sql);
    let differences = compare(&left, &right);
    assert_eq!(differences.is_empty(), digest(&left) == digest(&right));
    differences.join("\n")
}

#[test]
fn every_difference_is_seen() {
    for (sql, words) in [
        ("UPDATE things SET value = 1.0 WHERE id = 'a'", "value: 1 on the left, 1.0"),
        ("UPDATE things SET value = 0.1 + 1e-17 WHERE id = 'b'", "bits"),
        ("UPDATE things SET value = 'x' || char(0) || 'z' WHERE id = 'c'", "things [id \"c\"]"),
        ("UPDATE things SET value = 'x' WHERE id = 'c'", "things [id \"c\"]"),
        ("UPDATE things SET value = CAST(value AS TEXT) WHERE id = 'd'", "blob of 2 bytes"),
        ("UPDATE things SET value = '' WHERE id = 'e'", "NULL on the left"),
        ("DELETE FROM things WHERE id = 'b'", "[id \"b\"]: only on the left"),
        ("INSERT INTO things (id) VALUES ('aa')", "[id \"aa\"]: only on the right"),
        ("INSERT INTO pairs VALUES (1, 2)", "only on the right"),
        ("CREATE TABLE more (x)", "the tables differ"),
        ("ALTER TABLE pairs ADD COLUMN c", "the tables differ"),
    ] {
        let found = after(sql);
        assert!(found.contains(words), "{sql}: {found}");
    }
}

#[test]
fn what_is_no_users_data_is_left_out() {
    assert_eq!(after("INSERT INTO _fireferry_x VALUES (1); UPDATE things SET made = 'another day'"), "");
}
