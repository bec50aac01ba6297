//! The statements that make a database's schema, read from `sqlite_schema` so that another database can be given it.

use std::collections::BTreeSet;

use super::failure::Failure;
use super::records::migrations::MIGRATIONS;
use super::records::state::is_internal;
use super::statement::{Statement, text};
use crate::domain::row::SqlValue;

/// One statement of a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// `table`, `index`, `trigger` or `view`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The table it belongs to.
    pub table: String,
    /// The statement as it was given.
    pub sql: String,
}

impl Declaration {
    /// fireferry's own tables and those of SQLite, but not the record of migrations.
    pub fn is_internal(&self) -> bool {
        is_internal(&self.table) && !self.table.eq_ignore_ascii_case(MIGRATIONS)
    }

    /// SQLite makes it by itself.
    pub fn is_of_sqlite(&self) -> bool {
        let lower = self.table.to_ascii_lowercase();
        lower.starts_with("sqlite_") || lower.starts_with("libsql_")
    }
}

/// What to ask a database (`main` or an attached one): names of tables that serve others, then all entries.
pub fn select(schema: &str) -> [Statement; 2] {
    [
        Statement::new(
            "SELECT CAST(name AS BLOB) FROM pragma_table_list WHERE schema = ?1 AND type = 'shadow'",
            vec![schema.into()],
        ),
        Statement::new(
            format!(
                "SELECT type, CAST(name AS BLOB), CAST(tbl_name AS BLOB), CAST(sql AS BLOB)
                 FROM \"{schema}\".sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid"
            ),
            vec![],
        ),
    ]
}

/// The declarations in the order of their creation, from the answers to [`select`]. Tables that serve virtual tables or
/// vector indexes are left out: they come with those.
pub fn decode(served: &[Vec<SqlValue>], entries: &[Vec<SqlValue>]) -> Result<Vec<Declaration>, Failure> {
    let served: BTreeSet<String> = served.iter().map(|row| text(row, 0)).collect::<Result<_, _>>()?;
    let entry = |row: &Vec<SqlValue>| {
        Ok(Declaration { kind: text(row, 0)?, name: text(row, 1)?, table: text(row, 2)?, sql: text(row, 3)? })
    };
    let all: Vec<Declaration> = entries.iter().map(entry).collect::<Result<_, Failure>>()?;
    let vector_indexes: BTreeSet<String> = all
        .iter()
        .filter(|entry| entry.kind == "index" && entry.sql.contains("libsql_vector_idx"))
        .map(|entry| format!("{}_shadow", entry.name))
        .collect();
    let comes_with_others =
        |entry: &Declaration| served.contains(&entry.table) || vector_indexes.contains(&entry.table);
    Ok(all.into_iter().filter(|entry| !comes_with_others(entry)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_that_serve_others_are_left_out() {
        let row =
            |kind: &str, name: &str, table: &str, sql: &str| [kind, name, table, sql].map(SqlValue::from).to_vec();
        let entries = [
            row("table", "t", "t", "CREATE TABLE t (a)"),
            row("table", "f_data", "f_data", "CREATE TABLE f_data (a)"),
            row("index", "v", "t", "CREATE INDEX v ON t (libsql_vector_idx(a))"),
            row("table", "v_shadow", "v_shadow", "CREATE TABLE v_shadow (a)"),
            row("table", "_fireferry_meta", "_fireferry_meta", "CREATE TABLE _fireferry_meta (a)"),
        ];
        let decoded = decode(&[vec!["f_data".into()]], &entries).unwrap_or_default();
        let names: Vec<&str> = decoded.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["t", "v", "_fireferry_meta"]);
        assert!(decoded[2].is_internal() && !decoded[2].is_of_sqlite() && !decoded[0].is_internal());
    }
}
