//! Fields to columns.

use std::collections::BTreeMap;

use super::containers::{Form, form};
use super::doubts::{doubt, of_emptiness, of_meaning, of_types};
use super::evidence::line;
use super::model::{Column, Doubt, Stored, Table};
use super::names::{Taken, one, referring, snake, sql};
use super::scalar::{check, json, stored};
use super::{ENOUGH, MOST_CHECKED, OFTEN};
use crate::domain::number::count as number;
use crate::profile::{CollectionProfile, FieldProfile, singular, words};

/// Rows that are too few to prove that a field is always there.
const FEW: u64 = 10;
/// A longer text makes a poor key, in bytes.
const LONGEST_KEY: u64 = 256;

/// How rows of a collection's table are referred to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub table: String,
    pub by: By,
    /// The column that a foreign key may refer to; `None` where rows have none, or not every document has a row.
    pub column: Option<String>,
    /// The table is part of this draft, not there already.
    pub drafted: bool,
}

impl Target {
    /// Table and column for references that say so much.
    pub fn key(&self, by: By) -> Option<(String, String)> {
        let column = self.column.clone().filter(|_| self.by == by)?;
        Some((self.table.clone(), column))
    }
}

/// What identifies a document of a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Id,
    Path,
    /// Its parent's id and its own, which a reference does not have apart.
    Both,
}

/// Tables by collection.
pub(super) type Targets = BTreeMap<String, Target>;

/// A table in the making.
pub(super) struct Builder<'a> {
    pub targets: &'a Targets,
    pub collection: &'a str,
    pub table: Table,
    pub taken: Taken,
    /// Every document was read.
    pub complete: bool,
    /// In a child table: the path of its elements.
    pub element: Option<&'a str>,
    /// Fields that become tables of their own.
    pub children: Vec<(&'a FieldProfile, Form)>,
    pub doubts: Vec<Doubt>,
}

impl<'a> Builder<'a> {
    /// For a table whose own columns are not looked at yet.
    pub fn new(collection: &'a CollectionProfile, targets: &'a Targets, table: Table, taken: Taken) -> Self {
        Self {
            targets,
            collection: &collection.collection,
            table,
            taken,
            complete: collection.complete,
            element: None,
            children: Vec::new(),
            doubts: Vec::new(),
        }
    }

    /// Adds what a field becomes.
    pub fn field(&mut self, field: &'a FieldProfile, prefix: &str, depth: usize) {
        let name = format!("{prefix}{}", snake(&field.name));
        match form(field, depth, self.element.is_some()) {
            Form::Scalar => self.scalar(field, &name),
            Form::Json(rule) => self.json(field, &name, rule),
            Form::Flattened => {
                self.doubts.extend(of_emptiness(self.collection, field, true));
                for inner in field.map.iter().flat_map(|map| &map.fields) {
                    self.field(inner, &format!("{name}_"), depth + 1);
                }
            }
            table => {
                self.doubts.extend(of_emptiness(self.collection, field, false));
                self.children.push((field, table));
            }
        }
    }

    /// Adds the elements of an array, or the values of a dictionary.
    pub fn elements(&mut self, values: &'a FieldProfile) {
        match values.map.as_ref().filter(|_| values.only_type() == Some("map")) {
            Some(map) => map.fields.iter().for_each(|inner| self.field(inner, "", 1)),
            None => self.scalar(values, &one(&values.name)),
        }
    }

    fn json(&mut self, field: &FieldProfile, name: &str, rule: &str) {
        let column = self.column(field, name, json());
        self.push(Column { evidence: format!("{}; {rule} stay JSON", column.evidence), ..column });
    }

    fn scalar(&mut self, field: &FieldProfile, name: &str) {
        match field.only_type() {
            Some("geopoint") if field.odd.places == 0 => self.place(field, name),
            Some("reference") => self.reference(field, name),
            _ => self.plain(field, name),
        }
    }

    fn plain(&mut self, field: &FieldProfile, name: &str) {
        let stored = stored(field);
        let kind = stored.kind.unwrap_or_default();
        let chosen = match kind {
            "any" => "a column of type ANY keeps each as it is (`type: any`)".to_owned(),
            "json" => "kept as JSON, which holds all of them (`type: json`)".to_owned(),
            kind => format!("`type: {kind}`"),
        };
        of_types(self.collection, field, &chosen, &mut self.doubts);
        of_meaning(self.collection, field, &mut self.doubts);
        let mut column = self.column(field, name, stored);
        column.references = self.referred(field);
        column.unique = self.is_unique(field, &column);
        if column.check.is_none() && column.references.is_none() {
            column.check = self.enumeration(field, &column.name);
        }
        let refers = column.references.is_some() && !column.unique;
        if refers {
            self.table.indexes.push(column.name.clone());
        }
        self.push(column);
    }

    fn place(&mut self, field: &FieldProfile, name: &str) {
        for kind in ["latitude", "longitude"] {
            let stored = Stored::new(kind, "REAL");
            let zeros = field.odd.negative_zeros > 0;
            let stored = if zeros { stored.with("negative_zero", "zero") } else { stored };
            let column = self.column(field, &format!("{name}_{kind}"), stored);
            self.push(column);
        }
    }

    fn reference(&mut self, field: &FieldProfile, name: &str) {
        let target = match field.references.as_slice() {
            [only] if field.foreign_references == 0 => Some(only),
            _ => None,
        };
        let known = target.and_then(|target| self.targets.get(&target.collection));
        let resolved = target.is_some_and(|target| target.resolved == Some(target.distinct));
        let by_id = target.is_some_and(|target| !target.collection.contains('/'));
        let (stored, end) = match by_id {
            true => (Stored::new("reference", "TEXT"), "id"),
            false => (Stored::new("reference", "TEXT").with("reference", "path"), "path"),
        };
        let circular =
            target.is_some_and(|target| target.collection == self.collection && target.circular != Some(false));
        let by = if by_id { By::Id } else { By::Path };
        let references = known.filter(|_| resolved && self.complete && !circular).and_then(|known| known.key(by));
        if circular && self.complete && resolved {
            let found = "documents refer to each other in circles".to_owned();
            let instead = "add the foreign key by a later migration, once the rows are there".to_owned();
            self.doubts.push(doubt(self.collection, field, found, "no foreign key", instead));
        }
        self.doubt_reference(field, resolved);
        let column = self.column(field, &referring(name, end), stored);
        let leads: Vec<String> = field
            .references
            .iter()
            .map(|target| format!("{} to {}", number(target.count), target.collection))
            .collect();
        let evidence = format!("{}; {}", column.evidence, leads.join(", "));
        self.table.indexes.push(column.name.clone());
        self.push(Column { references, evidence, ..column });
    }

    fn doubt_reference(&mut self, field: &FieldProfile, resolved: bool) {
        let (found, instead) = match field.references.as_slice() {
            [only] if field.foreign_references == 0 => match only.resolved {
                _ if resolved || !self.complete => return,
                Some(found) => {
                    let lacking = number(only.distinct - found);
                    let found = format!(
                        "{lacking} of {} documents of {} referred to do not exist",
                        number(only.distinct),
                        only.collection
                    );
                    (found, "correct them, then add the foreign key".to_owned())
                }
                None => return,
            },
            several => {
                let names: Vec<&str> = several.iter().map(|target| target.collection.as_str()).collect();
                let elsewhere = match field.foreign_references {
                    0 => String::new(),
                    foreign => format!(", {} into other databases or too many collections", number(foreign)),
                };
                let found = format!("references to several collections ({}){elsewhere}", names.join(", "));
                (found, "a column per collection, each with its foreign key".to_owned())
            }
        };
        self.doubts.push(doubt(self.collection, field, found, "no foreign key", instead));
    }

    /// Table and column that texts are ids of.
    fn referred(&mut self, field: &FieldProfile) -> Option<(String, String)> {
        let own = words(&field.name);
        let names = |collection: &str| {
            let last = words(collection).last().map(|last| singular(last));
            last.is_some_and(|last| own.iter().any(|word| singular(word) == last))
        };
        let only_texts = field.only_type() == Some("string");
        let candidates = field.resolves.iter().filter(|_| only_texts && self.complete);
        let (full, part): (Vec<_>, Vec<_>) = candidates.partition(|found| found.resolved == Some(found.distinct));
        let named = full.iter().find(|found| names(&found.collection));
        let found = named.or_else(|| full.first().filter(|found| full.len() == 1 && found.distinct >= ENOUGH));
        if let Some(found) = found {
            // Circles of texts are not looked for.
            if found.collection == self.collection {
                let found = format!("all values are ids of {} itself", found.collection);
                let instead = "a foreign key, if they lead in no circles".to_owned();
                self.doubts.push(doubt(self.collection, field, found, "no foreign key", instead));
                return None;
            }
            return self.targets.get(&found.collection).and_then(|known| known.key(By::Id));
        }
        if let Some(near) = part.iter().find(|found| names(&found.collection)) {
            let lacking = near.distinct - near.resolved.unwrap_or(0);
            let found = format!(
                "{} of {} different values are ids of {}, {} are not",
                number(near.resolved.unwrap_or(0)),
                number(near.distinct),
                near.collection,
                number(lacking)
            );
            let instead = "correct them, then add the foreign key".to_owned();
            self.doubts.push(doubt(self.collection, field, found, "no foreign key", instead));
        }
        None
    }

    fn is_unique(&mut self, field: &FieldProfile, column: &Column) -> bool {
        let fits = matches!(field.only_type(), Some("string" | "integer"))
            && field.texts.as_ref().is_none_or(|texts| texts.longest <= LONGEST_KEY)
            && self.element.is_none();
        let timely = field.texts.as_ref().is_some_and(|texts| texts.times > 0);
        let fits = fits && !timely && (field.key_like || field.only_type() == Some("string"));
        let proven = fits && field.unique == Some(true) && field.filled() >= ENOUGH;
        if proven && !(field.key_like && self.complete && column.references.is_none()) {
            let name = sql(&column.name);
            self.table.proposals.push(format!("{name}: {} values, all different: UNIQUE?", number(field.filled())));
            return false;
        }
        proven
    }

    /// A condition for a field that has few values, each of them often.
    fn enumeration(&self, field: &FieldProfile, column: &str) -> Option<String> {
        let values = field.values.as_ref().filter(|_| self.complete && field.only_type() == Some("string"))?;
        let count: u64 = values.values().sum();
        let is_code = |text: &String| {
            // Dates and numbers are seldom all there will ever be.
            text.starts_with(|first: char| first.is_ascii_alphabetic())
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
        };
        let often = count >= OFTEN * values.len() as u64 && count >= 2 * ENOUGH;
        if values.len() < 2 || values.len() > MOST_CHECKED || !often || !values.keys().all(is_code) {
            return None;
        }
        let list: Vec<String> = values.keys().map(|text| format!("'{text}'")).collect();
        Some(format!("{} IN ({})", sql(column), list.join(", ")))
    }

    /// A column with what holds for every kind.
    fn column(&mut self, field: &FieldProfile, name: &str, stored: Stored) -> Column {
        let name = self.taken.take(name);
        let from = match self.element {
            Some(element) => format!("$item{}", field.path.get(element.len()..).unwrap_or_default()),
            None => field.path.clone(),
        };
        let rows = self.table.rows;
        let always = field.filled() == rows && rows > 0;
        if always && !(self.complete && rows >= FEW) {
            self.table.proposals.push(format!(
                "{}: in all {} rows that were read: NOT NULL?",
                sql(&name),
                number(rows)
            ));
        }
        Column {
            check: check(&stored, &sql(&name)),
            not_null: always && self.complete && rows >= FEW,
            evidence: line(field, rows),
            from,
            name,
            stored,
            ..Column::default()
        }
    }

    /// Adds a column.
    pub fn push(&mut self, column: Column) {
        self.table.columns.push(column);
    }
}
