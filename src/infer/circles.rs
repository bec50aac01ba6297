//! Collections that refer to each other: documents of both could wait for each other for ever, so one foreign key has to
//! go. What is left can be filled collection after collection.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Doubt, Draft};

/// A foreign key of one column: table and column by their places.
type Place = (usize, usize);

/// Leaves out foreign keys until no collections refer to each other any more.
pub(super) fn open(draft: &mut Draft) {
    while let Some(circle) = circle(draft) {
        let Some((table, column)) = weakest(draft, &circle) else { return };
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

/// Foreign keys from one collection to another.
fn keys(draft: &Draft) -> Vec<(Place, &str, &str)> {
    let owner: BTreeMap<&str, &str> =
        draft.tables.iter().map(|table| (table.name.as_str(), table.collection.as_str())).collect();
    let mut found = Vec::new();
    for (index, table) in draft.tables.iter().enumerate() {
        for (place, column) in table.columns.iter().enumerate() {
            let parent = column.references.as_ref().and_then(|(parent, _)| owner.get(parent.as_str()));
            if let Some(parent) = parent.filter(|parent| **parent != table.collection) {
                found.push(((index, place), table.collection.as_str(), *parent));
            }
        }
    }
    found
}

/// Collections that refer to each other in a circle, the first also at the end.
fn circle(draft: &Draft) -> Option<Vec<String>> {
    let mut parents: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (_, own, parent) in keys(draft) {
        parents.entry(own).or_default().insert(parent);
    }
    let mut done = BTreeSet::new();
    for start in parents.keys() {
        let mut path = Vec::new();
        if let Some(found) = walk(start, &parents, &mut path, &mut done) {
            return Some(found);
        }
    }
    None
}

fn walk<'a>(
    own: &'a str,
    parents: &BTreeMap<&'a str, BTreeSet<&'a str>>,
    path: &mut Vec<&'a str>,
    done: &mut BTreeSet<&'a str>,
) -> Option<Vec<String>> {
    if let Some(start) = path.iter().position(|name| *name == own) {
        let circle = path[start..].iter().chain([&own]);
        return Some(circle.map(|name| (*name).to_owned()).collect());
    }
    if !done.insert(own) {
        return None;
    }
    path.push(own);
    let found = parents.get(own).into_iter().flatten().find_map(|parent| walk(parent, parents, path, done));
    path.pop();
    found
}

/// Of the foreign keys of a circle the one that is missed least: none to the document above, then one that may be NULL,
/// then one of a child table.
fn weakest(draft: &Draft, circle: &[String]) -> Option<Place> {
    let steps: BTreeSet<(&str, &str)> = circle.windows(2).map(|pair| (pair[0].as_str(), pair[1].as_str())).collect();
    let rank = |(table, column): Place| {
        let (table, column) = (&draft.tables[table], &draft.tables[table].columns[column]);
        (column.from == "$parent.id", column.not_null, table.each.is_none())
    };
    let places = keys(draft).into_iter().filter(|(_, own, parent)| steps.contains(&(*own, *parent)));
    places.map(|(place, ..)| place).min_by_key(|place| (rank(*place), *place))
}
