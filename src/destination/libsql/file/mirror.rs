//! A database made from another one's declarations, to be filled with its rows: how a server becomes a local file.

use std::path::Path;

use super::super::copied::Copied;
use super::super::declarations::Declaration;
use super::super::sql;
use super::super::statement::{integer, text};
use super::database::{Database, bound};
use super::open::connection;
use super::{LibsqlFile, Mode};
use crate::domain::row::Row;
use crate::domain::schema::Schema;
use crate::error::{Error, ErrorKind, Result};

impl LibsqlFile {
    /// A database in memory with this schema.
    pub(in super::super) fn in_memory<'a>(declarations: impl Iterator<Item = &'a Declaration> + Clone) -> Result<Self> {
        let name = Path::new("a copy of the schema");
        let database = connection(name, ":memory:")?;
        let memory = Self::new(name.to_owned(), Mode::ReadOnly, database, true);
        memory.declare(declarations.clone(), |declaration| declaration.kind == "table")?;
        memory.declare(declarations, |declaration| declaration.kind != "table")?;
        Ok(memory)
    }

    /// The schema as it is in this moment.
    pub(in super::super) fn schema_now(&self) -> Result<Schema> {
        super::inspect::schema(&self.database)
    }

    /// A new file with these tables, without indexes and triggers: rows come first. It need not survive a power loss.
    pub(in super::super) fn unfinished_copy(at: &Path, declarations: &[Declaration]) -> Result<Self> {
        let mut copy = Self::open(at, Mode::ReadWrite { create: true })?;
        copy.durable = false;
        copy.writable()?;
        copy.pragma("foreign_keys = OFF")?;
        copy.declare(declarations.iter(), |declaration| declaration.kind == "table")?;
        Ok(copy)
    }

    /// Indexes, triggers and views, once the rows are there.
    pub(in super::super) fn finish_copy(&self, declarations: &[Declaration]) -> Result<()> {
        // A trigger may be one of a view.
        for kind in ["index", "view", "trigger"] {
            self.declare(declarations.iter(), |declaration| declaration.kind == kind)?;
        }
        self.pragma("foreign_keys = ON")
    }

    fn declare<'a>(
        &self,
        declarations: impl Iterator<Item = &'a Declaration>,
        wanted: impl Fn(&Declaration) -> bool,
    ) -> Result<()> {
        for declaration in declarations.filter(|declaration| wanted(declaration) && !declaration.is_of_sqlite()) {
            self.database.execute(&declaration.sql, vec![]).map_err(|error| {
                Error::new(
                    ErrorKind::Destination,
                    "schema_not_copied",
                    format!("{} {} of the destination cannot be made here", declaration.kind, declaration.name),
                )
                .hint("it uses something that only the server has; leave it out of the database that is migrated to")
                .caused_by(error)
            })?;
        }
        Ok(())
    }

    /// What must be copied of a table. Generated columns compute themselves.
    pub(in super::super) fn what_to_copy(&self, table: &str) -> Result<Copied> {
        let columns = "SELECT CAST(name AS BLOB), pk FROM pragma_table_xinfo(?1) WHERE hidden = 0 ORDER BY cid";
        let columns = self.database.query(columns, vec![table.into()], |row| Ok((text(row, 0)?, integer(row, 1)?)))?;
        let mut key: Vec<(i64, String)> = columns
            .iter()
            .filter(|(_, position)| *position > 0)
            .map(|(name, position)| (*position, name.clone()))
            .collect();
        key.sort();
        let key: Vec<String> = key.into_iter().map(|(_, name)| name).collect();
        let columns: Vec<String> = columns.into_iter().map(|(name, _)| name).collect();
        let table = table.to_owned();
        if !key.is_empty() && self.is_ordered_by_key(&table)? {
            return Ok(Copied { table, columns, identity: key });
        }
        let free = |name: &&str| !columns.iter().any(|column| column.eq_ignore_ascii_case(name));
        let Some(rowid) = ["rowid", "_rowid_", "oid"].into_iter().find(free) else {
            return Err(Error::new(
                ErrorKind::Destination,
                "table_without_order",
                format!("the rows of table {table} cannot be told apart: its columns hide the rowid"),
            )
            .hint("give it an INTEGER PRIMARY KEY, or rename one of its columns rowid, _rowid_ and oid"));
        };
        let rowid = rowid.to_owned();
        Ok(Copied { table, columns: std::iter::once(rowid.clone()).chain(columns).collect(), identity: vec![rowid] })
    }

    /// Whether the primary key is the table's own order: WITHOUT ROWID, or another name of the rowid. Every other primary
    /// key has an index of its own.
    fn is_ordered_by_key(&self, table: &str) -> Result<bool> {
        let sql = "SELECT (SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?1) = 1
                   OR NOT EXISTS (SELECT 1 FROM pragma_index_list(?1) WHERE origin = 'pk')";
        Ok(self.database.query_one(sql, vec![table.into()], |row| integer(row, 0))? == Some(1))
    }

    /// Adds rows to a table of the copy, in one transaction.
    pub(in super::super) fn fill(&self, table: &Copied, rows: Vec<Row>) -> Result<()> {
        let parameters: Vec<String> = (1..=table.columns.len()).map(|number| format!("?{number}")).collect();
        let insert = format!("{} VALUES ({})", table.insert(), parameters.join(", "));
        self.database.transaction(|database: &Database| {
            let prepared = database.prepare(&insert).map_err(|failure| database.error(failure))?;
            for row in rows {
                prepared.execute(bound(row)).map_err(|failure| database.error(failure))?;
            }
            Ok(())
        })
    }

    /// Takes the rows out again.
    pub(in super::super) fn empty(&self, tables: &[String]) -> Result<()> {
        for table in tables {
            self.database.execute(&format!("DELETE FROM {}", sql::quote(table)), vec![])?;
        }
        Ok(())
    }

    /// The copy gets fireferry's own tables, empty.
    pub(in super::super) fn with_own_tables(mut self) -> Result<Self> {
        self.create_state()?;
        Ok(self)
    }
}
