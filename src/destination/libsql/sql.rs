//! SQL texts. Every name is quoted, every value is a parameter.

use super::existing::{others, question};
use crate::destination::{ChildTarget, Target};

/// A name in SQL.
pub(super) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Two result columns from which a value of any type can be read exactly (see `database`).
pub(super) fn exact(expression: &str) -> String {
    format!(
        "typeof({expression}), CASE typeof({expression}) WHEN 'text' THEN CAST({expression} AS BLOB) ELSE {expression} END"
    )
}

/// Names, quoted and separated by commas.
pub(super) fn list<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    names.into_iter().map(|name| quote(name)).collect::<Vec<_>>().join(", ")
}

/// `INSERT` of one row. `OR ABORT` overrides conflict clauses of the schema, which could delete other rows.
fn insert(table: &str, columns: &[String]) -> String {
    let parameters: Vec<String> = (1..=columns.len()).map(|number| format!("?{number}")).collect();
    format!("INSERT OR ABORT INTO {} ({}) VALUES ({})", quote(table), list(columns), parameters.join(", "))
}

/// Inserts the document's row unless its key exists.
pub(super) fn insert_row(target: &Target) -> String {
    let key = list(target.key.iter().map(|index| &target.columns[*index]));
    format!("{} ON CONFLICT ({key}) DO NOTHING", insert(&target.table, &target.columns))
}

/// Makes the mapped columns equal. `None` when all of them are key.
pub(super) fn update_row(target: &Target) -> Option<String> {
    let set: Vec<String> =
        others(target).map(|index| format!("{} = ?{}", quote(&target.columns[index]), index + 1)).collect();
    let (table, key) = (quote(&target.table), same_key(target));
    (!set.is_empty()).then(|| format!("UPDATE OR ABORT {table} SET {} WHERE {key}", set.join(", ")))
}

/// How the row that has exactly this key stands to the document's (see `existing`); no row without one.
pub(super) fn compare_row(target: &Target) -> String {
    let question = question(target, &|index| quote(&target.columns[index]), &|index| format!("?{}", index + 1));
    format!("SELECT {question} FROM {} WHERE {}", quote(&target.table), same_key(target))
}

/// The same, and the row's number, which the table knows by this name, as the last column.
pub(super) fn compare_numbered_row(target: &Target, number: &str) -> String {
    let question = question(target, &|index| quote(&target.columns[index]), &|index| format!("?{}", index + 1));
    format!("SELECT {question}, {number} FROM {} WHERE {}", quote(&target.table), same_key(target))
}

/// The row with exactly this key; parameters are the key's values.
pub(super) fn select_row(target: &Target) -> String {
    let columns: Vec<String> = target.columns.iter().map(|column| exact(&quote(column))).collect();
    let key = target.key.iter().enumerate();
    let key: Vec<String> = key.map(|(position, index)| equal(&target.columns[*index], position + 1)).collect();
    format!("SELECT {} FROM {} WHERE {}", columns.join(", "), quote(&target.table), key.join(" AND "))
}

/// The row whose key is this one by bytes. The first comparison finds it by the index, the second is exact under
/// any collation of the column.
pub(super) fn same_key(target: &Target) -> String {
    let parts: Vec<String> = target.key.iter().map(|index| equal(&target.columns[*index], index + 1)).collect();
    parts.join(" AND ")
}

fn equal(column: &str, number: usize) -> String {
    let column = quote(column);
    format!("{column} = ?{number} AND {column} COLLATE BINARY = ?{number} AND typeof({column}) = typeof(?{number})")
}

/// Inserts a child row.
pub(super) fn insert_child(child: &ChildTarget) -> String {
    insert(&child.table, &child.columns)
}

/// A document's child rows, exactly; parameters are the linked values of its row.
pub(super) fn select_children(child: &ChildTarget) -> String {
    let columns: Vec<String> = child.columns.iter().map(|column| exact(&quote(column))).collect();
    format!("SELECT {} FROM {} WHERE {}", columns.join(", "), quote(&child.table), same_parent(child))
}

/// Deletes a document's child rows.
pub(super) fn delete_children(child: &ChildTarget) -> String {
    format!("DELETE FROM {} WHERE {}", quote(&child.table), same_parent(child))
}

/// The rows of a document in a child table.
pub(super) fn same_parent(child: &ChildTarget) -> String {
    let parts: Vec<String> = child
        .link
        .iter()
        .enumerate()
        .map(|(position, (column, _))| equal(&child.columns[*column], position + 1))
        .collect();
    parts.join(" AND ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destination::OnConflict;
    use crate::domain::document::CollectionPattern;

    fn target(columns: &[&str], key: &[usize]) -> Target {
        Target {
            collection: CollectionPattern::of("users"),
            table: "us\"ers".into(),
            columns: columns.iter().map(|name| (*name).to_owned()).collect(),
            key: key.to_vec(),
            children: vec![],
            on_conflict: OnConflict::Replace,
            json: vec![],
            empty_at_start: true,
            remember_keys: false,
        }
    }

    #[test]
    fn names_are_quoted_and_values_are_parameters() {
        assert_eq!(
            insert_row(&target(&["id", "order"], &[0])),
            r#"INSERT OR ABORT INTO "us""ers" ("id", "order") VALUES (?1, ?2) ON CONFLICT ("id") DO NOTHING"#
        );
    }

    #[test]
    fn a_row_of_keys_alone_has_nothing_to_update() {
        assert_eq!(update_row(&target(&["a", "b"], &[1, 0])), None);
        assert!(compare_row(&target(&["a", "b"], &[1, 0])).starts_with("SELECT 0 FROM"));
    }
}
