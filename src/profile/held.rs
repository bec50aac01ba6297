//! What finished collections hold until references can be resolved. All of them together have a limit.

use super::model::{CollectionProfile, FieldProfile};

/// A set of hashes of a collection: its size in bytes, and the way to forget it.
type Visit<'a> = dyn FnMut(usize, &mut dyn FnMut()) + 'a;

/// Forgets the largest sets until all together take no more than so many bytes; those of documents go last. The answer
/// is how much they take then.
pub fn hold(collections: &mut [CollectionProfile], most: usize) -> usize {
    for documents in [false, true] {
        let mut sizes = Vec::new();
        collections.iter_mut().for_each(|found| each(found, true, &mut |bytes, _| sizes.push(bytes)));
        let total: usize = sizes.iter().sum();
        if total <= most {
            return total;
        }
        // What is to go, from the largest down.
        let mut own = Vec::new();
        collections.iter_mut().for_each(|found| each(found, documents, &mut |bytes, _| own.push(bytes)));
        own.sort_unstable();
        let mut left = total;
        let mut least = usize::MAX;
        while let Some(bytes) = own.pop().filter(|_| left > most) {
            left -= bytes;
            least = bytes;
        }
        for collection in collections.iter_mut() {
            let mut forgotten = false;
            each(collection, documents, &mut |bytes, forget| {
                if bytes >= least {
                    forget();
                    forgotten = true;
                }
            });
            if forgotten {
                collection.shortened.get_or_insert_default().resolving = true;
            }
        }
    }
    let mut total = 0;
    collections.iter_mut().for_each(|found| each(found, true, &mut |bytes, _| total += bytes));
    total
}

/// Every set of a collection, with those of its documents and parents or without.
fn each(collection: &mut CollectionProfile, documents: bool, visit: &mut Visit<'_>) {
    for set in [&mut collection.identities, &mut collection.parent_identities] {
        let bytes = set.as_ref().map_or(0, |set| set.capacity() * size_of::<u64>());
        if documents && bytes > 0 {
            visit(bytes, &mut || *set = None);
        }
    }
    collection.fields.iter_mut().for_each(|field| self::field(field, visit));
}

fn field(field: &mut FieldProfile, visit: &mut Visit<'_>) {
    let bytes = field.own_references.bytes();
    if bytes > 0 {
        visit(bytes, &mut || field.own_references.forget());
    }
    if let Some(set) = &field.texts_seen {
        visit(set.capacity() * size_of::<u64>(), &mut || field.texts_seen = None);
    }
    for target in &mut field.references {
        let bytes = target.identities.as_ref().map_or(0, |set| set.0.capacity() * size_of::<u64>());
        if bytes > 0 {
            visit(bytes, &mut || target.identities = None);
        }
    }
    if let Some(array) = &mut field.array {
        self::field(&mut array.items, visit);
    }
    if let Some(map) = &mut field.map {
        map.fields.iter_mut().chain(map.values.as_deref_mut()).for_each(|inner| self::field(inner, visit));
    }
}
