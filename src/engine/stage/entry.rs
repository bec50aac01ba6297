//! What is kept beside the file of a staged run once it is complete: its report, so that a run that goes on with the
//! import tells the same.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::failed;
use crate::error::{Error, ErrorKind, Result};
use crate::ledger::files::private_create;
use crate::report::run::RunReport;

/// A complete file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in super::super) struct Entry {
    /// The run's report as it was before the import.
    pub report: RunReport,
    /// The file is in its destination.
    pub pushed: bool,
}

impl Entry {
    /// What is known of the file; nothing while it is being filled.
    pub(super) fn load(file: &Path) -> Result<Option<Self>> {
        let path = path_of(file);
        let text = match fs_err::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(|error| failed(&path, error))?,
        };
        serde_json::from_slice(&text).map(Some).map_err(|error| {
            Error::new(ErrorKind::Ledger, "stage_damaged", "the description of a staged run cannot be read")
                .file(&path)
                .hint("start a new run without --resume")
                .caused_by(error)
        })
    }

    /// Writes it whole or not at all.
    pub(super) fn store(&self, file: &Path) -> Result<()> {
        let (path, part) = (path_of(file), file.with_extension("json.part"));
        // Texts, numbers and lists of them always serialise.
        let text = serde_json::to_vec_pretty(self).unwrap_or_default();
        let write = || -> std::io::Result<()> {
            let mut written = private_create(&part)?;
            written.write_all(&text)?;
            written.sync_all()?;
            fs_err::rename(&part, &path)
        };
        write().map_err(|error| failed(&path, error))
    }
}

fn path_of(file: &Path) -> PathBuf {
    file.with_extension("json")
}
