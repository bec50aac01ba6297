//! The answer of `init --update`.

use std::path::Path;

use serde::Serialize;
use similar::TextDiff;

use crate::infer::Addition;
use crate::infer::update::Update;
use crate::profile::Profile;

/// What is proposed.
#[derive(Debug, Serialize)]
pub struct UpdateReport {
    /// What names the pipeline on a command line.
    pub pipeline: String,
    /// The source, for people.
    pub source: String,
    /// Documents read.
    pub documents: u64,
    /// Every document was read.
    pub complete: bool,
    /// Nothing is missing: no file has to change.
    pub up_to_date: bool,
    /// The files were written.
    pub written: bool,
    /// The file of the migration, if one is needed.
    pub migration: Option<String>,
    /// Tables and columns, what is to be decided, and what is gone.
    #[serde(flatten)]
    pub update: Update,
    /// Lines that could not be put into the pipeline.
    pub by_hand: Vec<Addition>,
    /// Files with their new text, migrations first.
    pub files: Vec<FileChange>,
    /// The same as a unified diff.
    pub diff: String,
}

/// A file that is new or changes.
#[derive(Debug, Clone, Serialize)]
pub struct FileChange {
    /// Relative to the working directory where it is below that.
    pub path: String,
    /// It is not there yet.
    pub new: bool,
    /// What it holds now.
    #[serde(skip)]
    pub before: Option<String>,
    /// What it will hold.
    pub text: String,
}

impl FileChange {
    /// A file before, if it is there, and after.
    pub fn new(path: &Path, before: Option<&str>, after: &str) -> Self {
        let (path, before) = (path.display().to_string(), before.map(str::to_owned));
        Self { path, new: before.is_none(), before, text: after.to_owned() }
    }

    fn diff(&self) -> String {
        let path = self.path.trim_start_matches('/');
        let old = if self.new { "/dev/null".to_owned() } else { format!("a/{path}") };
        let before = self.before.as_deref().unwrap_or_default();
        let diff = TextDiff::from_lines(before, &self.text);
        diff.unified_diff().header(&old, &format!("b/{path}")).to_string()
    }
}

impl UpdateReport {
    /// Puts together what was found.
    pub fn new(
        pipeline: String,
        profile: &Profile,
        update: Update,
        migration: Option<String>,
        files: Vec<FileChange>,
        by_hand: Vec<Addition>,
    ) -> Self {
        Self {
            pipeline,
            source: profile.source.clone(),
            documents: profile.collections.iter().map(|found| found.documents).sum(),
            complete: profile.complete,
            up_to_date: files.is_empty() && by_hand.is_empty(),
            written: false,
            migration,
            update,
            by_hand,
            diff: files.iter().map(FileChange::diff).collect(),
            files,
        }
    }
}
