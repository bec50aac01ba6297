//! From the file on disk to a validated pipeline.

use std::io::ErrorKind as Io;
use std::path::Path;

use super::compile::{Overrides, compile};
use super::decode::Problems;
use super::interpolate::{Environment, interpolate};
use super::mark::SourceText;
use super::model::PipelineModel;
use super::resolved::Pipeline;
use super::yaml::{self, Kind, Node};
use crate::error::{Error, ErrorKind, Result};

/// A larger file is not a pipeline; most likely it is data.
const MAX_FILE_BYTES: u64 = 4 << 20;

/// Loads and validates a pipeline file. `env` looks up environment variables.
///
/// # Errors
/// Of kind `Config` (or `Usage` for an override), with file, line, column and snippet; further mistakes of the same
/// file are in [`Error::others`].
pub fn load(path: &Path, overrides: &Overrides, env: Environment<'_>) -> Result<Pipeline> {
    let text = read(path)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let source = SourceText::new(path, text);
    let mut root = yaml::parse(&source, text)?;
    if root.kind == Kind::Null {
        return Err(Error::new(ErrorKind::Config, "pipeline_empty", "the pipeline file is empty")
            .file(path)
            .hint("write a pipeline; its keys are explained in docs/pipeline-file.md"));
    }
    drop_overridden(&mut root, overrides);
    let mut problems = Problems::new(&source);
    interpolate(&mut root, env, &mut problems);
    let model = PipelineModel::read(&root, &mut problems);
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let pipeline = compile(model, &absolute, overrides, &mut problems);
    problems.into_result()?;
    pipeline.ok_or_else(|| {
        Error::new(ErrorKind::Internal, "internal", "the pipeline file could not be compiled, without a reason")
    })
}

/// What the command line overrides need not be set: its variables are not looked up.
fn drop_overridden(root: &mut Node, overrides: &Overrides) {
    let mut blank = |section: &str, key: &str| {
        let Kind::Map(sections) = &mut root.kind else { return };
        let Some((_, node)) = sections.iter_mut().find(|(own, _)| own.text == section) else { return };
        let Kind::Map(entries) = &mut node.kind else { return };
        if let Some((_, value)) = entries.iter_mut().find(|(own, _)| own.text == key) {
            value.kind = Kind::Null;
        }
    };
    if overrides.source.is_some() {
        blank("source", "path");
    }
    if overrides.auth_token.is_some() {
        blank("destination", "auth_token");
    }
    if overrides.destination.is_some() {
        blank("destination", "url");
    }
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
    if meta.len() > MAX_FILE_BYTES {
        return Err(fail("pipeline_too_large", "the file is too large to be a pipeline (more than 4 MiB)")
            .hint("name the YAML file of the pipeline, not its data"));
    }
    let bytes = std::fs::read(path)
        .map_err(|error| fail("pipeline_unreadable", "the pipeline file cannot be read").caused_by(error))?;
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
