//! The arguments as typed. [`super::settings`] makes validated settings of them.

mod clear;
mod cutover;
mod export;
mod retry;
mod rollback;
mod sync;
mod verify;

use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use crate::destination::OnConflict;
use crate::domain::document::CollectionPattern;
use crate::domain::value::Timestamp;
use crate::pipeline::resolved::RejectLimit;

pub use clear::ClearArgs;
pub use cutover::CutoverArgs;
pub use export::ExportArgs;
pub use retry::RetryArgs;
pub use rollback::RollbackArgs;
pub use sync::{CatchUpPolicy, SyncArgs};
pub use verify::{DifferencesArgs, ListFormat, VerifyArgs};

use super::settings::{byte_size, collection, duration, positive, reject_limit, timestamp};

const AFTER_HELP: &str = "\
Examples:
  fireferry init export/                              a pipeline and tables for what is there
  fireferry check pipelines/classroom.yaml            may it run? changes nothing
  fireferry run pipelines/classroom.yaml --dry-run    what would happen? changes nothing
  fireferry run pipelines/classroom.yaml              do it
  fireferry runs rejects latest                       which documents were rejected, and why

Exit codes:
  0 clean                    4 finished, some documents were rejected
  1 failed                   5 something differs
  2 usage or configuration   6 interrupted, can be resumed
  3 refused by a check, or   7 a limit was reached, can be resumed
    the lease is held";

/// Moves document collections out of Firestore exports into libSQL, and proves that nothing was lost.
#[derive(Debug, Parser)]
#[command(name = "fireferry", version, after_help = AFTER_HELP)]
#[command(subcommand_value_name = "VERB", subcommand_help_heading = "Verbs")]
#[command(subcommand_required = true, arg_required_else_help = true, disable_help_subcommand = true)]
pub struct Cli {
    /// Options of every verb.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// Options that every verb has; each has an environment variable.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Write there instead of the pipeline's destination, e.g. file:copy.db
    #[arg(long, global = true, value_name = "URL", env = "FIREFERRY_DESTINATION", hide_env_values = true)]
    pub destination: Option<String>,
    /// Read from there instead of the pipeline's source, a path or firestore:PROJECT[/DATABASE]; the collection definitions stay
    #[arg(long, global = true, value_name = "SOURCE", env = "FIREFERRY_SOURCE", hide_env_values = true)]
    pub source: Option<String>,
    /// Which of the pipeline's `environments`, e.g. prod
    #[arg(long, global = true, value_name = "NAME", env = "FIREFERRY_ENV", hide_env_values = true)]
    pub env: Option<String>,
    /// The database of runs; default: ledger.db in the state folder
    #[arg(long, global = true, value_name = "URL", env = "FIREFERRY_LEDGER", hide_env_values = true)]
    pub ledger: Option<String>,
    /// Folder for the ledger, logs, reject files and backups
    #[arg(long, global = true, value_name = "DIR", env = "FIREFERRY_STATE_DIR", hide_env_values = true)]
    #[arg(default_value = ".fireferry")]
    pub state_dir: PathBuf,
    /// Say more on stderr; twice: say everything
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "quiet")]
    #[arg(env = "FIREFERRY_VERBOSE", hide_env_values = true)]
    pub verbose: u8,
    /// Say only errors on stderr
    #[arg(short, long, global = true, env = "FIREFERRY_QUIET", hide_env_values = true)]
    #[arg(value_parser = BoolishValueParser::new())]
    pub quiet: bool,
    /// How the log is written, on stderr and in the log file of a run: text, json
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT", hide_possible_values = true)]
    #[arg(env = "FIREFERRY_LOG_FORMAT", hide_env_values = true)]
    pub log_format: LogFormat,
    /// How progress is shown on stderr: auto (bars on a terminal, else plain), bars, plain, json, none
    #[arg(long, global = true, value_enum, default_value_t, value_name = "KIND", hide_possible_values = true)]
    #[arg(env = "FIREFERRY_PROGRESS", hide_env_values = true)]
    pub progress: ProgressKind,
    /// Answer with one JSON document on stdout, errors too
    #[arg(long, global = true, env = "FIREFERRY_JSON", hide_env_values = true)]
    #[arg(value_parser = BoolishValueParser::new())]
    pub json: bool,
    /// Do not ask before something is deleted or replaced
    #[arg(short, long, global = true, env = "FIREFERRY_YES", hide_env_values = true)]
    #[arg(value_parser = BoolishValueParser::new())]
    pub yes: bool,
}

/// Formats of the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// Kinds of progress.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ProgressKind {
    /// Bars on a terminal, else plain lines.
    #[default]
    Auto,
    /// A bar per collection.
    Bars,
    /// A line every few seconds.
    Plain,
    /// One JSON object per line: {collection, current, total, percentage, rejected, rate, eta}.
    Json,
    /// Nothing.
    None,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Profile a source, and write a pipeline, its migrations and a report of what to decide; changes nothing else
    Init(InitArgs),
    /// Validate the pipeline, connect to both ends, run its tests and all checks; changes nothing
    Check(PipelineArg),
    /// Run the pipeline's own tests; reads only the pipeline file, changes nothing
    Test(PipelineArg),
    /// Show order, counts and the estimated time; changes nothing
    Plan(PlanArgs),
    /// Move the documents: writes rows, rejects and checkpoints to the destination, backs it up before
    Run(RunArgs),
    /// Keep the destination equal to its source: read what changed, again and again
    Sync(SyncArgs),
    /// Say whether it is safe to switch over, by the pipeline's `gates`; changes nothing
    Gate(PipelineArg),
    /// The last pass before switching over: what changed, proof that the source is quiet, a comparison, the gates
    Cutover(CutoverArgs),
    /// Write the rejects of a run again, after documents, schema or pipeline were mended; it is a run of its own
    Retry(RetryArgs),
    /// Compare source and destination, in numbers or value by value; changes nothing without --repair
    Verify(VerifyArgs),
    /// Copies of the destination: make, list, put back
    #[command(subcommand_value_name = "VERB", subcommand_help_heading = "Verbs")]
    Backup {
        /// What to do.
        #[command(subcommand)]
        verb: BackupVerb,
    },
    /// Migrations of the destination's schema: make, test, apply, take back, show, validate, adopt
    #[command(subcommand_value_name = "VERB", subcommand_help_heading = "Verbs")]
    Schema {
        /// What to do.
        #[command(subcommand)]
        verb: SchemaVerb,
    },
    /// Take back exactly what one run did, the newest first, after a backup; asks first
    Rollback(RollbackArgs),
    /// Delete all rows of the pipeline's tables, with its checkpoints and rejects, after a backup; asks first
    Clear(ClearArgs),
    /// Rows per table of the destination; changes nothing
    Stats(PipelineArg),
    /// Write the destination's rows as documents again, into files that fireferry reads; changes nothing else
    Export(ExportArgs),
    /// The history of runs: list, show, logs, rejects, differences, cancel
    #[command(subcommand_value_name = "VERB", subcommand_help_heading = "Verbs")]
    Runs {
        /// What to do.
        #[command(subcommand)]
        verb: RunsVerb,
    },
    /// Print the JSON Schema of the pipeline file, for editors that complete and check while you type
    PipelineSchema(PipelineSchemaArgs),
    /// Say what a code of an error, finding or reject means, why it happens and what to do; without a code: list all
    Explain(ExplainArgs),
}

/// The pipeline file.
#[derive(Debug, Clone, Args)]
pub struct PipelineArg {
    /// The pipeline file, e.g. pipelines/classroom.yaml
    #[arg(value_name = "PIPELINE")]
    pub file: PathBuf,
}

const INIT_HELP: &str = "\
Reads every document once (or a sample) and writes four kinds of files into DIR: pipelines/NAME.yaml,
schemas/NAME/0001_create_tables.{up,down}.sql, NAME.profile.json and NAME.profile.md. Then `fireferry run
pipelines/NAME.yaml` works as it is. Constraints that only a full read proves are left out after a sample.

With --update it reads the source of a pipeline again and prints, as a diff, the next migration and the lines of the
pipeline for what has come to it. Nothing is written without --write, and nothing that is there is dropped.

Examples:
  fireferry init export/                          a folder with one file or folder per collection
  fireferry init firestore:my-app-1a2b3 --sample 1000 --max-reads 20000
  fireferry init dump.ndjson --name shop --out shop --force
  fireferry init --update pipelines/shop.yaml --write";

/// Arguments of `init`.
#[derive(Debug, Args)]
#[command(after_help = INIT_HELP)]
pub struct InitArgs {
    /// A file, a folder, or firestore:PROJECT[/DATABASE]
    #[arg(value_name = "SOURCE", required_unless_present = "update", conflicts_with = "update")]
    pub from: Option<String>,
    /// Compare this pipeline with its source, and propose what is missing: a migration, and lines of the pipeline
    #[arg(long, value_name = "PIPELINE")]
    pub update: Option<PathBuf>,
    /// Write what --update proposes
    #[arg(long, requires = "update")]
    pub write: bool,
    /// Write there
    #[arg(long, value_name = "DIR", default_value = ".", conflicts_with = "update")]
    pub out: PathBuf,
    /// Name of the pipeline, default: of the file, folder or project; with --update of the migration
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// The shape of the files, where it cannot be told, e.g. plain, firestore_rest
    #[arg(long, value_name = "SHAPE", conflicts_with = "update")]
    pub shape: Option<String>,
    /// The field that plain objects have their id in; default: id
    #[arg(long, value_name = "FIELD", conflicts_with = "update")]
    pub id_field: Option<String>,
    /// Read only so many documents of each collection
    #[arg(long, value_name = "N", value_parser = positive)]
    pub sample: Option<u64>,
    /// Stop reading before a live source bills more reads than this
    #[arg(long, value_name = "N", value_parser = positive)]
    pub max_reads: Option<u64>,
    /// Memory for what is remembered of documents, default 96MiB; what does not fit is told
    #[arg(long, value_name = "SIZE", value_parser = byte_size)]
    pub memory: Option<u64>,
    /// Overwrite files of an earlier draft
    #[arg(long, conflicts_with = "update")]
    pub force: bool,
}

/// Which part of the work.
#[derive(Debug, Clone, Default, Args)]
pub struct Selection {
    /// Only these collections, and the parents they need
    #[arg(long, value_name = "COLLECTION,…", value_delimiter = ',', value_parser = collection)]
    pub only: Vec<CollectionPattern>,
    /// Only so many documents per collection, and their parents
    #[arg(long, value_name = "N", value_parser = positive)]
    pub sample: Option<u64>,
}

/// Arguments of `plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// The pipeline file.
    #[command(flatten)]
    pub pipeline: PipelineArg,
    /// Which part of the work.
    #[command(flatten)]
    pub selection: Selection,
}

const RUN_HELP: &str = "\
Changes: rows of the pipeline's tables, and the tables named _fireferry_*, in the destination; files in the state
folder. With --dry-run nothing but a throw-away copy in the state folder is written.

Ctrl-C once finishes the commit in flight and stops with exit code 6, to be resumed with --resume; twice stops at
once. What was committed stays in both cases.

Examples:
  fireferry run pipelines/classroom.yaml --dry-run
  fireferry run pipelines/classroom.yaml --only users,batches --max-rejects 1%
  fireferry run pipelines/classroom.yaml --max-time 50s || fireferry run pipelines/classroom.yaml --resume
  fireferry run pipelines/classroom.yaml --source fixtures/classroom_dirty --destination file:dirty.db --json";

/// Arguments of `run`.
#[derive(Debug, Args)]
#[command(after_help = RUN_HELP)]
pub struct RunArgs {
    /// The pipeline file.
    #[command(flatten)]
    pub pipeline: PipelineArg,
    /// Change nothing: write into a throw-away copy and report what a real run would
    #[arg(long, conflicts_with = "resume")]
    pub dry_run: bool,
    /// Which part of the work.
    #[command(flatten)]
    pub selection: Selection,
    /// Go on with the latest run that was stopped, or with the run named
    #[arg(long, value_name = "RUN", num_args = 0..=1, require_equals = true, default_missing_value = "latest")]
    pub resume: Option<String>,
    /// Read only what changed since the last run, by the `watermark` of each collection; what was never read is read whole
    #[arg(long, conflicts_with_all = ["sample", "stage", "resume"])]
    pub incremental: bool,
    /// Read what changed since this time instead, e.g. 2026-01-31T08:00:00Z
    #[arg(long, value_name = "TIME", value_parser = timestamp, conflicts_with_all = ["sample", "stage", "resume"])]
    pub since: Option<Timestamp>,
    /// Then look for documents that were deleted, by the names of all, and remove their rows as `deletes` of each collection says
    #[arg(long, conflicts_with_all = ["sample", "stage", "resume"])]
    pub deletes: bool,
    /// Remove nothing where more rows of a table would go: a number, or a percentage; default 10%
    #[arg(long, value_name = "N|P%", value_parser = reject_limit)]
    pub max_deletes: Option<RejectLimit>,
    /// Documents that are written, and retried, together
    #[arg(long, value_name = "N", value_parser = positive)]
    pub batch_size: Option<u64>,
    /// What to do with a row that is there already: replace (make it equal), skip (leave it), fail (reject if it differs),
    /// merge (fill what is NULL), keep_newest=COLUMN or keep_oldest=COLUMN (the later or earlier value in the column wins)
    #[arg(long, value_name = "STRATEGY")]
    pub on_conflict: Option<OnConflict>,
    /// Apply pending migrations first, although the destination is not empty
    #[arg(long)]
    pub migrate: bool,
    /// Fill a local file first, then import it into the destination, which must be an empty server; the file is kept
    #[arg(long, conflicts_with = "dry_run")]
    pub stage: bool,
    /// Take no backup first
    #[arg(long)]
    pub no_backup: bool,
    /// Do not count source and destination afterwards
    #[arg(long)]
    pub no_verify: bool,
    /// Stop, to be resumed, when more documents are rejected: a number, or a percentage such as 1%
    #[arg(long, value_name = "N|P%", value_parser = reject_limit)]
    pub max_rejects: Option<RejectLimit>,
    /// Stop, to be resumed, after this time, e.g. 50s, 10m, 1h30m
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub max_time: Option<std::time::Duration>,
    /// Stop, to be resumed, after reading so much, e.g. 500MB, 2GiB
    #[arg(long, value_name = "SIZE", value_parser = byte_size)]
    pub max_bytes: Option<u64>,
    /// Stop, to be resumed, before a live source bills more reads than this
    #[arg(long, value_name = "N", value_parser = positive)]
    pub max_reads: Option<u64>,
    /// With --resume, when the source no longer keeps the run's snapshot: go on at a new one, between collections
    #[arg(long, requires = "resume")]
    pub new_snapshot: bool,
}

/// Verbs of `backup`.
#[derive(Debug, Subcommand)]
pub enum BackupVerb {
    /// Copy the whole destination into the state folder, checked and hashed; the destination stays as it is
    Create(PipelineArg),
    /// List the backups of a pipeline; changes nothing
    List(PipelineArg),
    /// Replace the whole destination by a backup; asks first
    Restore {
        /// The pipeline file.
        #[command(flatten)]
        pipeline: PipelineArg,
        /// The backup's file, or `latest`
        #[arg(value_name = "BACKUP")]
        backup: PathBuf,
    },
}

/// Verbs of `schema`.
#[derive(Debug, Subcommand)]
pub enum SchemaVerb {
    /// Make the two files of a next migration, to be filled in
    New {
        /// The pipeline file.
        #[command(flatten)]
        pipeline: PipelineArg,
        /// What it does, e.g. add_invoices
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Apply pending migrations to the destination, each in a transaction of its own
    Up(MigrateArgs),
    /// Take the newest migration back, or all down to a version; asks first, after a look at what goes, and backs up
    Down(MigrateArgs),
    /// Show which migrations are applied and which are pending; changes nothing
    Status(PipelineArg),
    /// Compare the schema with what the applied migrations make, and check the rows; changes nothing
    Validate(PipelineArg),
    /// Try every migration up, down and up again, on copies; changes nothing
    Test(PipelineArg),
    /// Count migrations as applied in a database whose tables were made by other means
    Adopt {
        /// The pipeline file.
        #[command(flatten)]
        pipeline: PipelineArg,
        /// The version that the database is at
        #[arg(value_name = "VERSION")]
        version: u64,
    },
}

/// Arguments of `schema up` and `schema down`.
#[derive(Debug, Args)]
pub struct MigrateArgs {
    /// The pipeline file.
    #[command(flatten)]
    pub pipeline: PipelineArg,
    /// The version to be at afterwards; 0: before the first
    #[arg(long, value_name = "VERSION")]
    pub to: Option<u64>,
    /// Print the SQL and what it would take away; changes nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Take no backup before data goes
    #[arg(long)]
    pub no_backup: bool,
}

/// Verbs of `runs`.
#[derive(Debug, Subcommand)]
pub enum RunsVerb {
    /// The newest runs; changes nothing
    List {
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = positive)]
        limit: u64,
    },
    /// The report of a run; changes nothing
    Show {
        /// Which run.
        #[command(flatten)]
        run: RunArg,
        /// How to write it: text, json, md
        #[arg(long, value_enum, default_value_t, value_name = "FORMAT", hide_possible_values = true)]
        format: ReportFormat,
    },
    /// The log of a run; changes nothing
    Logs(RunArg),
    /// The rejects of a run, each with its reason; changes nothing
    Rejects {
        /// Which run.
        #[command(flatten)]
        run: RunArg,
        /// Only of this collection
        #[arg(long, value_name = "COLLECTION")]
        collection: Option<String>,
        /// Only with this code
        #[arg(long, value_name = "CODE")]
        code: Option<String>,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = positive)]
        limit: u64,
        /// With the whole documents
        #[arg(long)]
        data: bool,
    },
    /// What a comparison of contents found; with --accept: accept it, so that it fails no later comparison
    Differences(DifferencesArgs),
    /// Ask a run that is going on to stop after the commit in flight; it can be resumed
    Cancel(RunArg),
}

/// Which run.
#[derive(Debug, Clone, Args)]
pub struct RunArg {
    /// An id, its beginning, or `latest`
    #[arg(value_name = "RUN", default_value = "latest")]
    pub run: String,
}

/// Arguments of `pipeline-schema`.
#[derive(Debug, Args)]
pub struct PipelineSchemaArgs {
    /// That of a file which a pipeline includes
    #[arg(long)]
    pub included: bool,
}

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The word in brackets, e.g. destination_busy
    #[arg(value_name = "CODE")]
    pub code: Option<String>,
}

/// Formats of a report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON document.
    Json,
    /// Markdown.
    Md,
}
