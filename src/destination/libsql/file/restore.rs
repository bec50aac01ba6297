//! Putting a backup back.

use std::fs::File;
#[cfg(unix)]
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::super::statement::text;
use super::address::beside;
use super::backup::Temporary;
use super::open::{connection, is_damage, sync_folder};
use super::{LibsqlFile, Mode, holder};
use crate::error::{Error, ErrorKind, Result};

impl LibsqlFile {
    /// Replaces the database file by the backup, atomically. Refused while another process uses the database. What is
    /// damaged could not be backed up: it is put aside, and this says where.
    pub(super) fn restore_backup(&mut self, from: &Path) -> Result<Option<PathBuf>> {
        self.writable().or_else(|error| if is_damage(&error) { Ok(()) } else { Err(error) })?;
        let had_lease = self.lease.is_some();
        self.take_lease("a restore")?;
        let result = self.replace_by(from);
        if !had_lease {
            self.lease = None;
        }
        result
    }

    fn replace_by(&mut self, from: &Path) -> Result<Option<PathBuf>> {
        let copy = self.copied(from)?;
        let damaged = !self.check_integrity(false).is_ok_and(|problems| problems.is_empty());
        let aside = damaged.then(|| aside(&self.file));
        self.journal_ready = false;
        self.require_alone()?;
        // From here on this object has no connection to the old file, so that nothing is written to it any more.
        self.database = connection(&self.file, ":memory:")?;
        let swapped = self.swap(&copy.0, aside.as_deref());
        if swapped.is_ok() {
            copy.keep();
        }
        let lease = self.lease.take();
        *self = Self::open(&self.file, Mode::ReadWrite { create: false })?;
        self.lease = lease;
        swapped.map_err(|error| failed("the backup could not be put in place", from).caused_by(error))?;
        Ok(aside)
    }

    /// The backup's bytes on the database's file system, on disk, with the permissions of the file they replace.
    fn copied(&self, from: &Path) -> Result<Temporary> {
        let copy = Temporary::beside(&self.file)?;
        let work = || -> std::io::Result<()> {
            let mut source = File::open(from)?;
            let mut target = File::options().write(true).open(&copy.0)?;
            let expected = source.metadata()?.len();
            if std::io::copy(&mut source, &mut target)? != expected {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            let replaced = std::fs::metadata(&self.file)?;
            target.set_permissions(replaced.permissions())?;
            // Only root may give files away; everyone else owns both.
            #[cfg(unix)]
            let _ = std::os::unix::fs::fchown(&target, Some(replaced.uid()), Some(replaced.gid()));
            target.sync_all()
        };
        work().map_err(|error| failed("the backup could not be copied", from).caused_by(error))?;
        Ok(copy)
    }

    /// Leaving WAL mode needs the database to itself, and empties the WAL. A damaged database has nobody to ask, so
    /// the system is asked too.
    fn require_alone(&self) -> Result<()> {
        let busy = |holder: Option<String>| {
            let by = holder.unwrap_or_else(|| "another connection".into());
            Error::new(
                ErrorKind::Destination,
                "destination_in_use",
                format!("{} is in use by {by}; it cannot be replaced under it", self.file.display()),
            )
            .hint("stop the programs that use it, then restore again")
        };
        match self.database.try_query("PRAGMA journal_mode = DELETE", vec![], |row| text(row, 0)) {
            Err(failure) if failure.is_busy() => return Err(busy(holder::of(&self.file))),
            Ok(modes) if modes.iter().any(|mode| mode == "wal") => return Err(busy(holder::of(&self.file))),
            _ => {}
        }
        match holder::users(&self.file).into_iter().next() {
            Some(user) => Err(busy(Some(user))),
            None => Ok(()),
        }
    }

    /// A WAL of the old database must never meet the new one: it goes first.
    fn swap(&self, copy: &Path, aside: Option<&Path>) -> std::io::Result<()> {
        for suffix in ["-wal", "-shm", "-journal"] {
            let old = beside(&self.file, suffix);
            let gone = match aside {
                Some(aside) => std::fs::rename(&old, beside(aside, suffix)),
                None => std::fs::remove_file(&old),
            };
            match gone {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        if let Some(aside) = aside {
            // A second name, so that the first is never without a file.
            std::fs::hard_link(&self.file, aside).or_else(|_| std::fs::copy(&self.file, aside).map(drop))?;
        }
        sync_folder(&self.file)?;
        std::fs::rename(copy, &self.file)?;
        sync_folder(&self.file)
    }
}

/// A name that nothing has: `data.db.damaged`, `data.db.damaged-2`.
fn aside(file: &Path) -> PathBuf {
    let first = beside(file, ".damaged");
    let more = (2..).map(|number| beside(file, &format!(".damaged-{number}")));
    std::iter::once(first.clone()).chain(more).find(|path| !path.exists()).unwrap_or(first)
}

fn failed(what: &str, from: &Path) -> Error {
    Error::new(ErrorKind::Destination, "restore_failed", format!("{what}; the destination is as it was"))
        .file(from)
        .hint("check the free space and the permissions of the database's folder")
}
