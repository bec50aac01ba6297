//! From the file on disk to a validated pipeline.

use std::collections::BTreeMap;
use std::io::{ErrorKind as Io, Read};
use std::path::{Path, PathBuf};

use super::assemble::assemble;
use super::compile::{Overrides, compile};
use super::decode::Problems;
use super::interpolate::{Environment, interpolate};
use super::mark::{SourceText, Sources};
use super::model::{PipelineModel, VERSION};
use super::resolved::{DestinationUrl, Pipeline};
use super::yaml::{self, Kind, Node};
use crate::error::{Error, ErrorKind, Result};

/// A larger file is not a pipeline; most likely it is data.
const MAX_FILE_BYTES: u64 = 4 << 20;

/// Loads and validates a pipeline file. `env` looks up environment variables.
///
/// # Errors
/// Of kind `Config` (or `Usage` for an override), with file, line, column and snippet; further mistakes of the
/// pipeline are in [`Error::others`].
pub fn load(path: &Path, overrides: &Overrides, env: Environment<'_>) -> Result<Pipeline> {
    load_instead(path, overrides, env, BTreeMap::new())
}

/// The same, as if some of its files had another text.
pub(super) fn load_instead(
    path: &Path,
    overrides: &Overrides,
    env: Environment<'_>,
    instead: BTreeMap<PathBuf, String>,
) -> Result<Pipeline> {
    let sources = Sources::instead(instead);
    let mut root = parsed(path, &sources)?;
    if root.kind == Kind::Null {
        return Err(Error::new(ErrorKind::Config, "pipeline_empty", "the pipeline file is empty")
            .file(path)
            .hint("write a pipeline; its keys are explained in docs/pipeline-file.md"));
    }
    let mut problems = Problems::new(&sources);
    // What else is in a file of another version may mean something else.
    let other = |version: &Node| matches!(version.kind, Kind::Integer(number) if number != VERSION.cast_signed());
    if !root.entry("version").is_some_and(other)
        && !assemble(&mut root, overrides.environment.as_deref(), env, &mut problems)?
    {
        // What a file would have said that could not be read is not missed too.
        problems.into_result()?;
        return Err(Error::new(ErrorKind::Internal, "internal", "an included file was not read, without a reason"));
    }
    let token_dropped = drop_overridden(&mut root, overrides);
    interpolate(&mut root, env, &mut problems);
    let model = PipelineModel::read(&root, &mut problems);
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let pipeline = compile(model, &absolute, overrides, &mut problems);
    problems.into_result()?;
    let mut pipeline = pipeline.ok_or_else(|| {
        Error::new(ErrorKind::Internal, "internal", "the pipeline file could not be compiled, without a reason")
    })?;
    if token_dropped && matches!(pipeline.destination.url, DestinationUrl::Remote(_)) {
        pipeline.warnings.push(
            "the token of the pipeline file belongs to the file's own destination and is not sent to another".into(),
        );
    }
    Ok(pipeline)
}

/// What the command line overrides need not be set: its variables are not looked up. A token is never sent to
/// another address than the one it was written for; the answer says whether one was dropped for that.
fn drop_overridden(root: &mut Node, overrides: &Overrides) -> bool {
    let mut drop = |section: &str, key: &str| {
        let value = root.entry_mut(section).and_then(|section| section.entry_mut(key));
        value.is_some_and(|value| std::mem::replace(&mut value.kind, Kind::Null) != Kind::Null)
    };
    if overrides.source.is_some() {
        drop("source", "path");
    }
    if overrides.destination.is_some() {
        drop("destination", "url");
    }
    let replaced = overrides.auth_token.is_some();
    let dropped = (replaced || overrides.destination.is_some()) && drop("destination", "auth_token");
    dropped && !replaced
}

/// The tree of a file, which becomes one of the sources.
pub(super) fn parsed(path: &Path, sources: &Sources) -> Result<Node> {
    let text = match sources.text_instead(path) {
        Some(text) => text.to_owned(),
        None => read(path)?,
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let source = SourceText::new(path, text);
    let number = sources.add(source.clone());
    yaml::parse(&source, number, text)
}

fn read(path: &Path) -> Result<String> {
    let fail = |code, message: &str| Error::new(ErrorKind::Config, code, message).file(path);
    let meta = std::fs::metadata(path).map_err(|error| match error.kind() {
        Io::NotFound => fail("pipeline_not_found", "the pipeline file does not exist")
            .hint("check the path; it is relative to the working directory"),
        _ => fail("pipeline_unreadable", "the pipeline file cannot be read").caused_by(error),
    })?;
    if meta.is_dir() {
        return Err(fail("pipeline_is_directory", "the pipeline is a directory, not a file").hint(pipelines_in(path)));
    }
    let mut bytes = Vec::new();
    // Not by the length that the system reports: a pipe has none.
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| fail("pipeline_unreadable", "the pipeline file cannot be read").caused_by(error))?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(fail("pipeline_too_large", "the file is too large to be a pipeline (more than 4 MiB)")
            .hint("name the YAML file of the pipeline, not its data"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = good.iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
        fail("pipeline_not_utf8", "the pipeline file is not valid UTF-8").position(line, None).hint("save it as UTF-8")
    })
}

/// What to name instead of a directory.
fn pipelines_in(folder: &Path) -> String {
    let is_yaml = |name: &String| name.ends_with(".yaml") || name.ends_with(".yml");
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).filter(is_yaml).collect();
    names.sort();
    match names.as_slice() {
        [] => "name the YAML file of the pipeline".to_owned(),
        [name] => format!("did you mean `{}`?", folder.join(name).display()),
        names => format!("name one of its files: {}", names.join(", ")),
    }
}
