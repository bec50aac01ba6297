//! Is the source there, readable, and not empty? What is wrong is said with the next step.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use super::files::{Listing, SourceFile};
use super::input::unreadable;
use super::options::JsonOptions;
use crate::error::{Error, ErrorKind, Result};

/// Names listed in a message.
const SHOWN: usize = 5;

/// Fails unless every file can be read and there is something to read, or all of it was put away.
pub(super) fn check(options: &JsonOptions, listing: &Listing) -> Result<()> {
    for file in &listing.files {
        readable(file)?;
    }
    let empty = |file: &SourceFile| fs::metadata(&file.path).is_ok_and(|metadata| metadata.len() == 0);
    match listing.files.as_slice() {
        [] if listing.retired.is_empty() => Err(nothing_here(&options.path, &listing.ignored)),
        [] => Ok(()),
        files if files.iter().all(empty) => Err(Error::new(
            ErrorKind::Source,
            "source_empty",
            if files.len() == 1 { "the file is empty" } else { "every file is empty" },
        )
        .file(if files.len() == 1 { &files[0].path } else { &options.path })
        .hint("export the documents again; an export without documents would still hold e.g. `[]`")),
        _ => Ok(()),
    }
}

fn readable(file: &SourceFile) -> Result<()> {
    let failed = |error| unreadable(&file.path, error);
    let metadata = fs::metadata(&file.path).map_err(failed)?;
    if !metadata.is_file() {
        return Err(Error::new(ErrorKind::Source, "not_a_file", "this is neither a file nor a folder")
            .file(&file.path)
            .hint("write its content to a file first: a run must be able to read it again after an interruption"));
    }
    let mut byte = [0; 1];
    loop {
        match File::open(&file.path).and_then(|mut file| file.read(&mut byte)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other.map(drop).map_err(failed),
        }
    }
}

/// The error of a folder without a file of documents.
fn nothing_here(path: &Path, ignored: &[String]) -> Error {
    let found = match ignored.len() {
        0 => "it is empty".to_owned(),
        count => {
            let names = ignored.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
            let more = if count > SHOWN { ", …" } else { "" };
            format!("it only has {names}{more}")
        }
    };
    Error::new(ErrorKind::Source, "source_empty", format!("the folder has no file of documents: {found}"))
        .file(path)
        .hint("put files named *.json, *.ndjson or *.jsonl there (also .gz or .zst), one file or folder per collection")
}

/// The error of a path that leads nowhere, with the nearest name that exists.
pub(super) fn not_found(path: &Path) -> Error {
    let error = Error::new(ErrorKind::Source, "source_not_found", "there is no such file or folder").file(path);
    let missing = path.ancestors().take_while(|part| !part.as_os_str().is_empty() && !part.exists()).last();
    let nearest = missing.and_then(|missing| {
        let folder = missing.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let wanted = missing.file_name()?.to_str()?;
        let names = fs::read_dir(folder).ok()?.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let close = names.map(|name| (strsim::jaro_winkler(wanted, &name), name)).filter(|(score, _)| *score > 0.75);
        let (_, name) = close.max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(&a.1)))?;
        Some(missing.with_file_name(name))
    });
    match (nearest, missing.and_then(Path::parent)) {
        (Some(nearest), _) => error.hint(format!("did you mean `{}`?", nearest.display())),
        (None, Some(folder)) if !folder.as_os_str().is_empty() => {
            error.hint(format!("`{}` exists; check what follows it", folder.display()))
        }
        _ => error.hint("check `source.path` in the pipeline, or `--source`"),
    }
}

/// The error of a folder with the name of a file.
pub(super) fn folder_for_file(path: &Path) -> Error {
    Error::new(ErrorKind::Source, "folder_for_file", "this is a folder where a file should be")
        .file(path)
        .hint("rename the folder if it holds the files of a collection, or move it away")
}
