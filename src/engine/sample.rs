//! `--sample N`: the first N documents of every collection, and the parents that they need, wherever those stand.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures::StreamExt;

use super::steps::Step;
use super::{Context, RunOptions};
use crate::domain::document::Origin;
use crate::domain::json;
use crate::domain::mapping::{ColumnMapping, Input, Mapped};
use crate::domain::row::{MappedDocument, Row, SqlValue};
use crate::domain::schema::{Schema, Table};
use crate::error::Result;
use crate::source::{MalformedRecord, ReadRequest, Record};

/// The documents of one collection that belong to the sample, by path (records without one: by place).
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Selection(HashSet<String>);

impl Selection {
    /// These documents, by path.
    pub fn of(paths: impl IntoIterator<Item = String>) -> Self {
        Self(paths.into_iter().collect())
    }

    /// Whether the record belongs to the sample.
    pub fn contains(&self, record: &Record) -> bool {
        self.0.contains(&name_of(record))
    }

    /// Paths of the documents.
    pub fn paths(&self) -> Arc<[String]> {
        self.0.iter().cloned().collect()
    }

    /// Number of records.
    pub fn len(&self) -> u64 {
        self.0.len() as u64
    }
}

fn name_of(record: &Record) -> String {
    match record {
        Record::Document(document) => document.path.to_string(),
        Record::Malformed(MalformedRecord { origin: Origin { file: None, .. }, document: Some(path), .. }) => {
            path.clone()
        }
        Record::Malformed(record) => format!("{}@{}", record.origin, record.origin.offset),
    }
}

/// Parent rows that sampled rows refer to: (table, columns) → key text → was it looked for already.
#[derive(Default)]
struct Wanted(HashMap<(String, Vec<String>), HashMap<String, bool>>);

impl Wanted {
    fn add(&mut self, parent: &str, columns: &[String], key: String) {
        let lower = columns.iter().map(|column| column.to_ascii_lowercase()).collect();
        self.0.entry((parent.to_ascii_lowercase(), lower)).or_default().entry(key).or_insert(false);
    }

    fn outstanding(&self, table: &str) -> bool {
        self.of(table).any(|(_, keys)| keys.values().any(|searched| !searched))
    }

    fn of(&self, table: &str) -> impl Iterator<Item = (&Vec<String>, &HashMap<String, bool>)> {
        let table = table.to_ascii_lowercase();
        self.0.iter().filter(move |((own, _), _)| *own == table).map(|((_, columns), keys)| (columns, keys))
    }

    /// Paths of the documents whose rows are wanted and were not looked for; `None` where keys do not tell.
    fn paths(&self, step: &Step) -> Option<Arc<[String]>> {
        let mut paths = Vec::new();
        for (columns, keys) in self.of(&step.mapping.table) {
            let [column] = columns.as_slice() else { return None };
            let known = step.mapping.columns.iter().find(|own| own.name.eq_ignore_ascii_case(column))?;
            if !known.transforms.is_empty() || known.lookup.is_some() {
                return None;
            }
            for (key, _) in keys.iter().filter(|(_, searched)| !**searched) {
                let [key] = <[String; 1]>::try_from(serde_json::from_str::<Vec<String>>(key).ok()?).ok()?;
                paths.push(match known.input {
                    Input::Path => key,
                    Input::Id if step.pattern().is_root() => format!("{}/{key}", step.name()),
                    _ => return None,
                });
            }
        }
        Some(paths.into())
    }

    fn mark_searched(&mut self, table: &str, searched: &HashSet<String>) {
        let table = table.to_ascii_lowercase();
        for (_, keys) in self.0.iter_mut().filter(|((own, _), _)| *own == table) {
            keys.iter_mut().filter(|(key, _)| searched.contains(*key)).for_each(|(_, done)| *done = true);
        }
    }
}

/// Selects the sample of every step. Children come first, so that their parents are known when a parent collection
/// is read; repeated until no parent is outstanding. Memory grows with N, not with the source.
pub(super) async fn select(
    ctx: &Context,
    options: &RunOptions,
    steps: &[Step],
    schema: &Schema,
    size: u64,
) -> Result<Vec<Arc<Selection>>> {
    let mut selections: Vec<Selection> = steps.iter().map(|_| Selection::default()).collect();
    let mut wanted = Wanted::default();
    let mut first = true;
    loop {
        let mut scanned = false;
        for (step, selection) in steps.iter().zip(&mut selections).rev() {
            if first || wanted.outstanding(&step.mapping.table) {
                let size = if first { size } else { 0 };
                scan(ctx, options, step, schema, size, selection, &mut wanted).await?;
                scanned = true;
            }
        }
        first = false;
        if !scanned {
            return Ok(selections.into_iter().map(Arc::new).collect());
        }
    }
}

async fn scan(
    ctx: &Context,
    options: &RunOptions,
    step: &Step,
    schema: &Schema,
    size: u64,
    selection: &mut Selection,
    wanted: &mut Wanted,
) -> Result<()> {
    let table = &step.mapping.table;
    let searched: HashSet<String> = wanted.of(table).flat_map(|(_, keys)| keys.keys().cloned()).collect();
    let mut request = ReadRequest { brief: true, ..step.request(ctx, options) };
    // Where reading costs money, parents are asked for by name.
    let named = if ctx.source.capabilities().billed { wanted.paths(step) } else { None };
    let mut reading = Scan { step, schema, size, selection, wanted };
    if named.is_none() || size > 0 {
        if size > 0 {
            request.page_documents = request.page_documents.min(usize::try_from(size).unwrap_or(usize::MAX));
        }
        reading.scan(ctx, &request, searched.is_empty() || named.is_some()).await?;
    }
    if let Some(paths) = named.filter(|paths| !paths.is_empty()) {
        reading.size = 0;
        request.only = Some(paths);
        reading.scan(ctx, &request, false).await?;
    }
    wanted.mark_searched(table, &searched);
    Ok(())
}

/// One reading of a collection.
struct Scan<'a> {
    step: &'a Step,
    schema: &'a Schema,
    /// The first so many belong to the sample.
    size: u64,
    selection: &'a mut Selection,
    wanted: &'a mut Wanted,
}

impl Scan<'_> {
    /// Reads the first documents, or all of them where wanted ones may stand anywhere.
    async fn scan(&mut self, ctx: &Context, request: &ReadRequest, only_first: bool) -> Result<()> {
        let mut index = 0;
        for partition in ctx.source.partitions(request).await? {
            let mut pages = ctx.source.read(request, &partition, None).await?;
            while let Some(page) = pages.next().await {
                let page = page?;
                for record in page.records {
                    take(self.step, self.schema, record, index < self.size, self.selection, self.wanted);
                    index += 1;
                }
                if page.last || (only_first && index >= self.size) {
                    break;
                }
            }
            if only_first && index >= self.size {
                break;
            }
        }
        Ok(())
    }
}

fn take(
    step: &Step,
    schema: &Schema,
    record: Record,
    among_first: bool,
    selection: &mut Selection,
    wanted: &mut Wanted,
) {
    let name = name_of(&record);
    let Record::Document(document) = record else {
        if among_first {
            selection.0.insert(name);
        }
        return;
    };
    let Mapped::Rows(mapped) = step.mapping.map(document) else {
        if among_first {
            selection.0.insert(name);
        }
        return;
    };
    if (among_first || is_wanted(step, &mapped.row, wanted)) && selection.0.insert(name) {
        want_parents(step, schema, &mapped, wanted);
    }
}

fn is_wanted(step: &Step, row: &Row, wanted: &Wanted) -> bool {
    wanted
        .of(&step.mapping.table)
        .any(|(columns, keys)| key_text(&step.mapping.columns, row, columns).is_some_and(|key| keys.contains_key(&key)))
}

fn want_parents(step: &Step, schema: &Schema, mapped: &MappedDocument, wanted: &mut Wanted) {
    let mut add = |table: Option<&Table>, columns: &[ColumnMapping], row: &Row| {
        for foreign_key in table.iter().flat_map(|table| &table.foreign_keys) {
            if let Some(key) = key_text(columns, row, &foreign_key.columns) {
                wanted.add(&foreign_key.parent, &foreign_key.parent_columns, key);
            }
        }
    };
    add(schema.table(&step.mapping.table), &step.mapping.columns, &mapped.row);
    for (child, rows) in step.mapping.children.iter().zip(&mapped.children) {
        for row in rows {
            add(schema.table(&child.table), &child.columns, row);
        }
    }
}

/// The values of the named columns as text; `None` when one is not mapped or NULL (then there is no parent).
fn key_text(columns: &[ColumnMapping], row: &Row, names: &[String]) -> Option<String> {
    let values: Option<Vec<&SqlValue>> = names
        .iter()
        .map(|name| {
            let index = columns.iter().position(|column| column.name.eq_ignore_ascii_case(name))?;
            row.get(index).filter(|value| **value != SqlValue::Null)
        })
        .collect();
    values.map(|values| json::encode_key(&values))
}
