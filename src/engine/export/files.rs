//! The files of an export: each is written beside its place and takes it only when all are complete. They hold
//! documents, so that only their owner may read them.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::domain::document::CollectionPattern;
use crate::error::{Error, ErrorKind, Result};
use crate::ledger::files::{private_create, private_dir};
use crate::report::export::ExportReport;
use crate::report::markdown;

/// The page that says what the export is, and what it is not.
pub const PAGE: &str = "EXPORT.md";
/// End of the name of a file that is not complete. No source reads such files.
const PART: &str = ".part";
/// Longest name of a file, without what is put behind it.
const LONGEST: usize = 150;

/// A folder being filled.
pub(super) struct Folder {
    path: PathBuf,
    /// Complete parts, and where they belong.
    complete: Vec<(PathBuf, PathBuf)>,
    /// What is said of files that were there and stay.
    pub others: Option<String>,
}

/// One file on its way. Dropped before its end, it goes away.
pub(super) struct Part {
    name: String,
    path: PathBuf,
    file: BufWriter<std::fs::File>,
    bytes: u64,
    ended: bool,
}

impl Folder {
    /// Makes the folder, or refuses one with files that an export would mix with.
    pub fn open<'a>(
        path: &Path,
        collections: impl Iterator<Item = &'a CollectionPattern>,
        force: bool,
    ) -> Result<Self> {
        let own: Vec<String> = collections.map(file_name).chain([PAGE.to_owned()]).collect();
        private_dir(path).map_err(|error| failed(path, error))?;
        let entries = std::fs::read_dir(path).map_err(|error| failed(path, error))?;
        let names = entries.map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()));
        let mut names = names.collect::<std::io::Result<Vec<String>>>().map_err(|error| failed(path, error))?;
        names.retain(|name| !name.ends_with(PART));
        names.sort();
        if let (Some(first), false) = (names.first(), force) {
            return Err(Error::new(ErrorKind::Preflight, "export_in_the_way", "the folder of the export is not empty")
                .file(path.join(first))
                .hint("choose another --out, or replace files of the same names with --force"));
        }
        names.retain(|name| !own.contains(name));
        let others = (!names.is_empty()).then(|| {
            format!("other files stay in {}, and a source reads them too: {}", path.display(), names.join(", "))
        });
        Ok(Self { path: path.to_owned(), complete: Vec::new(), others })
    }

    /// Begins the file of a collection.
    pub fn part(&mut self, collection: &CollectionPattern) -> Result<Part> {
        let name = file_name(collection);
        let target = self.path.join(&name);
        let path = self.path.join(format!("{name}{PART}"));
        let file = private_create(&path).map_err(|error| failed(&path, error))?;
        self.complete.push((path.clone(), target));
        Ok(Part { name, path, file: BufWriter::new(file), bytes: 0, ended: false })
    }

    /// Puts every file in its place, the page that explains them last.
    pub fn finish(mut self, report: &ExportReport) -> Result<()> {
        let page = self.path.join(PAGE);
        let part = self.path.join(format!("{PAGE}{PART}"));
        self.complete.push((part.clone(), page));
        let write = || {
            let mut file = private_create(&part)?;
            file.write_all(markdown::export(report).as_bytes())?;
            file.sync_all()
        };
        write().map_err(|error| failed(&part, error))?;
        for (part, target) in std::mem::take(&mut self.complete) {
            std::fs::rename(&part, &target).map_err(|error| failed(&target, error))?;
        }
        let sync = || if cfg!(unix) { std::fs::File::open(&self.path)?.sync_all() } else { Ok(()) };
        sync().map_err(|error| failed(&self.path, error))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        for (part, _) in &self.complete {
            // What stays is read by nobody, and replaced by the next export.
            drop(std::fs::remove_file(part));
        }
    }
}

impl Part {
    /// Name of the file that it becomes.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Adds a line.
    pub fn line(&mut self, line: &str) -> Result<()> {
        self.bytes += line.len() as u64 + 1;
        let mut write = || {
            self.file.write_all(line.as_bytes())?;
            self.file.write_all(b"\n")
        };
        write().map_err(|error| failed(&self.path, error))
    }

    /// Makes it durable; its bytes.
    pub fn end(mut self) -> Result<u64> {
        self.ended = true;
        let flushed = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        flushed.map_err(|error| failed(&self.path, error))?;
        Ok(self.bytes)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.ended {
            drop(std::fs::remove_file(&self.path));
        }
    }
}

/// `users/*/orders` becomes `users.orders.ndjson`. Bytes that mean something in file names are written `%2F`; the documents
/// themselves say where they belong.
fn file_name(collection: &CollectionPattern) -> String {
    let mut name = String::new();
    for segment in collection.as_str().split('/').step_by(2) {
        if !name.is_empty() {
            name.push('.');
        }
        for char in segment.chars() {
            if char.is_alphanumeric() || "_-".contains(char) {
                name.push(char);
            } else {
                char.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| name.push_str(&format!("%{byte:02X}")));
            }
        }
    }
    if name.len() > LONGEST {
        let hash = blake3::hash(name.as_bytes()).to_hex();
        let end = (0..=LONGEST).rev().find(|end| name.is_char_boundary(*end)).unwrap_or_default();
        name = format!("{}-{:.16}", &name[..end], hash);
    }
    name + ".ndjson"
}

fn failed(path: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Config, "export_failed", "a file of the export cannot be written; nothing was exported")
        .file(path)
        .hint("check space and permissions, or choose another --out")
        .caused_by(error)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_of_files_are_safe_and_their_own() {
        let name = |pattern: &str| file_name(&CollectionPattern::parse(pattern).unwrap());
        assert_eq!(name("users"), "users.ndjson");
        assert_eq!(name("users/*/orders"), "users.orders.ndjson");
        assert_eq!(name("users.orders"), "users%2Eorders.ndjson");
        assert_eq!(name(".hidden"), "%2Ehidden.ndjson");
        assert_eq!(name("уроки 1"), "уроки%201.ndjson");
        let long = name(&"a.".repeat(500));
        assert!(long.len() < 255 && long != name(&"a.".repeat(501)), "{long}");
    }
}
