//! Fields and the columns that give them back: of several columns from one field the best, of a field and what is below
//! it the field.

use std::collections::BTreeMap;

use super::column::{Way, not_its_type};
use super::fields::{get, set};
use super::home::Homes;
use super::told::{ColumnReturn, Fidelity};
use crate::domain::mapping::{ColumnMapping, ColumnType, Input, Mapping};
use crate::domain::row::{Row, SqlValue};
use crate::domain::value::{GeoPoint, Map, Value};

/// The fields that columns of one table give back, those nearer to the top first.
#[derive(Debug, Clone, Default)]
pub(super) struct Slots {
    table: String,
    columns: Vec<ColumnMapping>,
    slots: Vec<Slot>,
}

#[derive(Debug, Clone)]
struct Slot {
    /// Below the document or the element; empty: the element itself.
    path: Vec<String>,
    from: From,
}

#[derive(Debug, Clone)]
enum From {
    /// The column at this place.
    Column(usize, Box<Way>),
    /// Columns of latitude and longitude.
    Point(usize, usize),
}

impl From {
    fn is_whole(&self) -> bool {
        matches!(self, Self::Column(_, way) if way.is_whole())
    }

    fn gives(&self, column: usize) -> bool {
        match self {
            Self::Column(index, _) => *index == column,
            Self::Point(latitude, longitude) => *latitude == column || *longitude == column,
        }
    }
}

/// A column that could give a field back.
struct Candidate {
    index: usize,
    way: Way,
    fidelity: Fidelity,
    reason: String,
}

impl Slots {
    /// Those of a document's own table.
    pub fn of_document(mapping: &Mapping, homes: &Homes, told: &mut Vec<ColumnReturn>) -> Self {
        let path = |input: &Input| match input {
            Input::Field(path) => Some(path.segments().to_vec()),
            _ => None,
        };
        let other = |column: &ColumnMapping| match column.input {
            Input::FileStem => (Fidelity::Lost, "an export has files of its own".to_owned()),
            Input::Created | Input::Updated if !column.transforms.is_empty() || column.lookup.is_some() => {
                (Fidelity::AsStored, "as transforms and lookup left it".to_owned())
            }
            Input::Created | Input::Updated if column.default.is_some() => {
                (Fidelity::Assumed, "a time that was not known comes back with the default".to_owned())
            }
            _ => (Fidelity::Exact, String::new()),
        };
        Self::of(&mapping.table, &mapping.columns, homes, told, path, other)
    }

    /// Those of the columns whose input has a path; the others are told with `other`.
    pub fn of(
        table: &str,
        columns: &[ColumnMapping],
        homes: &Homes,
        told: &mut Vec<ColumnReturn>,
        path: impl Fn(&Input) -> Option<Vec<String>>,
        other: impl Fn(&ColumnMapping) -> (Fidelity, String),
    ) -> Self {
        let mut groups: BTreeMap<(usize, Vec<String>), Vec<Candidate>> = BTreeMap::new();
        for (index, column) in columns.iter().enumerate() {
            if let Some(path) = path(&column.input) {
                let (way, fidelity, reason) = Way::of(table, column, homes);
                groups.entry((path.len(), path)).or_default().push(Candidate { index, way, fidelity, reason });
            }
        }
        let mut slots: Vec<Slot> = Vec::new();
        let mut verdicts: BTreeMap<usize, (Fidelity, String)> = BTreeMap::new();
        for ((_, path), candidates) in groups {
            let whole = slots.iter().find(|slot| slot.from.is_whole() && path.starts_with(&slot.path));
            if let Some(whole) = whole {
                let reason = format!("part of `{}`, which comes back whole", whole.path.join("."));
                verdicts.extend(candidates.iter().map(|one| (one.index, (Fidelity::Derived, reason.clone()))));
            } else {
                slots.extend(choose(columns, candidates, &mut verdicts).map(|from| Slot { path, from }));
            }
        }
        told.extend(columns.iter().enumerate().map(|(index, column)| {
            let (fidelity, reason) = verdicts.remove(&index).unwrap_or_else(|| other(column));
            let (table, column, from) = (table.to_owned(), column.name.clone(), column.input.to_string());
            ColumnReturn { table, column, from, fidelity, reason }
        }));
        Self { table: table.to_owned(), columns: columns.to_vec(), slots }
    }

    /// Puts the fields into a map.
    pub fn fill(&self, map: &mut Map, row: &Row, trouble: &mut Option<String>) {
        for slot in &self.slots {
            if let Some(value) = self.value(slot, row, trouble) {
                // What is in the way was put there whole, and says the same or is told to differ.
                set(map, &slot.path, value, |old, new| if new == Value::Null { old } else { new });
            }
        }
    }

    /// The element of a list whose fields these are.
    pub fn element(&self, row: &Row, trouble: &mut Option<String>) -> Value {
        match self.slots.first() {
            None => Value::Null,
            Some(slot) if slot.path.is_empty() => self.value(slot, row, trouble).unwrap_or(Value::Null),
            Some(_) => {
                let mut map = Map::new();
                self.fill(&mut map, row, trouble);
                Value::Map(map)
            }
        }
    }

    /// Whether the field comes back, by itself or with one that it is part of.
    pub fn cover(&self, path: &[String]) -> bool {
        let covers = |slot: &Slot| slot.path == path || slot.from.is_whole() && path.starts_with(&slot.path);
        self.slots.iter().any(covers)
    }

    /// Whether the field itself or one that it is part of comes back with all that is below it.
    pub fn cover_whole(&self, path: &[String]) -> bool {
        self.slots.iter().any(|slot| slot.from.is_whole() && path.starts_with(&slot.path))
    }

    /// Whether some NULL may stand for null and for a missing field.
    pub fn nullable(&self) -> bool {
        self.slots.iter().any(|slot| match &slot.from {
            From::Column(_, way) => way.nullable && !way.null_is_null,
            From::Point(..) => true,
        })
    }

    /// The value of a field; `None` when it is missing.
    fn value(&self, slot: &Slot, row: &Row, trouble: &mut Option<String>) -> Option<Value> {
        match &slot.from {
            From::Column(index, way) => match way.value(row.get(*index)?) {
                Some(Value::Null) => way.null_is_null.then_some(Value::Null),
                Some(value) => Some(value),
                None => {
                    not_its_type(trouble, &self.table, self.columns.get(*index)?);
                    None
                }
            },
            From::Point(latitude, longitude) => match (row.get(*latitude)?, row.get(*longitude)?) {
                (SqlValue::Real(latitude), SqlValue::Real(longitude)) => {
                    Some(Value::GeoPoint(GeoPoint { latitude: *latitude, longitude: *longitude }))
                }
                (SqlValue::Null, SqlValue::Null) => None,
                _ => {
                    not_its_type(trouble, &self.table, self.columns.get(*latitude)?);
                    None
                }
            },
        }
    }
}

/// The column, or the two, that give a field back; the others are computed from it again.
fn choose(
    columns: &[ColumnMapping],
    mut candidates: Vec<Candidate>,
    verdicts: &mut BTreeMap<usize, (Fidelity, String)>,
) -> Option<From> {
    let part = |candidates: &[Candidate], kind: ColumnType| {
        let found = candidates.iter().find(|one| columns.get(one.index).is_some_and(|column| column.kind == kind));
        found.map(|one| one.index)
    };
    let parts = (part(&candidates, ColumnType::Latitude), part(&candidates, ColumnType::Longitude));
    let is_part = |one: &Candidate| {
        let kind = columns.get(one.index).map(|column| column.kind);
        matches!(kind, Some(ColumnType::Latitude | ColumnType::Longitude))
    };
    // The whole before its parts, the surer one before others.
    candidates.sort_by_key(|one| (is_part(one), one.fidelity));
    let best = candidates.first().filter(|best| !is_part(best) && best.fidelity != Fidelity::Lost);
    let from = match (best, parts) {
        (Some(best), _) => Some(From::Column(best.index, Box::new(best.way.clone()))),
        (None, (Some(latitude), Some(longitude))) => Some(From::Point(latitude, longitude)),
        (None, _) => None,
    };
    let giving = |index: usize| from.as_ref().is_some_and(|from| from.gives(index));
    for one in &candidates {
        let verdict = match &from {
            None if is_part(one) => (Fidelity::Lost, "the other coordinate is not stored".to_owned()),
            Some(_) if !giving(one.index) => (Fidelity::Derived, "computed again from the same field".to_owned()),
            _ => (one.fidelity, one.reason.clone()),
        };
        verdicts.insert(one.index, verdict);
    }
    from
}

/// Whether a field is there.
pub(super) fn has(map: &Map, path: &[String]) -> bool {
    get(map, path).is_some()
}
