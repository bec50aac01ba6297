//! Emptying a pipeline's tables, with everything fireferry knows of its runs.

use super::super::sql;
use super::super::statement::Statement;

/// Deletes all rows of the tables in the order given, each by a statement of its own, and then the pipeline's runs
/// where fireferry's tables are `known` to exist. In one transaction.
pub fn clear(pipeline: &str, tables: &[String], known: bool) -> Vec<Statement> {
    const OWNED: &str = "owner IN (SELECT id FROM _fireferry_partitions
                         WHERE run IN (SELECT run FROM _fireferry_runs WHERE pipeline = ?1))";
    const OF_RUNS: &str = "run IN (SELECT run FROM _fireferry_runs WHERE pipeline = ?1)";
    const RECORDS: [(&str, &str); 6] = [
        ("_fireferry_seen", OWNED),
        ("_fireferry_claims", OWNED),
        ("_fireferry_rejects", OF_RUNS),
        ("_fireferry_checkpoints", OF_RUNS),
        ("_fireferry_partitions", OF_RUNS),
        ("_fireferry_runs", "pipeline = ?1"),
    ];
    let rows = tables.iter().map(|table| Statement::new(format!("DELETE FROM {}", sql::quote(table)), vec![]));
    let records = RECORDS.iter().filter(|_| known).map(|(table, condition)| {
        Statement::new(format!("DELETE FROM {table} WHERE {condition}"), vec![pipeline.into()])
    });
    rows.chain(records).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_come_first_and_records_only_where_there_are_some() {
        let tables = ["b\"".to_owned(), "a".to_owned()];
        let texts: Vec<_> = clear("p", &tables, false).into_iter().map(|statement| statement.sql).collect();
        assert_eq!(texts, [r#"DELETE FROM "b""""#, r#"DELETE FROM "a""#]);
        assert_eq!(clear("p", &tables, true).len(), 8);
    }
}
