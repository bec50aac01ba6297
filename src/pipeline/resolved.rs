//! A pipeline after validation: everything resolved, every default filled in, paths absolute.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use crate::domain::document::{CollectionPattern, Document};
use crate::domain::mapping::Mapping;
use crate::domain::row::Row;
use crate::domain::watermark::Watermark;

/// A validated pipeline.
#[derive(Debug, Clone)]
pub struct Pipeline {
    /// Its name; rows of state in the destination carry it.
    pub name: String,
    /// The file it was loaded from.
    pub file: PathBuf,
    /// The environment that was chosen.
    pub environment: Option<String>,
    /// Where documents come from.
    pub source: SourceSpec,
    /// Where rows go.
    pub destination: DestinationSpec,
    /// Folder of migrations the destination must be at.
    pub schema: Option<PathBuf>,
    /// When to back up.
    pub backup: BackupPolicy,
    /// Backups kept, besides the one from before the first run.
    pub backup_keep: usize,
    /// When it is safe to go.
    pub gates: Vec<Gate>,
    /// Limits and sizes of a run.
    pub settings: Settings,
    /// In the order of the file.
    pub collections: Vec<Collection>,
    /// The pipeline's own tests.
    pub tests: Vec<PipelineTest>,
    /// Things worth saying that are not errors (a token inside the file).
    pub warnings: Vec<String>,
    /// BLAKE3 hex of what determines the rows: mappings, keys, filters, source identity, conflict strategies; not
    /// sizes, limits, tests or comments.
    pub fingerprint: String,
}

impl Pipeline {
    /// What names it on a command line: its file, and the environment if one was chosen.
    pub fn arguments(&self) -> String {
        arguments(&self.file, self.environment.as_deref())
    }
}

/// What names a pipeline on a command line. Left out, the environment would be another one.
pub fn arguments(file: &Path, environment: Option<&str>) -> String {
    let environment = environment.map(|name| format!(" --env {name}")).unwrap_or_default();
    format!("{}{environment}", file.display())
}

/// One condition for going.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gate {
    /// What must hold.
    pub criterion: Criterion,
    /// … for so long already.
    pub window: Option<Duration>,
    /// What it means that it does not.
    pub severity: Severity,
}

/// What must hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Criterion {
    /// At least this share of documents is stored as it is, in percent, by the last comparison of contents.
    ConsistencyRate(f64),
    /// At most this share of documents is rejected or waiting, in percent.
    RejectRate(f64),
    /// What changed longer ago is written.
    Lag(Duration),
    /// So many comparisons of contents in a row found nothing.
    CleanVerifies(u64),
}

/// What a gate that is closed means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It is said.
    Warn,
    /// No-go.
    #[default]
    Stop,
}

/// Which source.
#[derive(Debug, Clone, PartialEq)]
pub enum SourceSpec {
    /// JSON files.
    Json(JsonSpec),
    /// A live Firestore database.
    Firestore(FirestoreSpec),
}

impl SourceSpec {
    /// The field that plain objects have their id in; documents of a database have it in their name.
    pub fn id_field(&self) -> Option<&str> {
        match self {
            Self::Json(json) => Some(&json.id_field),
            Self::Firestore(_) => None,
        }
    }
}

/// A live Firestore database.
#[derive(Debug, Clone, PartialEq)]
pub struct FirestoreSpec {
    /// The Google Cloud project.
    pub project: String,
    /// The database. Default `(default)`, the first one of a project.
    pub database: String,
    /// The JSON key of a service account; `None` for what the environment offers.
    pub credentials: Option<PathBuf>,
    /// The point in time that a run reads at.
    pub snapshot: SnapshotSpec,
    /// Partitions of a collection; `None` to choose by its size.
    pub partitions: Option<usize>,
    /// Requests under way at most.
    pub concurrency: usize,
    /// Let the service evaluate the conditions of `where` that it can.
    pub push_down: bool,
    /// Read only the fields that the mapping names. Rejects are then kept with those fields only.
    pub mapped_fields_only: bool,
    /// What 100,000 billed reads cost.
    pub price_per_100k_reads: f64,
}

/// The point in time that a run reads at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnapshotSpec {
    /// When it starts.
    Now,
    /// The next whole minute.
    Minute,
    /// None.
    Off,
}

/// JSON files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonSpec {
    /// A file, or a folder with a file or folder per collection.
    pub path: PathBuf,
    /// Shape by name, or `None` to detect it.
    pub shape: Option<String>,
    /// Field that holds the document id in plain objects. Default `id`.
    pub id_field: String,
    /// All files of the folder belong to this collection (`sessions.yaml`); default: file or folder name.
    pub collection: Option<CollectionPattern>,
    /// Rename each file to `*.migrated` after a run whose counts are valid.
    pub rename_migrated: bool,
}

/// Which destination.
#[derive(Debug, Clone)]
pub struct DestinationSpec {
    /// `file:classroom.db`, resolved: for a local file an absolute path.
    pub url: DestinationUrl,
    /// The token of a remote destination.
    pub auth_token: Option<SecretString>,
    /// The file that holds it instead.
    pub auth_token_file: Option<PathBuf>,
    /// The one host besides this machine that may be spoken to without TLS.
    pub plain_http_to: Option<String>,
    /// Commits under way at the same time.
    pub concurrency: usize,
    /// A request without an answer for so long is given up.
    pub request_timeout: Duration,
    /// The lease ends so long after its holder was last heard of.
    pub lease_time: Duration,
}

/// A destination's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DestinationUrl {
    /// A local libSQL file.
    File(PathBuf),
    /// `libsql://`, `https://`, `http://`.
    Remote(String),
}

/// When a run backs up the destination first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackupPolicy {
    /// Before every run.
    EveryRun,
    /// Before the pipeline's first run.
    FirstRun,
    /// When the newest is older than a day.
    Daily,
    /// Before clear, restore, schema down, deletes.
    BeforeDestructive,
    /// Never.
    Never,
}

/// Limits and sizes of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// A commit closes after so many documents, unless the destination allows fewer.
    pub commit_documents: usize,
    /// … or so many bytes of source.
    pub commit_bytes: usize,
    /// … or so much time (`max_lock_time`).
    pub max_lock_time: Duration,
    /// A page closes after so many bytes.
    pub batch_bytes: usize,
    /// Batches that may wait between reader and writer, per collection.
    pub queue_batches: usize,
    /// Collections read and mapped at the same time.
    pub readers: usize,
    /// Larger documents are rejected.
    pub max_document_bytes: usize,
    /// Rejects that stop the run.
    pub max_rejects: Option<RejectLimit>,
    /// More rows of a table than this are not removed at once.
    pub max_deletes: RejectLimit,
    /// Stop resumably after this time.
    pub max_time: Option<Duration>,
    /// Stop resumably after so many bytes of source.
    pub max_bytes: Option<u64>,
    /// Stop resumably before more billed reads than this.
    pub max_reads: Option<u64>,
    /// A commit of a live source closes after so many documents: a kill re-reads no more of a partition.
    pub max_unsaved_documents: usize,
    /// Read only the fields that the mapping names, where the source can.
    pub mapped_fields_only: bool,
    /// Most documents written in a second.
    pub max_rate: Option<usize>,
    /// The estimate warns above this.
    pub time_limit: Option<Duration>,
    /// Retries of a transient error.
    pub max_retries: usize,
    /// Longest time spent on retries of one operation.
    pub max_retry_time: Duration,
    /// Whether a run may go on without its ledger.
    pub ledger_required: bool,
    /// Keep what a run changes in tables that held rows, for a rollback.
    pub undo: bool,
    /// … of so many runs.
    pub undo_keep: usize,
    /// … for so long.
    pub undo_keep_time: Option<Duration>,
    /// Take a run back that failed.
    pub rollback_on_failure: bool,
}

/// `max_rejects: 100` or `1%`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RejectLimit {
    /// So many.
    Count(u64),
    /// So many per hundred documents read; judged from 1,000 documents on, and at the end.
    Percent(f64),
}

/// What becomes of rows whose documents were deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Deletes {
    /// They stay.
    #[default]
    Ignore,
    /// They are deleted, with their child rows.
    Hard,
    /// This column says since when the document is known to be gone.
    Soft(String),
}

/// One collection of a pipeline.
#[derive(Debug, Clone)]
pub struct Collection {
    /// Documents to rows.
    pub mapping: Arc<Mapping>,
    /// Collections that must come before.
    pub depends_on: Vec<CollectionPattern>,
    /// What to do with existing rows.
    pub on_conflict: crate::destination::OnConflict,
    /// Documents in a batch.
    pub batch_size: usize,
    /// Yielding no document is a failure of a full run.
    pub expect_documents: bool,
    /// Columns of its tables whose values are shown in no list of differences.
    pub hidden_columns: Vec<String>,
    /// How an incremental run finds what changed; without it, it reads everything.
    pub watermark: Option<Watermark>,
    /// What becomes of rows whose documents were deleted.
    pub deletes: Deletes,
}

/// One test: a document and the rows it must become.
#[derive(Debug, Clone)]
pub struct PipelineTest {
    /// For messages.
    pub name: String,
    /// Line in the pipeline file, from 1, where known.
    pub line: Option<u64>,
    /// The collection.
    pub collection: CollectionPattern,
    /// The input.
    pub document: Document,
    /// What must come out.
    pub expect: Expectation,
}

/// What a test expects.
#[derive(Debug, Clone)]
pub enum Expectation {
    /// Rows by table: column name to value; columns not named are not compared.
    Rows(BTreeMap<String, Vec<Vec<(String, crate::domain::row::SqlValue)>>>),
    /// Filtered out by `where`.
    Skipped,
    /// Rejected with this code.
    Rejected(String),
}

/// Rows of a table, for renderers.
pub type TableRows = (String, Vec<Row>);
