//! Count validation: what was read, what was written, and what is there must add up.

use std::collections::BTreeMap;

use super::steps::Step;
use crate::destination::Destination;
use crate::domain::cursor::Counts;
use crate::error::Result;
use crate::report::run::Validation;

/// What is known of one collection when its run ends.
pub(super) struct Known<'a> {
    /// The collection.
    pub step: &'a Step,
    /// Its durable counts.
    pub counts: Counts,
    /// Independent count of the source.
    pub source_count: Option<u64>,
}

/// Validates one collection against the destination.
pub(super) async fn validate(
    destination: &mut dyn Destination,
    known: &Known<'_>,
    rows_before: &BTreeMap<String, u64>,
) -> Result<Validation> {
    let tables: Vec<String> = known.step.tables().map(str::to_owned).collect();
    let after = destination.count(&tables).await?;
    let before: Vec<u64> = tables.iter().map(|table| rows_before.get(table).copied().unwrap_or(0)).collect();
    let mut differences = Vec::new();
    check_documents(known, &mut differences);
    check_rows(known, &tables, &before, &after, &mut differences);
    Ok(Validation {
        valid: differences.is_empty(),
        source_count: known.source_count,
        rows_before: before.first().copied().unwrap_or(0),
        rows_after: after.first().copied().unwrap_or(0),
        differences,
    })
}

fn check_documents(known: &Known<'_>, differences: &mut Vec<String>) {
    let counts = &known.counts;
    if let Some(source) = known.source_count
        && i128::from(source) != i128::from(counts.read)
    {
        differences.push(format!("the source holds {source} documents, {} were read", counts.read));
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

fn check_rows(known: &Known<'_>, tables: &[String], before: &[u64], after: &[u64], differences: &mut Vec<String>) {
    let counts = &known.counts;
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
