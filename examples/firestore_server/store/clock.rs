//! The server's time: microseconds, and never twice for two commits.

use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// Hands out commit and read times.
#[derive(Debug, Default)]
pub struct Clock {
    /// The latest time that was committed at or read.
    last: Mutex<i64>,
}

impl Clock {
    /// The wall clock in microseconds since 1970.
    pub fn wall() -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    }

    /// A time to read at: every commit so far is before or at it, every later one after it.
    pub fn read(&self) -> i64 {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Self::wall().max(*last);
        *last
    }

    /// A time to commit at. To be called while the database is locked for writing.
    pub fn commit(&self) -> i64 {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Self::wall().max(*last + 1);
        *last
    }
}
