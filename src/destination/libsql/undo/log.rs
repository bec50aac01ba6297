//! Filling the log: rows are copied into the mirror before they change, and after.

use super::mirror::{AFTER, BEFORE, KIND, Mirror, RUN};

/// A table whose changes are logged for a run.
#[derive(Debug, Clone)]
pub struct Logged {
    mirror: Mirror,
    /// The number of the run.
    run: i64,
    /// The run may write a row twice: it keeps what was there at first.
    twice: bool,
}

/// When a row is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    /// Before it is changed or deleted.
    Before,
    /// After it was inserted or changed.
    After,
}

impl Logged {
    /// The log of the table for a run.
    pub fn new(mirror: Mirror, run: i64, twice: bool) -> Self {
        Self { mirror, run, twice }
    }

    /// Copies the rows of `from` (the table, joined or not) for which the condition holds. More than one statement where the
    /// run may have written a row before.
    pub fn fill(&self, when: Fill, from: &str, condition: &str) -> Vec<String> {
        let (table, mirror) = (self.mirror.of(), self.mirror.quoted());
        let (kind, conflict) = match when {
            Fill::Before => (BEFORE, "IGNORE"),
            Fill::After => (AFTER, "REPLACE"),
        };
        let copied = self.mirror.copied();
        let into: Vec<&str> = copied.iter().map(|(_, own)| own.as_str()).collect();
        let values: Vec<String> = copied.iter().map(|(column, _)| format!("{table}.{column}")).collect();
        let again = self.twice && when == Fill::Before;
        // What the run itself made was not there before.
        let new = if again { format!(" AND NOT {}", self.was_written()) } else { String::new() };
        let insert = format!(
            "INSERT OR {conflict} INTO {mirror} ({RUN}, {KIND}, {}) SELECT {}, {kind}, {} FROM {from} WHERE {condition}{new}",
            into.join(", "),
            self.run,
            values.join(", ")
        );
        let identity: Vec<String> =
            self.mirror.identity().into_iter().map(|(column, _)| format!("{table}.{column}")).collect();
        let forget = format!(
            "DELETE FROM {mirror} WHERE {RUN} = {} AND {KIND} = {AFTER} AND ({}) IN (SELECT {} FROM {from} WHERE {condition})",
            self.run,
            self.mirror.identified(""),
            identity.join(", ")
        );
        if again { vec![insert, forget] } else { vec![insert] }
    }

    /// Forgets the copy of a row that was not changed after all.
    pub fn forget(&self, condition: &str) -> String {
        let table = self.mirror.of();
        let identity: Vec<String> = self.mirror.identity().into_iter().map(|(column, _)| column).collect();
        format!(
            "DELETE FROM {} WHERE {RUN} = {} AND {KIND} = {BEFORE} AND ({}) IN (SELECT {} FROM {table} WHERE {condition})",
            self.mirror.quoted(),
            self.run,
            self.mirror.identified(""),
            identity.join(", ")
        )
    }

    fn was_written(&self) -> String {
        let table = self.mirror.of();
        let same: Vec<String> =
            self.mirror.identity().into_iter().map(|(column, own)| format!("l.{own} = +{table}.{column}")).collect();
        format!(
            "EXISTS (SELECT 1 FROM {} AS l WHERE l.{RUN} = {} AND l.{KIND} = {AFTER} AND {})",
            self.mirror.quoted(),
            self.run,
            same.join(" AND ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::mirror::Shape;
    use super::*;

    fn logged(twice: bool) -> Logged {
        let columns = vec!["a".to_owned()];
        let shape = Shape { rowid: Some("rowid".into()), hidden: true, key: vec![], columns };
        Logged::new(Mirror { table: "t".into(), name: "_fireferry_undo_t".into(), shape }, 7, twice)
    }

    #[test]
    fn a_row_is_copied_with_its_number() {
        assert_eq!(
            logged(false).fill(Fill::After, "\"t\"", "\"a\" = ?1"),
            [
                r#"INSERT OR REPLACE INTO "_fireferry_undo_t" ("_fireferry_run", "_fireferry_kind", "_fireferry_rowid", "a") SELECT 7, 1, "t".rowid, "t"."a" FROM "t" WHERE "a" = ?1"#
            ]
        );
    }

    #[test]
    fn what_the_run_wrote_itself_was_not_there_before() {
        let statements = logged(true).fill(Fill::Before, "\"t\"", "\"a\" = ?1");
        assert_eq!(statements.len(), 2);
        assert!(statements[0].contains("AND NOT EXISTS") && statements[1].starts_with("DELETE FROM"), "{statements:?}");
        assert_eq!(logged(true).fill(Fill::After, "\"t\"", "1").len(), 1);
    }
}
