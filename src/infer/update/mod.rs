//! What has come to a source since its pipeline was written: columns and tables for fields and collections that nothing
//! maps yet, and what the documents say against the columns that are there.
//!
//! Nothing that is there is changed or dropped. New columns may be NULL, so that rows of before stay as they are.

mod changed;
mod existing;
mod fields;
mod locate;

use std::collections::BTreeMap;

use serde::Serialize;

use super::circles::{self, Given};
use super::columns::Targets;
use super::model::Draft;
use super::names::{self, Taken};
use super::{parents, tables};
use crate::domain::document::CollectionPattern;
use crate::domain::mapping::Mapping;
use crate::domain::schema::Schema;
use crate::profile::{CollectionProfile, Profile};

/// What is proposed.
#[derive(Debug, Default, Serialize)]
pub struct Update {
    /// New tables, tables that get columns, and what the user should decide.
    #[serde(flatten)]
    pub draft: Draft,
    /// What the pipeline maps and no document has.
    pub gone: Vec<Gone>,
}

/// Something that is mapped and was not found. Nothing is dropped for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gone {
    /// The collection.
    pub collection: String,
    /// The field; the whole collection without one.
    pub field: Option<String>,
    /// The column that it fills, as `table.column`, or the child table.
    pub fills: Option<String>,
}

/// What is there already.
struct Known<'a> {
    /// Mappings by collection, bound to the schema.
    mappings: BTreeMap<&'a str, &'a Mapping>,
    schema: &'a Schema,
}

/// Compares a profile with mappings, which are bound to a schema.
pub fn update(profile: &Profile, mappings: &[Mapping], schema: &Schema) -> Update {
    let known =
        Known { mappings: mappings.iter().map(|mapping| (mapping.collection.as_str(), mapping)).collect(), schema };
    let all: Vec<&CollectionProfile> = profile.collections.iter().filter(|found| found.documents > 0).collect();
    let new: Vec<&CollectionProfile> =
        all.iter().filter(|found| !known.mappings.contains_key(found.collection.as_str())).copied().collect();
    let mut taken = Taken::default();
    schema.tables.iter().for_each(|table| drop(taken.take(&table.name)));
    let patterns: Vec<CollectionPattern> = new.iter().map(|found| CollectionPattern::of(&found.collection)).collect();
    let names = names::tables(&patterns, &mut taken);
    let mut targets: Targets =
        new.iter().zip(&names).map(|(found, table)| tables::target(&found.collection, table)).collect();
    targets.extend(mappings.iter().map(|mapping| existing::target(mapping, schema)));

    let mut update = Update { gone: gone_collections(profile, mappings), ..Update::default() };
    for collection in &all {
        if let Some(mapping) = known.mappings.get(collection.collection.as_str()) {
            fields::add(collection, mapping, &known, &targets, &mut taken, &mut update.draft);
            changed::look(collection, mapping, &known, &mut update);
        }
    }
    for (collection, name) in new.iter().zip(&names) {
        tables::collection(collection, name, &targets, &mut taken, &mut update.draft);
    }
    parents::link(&new, &all, &targets, &mut update.draft);
    parents::forget_refused(&targets, &mut update.draft);
    circles::open(&mut update.draft, &given(mappings, schema));
    update
}

/// Foreign keys that are there.
fn given(mappings: &[Mapping], schema: &Schema) -> Given {
    let mut given = Given::default();
    for mapping in mappings {
        let children = mapping.children.iter().map(|child| child.table.as_str());
        for table in children.chain([mapping.table.as_str()]).filter_map(|table| schema.table(table)) {
            given.owners.insert(table.name.clone(), mapping.collection.to_string());
        }
    }
    for table in &schema.tables {
        let Some(own) = given.owners.get(&table.name) else { continue };
        let parents = table.foreign_keys.iter().filter_map(|key| schema.table(&key.parent));
        let parents = parents.filter_map(|parent| given.owners.get(&parent.name)).filter(|parent| *parent != own);
        given.keys.extend(parents.map(|parent| (own.clone(), parent.clone())));
    }
    given
}

/// Collections that the pipeline maps and the source does not have. Of a source that was read in part nobody knows.
fn gone_collections(profile: &Profile, mappings: &[Mapping]) -> Vec<Gone> {
    let found = |mapping: &&Mapping| {
        let of = profile.collections.iter().find(|found| found.collection == mapping.collection.as_str());
        of.is_some_and(|found| found.documents > 0 || !found.complete)
    };
    let gone = mappings.iter().filter(|mapping| profile.complete && !found(mapping));
    gone.map(|mapping| Gone {
        collection: mapping.collection.to_string(),
        field: None,
        fills: Some(mapping.table.clone()),
    })
    .collect()
}
