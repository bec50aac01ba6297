//! Count validation: what was read, what was written, and what is there must add up.

use std::collections::BTreeMap;

use super::bookmark::Bookmark;
use super::steps::Step;
use crate::destination::{Destination, PartitionState};
use crate::domain::cursor::{Counts, Cursor};
use crate::error::Result;
use crate::report::run::Validation;
use crate::source::Source;

/// What is known of one collection when its run ends.
pub(super) struct Known<'a> {
    /// The collection.
    pub step: &'a Step,
    /// Its durable counts.
    pub counts: Counts,
    /// Independent count of the source.
    pub source_count: Option<u64>,
    /// Documents of other collections that the count could not tell apart.
    pub passed_over: u64,
}

/// Documents of other collections that came along with a collection, over all its partitions.
pub(super) fn passed_over(source: &dyn Source, states: &[PartitionState], collection: &str) -> u64 {
    let own = states.iter().filter(|state| state.collection == collection);
    let cursors = own.filter_map(|state| Bookmark::load(state.cursor.as_ref()?).ok());
    cursors.map(|bookmark| source.passed_over(&Cursor(bookmark.cursor))).sum()
}

/// Every table of the steps.
pub(super) fn tables_of(steps: &[Step]) -> Vec<String> {
    steps.iter().flat_map(Step::tables).map(str::to_owned).collect()
}

/// Rows of every table of the steps.
pub(super) async fn rows_of(destination: &mut dyn Destination, steps: &[Step]) -> Result<BTreeMap<String, u64>> {
    let tables = tables_of(steps);
    let rows = destination.count(&tables).await?;
    Ok(tables.into_iter().zip(rows).collect())
}

/// Validates one collection by the rows of its tables before and after.
pub(super) fn validate(
    known: &Known<'_>,
    rows_before: &BTreeMap<String, u64>,
    rows_after: &BTreeMap<String, u64>,
) -> Validation {
    let tables: Vec<String> = known.step.tables().map(str::to_owned).collect();
    let of = |rows: &BTreeMap<String, u64>| -> Vec<u64> {
        tables.iter().map(|table| rows.get(table).copied().unwrap_or(0)).collect()
    };
    let (before, after) = (of(rows_before), of(rows_after));
    let mut differences = Vec::new();
    check_documents(&known.counts, known.source_count, known.passed_over, &mut differences);
    check_rows(&known.counts, &tables, &before, &after, &mut differences);
    Validation {
        valid: differences.is_empty(),
        source_count: known.source_count.map(|count| count.saturating_sub(known.passed_over)),
        rows_before: Some(before.first().copied().unwrap_or(0)),
        rows_after: Some(after.first().copied().unwrap_or(0)),
        differences,
    }
}

/// Validates what was read by its changes: the counts of what became of it add up.
pub(super) fn validate_sum(counts: &Counts) -> Validation {
    let mut differences = Vec::new();
    check_documents(counts, None, 0, &mut differences);
    Validation { valid: differences.is_empty(), source_count: None, rows_before: None, rows_after: None, differences }
}

/// Validates a collection whose last run read only what changed: what is there now is all that the source holds, less what
/// that run could not write. Nothing is known of documents that conditions leave out.
pub(super) fn validate_kept(known: &Known<'_>, rows: &BTreeMap<String, u64>) -> Validation {
    let table = &known.step.mapping.table;
    let stored = rows.get(table).copied().unwrap_or(0);
    let rejected = u64::try_from(known.counts.rejected + known.counts.waiting).unwrap_or(0);
    let source = known.source_count.map(|count| count.saturating_sub(known.passed_over));
    let whole = known.step.mapping.filter.conditions.is_empty();
    let differing = source.filter(|count| whole && *count != stored + rejected);
    let differences = differing.map(|count| {
        format!("the source holds {count} documents; {table} has {stored} rows, and {rejected} documents were rejected")
    });
    let differences: Vec<String> = differences.into_iter().collect();
    Validation {
        valid: differences.is_empty(),
        source_count: source,
        rows_before: None,
        rows_after: Some(stored),
        differences,
    }
}

fn check_documents(counts: &Counts, source_count: Option<u64>, passed_over: u64, differences: &mut Vec<String>) {
    if let Some(source) = source_count
        && i128::from(source) != i128::from(counts.read) + i128::from(passed_over)
    {
        let others = match passed_over {
            0 => String::new(),
            others => format!(", and {others} of other collections with the same name"),
        };
        differences.push(format!("the source holds {source} documents, {} were read{others}", counts.read));
    }
    if !counts.adds_up() || counts.waiting != 0 {
        differences.push(format!(
            "{} documents were read, but inserted {} + updated {} + unchanged {} + skipped {} + rejected {} + waiting {} differ from that",
            counts.read,
            counts.inserted,
            counts.updated,
            counts.unchanged,
            counts.skipped,
            counts.rejected,
            counts.waiting
        ));
    }
}

fn check_rows(counts: &Counts, tables: &[String], before: &[u64], after: &[u64], differences: &mut Vec<String>) {
    let (Some((table, children)), Some((main_before, child_before)), Some((main_after, child_after))) =
        (tables.split_first(), before.split_first(), after.split_first())
    else {
        return;
    };
    let expected = i128::from(*main_before) + i128::from(counts.inserted);
    if i128::from(*main_after) != expected {
        differences.push(format!(
            "{table} has {main_after} rows, expected {expected} ({main_before} before + {} inserted)",
            counts.inserted
        ));
    }
    let sum = |rows: &[u64]| rows.iter().map(|rows| i128::from(*rows)).sum::<i128>();
    let expected = sum(child_before) + i128::from(counts.child_inserted) - i128::from(counts.child_deleted);
    if sum(child_after) != expected {
        differences.push(format!(
            "{} have {} rows together, expected {expected} ({} before + {} inserted - {} deleted)",
            children.join(", "),
            sum(child_after),
            sum(child_before),
            counts.child_inserted,
            counts.child_deleted
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documents(counts: Counts, source: u64) -> Vec<String> {
        let mut differences = Vec::new();
        check_documents(&counts, Some(source), 0, &mut differences);
        differences
    }

    #[test]
    fn a_document_that_was_not_read_is_a_difference() {
        let counts = Counts { read: 2, inserted: 2, ..Counts::default() };
        assert_eq!(documents(counts, 2), Vec::<String>::new());
        assert_eq!(documents(counts, 3), ["the source holds 3 documents, 2 were read"]);
    }

    #[test]
    fn a_document_that_is_not_accounted_for_is_a_difference() {
        let counts = Counts { read: 3, inserted: 1, rejected: 1, ..Counts::default() };
        assert!(documents(counts, 3).iter().any(|text| text.starts_with("3 documents were read, but inserted 1")));
        let counts = Counts { read: 1, waiting: 1, ..Counts::default() };
        assert!(documents(counts, 1).iter().any(|text| text.contains("waiting 1")));
    }

    #[test]
    fn a_row_that_is_not_there_is_a_difference_in_tables_and_child_tables() {
        let counts = Counts { inserted: 2, child_inserted: 5, child_deleted: 1, ..Counts::default() };
        let tables = ["users", "user_tags", "user_languages"].map(str::to_owned);
        let mut differences = Vec::new();
        check_rows(&counts, &tables, &[10, 1, 1], &[12, 3, 3], &mut differences);
        assert_eq!(differences, Vec::<String>::new());
        check_rows(&counts, &tables, &[10, 1, 1], &[11, 3, 2], &mut differences);
        assert_eq!(
            differences,
            [
                "users has 11 rows, expected 12 (10 before + 2 inserted)",
                "user_tags, user_languages have 5 rows together, expected 6 (2 before + 5 inserted - 1 deleted)"
            ]
        );
    }
}
