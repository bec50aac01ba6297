//! The statements that remove rows of documents that are gone.

use super::sql::quote;
use super::statement::Statement;
use crate::destination::{How, Removal, Target};
use crate::domain::row::SqlValue;
use crate::domain::schema::Schema;

/// The statements of one transaction; the last one changes the documents' own rows.
pub(super) fn statements(schema: &Schema, removal: &Removal<'_>) -> Vec<Statement> {
    let target = removal.target;
    let mut values: Vec<SqlValue> = Vec::new();
    let keys = keys(removal, &mut values);
    let table = quote(&target.table);
    let set = |assignment: String, condition: String, extra: Vec<SqlValue>| {
        let values = values.iter().cloned().chain(extra).collect();
        Statement::new(format!("UPDATE {table} SET {assignment} WHERE {keys} AND {condition}"), values)
    };
    match removal.how {
        How::Mark { column, since } => {
            let (column, place) = (quote(column), values.len() + 1);
            vec![set(format!("{column} = ?{place}"), format!("{column} IS NULL"), vec![since.into()])]
        }
        How::Unmark { column } => {
            let column = quote(column);
            vec![set(format!("{column} = NULL"), format!("{column} IS NOT NULL"), vec![])]
        }
        How::Delete => {
            let free = free(schema, target);
            let doomed = format!("{keys}{free}");
            let children = target.children.iter().map(|child| {
                let names = |columns: Vec<&String>| columns.into_iter().map(|name| quote(name)).collect::<Vec<_>>();
                let own = names(child.link.iter().filter_map(|(own, _)| child.columns.get(*own)).collect());
                let parent = names(child.link.iter().filter_map(|(_, parent)| target.columns.get(*parent)).collect());
                let sql = format!(
                    "DELETE FROM {} WHERE ({}) IN (SELECT {} FROM {table} WHERE {doomed})",
                    quote(&child.table),
                    own.join(", "),
                    parent.join(", ")
                );
                Statement::new(sql, values.clone())
            });
            let own = Statement::new(format!("DELETE FROM {table} WHERE {doomed}"), values.clone());
            children.chain([own]).collect()
        }
    }
}

/// `(k1, k2) IN (VALUES …)`.
fn keys(removal: &Removal<'_>, values: &mut Vec<SqlValue>) -> String {
    let target = removal.target;
    let columns = target.key.iter().filter_map(|index| target.columns.get(*index)).map(|name| {
        // Two columns may have one name in a condition about other tables.
        format!("{}.{}", quote(&target.table), quote(name))
    });
    let columns: Vec<String> = columns.collect();
    let rows = removal.keys.iter().map(|key| {
        let places = key.iter().map(|value| {
            values.push(value.clone());
            format!("?{}", values.len())
        });
        format!("({})", places.collect::<Vec<_>>().join(", "))
    });
    let rows: Vec<String> = rows.collect();
    format!("({}) IN (VALUES {})", columns.join(", "), rows.join(", "))
}

/// Conditions that nothing but the target's own child tables refers to a row: a foreign key that acts would take rows along
/// whose documents are still there.
fn free(schema: &Schema, target: &Target) -> String {
    let mut conditions = String::new();
    for (number, table) in schema.tables.iter().enumerate() {
        if target.children.iter().any(|child| child.table.eq_ignore_ascii_case(&table.name)) {
            continue;
        }
        for key in table.foreign_keys.iter().filter(|key| key.parent.eq_ignore_ascii_case(&target.table)) {
            let alias = format!("_f{number}");
            let pairs =
                key.columns.iter().zip(&key.parent_columns).map(|(own, parent)| {
                    format!("{alias}.{} = {}.{}", quote(own), quote(&target.table), quote(parent))
                });
            let pairs = pairs.collect::<Vec<_>>().join(" AND ");
            conditions
                .push_str(&format!(" AND NOT EXISTS (SELECT 1 FROM {} AS {alias} WHERE {pairs})", quote(&table.name)));
        }
    }
    conditions
}
