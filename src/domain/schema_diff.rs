//! What tells two schemas apart, and what going from one to the other loses.

use super::schema::{Object, Schema, Table};
use super::sql_text::normal_form;

/// One difference between a schema and the one that is expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// In words, e.g. `column users.age is missing`.
    pub what: String,
    /// What sort it is.
    pub kind: Kind,
}

/// Sorts of differences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Something is missing, or a column, key, foreign key, index or trigger is another one.
    Structure,
    /// The same columns and keys in other words; perhaps another CHECK.
    Text,
    /// Something that is not expected at all: it may be somebody else's.
    Extra,
}

/// Something that is gone afterwards, with what was in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// The table.
    pub table: String,
    /// The column, if the table itself stays.
    pub column: Option<String>,
}

/// Everything that differs from what is expected; nothing when both mean the same.
pub fn differences(actual: &Schema, expected: &Schema) -> Vec<Difference> {
    let mut found = Vec::new();
    for wanted in &expected.objects {
        let Some(there) = object(actual, wanted) else {
            found.push(structural(format!("{} {} is missing", wanted.kind, wanted.name)));
            continue;
        };
        if normal_form(&there.sql) == normal_form(&wanted.sql) {
            continue;
        }
        let before = found.len();
        if let (Some(there), Some(wanted)) = (actual.table(&there.name), expected.table(&wanted.name)) {
            compare_tables(there, wanted, &mut found);
        }
        if found.len() == before {
            let what = format!("{} {} is declared differently", wanted.kind, wanted.name);
            let kind = if wanted.kind == "table" { Kind::Text } else { Kind::Structure };
            found.push(Difference { what, kind });
        }
    }
    let more = actual.objects.iter().filter(|there| object(expected, there).is_none());
    let extra = |there: &Object| format!("{} {} should not be there", there.kind, there.name);
    found.extend(more.map(|there| Difference { what: extra(there), kind: Kind::Extra }));
    found
}

/// Tables and columns that are gone.
pub fn losses(before: &Schema, after: &Schema) -> Vec<Loss> {
    let mut lost = Vec::new();
    for table in &before.tables {
        let name = || table.name.clone();
        let Some(stays) = after.table(&table.name) else {
            lost.push(Loss { table: name(), column: None });
            continue;
        };
        let gone = table.columns.iter().filter(|column| stays.column(&column.name).is_none());
        lost.extend(gone.map(|column| Loss { table: name(), column: Some(column.name.clone()) }));
    }
    lost
}

fn object<'a>(schema: &'a Schema, like: &Object) -> Option<&'a Object> {
    let same = |object: &&Object| object.kind == like.kind && object.name.eq_ignore_ascii_case(&like.name);
    schema.objects.iter().find(same)
}

fn structural(what: String) -> Difference {
    Difference { what, kind: Kind::Structure }
}

fn compare_tables(there: &Table, wanted: &Table, found: &mut Vec<Difference>) {
    let name = &wanted.name;
    for column in &wanted.columns {
        match there.column(&column.name) {
            None => found.push(structural(format!("column {name}.{} is missing", column.name))),
            Some(own) => {
                let mut differs = |what: &str, own: &str, wanted: &str| {
                    if own != wanted {
                        let column = &column.name;
                        found.push(structural(format!("{what} of {name}.{column} is {own}, not {wanted}")));
                    }
                };
                differs("the type", shown(&own.declared_type), shown(&column.declared_type));
                differs("NOT NULL", yes(own.not_null), yes(column.not_null));
                differs("the default", default(own), default(column));
            }
        }
    }
    for column in there.columns.iter().filter(|own| wanted.column(&own.name).is_none()) {
        found.push(structural(format!("column {name}.{} should not be there", column.name)));
    }
    let mut differs = |what: &str, own: String, wanted: String| {
        if !own.eq_ignore_ascii_case(&wanted) {
            found.push(structural(format!("{what} of {name}: {own}, not {wanted}")));
        }
    };
    differs("the primary key", list(&there.primary_key), list(&wanted.primary_key));
    differs("unique", sets(&there.unique), sets(&wanted.unique));
    differs("foreign keys", keys(there), keys(wanted));
    differs("STRICT", yes(there.strict).to_owned(), yes(wanted.strict).to_owned());
    differs("WITHOUT ROWID", yes(there.without_rowid).to_owned(), yes(wanted.without_rowid).to_owned());
}

fn shown(text: &str) -> &str {
    if text.is_empty() { "none" } else { text }
}

fn yes(value: bool) -> &'static str {
    if value { "yes" } else { "no" }
}

fn default(column: &super::schema::Column) -> &str {
    column.default.as_deref().unwrap_or("none")
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn sets(sets: &[Vec<String>]) -> String {
    let mut sets: Vec<String> = sets.iter().map(|set| format!("({})", set.join(", "))).collect();
    sets.sort();
    list(&sets)
}

fn keys(table: &Table) -> String {
    let mut keys: Vec<String> = table
        .foreign_keys
        .iter()
        .map(|key| {
            let (own, parents) = (key.columns.join(", "), key.parent_columns.join(", "));
            format!("({own}) → {}({parents}) ON DELETE {}", key.parent, key.on_delete)
        })
        .collect();
    keys.sort();
    list(&keys)
}

#[cfg(test)]
mod tests {
    use super::super::schema::Column;
    use super::*;

    fn schema(columns: &[(&str, &str)], sql: &str) -> Schema {
        let column = |(name, kind): &(&str, &str)| Column {
            name: (*name).to_owned(),
            declared_type: (*kind).to_owned(),
            ..Column::default()
        };
        let columns = columns.iter().map(column).collect();
        let table = Table { name: "t".into(), columns, ..Table::default() };
        let object = Object { kind: "table".into(), name: "t".into(), sql: sql.into() };
        Schema { tables: vec![table], objects: vec![object], ..Schema::default() }
    }

    fn whats(found: &[Difference]) -> Vec<&str> {
        found.iter().map(|difference| difference.what.as_str()).collect()
    }

    #[test]
    fn the_same_in_other_words_is_no_difference() {
        let one = schema(&[("a", "TEXT")], "CREATE TABLE t (a TEXT)");
        let other = schema(&[("a", "TEXT")], "create table \"t\" (\n a text )");
        assert_eq!(differences(&one, &other), []);
    }

    #[test]
    fn differences_are_named_by_what_they_concern() {
        let actual = schema(&[("a", "TEXT"), ("c", "TEXT")], "CREATE TABLE t (a TEXT, c TEXT)");
        let expected = schema(&[("a", "INTEGER"), ("b", "TEXT")], "CREATE TABLE t (a INTEGER, b TEXT)");
        assert_eq!(
            whats(&differences(&actual, &expected)),
            ["the type of t.a is TEXT, not INTEGER", "column t.b is missing", "column t.c should not be there"]
        );
        assert_eq!(whats(&differences(&Schema::default(), &expected)), ["table t is missing"]);
        assert_eq!(whats(&differences(&actual, &Schema::default())), ["table t should not be there"]);
        let checked = schema(&[("a", "TEXT")], "CREATE TABLE t (a TEXT CHECK (a <> ''))");
        let found = differences(&checked, &schema(&[("a", "TEXT")], "CREATE TABLE t (a TEXT)"));
        assert_eq!((whats(&found), found[0].kind), (vec!["table t is declared differently"], Kind::Text));
    }

    #[test]
    fn tables_and_columns_that_go_are_lost() {
        let before = schema(&[("a", "TEXT"), ("b", "TEXT")], "");
        let after = schema(&[("a", "TEXT")], "");
        assert_eq!(losses(&before, &after), [Loss { table: "t".into(), column: Some("b".into()) }]);
        assert_eq!(losses(&before, &Schema::default()), [Loss { table: "t".into(), column: None }]);
        assert_eq!(losses(&after, &before), []);
    }
}
