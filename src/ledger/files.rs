//! Files and folders that only their owner may read, whatever the umask says.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::path::Path;

#[cfg(unix)]
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};

/// Creates the folder (and those above it) with mode 0700; one that exists stays as it is. True when it is new.
pub fn private_dir(path: &Path) -> io::Result<bool> {
    if path.is_dir() {
        return Ok(false);
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    builder.mode(0o700);
    builder.create(path)?;
    #[cfg(unix)]
    fs_err::set_permissions(path, Permissions::from_mode(0o700))?;
    Ok(true)
}

/// Creates a file or empties it, with mode 0600.
pub fn private_create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    options.mode(0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(file)
}

/// Creates a file with mode 0600; none that exists is touched.
pub fn private_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    options.mode(0o600);
    options.open(path)
}

/// Opens a file for appending, with mode 0600 if it is new.
pub fn private_append(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        other => return other,
    }
    #[cfg(unix)]
    options.mode(0o600);
    let file = options.create(true).open(path)?;
    #[cfg(unix)]
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    #[cfg(unix)]
    fn new_files_and_folders_are_private_and_old_ones_stay() {
        let folder = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs_err::metadata(path).unwrap().permissions().mode() & 0o777;
        let inner = folder.path().join("a/b");
        assert!(private_dir(&inner).unwrap());
        assert!(!private_dir(&inner).unwrap());
        assert_eq!(mode(&inner), 0o700);
        assert_eq!(mode(inner.parent().unwrap()), 0o700);
        let file = inner.join("f");
        drop(private_append(&file).unwrap());
        assert_eq!(mode(&file), 0o600);
        fs_err::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
        drop(private_append(&file).unwrap());
        assert_eq!(mode(&file), 0o640);
    }
}
