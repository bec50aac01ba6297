//! The throw-away database of a dry run: the whole schema, and the rows that the run can touch or refer to.

use std::collections::BTreeSet;
use std::path::Path;

use super::super::declarations::{self, Declaration};
use super::super::records::migrations::MIGRATIONS;
use super::super::sql;
use super::super::statement::text;
use super::address::{Stamp, read_only_uri};
use super::database::Database;
use super::inspect::schema;
use super::{LibsqlFile, Mode};
use crate::domain::schema::{Schema, Table};
use crate::error::{Error, ErrorKind, Result};

impl LibsqlFile {
    /// A shadow at `at` with the rows of the tables and of every table they refer to.
    pub(super) fn make_shadow(&mut self, at: &Path, tables: &[String]) -> Result<Self> {
        let mut shadow = Self::throw_away(at)?;
        if self.exists {
            let before = Stamp::of(&self.file);
            let immutable = self.copy_into(&shadow.database, tables)?;
            // What is read together with a WAL or journal is one state, whatever others write meanwhile.
            if immutable && Stamp::of(&self.file) != before {
                return Err(Error::new(
                    ErrorKind::Transient,
                    "destination_changed",
                    format!("{} was changed while it was copied for the dry run", self.file.display()),
                )
                .hint("run it again while nothing else writes to the database"));
            }
        }
        shadow.create_state()?;
        Ok(shadow)
    }

    /// A new database that need not survive a power loss.
    pub(in super::super) fn throw_away(at: &Path) -> Result<Self> {
        let mut database = Self::open(at, Mode::ReadWrite { create: true })?;
        database.durable = false;
        database.writable()?;
        Ok(database)
    }

    /// Copies in one transaction; whether the source was read as a file that cannot change.
    fn copy_into(&self, shadow: &Database, tables: &[String]) -> Result<bool> {
        let (source, immutable) = read_only_uri(&self.file);
        shadow.execute("ATTACH ?1 AS source", vec![source.into()])?;
        shadow.execute("PRAGMA foreign_keys = OFF", vec![])?;
        let wanted = with_parents(&schema(&self.database)?, tables);
        let copied = shadow.transaction(|shadow| copy(shadow, &wanted));
        shadow.execute("PRAGMA foreign_keys = ON", vec![])?;
        copied?;
        shadow.execute("DETACH source", vec![]).map(|_| immutable)
    }
}

/// The tables and, transitively, every table they refer to.
pub(in super::super) fn with_parents(schema: &Schema, tables: &[String]) -> BTreeSet<String> {
    let mut wanted = BTreeSet::new();
    let mut open: Vec<&Table> = tables.iter().filter_map(|name| schema.table(name)).collect();
    while let Some(table) = open.pop() {
        if wanted.insert(table.name.clone()) {
            open.extend(table.foreign_keys.iter().filter_map(|key| schema.table(&key.parent)));
        }
    }
    wanted
}

/// Tables, rows, then what works on rows: indexes after the rows are cheaper, triggers must not fire for them.
fn copy(shadow: &Database, wanted: &BTreeSet<String>) -> Result<()> {
    let declarations = declarations(shadow)?;
    for declaration in declarations.iter().filter(|declaration| declaration.kind == "table") {
        shadow.execute(&declaration.sql, vec![])?;
        if wanted.contains(&declaration.name) || declaration.name.eq_ignore_ascii_case(MIGRATIONS) {
            copy_rows(shadow, &declaration.name)?;
        }
    }
    copy_sequences(shadow)?;
    // A trigger may be one of a view.
    for kind in ["index", "view", "trigger"] {
        for declaration in declarations.iter().filter(|declaration| declaration.kind == kind) {
            shadow.execute(&declaration.sql, vec![])?;
        }
    }
    Ok(())
}

/// Everything but fireferry's own tables.
fn declarations(shadow: &Database) -> Result<Vec<Declaration>> {
    let [served, entries] = declarations::select("source").map(|question| shadow.try_rows(&question));
    let decoded = served.and_then(|served| declarations::decode(&served, &entries?));
    let all = decoded.map_err(|failure| shadow.error(failure))?;
    Ok(all.into_iter().filter(|declaration| !declaration.is_internal()).collect())
}

/// Generated columns compute themselves.
fn copy_rows(shadow: &Database, table: &str) -> Result<()> {
    let sql = "SELECT CAST(name AS BLOB) FROM pragma_table_xinfo(?1) WHERE hidden = 0 ORDER BY cid";
    let columns = shadow.query(sql, vec![table.into()], |row| text(row, 0))?;
    let (name, columns) = (sql::quote(table), sql::list(&columns));
    let copy = format!("INSERT INTO main.{name} ({columns}) SELECT {columns} FROM source.{name}");
    shadow.execute(&copy, vec![]).map(|_| ())
}

/// AUTOINCREMENT goes on where it stood, also for tables whose rows are not copied.
fn copy_sequences(shadow: &Database) -> Result<()> {
    let exists = "SELECT 1 FROM source.sqlite_schema WHERE name = 'sqlite_sequence'";
    if shadow.query_one(exists, vec![], |_| Ok(()))?.is_none() {
        return Ok(());
    }
    shadow.execute("DELETE FROM main.sqlite_sequence", vec![])?;
    shadow.execute("INSERT INTO main.sqlite_sequence SELECT * FROM source.sqlite_sequence", vec![]).map(|_| ())
}
