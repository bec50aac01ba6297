//! Putting away files that were migrated.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::bounds::Bounds;
use super::files::{RETIRED, Stamp, retired_beside};
use crate::crossing::crossing;
use crate::error::{Error, ErrorKind, Result};

/// Renames a file to `*.migrated` and gives its new name. A file that was put away already stays as it is; one that is
/// gone gives nothing; one that changed since it was read is an error, for its new content was never migrated.
pub(super) fn retire(path: &Path, bounds: &Bounds) -> Result<Option<PathBuf>> {
    for done in retired_beside(path)? {
        if Stamp::of(&done.path)? == bounds.stamp {
            return Ok(Some(done.path));
        }
    }
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(path, error)),
        Ok(_) => {}
    }
    if Stamp::of(path)? != bounds.stamp {
        let message = "the file changed after it was read, so it was not renamed";
        return Err(Error::new(ErrorKind::Source, "source_changed", message)
            .file(path)
            .hint("run the pipeline again: it migrates the new content and renames the file then"));
    }
    let target = free_name(path);
    fs::rename(path, &target).map_err(|error| failed(path, error))?;
    crossing("source.renamed");
    sync_folder(&target).map_err(|error| failed(path, error))?;
    Ok(Some(target))
}

/// `a.json.migrated`, or `a.json.2.migrated` where that exists: nothing is ever replaced.
fn free_name(path: &Path) -> PathBuf {
    let name = |number: u64| {
        let mut name = path.as_os_str().to_owned();
        if number > 1 {
            name.push(format!(".{number}"));
        }
        name.push(RETIRED);
        PathBuf::from(name)
    };
    let mut number = 1;
    while fs::symlink_metadata(name(number)).is_ok() {
        number += 1;
    }
    name(number)
}

/// Makes the renaming durable.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

fn failed(path: &Path, error: io::Error) -> Error {
    Error::new(ErrorKind::Source, "retire_failed", "the migrated file cannot be renamed")
        .file(path)
        .hint("the documents are safely in the destination; allow renaming in that folder, the next run finishes it")
        .caused_by(error)
}
