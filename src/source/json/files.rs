//! Which files a source has, and which collection their names give.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use super::input::unreadable;
use crate::domain::document::CollectionPattern;
use crate::error::{Error, ErrorKind, Result};

/// Ends of the names of files that are read.
const FORMATS: [&str; 3] = [".json", ".ndjson", ".jsonl"];
const PACKED: [&str; 2] = [".gz", ".zst"];
/// Folders below folders: Firestore allows a hundred levels of collections, file systems fewer.
const MAX_FOLDERS: usize = 64;
/// The end of the names of files that were put away.
pub(super) const RETIRED: &str = ".migrated";

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SourceFile {
    /// Its name relative to the source, with `/`; for a source of one file its name.
    pub(super) name: String,
    /// Where it is.
    pub(super) path: PathBuf,
}

/// What a source's path leads to.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Files to read, sorted by the bytes of their names.
    pub(super) files: Vec<SourceFile>,
    /// Files put away, sorted by name.
    pub(super) retired: Vec<SourceFile>,
    /// Names of other files, for messages.
    pub(super) ignored: Vec<String>,
}

/// What tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    /// Bytes.
    pub(super) size: u64,
    /// Nanoseconds since 1970 of the last change.
    pub(super) modified: i64,
}

impl Stamp {
    /// The stamp of a file.
    pub(super) fn of(path: &Path) -> Result<Self> {
        let metadata = fs::metadata(path).map_err(|error| unreadable(path, error))?;
        let modified = metadata.modified().map_err(|error| unreadable(path, error))?;
        let nanos = match modified.duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |nanos| -nanos),
        };
        Ok(Self { size: metadata.len(), modified: nanos })
    }
}

/// Lists a source.
pub(super) fn list(root: &Path) -> Result<Listing> {
    let mut listing = Listing::default();
    let metadata = match fs::metadata(root) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            listing.retired = retired_beside(root)?;
            return if listing.retired.is_empty() { Err(super::check::not_found(root)) } else { Ok(listing) };
        }
        Err(error) => return Err(unreadable(root, error)),
    };
    if metadata.is_dir() {
        if root.file_name().and_then(|name| name.to_str()).is_some_and(is_document_file) {
            return Err(super::check::folder_for_file(root));
        }
        walk(root, "", &mut Vec::new(), &mut listing)?;
    } else {
        let name = root.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        listing.retired = retired_beside(root)?;
        listing.files.push(SourceFile { name, path: root.to_owned() });
    }
    listing.files.sort_by(|a, b| a.name.as_bytes().cmp(b.name.as_bytes()));
    listing.retired.sort_by(|a, b| a.name.as_bytes().cmp(b.name.as_bytes()));
    listing.ignored.sort_unstable();
    Ok(listing)
}

/// Goes through a folder. `above` are the real paths of the folders that led here, against links in a circle.
fn walk(folder: &Path, prefix: &str, above: &mut Vec<PathBuf>, listing: &mut Listing) -> Result<()> {
    let real = folder.canonicalize().map_err(|error| unreadable(folder, error))?;
    if above.contains(&real) || above.len() >= MAX_FOLDERS {
        return Ok(());
    }
    above.push(real);
    for entry in fs::read_dir(folder).map_err(|error| unreadable(folder, error))? {
        let path = entry.map_err(|error| unreadable(folder, error))?.path();
        let lossy = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if lossy.starts_with('.') {
            continue;
        }
        let name = format!("{prefix}{lossy}");
        let is_folder = fs::metadata(&path).is_ok_and(|metadata| metadata.is_dir());
        if !is_folder && !is_document_file(&lossy) && !lossy.ends_with(RETIRED) {
            listing.ignored.push(name);
            continue;
        }
        if path.file_name().and_then(|name| name.to_str()).is_none() {
            let message = format!("the name `{lossy}` is not valid UTF-8");
            return Err(Error::new(ErrorKind::Source, "file_name_not_utf8", message)
                .file(folder)
                .hint("rename it; collections take their names from it"));
        }
        match is_folder {
            true if is_document_file(&lossy) => return Err(super::check::folder_for_file(&path)),
            true => walk(&path, &format!("{name}/"), above, listing)?,
            false if lossy.ends_with(RETIRED) => listing.retired.push(SourceFile { name, path }),
            false => listing.files.push(SourceFile { name, path }),
        }
    }
    above.pop();
    Ok(())
}

/// Whether a name is that of a file of documents.
pub(super) fn is_document_file(name: &str) -> bool {
    stem(name).is_some_and(|stem| !stem.is_empty())
}

/// A file's name without the extensions of compression and format; `None` if it has no format.
fn stem(name: &str) -> Option<&str> {
    let without = |name: &'_ str, ends: &[&str]| {
        let end = ends.iter().find(|end| {
            name.len()
                .checked_sub(end.len())
                .and_then(|at| name.get(at..))
                .is_some_and(|tail| tail.eq_ignore_ascii_case(end))
        })?;
        Some(name.len() - end.len())
    };
    let unpacked = without(name, &PACKED).map_or(name, |length| &name[..length]);
    without(unpacked, &FORMATS).map(|length| &unpacked[..length])
}

/// Names under which a file was put away: `a.json.migrated`, then `a.json.2.migrated` and so on.
pub(super) fn retired_beside(path: &Path) -> Result<Vec<SourceFile>> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Ok(Vec::new());
    };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let Ok(entries) = fs::read_dir(folder) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| unreadable(folder, error))?.path();
        let Some(candidate) = path.file_name().and_then(|name| name.to_str()) else { continue };
        let number = candidate.strip_prefix(name).and_then(|rest| rest.strip_suffix(RETIRED));
        let ours = number.is_some_and(|number| {
            number.is_empty()
                || number
                    .strip_prefix('.')
                    .is_some_and(|n| !n.is_empty() && n.bytes().all(|byte| byte.is_ascii_digit()))
        });
        if ours {
            found.push(SourceFile { name: candidate.to_owned(), path });
        }
    }
    found.sort_by(|a, b| a.name.as_bytes().cmp(b.name.as_bytes()));
    Ok(found)
}

/// The collection that a file's name gives, with `*` for ids that it does not say.
///
/// `users.ndjson` and `users/part-1.ndjson` → `users`; `users/alice/orders.ndjson` → `users/alice/orders`;
/// `users.*.orders.ndjson` → `users/*/orders`.
pub(super) fn named_collection(file: &str) -> Result<String, String> {
    let (folder, stem) = match file.rsplit_once('/') {
        Some((folder, name)) => (Some(folder), stem(name).unwrap_or(name)),
        None => (None, stem(file).unwrap_or(file)),
    };
    let whole = folder.map_or_else(|| stem.to_owned(), |folder| format!("{folder}/{stem}"));
    let segments = whole.split('/').count();
    let path = match folder {
        Some(folder) if segments.is_multiple_of(2) => folder.to_owned(),
        _ => whole,
    };
    let path = path.replace(".*.", "/*/");
    CollectionPattern::parse(CollectionPattern::of(&path).as_str())?;
    if path.split('/').enumerate().any(|(index, segment)| index % 2 == 0 && segment.contains('*')) {
        return Err(format!("`{path}` has a `*` where a collection's name must stand"));
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_give_collections() {
        for (file, collection) in [
            ("users.ndjson", "users"),
            ("users.json.gz", "users"),
            ("users.v2.jsonl.zst", "users.v2"),
            ("users/part-0001.json", "users"),
            ("users/alice/orders.ndjson", "users/alice/orders"),
            ("users/alice/orders/part-1.ndjson", "users/alice/orders"),
            ("users.*.orders.ndjson", "users/*/orders"),
            ("users.*.orders/part-1.ndjson", "users/*/orders"),
            ("users/*/orders.ndjson", "users/*/orders"),
            ("a b \u{1f600}.json", "a b \u{1f600}"),
            ("USERS.JSON.GZ", "USERS"),
            ("accounts", "accounts"),
        ] {
            assert_eq!(named_collection(file).as_deref(), Ok(collection), "{file}");
        }
        for file in ["*.json", "users.*..json", "a*.ndjson"] {
            assert!(named_collection(file).is_err(), "{file}");
        }
    }

    #[test]
    fn only_json_files_are_read() {
        for name in ["a.json", "A.JSON.GZ", "a.ndjson", "a.jsonl.zst"] {
            assert!(is_document_file(name), "{name}");
        }
        for name in ["a.csv", ".json", "json", "a.json.bak", "a.gz", "a.json.migrated", "a.json.zip"] {
            assert!(!is_document_file(name), "{name}");
        }
    }
}
