//! Documents of sub-collections to the documents above them.

use std::collections::BTreeSet;

use super::ENOUGH;
use super::columns::Targets;
use super::model::{Doubt, Draft, Table};
use super::names::link as link_name;
use crate::domain::number::count as number;
use crate::profile::CollectionProfile;

/// Adds foreign keys to parents, where every parent exists and its id alone tells which it is.
pub(super) fn link(drafted: &[&CollectionProfile], all: &[&CollectionProfile], targets: &Targets, draft: &mut Draft) {
    for collection in drafted {
        let Some(parents) = &collection.parents else { continue };
        let above = all.iter().find(|other| other.collection == parents.collection);
        let (Some(above), Some(target)) = (above, targets.get(&parents.collection)) else {
            draft
                .doubts
                .push(orphans(collection, &format!("documents of {} above it do not exist", parents.collection)));
            continue;
        };
        if parents.resolved.is_some_and(|found| found < parents.distinct) {
            let lacking = number(parents.distinct - parents.resolved.unwrap_or(0));
            let found = format!("{lacking} of {} documents above it do not exist", number(parents.distinct));
            draft.doubts.push(orphans(collection, &found));
        }
        let proven = collection.complete && parents.resolved == Some(parents.distinct);
        let root = !above.collection.contains('/');
        let unique = above.documents >= ENOUGH
            && above.complete
            && above.parents.as_ref().is_some_and(|found| found.ids_unique == Some(true));
        let column = if target.drafted { Some("id".to_owned()) } else { target.column.clone().filter(|_| root) };
        let Some(key) = column.filter(|_| proven && (root || unique)) else { continue };
        let name = link_name(&parents.collection);
        if !root {
            each(draft, &target.table, "id", |table, column| {
                if table.key.len() != 1 || table.key[0] != "id" {
                    table.columns[column].unique = true;
                }
            });
        }
        let own = targets.get(&collection.collection).map(|own| own.table.clone()).unwrap_or_default();
        each(draft, &own, &name, |table, column| {
            table.columns[column].references = Some((target.table.clone(), key.clone()));
        });
    }
}

/// Documents that will be rejected for their own sake must not take along those that refer to them.
pub(super) fn forget_refused(targets: &Targets, draft: &mut Draft) {
    let refused = draft.doubts.iter().filter(|doubt| doubt.serious);
    let lacking = refused.filter_map(|doubt| targets.get(&doubt.collection));
    let lacking: BTreeSet<String> = lacking.map(|target| target.table.clone()).collect();
    let mut doubts = Vec::new();
    for table in &mut draft.tables {
        for column in &mut table.columns {
            let Some((parent, _)) = column.references.take_if(|(parent, _)| lacking.contains(parent)) else { continue };
            doubts.push(Doubt {
                collection: table.collection.clone(),
                field: Some(column.from.clone()),
                found: format!("some documents of {parent} that it may refer to will be rejected"),
                chosen: "no foreign key, so that only those are rejected".to_owned(),
                instead: "correct them, then add the foreign key".to_owned(),
                serious: false,
            });
        }
    }
    draft.doubts.extend(doubts);
}

/// Changes a column of a table.
fn each(draft: &mut Draft, table: &str, column: &str, change: impl Fn(&mut Table, usize)) {
    for table in draft.tables.iter_mut().filter(|found| found.name == table) {
        if let Some(index) = table.columns.iter().position(|found| found.name == column) {
            change(table, index);
        }
    }
}

fn orphans(collection: &CollectionProfile, found: &str) -> Doubt {
    Doubt {
        collection: collection.collection.clone(),
        field: None,
        found: found.to_owned(),
        chosen: "no foreign key to them".to_owned(),
        instead: "create them, or move their documents elsewhere".to_owned(),
        serious: false,
    }
}
