//! Where reading stands, and what was counted up to there.

use std::ops::AddAssign;

/// Where reading stands in a partition. The text is the source's own; the engine stores it and gives it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(pub String);

/// A range of one collection's documents that can be read independently. Stored at the start of a run and never
/// computed again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Unique within the collection, stable, short; sorts in reading order.
    pub id: String,
    /// The source's own description of the range.
    pub bounds: String,
}

/// What happened to documents. `read = inserted + updated + unchanged + skipped + rejected + waiting`.
///
/// Signed, because a commit that settles waiting documents takes them off `waiting` again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Documents (and malformed records) read.
    pub read: i64,
    /// Documents whose row is new.
    pub inserted: i64,
    /// Documents whose row or child rows changed.
    pub updated: i64,
    /// Documents whose rows were equal already.
    pub unchanged: i64,
    /// Filtered out by `where`, or left alone by `on_conflict` although they differ.
    pub skipped: i64,
    /// Documents rejected for good.
    pub rejected: i64,
    /// Documents waiting for a parent or a unique value.
    pub waiting: i64,
    /// Bytes read from the source.
    pub bytes: i64,
    /// Rows inserted into child tables (those of replaced sets included).
    pub child_inserted: i64,
    /// Rows deleted from child tables (those of replaced sets included).
    pub child_deleted: i64,
}

impl Counts {
    /// Whether every document read is accounted for.
    pub fn adds_up(&self) -> bool {
        self.read == self.inserted + self.updated + self.unchanged + self.skipped + self.rejected + self.waiting
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.read += other.read;
        self.inserted += other.inserted;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
        self.skipped += other.skipped;
        self.rejected += other.rejected;
        self.waiting += other.waiting;
        self.bytes += other.bytes;
        self.child_inserted += other.child_inserted;
        self.child_deleted += other.child_deleted;
    }
}
