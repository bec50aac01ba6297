//! Emptying a pipeline's tables, with everything fireferry knows of its runs.

use super::super::sql;
use super::super::statement::Statement;
use super::super::undo::{Mirror, clear_log, names};

/// Deletes all rows of the tables in the order given, each by a statement of its own, and then the pipeline's runs
/// where fireferry's tables are `known` to exist, with what is in the mirrors of their undo log. In one transaction.
pub fn clear(pipeline: &str, tables: &[String], known: bool, mirrors: &[Mirror]) -> Vec<Statement> {
    const OWNED: &str = "owner IN (SELECT id FROM _fireferry_partitions
                         WHERE run IN (SELECT run FROM _fireferry_runs WHERE pipeline = ?1))";
    const OF_RUNS: &str = "run IN (SELECT run FROM _fireferry_runs WHERE pipeline = ?1)";
    // Also those that its retries keep.
    const REJECTS: &str = "run IN (SELECT run FROM _fireferry_runs WHERE pipeline = ?1)
                           OR substr(run, 1, instr(run, '~') - 1) IN (SELECT run FROM _fireferry_runs WHERE pipeline = ?1)";
    const RECORDS: [(&str, &str); 6] = [
        ("_fireferry_seen", OWNED),
        ("_fireferry_claims", OWNED),
        ("_fireferry_rejects", REJECTS),
        ("_fireferry_checkpoints", OF_RUNS),
        ("_fireferry_partitions", OF_RUNS),
        ("_fireferry_runs", "pipeline = ?1"),
    ];
    let rows = tables.iter().map(|table| Statement::new(format!("DELETE FROM {}", sql::quote(table)), vec![]));
    let records = RECORDS.iter().filter(|_| known).map(|(table, condition)| {
        Statement::new(format!("DELETE FROM {table} WHERE {condition}"), vec![pipeline.into()])
    });
    let log = clear_log(pipeline, &names(mirrors));
    rows.chain(log.into_iter().filter(|_| known)).chain(records).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_come_first_and_records_only_where_there_are_some() {
        let tables = ["b\"".to_owned(), "a".to_owned()];
        let texts: Vec<_> = clear("p", &tables, false, &[]).into_iter().map(|statement| statement.sql).collect();
        assert_eq!(texts, [r#"DELETE FROM "b""""#, r#"DELETE FROM "a""#]);
        assert_eq!(clear("p", &tables, true, &[]).len(), 8);
    }
}
