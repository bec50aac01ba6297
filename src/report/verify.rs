//! What a comparison of contents found.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What kind of difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DifferenceKind {
    /// The document has no row.
    Missing,
    /// A row that no document explains.
    Extra,
    /// The document's row or child rows are not what it says.
    Changed,
    /// They are not, but the strategy for conflicts left them so: no fault, and never repaired.
    Kept,
    /// Something that names no document.
    General,
}

impl DifferenceKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Missing, Self::Extra, Self::Changed, Self::Kept, Self::General];

    /// The text form, as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::Changed => "changed",
            Self::Kept => "kept",
            Self::General => "general",
        }
    }

    /// The kind of a text form.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A column that differs. Values are cut where they are long, and left out where they are hidden.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnDifference {
    /// Its name.
    pub column: String,
    /// What the document says.
    pub source: Value,
    /// What is stored.
    pub destination: Value,
}

/// Rows of one child table that differ. Of many only the first are given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChildDifference {
    /// The child table.
    pub table: String,
    /// Rows of the document that are not stored.
    pub missing: u64,
    /// Stored rows that are not the document's.
    pub extra: u64,
    /// The first of the missing ones, by column.
    pub missing_rows: Vec<Value>,
    /// The first of the extra ones, by column.
    pub extra_rows: Vec<Value>,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Collection name; empty where none is concerned.
    pub collection: String,
    /// The table of the row.
    pub table: String,
    /// Document path; `None` for rows that no document explains.
    pub document: Option<String>,
    /// What the row is found by: its key's values, or what links a child row to its document.
    pub key: Value,
    /// What kind.
    pub kind: DifferenceKind,
    /// Columns that differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<ColumnDifference>,
    /// Child tables that differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<ChildDifference>,
    /// What there is to say besides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Why somebody accepted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<String>,
    /// Equal for the same difference, found again: BLAKE3 of all that it says, values in full.
    #[serde(skip)]
    pub digest: String,
}

/// Totals. `read = consistent + missing + changed + kept + rejected + skipped`; extra rows have no document.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyTotals {
    /// Documents and records read.
    pub read: u64,
    /// Documents whose rows are exactly what they say.
    pub consistent: u64,
    /// Documents without a row.
    pub missing: u64,
    /// Rows that no document explains, child rows included.
    pub extra: u64,
    /// Documents whose row or child rows are different.
    pub changed: u64,
    /// Documents whose rows differ because the strategy for conflicts left them alone.
    pub kept: u64,
    /// Documents that the run rejected, or that cannot be mapped.
    pub rejected: u64,
    /// Documents that are not wanted: filtered out by `where`, or not in the sample.
    pub skipped: u64,
    /// Child rows of documents that are not stored.
    pub child_missing: u64,
    /// Child rows that are stored besides those of their document.
    pub child_extra: u64,
}

impl VerifyTotals {
    /// Adds another collection's.
    pub fn add(&mut self, other: &Self) {
        self.read += other.read;
        self.consistent += other.consistent;
        self.missing += other.missing;
        self.extra += other.extra;
        self.changed += other.changed;
        self.kept += other.kept;
        self.rejected += other.rejected;
        self.skipped += other.skipped;
        self.child_missing += other.child_missing;
        self.child_extra += other.child_extra;
    }

    /// Documents and extra rows that were judged.
    fn judged(&self) -> u64 {
        self.consistent + self.missing + self.extra + self.changed + self.kept
    }

    /// Consistent ones among all that were judged, in percent, rounded down to four digits: 100 says that nothing differs.
    #[expect(clippy::cast_precision_loss, reason = "a percentage for people")]
    pub fn rate(&self) -> f64 {
        match self.judged() {
            0 => 100.0,
            judged => (u128::from(self.consistent) * 1_000_000 / u128::from(judged)) as f64 / 10_000.0,
        }
    }
}

/// One collection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CollectionContents {
    /// Its name.
    pub collection: String,
    /// Its table.
    pub table: String,
    /// What was found.
    #[serde(flatten)]
    pub totals: VerifyTotals,
    /// The first differences; all of them are in the ledger.
    pub differences: Vec<Difference>,
}

/// What crossed a network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crossed {
    /// Requests.
    pub requests: u64,
    /// Bytes sent.
    pub bytes_sent: u64,
    /// Bytes received.
    pub bytes_received: u64,
}

/// A whole comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContentsReport {
    /// Its id, by which `runs differences` lists what it found.
    pub verification: String,
    /// The pipeline.
    pub pipeline: String,
    /// The run whose rejects and strategies explain what differs; `None` where none ever wrote there.
    pub run: Option<String>,
    /// Its status.
    pub run_status: Option<String>,
    /// The point in time that the source was read at.
    pub snapshot: Option<String>,
    /// RFC 3339.
    pub started_at: String,
    /// RFC 3339.
    pub finished_at: String,
    /// Nothing differs that was not accepted.
    pub consistent: bool,
    /// In the order of the run.
    pub collections: Vec<CollectionContents>,
    /// Sums.
    pub totals: VerifyTotals,
    /// Consistent documents among all that were judged, in percent, rounded down.
    pub consistency_rate: f64,
    /// Differences that name no document.
    pub general: Vec<Difference>,
    /// Differences that somebody accepted, of any kind.
    pub accepted: u64,
    /// Differences that nobody accepted and nothing explains.
    pub unaccepted: u64,
    /// What is worth knowing.
    pub notes: Vec<String>,
    /// What crossed the network to the destination, this invocation's.
    pub crossed: Option<Crossed>,
}

/// What a repair did.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RepairReport {
    /// The comparison that it rests on.
    pub verification: String,
    /// The run that it was; `None` when nothing was written.
    pub run: Option<String>,
    /// The backup taken before.
    pub backup: Option<String>,
    /// Documents written again.
    pub written: u64,
    /// Documents that the destination refused; they are rejects of that run.
    pub rejected: u64,
    /// Documents that the source does not hold any more.
    pub gone: u64,
    /// Extra rows deleted, by table.
    pub deleted: Vec<(String, u64)>,
    /// Documents that still differ, looked at again after they were written.
    pub still_different: u64,
    /// Rows of the tables after the repair add up.
    pub counts_valid: Option<bool>,
    /// What is worth knowing.
    pub notes: Vec<String>,
}
