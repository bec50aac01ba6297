//! Collections to tables, their arrays and dictionaries to child tables.

use super::circles::{self, Given};
use super::columns::{Builder, By, Target, Targets};
use super::containers::Form;
use super::model::{Column, Doubt, Draft, ForeignKey, Stored, Table, Watermark};
use super::names::{self, Taken, link, one, snake};
use super::parents;
use crate::domain::document::CollectionPattern;
use crate::domain::number::count as number;
use crate::profile::{CollectionProfile, FieldProfile, Profile, words};

/// The tables for a profile.
pub fn draft(profile: &Profile) -> Draft {
    let collections: Vec<&CollectionProfile> = profile.collections.iter().filter(|found| found.documents > 0).collect();
    let patterns: Vec<CollectionPattern> =
        collections.iter().map(|found| CollectionPattern::of(&found.collection)).collect();
    let mut taken = Taken::default();
    let tables = names::tables(&patterns, &mut taken);
    let targets: Targets =
        collections.iter().zip(&tables).map(|(found, table)| target(&found.collection, table)).collect();
    let mut draft = Draft::default();
    for (collection, name) in collections.iter().zip(&tables) {
        self::collection(collection, name, &targets, &mut taken, &mut draft);
        draft.watermarks.extend(watermarks(collection));
    }
    parents::link(&collections, &collections, &targets, &mut draft);
    parents::forget_refused(&targets, &mut draft);
    circles::open(&mut draft, &Given::default());
    draft
}

/// How a table of the draft is referred to.
pub(super) fn target(collection: &str, table: &str) -> (String, Target) {
    let by = by(collection);
    let column = match by {
        By::Id => Some("id".to_owned()),
        By::Path => Some("path".to_owned()),
        By::Both => None,
    };
    (collection.to_owned(), Target { table: table.to_owned(), by, column, drafted: true })
}

/// What must be in the key for it to determine the document.
pub(super) fn by(collection: &str) -> By {
    match collection.split('/').count() {
        1 => By::Id,
        3 => By::Both,
        _ => By::Path,
    }
}

fn text(name: &str, from: &str, evidence: &str) -> Column {
    Column {
        name: name.to_owned(),
        from: from.to_owned(),
        stored: Stored { kind: None, settings: Vec::new(), declared: "TEXT" },
        not_null: true,
        evidence: evidence.to_owned(),
        ..Column::default()
    }
}

/// The columns that identify a document, and which of them are the key.
fn identity(collection: &CollectionProfile, taken: &mut Taken) -> (Vec<Column>, Vec<String>) {
    let id = |name: &str| text(name, "$id", &format!("the document's id; at most {} bytes", collection.longest_id));
    let parent = collection.collection.rsplit_once("/*/").map_or("", |(parent, _)| parent);
    let above = || text(&link(parent), "$parent.id", &format!("the id of the document of {parent} above"));
    let columns = match by(&collection.collection) {
        By::Id => vec![id("id")],
        By::Both => vec![above(), id("id")],
        By::Path => vec![text("path", "$path", "the document's path"), above(), id("id")],
    };
    columns.iter().for_each(|column| drop(taken.take(&column.name)));
    let key = match by(&collection.collection) {
        By::Path => vec!["path".to_owned()],
        _ => columns.iter().map(|column| column.name.clone()).collect(),
    };
    (columns, key)
}

pub(super) fn collection(
    collection: &CollectionProfile,
    name: &str,
    targets: &Targets,
    taken_tables: &mut Taken,
    draft: &mut Draft,
) {
    let mut taken = Taken::default();
    let (columns, key) = identity(collection, &mut taken);
    let mut table = Table {
        name: name.to_owned(),
        collection: collection.collection.clone(),
        note: format!("{} documents of {}", number(collection.documents), collection.collection),
        rows: collection.documents,
        columns,
        key,
        ..Table::default()
    };
    if by(&collection.collection) == By::Path {
        table.indexes.extend(table.columns.get(1).map(|column| column.name.clone()));
    }
    let mut builder = Builder::new(collection, targets, table, taken);
    for field in &collection.fields {
        if field.repeats_id == collection.documents {
            builder.table.note.push_str(&format!("; `{}` only repeats the id and is left out", field.path));
        } else {
            builder.field(field, "", 0);
        }
    }
    times(collection, &mut builder);
    keep_unknown(collection, &mut builder);
    let Builder { table, children, doubts, .. } = builder;
    draft.doubts.extend(doubts);
    let children: Vec<(Table, Vec<Doubt>)> = children
        .into_iter()
        .map(|(field, form)| child(collection, &table, field, form, targets, taken_tables))
        .collect();
    draft.tables.push(table);
    for (child, doubts) in children {
        draft.tables.push(child);
        draft.doubts.extend(doubts);
    }
}

/// Times of creation and change, where the source knows them of every document.
fn times(collection: &CollectionProfile, builder: &mut Builder<'_>) {
    let known = [("created", collection.created), ("updated", collection.updated)];
    for (what, _) in known.iter().filter(|(_, count)| *count == collection.documents) {
        let plain = format!("{what}_at");
        let free = !builder.table.columns.iter().any(|column| column.name == plain);
        let name = builder.taken.take(&if free { plain } else { format!("document_{plain}") });
        let stored = Stored::new("timestamp", "TEXT");
        let fine = collection.fine_times > 0;
        builder.push(Column {
            name,
            from: format!("${what}"),
            stored: if fine { stored.with("digits", "9") } else { stored },
            not_null: collection.complete,
            evidence: format!(
                "when the document was {}, as the source tells it",
                if *what == "created" { "created" } else { "last changed" }
            ),
            ..Column::default()
        });
    }
}

/// Where fields may exist that no column maps, they are kept.
fn keep_unknown(collection: &CollectionProfile, builder: &mut Builder<'_>) {
    let why = match (collection.too_many_names, collection.nameless, collection.complete) {
        (true, ..) => "documents have too many different fields for columns",
        (_, true, _) => "a field has an empty name, which no column can take",
        (.., false) => "not every document was read: other fields may turn up",
        _ => return,
    };
    let name = builder.taken.take("extra");
    builder.push(Column {
        name: name.clone(),
        stored: Stored { kind: None, settings: Vec::new(), declared: "TEXT" },
        check: Some(format!("json_valid({})", names::sql(&name))),
        evidence: why.to_owned(),
        ..Column::default()
    });
    builder.table.keep_unknown = Some(name);
    if collection.too_many_names || collection.nameless {
        builder.doubts.push(Doubt {
            collection: collection.collection.clone(),
            field: None,
            found: why.to_owned(),
            chosen: "kept as JSON in `extra`".to_owned(),
            instead: "add columns for the fields that matter".to_owned(),
            serious: false,
        });
    }
}

/// The table of an array or dictionary; its first columns are those of the parent's key.
pub(super) fn child(
    collection: &CollectionProfile,
    parent: &Table,
    field: &FieldProfile,
    form: Form,
    targets: &Targets,
    taken_tables: &mut Taken,
) -> (Table, Vec<Doubt>) {
    let mut taken = Taken::default();
    let mut columns = Vec::new();
    for of_parent in parent.key.iter().filter_map(|key| parent.columns.iter().find(|column| column.name == *key)) {
        let name = match of_parent.from.as_str() {
            "$id" => format!("{}_id", one(&parent.name)),
            "$path" => format!("{}_path", one(&parent.name)),
            _ => of_parent.name.clone(),
        };
        let link = text(&taken.take(&name), &of_parent.from, "the document it belongs to");
        let declared = of_parent.stored.declared;
        columns.push(Column { stored: Stored { declared, ..link.stored.clone() }, ..link });
    }
    let links: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    let (values, rows, why) = match (&field.array, &field.map) {
        (Some(array), _) => {
            (Some(&array.items), array.total, format!("arrays of up to {} elements", number(array.longest)))
        }
        (_, Some(map)) => (map.values.as_deref(), map.entries, format!("a dictionary: {}", map.because)),
        _ => (None, 0, String::new()),
    };
    let index = if form == Form::Entries {
        text(&taken.take("entry"), "$index", "the name in the map")
    } else {
        let stored = Stored::new("integer", "INTEGER");
        Column { stored, ..text(&taken.take("position"), "$index", "the place in the array, from 0") }
    };
    columns.push(index);
    let table = Table {
        name: taken_tables.take(&format!("{}_{}", one(&parent.name), snake(&field.name))),
        collection: collection.collection.clone(),
        each: Some(field.path.clone()),
        note: format!("{} elements of `{}` of {}: {why}", number(rows), field.path, collection.collection),
        rows,
        key: columns.iter().map(|column| column.name.clone()).collect(),
        foreign_keys: vec![ForeignKey {
            columns: links,
            parent: parent.name.clone(),
            parent_columns: parent.key.clone(),
        }],
        columns,
        ..Table::default()
    };
    let element = values.map(|values| values.path.as_str());
    let mut builder = Builder { element, ..Builder::new(collection, targets, table, taken) };
    if let Some(values) = values {
        builder.elements(values);
    }
    (builder.table, builder.doubts)
}

/// Timestamps that every document has, and that are named like a time of change.
fn watermarks(collection: &CollectionProfile) -> Vec<Watermark> {
    let of = |field: &str, because: &str| Watermark {
        collection: collection.collection.clone(),
        field: field.to_owned(),
        because: because.to_owned(),
    };
    let changes = ["updated", "modified", "changed", "edited", "update", "modification"];
    let fits = |field: &&FieldProfile| {
        let always = field.only_type() == Some("timestamp") && field.filled() == collection.documents;
        always && words(&field.name).iter().any(|word| changes.contains(&word.as_str()))
    };
    let fields = collection.fields.iter().filter(fits);
    let mut found: Vec<Watermark> =
        fields.map(|field| of(&field.path, "a timestamp in every document, named like a time of change")).collect();
    if collection.updated == collection.documents {
        found.push(of("$updated", "the source knows when each document was last changed"));
    }
    found
}
