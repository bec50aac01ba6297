//! What documents say against the columns that are there.

use super::locate::{Found, at, elements};
use super::{Gone, Known, Update};
use crate::domain::mapping::{ColumnMapping, Input, Mapping, Mismatch, Transform};
use crate::domain::number::count as number;
use crate::domain::reject::RejectCode;
use crate::domain::schema::Table as Declared;
use crate::domain::sql_text::allowed_texts;
use crate::domain::value::{GeoPoint, Map, Value};
use crate::infer::model::Doubt;
use crate::profile::model::{Numbers, TypeProfile};
use crate::profile::{CollectionProfile, FieldProfile};

/// A column with what it is filled from.
struct Look<'a> {
    collection: &'a CollectionProfile,
    column: &'a ColumnMapping,
    declared: &'a Declared,
    field: &'a FieldProfile,
    /// Rows that the documents make.
    rows: u64,
    /// `where` leaves documents out: they were counted all the same.
    filtered: bool,
}

/// Looks at every column that a field fills.
pub(super) fn look(collection: &CollectionProfile, mapping: &Mapping, known: &Known<'_>, update: &mut Update) {
    let filtered = !mapping.filter.conditions.is_empty();
    if let Some(declared) = known.schema.table(&mapping.table) {
        for (index, column) in mapping.columns.iter().enumerate() {
            let Input::Field(path) = &column.input else { continue };
            let fills = format!("{}.{}", mapping.table, column.name);
            match at(&collection.fields, path.segments()) {
                Found::Field(field) => {
                    let look = Look { collection, column, declared, field, rows: collection.documents, filtered };
                    look.all(mapping.key.contains(&index), known, &mut update.draft.doubts);
                }
                Found::Absent => gone(collection, path.to_string(), fills, update),
                Found::Unknown => {}
            }
        }
    }
    for child in &mapping.children {
        let field = match at(&collection.fields, child.each.segments()) {
            Found::Field(field) => field,
            Found::Absent => {
                gone(collection, child.each.to_string(), child.table.clone(), update);
                continue;
            }
            Found::Unknown => continue,
        };
        let (Some((values, rows)), Some(declared)) = (elements(field), known.schema.table(&child.table)) else {
            continue;
        };
        for (index, column) in child.columns.iter().enumerate() {
            let Input::Item(path) = &column.input else { continue };
            let inside = values.map.as_ref().map_or(&[][..], |map| &map.fields);
            let found = if path.segments().is_empty() { Found::Field(values) } else { at(inside, path.segments()) };
            match found {
                Found::Field(field) => {
                    let look = Look { collection, column, declared, field, rows, filtered };
                    look.all(child.key.contains(&index), known, &mut update.draft.doubts);
                }
                Found::Absent if rows > 0 => {
                    let fills = format!("{}.{}", child.table, column.name);
                    gone(collection, format!("{}.{path}", values.path), fills, update);
                }
                Found::Absent | Found::Unknown => {}
            }
        }
    }
}

fn gone(collection: &CollectionProfile, field: String, fills: String, update: &mut Update) {
    if collection.complete && !collection.too_many_names {
        let collection = collection.collection.clone();
        update.gone.push(Gone { collection, field: Some(field), fills: Some(fills) });
    }
}

impl Look<'_> {
    fn all(&self, in_key: bool, known: &Known<'_>, doubts: &mut Vec<Doubt>) {
        let plain = self.column.transforms.is_empty() && self.column.lookup.is_none();
        doubts.extend(self.lacking());
        if plain {
            doubts.extend(self.types());
            doubts.extend(self.enumeration());
        }
        if plain && !in_key {
            doubts.extend(self.unique());
        }
        doubts.extend(self.unresolved(known));
    }

    fn doubt(&self, found: String, chosen: &str, instead: &str) -> Doubt {
        let found = if self.filtered { format!("{found} (of all documents, wanted by `where` or not)") } else { found };
        Doubt {
            collection: self.collection.collection.clone(),
            field: Some(self.field.path.clone()),
            found,
            chosen: chosen.to_owned(),
            instead: instead.to_owned(),
            serious: chosen == REJECTED && !self.filtered,
        }
    }

    fn place(&self) -> String {
        format!("{}.{}", self.declared.name, self.column.name)
    }

    /// Values of types that the column cannot hold.
    fn types(&self) -> Option<Doubt> {
        let refused: Vec<String> = self
            .field
            .types
            .iter()
            .map(|found| (found, self.refused(found)))
            .filter(|(_, count)| *count > 0)
            .map(|(found, count)| {
                let example = found.examples.first().map(|example| format!(", e.g. {example}")).unwrap_or_default();
                let document = found.document.as_ref().map(|path| format!(" in {path}")).unwrap_or_default();
                format!("{} {}{example}{document}", number(count), found.name)
            })
            .collect();
        if refused.is_empty() {
            return None;
        }
        let found = format!("{}, which {} ({}) cannot hold", refused.join("; "), self.place(), self.column.kind);
        let chosen = match self.column.mismatch {
            Mismatch::Reject => REJECTED,
            Mismatch::Null => "stored as NULL (`mismatch: \"null\"`)",
            Mismatch::Keep => "stored as NULL, and kept with the unknown fields (`mismatch: keep`)",
            Mismatch::Coerce => "stored as what says the same, else rejected (`mismatch: coerce`)",
        };
        Some(self.doubt(found, chosen, "rebuild the table with another type, correct the documents, or say `mismatch`"))
    }

    /// Values of a type that the column refuses: each kind of value is tried.
    fn refused(&self, found: &TypeProfile) -> u64 {
        let samples = samples(found.name, found.count, self.field);
        samples.iter().filter(|(value, _)| !self.column.holds(value)).map(|(_, count)| count).sum()
    }

    /// Nothing there, where the column needs something.
    fn lacking(&self) -> Option<Doubt> {
        let declared = self.declared.column(&self.column.name)?;
        let missing = match self.column.default {
            Some(_) => 0,
            None => self.rows.saturating_sub(self.field.present),
        };
        let empties = self.column.transforms.contains(&Transform::EmptyToNull);
        let empty = self.field.texts.as_ref().filter(|_| empties).map_or(0, |texts| texts.empty);
        let null = self.field.null + empty;
        if missing + null == 0 || !(declared.not_null || self.column.required) {
            return None;
        }
        let found =
            format!("missing in {}, null in {}, while {} is NOT NULL", number(missing), number(null), self.place());
        Some(self.doubt(found, REJECTED, "rebuild the table without NOT NULL, or give the column a `default`"))
    }

    /// Texts that the column's CHECK does not know.
    fn enumeration(&self) -> Option<Doubt> {
        let allowed = allowed_texts(&self.declared.sql, &self.column.name)?;
        let others = match &self.field.values {
            Some(values) => {
                let new = values.iter().filter(|(value, _)| !allowed.contains(value));
                new.map(|(value, count)| format!("'{value}' ({})", number(*count))).collect::<Vec<_>>().join(", ")
            }
            None => self.field.distinct.map(|found| format!("{} different values", number(found.count)))?,
        };
        if others.is_empty() {
            return None;
        }
        let found = format!("{others}, while {} allows only {}", self.place(), allowed.join(", "));
        Some(self.doubt(found, REJECTED, "rebuild the table with a CHECK that knows them, or without one"))
    }

    /// Values that occur more than once.
    fn unique(&self) -> Option<Doubt> {
        let repeated = self.field.unique == Some(false) && self.declared.is_unique(&[&self.column.name]);
        let distinct = self.field.distinct.filter(|_| repeated)?;
        let found = format!(
            "{} values, only {} of them different, while {} is UNIQUE",
            number(self.field.filled()),
            number(distinct.count),
            self.place()
        );
        Some(self.doubt(found, REJECTED, "rebuild the table without UNIQUE, or correct the documents"))
    }

    /// References to documents that do not exist.
    fn unresolved(&self, known: &Known<'_>) -> Option<Doubt> {
        let only = |key: &&crate::domain::schema::ForeignKey| matches!(key.columns.as_slice(), [name] if name.eq_ignore_ascii_case(&self.column.name));
        let key = self.declared.foreign_keys.iter().find(only)?;
        let of_table = |mapping: &&&Mapping| mapping.table.eq_ignore_ascii_case(&key.parent);
        let parent = known.mappings.values().find(of_table)?.collection.to_string();
        let all = self.field.references.iter().chain(&self.field.resolves);
        let target = all.into_iter().find(|target| target.collection == parent)?;
        let lacking = target.distinct - target.resolved?;
        if lacking == 0 {
            return None;
        }
        let found = format!(
            "{} of {} documents of {parent} referred to do not exist, while {} is a foreign key",
            number(lacking),
            number(target.distinct),
            self.place()
        );
        Some(self.doubt(found, REJECTED, "correct them, or rebuild the table without the foreign key"))
    }
}

/// What becomes of documents that a column refuses.
const REJECTED: &str = "these documents will be rejected";

/// Values that stand for all of a type, each with how many there are of its like.
fn samples(name: &str, count: u64, field: &FieldProfile) -> Vec<(Value, u64)> {
    let numbers = field.numbers.clone().unwrap_or_default();
    match name {
        "boolean" => vec![(Value::Boolean(true), count)],
        "integer" => {
            let large = numbers.large_integers.min(count);
            vec![(Value::Integer(1), count - large), (Value::Integer(i64::MAX), large)]
        }
        "double" => doubles(&numbers, count),
        "timestamp" => {
            let fine = field.times.as_ref().map_or(0, |times| times.finer_than_micros).min(count);
            let time = |text: &str| text.parse().map_or(Value::Null, Value::Timestamp);
            vec![(time("2024-01-01T00:00:00Z"), count - fine), (time("2024-01-01T00:00:00.123456789Z"), fine)]
        }
        "string" => vec![(Value::String("a".to_owned()), count)],
        "bytes" => vec![(Value::Bytes(vec![0]), count)],
        "reference" => vec![(Value::Reference("a/b".to_owned()), count)],
        "geopoint" => vec![(Value::GeoPoint(GeoPoint { latitude: 0.0, longitude: 0.0 }), count)],
        "array" => vec![(Value::Array(Vec::new()), count)],
        "vector" => vec![(Value::Vector(vec![0.5]), count)],
        "map" => vec![(Value::Map(Map::default()), count)],
        _ => vec![(Value::invalid(RejectCode::WrongType, ""), count)],
    }
}

fn doubles(numbers: &Numbers, count: u64) -> Vec<(Value, u64)> {
    let odd = numbers.non_finite + numbers.negative_zeros;
    let whole = numbers.whole_doubles.saturating_sub(numbers.negative_zeros);
    vec![
        (Value::Double(f64::NAN), numbers.non_finite),
        (Value::Double(-0.0), numbers.negative_zeros),
        (Value::Double(1.0), whole),
        (Value::Double(0.5), count.saturating_sub(odd + whole)),
    ]
}
