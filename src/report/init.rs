//! The answer of `init`.

use serde::Serialize;

use crate::infer::model::{Table, Watermark};
use crate::infer::{Doubt, Draft, Readiness};
use crate::profile::Profile;

/// What was read, what was written, and what is to be decided.
#[derive(Debug, Serialize)]
pub struct InitReport {
    /// Name of the pipeline.
    pub name: String,
    /// The source, for people.
    pub source: String,
    /// Every document was read.
    pub complete: bool,
    /// The files written, the pipeline first.
    pub files: Vec<String>,
    /// By name.
    pub collections: Vec<InitCollection>,
    /// The verdict.
    pub readiness: Readiness,
    /// What the user should decide.
    pub doubts: Vec<Doubt>,
}

/// One collection.
#[derive(Debug, Serialize)]
pub struct InitCollection {
    /// Its path pattern.
    pub collection: String,
    /// Documents read.
    pub documents: u64,
    /// Records that are none.
    pub malformed: u64,
    /// Its tables, its own first.
    pub tables: Vec<String>,
    /// Columns in all of them.
    pub columns: u64,
}

impl InitReport {
    /// Sums up.
    pub fn new(name: &str, profile: &Profile, draft: &Draft, readiness: &Readiness, files: Vec<String>) -> Self {
        let collections = profile.collections.iter().map(|found| {
            let tables = || draft.tables.iter().filter(|table| table.collection == found.collection);
            InitCollection {
                collection: found.collection.clone(),
                documents: found.documents,
                malformed: found.malformed,
                tables: tables().map(|table| table.name.clone()).collect(),
                columns: tables().map(|table| table.columns.len() as u64).sum(),
            }
        });
        Self {
            name: name.to_owned(),
            source: profile.source.clone(),
            complete: profile.complete,
            files,
            collections: collections.collect(),
            readiness: readiness.clone(),
            doubts: draft.doubts.clone(),
        }
    }
}

/// The document `NAME.profile.json`.
#[derive(Debug, Serialize)]
pub struct ProfileDocument<'a> {
    /// Name of the pipeline.
    pub name: &'a str,
    /// The verdict.
    pub readiness: &'a Readiness,
    /// What the user should decide.
    pub doubts: &'a [Doubt],
    /// Fields that an incremental run could go by.
    pub watermarks: &'a [Watermark],
    /// The tables drafted.
    pub tables: &'a [Table],
    /// What was found.
    pub profile: &'a Profile,
}
