//! What speaks against taking a run back, as statements. Each gives the row's key for people. Joins begin with the log's
//! entries (`CROSS JOIN` keeps that order): without statistics, a planner takes all entries of a run for a handful.

use super::super::sql::quote;
use super::super::statement::{Statement, number};
use super::mirror::{AFTER, BEFORE, KIND, Mirror, RUN};
use super::take_back::{Bound, between};
use crate::destination::Extent;
use crate::domain::row::SqlValue;
use crate::domain::schema::{ForeignKey, Table};

/// Conflicts told of one kind.
pub const SHOWN: u64 = 10;
/// Characters of one value that are shown.
const LONGEST: usize = 60;

/// A question, and what it means if it is answered.
pub struct Check {
    pub statement: Statement,
    pub reason: String,
}

/// The table's row `t` is the one of the mirror's entry `u`.
pub fn same_row(mirror: &Mirror, t: &str, u: &str) -> String {
    let is_rowid = mirror.shape.rowid.is_some();
    let same = |(column, own): (String, String)| match is_rowid {
        true => format!("{t}.{column} = {u}.{own}"),
        false => format!(
            "{t}.{column} = {u}.{own} AND {t}.{column} COLLATE BINARY = {u}.{own} AND typeof({t}.{column}) = typeof({u}.{own})"
        ),
    };
    mirror.identity().into_iter().map(same).collect::<Vec<_>>().join(" AND ")
}

/// The mirror's entry `entry` is of the table's row `row`: found by the mirror's key, for which the row's value must come
/// without the affinity and the collation of its column.
pub fn entry_of(mirror: &Mirror, entry: &str, row: &str) -> String {
    let same = |(column, own): (String, String)| format!("{entry}.{own} = +{row}.{column}");
    mirror.identity().into_iter().map(same).collect::<Vec<_>>().join(" AND ")
}

/// The row `t` is not the one of the entry `u`.
fn differs(mirror: &Mirror) -> String {
    let gone = mirror.identity().first().map(|(column, _)| format!("t.{column} IS NULL")).unwrap_or_default();
    let mut differences: Vec<String> = mirror.shape.columns.iter().map(|name| other(&quote(name), "t")).collect();
    differences.insert(0, gone);
    grouped(&differences)
}

/// The column of `row` is another one than that of the entry `u`.
fn other(name: &str, row: &str) -> String {
    format!("{row}.{name} COLLATE BINARY IS NOT u.{name} OR typeof({row}.{name}) <> typeof(u.{name})")
}

/// `SELECT` of entries `u` of rows that are not as the run left them.
pub fn changed_rows(mirror: &Mirror, selected: &str, within: &str) -> String {
    format!(
        "SELECT {selected} FROM {} AS u LEFT JOIN {} AS t ON {} WHERE {within} AND u.{KIND} = {AFTER} AND ({})",
        mirror.quoted(),
        mirror.of(),
        same_row(mirror, "t", "u"),
        differs(mirror)
    )
}

/// In one pass over a part of the log: rows that the run left, those of them that were there before, those that are not so
/// any more; entries of rows that were there; and of every column, whether the run changed it anywhere.
pub fn extent(mirror: &Mirror, run: i64, after: &Bound, upto: &Bound) -> Statement {
    let same: Vec<String> = mirror.identity().into_iter().map(|(_, own)| format!("b.{own} = u.{own}")).collect();
    let changed = |name: &String| format!(", coalesce(max(b.{RUN} IS NOT NULL AND ({})), 0)", other(&quote(name), "b"));
    let (within, values) = between(mirror, run, after, upto, "u.");
    let (within_own, _) = between(mirror, run, after, upto, "");
    let sql = format!(
        "SELECT count(*), count(b.{RUN}), coalesce(sum({differs}), 0),
           (SELECT count(*) FROM {own} WHERE {within_own} AND {KIND} = {BEFORE}){changed}
         FROM {own} AS u LEFT JOIN {own} AS b ON b.{RUN} = u.{RUN} AND b.{KIND} = {BEFORE} AND {same}
           LEFT JOIN {table} AS t ON {row} WHERE {within} AND u.{KIND} = {AFTER}",
        differs = differs(mirror),
        own = mirror.quoted(),
        changed = mirror.shape.columns.iter().map(changed).collect::<String>(),
        same = same.join(" AND "),
        table = mirror.of(),
        row = same_row(mirror, "t", "u"),
    );
    Statement::new(sql, values)
}

/// Rows that wait to come back.
pub fn waiting(mirror: &Mirror, run: i64) -> Statement {
    Statement::new(format!("SELECT count(*) FROM {} WHERE {RUN} = -?1", mirror.quoted()), vec![run.into()])
}

/// `OR` over many parts: in groups, because the depth of an expression is limited.
fn grouped(parts: &[String]) -> String {
    let group = |group: &[String]| format!("({})", group.join(" OR "));
    parts.chunks(100).map(group).collect::<Vec<_>>().join(" OR ")
}

/// The key of an entry (or row) for people.
fn shown(mirror: &Mirror, prefix: &str) -> String {
    let columns: Vec<(String, String)> = match mirror.shape.key.as_slice() {
        [] => mirror.identity().into_iter().map(|(_, own)| ("row".to_owned(), own)).collect(),
        key => key.iter().map(|name| (name.clone(), quote(name))).collect(),
    };
    let one = |(name, column): (String, String)| {
        format!("'{} = ' || substr(quote({prefix}.{column}), 1, {LONGEST})", name.replace('\'', "''"))
    };
    let parts: Vec<String> = columns.into_iter().map(one).collect();
    format!("CAST({} AS BLOB)", parts.join(" || ', ' || "))
}

fn check(sql: String, run: i64, reason: impl Into<String>) -> Check {
    let values: Vec<SqlValue> = vec![run.into(), number(SHOWN)];
    Check { statement: Statement::new(format!("{sql} LIMIT ?2"), values), reason: reason.into() }
}

/// Rows that are not as the run left them.
pub fn changed(mirror: &Mirror, run: i64) -> Check {
    let sql = changed_rows(mirror, &shown(mirror, "u"), &format!("u.{RUN} = ?1"));
    check(sql, run, "changed since by somebody else, by a repair, or by a trigger")
}

/// Rows of others that hold a unique value of a row that is to come back.
pub fn taken<'a>(
    mirror: &'a Mirror,
    table: &'a Table,
    extent: &'a Extent,
    run: i64,
) -> impl Iterator<Item = Check> + 'a {
    let known = |set: &&Vec<String>| set.iter().all(|name| mirror.shape.columns.contains(name));
    let moved = move |set: &&Vec<String>| extent.deleted || changes_any(extent, set);
    table.unique.iter().filter(known).filter(moved).map(move |set| {
        let same: Vec<String> = set.iter().map(|name| format!("t.{0} = u.{0}", quote(name))).collect();
        let sql = format!(
            "SELECT {} FROM {} AS u CROSS JOIN {} AS t ON {} WHERE u.{RUN} IN (?1, -?1) AND u.{KIND} = {BEFORE} AND NOT EXISTS
             (SELECT 1 FROM {} AS a WHERE a.{RUN} = ?1 AND a.{KIND} = {AFTER} AND {})",
            shown(mirror, "u"),
            mirror.quoted(),
            mirror.of(),
            same.join(" AND "),
            mirror.quoted(),
            entry_of(mirror, "a", "t")
        );
        check(sql, run, format!("its {} is held by a row that was added since", set.join(", ")))
    })
}

/// Rows that stayed have other values in one of these columns.
pub fn changes_any(extent: &Extent, columns: &[String]) -> bool {
    columns.iter().any(|name| extent.columns.iter().any(|own| own.eq_ignore_ascii_case(name)))
}

/// How the rollback treats another table.
#[derive(Clone, Copy)]
pub enum Other<'a> {
    /// It stays as it is.
    Stays,
    /// It is emptied.
    Emptied,
    /// By its log.
    Logged(&'a Mirror),
}

/// Rows of another table that refer to rows which go, and do not go themselves. `mirror`: none for a table that is emptied.
pub fn referenced(
    table: &Table,
    mirror: Option<&Mirror>,
    (child, key): (&Table, &ForeignKey),
    other: Other<'_>,
    run: i64,
) -> Option<Check> {
    let pairs: Vec<(String, String)> =
        key.columns.iter().zip(&key.parent_columns).map(|(own, parent)| (quote(own), quote(parent))).collect();
    let joined: Vec<String> = pairs.iter().map(|(own, parent)| format!("c.{own} = t.{parent}")).collect();
    let own = match other {
        Other::Emptied => return None,
        Other::Stays => String::new(),
        Other::Logged(log) => format!(
            " AND NOT EXISTS (SELECT 1 FROM {} AS x WHERE x.{RUN} = ?1 AND x.{KIND} = {AFTER} AND {})",
            log.quoted(),
            entry_of(log, "x", "c")
        ),
    };
    let (child_name, name) = (quote(&child.name), quote(&table.name));
    let reason = format!("rows of {} refer to it", child.name);
    let Some(mirror) = mirror else {
        let key =
            table.primary_key.first().map_or_else(|| "'a row'".to_owned(), |key| format!("quote(t.{})", quote(key)));
        let sql = format!(
            "SELECT CAST(substr({key}, 1, {LONGEST}) AS BLOB) FROM {child_name} AS c JOIN {name} AS t ON {} WHERE ?1 = ?1{own}",
            joined.join(" AND ")
        );
        return Some(check(sql, run, reason));
    };
    let kept: Vec<String> = pairs.iter().map(|(_, parent)| format!("b.{parent} IS u.{parent}")).collect();
    let identity: Vec<String> = mirror.identity().into_iter().map(|(_, own)| format!("b.{own} = u.{own}")).collect();
    let sql = format!(
        "SELECT DISTINCT {} FROM {} AS u CROSS JOIN {name} AS t ON {} CROSS JOIN {child_name} AS c ON {}
         WHERE u.{RUN} = ?1 AND u.{KIND} = {AFTER} AND NOT EXISTS (SELECT 1 FROM {} AS b WHERE b.{RUN} = ?1
           AND b.{KIND} = {BEFORE} AND {} AND {}){own}",
        shown(mirror, "u"),
        mirror.quoted(),
        same_row(mirror, "t", "u"),
        joined.join(" AND "),
        mirror.quoted(),
        identity.join(" AND "),
        kept.join(" AND ")
    );
    Some(check(sql, run, reason))
}

/// Rows that are to come back, whose parent is gone.
pub fn orphaned(mirror: &Mirror, key: &ForeignKey, parent: Other<'_>, run: i64) -> Check {
    let pairs: Vec<(String, String)> =
        key.columns.iter().zip(&key.parent_columns).map(|(own, parent)| (quote(own), quote(parent))).collect();
    let joined: Vec<String> = pairs.iter().map(|(own, parent)| format!("p.{parent} = u.{own}")).collect();
    let given: Vec<String> = pairs.iter().map(|(own, _)| format!("u.{own} IS NOT NULL")).collect();
    let comes_back = match parent {
        Other::Logged(log) => {
            let same: Vec<String> = pairs.iter().map(|(own, parent)| format!("x.{parent} = u.{own}")).collect();
            format!(
                " AND NOT EXISTS (SELECT 1 FROM {} AS x WHERE x.{RUN} IN (?1, -?1) AND x.{KIND} = {BEFORE} AND {})",
                log.quoted(),
                same.join(" AND ")
            )
        }
        Other::Stays | Other::Emptied => String::new(),
    };
    let sql = format!(
        "SELECT {} FROM {} AS u WHERE u.{RUN} IN (?1, -?1) AND u.{KIND} = {BEFORE} AND {}
         AND NOT EXISTS (SELECT 1 FROM {} AS p WHERE {}){comes_back}",
        shown(mirror, "u"),
        mirror.quoted(),
        given.join(" AND "),
        quote(&key.parent),
        joined.join(" AND ")
    );
    check(sql, run, format!("its parent in {} is gone", key.parent))
}
