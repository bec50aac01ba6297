//! The file that a server becomes equal to.

use std::path::Path;

use super::{is_copied, tables_with_rows};
use crate::destination::libsql::LibsqlFile;
use crate::destination::libsql::copied::{Copied, Position};
use crate::destination::libsql::declarations::Declaration;
use crate::destination::libsql::file::Extras;
use crate::domain::encode::encode;
use crate::domain::row::Row;
use crate::error::{Error, ErrorKind, Result};

/// A database file, and what is copied of it.
pub(super) struct Source {
    pub(super) file: LibsqlFile,
    /// BLAKE3 of the file, hexadecimal.
    pub(super) hash: String,
    /// In the order of their creation.
    pub(super) declarations: Vec<Declaration>,
    /// Tables that serve virtual ones; they come with those, not empty.
    pub(super) serving: Vec<String>,
    /// Every table whose rows are copied.
    pub(super) tables: Vec<Copied>,
    pub(super) extras: Extras,
}

impl Source {
    /// Opens the file; not one byte of it changes.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let hash = hash(path).map_err(|error| {
            Error::new(ErrorKind::Destination, "restore_failed", "the file cannot be read").file(path).caused_by(error)
        })?;
        let file = LibsqlFile::open_copy(path)?;
        file.require_whole()?;
        let (mut declarations, serving) = file.declarations_now()?;
        declarations.retain(is_copied);
        let names = tables_with_rows(&declarations, &serving);
        let tables = names.iter().map(|name| file.what_to_copy(name)).collect::<Result<_>>()?;
        let extras = file.extras()?;
        Ok(Self { file, hash, declarations, serving, tables, extras })
    }

    /// Rows of a table, and a digest of them.
    pub(super) fn digest(&self, table: &Copied) -> Result<Digest> {
        let (mut digest, mut position) = (Digest::default(), Position::default());
        loop {
            let rows = self.file.page(table, &mut position)?;
            if rows.is_empty() {
                return Ok(digest);
            }
            digest.add(&rows);
        }
    }
}

/// Number of rows, and all of their values by type and bits.
#[derive(Debug, Clone, Default)]
pub(super) struct Digest {
    pub(super) rows: u64,
    hasher: blake3::Hasher,
}

impl Digest {
    /// The next rows in order.
    pub(super) fn add(&mut self, rows: &[Row]) {
        for row in rows {
            self.rows += 1;
            self.hasher.update(&encode(row));
        }
    }

    /// Whether the same rows were added.
    pub(super) fn same(&self, other: &Self) -> bool {
        self.rows == other.rows && self.hasher.finalize() == other.hasher.finalize()
    }
}

fn hash(path: &Path) -> std::io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    std::io::copy(&mut std::fs::File::open(path)?, &mut hasher)?;
    Ok(hasher.finalize().to_hex().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::row::SqlValue;

    #[test]
    fn a_digest_knows_types_bits_and_order() {
        let of = |values: &[SqlValue]| {
            let mut digest = Digest::default();
            digest.add(&values.iter().map(|value| vec![value.clone()]).collect::<Vec<_>>());
            digest
        };
        let (one, zero) = (SqlValue::Integer(1), SqlValue::Real(0.0));
        assert!(of(&[one.clone(), zero.clone()]).same(&of(&[one.clone(), zero.clone()])));
        assert!(!of(&[one.clone(), zero.clone()]).same(&of(&[zero.clone(), one.clone()])));
        assert!(!of(&[one]).same(&of(&[SqlValue::Real(1.0)])));
        assert!(!of(&[zero]).same(&of(&[SqlValue::Real(-0.0)])));
    }
}
