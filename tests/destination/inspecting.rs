//! Reading the schema and asking questions.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use fireferry::destination::Destination;
use fireferry::domain::row::SqlValue;
use fireferry::domain::schema::{Column, ForeignKey};

use super::support::*;

const SCHEMA: &str = "
CREATE TABLE parents (id INTEGER PRIMARY KEY, code TEXT COLLATE NOCASE UNIQUE ON CONFLICT REPLACE);
CREATE TABLE \"odd \"\" table\" (
  a TEXT NOT NULL DEFAULT ('x' || 'y'), b REAL, c TEXT GENERATED ALWAYS AS (a || b) STORED,
  parent INTEGER REFERENCES parents ON DELETE CASCADE, code TEXT REFERENCES parents (code) DEFERRABLE INITIALLY DEFERRED,
  PRIMARY KEY (b, a)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX one ON \"odd \"\" table\" (a, parent);
CREATE UNIQUE INDEX partial ON \"odd \"\" table\" (parent) WHERE parent > 1;
CREATE UNIQUE INDEX expression ON \"odd \"\" table\" (lower(a));
CREATE INDEX plain ON \"odd \"\" table\" (code, lower(a));
CREATE TRIGGER t AFTER INSERT ON parents BEGIN SELECT 1; END;
CREATE VIEW v AS SELECT 1;
CREATE VIRTUAL TABLE words USING fts5 (word);
CREATE TABLE sequenced (id INTEGER PRIMARY KEY AUTOINCREMENT);
CREATE TABLE schema_migrations (version INTEGER);";

#[tokio::test]
async fn the_schema_is_read_completely_and_without_what_is_not_the_users() {
    let (_place, mut db) = with_schema(SCHEMA).await;
    let schema = db.inspect().await.unwrap();
    let names: Vec<&str> = schema.tables.iter().map(|table| table.name.as_str()).collect();
    assert_eq!(names, ["odd \" table", "parents", "sequenced"]);
    assert_eq!(schema.views, ["v"]);

    let parents = schema.table("PARENTS").unwrap();
    assert_eq!((parents.strict, parents.without_rowid), (false, false));
    assert_eq!(parents.primary_key, ["id"]);
    assert_eq!(parents.unique, [["code"], ["id"]]);
    assert_eq!(parents.triggers, ["t"]);
    assert_eq!(parents.conflict_clauses, ["ON CONFLICT REPLACE"]);

    let odd = schema.table("odd \" table").unwrap();
    assert_eq!((odd.strict, odd.without_rowid), (true, true));
    assert_eq!(odd.primary_key, ["b", "a"]);
    assert_eq!(odd.unique, [["a", "parent"], ["b", "a"]]);
    assert_eq!(
        odd.indexes,
        [vec![], vec!["a".to_owned(), "parent".into()], vec!["b".into(), "a".into()], vec!["code".into()]]
    );
    assert_eq!(
        odd.column("a"),
        Some(&Column {
            name: "a".into(),
            declared_type: "TEXT".into(),
            not_null: true,
            default: Some("'x' || 'y'".into()),
            generated: false
        })
    );
    assert!(odd.column("c").unwrap().generated);
    let key = |column: &str, parent: &str, deferred, on_delete: &str| ForeignKey {
        columns: vec![column.into()],
        parent: "parents".into(),
        parent_columns: vec![parent.into()],
        deferred,
        on_delete: on_delete.into(),
    };
    assert_eq!(odd.foreign_keys, [key("parent", "id", false, "CASCADE"), key("code", "code", true, "NO ACTION")]);
}

#[tokio::test]
async fn the_fingerprint_is_the_schemas_alone() {
    let sql = "CREATE TABLE a (x); CREATE TABLE b (y);";
    let (place, mut db) = with_schema(sql).await;
    let (_other, mut other) = with_schema("CREATE TABLE b (y); CREATE TABLE a (x);").await;
    let before = db.inspect().await.unwrap().fingerprint;
    assert_eq!(other.inspect().await.unwrap().fingerprint, before);
    execute(&place.file, "INSERT INTO a VALUES (1); ANALYZE; CREATE TABLE schema_migrations (version)").await;
    Run::start(&mut db, "r", vec![]).await;
    assert_eq!(db.inspect().await.unwrap().fingerprint, before);
    execute(&place.file, "CREATE INDEX i ON a (x)").await;
    assert_ne!(db.inspect().await.unwrap().fingerprint, before);
}

#[tokio::test]
async fn rows_are_counted_and_sampled_by_key_with_exact_values() {
    let schema = "CREATE TABLE t (id TEXT PRIMARY KEY, v ANY) STRICT;
                  INSERT INTO t VALUES ('b', 'x' || char(0) || 'y'), ('a', x'00ff'), ('c', 1.0), ('d', NULL);";
    let (_place, mut db) = with_schema(schema).await;
    assert_eq!(db.count(&["t".into()]).await.unwrap(), [4]);
    let rows = db.sample("t", &["id".into(), "v".into()], 3).await.unwrap();
    assert_eq!(
        rows,
        [
            vec![text("a"), SqlValue::Blob(vec![0, 255])],
            vec![text("b"), text("x\0y")],
            vec![text("c"), SqlValue::Real(1.0)]
        ]
    );
    assert_eq!(db.count(&["missing".into()]).await.unwrap_err().code(), "destination_sql");
}

#[tokio::test]
async fn soundness_is_asked_of_the_database() {
    let schema = "PRAGMA foreign_keys = OFF; CREATE TABLE p (id TEXT PRIMARY KEY); CREATE TABLE c (p REFERENCES p);
                  INSERT INTO c VALUES ('x'), ('y');";
    let (_place, mut db) = with_schema(schema).await;
    assert_eq!(db.integrity(true).await.unwrap(), Vec::<String>::new());
    assert_eq!(db.integrity(false).await.unwrap(), Vec::<String>::new());
    let violations = db.foreign_key_check(&["c".into(), "p".into()], 1).await.unwrap();
    assert_eq!(violations.len(), 1);
    assert_eq!((violations[0].table.as_str(), violations[0].rowid, violations[0].parent.as_str()), ("c", Some(1), "p"));
    let space = db.space().await.unwrap().unwrap();
    assert!(space.free > 0 && space.database > 0);
    assert!(db.version().await.unwrap().starts_with('3'));
    db.check_writable().await.unwrap();
}
