//! The way back of one column: what its stored value says of the field it came from, and how surely.

use std::collections::HashMap;

use super::home::Homes;
use super::told::Fidelity;
use super::value::{plain_json, value};
use crate::domain::encode::encode;
use crate::domain::mapping::{
    ColumnMapping, ColumnType, Lookup, LookupMissing, Mismatch, NegativeZero, NonFinite, Transform,
};
use crate::domain::row::SqlValue;
use crate::domain::schema::Affinity;
use crate::domain::value::Value;

/// The way back of one column.
#[derive(Debug, Clone)]
pub(super) struct Way {
    kind: ColumnType,
    /// How often its text was parsed as JSON.
    parsed: usize,
    /// Keys of the lookup by what is stored for their entries.
    looked_up: Option<HashMap<Vec<u8>, String>>,
    /// A value without entry was kept.
    keeps_missing: bool,
    /// The collection that references are into.
    home: Option<String>,
    /// NULL was null, because a missing field has a default.
    pub null_is_null: bool,
    /// NULL may be.
    pub nullable: bool,
}

impl Way {
    /// That of a column, with how well its values come back and why not better.
    pub fn of(table: &str, column: &ColumnMapping, homes: &Homes) -> (Self, Fidelity, String) {
        let home = homes.get(table, &column.name).map(str::to_owned);
        let looked_up = column.lookup.as_deref().map(|lookup| reversed(lookup, column));
        let unique = looked_up.as_ref().is_none_or(|(_, unique)| *unique);
        let (fidelity, reason) = judge(column, home.as_deref(), unique);
        let way = Self {
            kind: column.kind,
            parsed: column.transforms.iter().filter(|transform| **transform == Transform::ParseJson).count(),
            looked_up: looked_up.map(|(keys, _)| keys),
            keeps_missing: column.lookup.as_ref().is_some_and(|lookup| lookup.missing == LookupMissing::Keep),
            home,
            null_is_null: column.default.is_some(),
            nullable: !column.required,
        };
        (way, fidelity, reason)
    }

    /// The field's value; [`Value::Null`] for NULL; `None` for what the mapping never stores there, or what does not say
    /// which value it was.
    pub fn value(&self, stored: &SqlValue) -> Option<Value> {
        if *stored == SqlValue::Null {
            return Some(Value::Null);
        }
        let key = self.looked_up.as_ref().and_then(|keys| keys.get(&encode([stored])));
        let mut found = match (key, &self.looked_up) {
            (Some(key), _) => Value::String(key.clone()),
            (None, Some(_)) if !self.keeps_missing => return None,
            _ => value(self.kind, stored, self.home.as_deref())?,
        };
        for _ in 0..self.parsed {
            found = Value::String(plain_json(&found)?.to_string());
        }
        Some(found)
    }

    /// Whether the value is the field whole, with all that is below it.
    pub fn is_whole(&self) -> bool {
        self.kind == ColumnType::Json && self.parsed == 0 && self.looked_up.is_none()
    }
}

/// Notes that a column holds what the mapping never stores there.
pub(super) fn not_its_type(trouble: &mut Option<String>, table: &str, column: &ColumnMapping) {
    trouble.get_or_insert_with(|| format!("`{table}.{}` holds what no document makes of it", column.name));
}

/// The first key (by bytes) for what is stored for each entry, and whether there is only one each.
fn reversed(lookup: &Lookup, column: &ColumnMapping) -> (HashMap<Vec<u8>, String>, bool) {
    let mut entries: Vec<_> = lookup.entries.iter().collect();
    entries.sort_unstable_by_key(|(key, _)| *key);
    let mut keys = HashMap::new();
    let mut unique = true;
    for (key, entry) in entries {
        let Some(stored) = column.stores(entry) else { continue };
        match keys.entry(encode([&stored])) {
            std::collections::hash_map::Entry::Occupied(_) => unique = false,
            std::collections::hash_map::Entry::Vacant(place) => drop(place.insert(key.clone())),
        }
    }
    (keys, unique)
}

fn judge(column: &ColumnMapping, home: Option<&str>, unique: bool) -> (Fidelity, String) {
    use Fidelity::{AsStored, Assumed, Exact, Lost};
    if column.kind == ColumnType::ReferenceId && home.is_none() {
        let reason = "only the id is stored, and no foreign key to the table of one root collection says where it is";
        return (Lost, reason.to_owned());
    }
    let mut found = vec![(Exact, String::new())];
    if !column.transforms.is_empty() {
        let names: Vec<&str> = column.transforms.iter().map(|transform| transform.as_str()).collect();
        found.push((AsStored, format!("as `{}` left it", names.join(", "))));
    }
    if !unique {
        found.push((AsStored, "several keys of the lookup stand for one value".to_owned()));
    }
    match column.lookup.as_ref().map(|lookup| lookup.missing) {
        Some(LookupMissing::Null) => {
            found.push((AsStored, "a value that the lookup does not have became NULL".to_owned()));
        }
        Some(LookupMissing::Keep) => {
            found.push((Assumed, "a value that the lookup does not have, and that it gives, look the same".to_owned()));
        }
        Some(LookupMissing::Reject) | None => {}
    }
    match column.mismatch {
        Mismatch::Reject | Mismatch::Keep => {}
        Mismatch::Null => found.push((AsStored, "a value of another type became NULL".to_owned())),
        Mismatch::Coerce => found.push((AsStored, "a value of another type comes back in this one".to_owned())),
    }
    let doubles = !matches!(column.kind, ColumnType::Text | ColumnType::Json | ColumnType::Boolean);
    if doubles && column.doubles.non_finite == NonFinite::Null {
        found.push((AsStored, "NaN and infinities became NULL".to_owned()));
    }
    if doubles && column.doubles.negative_zero == NegativeZero::Zero {
        found.push((AsStored, "-0.0 became 0.0".to_owned()));
    }
    if column.lookup.is_none()
        && let Some(reason) = ambiguity(column.kind)
    {
        found.push((Assumed, reason.to_owned()));
    }
    if column.default.is_some() {
        found.push((Assumed, "a field that was missing comes back with the default".to_owned()));
    }
    // The worst, and of several the first.
    let worst = found.iter().map(|(fidelity, _)| *fidelity).max();
    found.into_iter().find(|(fidelity, _)| Some(*fidelity) == worst).unwrap_or((Exact, String::new()))
}

/// Which values look the same in a column of this type.
fn ambiguity(kind: ColumnType) -> Option<&'static str> {
    Some(match kind {
        ColumnType::Integer => "a double without fraction comes back as an integer",
        ColumnType::Double | ColumnType::Natural(Affinity::Real) => "an integer comes back as a double",
        ColumnType::Vector32 | ColumnType::Vector64 => "an array of numbers comes back as a vector",
        ColumnType::ReferenceId => "the collection is that of the foreign key",
        ColumnType::Natural(Affinity::Text) => "a timestamp or reference comes back as text",
        ColumnType::Natural(Affinity::Integer) => "true, false and doubles without fraction come back as integers",
        ColumnType::Natural(Affinity::Numeric) => "true, false and doubles without fraction come back as integers",
        ColumnType::Auto | ColumnType::Any | ColumnType::Natural(Affinity::Blob) => {
            "true and false come back as integers; times, references, geopoints, arrays and maps as text"
        }
        _ => return None,
    })
}
