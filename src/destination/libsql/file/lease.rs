//! The lease of a local file: a lock of the operating system on a file beside it, given back by the process's death.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::PathBuf;

use super::LibsqlFile;
use super::address::beside;
use crate::error::{Error, ErrorKind, Result};

/// Held until dropped.
pub(super) struct Lease {
    path: PathBuf,
    /// Keeps the lock.
    _file: File,
}

impl LibsqlFile {
    /// Takes the lease, or says who holds it.
    pub(super) fn take_lease(&mut self, owner: &str) -> Result<()> {
        if self.lease.is_none() {
            self.lease = Some(Lease::take(beside(&self.file, "-fireferry.lock"), owner)?);
        }
        Ok(())
    }
}

impl Lease {
    fn take(path: PathBuf, owner: &str) -> Result<Self> {
        loop {
            let mut file = open(&path).map_err(|error| failed(&path, error))?;
            match file.try_lock() {
                Ok(()) if is_at(&file, &path) => {
                    write_owner(&mut file, owner).map_err(|error| failed(&path, error))?;
                    return Ok(Self { path, _file: file });
                }
                // The last holder removed this file between open and lock: take the new one.
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(held(&mut file, &path)),
                Err(TryLockError::Error(error)) => return Err(failed(&path, error)),
            }
        }
    }
}

impl Drop for Lease {
    /// Removed while the lock is still held; who waits for the lock looks whether its file is still the one there.
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

fn open(path: &PathBuf) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn write_owner(file: &mut File, owner: &str) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    write!(file, "{owner}")?;
    file.flush()
}

#[cfg(unix)]
fn is_at(file: &File, path: &PathBuf) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(held), Ok(there)) => held.ino() == there.ino() && held.dev() == there.dev(),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_at(_file: &File, path: &PathBuf) -> bool {
    path.exists()
}

fn held(file: &mut File, path: &PathBuf) -> Error {
    let mut owner = String::new();
    let by = match file.read_to_string(&mut owner) {
        Ok(_) if !owner.trim().is_empty() => owner.trim().to_owned(),
        _ => "another process".to_owned(),
    };
    Error::new(ErrorKind::LeaseHeld, "lease_held", format!("the destination is in use by {by}"))
        .file(path)
        .hint("wait until it has finished; the lease ends with its process")
}

fn failed(path: &PathBuf, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Destination, "lease_failed", "the lease of the destination cannot be taken")
        .file(path)
        .hint("check that you may write in the database's folder")
        .caused_by(error)
}
