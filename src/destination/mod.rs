//! Where rows go: the [`Destination`] trait, the plain types it speaks, and its adapters.

mod commit;
mod compare;
mod conflict;
pub mod libsql;
mod remove;
mod target;
mod undo;
mod watermark;

pub use conflict::OnConflict;
pub use remove::{How, Removal};
pub use watermark::{OpenReject, StoredWatermark};

use std::path::{Path, PathBuf};

use async_trait::async_trait;

pub use commit::{Batch, CommitHeader, Feed, PartitionState, Receipt, Written};
pub use compare::{Among, Doomed, Found, FoundChildren, FoundRow, Scan, ScannedRow, Traffic};

use crate::domain::cursor::{Counts, Partition};
use crate::domain::reject::Reject;
use crate::domain::row::{MappedDocument, Row};
use crate::domain::schema::Schema;
use crate::error::{Error, ErrorKind, Result};
pub use target::{ChildTarget, Target};
pub use undo::{Before, Extent, Rollback, RollbackConflict, RollbackTable, TableChanges};

/// What a destination can do, and its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DestinationCapabilities {
    /// Most documents in one commit.
    pub commit_documents: usize,
    /// Most bytes of documents in one commit.
    pub commit_bytes: usize,
    /// Can make a shadow for a dry run.
    pub shadow: bool,
    /// Can make a whole copy.
    pub backup: bool,
    /// Lives in a local file (free disk space can be asked for).
    pub local: bool,
    /// Commits that may be under way at the same time.
    pub commits_in_flight: usize,
}

/// What must be known of a run to resume it, stored in the destination before its first commit.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RunRecord {
    /// The run's id.
    pub run: String,
    /// The pipeline's name.
    pub pipeline: String,
    /// RFC 3339.
    pub started_at: String,
    /// `running`, `finishing`, or a final status of the report.
    pub status: String,
    /// Fingerprint of mapping and source identity.
    pub pipeline_fingerprint: String,
    /// Fingerprint of the destination's schema.
    pub schema_fingerprint: String,
    /// The engine's own record (rows before, options, source fingerprints, …) as JSON.
    pub details: String,
}

/// A reject as stored in the destination.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredReject {
    /// Its number, ascending in the order of rejection.
    pub id: i64,
    /// The run that rejected it.
    pub run: String,
    /// Its content.
    pub reject: Reject,
}

/// Which rejects to read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RejectQuery {
    /// Only of this run.
    pub run: Option<String>,
    /// Only of this collection.
    pub collection: Option<String>,
    /// Only waiting ones (`true`) or only final ones (`false`).
    pub waiting: Option<bool>,
    /// Only ids above this one.
    pub after: Option<i64>,
    /// Only those not tried in this pass or a later one yet.
    pub before_pass: Option<u64>,
    /// At most so many; also bounded by about 16 MiB of content, at least one is returned.
    pub limit: usize,
}

/// A whole copy of the destination.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct BackupFile {
    /// Where it is.
    pub path: PathBuf,
    /// Size in bytes.
    pub bytes: u64,
    /// BLAKE3 of the file, hexadecimal.
    pub hash: String,
}

/// One step of a schema migration, applied in one transaction with its record in `schema_migrations`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationStep {
    /// Version from the file name.
    pub version: u64,
    /// Name from the file name.
    pub name: String,
    /// BLAKE3 of the up file, hexadecimal.
    pub checksum: String,
    /// SQL text.
    pub sql: String,
    /// Applied (true) or taken back (false).
    pub up: bool,
}

/// A migration as recorded in `schema_migrations`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct AppliedMigration {
    /// Version.
    pub version: u64,
    /// Name.
    pub name: String,
    /// BLAKE3 of the up file, hexadecimal.
    pub checksum: String,
    /// RFC 3339.
    pub applied_at: String,
    /// How long it took.
    pub duration_ms: u64,
    /// Left half applied by a tool that does not migrate in transactions.
    pub dirty: bool,
}

/// A foreign key violation found by `foreign_key_check`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ForeignKeyViolation {
    /// Child table.
    pub table: String,
    /// Row id in it; `None` for WITHOUT ROWID tables.
    pub rowid: Option<i64>,
    /// Parent table.
    pub parent: String,
}

/// Space figures of a local destination, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Free for this user on the destination's file system.
    pub free: u64,
    /// Size of the database with its WAL.
    pub database: u64,
}

/// A database that receives rows.
///
/// # Contract of `write`
/// - One atomic step: rows, rejects, counts, lease check and the checkpoint that passes them become durable
///   together (against power loss too), or nothing of them does. `Ok` means durable.
/// - Batches are taken from the feed until it says `None`, or until as many are taken as fit into one request (the rest
///   stays in the feed); then the checkpoint (partition, sequence, from, to) and the counts are written and the
///   transaction is committed. An error from the feed rolls back and is returned.
/// - A destination over a network may return while the commit is still under way, with the receipts of earlier ones. The
///   next commit then follows this one all the same; `flush` waits for all. Order is kept: a commit is applied only
///   if the one before it was. What was not flushed may be applied or not, and a resume finds out.
/// - A document that a constraint refuses is undone alone, with all of its rows; its neighbours stay. A foreign key
///   or UNIQUE refusal makes it *waiting*; with `finalize` and for every other refusal it is *rejected*. Both are
///   stored in `_fireferry_rejects` in the same transaction. A retried document (`waiting: Some(id)`) that succeeds
///   leaves that table; one that fails again stays, with its new reason and the header's `pass`.
/// - Counts: for every document exactly one of inserted, updated, unchanged, skipped, rejected, waiting. A retried
///   document is not read again: it moves one from `waiting` to what became of it (still waiting: no difference).
/// - Error kinds: `Transient`: nothing applied, try again (no batch was taken from the feed yet, or the adapter
///   still holds them: it then retries itself); `Unknown`: ask `partitions` for the sequence; everything else:
///   nothing applied, and the run stops. After any error within the transaction the adapter asks whether the
///   connection fell back to autocommit, and if so never goes on.
/// - Values are bound as they are; the one equality (same `typeof`, same value under BINARY) decides "unchanged";
///   an unchanged document writes no page.
#[async_trait]
pub trait Destination: Send {
    /// The destination for people, without secrets.
    fn describe(&self) -> String;

    /// Its identity, stored in `_fireferry_meta`; `None` while fireferry never wrote to it.
    async fn id(&mut self) -> Result<Option<String>>;

    /// What it can do.
    fn capabilities(&self) -> DestinationCapabilities;

    /// Fails unless it is a database that can be read. Never creates or changes anything.
    async fn check(&mut self) -> Result<()>;

    /// Fails unless it can be written to. Leaves nothing behind.
    async fn check_writable(&mut self) -> Result<()>;

    /// Version of SQLite behind it, e.g. `3.45.1`.
    async fn version(&mut self) -> Result<String>;

    /// Tables, columns, keys, foreign keys, triggers, conflict clauses; fireferry's own tables left out.
    async fn inspect(&mut self) -> Result<Schema>;

    /// Problems found by `integrity_check` (`thorough`) or `quick_check`; empty when sound.
    async fn integrity(&mut self, thorough: bool) -> Result<Vec<String>>;

    /// Violations in the tables, at most `limit` of each.
    async fn foreign_key_check(&mut self, tables: &[String], limit: usize) -> Result<Vec<ForeignKeyViolation>>;

    /// Rows per table, in the order asked.
    async fn count(&mut self, tables: &[String]) -> Result<Vec<u64>>;

    /// The first rows of a table by its key, for samples.
    async fn sample(&mut self, table: &str, columns: &[String], limit: usize) -> Result<Vec<Row>>;

    /// Free space, for a local destination.
    async fn space(&mut self) -> Result<Option<Space>>;

    /// Applied migrations by version; empty without the table.
    async fn migrations(&mut self) -> Result<Vec<AppliedMigration>>;

    /// Applies one migration and records it, in one transaction. A failure names what was applied: nothing.
    async fn migrate(&mut self, step: &MigrationStep) -> Result<()>;

    /// Takes the lease for `owner`, or fails with kind `LeaseHeld` naming the holder. Held until drop or release;
    /// taking it again is fine.
    async fn acquire_lease(&mut self, owner: &str) -> Result<()>;

    /// Gives the lease back.
    async fn release_lease(&mut self) -> Result<()>;

    /// Creates or upgrades fireferry's own tables. A newer format than this program knows is refused.
    async fn initialize(&mut self) -> Result<()>;

    /// [`Self::initialize`], and then [`Self::count`]: one question where a destination is far away.
    async fn initialize_and_count(&mut self, tables: &[String]) -> Result<Vec<u64>> {
        self.initialize().await?;
        self.count(tables).await
    }

    /// Stores a new run with the partitions of its collections, before its first commit.
    async fn start_run(&mut self, run: &RunRecord, partitions: &[(String, Partition)]) -> Result<()>;

    /// The newest run of the pipeline (or the run named), if any.
    async fn find_run(&mut self, pipeline: &str, run: Option<&str>) -> Result<Option<RunRecord>>;

    /// Updates status and details of a run.
    async fn update_run(&mut self, run: &RunRecord) -> Result<()>;

    /// [`Self::update_run`] for the last time, and then [`Self::release_lease`]; in one transaction where that is cheaper.
    async fn conclude_run(&mut self, run: &RunRecord) -> Result<()> {
        self.update_run(run).await?;
        self.release_lease().await
    }

    /// Updates a run and forgets, in the same transaction, what it did to the collections named: their checkpoints and
    /// rejects. Their partitions and rows stay.
    async fn restart(&mut self, run: &RunRecord, collections: &[String]) -> Result<()>;

    /// The durable state of a run's partitions, in the order they were stored.
    async fn partitions(&mut self, run: &str) -> Result<Vec<PartitionState>>;

    /// [`Self::partitions`] and [`Self::count`]: one question where a destination is far away.
    async fn partitions_and_count(&mut self, run: &str, tables: &[String]) -> Result<(Vec<PartitionState>, Vec<u64>)> {
        Ok((self.partitions(run).await?, self.count(tables).await?))
    }

    /// Sums of the counts of all commits of a run by collection name, those of retries (`~…`) included. `partitions`
    /// leaves the latter out.
    async fn counts(&mut self, run: &str) -> Result<Vec<(String, Counts)>>;

    /// Declares the tables that `write` will be asked for; checks that they exist and prepares statements.
    async fn prepare(&mut self, run: &str, targets: &[Target]) -> Result<()>;

    /// Begins to keep what the commits change, for a rollback: every row that they overwrite or delete as it was, and every
    /// row that they leave, in the same transaction. Called after `prepare`; tables that were empty at the start need none.
    async fn keep_undo_log(&mut self) -> Result<()>;

    /// Writes one commit. See the contract.
    async fn write(&mut self, header: &CommitHeader, feed: &mut dyn Feed) -> Result<Written>;

    /// Waits until every commit is durable; the receipts that `write` has not given yet.
    async fn flush(&mut self) -> Result<Vec<Receipt>>;

    /// Rejects by query, ascending by id.
    async fn rejects(&mut self, query: &RejectQuery) -> Result<Vec<StoredReject>>;

    /// Takes final rejects off the list of a run: a later run decided them. Those that are not there are no error.
    /// `kept_by`: the later run, if its undo log keeps them until they are put back or the log is forgotten.
    async fn forget_rejects(&mut self, run: &str, ids: &[i64], kept_by: Option<&str>) -> Result<()>;

    /// The newest watermark of every collection of a pipeline: those of runs whose partitions of that collection are
    /// complete.
    async fn watermarks(&mut self, pipeline: &str) -> Result<Vec<StoredWatermark>>;

    /// Rejects and waiting documents of all runs of a pipeline, ascending by number, at most `limit`.
    async fn open_rejects(&mut self, pipeline: &str, limit: usize) -> Result<Vec<OpenReject>>;

    /// Takes rejects and waiting documents off their lists, with what they claim: a later run read the documents again.
    /// `kept_by`: as for [`Self::forget_rejects`].
    async fn close_rejects(&mut self, ids: &[i64], kept_by: Option<&str>) -> Result<()>;

    /// Forgets incremental runs of a pipeline, beyond the newest `keep`, that nothing depends on any more.
    async fn prune_runs(&mut self, pipeline: &str, keep: u64) -> Result<()>;

    /// The highest pass that a waiting document of the run (and collection) was tried in; 0 without one.
    async fn last_pass(&mut self, run: &str, collection: Option<&str>) -> Result<u64>;

    /// After a load: drops `_fireferry_seen`, runs `PRAGMA optimize`, truncates the WAL.
    async fn finish(&mut self, run: &str) -> Result<()>;

    /// A whole copy at `to` (which must not exist), verified by `integrity_check`, synced to disk.
    async fn backup(&mut self, to: &Path) -> Result<BackupFile>;

    /// Makes the destination equal to the backup. The file was verified by the caller. What was there and is damaged is
    /// kept where a copy of it costs nothing; then this says where.
    async fn restore(&mut self, from: &Path) -> Result<Option<PathBuf>>;

    /// Fails unless neither the user's tables nor the records of runs hold a row: then [`Self::import`] takes nothing away.
    async fn require_empty(&mut self) -> Result<()> {
        Err(import_unsupported(&self.describe()))
    }

    /// Makes an empty destination equal to a database file, fireferry's own tables included, and verifies it. What was
    /// interrupted goes on with the same file; until then every other use is refused with `restore_unfinished`.
    async fn import(&mut self, from: &Path) -> Result<()> {
        Err(import_unsupported(&self.describe()).file(from))
    }

    /// A throw-away database at `at` with the whole schema and the rows of the tables named (and fireferry's own
    /// tables freshly made). The destination is only read: not one byte of it or its WAL changes.
    async fn shadow(&mut self, at: &Path, tables: &[String]) -> Result<Box<dyn Destination>>;

    /// An empty throw-away database at `at`, of the kind that a shadow is.
    async fn blank(&mut self, at: &Path) -> Result<Box<dyn Destination>>;

    /// Declares the tables that `compare` is asked about, and begins to look. What a file answers from here until
    /// `end_comparing` is how it was at one moment; a server answers as it is at each question. Changes nothing.
    async fn begin_comparing(&mut self, targets: &[Target]) -> Result<()>;

    /// What differs between documents and what is stored, by the one equality that `write` calls "unchanged"; with the
    /// place of the document among those given, ascending. Documents that do not differ are left out. `target` is an index
    /// into the targets of `begin_comparing`.
    async fn compare(&mut self, target: usize, documents: &[MappedDocument]) -> Result<Vec<(usize, Found)>>;

    /// The next rows of a table; none at its end.
    async fn scan(&mut self, scan: &Scan) -> Result<Vec<ScannedRow>>;

    /// The end of looking.
    async fn end_comparing(&mut self) -> Result<()>;

    /// What crossed a network so far; `None` where there is none.
    fn traffic(&self) -> Option<Traffic> {
        None
    }

    /// Deletes these rows, table after table, in one transaction. Fails with code `delete_refused`, and deletes nothing,
    /// unless exactly these rows go: where one is not as it was, where others refer to it, or where a trigger or a foreign
    /// key would change others.
    async fn delete(&mut self, rows: &[Doomed]) -> Result<()>;

    /// Removes rows of documents that are gone, in one transaction; the number of documents whose row changed. Doing it again is
    /// harmless.
    async fn remove(&mut self, removal: &Removal<'_>) -> Result<u64>;

    /// Runs that were started after this one, of all pipelines, the newest first.
    async fn runs_after(&mut self, run: &str) -> Result<Vec<RunRecord>>;

    /// What taking a run back would do to each of its tables, and what speaks against it. Changes nothing.
    ///
    /// # Errors
    /// Code `rollback_schema_changed` where a table has other columns than when the run wrote it.
    async fn rollback_changes(&mut self, rollback: &Rollback) -> Result<Vec<TableChanges>>;

    /// Begins to take a run back, or goes on with it: until it is forgotten, `check` fails with `rollback_unfinished`.
    async fn begin_rollback(&mut self, rollback: &Rollback) -> Result<()>;

    /// Takes back a part of what the run did to the table with this index, in one transaction with the progress; about how
    /// many rows, 0 when nothing is left. Neither foreign keys nor their actions are looked at, so the order is free;
    /// triggers run.
    ///
    /// # Errors
    /// Code `rollback_blocked`: somebody else changed a row meanwhile; the step was not made.
    async fn roll_back(&mut self, rollback: &Rollback, table: usize) -> Result<u64>;

    /// Forgets what is known of a run (rejects, checkpoints, at last the run itself), a part of it at a time; whether there
    /// is more.
    async fn forget_run(&mut self, run: &str) -> Result<bool>;

    /// Runs whose undo log is kept, the newest first, without the first so many; at most 100.
    async fn logged_runs(&mut self, skip: u64) -> Result<Vec<RunRecord>>;

    /// Forgets the undo log of a run, a part of it at a time; whether there is more.
    async fn prune_undo_log(&mut self, run: &str) -> Result<bool>;

    /// Deletes all rows of the tables in the order given, and the pipeline's runs, checkpoints and rejects, in one
    /// transaction. Returns rows deleted per table.
    async fn clear(&mut self, pipeline: &str, tables: &[String]) -> Result<Vec<u64>>;
}

fn import_unsupported(what: &str) -> Error {
    Error::new(ErrorKind::Usage, "import_unsupported", format!("nothing can be imported into {what}"))
        .hint("copy the file instead")
}

/// Where adapters may put helper files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scratch(pub PathBuf);
