//! The state folder: private, and ignored by git.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::ledger::files;

/// The state folder. Dropped, it goes away again if it was made here and nothing was put into it: a verb that keeps
/// nothing leaves nothing.
#[derive(Debug)]
pub struct StateFolder {
    path: PathBuf,
    fresh: bool,
}

impl StateFolder {
    /// Makes the folder if it is missing: mode 0700, with a `.gitignore` that hides it.
    pub fn open(path: &Path) -> Result<Self> {
        let failed = |error: std::io::Error| {
            Error::new(ErrorKind::Ledger, "state_dir_failed", "cannot use the state folder")
                .file(path)
                .caused_by(error)
                .hint("name a folder that can be written to with --state-dir")
        };
        let fresh = files::private_dir(path).map_err(failed)?;
        // Never into a folder that holds other things: it may be someone's project.
        if fresh || is_empty(path).map_err(failed)? {
            let mut file = files::private_append(&path.join(".gitignore")).map_err(failed)?;
            file.write_all(b"*\n").map_err(failed)?;
        }
        Ok(Self { path: path.to_owned(), fresh })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of a run.
    pub fn run(&self, run: &str) -> PathBuf {
        run_folder(&self.path, run)
    }
}

impl Drop for StateFolder {
    fn drop(&mut self) {
        let unused = || {
            let mut entries = fs_err::read_dir(&self.path).ok()?;
            Some(entries.all(|entry| entry.is_ok_and(|entry| entry.file_name() == ".gitignore")))
        };
        if self.fresh && unused() == Some(true) {
            // What cannot be removed does no harm.
            drop(fs_err::remove_file(self.path.join(".gitignore")));
            drop(fs_err::remove_dir(&self.path));
        }
    }
}

/// The folder of a run's files.
pub fn run_folder(state: &Path, run: &str) -> PathBuf {
    state.join("runs").join(run)
}

fn is_empty(path: &Path) -> std::io::Result<bool> {
    Ok(fs_err::read_dir(path)?.next().is_none())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn a_new_folder_hides_itself_and_a_used_one_is_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("state");
        let _folder = StateFolder::open(&path).unwrap();
        assert_eq!(fs_err::read_to_string(path.join(".gitignore")).unwrap(), "*\n");
        let used = root.path().join("project");
        fs_err::create_dir(&used).unwrap();
        fs_err::write(used.join("main.rs"), "").unwrap();
        StateFolder::open(&used).unwrap();
        assert!(!used.join(".gitignore").exists());
    }

    #[test]
    fn a_folder_that_nothing_was_put_into_goes_away_again() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("state");
        drop(StateFolder::open(&path).unwrap());
        assert!(!path.exists());
        let folder = StateFolder::open(&path).unwrap();
        fs_err::write(path.join("ledger.db"), "").unwrap();
        drop(folder);
        assert!(path.join("ledger.db").exists());
    }

    #[test]
    fn a_file_in_its_place_is_a_clear_error() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("state");
        fs_err::write(&path, "").unwrap();
        assert_eq!(StateFolder::open(&path).unwrap_err().code(), "state_dir_failed");
    }
}
