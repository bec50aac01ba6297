//! Reads whole databases and says how they differ: every user table, by key, every value with its type and its bits.
//!
//! Left out are fireferry's own tables, `schema_migrations`, SQLite's internals, and columns whose default is a clock
//! or chance. A database is copied before it is opened: opening one that was left with a WAL would change it.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use libsql::{Builder, Connection, Rows, Value};

use super::dump::{self, Dump, Table};

/// Differences shown per table.
const SHOWN: usize = 5;

/// One value: its type and its bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    Null,
    Integer(i64),
    /// The bits of a double.
    Real(u64),
    Text(Vec<u8>),
    Blob(Vec<u8>),
}

/// A copy of a database, opened for reading.
pub struct Database {
    connection: Connection,
    runtime: tokio::runtime::Runtime,
    _copy: tempfile::TempDir,
}

impl Database {
    /// Copies the database with its WAL and opens the copy.
    pub fn open(path: &Path) -> Self {
        let copy = tempfile::tempdir().unwrap();
        let target = copy.path().join("copy.db");
        std::fs::copy(path, &target).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for suffix in ["-wal", "-journal"] {
            let file = beside(path, suffix);
            if file.exists() {
                std::fs::copy(file, beside(&target, suffix)).unwrap();
            }
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let connection =
            runtime.block_on(async { Builder::new_local(&target).build().await.unwrap().connect().unwrap() });
        Self { connection, runtime, _copy: copy }
    }

    /// Every row of a query whose columns are read by their declared storage, text up to its first NUL.
    #[track_caller]
    pub fn query(&self, sql: &str) -> Vec<Vec<Cell>> {
        self.try_query(sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// The same for a database that may be damaged.
    pub fn try_query(&self, sql: &str) -> Result<Vec<Vec<Cell>>, String> {
        let read = async {
            let mut rows = self.connection.query(sql, ()).await?;
            let mut found = Vec::new();
            while let Some(row) = rows.next().await? {
                let values = (0..rows.column_count()).map(|column| row.get_value(column).map(cell));
                found.push(values.collect::<Result<Vec<Cell>, _>>()?);
            }
            Ok(found)
        };
        self.runtime.block_on(read).map_err(|error: libsql::Error| error.to_string())
    }

    /// The only value of a query, an integer.
    pub fn integer(&self, sql: &str) -> i64 {
        self.query(sql)[0][0].integer()
    }

    /// The first column of a query, as text.
    pub fn texts(&self, sql: &str) -> Vec<String> {
        self.query(sql).into_iter().map(|mut row| row.swap_remove(0).text()).collect()
    }

    /// Whether a table of this name exists, whoever made it.
    pub fn has_table(&self, name: &str) -> bool {
        self.texts("SELECT name FROM sqlite_schema WHERE type = 'table'").iter().any(|found| found == name)
    }

    /// Tables that users made, by name.
    pub fn tables(&self) -> Vec<Table> {
        dump::tables(&|sql| self.query(sql))
    }

    /// Everything in them and the rejects, to compare with what a server holds.
    pub fn dump(&self) -> Dump {
        let query = |sql: &str| self.query(sql);
        dump::dump(&query, &query)
    }

    /// Rows of a table, ordered by key.
    pub fn rows(&self, table: &Table) -> TableRows<'_> {
        let sql = dump::select(table);
        let rows =
            self.runtime.block_on(self.connection.query(&sql, ())).unwrap_or_else(|error| panic!("{sql}: {error}"));
        TableRows { database: self, rows, columns: table.columns.len() }
    }

    /// Rows and BLAKE3 of the content of every user table.
    pub fn digests(&self) -> BTreeMap<String, (u64, String)> {
        let digest = |table: &Table| {
            let mut hasher = blake3::Hasher::new();
            let mut count = 0;
            for row in self.rows(table) {
                count += 1;
                row.iter().for_each(|cell| cell.hash(&mut hasher));
            }
            (table.name.clone(), (count, hasher.finalize().to_hex().to_string()))
        };
        self.tables().iter().map(digest).collect()
    }

    /// Fails with what `integrity_check` or `foreign_key_check` finds.
    pub fn assert_sound(&self) {
        assert_eq!(self.texts("PRAGMA integrity_check"), ["ok"]);
        assert_eq!(self.query("PRAGMA foreign_key_check"), Vec::<Vec<Cell>>::new(), "rows without their parent");
    }
}

/// The rows of one table, read one by one.
pub struct TableRows<'a> {
    database: &'a Database,
    rows: Rows,
    columns: usize,
}

impl Iterator for TableRows<'_> {
    type Item = Vec<Cell>;

    fn next(&mut self) -> Option<Vec<Cell>> {
        let row = self.database.runtime.block_on(self.rows.next()).unwrap()?;
        let column = |index: usize| cell(row.get_value(i32::try_from(index).unwrap()).unwrap());
        Some(dump::exact_row((0..self.columns * 2).map(column).collect()))
    }
}

impl Cell {
    /// The text in it.
    pub fn text(self) -> String {
        match self {
            Self::Text(bytes) => String::from_utf8(bytes).unwrap(),
            Self::Null => String::new(),
            other => panic!("expected text, found {other:?}"),
        }
    }

    /// The integer in it.
    #[track_caller]
    pub fn integer(&self) -> i64 {
        match self {
            Self::Integer(number) => *number,
            other => panic!("expected an integer, found {other:?}"),
        }
    }

    fn hash(&self, hasher: &mut blake3::Hasher) {
        let (tag, bytes) = match self {
            Self::Null => (0, &[][..]),
            Self::Integer(number) => (1, &number.to_le_bytes()[..]),
            Self::Real(bits) => (2, &bits.to_le_bytes()[..]),
            Self::Text(bytes) => (3, &bytes[..]),
            Self::Blob(bytes) => (4, &bytes[..]),
        };
        hasher.update(&[tag]).update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
    }

    /// SQLite's own order: NULL, numbers, text, blobs.
    fn order(&self, other: &Self) -> Ordering {
        let class = |cell: &Self| match cell {
            Self::Null => 0,
            Self::Integer(_) | Self::Real(_) => 1,
            Self::Text(_) => 2,
            Self::Blob(_) => 3,
        };
        match (self, other) {
            (Self::Integer(left), Self::Integer(right)) => left.cmp(right),
            (Self::Real(left), Self::Real(right)) => f64::from_bits(*left).total_cmp(&f64::from_bits(*right)),
            (Self::Text(left), Self::Text(right)) | (Self::Blob(left), Self::Blob(right)) => left.cmp(right),
            _ => class(self).cmp(&class(other)),
        }
    }
}

impl std::fmt::Display for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Null => write!(f, "NULL"),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Real(bits) => write!(f, "{:?} (bits {bits:016x})", f64::from_bits(*bits)),
            Self::Text(bytes) => write!(f, "{:?}", short(&String::from_utf8_lossy(bytes))),
            Self::Blob(bytes) => write!(f, "blob of {} bytes, BLAKE3 {:.8}", bytes.len(), blake3::hash(bytes).to_hex()),
        }
    }
}

/// How `left` and `right` differ: nothing when they are identical.
pub fn compare(left: &Path, right: &Path) -> Vec<String> {
    let (left, right) = (Database::open(left), Database::open(right));
    let (left_tables, right_tables) = (left.tables(), right.tables());
    if left_tables != right_tables {
        return vec![format!("the tables differ: {left_tables:#?} and {right_tables:#?}")];
    }
    let (left_digests, right_digests) = (left.digests(), right.digests());
    let mut found = Vec::new();
    for table in &left_tables {
        if left_digests[&table.name] != right_digests[&table.name] {
            compare_table(table, left.rows(table), right.rows(table), &mut found);
        }
    }
    found
}

/// Fails with how the two differ.
#[track_caller]
pub fn assert_same(left: &Path, right: &Path, what: &str) {
    let differences = compare(left, right);
    assert!(differences.is_empty(), "{what}: the databases differ\n{}", differences.join("\n"));
}

/// One digest of all user tables.
pub fn digest(path: &Path) -> String {
    let mut hasher = blake3::Hasher::new();
    for (table, (rows, hash)) in Database::open(path).digests() {
        hasher.update(table.as_bytes()).update(&rows.to_le_bytes()).update(hash.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

fn compare_table(table: &Table, left: TableRows<'_>, right: TableRows<'_>, found: &mut Vec<String>) {
    let (mut left, mut right) = (left.peekable(), right.peekable());
    let (mut shown, mut more) = (0, 0_u64);
    loop {
        let order = match (left.peek(), right.peek()) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(left), Some(right)) => key_order(table, left, right),
        };
        let difference = match order {
            Ordering::Less => left.next().map(|row| format!("{}: only on the left", name(table, &row))),
            Ordering::Greater => right.next().map(|row| format!("{}: only on the right", name(table, &row))),
            Ordering::Equal => match (left.next(), right.next()) {
                (Some(left), Some(right)) if left != right => Some(row_difference(table, &left, &right)),
                _ => None,
            },
        };
        match difference {
            Some(text) if shown < SHOWN => {
                shown += 1;
                found.push(text);
            }
            Some(_) => more += 1,
            None => {}
        }
    }
    if more > 0 {
        found.push(format!("{}: {more} more differences", table.name));
    }
}

fn key_order(table: &Table, left: &[Cell], right: &[Cell]) -> Ordering {
    table
        .key
        .iter()
        .map(|index| left[*index].order(&right[*index]))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

fn name(table: &Table, row: &[Cell]) -> String {
    let key: Vec<String> = table.key.iter().map(|index| format!("{} {}", table.columns[*index], row[*index])).collect();
    format!("{} [{}]", table.name, key.join(", "))
}

fn row_difference(table: &Table, left: &[Cell], right: &[Cell]) -> String {
    let mut text = name(table, left);
    for (column, (left, right)) in table.columns.iter().zip(left.iter().zip(right)) {
        if left != right {
            let _ = write!(text, "\n  {column}: {left} on the left, {right} on the right");
        }
    }
    text
}

fn cell(value: Value) -> Cell {
    match value {
        Value::Null => Cell::Null,
        Value::Integer(number) => Cell::Integer(number),
        Value::Real(number) => Cell::Real(number.to_bits()),
        Value::Text(text) => Cell::Text(text.into_bytes()),
        Value::Blob(bytes) => Cell::Blob(bytes),
    }
}

fn short(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
        None => text.to_owned(),
    }
}

/// The file beside a database with this suffix.
pub fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Runs SQL that changes a database, as another program would.
pub fn change(path: &Path, sql: &str) {
    drop(Program::start(path, sql));
}

/// The same with foreign keys checked, and what SQLite says against it.
pub fn try_change(path: &Path, sql: &str) -> Result<(), String> {
    let program = Program::start(path, "PRAGMA foreign_keys = ON");
    let done = program.runtime.block_on(program.connection.execute_batch(sql));
    done.map(drop).map_err(|error| error.to_string())
}

/// Another program that has a database open, until it is dropped.
pub struct Program {
    connection: Connection,
    runtime: tokio::runtime::Runtime,
}

impl Program {
    /// Opens the database and runs SQL; a transaction may stay open.
    pub fn start(path: &Path, sql: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let connection = runtime.block_on(async { Builder::new_local(path).build().await.unwrap().connect().unwrap() });
        let program = Self { connection, runtime };
        program.execute(sql);
        program
    }

    /// Runs more SQL.
    pub fn execute(&self, sql: &str) {
        let done = self.runtime.block_on(self.connection.execute_batch(sql));
        done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}
