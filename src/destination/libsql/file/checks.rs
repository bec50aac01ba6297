//! Questions that change nothing: is it a database, is it sound, how many rows, how much space.

use super::super::sql;
use super::super::statement::{exact_row, integer, text};
use super::address::beside;
use super::{LibsqlFile, Mode};
use crate::destination::{ForeignKeyViolation, Space};
use crate::domain::row::Row;
use crate::error::{Error, ErrorKind, Result};

impl LibsqlFile {
    /// Reads the schema, which needs the first pages to be right.
    pub(super) fn check_readable(&mut self) -> Result<()> {
        self.database.query("SELECT count(*) FROM sqlite_schema", vec![], |_| Ok(()))?;
        self.refuse_unfinished_rollback()
    }

    /// A connection for writing takes the write lock and gives it back; a read-only one asks for permissions.
    pub(super) fn check_write_access(&mut self) -> Result<()> {
        if self.mode == Mode::ReadOnly {
            return self.check_permissions();
        }
        self.database.execute("BEGIN IMMEDIATE", vec![])?;
        self.database.execute("ROLLBACK", vec![]).map(|_| ())
    }

    fn check_permissions(&self) -> Result<()> {
        let folder = self.file.parent().unwrap_or(&self.file);
        let mut needed = vec![folder];
        if self.exists {
            needed.push(&self.file);
        }
        for path in needed {
            writable(path).map_err(|error| {
                Error::new(
                    ErrorKind::Destination,
                    "destination_read_only",
                    format!("{} cannot be written", path.display()),
                )
                .hint("check the permissions of the file and of its folder (SQLite writes `-wal` and `-shm` files beside it)")
                .caused_by(error)
            })?;
        }
        Ok(())
    }

    pub(super) fn sqlite_version(&mut self) -> Result<String> {
        Ok(self.database.query_one("SELECT sqlite_version()", vec![], |row| text(row, 0))?.unwrap_or_default())
    }

    /// What `integrity_check` or `quick_check` say, except `ok`.
    pub(super) fn check_integrity(&mut self, thorough: bool) -> Result<Vec<String>> {
        if self.unreadable {
            return Ok(vec!["it cannot be read as a database".to_owned()]);
        }
        let pragma = if thorough { "PRAGMA integrity_check(100)" } else { "PRAGMA quick_check(100)" };
        let problems = self.database.query(pragma, vec![], |row| text(row, 0))?;
        Ok(problems.into_iter().filter(|problem| problem != "ok").collect())
    }

    pub(super) fn foreign_key_violations(
        &mut self,
        tables: &[String],
        limit: usize,
    ) -> Result<Vec<ForeignKeyViolation>> {
        let sql =
            "SELECT CAST(\"table\" AS BLOB), rowid, CAST(parent AS BLOB) FROM pragma_foreign_key_check(?1) LIMIT ?2";
        let mut found = Vec::new();
        for table in tables {
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let values = vec![table.as_str().into(), limit.into()];
            found.extend(self.database.query(sql, values, |row| {
                // WITHOUT ROWID tables have none.
                Ok(ForeignKeyViolation { table: text(row, 0)?, rowid: integer(row, 1).ok(), parent: text(row, 2)? })
            })?);
        }
        Ok(found)
    }

    pub(super) fn count_rows(&mut self, tables: &[String]) -> Result<Vec<u64>> {
        tables
            .iter()
            .map(|table| {
                let count = format!("SELECT count(*) FROM {}", sql::quote(table));
                let rows = self.database.query_one(&count, vec![], |row| integer(row, 0))?;
                Ok(rows.and_then(|rows| u64::try_from(rows).ok()).unwrap_or_default())
            })
            .collect()
    }

    /// The first rows in the order of the primary key.
    pub(super) fn sample_rows(&mut self, table: &str, columns: &[String], limit: usize) -> Result<Vec<Row>> {
        let schema = super::inspect::schema(&self.database)?;
        let key = schema.table(table).map(|table| sql::list(&table.primary_key)).unwrap_or_default();
        let order = if key.is_empty() { String::new() } else { format!("ORDER BY {key}") };
        let selected: Vec<String> = columns.iter().map(|column| sql::exact(&sql::quote(column))).collect();
        let query = format!("SELECT {} FROM {} {order} LIMIT ?1", selected.join(", "), sql::quote(table));
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.database.query(&query, vec![limit.into()], |row| exact_row(row, columns.len()))
    }

    /// Free space where the file is (or will be), and what database and WAL take.
    pub(super) fn free_space(&mut self) -> Result<Space> {
        let folder = self.file.parent().unwrap_or(&self.file);
        let system = rustix::fs::statvfs(folder).map_err(|error| {
            Error::new(
                ErrorKind::Destination,
                "destination_space_unknown",
                format!("the free space of {} cannot be found", folder.display()),
            )
            .caused_by(error)
        })?;
        let size = |path: &std::path::Path| std::fs::metadata(path).map_or(0, |file| file.len());
        Ok(Space {
            free: system.f_bavail.saturating_mul(system.f_frsize),
            database: size(&self.file) + size(&beside(&self.file, "-wal")),
        })
    }
}

#[cfg(unix)]
fn writable(path: &std::path::Path) -> std::io::Result<()> {
    Ok(rustix::fs::access(path, rustix::fs::Access::WRITE_OK)?)
}

#[cfg(not(unix))]
fn writable(path: &std::path::Path) -> std::io::Result<()> {
    match std::fs::metadata(path)?.permissions().readonly() {
        true => Err(std::io::ErrorKind::PermissionDenied.into()),
        false => Ok(()),
    }
}
