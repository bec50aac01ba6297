//! The schema as it is, read from SQLite's own tables.

use std::collections::BTreeMap;

use super::super::records::state::is_internal;
use super::super::statement::{integer, optional_text, text};
use super::database::Database;
use crate::domain::schema::{Column, ForeignKey, Object, Schema, Table};
use crate::domain::sql_text::{conflict_clauses, deferred_references};
use crate::error::Result;

/// One index of a table.
#[derive(Debug, Clone)]
pub(super) struct Index {
    /// Name.
    pub(super) name: String,
    /// Unique.
    pub(super) unique: bool,
    /// With a WHERE clause.
    pub(super) partial: bool,
    /// Its columns and their collations; a column of `None` is an expression.
    pub(super) columns: Vec<(Option<String>, String)>,
}

impl Index {
    /// Column names, if there is no expression among them.
    pub(super) fn names(&self) -> Option<Vec<String>> {
        self.columns.iter().map(|(name, _)| name.clone()).collect()
    }
}

/// One entry of `sqlite_schema`.
struct Entry {
    kind: String,
    name: String,
    table: String,
    sql: String,
}

/// The whole schema without fireferry's own tables and SQLite's.
pub(super) fn schema(database: &Database) -> Result<Schema> {
    let entries: Vec<Entry> = entries(database)?.into_iter().filter(|entry| !is_internal(&entry.table)).collect();
    let kinds = table_kinds(database)?;
    let mut tables = Vec::new();
    for entry in entries.iter().filter(|entry| kinds.contains_key(&entry.name)) {
        let mut table = table(database, &entry.name, &entry.sql, &kinds)?;
        table.triggers = triggers(&entries, &entry.name);
        tables.push(table);
    }
    resolve_parents(&mut tables);
    tables.sort_by(|a, b| a.name.cmp(&b.name));
    let views = entries.iter().filter(|entry| entry.kind == "view").map(|entry| entry.name.clone()).collect();
    let fingerprint = fingerprint(&entries);
    let objects = entries.into_iter().filter(|entry| !entry.sql.is_empty());
    let objects = objects.map(|Entry { kind, name, sql, .. }| Object { kind, name, sql }).collect();
    Ok(Schema { tables, views, objects, fingerprint })
}

fn entries(database: &Database) -> Result<Vec<Entry>> {
    let sql = "SELECT type, CAST(name AS BLOB), CAST(tbl_name AS BLOB), CAST(sql AS BLOB) FROM sqlite_schema
               ORDER BY type, name";
    database.query(sql, vec![], |row| {
        Ok(Entry { kind: text(row, 0)?, name: text(row, 1)?, table: text(row, 2)?, sql: text(row, 3)? })
    })
}

/// STRICT and WITHOUT ROWID by name, of ordinary tables only (no virtual ones and none that serve them).
fn table_kinds(database: &Database) -> Result<BTreeMap<String, (bool, bool)>> {
    let sql = "SELECT CAST(name AS BLOB), strict, wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table'";
    let found =
        database.query(sql, vec![], |row| Ok((text(row, 0)?, (integer(row, 1)? == 1, integer(row, 2)? == 1))))?;
    Ok(found.into_iter().filter(|(name, _)| !is_internal(name)).collect())
}

fn table(database: &Database, name: &str, sql: &str, kinds: &BTreeMap<String, (bool, bool)>) -> Result<Table> {
    let (columns, primary_key) = columns(database, name)?;
    let (strict, without_rowid) = kinds.get(name).copied().unwrap_or_default();
    let indexes = indexes(database, name)?;
    let full = || indexes.iter().filter(|index| !index.partial);
    let mut unique: Vec<Vec<String>> = full().filter(|index| index.unique).filter_map(Index::names).collect();
    let mut leading: Vec<Vec<String>> =
        full().map(|index| index.columns.iter().map_while(|(name, _)| name.clone()).collect()).collect();
    // An INTEGER PRIMARY KEY has no index of its own: it is the table.
    for sets in [&mut unique, &mut leading] {
        if !primary_key.is_empty() && !sets.contains(&primary_key) {
            sets.push(primary_key.clone());
        }
        sets.sort();
        sets.dedup();
    }
    Ok(Table {
        name: name.to_owned(),
        sql: sql.to_owned(),
        strict,
        without_rowid,
        columns,
        primary_key,
        unique,
        indexes: leading,
        foreign_keys: foreign_keys(database, name)?,
        triggers: vec![],
        conflict_clauses: conflict_clauses(sql),
    })
}

fn columns(database: &Database, table: &str) -> Result<(Vec<Column>, Vec<String>)> {
    let sql = "SELECT CAST(name AS BLOB), CAST(upper(type) AS BLOB), \"notnull\", CAST(dflt_value AS BLOB), pk, hidden
               FROM pragma_table_xinfo(?1) ORDER BY cid";
    let mut keys = Vec::new();
    let columns = database.query(sql, vec![table.into()], |row| {
        let column = Column {
            name: text(row, 0)?,
            declared_type: text(row, 1)?,
            not_null: integer(row, 2)? == 1,
            default: optional_text(row, 3)?,
            // 2 and 3 are virtual and stored generated columns.
            generated: integer(row, 5)? >= 2,
        };
        let position = integer(row, 4)?;
        if position > 0 {
            keys.push((position, column.name.clone()));
        }
        Ok(column)
    })?;
    keys.sort();
    Ok((columns, keys.into_iter().map(|(_, name)| name).collect()))
}

/// The indexes of a table, those of its constraints included.
pub(super) fn indexes(database: &Database, table: &str) -> Result<Vec<Index>> {
    let list = "SELECT CAST(name AS BLOB), \"unique\", partial FROM pragma_index_list(?1)";
    let mut found = database.query(list, vec![table.into()], |row| {
        Ok(Index {
            name: text(row, 0)?,
            unique: integer(row, 1)? == 1,
            partial: integer(row, 2)? == 1,
            columns: vec![],
        })
    })?;
    let info = "SELECT CAST(name AS BLOB), CAST(coll AS BLOB) FROM pragma_index_xinfo(?1) WHERE key = 1 ORDER BY seqno";
    for index in &mut found {
        index.columns = database
            .query(info, vec![index.name.as_str().into()], |row| Ok((optional_text(row, 0)?, text(row, 1)?)))?;
    }
    Ok(found)
}

fn foreign_keys(database: &Database, table: &str) -> Result<Vec<ForeignKey>> {
    let sql = "SELECT id, CAST(\"from\" AS BLOB), CAST(\"table\" AS BLOB), CAST(\"to\" AS BLOB), upper(on_delete)
               FROM pragma_foreign_key_list(?1) ORDER BY id, seq";
    let parts = database.query(sql, vec![table.into()], |row| {
        Ok((integer(row, 0)?, text(row, 1)?, text(row, 2)?, optional_text(row, 3)?, text(row, 4)?))
    })?;
    let mut keys: BTreeMap<i64, ForeignKey> = BTreeMap::new();
    for (id, from, parent, to, on_delete) in parts {
        let key = keys.entry(id).or_insert_with(|| ForeignKey { parent, on_delete, ..ForeignKey::default() });
        key.columns.push(from);
        key.parent_columns.extend(to);
    }
    // SQLite numbers them backwards.
    let mut keys: Vec<ForeignKey> = keys.into_values().rev().collect();
    mark_deferred(database, table, &mut keys)?;
    Ok(keys)
}

/// The pragma does not say which keys are deferred; the declaration does, in the same order.
fn mark_deferred(database: &Database, table: &str, keys: &mut [ForeignKey]) -> Result<()> {
    let sql = "SELECT CAST(sql AS BLOB) FROM sqlite_schema WHERE type = 'table' AND name = ?1";
    let declared = database.query_one(sql, vec![table.into()], |row| text(row, 0))?.unwrap_or_default();
    let deferred = deferred_references(&declared);
    for (key, deferred) in keys.iter_mut().zip(deferred) {
        key.deferred = deferred;
    }
    Ok(())
}

/// A foreign key that names no parent columns means the parent's primary key.
fn resolve_parents(tables: &mut [Table]) {
    let primary: Vec<(String, Vec<String>)> =
        tables.iter().map(|table| (table.name.clone(), table.primary_key.clone())).collect();
    for key in tables.iter_mut().flat_map(|table| &mut table.foreign_keys) {
        if key.parent_columns.is_empty() {
            let parent = primary.iter().find(|(name, _)| name.eq_ignore_ascii_case(&key.parent));
            key.parent_columns = parent.map(|(_, columns)| columns.clone()).unwrap_or_default();
        }
    }
}

fn triggers(entries: &[Entry], table: &str) -> Vec<String> {
    entries
        .iter()
        .filter(|entry| entry.kind == "trigger" && entry.table.eq_ignore_ascii_case(table))
        .map(|entry| entry.name.clone())
        .collect()
}

/// Entries are in a normal order already; lengths keep texts apart.
fn fingerprint(entries: &[Entry]) -> String {
    let mut hasher = blake3::Hasher::new();
    for entry in entries {
        for part in [&entry.kind, &entry.name, &entry.table, &entry.sql] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
    }
    hasher.finalize().to_hex().to_string()
}
