//! The tables themselves, with a format version from the first day.

use std::fmt::Display;

use super::super::statement::Statement;
use super::migrations::MIGRATIONS;
use crate::domain::sql_text;
use crate::error::{Error, ErrorKind, Result};

/// Every one of fireferry's tables starts with this.
pub const PREFIX: &str = "_fireferry_";

/// Which of them says what the others are.
pub const META: &str = "_fireferry_meta";

/// The version of the tables below. A newer one in a file is refused.
const FORMAT: u32 = 1;

/// Created in one transaction with identity and format.
const TABLES: &str = "
CREATE TABLE _fireferry_meta (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE _fireferry_runs (
  id                   INTEGER PRIMARY KEY,
  run                  TEXT NOT NULL UNIQUE,
  pipeline             TEXT NOT NULL,
  started_at           TEXT NOT NULL,
  status               TEXT NOT NULL,
  pipeline_fingerprint TEXT NOT NULL,
  schema_fingerprint   TEXT NOT NULL,
  details              TEXT NOT NULL
) STRICT;

CREATE TABLE _fireferry_partitions (
  id         INTEGER PRIMARY KEY,
  run        TEXT NOT NULL,
  collection TEXT NOT NULL,
  partition  TEXT NOT NULL,
  bounds     TEXT NOT NULL,
  UNIQUE (run, collection, partition)
) STRICT;

-- One row per commit. Counts are differences, so a lost reply loses no count.
CREATE TABLE _fireferry_checkpoints (
  run            TEXT NOT NULL,
  collection     TEXT NOT NULL,
  partition      TEXT NOT NULL,
  sequence       INTEGER NOT NULL,
  cursor_from    TEXT,
  cursor_to      TEXT,
  last           INTEGER NOT NULL CHECK (last IN (0, 1)),
  read           INTEGER NOT NULL,
  inserted       INTEGER NOT NULL,
  updated        INTEGER NOT NULL,
  unchanged      INTEGER NOT NULL,
  skipped        INTEGER NOT NULL,
  rejected       INTEGER NOT NULL,
  waiting        INTEGER NOT NULL,
  bytes          INTEGER NOT NULL,
  child_inserted INTEGER NOT NULL,
  child_deleted  INTEGER NOT NULL,
  PRIMARY KEY (run, collection, partition, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE _fireferry_rejects (
  id         INTEGER PRIMARY KEY,
  run        TEXT NOT NULL,
  collection TEXT NOT NULL,
  document   TEXT,
  key        TEXT,
  code       TEXT NOT NULL,
  reason     TEXT NOT NULL,
  state      TEXT NOT NULL CHECK (state IN ('waiting', 'rejected')),
  file       TEXT,
  position   INTEGER NOT NULL,
  length     INTEGER NOT NULL,
  line       INTEGER NOT NULL,
  kind       TEXT NOT NULL CHECK (kind IN ('document', 'raw', 'elsewhere')),
  data       ANY NOT NULL,
  pass       INTEGER NOT NULL -- in which a waiting document was tried last
) STRICT;
CREATE INDEX _fireferry_rejects_key ON _fireferry_rejects (run, collection, key);
CREATE INDEX _fireferry_rejects_waiting ON _fireferry_rejects (run, collection, id) WHERE state = 'waiting';
CREATE INDEX _fireferry_rejects_document ON _fireferry_rejects (run, document);

-- Keys seen by a run in a table that was not empty; owner is the collection's first partition.
CREATE TABLE _fireferry_seen (
  owner INTEGER NOT NULL,
  key   BLOB NOT NULL,
  PRIMARY KEY (owner, key)
) STRICT, WITHOUT ROWID;

-- Unique values of waiting documents; owner as above, reject is the number of the waiting one.
CREATE TABLE _fireferry_claims (
  owner      INTEGER NOT NULL,
  unique_set INTEGER NOT NULL,
  value      BLOB NOT NULL,
  reject     INTEGER NOT NULL,
  PRIMARY KEY (owner, unique_set, value, reject)
) STRICT, WITHOUT ROWID;
CREATE INDEX _fireferry_claims_reject ON _fireferry_claims (reject);
";

/// Creates the tables with identity and format, in one transaction.
pub fn create(id: &str) -> Vec<Statement> {
    let insert = "INSERT INTO _fireferry_meta (name, value) VALUES ('id', ?1), ('format', ?2)";
    let tables = sql_text::statements(TABLES).into_iter().map(|statement| Statement::new(statement.text, vec![]));
    tables.chain([Statement::new(insert, vec![id.into(), FORMAT.to_string().into()])]).collect()
}

/// Whether the tables exist: a row if so. Asked before [`meta`].
pub fn exists() -> Statement {
    Statement::new("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = '_fireferry_meta'", vec![])
}

/// The value of `id` or `format`, as text.
pub fn meta(name: &str) -> Statement {
    Statement::new("SELECT CAST(value AS BLOB) FROM _fireferry_meta WHERE name = ?1", vec![name.into()])
}

/// Refuses the tables of a newer program.
pub fn require_known(format: &str, destination: impl Display) -> Result<()> {
    match format.parse::<u32>() {
        Ok(version) if version <= FORMAT => Ok(()),
        _ => Err(Error::new(
            ErrorKind::Preflight,
            "destination_format_newer",
            format!(
                "{destination} was written by a newer fireferry (table format {format}, this program knows {FORMAT})"
            ),
        )
        .hint("use the newer fireferry for this destination")),
    }
}

/// fireferry's tables, SQLite's, and the record of migrations.
pub fn is_internal(table: &str) -> bool {
    let lower = table.to_ascii_lowercase();
    lower.starts_with("sqlite_") || lower.starts_with("libsql_") || lower.starts_with(PREFIX) || lower == MIGRATIONS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_made_one_by_one_and_the_format_last() {
        let statements = create("x");
        let (last, tables) = statements.split_last().unwrap_or_else(|| unreachable!());
        assert!(tables.iter().all(|made| made.sql.starts_with("CREATE ") && made.sql.contains(PREFIX)));
        assert_eq!(last.values, ["x", "1"].map(Into::into));
    }

    #[test]
    fn only_a_newer_format_is_refused() {
        assert!(require_known("1", "d").is_ok());
        assert!(require_known("2", "d").is_err() && require_known("x", "d").is_err());
    }
}
