//! How far a restore is, in a table on the server: every step writes it in its own transaction.

use crate::destination::libsql::failure::Failure;
use crate::destination::libsql::remote::RemoteDatabase;
use crate::destination::libsql::remote::records::unreadable;
use crate::destination::libsql::statement::{Statement, integer, number, text};
use crate::domain::row::SqlValue;
use crate::error::{Error, ErrorKind, Result};

/// It is there from the first step of a restore to its last.
pub(super) const TABLE: &str = "_fireferry_restore";

const CREATE: &str = "CREATE TABLE IF NOT EXISTS _fireferry_restore (
  id     INTEGER PRIMARY KEY CHECK (id = 1),
  backup TEXT NOT NULL,    -- BLAKE3 of the file
  file   TEXT NOT NULL,    -- where it was, for people
  phase  TEXT NOT NULL,
  item   INTEGER NOT NULL, -- within the phase
  rows   INTEGER NOT NULL  -- of the table that is copied
) STRICT";

/// What a restore is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Dropping what was there.
    Clear,
    /// Copying rows, table by table.
    Rows,
    /// Making what works on rows: item by item.
    Declare,
    /// Comparing.
    Check,
}

impl Phase {
    const ALL: [Self; 4] = [Self::Clear, Self::Rows, Self::Declare, Self::Check];

    fn as_str(self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Rows => "rows",
            Self::Declare => "declare",
            Self::Check => "check",
        }
    }
}

/// How far a restore is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Progress {
    /// BLAKE3 of the file.
    pub(super) backup: String,
    /// Where it was, for people.
    pub(super) file: String,
    /// What is being done.
    pub(super) phase: Phase,
    /// Items of the phase that are done.
    pub(super) item: usize,
    /// Rows of the next item that are there.
    pub(super) rows: u64,
}

impl Progress {
    /// Makes the table with this progress.
    pub(super) fn create(&self) -> [Statement; 3] {
        let insert =
            "INSERT INTO _fireferry_restore (id, backup, file, phase, item, rows) VALUES (1, ?1, ?2, ?3, ?4, ?5)";
        let values = vec![
            self.backup.as_str().into(),
            self.file.as_str().into(),
            self.phase.as_str().into(),
            number(self.item as u64),
            number(self.rows),
        ];
        let (create, empty) =
            (Statement::new(CREATE, vec![]), Statement::new("DELETE FROM _fireferry_restore", vec![]));
        [create, empty, Statement::new(insert, values)]
    }

    /// Writes it.
    pub(super) fn update(&self) -> Statement {
        let values: Vec<SqlValue> = vec![self.phase.as_str().into(), number(self.item as u64), number(self.rows)];
        Statement::new("UPDATE _fireferry_restore SET phase = ?1, item = ?2, rows = ?3 WHERE id = 1", values)
    }

    /// The same in another phase, at its start.
    pub(super) fn enter(&mut self, phase: Phase) {
        (self.phase, self.item, self.rows) = (phase, 0, 0);
    }

    fn decode(row: &[SqlValue]) -> Result<Self, Failure> {
        let phase = text(row, 2)?;
        let known = Phase::ALL.into_iter().find(|known| known.as_str() == phase);
        Ok(Self {
            backup: text(row, 0)?,
            file: text(row, 1)?,
            // Of a newer program: from the beginning.
            phase: known.unwrap_or(Phase::Clear),
            item: usize::try_from(integer(row, 3)?).unwrap_or_default(),
            rows: u64::try_from(integer(row, 4)?).unwrap_or_default(),
        })
    }
}

impl RemoteDatabase {
    /// How far the restore is that was not finished, if there is one.
    pub(super) async fn restore_progress(&mut self) -> Result<Option<Progress>> {
        if !self.survey().await?.declarations.iter().any(|made| made.kind == "table" && made.name == TABLE) {
            return Ok(None);
        }
        let select =
            "SELECT CAST(backup AS BLOB), CAST(file AS BLOB), CAST(phase AS BLOB), item, rows FROM _fireferry_restore";
        let rows = self.connection.query(Statement::new(select, vec![])).await?;
        rows.first().map(|row| Progress::decode(row)).transpose().map_err(unreadable)
    }

    /// Fails for a destination that is half restored.
    pub(in super::super) async fn refuse_unfinished_restore(&mut self) -> Result<()> {
        let Some(progress) = self.restore_progress().await? else { return Ok(()) };
        let hash: String = progress.backup.chars().take(16).collect();
        let message = format!(
            "{} is half restored: putting back {} (blake3 {hash}…) was not finished",
            self.connection.host(),
            progress.file
        );
        Err(Error::new(ErrorKind::Preflight, "restore_unfinished", message).hint(
            "start the same `fireferry backup restore` again with that file (or `fireferry run --stage --resume`, if it is a \
             staged run's); it goes on where it stopped",
        ))
    }
}
