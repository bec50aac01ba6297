//! From accumulators to plain data.

use super::collection::Collector;
use super::dictionary;
use super::distinct::Distinct;
use super::fields::{Content, Fields, merged};
use super::meter::Meter;
use super::model::Shortened;
use super::model::{
    ArrayProfile, CollectionProfile, Count, FieldProfile, IdentitySet, MapKind, MapProfile, Numbers, Odd, Parents,
    Resolved, Texts, Times, TypeProfile,
};
use super::node::{Items, KINDS, Node};
use super::references::References;
use super::{DEEPEST, Known, MOST_KEYS};

/// Types whose values are told apart.
const SCALARS: [usize; 9] = [1, 2, 3, 4, 5, 6, 7, 8, 10];

/// What every field is finished with.
#[derive(Clone, Copy)]
struct Context<'a> {
    known: &'a Known,
    meter: &'a Meter,
}

/// A collection's profile, references unresolved.
pub(super) fn collection(mut collector: Collector) -> CollectionProfile {
    let (identities, exact) = collector.identities.count(&collector.meter);
    let Collector { pattern, known, documents, fields, meter, .. } = collector;
    let known = Context { known: &known, meter: &meter };
    let parents = pattern.parent().map(|parent| Parents {
        collection: parent.as_str().to_owned(),
        distinct: collector.parents.count(&meter).0,
        resolved: None,
        ids_unique: unique(&mut collector.ids, documents, &meter),
    });
    let mut profile = CollectionProfile {
        collection: pattern.as_str().to_owned(),
        documents,
        repeated: exact.then(|| documents - identities),
        longest_id: collector.longest_id,
        created: collector.created,
        updated: collector.updated,
        fine_times: collector.fine_times,
        nameless: fields.nameless,
        parents,
        identities: collector.identities.into_hashes(&meter),
        parent_identities: collector.parents.into_hashes(&meter),
        ..CollectionProfile::default()
    };
    profile.shortened = shortened(&meter);
    match fields.content {
        Content::Merged(_) => profile.too_many_names = true,
        Content::Named(named) => profile.fields = self::named(named.nodes, "", documents, known),
    }
    profile
}

/// What was given up for want of memory.
fn shortened(meter: &Meter) -> Option<Shortened> {
    let exact_values = (meter.halvings() > 0).then(|| meter.most(MOST_KEYS, 0) as u64);
    let levels = (meter.deepest() < DEEPEST).then_some(meter.deepest() as u64);
    let found = Shortened { exact_values, levels, resolving: false };
    (found != Shortened::default()).then_some(found)
}

fn unique(distinct: &mut Distinct, values: u64, meter: &Meter) -> Option<bool> {
    let (count, exact) = distinct.count(meter);
    exact.then_some(count == values)
}

/// Fields of a map that occurs so often, by name.
fn named(mut nodes: Vec<(String, Node)>, prefix: &str, of: u64, known: Context<'_>) -> Vec<FieldProfile> {
    nodes.sort_by(|(a, _), (b, _)| a.cmp(b));
    let nodes = nodes.into_iter().filter(|(name, _)| !name.is_empty());
    nodes.map(|(name, node)| field(node, format!("{prefix}{}", quoted(&name)), name, of, known)).collect()
}

/// A name as a field path writes it.
fn quoted(name: &str) -> String {
    if name.contains(['.', '`', '\\']) || name.starts_with('$') {
        return format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"));
    }
    name.to_owned()
}

fn field(mut node: Node, path: String, name: String, of: u64, known: Context<'_>) -> FieldProfile {
    let scalars: u64 = SCALARS.iter().map(|kind| node.types[*kind].count).sum();
    let strings = node.types[5].count;
    let (count, exact) = node.distinct.count(known.meter);
    let present = node.seen();
    let key_like = known.known.is_key_like(&name);
    let texts_only = strings > 0 && strings == scalars && key_like;
    let maps = node.fields.map(|fields| Box::new(map(*fields, &path, &name, known)));
    let array = node.items.map(|items| Box::new(array(*items, &path, &name, known)));
    let has = |kinds: &[usize]| kinds.iter().any(|kind| node.types[*kind].count > 0);
    let (has_numbers, has_times, has_bytes) = (has(&[2, 3]), has(&[4]), has(&[6]));
    let only_texts = has(&[5]) && !has(&[1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12]);
    FieldProfile {
        of,
        present,
        null: node.types[0].count,
        distinct: (scalars > 0).then_some(Count { count, exact }),
        unique: if scalars == 0 || has(&[9, 11, 12]) { None } else { unique(&mut node.distinct, scalars, known.meter) },
        values: if only_texts { node.counted.into_counts() } else { None },
        repeats_id: node.ids,
        numbers: has_numbers.then_some(node.numbers).filter(|numbers| *numbers != Numbers::default()),
        texts: Some(node.texts).filter(|texts| strings > 0 || *texts != Texts::default()),
        times: has_times.then_some(node.times).filter(|times| *times != Times::default()),
        bytes: has_bytes.then_some((node.bytes, node.longest_bytes)),
        odd: Odd {
            places: node.places.odd,
            negative_zeros: node.places.negative_zeros,
            components: node.vectors.shortest.zip(node.vectors.longest),
            wide_vectors: node.vectors.wide,
            non_finite_vectors: node.vectors.non_finite,
        },
        own_references: std::mem::take(&mut node.references.own),
        foreign_references: node.references.foreign + if node.references.many { node.types[7].count } else { 0 },
        references: references(node.references, known.meter),
        resolves: Vec::new(),
        texts_seen: if texts_only { node.distinct.into_hashes(known.meter) } else { None },
        types: types(node.types),
        array,
        map: maps,
        key_like,
        path,
        name,
    }
}

fn types(found: [super::node::OfType; KINDS.len()]) -> Vec<TypeProfile> {
    let mut types: Vec<TypeProfile> = found
        .into_iter()
        .zip(KINDS)
        .skip(1)
        .filter(|(of_type, _)| of_type.count > 0)
        .map(|(of_type, name)| TypeProfile {
            name,
            count: of_type.count,
            examples: of_type.examples.into_texts(),
            document: of_type.document.map(|(_, path)| path),
        })
        .collect();
    types.sort_by(|a, b| b.count.cmp(&a.count).then(a.name.cmp(b.name)));
    types
}

fn references(found: References, meter: &Meter) -> Vec<Resolved> {
    let mut references: Vec<Resolved> = found
        .targets
        .into_iter()
        .map(|(collection, mut target)| Resolved {
            collection,
            count: target.count,
            distinct: target.documents.count(meter).0,
            resolved: None,
            circular: None,
            identities: target.documents.into_hashes(meter).map(IdentitySet),
        })
        .collect();
    references.sort_by(|a, b| b.count.cmp(&a.count).then(a.collection.cmp(&b.collection)));
    references
}

fn array(items: Items, path: &str, name: &str, known: Context<'_>) -> ArrayProfile {
    ArrayProfile {
        shortest: items.shortest,
        longest: items.longest,
        total: items.total,
        items: field(items.node, format!("{path}[]"), name.to_owned(), items.total, known),
    }
}

fn map(mut fields: Fields, path: &str, name: &str, known: Context<'_>) -> MapProfile {
    let (kind, because) = dictionary::judge(&mut fields, known.meter);
    let (count, exact) = fields.names.count(known.meter);
    let mut profile = MapProfile {
        kind,
        because,
        names: Count { count, exact },
        largest: fields.largest,
        entries: fields.entries,
        empty: fields.empty,
        nameless: fields.nameless,
        fields: Vec::new(),
        values: None,
    };
    let values = match (fields.content, kind) {
        (Content::Named(named), MapKind::Stable) => {
            profile.fields = self::named(named.nodes, &format!("{path}."), fields.maps, known);
            return profile;
        }
        (Content::Named(named), MapKind::Dictionary) => merged(named, fields.depth, known.meter),
        (Content::Merged(node), _) => *node,
    };
    profile.values = Some(Box::new(field(values, format!("{path}.*"), name.to_owned(), fields.entries, known)));
    profile
}
