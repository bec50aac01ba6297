//! Mirrors: tables of the undo log, one for each table and each set of columns that it ever had.

use serde::{Deserialize, Serialize};

use super::super::failure::Failure;
use super::super::sql::quote;
use super::super::statement::{Statement, text};
use crate::domain::row::SqlValue;
use crate::domain::schema::Table;

/// Lists the mirrors.
const CATALOGUE: &str = "CREATE TABLE IF NOT EXISTS _fireferry_undo (
  mirror     TEXT PRIMARY KEY, -- the mirror's name
  table_name TEXT NOT NULL,    -- the table it belongs to
  shape      TEXT NOT NULL     -- what tells the table's rows apart, and its columns, as JSON
) STRICT, WITHOUT ROWID";

/// The run that an entry belongs to; negative once its row had to wait for another one's unique value.
pub const RUN: &str = "\"_fireferry_run\"";
/// [`AFTER`] or [`BEFORE`].
pub const KIND: &str = "\"_fireferry_kind\"";
/// The row's number, where that tells rows apart.
const ROWID: &str = "_fireferry_rowid";
/// The row as the run left it.
pub const AFTER: i64 = 1;
/// The row as it was.
pub const BEFORE: i64 = 0;

/// The mirror of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    /// The table.
    pub table: String,
    /// The mirror's own name.
    pub name: String,
    /// What it holds.
    pub shape: Shape,
}

/// What a mirror holds of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// The name by which the table knows its row numbers; `None` where the primary key tells rows apart.
    pub rowid: Option<String>,
    /// The row number is no column: nobody can refer to it.
    pub hidden: bool,
    /// The primary key.
    pub key: Vec<String>,
    /// Every column that can be written.
    pub columns: Vec<String>,
}

impl Shape {
    /// What must be kept of the table's rows; `None` if nothing tells them apart.
    pub fn of(table: &Table) -> Option<Self> {
        let free = ["rowid", "_rowid_", "oid"].into_iter().find(|name| table.column(name).is_none());
        let rowid = free.filter(|_| !table.without_rowid).map(str::to_owned);
        let alias = match table.primary_key.as_slice() {
            [only] => table.column(only).is_some_and(|column| column.declared_type == "INTEGER"),
            _ => false,
        };
        let shape = Self {
            hidden: rowid.is_some() && !alias,
            key: table.primary_key.clone(),
            columns: table
                .columns
                .iter()
                .filter(|column| !column.generated)
                .map(|column| column.name.clone())
                .collect(),
            rowid,
        };
        (shape.rowid.is_some() || !shape.key.is_empty()).then_some(shape)
    }
}

impl Mirror {
    /// Pairs that tell rows apart: a column of the table, and the mirror's.
    pub fn identity(&self) -> Vec<(String, String)> {
        match &self.shape.rowid {
            Some(name) => vec![(name.clone(), quote(ROWID))],
            None => self.shape.key.iter().map(|name| (quote(name), quote(name))).collect(),
        }
    }

    /// The name of the row number, if rows keep it while these columns are written.
    pub fn lasting_number(&self, written: &[&String]) -> Option<&str> {
        let number = self.shape.rowid.as_deref()?;
        let is_written = |name: &String| written.iter().any(|own| own.eq_ignore_ascii_case(name));
        (self.shape.hidden || !self.shape.key.iter().any(is_written)).then_some(number)
    }

    /// Every column that is copied, in the table and in the mirror.
    pub fn copied(&self) -> Vec<(String, String)> {
        let rowid = self.shape.rowid.iter().map(|name| (name.clone(), quote(ROWID)));
        rowid.chain(self.shape.columns.iter().map(|name| (quote(name), quote(name)))).collect()
    }

    /// The table's name in SQL.
    pub fn of(&self) -> String {
        quote(&self.table)
    }

    /// The mirror's name in SQL.
    pub fn quoted(&self) -> String {
        quote(&self.name)
    }

    /// Its identity in the mirror, each column after this prefix.
    pub fn identified(&self, prefix: &str) -> String {
        let columns: Vec<String> = self.identity().into_iter().map(|(_, own)| format!("{prefix}{own}")).collect();
        columns.join(", ")
    }

    /// Whether the table still has these columns and is told apart by the same ones.
    pub fn fits(&self, table: &Table) -> bool {
        Shape::of(table).is_some_and(|shape| shape == self.shape)
    }

    /// Makes the mirror. Its columns have no type, so values keep theirs.
    fn create(&self) -> Statement {
        let rowid = self.shape.rowid.iter().map(|_| quote(ROWID));
        let columns = rowid.chain(self.shape.columns.iter().map(|name| quote(name))).collect::<Vec<_>>().join(", ");
        let sql = format!(
            "CREATE TABLE {} ({RUN}, {KIND}, {columns}, PRIMARY KEY ({RUN}, {}, {KIND})) WITHOUT ROWID",
            self.quoted(),
            self.identified("")
        );
        Statement::new(sql, vec![])
    }

    fn record(&self) -> Statement {
        let shape = serde_json::to_string(&self.shape).unwrap_or_default();
        let sql = "INSERT INTO _fireferry_undo (mirror, table_name, shape) VALUES (?1, ?2, ?3)";
        Statement::new(sql, vec![self.name.as_str().into(), self.table.as_str().into(), shape.into()])
    }
}

/// Whether there are mirrors: a row if so. Asked before [`known`].
pub fn exists() -> Statement {
    Statement::new("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = '_fireferry_undo'", vec![])
}

/// All mirrors. The answer is for [`decode`].
pub fn known() -> Statement {
    let sql = "SELECT CAST(mirror AS BLOB), CAST(table_name AS BLOB), CAST(shape AS BLOB) FROM _fireferry_undo";
    Statement::new(sql, vec![])
}

/// A row of [`known`].
pub fn decode(row: &[SqlValue]) -> Result<Mirror, Failure> {
    let shape = serde_json::from_str(&text(row, 2)?).map_err(|error| Failure::internal(error.to_string()))?;
    Ok(Mirror { name: text(row, 0)?, table: text(row, 1)?, shape })
}

/// Names of the mirrors in SQL.
pub fn names(mirrors: &[Mirror]) -> Vec<String> {
    mirrors.iter().map(Mirror::quoted).collect()
}

/// The mirrors of these tables, and the statements that make those which are missing. A table without anything that tells
/// its rows apart has none.
pub fn plan(tables: &[&Table], known: &[Mirror]) -> (Vec<Option<Mirror>>, Vec<Statement>) {
    let mut statements = Vec::new();
    let mut taken: Vec<String> = known.iter().map(|mirror| mirror.name.to_ascii_lowercase()).collect();
    let mut mirror = |table: &&Table| {
        let shape = Shape::of(table)?;
        let own = |mirror: &&Mirror| mirror.table.eq_ignore_ascii_case(&table.name) && mirror.shape == shape;
        if let Some(mirror) = known.iter().find(own) {
            return Some(mirror.clone());
        }
        let plain = format!("_fireferry_undo_{}", table.name);
        let numbered = (2..).map(|number| format!("{plain}_{number}"));
        let name = std::iter::once(plain.clone()).chain(numbered);
        let name = name.into_iter().find(|name| !taken.contains(&name.to_ascii_lowercase()))?;
        taken.push(name.to_ascii_lowercase());
        let mirror = Mirror { table: table.name.clone(), name, shape };
        statements.extend([mirror.create(), mirror.record()]);
        Some(mirror)
    };
    let mirrors = tables.iter().map(&mut mirror).collect();
    if !statements.is_empty() {
        statements.insert(0, Statement::new(CATALOGUE, vec![]));
    }
    (mirrors, statements)
}
