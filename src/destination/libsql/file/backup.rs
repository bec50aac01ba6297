//! A whole copy of the database, verified before it gets its name.

use std::path::{Path, PathBuf};

use super::super::statement::text;
use super::LibsqlFile;
use super::address::{beside, uri};
use super::open::{connection, create_private, sync_folder};
use crate::crossing::crossing;
use crate::destination::BackupFile;
use crate::error::{Error, ErrorKind, Result};

impl LibsqlFile {
    /// Copies the database to `to`, which must not exist.
    pub(super) fn back_up(&mut self, to: &Path) -> Result<BackupFile> {
        if to.exists() {
            return Err(failed(to, "the file exists already"));
        }
        let temporary = Temporary::beside(to)?;
        self.database
            .execute("VACUUM INTO ?1", vec![uri(&temporary.0, "mode=rw").into()])
            .map_err(|error| failed(to, "the database could not be copied").caused_by(error))?;
        crossing("backup.written");
        require_sound(&temporary.0, to)?;
        let backup =
            seal(&temporary.0, to).map_err(|error| failed(to, "the copy could not be kept").caused_by(error))?;
        temporary.keep();
        Ok(backup)
    }
}

/// A file that is removed unless it is kept.
pub(in super::super) struct Temporary(pub(super) PathBuf);

impl Temporary {
    /// An empty private file next to `file`, so that a rename cannot cross file systems.
    pub(in super::super) fn beside(file: &Path) -> Result<Self> {
        let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
        let path = beside(&file, &format!(".{}.part", uuid::Uuid::now_v7().simple()));
        create_private(&path)?;
        Ok(Self(path))
    }

    /// Where it is.
    pub(in super::super) fn path(&self) -> &Path {
        &self.0
    }

    /// It was renamed.
    pub(super) fn keep(mut self) {
        self.0 = PathBuf::new();
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.0.as_os_str().is_empty() {
            for suffix in ["", "-wal", "-shm"] {
                let _ = std::fs::remove_file(beside(&self.0, suffix));
            }
        }
    }
}

pub(super) fn require_sound(copy: &Path, to: &Path) -> Result<()> {
    let database = connection(copy, &uri(copy, "mode=ro&immutable=1"))?;
    let problems = database.query("PRAGMA integrity_check(3)", vec![], |row| text(row, 0))?;
    match problems.as_slice() {
        [only] if only == "ok" => Ok(()),
        _ => Err(failed(to, "the copy is damaged").caused_by(problems.join("; "))),
    }
}

/// To disk, hashed, then under its name.
pub(super) fn seal(copy: &Path, to: &Path) -> std::io::Result<BackupFile> {
    let file = std::fs::File::open(copy)?;
    file.sync_all()?;
    let mut hasher = blake3::Hasher::new();
    let bytes = std::io::copy(&mut &file, &mut hasher)?;
    std::fs::rename(copy, to)?;
    sync_folder(to)?;
    Ok(BackupFile { path: to.to_owned(), bytes, hash: hasher.finalize().to_hex().to_string() })
}

pub(in super::super) fn failed(to: &Path, why: &str) -> Error {
    Error::new(ErrorKind::Destination, "backup_failed", format!("no backup was made: {why}"))
        .file(to)
        .hint("check the free space and the permissions of the folder")
}
