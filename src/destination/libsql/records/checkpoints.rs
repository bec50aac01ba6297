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

/// What is durable of every partition of a run, in the order they were stored. Only commits without a gap before them
/// count: with several in flight, a resume starts at the first gap.
pub fn partitions(run: &str) -> Statement {
    let (sums, sums_of) = (COUNTS.map(|name| format!("sum({name}) AS {name}")), COUNTS.map(|name| format!("d.{name}")));
    // Of a group with max(), the other columns are those of the row with the maximum.
    let sql = format!(
        "SELECT CAST(p.collection AS BLOB), CAST(p.partition AS BLOB), CAST(p.bounds AS BLOB),
           d.sequence, CAST(d.cursor_to AS BLOB), d.done, {}
         FROM _fireferry_partitions p LEFT JOIN (
           SELECT collection, partition, max(sequence) AS sequence, cursor_to, sum(last) AS done, {}
           FROM (SELECT *, row_number() OVER (PARTITION BY collection, partition ORDER BY sequence) AS place
                 FROM _fireferry_checkpoints WHERE run = ?1)
           WHERE sequence = place GROUP BY collection, partition
         ) d ON d.collection = p.collection AND d.partition = p.partition
         WHERE p.run = ?1 ORDER BY p.id",
        sums_of.join(", "),
        sums.join(", ")
    );
    Statement::new(sql, vec![run.into()])
}

/// A row of [`partitions`].
pub fn decode_partition(row: &[SqlValue]) -> Result<PartitionState, Failure> {
    let partition = Partition { id: text(row, 1)?, bounds: text(row, 2)? };
    let collection = text(row, 0)?;
    if row.get(3) == Some(&SqlValue::Null) {
        return Ok(PartitionState::at_start(collection, partition));
    }
    Ok(PartitionState {
        partition,
        collection,
        sequence: u64::try_from(integer(row, 3)?).unwrap_or_default(),
        cursor: optional_text(row, 4)?.map(Cursor),
        done: integer(row, 5)? > 0,
        counts: counts(row, 6)?,
    })
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

    #[test]
    fn a_partition_without_a_commit_is_at_its_start() {
        let row = [vec!["users".into(), "0".into(), "b".into()], vec![SqlValue::Null; 13]].concat();
        let state = decode_partition(&row).map(|state| (state.sequence, state.cursor, state.done, state.counts));
        assert_eq!(state.ok(), Some((0, None, false, Counts::default())));
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
