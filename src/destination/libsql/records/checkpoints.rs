//! Partitions and checkpoints: one row per commit, and what they say of a partition.

use super::super::failure::Failure;
use super::super::statement::{Statement, integer, number, optional, optional_text, text};
use crate::destination::{CommitHeader, PartitionState, Receipt};
use crate::domain::cursor::{Counts, Cursor, Partition};
use crate::domain::row::SqlValue;
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

fn counts(row: &[SqlValue], at: usize) -> Result<Counts, Failure> {
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

fn values(counts: &Counts) -> [SqlValue; 10] {
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
    .map(SqlValue::Integer)
}

/// The partitions of a run, in the order they were stored.
pub fn partitions(run: &str) -> Statement {
    let sql = "SELECT CAST(collection AS BLOB), CAST(partition AS BLOB), CAST(bounds AS BLOB)
               FROM _fireferry_partitions WHERE run = ?1 ORDER BY id";
    Statement::new(sql, vec![run.into()])
}

/// A row of [`partitions`], with its collection.
pub fn decode_partition(row: &[SqlValue]) -> Result<(String, Partition), Failure> {
    Ok((text(row, 0)?, Partition { id: text(row, 1)?, bounds: text(row, 2)? }))
}

/// All commits of one partition, for [`state`].
pub fn commits(run: &str, collection: &str, partition: &str) -> Statement {
    let sql = format!(
        "SELECT sequence, last, CAST(cursor_to AS BLOB), {} FROM _fireferry_checkpoints
         WHERE run = ?1 AND collection = ?2 AND partition = ?3 ORDER BY sequence",
        COUNTS.join(", ")
    );
    Statement::new(sql, vec![run.into(), collection.into(), partition.into()])
}

/// What the [`commits`] of a partition make of it.
pub fn state(collection: String, partition: Partition, commits: &[Vec<SqlValue>]) -> Result<PartitionState, Failure> {
    let mut state =
        PartitionState { partition, collection, sequence: 0, cursor: None, done: false, counts: Counts::default() };
    for commit in commits {
        // Only commits without a gap before them count: with several in flight, resume starts at the first gap.
        if i64::try_from(state.sequence + 1) != Ok(integer(commit, 0)?) {
            break;
        }
        state.sequence += 1;
        state.cursor = optional_text(commit, 2)?.map(Cursor);
        state.done |= integer(commit, 1)? == 1;
        state.counts += counts(commit, 3)?;
    }
    Ok(state)
}

/// Sums of all commits of a run by collection.
pub fn counts_by_collection(run: &str) -> Statement {
    let sql = format!(
        "SELECT CAST(collection AS BLOB), {} FROM _fireferry_checkpoints WHERE run = ?1
         GROUP BY collection ORDER BY collection",
        COUNTS.map(|name| format!("sum({name})")).join(", ")
    );
    Statement::new(sql, vec![run.into()])
}

/// A row of [`counts_by_collection`].
pub fn decode_counts(row: &[SqlValue]) -> Result<(String, Counts), Failure> {
    Ok((text(row, 0)?, counts(row, 1)?))
}

/// The last commit of the partition, for [`require_next`].
pub fn last(header: &CommitHeader, collection: &str) -> Statement {
    let sql = "SELECT sequence, CAST(cursor_to AS BLOB) FROM _fireferry_checkpoints
               WHERE run = ?1 AND collection = ?2 AND partition = ?3 ORDER BY sequence DESC LIMIT 1";
    let key = vec![header.run.as_str().into(), collection.into(), header.partition.as_str().into()];
    Statement::new(sql, key)
}

/// The checkpoint of exactly this commit: a row if it is there.
pub fn of(header: &CommitHeader, collection: &str, to: Option<&Cursor>) -> Statement {
    let sql = "SELECT 1 FROM _fireferry_checkpoints
               WHERE run = ?1 AND collection = ?2 AND partition = ?3 AND sequence = ?4 AND cursor_to IS ?5";
    let values = vec![
        header.run.as_str().into(),
        collection.into(),
        header.partition.as_str().into(),
        number(header.sequence),
        optional(to.map(|cursor| cursor.0.as_str())),
    ];
    Statement::new(sql, values)
}

/// Refuses a commit that does not follow the partition's last one, so that none is ever applied twice.
pub fn require_next(header: &CommitHeader, collection: &str, last: Option<&[SqlValue]>) -> Result<()> {
    let read = |row: &[SqlValue]| Ok((integer(row, 0)?, optional_text(row, 1)?));
    let (sequence, cursor) = last.map_or(Ok((0, None)), read).map_err(Failure::unexpected)?;
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

/// The checkpoint of a commit, inside its transaction.
pub fn insert(header: &CommitHeader, collection: &str, receipt: &Receipt) -> Result<Statement, Failure> {
    let sequence = i64::try_from(header.sequence).map_err(|_| Failure::internal("sequence out of range"))?;
    let cursor = |cursor: &Option<Cursor>| optional(cursor.as_ref().map(|cursor| cursor.0.as_str()));
    let mut bound: Vec<SqlValue> = vec![
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
    Ok(Statement::new(sql, bound))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(sequence: u64, from: Option<&str>) -> CommitHeader {
        CommitHeader {
            run: "r".into(),
            target: 0,
            partition: "0".into(),
            sequence,
            from: from.map(|cursor| Cursor(cursor.into())),
            finalize: false,
            pass: 0,
        }
    }

    fn commit(sequence: i64, last: i64, to: &str) -> Vec<SqlValue> {
        let counts = (1..=10).map(SqlValue::Integer);
        [sequence.into(), last.into(), to.into()].into_iter().chain(counts).collect()
    }

    #[test]
    fn commits_behind_a_gap_do_not_count() {
        let partition = Partition { id: "0".into(), bounds: String::new() };
        let commits = [commit(1, 0, "a"), commit(2, 0, "b"), commit(4, 1, "d")];
        let state = state("users".into(), partition, &commits);
        let found = state.map(|state| (state.sequence, state.cursor, state.done, state.counts.child_deleted));
        assert_eq!(found.ok(), Some((2, Some(Cursor("b".into())), false, 20)));
    }

    #[test]
    fn a_commit_follows_the_last_one_or_is_refused() {
        let last: [SqlValue; 2] = [1.into(), "a".into()];
        assert!(require_next(&header(1, None), "users", None).is_ok());
        assert!(require_next(&header(2, Some("a")), "users", Some(&last)).is_ok());
        assert!(require_next(&header(2, Some("b")), "users", Some(&last)).is_err());
        assert!(require_next(&header(1, None), "users", Some(&last)).is_err());
        let retry = CommitHeader { partition: "~1".into(), ..header(2, None) };
        assert!(require_next(&retry, "users", Some(&last)).is_ok());
    }

    #[test]
    fn a_checkpoint_has_a_parameter_per_column() {
        let counts = Counts { read: 1, ..Counts::default() };
        let receipt = Receipt { counts, to: Some(Cursor("a".into())), last: true };
        let statement = insert(&header(1, None), "users", &receipt);
        assert!(statement.is_ok_and(|statement| statement.values.len() == 17 && statement.sql.contains("?17)")));
    }
}
