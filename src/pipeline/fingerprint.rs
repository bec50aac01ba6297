//! What determines the rows, as one hash: a run is resumed only when it is the same.

use super::resolved::{Collection, SourceSpec};

/// BLAKE3 hex of mappings, keys, filters, conflict strategies and source identity; not of sizes, limits, tests,
/// comments, paths, or the order of collections.
pub(super) fn fingerprint(source: &SourceSpec, collections: &[Collection]) -> String {
    let mut hasher = blake3::Hasher::new();
    match source {
        SourceSpec::Json(json) => {
            part(&mut hasher, "json");
            part(&mut hasher, json.shape.as_deref().unwrap_or(""));
            part(&mut hasher, &json.id_field);
            part(&mut hasher, json.collection.as_ref().map_or("", |pattern| pattern.as_str()));
        }
        SourceSpec::Firestore(firestore) => {
            part(&mut hasher, "firestore");
            part(&mut hasher, &firestore.project);
            part(&mut hasher, &firestore.database);
            // These decide which documents and fields count as read.
            part(&mut hasher, &format!("{} {}", firestore.push_down, firestore.mapped_fields_only));
        }
    }
    let mut collections: Vec<&Collection> = collections.iter().collect();
    collections.sort_by(|a, b| a.mapping.collection.cmp(&b.mapping.collection));
    for collection in collections {
        part(&mut hasher, &collection.mapping.fingerprint_text());
        part(&mut hasher, &format!("{:?}", collection.on_conflict));
    }
    hasher.finalize().to_hex().to_string()
}

/// Adds a text with its length, so that no two lists of texts hash alike.
fn part(hasher: &mut blake3::Hasher, text: &str) {
    hasher.update(&(text.len() as u64).to_le_bytes());
    hasher.update(text.as_bytes());
}
