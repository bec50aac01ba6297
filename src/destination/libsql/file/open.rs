//! Opening a local file: which file it really is, how SQLite may touch it, and the pragmas of a connection.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::failure::Failure;
use super::super::statement::text;
use super::address::{Stamp, read_only_uri, real_path, uri};
use super::database::{Database, now};
use super::{LibsqlFile, Mode};
use crate::error::{Error, ErrorKind, Result};

/// How long a statement waits for another connection's lock; longer waits are the engine's retries.
const BUSY: Duration = Duration::from_millis(250);

/// Page cache. Large enough for the inner pages of the indexes that random keys hit, small enough to be bounded.
const CACHE_KIB: u32 = 32 * 1024;

/// WAL pages before a checkpoint: random keys dirty the same pages again and again, so rarer is cheaper.
const CHECKPOINT_PAGES: u32 = 16 * 1024;

impl LibsqlFile {
    /// Opens a local database file.
    ///
    /// `ReadOnly` changes no byte of the database and its WAL; a file that does not exist is then an empty database.
    /// `ReadWrite` creates the file (mode 0600) if asked to.
    ///
    /// # Errors
    /// Kind `Destination`: not a database, a folder, missing without `create`, no permission; `Transient`: locked.
    pub fn open(path: &Path, mode: Mode) -> Result<Self> {
        let file = real_path(path)?;
        if file.is_dir() {
            return Err(Error::new(
                ErrorKind::Destination,
                "destination_is_folder",
                format!("{} is a folder, not a database file", file.display()),
            )
            .hint("give the path of a file in it"));
        }
        let exists = file.exists();
        if !exists {
            require_folder(&file)?;
        }
        match mode {
            Mode::ReadOnly => {
                let stamp = Stamp::of(&file);
                let (uri, immutable) = if exists { read_only_uri(&file) } else { (":memory:".to_owned(), true) };
                let mut opened = Self::connect(file, mode, &uri, exists)?;
                opened.frozen = immutable.then_some(stamp);
                Ok(opened)
            }
            Mode::Replace => match Self::open(path, Mode::ReadWrite { create: true }) {
                Err(error) if is_damage(&error) => {
                    let database = connection(&file, ":memory:")?;
                    let mut opened = Self::new(file, Mode::ReadWrite { create: false }, database, true);
                    opened.unreadable = true;
                    Ok(opened)
                }
                opened => opened,
            },
            Mode::ReadWrite { create: false } if !exists => Err(missing(&file)),
            Mode::ReadWrite { .. } => {
                if !exists {
                    create_private(&file)?;
                }
                let uri = uri(&file, "mode=rw");
                Self::connect(file, mode, &uri, true)
            }
        }
    }

    fn connect(file: PathBuf, mode: Mode, uri: &str, exists: bool) -> Result<Self> {
        let database = connection(&file, uri)?;
        let opened = Self::new(file, mode, database, exists);
        opened.database.busy_timeout(BUSY)?;
        opened.require_utf8()?;
        for pragma in ["foreign_keys = ON", "synchronous = FULL"] {
            opened.pragma(pragma)?;
        }
        opened.pragma(&format!("cache_size = -{CACHE_KIB}"))?;
        opened.pragma(&format!("wal_autocheckpoint = {CHECKPOINT_PAGES}"))?;
        Ok(opened)
    }

    /// An immutable file that was changed after all is opened again, so that an answer is never older than its question.
    pub(super) fn fresh(&mut self) -> Result<&mut Self> {
        if self.frozen.as_ref().is_some_and(|stamp| *stamp != Stamp::of(&self.file)) {
            *self = Self::open(&self.file, self.mode)?;
        }
        Ok(self)
    }

    pub(super) fn pragma(&self, pragma: &str) -> Result<()> {
        self.database.execute(&format!("PRAGMA {pragma}"), vec![]).map(|_| ())
    }

    /// Lets the database grow to so many pages only; then it is full, as on a full disk.
    ///
    /// # Errors
    /// Those of the database.
    pub fn limit_pages(&mut self, pages: u32) -> Result<()> {
        self.pragma(&format!("max_page_count = {pages}"))
    }

    /// Reads the first page (so that a file that is no database is found now) and its text encoding.
    fn require_utf8(&self) -> Result<()> {
        self.database.query("SELECT count(*) FROM sqlite_schema", vec![], |_| Ok(()))?;
        let encoding = self.database.query_one("PRAGMA encoding", vec![], |row| text(row, 0))?;
        match encoding.as_deref() {
            Some("UTF-8") | None => Ok(()),
            Some(other) => Err(Error::new(
                ErrorKind::Destination,
                "destination_encoding",
                format!("{} stores text as {other}; fireferry writes to UTF-8 databases", self.file.display()),
            )
            .hint("copy it into a new database (`.dump` in the sqlite3 shell), which is UTF-8 by default")),
        }
    }

    /// Called before anything is written: refuses read-only use, switches to WAL once.
    pub(super) fn writable(&mut self) -> Result<()> {
        if self.mode == Mode::ReadOnly {
            return Err(Error::new(
                ErrorKind::Internal,
                "destination_opened_read_only",
                format!("{} was opened for reading only", self.file.display()),
            ));
        }
        if self.journal_ready {
            return Ok(());
        }
        let journal = self.database.query_one("PRAGMA journal_mode = WAL", vec![], |row| text(row, 0))?;
        // Without WAL (some network file systems) only EXTRA also syncs the folder at a commit.
        let synchronous = match (self.durable, journal.as_deref()) {
            (false, _) => "synchronous = OFF",
            (true, Some("wal")) => "synchronous = FULL",
            (true, _) => "synchronous = EXTRA",
        };
        self.pragma(synchronous)?;
        self.journal_ready = true;
        Ok(())
    }
}

/// Whether an error says that what is there is no sound database.
pub(super) fn is_damage(error: &Error) -> bool {
    matches!(error.code(), "destination_damaged" | "not_a_database" | "destination_encoding")
}

/// A connection by URI, without any pragma.
pub(super) fn connection(file: &Path, uri: &str) -> Result<Database> {
    let open = || -> Result<libsql::Connection, Failure> {
        let database = now(libsql::Builder::new_local(uri).build())?;
        Ok(database.connect()?)
    };
    open().map(|connection| Database::new(connection, file)).map_err(|failure| failure.into_error(file))
}

fn require_folder(file: &Path) -> Result<()> {
    let folder = file.parent().unwrap_or(Path::new("/"));
    if folder.is_dir() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Destination,
        "destination_folder_missing",
        format!("the folder {} does not exist", folder.display()),
    )
    .hint("create it, or give another path"))
}

fn missing(file: &Path) -> Error {
    Error::new(ErrorKind::Destination, "destination_missing", format!("{} does not exist", file.display()))
        .hint("run the pipeline first, or check the path")
}

/// An empty file (a valid empty database) that only its owner may read; synced into its folder.
pub(super) fn create_private(file: &Path) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let created = options.open(file).and_then(|opened| opened.sync_all()).and_then(|()| sync_folder(file));
    created.map_err(|error| {
        Error::new(ErrorKind::Destination, "destination_cannot_open", format!("cannot create {}", file.display()))
            .hint("check that you may write in its folder")
            .caused_by(error)
    })
}

/// Makes a created, renamed or removed name durable.
pub(super) fn sync_folder(file: &Path) -> std::io::Result<()> {
    match file.parent() {
        Some(folder) if cfg!(unix) => std::fs::File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}
