//! Names of tables and columns: readable, and safe in SQL and YAML.

use std::collections::BTreeSet;

use super::keywords::is_keyword;
use crate::domain::document::CollectionPattern;
use crate::profile::{singular, words};

/// Longer names are cut, in characters.
const LONGEST: usize = 60;

/// `createdAt` as `created_at`; something even of a name without any letter.
pub(super) fn snake(name: &str) -> String {
    let joined: String = words(name).join("_").chars().take(LONGEST).collect();
    match joined.chars().next() {
        None => "field".to_owned(),
        Some(first) if first.is_numeric() => format!("n{joined}"),
        Some(_) => joined,
    }
}

/// The name of a column that refers to something: `mentor` as `mentor_id`.
pub(super) fn referring(name: &str, end: &str) -> String {
    let name = snake(name);
    let bare = ["_id", "_ref", "_uid", "_path"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name);
    format!("{bare}_{end}")
}

/// The name of the column that links a row to a document of a collection: `user_id`.
pub(super) fn link(collection: &str) -> String {
    let leaf = collection.rsplit('/').next().unwrap_or(collection);
    format!("{}_id", one(leaf))
}

/// The singular of a name of several words.
pub(super) fn one(name: &str) -> String {
    let name = snake(name);
    match name.rsplit_once('_') {
        Some((rest, last)) => format!("{rest}_{}", singular(last)),
        None => singular(&name),
    }
}

/// Names that are taken; SQL does not distinguish upper and lower case.
#[derive(Debug, Default)]
pub(super) struct Taken(BTreeSet<String>);

impl Taken {
    /// The name, or with a number behind it if it is taken.
    pub fn take(&mut self, name: &str) -> String {
        let candidates = std::iter::once(name.to_owned()).chain((2..).map(|number| format!("{name}_{number}")));
        let free = candidates.into_iter().find(|name| !self.0.contains(&name.to_lowercase()));
        let free = free.unwrap_or_else(|| name.to_owned());
        self.0.insert(free.to_lowercase());
        free
    }
}

/// Names of the tables of collections: the last part where that is enough.
pub(super) fn tables(collections: &[CollectionPattern], taken: &mut Taken) -> Vec<String> {
    // Names that fireferry and SQLite keep for themselves.
    let safe = |name: String| {
        let reserved = name.starts_with("sqlite_") || name.starts_with("fireferry") || name == "schema_migrations";
        if reserved { format!("t_{name}") } else { name }
    };
    let leaf = |pattern: &CollectionPattern| snake(pattern.leaf());
    let mut names = Vec::new();
    for pattern in collections {
        let alone = collections.iter().filter(|other| leaf(other) == leaf(pattern)).count() == 1;
        let name = match pattern.parent() {
            Some(parent) if !alone => format!("{}_{}", one(parent.leaf()), leaf(pattern)),
            _ => leaf(pattern),
        };
        names.push(taken.take(&safe(name)));
    }
    names
}

/// A name as SQL writes it.
pub(super) fn sql(name: &str) -> String {
    let plain = name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
        && name.chars().all(|char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '_');
    if plain && !is_keyword(name) { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_readable_and_safe() {
        assert_eq!(snake("createdAt"), "created_at");
        assert_eq!(snake("2fa-enabled"), "n2fa_enabled");
        assert_eq!(snake("💥"), "field");
        assert_eq!(referring("mentor", "id"), "mentor_id");
        assert_eq!(referring("userRef", "id"), "user_id");
        assert_eq!(link("tenants/*/user-accounts"), "user_account_id");
        assert_eq!([sql("order"), sql("orders"), sql("straße")], ["\"order\"", "orders", "\"straße\""]);
        let mut taken = Taken::default();
        assert_eq!(["a", "A", "a"].map(|name| taken.take(name)), ["a", "A_2", "a_3"]);
    }

    #[test]
    fn tables_that_share_a_name_have_their_parents_in_it() {
        let patterns: Vec<_> =
            ["users/u/notes", "teams/t/notes", "users", "sqlite_x"].map(CollectionPattern::of).into();
        assert_eq!(tables(&patterns, &mut Taken::default()), ["user_notes", "team_notes", "users", "t_sqlite_x"]);
    }
}
