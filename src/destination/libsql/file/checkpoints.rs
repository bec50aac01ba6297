//! Checkpoints: one row per commit, and what they say of a partition.

use libsql::{Row, Value};

use super::LibsqlFile;
use super::database::{Database, integer, optional, optional_text, text};
use super::failure::Failure;
use crate::destination::{CommitHeader, PartitionState, Receipt};
use crate::domain::cursor::{Counts, Cursor, Partition};
use crate::error::{Error, ErrorKind, Result};

/// Columns of `_fireferry_checkpoints` that make [`Counts`], in the order of [`counts`].
const COUNTS: [&str; 10] = [
    "read",
    "inserted",
    "updated",
    "unchanged",
    "skipped",
    "rejected",
    "waiting",
    "bytes",
    "child_inserted",
    "child_deleted",
];

fn counts(row: &Row, at: i32) -> Result<Counts, Failure> {
    Ok(Counts {
        read: integer(row, at)?,
        inserted: integer(row, at + 1)?,
        updated: integer(row, at + 2)?,
        unchanged: integer(row, at + 3)?,
        skipped: integer(row, at + 4)?,
        rejected: integer(row, at + 5)?,
        waiting: integer(row, at + 6)?,
        bytes: integer(row, at + 7)?,
        child_inserted: integer(row, at + 8)?,
        child_deleted: integer(row, at + 9)?,
    })
}

fn values(counts: &Counts) -> [Value; 10] {
    [
        counts.read,
        counts.inserted,
        counts.updated,
        counts.unchanged,
        counts.skipped,
        counts.rejected,
        counts.waiting,
        counts.bytes,
        counts.child_inserted,
        counts.child_deleted,
    ]
    .map(Value::Integer)
}

impl LibsqlFile {
    /// What is durable of every partition of the run.
    pub(super) fn partition_states(&mut self, run: &str) -> Result<Vec<PartitionState>> {
        if !self.has_state()? {
            return Ok(vec![]);
        }
        let sql = "SELECT CAST(collection AS BLOB), CAST(partition AS BLOB), CAST(bounds AS BLOB)
                   FROM _fireferry_partitions WHERE run = ?1 ORDER BY id";
        let stored = self.database.query(sql, vec![run.into()], |row| {
            Ok((text(row, 0)?, Partition { id: text(row, 1)?, bounds: text(row, 2)? }))
        })?;
        stored.into_iter().map(|(collection, partition)| state(&self.database, run, collection, partition)).collect()
    }

    /// Sums of all commits of a run by collection.
    pub(super) fn counts_by_collection(&mut self, run: &str) -> Result<Vec<(String, Counts)>> {
        if !self.has_state()? {
            return Ok(vec![]);
        }
        let sql = format!(
            "SELECT CAST(collection AS BLOB), {} FROM _fireferry_checkpoints WHERE run = ?1
             GROUP BY collection ORDER BY collection",
            COUNTS.map(|name| format!("sum({name})")).join(", ")
        );
        self.database.query(&sql, vec![run.into()], |row| Ok((text(row, 0)?, counts(row, 1)?)))
    }
}

fn state(database: &Database, run: &str, collection: String, partition: Partition) -> Result<PartitionState> {
    let sql = format!(
        "SELECT sequence, last, CAST(cursor_to AS BLOB), {} FROM _fireferry_checkpoints
         WHERE run = ?1 AND collection = ?2 AND partition = ?3 ORDER BY sequence",
        COUNTS.join(", ")
    );
    let key = vec![run.into(), collection.as_str().into(), partition.id.as_str().into()];
    let commits = database.query(&sql, key, |row| {
        Ok((integer(row, 0)?, integer(row, 1)? == 1, optional_text(row, 2)?, counts(row, 3)?))
    })?;
    let mut state =
        PartitionState { partition, collection, sequence: 0, cursor: None, done: false, counts: Counts::default() };
    for (sequence, last, to, counts) in commits {
        // Only commits without a gap before them count: with several in flight, resume starts at the first gap.
        if i64::try_from(state.sequence + 1) != Ok(sequence) {
            break;
        }
        state.sequence += 1;
        state.cursor = to.map(Cursor);
        state.done |= last;
        state.counts += counts;
    }
    Ok(state)
}

/// Refuses a commit that does not follow the partition's last one, so that none is ever applied twice.
pub(super) fn require_next(database: &Database, header: &CommitHeader, collection: &str) -> Result<()> {
    let sql = "SELECT sequence, CAST(cursor_to AS BLOB) FROM _fireferry_checkpoints
               WHERE run = ?1 AND collection = ?2 AND partition = ?3 ORDER BY sequence DESC LIMIT 1";
    let key = vec![header.run.as_str().into(), collection.into(), header.partition.as_str().into()];
    let last = database.query_one(sql, key, |row| Ok((integer(row, 0)?, optional_text(row, 1)?)))?;
    let (sequence, cursor) = last.unwrap_or((0, None));
    let retry = header.partition.starts_with('~');
    let follows = i64::try_from(header.sequence) == Ok(sequence + 1);
    if follows && (retry || cursor == header.from.as_ref().map(|cursor| cursor.0.clone())) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Internal,
        "commit_out_of_order",
        format!(
            "commit {} of partition {} does not follow the destination's checkpoint {sequence}",
            header.sequence, header.partition
        ),
    )
    .collection(collection))
}

/// Writes the checkpoint of a commit, inside its transaction.
pub(super) fn insert_checkpoint(
    database: &Database,
    header: &CommitHeader,
    collection: &str,
    receipt: &Receipt,
) -> Result<(), Failure> {
    let sequence = i64::try_from(header.sequence).map_err(|_| Failure::internal("sequence out of range"))?;
    let cursor = |cursor: &Option<Cursor>| optional(cursor.as_ref().map(|cursor| cursor.0.as_str()));
    let mut bound: Vec<Value> = vec![
        header.run.as_str().into(),
        collection.into(),
        header.partition.as_str().into(),
        sequence.into(),
        cursor(&header.from),
        cursor(&receipt.to),
        i64::from(receipt.last).into(),
    ];
    bound.extend(values(&receipt.counts));
    let parameters: Vec<String> = (1..=bound.len()).map(|number| format!("?{number}")).collect();
    let sql = format!(
        "INSERT INTO _fireferry_checkpoints (run, collection, partition, sequence, cursor_from, cursor_to, last, {})
         VALUES ({})",
        COUNTS.join(", "),
        parameters.join(", ")
    );
    database.try_execute(&sql, bound).map(|_| ())
}
