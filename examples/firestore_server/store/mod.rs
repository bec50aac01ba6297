//! Everything that was ever written.

mod clock;
mod database;
mod key;
mod scan;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

pub use clock::Clock;
pub use database::{Content, Database, Entry, Key};
pub use key::{above, decode_path, decode_segment, encode_path, numeric_id, push_segment, segment_end};
pub use scan::{Bounds, Found, Range, Scan, tighter};

/// One database that many calls share.
#[derive(Debug, Clone, Default)]
pub struct Shared(Arc<RwLock<Database>>);

impl Shared {
    /// For reading. To be held shortly: writers wait.
    pub fn read(&self) -> RwLockReadGuard<'_, Database> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// For writing.
    pub fn write(&self) -> RwLockWriteGuard<'_, Database> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Databases by name; they come to be when they are first named.
#[derive(Debug, Default)]
pub struct Store {
    databases: RwLock<HashMap<String, Shared>>,
    /// The one clock of all.
    pub clock: Clock,
}

impl Store {
    /// A database by its name `projects/P/databases/D`.
    pub fn database(&self, name: &str) -> Shared {
        let known = self.databases.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        known.unwrap_or_else(|| {
            let mut databases = self.databases.write().unwrap_or_else(PoisonError::into_inner);
            databases.entry(name.to_owned()).or_default().clone()
        })
    }
}

/// A database at one point in time.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The database.
    pub database: Shared,
    /// The time in microseconds.
    pub at: i64,
    /// When this time stops being readable.
    pub expires: i64,
}
