//! Rejects for people: the first ones in the report, all of them as one NDJSON file per collection.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::crossing::crossing;
use crate::destination::{Destination, RejectQuery, StoredReject};
use crate::domain::document::Origin;
use crate::domain::reject::{RejectData, RejectState};
use crate::error::{Error, ErrorKind, Result};
use crate::ledger::files::{private_create, private_dir};
use crate::report::run::RejectReport;

/// Rejects read at a time.
const PAGE: usize = 500;
/// Rejects in the report itself.
const SHOWN: usize = 50;

/// Writes all rejects of the run to `<state>/runs/<run>/rejects/<collection>.ndjson`, made anew from the
/// destination each time, and returns the first ones with their number.
pub(super) async fn export(
    destination: &mut dyn Destination,
    state: &Path,
    run: &str,
) -> Result<(Vec<RejectReport>, u64)> {
    let mut files = Files { folder: folder(state, run), open: BTreeMap::new() };
    files.reset()?;
    let mut shown = Vec::new();
    let mut total = 0;
    let mut query = RejectQuery { run: Some(run.to_owned()), limit: PAGE, ..RejectQuery::default() };
    loop {
        let page = destination.rejects(&query).await?;
        let Some(last) = page.last() else { break };
        query.after = Some(last.id);
        crossing("rejects.page");
        for stored in &page {
            let report = report_of(stored);
            files.append(&report)?;
            total += 1;
            if shown.len() < SHOWN {
                shown.push(report);
            }
        }
    }
    files.finish()?;
    Ok((shown, total))
}

/// Removes the files of an earlier invocation: what waited then was written since.
pub(super) fn forget(state: &Path, run: &str) -> Result<()> {
    Files { folder: folder(state, run), open: BTreeMap::new() }.reset()
}

fn folder(state: &Path, run: &str) -> PathBuf {
    state.join("runs").join(run).join("rejects")
}

/// What tells a document of a source apart: of two with one path, only the place differs.
pub(super) fn origin_name(path: &str, origin: &Origin) -> String {
    format!("{path}\n{origin}\n{}", origin.offset)
}

/// A stored reject as shown.
pub(super) fn report_of(stored: &StoredReject) -> RejectReport {
    let reject = &stored.reject;
    let waiting = if reject.state == RejectState::Waiting { " (waiting: will be tried again)" } else { "" };
    RejectReport {
        collection: reject.collection.to_string(),
        document: reject.document.clone().unwrap_or_else(|| reject.origin.to_string()),
        code: reject.rejection.code.to_string(),
        reason: format!("{}{waiting}", reject.rejection.reason),
        origin: reject.origin.to_string(),
        data: data_of(stored),
    }
}

fn data_of(stored: &StoredReject) -> serde_json::Value {
    let origin = &stored.reject.origin;
    match &stored.reject.data {
        RejectData::Document(text) => serde_json::from_str(text).unwrap_or_else(|_| text.clone().into()),
        RejectData::Raw(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => serde_json::json!({ "$raw": text }),
            Err(_) => {
                use base64::Engine;
                serde_json::json!({ "$bytes": base64::engine::general_purpose::STANDARD.encode(bytes) })
            }
        },
        RejectData::Elsewhere { hash } => serde_json::json!({
            "$elsewhere": { "file": origin.file.as_deref(), "offset": origin.offset, "length": origin.length, "blake3": hash }
        }),
    }
}

struct Files {
    folder: PathBuf,
    open: BTreeMap<String, std::io::BufWriter<std::fs::File>>,
}

impl Files {
    fn reset(&mut self) -> Result<()> {
        if self.folder.exists() {
            fs_err::remove_dir_all(&self.folder).map_err(|error| failed(&self.folder, error))?;
        }
        Ok(())
    }

    fn append(&mut self, report: &RejectReport) -> Result<()> {
        // `*` and `/` are no good in file names: `users/*/orders` becomes `users.orders`.
        let name = format!("{}.ndjson", report.collection.replace("/*/", "."));
        let path = self.folder.join(name);
        if !self.open.contains_key(&report.collection) {
            let file =
                private_dir(&self.folder).and_then(|_| private_create(&path)).map_err(|error| failed(&path, error))?;
            self.open.insert(report.collection.clone(), std::io::BufWriter::new(file));
        }
        let Some(writer) = self.open.get_mut(&report.collection) else { return Ok(()) };
        let write = |writer: &mut std::io::BufWriter<std::fs::File>| {
            serde_json::to_writer(&mut *writer, report)?;
            writer.write_all(b"\n")
        };
        write(writer).map_err(|error| failed(&path, error))
    }

    fn finish(&mut self) -> Result<()> {
        self.open.values_mut().try_for_each(|writer| writer.flush()).map_err(|error| failed(&self.folder, error))
    }
}

fn failed(path: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Ledger, "reject_file_failed", "the reject files cannot be written")
        .file(path)
        .hint("the rejects are safe in the destination's table _fireferry_rejects")
        .caused_by(error)
}
