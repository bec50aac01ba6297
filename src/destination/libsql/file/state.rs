//! fireferry's own tables in the destination, with a format version from the first day.

use super::LibsqlFile;
use super::database::text;
use crate::error::{Error, ErrorKind, Result};

/// Every one of fireferry's tables starts with this.
pub(super) const PREFIX: &str = "_fireferry_";

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

impl LibsqlFile {
    /// Creates fireferry's tables unless they exist; refuses those of a newer program.
    pub(super) fn create_state(&mut self) -> Result<()> {
        self.writable()?;
        if self.has_state()? {
            return Ok(());
        }
        let id = uuid::Uuid::now_v7().to_string();
        self.database.transaction(|database| {
            for statement in super::super::tokens::statements(TABLES) {
                database.execute(statement.text, vec![])?;
            }
            let insert = "INSERT INTO _fireferry_meta (name, value) VALUES ('id', ?1), ('format', ?2)";
            database.execute(insert, vec![id.into(), FORMAT.to_string().into()])?;
            Ok(())
        })?;
        self.state_ready = true;
        Ok(())
    }

    /// Whether fireferry's tables exist, in a format that this program knows.
    pub(super) fn has_state(&mut self) -> Result<bool> {
        if !self.state_ready {
            self.state_ready = match self.meta("format")? {
                None => false,
                Some(format) => self.known_format(&format)?,
            };
        }
        Ok(self.state_ready)
    }

    /// The destination's identity.
    pub(super) fn identity(&mut self) -> Result<Option<String>> {
        if self.has_state()? { self.meta("id") } else { Ok(None) }
    }

    fn known_format(&self, format: &str) -> Result<bool> {
        match format.parse::<u32>() {
            Ok(version) if version <= FORMAT => Ok(true),
            _ => Err(Error::new(
                ErrorKind::Preflight,
                "destination_format_newer",
                format!(
                    "{} was written by a newer fireferry (table format {format}, this program knows {FORMAT})",
                    self.file.display()
                ),
            )
            .hint("use the newer fireferry for this destination")),
        }
    }

    fn meta(&self, name: &str) -> Result<Option<String>> {
        let exists = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = '_fireferry_meta'";
        if self.database.query_one(exists, vec![], |_| Ok(()))?.is_none() {
            return Ok(None);
        }
        let select = "SELECT CAST(value AS BLOB) FROM _fireferry_meta WHERE name = ?1";
        self.database.query_one(select, vec![name.into()], |row| text(row, 0))
    }
}
