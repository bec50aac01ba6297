//! Reading a folder of migrations: `NNNN_name.up.sql` with `NNNN_name.down.sql`, numbered from 1 without gaps.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Migration, Migrations};
use crate::error::{Error, ErrorKind, Result};

/// One of the two files of a migration.
struct Half {
    name: String,
    path: PathBuf,
}

/// Up and down files by version.
type Halves = BTreeMap<u64, Half>;

impl Migrations {
    /// Reads every migration of a folder. Files that do not end in `.sql` are left alone.
    ///
    /// # Errors
    /// Kind `Config`, naming the file: a name that is no migration's, a version twice, a gap, a missing half.
    pub fn load(folder: &Path) -> Result<Self> {
        let (ups, mut downs) = halves(folder)?;
        let mut files = Vec::with_capacity(ups.len());
        for (version, up) in ups {
            let expected = files.len() as u64 + 1;
            if version != expected {
                return Err(invalid(
                    "migration_gap",
                    &up.path,
                    format!("migration {expected:04} is missing before it"),
                ));
            }
            let down = match downs.remove(&version) {
                Some(down) if down.name == up.name => down,
                _ => {
                    let wanted = format!("{version:04}_{}.down.sql", up.name);
                    return Err(invalid("migration_half_missing", &up.path, format!("{wanted} is missing beside it")));
                }
            };
            files.push(read(version, up, &down)?);
        }
        match downs.into_values().next() {
            Some(down) => Err(invalid("migration_half_missing", &down.path, "its `.up.sql` is missing beside it")),
            None => Ok(Self { folder: folder.to_owned(), files }),
        }
    }

    /// Makes the two files of a next migration, to be filled in.
    ///
    /// # Errors
    /// Kind `Usage` for a name that is none; `Config` when the folder is not in order or cannot be written.
    pub fn create(folder: &Path, name: &str) -> Result<[PathBuf; 2]> {
        check_name(name)?;
        fs_err::create_dir_all(folder).map_err(|error| unwritable(folder, error))?;
        let version = Self::load(folder)?.all().len() as u64 + 1;
        let text = |what: &str| {
            format!("-- What is needed to {what} {name}. One transaction, which is opened and closed for you.\n")
        };
        Self::add(folder, &Migration::new(version, name, text("apply"), text("take back")))
    }

    /// Writes the two files of a migration; none that exists is overwritten.
    ///
    /// # Errors
    /// Kind `Config` when they exist or cannot be written.
    pub fn add(folder: &Path, migration: &Migration) -> Result<[PathBuf; 2]> {
        let halves = [(migration.file_name(), &migration.up), (migration.down_file_name(), &migration.down)];
        for (name, text) in &halves {
            let mut file = fs_err::File::create_new(folder.join(name)).map_err(|error| unwritable(folder, error))?;
            std::io::Write::write_all(&mut file, text.as_bytes()).map_err(|error| unwritable(folder, error))?;
        }
        Ok(halves.map(|(name, _)| folder.join(name)))
    }

    /// The path of a migration's up file, for messages.
    pub(super) fn path(&self, file: &str) -> PathBuf {
        self.folder.join(file)
    }
}

/// Whether a migration may have this name.
///
/// # Errors
/// Kind `Usage`.
pub fn check_name(name: &str) -> Result<()> {
    if is_name(name) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Usage, "migration_name", format!("`{name}` is no name of a migration"))
        .hint("letters, digits, `_` and `-`, e.g. add_invoices"))
}

fn unwritable(folder: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Config, "migrations_unwritable", "the folder of migrations cannot be written")
        .file(folder)
        .caused_by(error)
}

fn halves(folder: &Path) -> Result<(Halves, Halves)> {
    let unreadable = |error: std::io::Error| {
        Error::new(ErrorKind::Config, "migrations_unreadable", "the folder of migrations cannot be read")
            .file(folder)
            .hint("correct `schema:` in the pipeline; it names a folder, relative to the pipeline file")
            .caused_by(error)
    };
    let (mut ups, mut downs) = (Halves::new(), Halves::new());
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        paths.push(entry.map_err(unreadable)?.path());
    }
    paths.sort();
    for path in paths.into_iter().filter(|path| path.extension().is_some_and(|end| end == "sql")) {
        let Some((version, name, up)) = parse(&path) else {
            let what = "its name is not NNNN_name.up.sql or NNNN_name.down.sql";
            return Err(invalid("migration_name", &path, what));
        };
        let side = if up { &mut ups } else { &mut downs };
        if let Some(other) = side.get(&version) {
            let other = other.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            return Err(invalid("migration_twice", &path, format!("{other} has version {version:04} too")));
        }
        side.insert(version, Half { name, path });
    }
    Ok((ups, downs))
}

/// Version, name, and whether it is the up file.
fn parse(path: &Path) -> Option<(u64, String, bool)> {
    let file = path.file_name()?.to_str()?.strip_suffix(".sql")?;
    let (stem, up) = match (file.strip_suffix(".up"), file.strip_suffix(".down")) {
        (Some(stem), _) => (stem, true),
        (_, Some(stem)) => (stem, false),
        _ => return None,
    };
    let (digits, name) = stem.split_once('_')?;
    let numbered = digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !numbered || !is_name(name) {
        return None;
    }
    Some((digits.parse().ok()?, name.to_owned(), up))
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

fn read(version: u64, up: Half, down: &Half) -> Result<Migration> {
    Ok(Migration::new(version, &up.name, text(&up.path)?, text(&down.path)?))
}

fn text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path)
        .map_err(|error| invalid("migration_unreadable", path, "it cannot be read").caused_by(error))
}

fn invalid(code: &'static str, path: &Path, what: impl std::fmt::Display) -> Error {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Error::new(ErrorKind::Config, code, format!("migration {name}: {what}"))
        .file(path)
        .hint("a migration is a pair NNNN_name.up.sql and NNNN_name.down.sql, numbered 0001, 0002, … without gaps")
}
