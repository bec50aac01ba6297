//! One bounded step of taking a run back, as the statements of one transaction.
//!
//! Rows that the run changed are updated, unless a column that is part of a unique set changed: an update would stumble over
//! values that went from one row to another. Then what the run left is deleted, and what was there inserted. A value that
//! a row further on still holds is waited for: the entry gets the run's number negated, and its row comes back when all
//! others are.

use super::super::sql::{exact, quote};
use super::super::statement::{Statement, number};
use super::check;
use super::mirror::{AFTER, BEFORE, KIND, Mirror, RUN};
use crate::destination::Extent;
use crate::domain::row::SqlValue;

/// Fails the transaction.
const FAIL: &str = "abs(-9223372036854775807 - 1)";

/// How far a step goes: up to these identity values, or to the end.
pub type Bound = Option<Vec<SqlValue>>;

/// Whether entries of the run (negative: waiting ones) are left: a row if so.
pub fn any(mirror: &Mirror, run: i64) -> Statement {
    Statement::new(format!("SELECT 1 FROM {} WHERE {RUN} = ?1 LIMIT 1", mirror.quoted()), vec![run.into()])
}

/// The identity of the last of so many entries after this one; no row if fewer are left.
pub fn bound(mirror: &Mirror, run: i64, after: &Bound, entries: u64) -> Statement {
    let columns: Vec<String> = mirror.identity().iter().map(|(_, own)| exact(own)).collect();
    let (between, mut values) = between(mirror, run, after, &None, "");
    values.push(number(entries.saturating_sub(1)));
    let sql = format!(
        "SELECT {} FROM {} WHERE {between} ORDER BY {}, {KIND} LIMIT 1 OFFSET ?{}",
        columns.join(", "),
        mirror.quoted(),
        mirror.identified(""),
        values.len()
    );
    Statement::new(sql, values)
}

/// Some entries of a run, in the order of their identity.
pub struct Step<'a> {
    /// Where they are.
    pub mirror: &'a Mirror,
    /// The run.
    pub run: i64,
    /// How far the step goes.
    pub bound: &'a Bound,
    /// Rows take the place of what is in their way.
    pub force: bool,
}

impl Step<'_> {
    /// Fails unless the rows are as the run left them, and nothing is where others are to come back.
    pub fn guard(&self) -> Option<Statement> {
        let mirror = self.mirror;
        let (within, values) = within(mirror, self.run, self.bound, "u.");
        let changed = check::changed_rows(mirror, "1", &within);
        let occupied = format!(
            "SELECT 1 FROM {} AS u CROSS JOIN {} AS t ON {} WHERE {within} AND u.{KIND} = {BEFORE} AND NOT {}",
            mirror.quoted(),
            mirror.of(),
            check::same_row(mirror, "t", "u"),
            self.has("u", AFTER)
        );
        let sql = format!("SELECT CASE WHEN EXISTS ({changed}) OR EXISTS ({occupied}) THEN {FAIL} ELSE 1 END");
        (!self.force).then(|| Statement::new(sql, values))
    }

    /// Takes them back: what the run left goes, then what was there comes.
    pub fn take_back(&self) -> Vec<Statement> {
        let left = format!("{KIND} = {AFTER}");
        vec![self.delete(&left), self.insert(self.run, self.or_wait(), ""), self.wait(), self.forget(self.run)]
    }

    /// The same where changed rows can be updated: they keep their place in the indexes of columns that did not change.
    pub fn in_place(&self, extent: &Extent) -> Vec<Statement> {
        let own = self.mirror.quoted();
        let mut statements = Vec::new();
        if extent.inserted {
            statements.push(self.delete(&format!("{KIND} = {AFTER} AND NOT {}", self.has(&own, BEFORE))));
        }
        if !extent.columns.is_empty() {
            statements.push(self.update(extent));
        }
        if extent.deleted {
            let alone = format!(" AND NOT {}", self.has(&own, AFTER));
            statements.extend([self.insert(self.run, self.or_wait(), &alone), self.wait()]);
        }
        statements.push(self.forget(self.run));
        statements
    }

    /// Rows that waited, once all others are back.
    pub fn take_back_waiting(&self) -> Vec<Statement> {
        vec![self.insert(-self.run, if self.force { "REPLACE" } else { "ABORT" }, ""), self.forget(-self.run)]
    }

    fn or_wait(&self) -> &'static str {
        if self.force { "REPLACE" } else { "IGNORE" }
    }

    /// There is an entry of that kind for the row of the entry `of`.
    fn has(&self, of: &str, kind: i64) -> String {
        let same: Vec<String> =
            self.mirror.identity().into_iter().map(|(_, own)| format!("x.{own} = {of}.{own}")).collect();
        format!(
            "EXISTS (SELECT 1 FROM {} AS x WHERE x.{RUN} = ?1 AND x.{KIND} = {kind} AND {})",
            self.mirror.quoted(),
            same.join(" AND ")
        )
    }

    fn delete(&self, which: &str) -> Statement {
        let (within, values) = within(self.mirror, self.run, self.bound, "");
        let identity: Vec<String> = self.mirror.identity().into_iter().map(|(column, _)| column).collect();
        let sql = format!(
            "DELETE FROM {} WHERE ({}) IN (SELECT {} FROM {} WHERE {within} AND {which})",
            self.mirror.of(),
            identity.join(", "),
            self.mirror.identified(""),
            self.mirror.quoted()
        );
        Statement::new(sql, values)
    }

    fn update(&self, extent: &Extent) -> Statement {
        let (within, values) = within(self.mirror, self.run, self.bound, "u.");
        let set: Vec<String> = extent.columns.iter().map(|name| format!("{0} = u.{0}", quote(name))).collect();
        let was_left = if extent.deleted { format!(" AND {}", self.has("u", AFTER)) } else { String::new() };
        let sql = format!(
            "UPDATE OR ABORT {} AS t SET {} FROM {} AS u WHERE {within} AND u.{KIND} = {BEFORE} AND {}{was_left}",
            self.mirror.of(),
            set.join(", "),
            self.mirror.quoted(),
            check::same_row(self.mirror, "t", "u"),
        );
        Statement::new(sql, values)
    }

    fn insert(&self, run: i64, conflict: &str, which: &str) -> Statement {
        let (within, values) = within(self.mirror, run, self.bound, "");
        let (columns, own): (Vec<String>, Vec<String>) = self.mirror.copied().into_iter().unzip();
        let sql = format!(
            "INSERT OR {conflict} INTO {} ({}) SELECT {} FROM {} WHERE {within} AND {KIND} = {BEFORE}{which}",
            self.mirror.of(),
            columns.join(", "),
            own.join(", "),
            self.mirror.quoted()
        );
        Statement::new(sql, values)
    }

    /// Entries whose rows did not come back, because a row further on holds a value of theirs, wait.
    fn wait(&self) -> Statement {
        let (within, values) = within(self.mirror, self.run, self.bound, "");
        let own = self.mirror.quoted();
        let sql = format!(
            "UPDATE {own} SET {RUN} = -{RUN} WHERE {within} AND {KIND} = {BEFORE} AND NOT EXISTS
             (SELECT 1 FROM {} AS t WHERE {})",
            self.mirror.of(),
            check::same_row(self.mirror, "t", &own)
        );
        Statement::new(sql, values)
    }

    fn forget(&self, run: i64) -> Statement {
        forget(self.mirror, run, self.bound)
    }
}

/// The entries of a step, as the end of a condition on the mirror (called by this prefix), with its parameters.
fn within(mirror: &Mirror, run: i64, bound: &Bound, prefix: &str) -> (String, Vec<SqlValue>) {
    between(mirror, run, &None, bound, prefix)
}

/// The entries after an identity, up to another one.
pub fn between(mirror: &Mirror, run: i64, after: &Bound, upto: &Bound, prefix: &str) -> (String, Vec<SqlValue>) {
    let mut values = vec![run.into()];
    let mut condition = format!("{prefix}{RUN} = ?1");
    for (bound, compared) in [(after, ">"), (upto, "<=")] {
        let Some(bound) = bound else { continue };
        let first = values.len() + 1;
        values.extend(bound.iter().cloned());
        let parameters: Vec<String> = (first..=values.len()).map(|number| format!("?{number}")).collect();
        let identity = mirror.identified(prefix);
        condition.push_str(&format!(" AND ({identity}) {compared} ({})", parameters.join(", ")));
    }
    (condition, values)
}

/// Forgets the entries of a step, whose rows stay as they are.
pub fn forget(mirror: &Mirror, run: i64, bound: &Bound) -> Statement {
    let (within, values) = within(mirror, run, bound, "");
    Statement::new(format!("DELETE FROM {} WHERE {within}", mirror.quoted()), values)
}

/// Row numbers that nobody can refer to, and that others took since, are replaced by free ones.
pub fn renumber(mirror: &Mirror, run: i64) -> Option<Statement> {
    let rowid = mirror.shape.rowid.as_ref().filter(|_| mirror.shape.hidden)?;
    let (table, own) = (mirror.of(), mirror.quoted());
    let (_, mine) = mirror.identity().into_iter().next()?;
    let after = format!("SELECT 1 FROM {own} AS a WHERE a.{RUN} = ?1 AND a.{KIND} = {AFTER} AND a.{mine} = b.{mine}");
    let sql = format!(
        "UPDATE {own} SET {mine} = n.fresh FROM (
           SELECT b.{RUN} AS run, b.{mine} AS taken, row_number() OVER () + max(
             coalesce((SELECT max({rowid}) FROM {table}), 0), coalesce((SELECT max(m.{mine}) FROM {own} AS m), 0)) AS fresh
           FROM {own} AS b CROSS JOIN {table} AS t ON t.{rowid} = b.{mine}
           WHERE b.{RUN} IN (?1, -?1) AND b.{KIND} = {BEFORE} AND NOT EXISTS ({after})) AS n
         WHERE {own}.{RUN} = n.run AND {own}.{KIND} = {BEFORE} AND {own}.{mine} = n.taken"
    );
    Some(Statement::new(sql, vec![run.into()]))
}

/// Empties a table that was empty before the run.
pub fn empty(table: &str) -> Statement {
    Statement::new(format!("DELETE FROM {}", quote(table)), vec![])
}

/// Fails if a table has more rows than the user was told of.
pub fn no_more_rows(table: &str, rows: u64) -> Statement {
    let sql = format!("SELECT CASE WHEN (SELECT count(*) FROM {}) > ?1 THEN {FAIL} ELSE 1 END", quote(table));
    Statement::new(sql, vec![number(rows)])
}
