//! Which file is meant, how SQLite is told to open it, and whether it changed.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::error::{Error, ErrorKind, Result};

/// The file behind symbolic links, absolute; also for a file that does not exist yet.
pub(super) fn real_path(path: &Path) -> Result<PathBuf> {
    let unusable = |error: std::io::Error| {
        Error::new(ErrorKind::Destination, "destination_cannot_open", format!("{} cannot be opened", path.display()))
            .hint("check that its folder exists")
            .caused_by(error)
    };
    let mut path = std::path::absolute(path).map_err(unusable)?;
    // A dangling link names the file to create.
    for _ in 0..40 {
        match std::fs::read_link(&path) {
            Ok(target) => path = path.parent().unwrap_or(Path::new("/")).join(target),
            Err(_) => break,
        }
    }
    match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) if folder.exists() => Ok(folder.canonicalize().map_err(unusable)?.join(name)),
        _ => Ok(path),
    }
}

/// The address of a file for SQLite, which accepts parameters only in a URI.
pub(super) fn uri(file: &Path, parameters: &str) -> String {
    let mut text = String::from("file:");
    for byte in file.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' | b':' => {
                text.push(char::from(*byte));
            }
            b'\\' if cfg!(windows) => text.push('/'),
            other => text.push_str(&format!("%{other:02x}")),
        }
    }
    format!("{text}?{parameters}")
}

/// The address that reads a database without changing a byte beside it, and whether it is read as immutable.
///
/// A read-only connection to a database in WAL mode would create `-wal` and `-shm` files, so without them the file is
/// read as immutable. With a WAL it is read together with it; the WAL itself stays as it is. The file's header, which
/// would tell the journal mode, is not read here: closing it would give up the locks of every other connection of this
/// process (POSIX locks belong to the process).
pub(super) fn read_only_uri(file: &Path) -> (String, bool) {
    let immutable = !["-wal", "-journal"].iter().any(|suffix| beside(file, suffix).exists());
    (uri(file, if immutable { "mode=ro&immutable=1" } else { "mode=ro" }), immutable)
}

/// What shows that another program wrote: sizes and times of database, WAL and journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamp(Vec<Option<(u64, Option<SystemTime>)>>);

impl Stamp {
    pub(super) fn of(file: &Path) -> Self {
        let files = ["", "-wal", "-journal"].map(|suffix| std::fs::metadata(beside(file, suffix)).ok());
        Self(files.into_iter().map(|found| found.map(|file| (file.len(), file.modified().ok()))).collect())
    }
}

/// The file with something added to its name: `-wal`, `-shm`.
pub(super) fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_every_sort_of_character_stays_one_path() {
        assert_eq!(uri(Path::new("/a b/ü?#%.db"), "mode=ro"), "file:/a%20b/%c3%bc%3f%23%25.db?mode=ro");
    }
}
