//! A pipeline file in a folder of its own.

use std::path::{Path, PathBuf};

use fireferry::error::{Error, Result};
use fireferry::pipeline::resolved::Pipeline;
use fireferry::pipeline::{Overrides, load};
use tempfile::TempDir;

/// A temporary folder with a `pipeline.yaml`.
pub struct Case {
    folder: TempDir,
    variables: Vec<(&'static str, &'static str)>,
    pub overrides: Overrides,
}

/// The parts that every pipeline needs, to be followed by `collections`.
pub const HEAD: &str = "\
version: 1
name: demo
source: { kind: json, path: data }
destination: { url: \"file:demo.db\" }
";

impl Case {
    /// A case with this file.
    pub fn new(yaml: &str) -> Self {
        Self::bytes(yaml.as_bytes())
    }

    /// [`HEAD`] and these lines.
    pub fn with_head(rest: &str) -> Self {
        Self::new(&format!("{HEAD}{rest}"))
    }

    /// A case with a file that may not be text.
    pub fn bytes(bytes: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("pipeline.yaml"), bytes).unwrap();
        Self { folder, variables: Vec::new(), overrides: Overrides::default() }
    }

    /// Sets an environment variable.
    pub fn variable(mut self, name: &'static str, value: &'static str) -> Self {
        self.variables.push((name, value));
        self
    }

    /// Adds a file beside the pipeline.
    pub fn file(self, name: &str, text: &str) -> Self {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    /// Chooses an environment.
    pub fn environment(mut self, name: &str) -> Self {
        self.overrides.environment = Some(name.to_owned());
        self
    }

    /// A path beside the pipeline.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Loads it.
    pub fn load(&self) -> Result<Pipeline> {
        self.load_file(&self.path("pipeline.yaml"))
    }

    /// Loads another file with the same settings.
    pub fn load_file(&self, path: &Path) -> Result<Pipeline> {
        let variable = |name: &str| {
            let found = self.variables.iter().find(|(own, _)| *own == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let loaded = load(path, &self.overrides, &variable);
        if loaded.is_ok() {
            self.fits_the_schema(path);
        }
        loaded
    }

    /// What the program reads, an editor does not underline. (One key without a value, which counts as not written.)
    fn fits_the_schema(&self, path: &Path) {
        let text = std::fs::read_to_string(path).unwrap();
        let Some(value) = super::json_schema::parsed(&text) else { return };
        let complaint = super::json_schema::complaint(&fireferry::pipeline::json_schema(), &value);
        assert_eq!(complaint.filter(|why| !why.contains(": null is not")), None, "{text}");
    }

    /// Loads it, which must fail; every problem as a user sees it, without the folder.
    pub fn complaint(&self) -> String {
        let error = self.load().expect_err("the pipeline must be refused");
        self.shown(&error)
    }

    /// The error and the others with it, without the folder.
    pub fn shown(&self, error: &Error) -> String {
        let mut out = one(error);
        for other in error.others() {
            out.push_str("\n\n");
            out.push_str(&one(other));
        }
        out.replace(&format!("{}/", self.folder.path().display()), "")
            .replace(&self.folder.path().display().to_string(), "FOLDER")
    }
}

fn one(error: &Error) -> String {
    let mut out = format!("{} [{}]", error.message(), error.code());
    if !error.place().is_empty() {
        out.push_str(&format!("\n at {}", error.place()));
    }
    if let Some(snippet) = error.snippet_text() {
        out.push_str(&format!("\n{snippet}"));
    }
    if let Some(cause) = error.cause() {
        out.push_str(&format!("\n cause: {cause}"));
    }
    if let Some(hint) = error.hint_text() {
        out.push_str(&format!("\n hint: {hint}"));
    }
    out
}
