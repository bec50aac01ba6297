//! Both ends of a copy over the network that are files: a backup that is being written, and one that is being read.

use std::path::Path;

use super::super::copied::{Copied, PAGE_BYTES, Position, decode, size};
use super::super::declarations::{self, Declaration};
use super::super::failure::Failure;
use super::super::sql;
use super::super::statement::{Statement, exact, integer, text};
use super::address::beside;
use super::backup::{Temporary, failed, require_sound, seal};
use super::{LibsqlFile, Mode};
use crate::destination::BackupFile;
use crate::domain::row::{Row, SqlValue};
use crate::error::{Error, ErrorKind, Result};

/// What a database holds besides tables and what works on them.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in super::super) struct Extras {
    /// Rows of `sqlite_sequence`: name and number.
    pub(in super::super) sequences: Vec<Row>,
    /// `PRAGMA user_version`.
    pub(in super::super) user_version: i64,
    /// `PRAGMA application_id`.
    pub(in super::super) application_id: i64,
}

impl Extras {
    /// What to ask a database that has AUTOINCREMENT (or not).
    pub(in super::super) fn select(with_sequences: bool) -> Vec<Statement> {
        let sequences =
            format!("SELECT {}, {} FROM sqlite_sequence ORDER BY rowid", sql::exact("name"), sql::exact("seq"));
        // As functions: a token that may only read may not say PRAGMA.
        let own = ["SELECT user_version FROM pragma_user_version", "SELECT application_id FROM pragma_application_id"];
        let mut all = own.map(|sql| Statement::new(sql, vec![])).to_vec();
        all.extend(with_sequences.then(|| Statement::new(sequences, vec![])));
        all
    }

    /// The answers to [`Self::select`].
    pub(in super::super) fn decode(answers: &[Vec<Row>]) -> Result<Self, Failure> {
        let number =
            |index: usize| answers.get(index).and_then(|rows| rows.first()).map_or(Ok(0), |row| integer(row, 0));
        let sequences = answers.get(2).map(Vec::as_slice).unwrap_or_default();
        let pair = |row: &Row| Ok::<Row, Failure>(vec![exact(row, 0)?, exact(row, 2)?]);
        Ok(Self {
            user_version: number(0)?,
            application_id: number(1)?,
            sequences: sequences.iter().map(pair).collect::<Result<_, _>>()?,
        })
    }

    /// Puts AUTOINCREMENT where it stood, in a database that has it.
    pub(in super::super) fn set_sequences(&self) -> Vec<Statement> {
        let insert = |row: &Row| Statement::new("INSERT INTO sqlite_sequence (name, seq) VALUES (?1, ?2)", row.clone());
        std::iter::once(Statement::new("DELETE FROM sqlite_sequence", vec![]))
            .chain(self.sequences.iter().map(insert))
            .collect()
    }
}

/// Whether there is AUTOINCREMENT: a row if so.
pub(in super::super) fn has_sequences() -> Statement {
    Statement::new("SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence'", vec![])
}

impl LibsqlFile {
    /// Sequences, numbers, indexes, views and triggers, once the rows are there; then everything is in the one file.
    pub(in super::super) fn complete_copy(self, declarations: &[Declaration], extras: &Extras) -> Result<()> {
        self.set_extras(extras)?;
        self.finish_copy(declarations)?;
        self.database.query("PRAGMA wal_checkpoint(TRUNCATE)", vec![], |_| Ok(())).map(drop)
    }

    /// Sequences and numbers.
    pub(in super::super) fn set_extras(&self, extras: &Extras) -> Result<()> {
        if self.database.row(&has_sequences(), |_| Ok(()))?.is_some() {
            self.database.run_all(&extras.set_sequences())?;
        }
        self.pragma(&format!("user_version = {}", extras.user_version))?;
        self.pragma(&format!("application_id = {}", extras.application_id))
    }

    /// A finished copy to read from; not one byte of it changes.
    pub(in super::super) fn open_copy(path: &Path) -> Result<Self> {
        Self::open(path, Mode::ReadOnly)
    }

    /// Fails if a part of the database is in a log beside its file.
    pub(in super::super) fn require_whole(&self) -> Result<()> {
        let in_log = ["-wal", "-journal"]
            .iter()
            .any(|suffix| std::fs::metadata(beside(&self.file, suffix)).is_ok_and(|log| log.len() > 0));
        if !in_log {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Destination, "restore_failed", "a part of the database is in a log beside its file")
            .file(&self.file)
            .hint("close the program that has it open"))
    }

    /// The statements that make the schema, in the order of their creation, and the tables that serve virtual ones.
    pub(in super::super) fn declarations_now(&self) -> Result<(Vec<Declaration>, Vec<String>)> {
        let [served, entries] = declarations::select("main").map(|question| self.database.try_rows(&question));
        let decoded = served.and_then(|served| {
            let names = served.iter().map(|row| text(row, 0)).collect::<Result<_, _>>()?;
            Ok((declarations::decode(&served, &entries?)?, names))
        });
        decoded.map_err(|failure| self.database.error(failure))
    }

    /// Sequences and numbers.
    pub(in super::super) fn extras(&self) -> Result<Extras> {
        let with_sequences = self.database.row(&has_sequences(), |_| Ok(()))?.is_some();
        let answers: Result<Vec<_>, _> =
            Extras::select(with_sequences).iter().map(|question| self.database.try_rows(question)).collect();
        answers.and_then(|answers| Extras::decode(&answers)).map_err(|failure| self.database.error(failure))
    }

    /// The next rows of a table, bounded in bytes; none at its end.
    pub(in super::super) fn page(&self, table: &Copied, position: &mut Position) -> Result<Vec<Row>> {
        let question = position.select(table);
        let (mut rows, mut bytes) = (Vec::new(), 0);
        let read = self.database.try_query_while(&question, |row| {
            let row = decode(row, table)?;
            bytes += size(&row);
            rows.push(row);
            Ok(bytes < PAGE_BYTES)
        });
        read.map_err(|failure| self.database.error(failure))?;
        position.advance(table, &rows);
        Ok(rows)
    }

    /// Rows without a parent: table, parent and how many, in order.
    pub(in super::super) fn orphans(&self) -> Result<Vec<Vec<SqlValue>>> {
        self.database.rows(&orphans(), |row| Ok(row.to_vec()))
    }

    /// Bytes of the largest row, about.
    pub(in super::super) fn largest_row(&self, table: &Copied) -> Result<u64> {
        let columns =
            table.columns.iter().map(|column| format!("coalesce(octet_length({}), 0) + 9", sql::quote(column)));
        let sum = columns.collect::<Vec<_>>().join(" + ");
        let largest = format!("SELECT coalesce(max({sum}), 0) FROM {}", sql::quote(&table.table));
        let bytes = self.database.query_one(&largest, vec![], |row| integer(row, 0))?;
        Ok(bytes.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or_default())
    }

    /// Rows in a table.
    pub(in super::super) fn rows_of(&self, table: &str) -> Result<u64> {
        let count = format!("SELECT count(*) FROM {}", sql::quote(table));
        let rows = self.database.query_one(&count, vec![], |row| integer(row, 0))?;
        Ok(rows.and_then(|rows| u64::try_from(rows).ok()).unwrap_or_default())
    }
}

/// Asks for rows without a parent: table, parent and how many, in order.
pub(in super::super) fn orphans() -> Statement {
    let sql = "SELECT CAST(\"table\" AS BLOB), CAST(parent AS BLOB), count(*) FROM pragma_foreign_key_check
               GROUP BY 1, 2 ORDER BY 1, 2";
    Statement::new(sql, vec![])
}

/// Checks a finished copy, makes it durable and gives it its name.
pub(in super::super) fn keep_copy(temporary: Temporary, to: &Path) -> Result<BackupFile> {
    if std::fs::metadata(beside(temporary.path(), "-wal")).is_ok_and(|wal| wal.len() > 0) {
        return Err(failed(to, "a part of the copy is not in its file yet"));
    }
    require_sound(temporary.path(), to)?;
    let backup =
        seal(temporary.path(), to).map_err(|error| failed(to, "the copy could not be kept").caused_by(error))?;
    temporary.keep();
    Ok(backup)
}

#[cfg(test)]
mod tests {
    use super::super::super::copied::{Outlined, PART_BYTES, decode_outline, joined};
    use super::*;

    #[test]
    fn a_row_that_is_too_large_for_an_answer_comes_in_parts() -> Result<()> {
        let memory = LibsqlFile::in_memory(std::iter::empty())?;
        let run = |sql: &str, values| memory.database.execute(sql, values);
        run("CREATE TABLE t (a TEXT PRIMARY KEY, n, b, c) WITHOUT ROWID", vec![])?;
        let text = "é".repeat(PART_BYTES);
        run("INSERT INTO t VALUES ('k', 1.5, ?1, x'00')", vec![text.as_str().into()])?;
        let table = memory.what_to_copy("t")?;
        let ask = |statement: &Statement| memory.database.rows(statement, |row| Ok(row.to_vec()));
        let outline = decode_outline(&ask(&Position::default().outline(&table))?[0], &table).unwrap_or_default();
        assert_eq!(outline[1], Outlined::Whole(SqlValue::Real(1.5)));
        assert_eq!(outline[3], Outlined::Whole(vec![0].into()));
        assert_eq!(outline[2], Outlined::Large { kind: "text".into(), length: text.len() });
        let mut bytes = Vec::new();
        for _ in 0..2 {
            let part = ask(&table.part("b", &["k".into()], bytes.len() + 1))?;
            if let SqlValue::Blob(part) = &part[0][0] {
                assert_eq!(part.len(), PART_BYTES);
                bytes.extend(part);
            }
        }
        assert_eq!(joined("text", bytes).ok(), Some(text.into()));
        Ok(())
    }

    #[test]
    fn what_orders_the_rows_of_a_table_is_found() -> Result<()> {
        let memory = LibsqlFile::in_memory(std::iter::empty())?;
        for (columns, identity) in [
            ("a", Some("rowid")),
            ("a INTEGER PRIMARY KEY, b", Some("a")),
            ("a INT PRIMARY KEY, b", Some("rowid")),
            ("a INTEGER PRIMARY KEY DESC", Some("rowid")),
            ("rowid, a", Some("_rowid_")),
            ("rowid, _rowid_, oid INTEGER PRIMARY KEY", Some("oid")),
            ("rowid, _rowid_, oid", None),
        ] {
            memory.database.execute("DROP TABLE IF EXISTS t", vec![])?;
            memory.database.execute(&format!("CREATE TABLE t ({columns})"), vec![])?;
            let found = memory.what_to_copy("t").ok().map(|table| table.identity.join(","));
            assert_eq!(found.as_deref(), identity, "{columns}");
        }
        Ok(())
    }
}
