//! Keys: unique in the schema, and determining the document.

use super::super::{ChildMapping, ColumnMapping, ColumnType, Input, Mapping};
use super::BindProblem;
use crate::domain::schema::{Affinity, Table};

impl Mapping {
    pub(super) fn check_key(&self, table: &Table, problems: &mut Vec<BindProblem>) {
        if check_unique(table, &self.columns, &self.key, problems) && !self.determines(self.key.iter().copied()) {
            let names = names(&self.columns, &self.key).join(", ");
            let warning = self.columns.iter().any(|column| is_unchanged(column, &Input::Path));
            let kept = if warning { "" } else { " and no column keeps `$path`" };
            problems.push(BindProblem {
                code: "key_not_determining",
                message: format!("the key of `{}` ({names}) does not determine the document{kept}", self.table),
                hint: format!("make the key of {}, or add a column `from: $path`", self.determining_inputs()),
                warning,
            });
        }
    }

    pub(super) fn check_child(&self, child: &ChildMapping, table: Option<&Table>, problems: &mut Vec<BindProblem>) {
        let name = &child.table;
        if let Some(table) = table {
            check_unique(table, &child.columns, &child.key, problems);
        }
        if child.link.is_empty() {
            problems.push(BindProblem::error(
                "child_link_missing",
                format!("no column of `{name}` links its rows to their document"),
                format!("map a column with the same input as the key of `{}`", self.table),
            ));
            return;
        }
        for (own, parent) in &child.link {
            if let (Some(own), Some(parent)) = (child.columns.get(*own), self.columns.get(*parent))
                && !stores_the_same(own, parent)
            {
                let (own, parent) = (&own.name, &parent.name);
                problems.push(BindProblem::error(
                    "child_link_differs",
                    format!("`{name}.{own}` and `{}.{parent}` may store different values", self.table),
                    "give both the same input, type, transforms, lookup and default",
                ));
            }
        }
        let has_key = !self.key.is_empty() && self.key.iter().all(|key| child.link.iter().any(|(_, p)| p == key));
        if !has_key && !self.determines(child.link.iter().map(|(_, parent)| *parent)) {
            problems.push(BindProblem::error(
                "child_link_not_determining",
                format!("the columns that link `{name}` to `{}` fit several documents", self.table),
                format!("map the whole key of `{}` in `{name}` too", self.table),
            ));
        }
        if !child.key.is_empty() && !child.link.iter().all(|(own, _)| child.key.contains(own)) {
            problems.push(BindProblem {
                code: "child_key_without_link",
                message: format!("the key of `{name}` does not contain the columns that link it to its document"),
                hint: "two documents with equal elements would collide: add the link columns to the key".into(),
                warning: true,
            });
        }
    }

    /// Whether columns (by index) tell every document of the collection from every other.
    fn determines(&self, columns: impl Iterator<Item = usize> + Clone) -> bool {
        let has = |input: &Input| {
            columns.clone().filter_map(|index| self.columns.get(index)).any(|column| is_unchanged(column, input))
        };
        let levels = self.collection.as_str().split('/').count();
        has(&Input::Path) || has(&Input::Id) && (levels == 1 || levels == 3 && has(&Input::ParentId))
    }

    fn determining_inputs(&self) -> &'static str {
        match self.collection.as_str().split('/').count() {
            1 => "`$id`",
            3 => "`$id` and `$parent.id`, or of `$path`",
            _ => "`$path`",
        }
    }
}

/// Whether the column stores the input as it is.
fn is_unchanged(column: &ColumnMapping, input: &Input) -> bool {
    let text = [ColumnType::Auto, ColumnType::Any, ColumnType::Text, ColumnType::Natural(Affinity::Text)];
    column.input == *input && column.transforms.is_empty() && column.lookup.is_none() && text.contains(&column.kind)
}

/// Whether two columns make the same of every document that neither refuses.
fn stores_the_same(a: &ColumnMapping, b: &ColumnMapping) -> bool {
    let same_type = a.kind == b.kind || is_natural(a.kind) && is_natural(b.kind);
    same_type
        && a.input == b.input
        && a.default == b.default
        && a.transforms == b.transforms
        && a.lookup == b.lookup
        && a.doubles == b.doubles
}

/// Types that store a value as `Any` would, or refuse it.
fn is_natural(kind: ColumnType) -> bool {
    use ColumnType::{Any, Auto, Boolean, Bytes, Double, Integer, Natural, ReferenceId, Text, Timestamp};
    matches!(kind, Auto | Any | Natural(_) | Text | Integer | Double | Boolean | Bytes | ReferenceId)
        || kind == Timestamp { digits: 6 }
}

fn names<'a>(columns: &'a [ColumnMapping], indexes: &[usize]) -> Vec<&'a str> {
    indexes.iter().filter_map(|index| columns.get(*index)).map(|column| column.name.as_str()).collect()
}

/// Whether there is a key to judge further.
fn check_unique(table: &Table, columns: &[ColumnMapping], key: &[usize], problems: &mut Vec<BindProblem>) -> bool {
    let key = names(columns, key);
    if key.is_empty() {
        problems.push(BindProblem::error(
            "key_missing",
            format!("no key is given for `{}`", table.name),
            "name its columns as `key`",
        ));
        return false;
    }
    if !table.is_unique(&key) {
        let list = key.join(", ");
        let quoted: Vec<String> = key.iter().map(|name| format!("\"{}\"", name.replace('"', "\"\""))).collect();
        let table_name = table.name.replace('"', "\"\"");
        problems.push(BindProblem::error(
            "key_not_unique",
            format!("`{}` has no unique index on exactly its key ({list})", table.name),
            format!("CREATE UNIQUE INDEX … ON \"{table_name}\" ({}), or another `key`", quoted.join(", ")),
        ));
    }
    true
}
