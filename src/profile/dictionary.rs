//! Is a map a record, whose names are the schema, or a dictionary, whose names are data?

use std::collections::BTreeSet;

use super::fields::{Content, Fields};
use super::meter::Meter;
use super::model::MapKind;
use super::node::{KINDS, Node};
use crate::domain::document::CollectionPattern;

/// Records have most of their fields most of the time: below this share, values of one type look like entries.
const SPARSE: f64 = 0.45;
/// Values that are records of one form: they need not be that sparse.
const ALIKE: f64 = 0.8;
/// Fewer names, or fewer maps, prove nothing.
const FEW_NAMES: usize = 4;
/// Automatic ids of Firestore.
const AUTOMATIC_ID: usize = 20;

/// The kind, and why.
#[expect(clippy::cast_precision_loss, reason = "a share")]
pub(super) fn judge(fields: &mut Fields, meter: &Meter) -> (MapKind, String) {
    let (names, _) = fields.names.count(meter);
    let Content::Named(named) = &fields.content else {
        return (MapKind::Dictionary, format!("about {names} different names"));
    };
    let nodes: Vec<&(String, Node)> = named.nodes.iter().collect();
    let filled = fields.maps - fields.empty;
    if nodes.is_empty() || filled == 0 {
        return (MapKind::Stable, "always empty".to_owned());
    }
    let share = fields.entries as f64 / (filled as f64 * nodes.len() as f64);
    let percent = (share * 100.0).round();
    if nodes.len() >= 2 && nodes.iter().all(|(name, _)| is_data(name)) {
        return (MapKind::Dictionary, format!("all {names} names are numbers, dates or ids"));
    }
    if nodes.len() >= 2 && share < ALIKE && filled >= 3 && are_alike(&nodes) {
        return (MapKind::Dictionary, format!("{names} names, each in {percent} % of the maps, values of one form"));
    }
    if nodes.len() >= FEW_NAMES && filled >= FEW_NAMES as u64 && share < SPARSE && of_one_type(&nodes) {
        return (MapKind::Dictionary, format!("{names} names, each in {percent} % of the maps, values of one type"));
    }
    (MapKind::Stable, format!("{names} names, each in {percent} % of the maps on average"))
}

/// Whether nobody would name a field so: numbers, dates, ids.
fn is_data(name: &str) -> bool {
    let digits = name.bytes().any(|byte| byte.is_ascii_digit());
    let number_or_date = digits && name.bytes().all(|byte| byte.is_ascii_digit() || b"-_:./T".contains(&byte));
    let mixed =
        name.bytes().any(|byte| byte.is_ascii_lowercase()) && name.bytes().any(|byte| byte.is_ascii_uppercase());
    let automatic = name.len() == AUTOMATIC_ID && mixed && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let hex = name.len() >= 24 && digits && name.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    // A path of a document holds an id.
    let path = name.contains('/') && !CollectionPattern::of(name).is_root();
    number_or_date || automatic || hex || path
}

/// Types that values have, null apart; numbers are one.
fn types(node: &Node) -> BTreeSet<&'static str> {
    let found = node.types.iter().zip(KINDS).skip(1).filter(|(of_type, _)| of_type.count > 0);
    found.map(|(_, name)| if name == "double" { "integer" } else { name }).collect()
}

fn of_one_type(nodes: &[&(String, Node)]) -> bool {
    let all: BTreeSet<&str> = nodes.iter().flat_map(|(_, node)| types(node)).collect();
    all.len() == 1
}

/// Whether all values are maps that share most of their names.
fn are_alike(nodes: &[&(String, Node)]) -> bool {
    let names = |node: &Node| -> Option<BTreeSet<String>> {
        let only_maps = types(node).iter().all(|name| *name == "map");
        match &node.fields.as_ref().filter(|_| only_maps)?.content {
            Content::Named(named) => Some(named.nodes.iter().map(|(name, _)| name.clone()).collect()),
            Content::Merged(_) => None,
        }
    };
    let Some(sets) = nodes.iter().map(|(_, node)| names(node)).collect::<Option<Vec<_>>>() else { return false };
    let all: BTreeSet<&String> = sets.iter().flatten().collect();
    !all.is_empty() && sets.iter().all(|set| set.len() * 2 >= all.len())
}
