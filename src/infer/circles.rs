//! Collections that refer to each other: documents of both could wait for each other for ever, so one foreign key has to
//! go. What is left can be filled collection after collection.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Doubt, Draft};

/// A foreign key of one column: table and column by their places.
type Place = (usize, usize);

/// Foreign keys that stay, whatever the draft does.
#[derive(Debug, Default)]
pub(super) struct Given {
    /// Collections by their tables.
    pub owners: BTreeMap<String, String>,
    /// From one collection to another.
    pub keys: BTreeSet<(String, String)>,
}

/// A foreign key of the draft, from one collection to another.
struct Key {
    place: Place,
    own: String,
    parent: String,
}

/// Leaves out foreign keys of the draft until none of them is part of a circle.
pub(super) fn open(draft: &mut Draft, given: &Given) {
    while let Some((circle, (table, column))) = circle(draft, given) {
        let collection = draft.tables[table].collection.clone();
        let column = &mut draft.tables[table].columns[column];
        let Some((parent, _)) = column.references.take() else { return };
        draft.doubts.push(Doubt {
            collection,
            field: Some(column.from.clone()),
            found: format!("refers to {parent}, which refers back: {}", circle.join(" → ")),
            chosen: "no foreign key, so that rows can be written one after another".to_owned(),
            instead: "add it by a later migration, once the rows are there".to_owned(),
            serious: false,
        });
    }
}

fn keys(draft: &Draft, given: &Given) -> Vec<Key> {
    let drafted = draft.tables.iter().map(|table| (table.name.as_str(), table.collection.as_str()));
    let known = given.owners.iter().map(|(table, collection)| (table.as_str(), collection.as_str()));
    let owner: BTreeMap<&str, &str> = known.chain(drafted).collect();
    let mut found = Vec::new();
    for (index, table) in draft.tables.iter().enumerate() {
        for (place, column) in table.columns.iter().enumerate() {
            let parent = column.references.as_ref().and_then(|(parent, _)| owner.get(parent.as_str()));
            if let Some(parent) = parent.filter(|parent| **parent != table.collection) {
                let (own, parent) = (table.collection.clone(), (*parent).to_owned());
                found.push(Key { place: (index, place), own, parent });
            }
        }
    }
    found
}

/// Collections that refer to each other in a circle, the first also at the end, and the foreign key to leave out.
fn circle(draft: &Draft, given: &Given) -> Option<(Vec<String>, Place)> {
    let drafted = keys(draft, given);
    let mut parents: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let all = given.keys.iter().map(|(own, parent)| (own.as_str(), parent.as_str()));
    for (own, parent) in drafted.iter().map(|key| (key.own.as_str(), key.parent.as_str())).chain(all) {
        parents.entry(own).or_default().insert(parent);
    }
    for key in &drafted {
        let mut path = vec![key.own.as_str()];
        if reaches(&key.parent, &key.own, &parents, &mut path, &mut BTreeSet::new()) {
            let place = weakest(draft, &drafted, &path)?;
            return Some((path.into_iter().map(str::to_owned).collect(), place));
        }
    }
    None
}

/// Whether following references leads from one collection to another; `path` is then the way.
fn reaches<'a>(
    from: &'a str,
    to: &str,
    parents: &BTreeMap<&'a str, BTreeSet<&'a str>>,
    path: &mut Vec<&'a str>,
    seen: &mut BTreeSet<&'a str>,
) -> bool {
    if !seen.insert(from) {
        return false;
    }
    path.push(from);
    let found =
        from == to || parents.get(from).into_iter().flatten().any(|parent| reaches(parent, to, parents, path, seen));
    if !found {
        path.pop();
    }
    found
}

/// Of the foreign keys of a circle the one that is missed least: none to the document above, then one that may be NULL,
/// then one of a child table.
fn weakest(draft: &Draft, keys: &[Key], circle: &[&str]) -> Option<Place> {
    let steps: BTreeSet<(&str, &str)> = circle.windows(2).map(|pair| (pair[0], pair[1])).collect();
    let rank = |(table, column): Place| {
        let (table, column) = (&draft.tables[table], &draft.tables[table].columns[column]);
        (column.from == "$parent.id", column.not_null, table.each.is_none())
    };
    let places = keys.iter().filter(|key| steps.contains(&(key.own.as_str(), key.parent.as_str())));
    places.map(|key| key.place).min_by_key(|place| (rank(*place), *place))
}
