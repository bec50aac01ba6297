//! Which collections a file holds.

use std::collections::BTreeMap;
use std::path::Path;

use super::bounds::Bounds;
use super::locate::Located;
use super::reader::{locate_in, splitter};
use super::shape::Layout;
use super::sink::Sink;
use super::split::Mark;
use crate::domain::document::CollectionPattern;
use crate::error::{Error, Result};

/// Kept of a record to find its path in; a path further behind makes the record one of every collection.
const KEPT: usize = 16 << 20;

/// The collections of one file.
#[derive(Debug, Default)]
pub(super) struct Inventory {
    /// Each with the bytes of its records, where they lie apart from others'.
    pub(super) collections: BTreeMap<CollectionPattern, Option<u64>>,
    /// Records that do not say where they belong.
    pub(super) unknown: bool,
    /// What ended the file early; the collections behind it are not known.
    pub(super) broken: Option<Error>,
}

impl Inventory {
    /// Whether reading the collection in this file may give anything, be it an error.
    pub(super) fn may_hold(&self, collection: &CollectionPattern) -> bool {
        self.collections.contains_key(collection) || self.broken.is_some()
    }
}

/// Goes through a file whose records carry their paths; for others the name is enough.
pub(super) fn take(path: &Path, bounds: &Bounds) -> Inventory {
    let mut inventory = Inventory::default();
    if !bounds.shape.carries_paths() {
        let collection = bounds.collection.as_deref().unwrap_or_default();
        inventory.collections.insert(CollectionPattern::of(collection), Some(bounds.stamp.size));
        return inventory;
    }
    if let Err(error) = survey(path, bounds, &mut inventory) {
        inventory.broken = Some(error);
    }
    // Nothing in the file says where its records belong: its name is the best guess.
    if inventory.collections.is_empty()
        && inventory.unknown
        && let Some(collection) = &bounds.collection
    {
        inventory.collections.insert(CollectionPattern::of(collection), None);
    }
    inventory
}

fn survey(path: &Path, bounds: &Bounds, inventory: &mut Inventory) -> Result<()> {
    let tree = bounds.layout.is_tree();
    let mut splitter = splitter(path, bounds, None, &Mark::START, Box::new(|| false))?;
    let mut sink = if tree { Sink::counting() } else { Sink::new(KEPT) };
    let mut last = String::new();
    while let Some(found) = splitter.next(&mut sink)? {
        let located = match found.owner {
            Some((collection, id)) => Located::Path(format!("{collection}/{id}")),
            None => locate_in(bounds.shape, &sink),
        };
        let Located::Path(path) = located else {
            inventory.unknown |= located != Located::Nothing;
            continue;
        };
        let collection = path.rsplit_once('/').map_or("", |(collection, _)| collection);
        let bytes = (!tree).then_some(found.length);
        if collection != last || inventory.collections.is_empty() {
            collection.clone_into(&mut last);
            inventory.collections.entry(CollectionPattern::of(collection)).or_insert(Some(0));
        }
        if let Some(sum) = inventory.collections.get_mut(&CollectionPattern::of(collection)) {
            *sum = sum.zip(bytes).map(|(sum, bytes)| sum + bytes);
        }
    }
    Ok(())
}

/// Whether a shape and layout need the collection that the file's name gives.
pub(super) fn needs_name(bounds: &Bounds) -> bool {
    !bounds.shape.carries_paths() || bounds.layout == Layout::Collection
}
