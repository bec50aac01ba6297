//! From the model to a [`Pipeline`]: names resolved, defaults filled in, contradictions reported.

mod column;
mod ends;
mod filter;
mod gates;
mod lookup;
mod mapping;
mod source;
mod test;
mod value;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use ends::Overrides;
pub use source::source_named;

use super::conflict::conflict_misfit;
use super::decode::{Problems, nearest};
use super::fingerprint::fingerprint;
use super::graph;
use super::mark::{At, Mark};
use super::model::{CollectionModel, DeletesModel, LedgerPolicy, OnFailure, PipelineModel, UndoPolicy, WatermarkModel};
use super::resolved::{BackupPolicy, Collection, Deletes, Pipeline, RejectLimit, Settings, SourceSpec};
use crate::destination::OnConflict;
use crate::domain::document::CollectionPattern;
use crate::domain::field_path::FieldPath;
use crate::domain::mapping::Mapping;
use crate::domain::watermark::{TimeUnit, Watermark};

/// Everything that compiling one part needs to know of the whole.
pub(super) struct Scope<'a, 'p> {
    /// Mistakes found so far.
    problems: &'a mut Problems<'p>,
    /// A single value above this is rejected.
    max_value_bytes: usize,
    /// The field that plain objects have their id in.
    id_field: Option<&'a str>,
}

/// Compiles the model. Mistakes are added to `problems`; `None` when one of them leaves nothing to return.
pub fn compile(
    model: PipelineModel,
    file: &Path,
    overrides: &Overrides,
    problems: &mut Problems<'_>,
) -> Option<Pipeline> {
    let folder = file.parent().map(Path::to_owned).unwrap_or_default();
    let mut warnings = Vec::new();
    let name = pipeline_name(model.name.as_ref(), problems);
    let source = source::source(model.source.as_ref(), overrides, &folder, problems);
    let destination = ends::destination(model.destination.as_ref(), overrides, &folder, &mut warnings, problems);
    let mut settings = settings(&model);
    settings.mapped_fields_only =
        matches!(&source, Some(SourceSpec::Firestore(firestore)) if firestore.mapped_fields_only);
    let id_field = source.as_ref().and_then(SourceSpec::id_field).map(str::to_owned);
    let mut scope = Scope {
        id_field: id_field.as_deref(),
        max_value_bytes: to_usize(model.defaults.max_value_bytes.map_or(16 << 20, |size| size.0)),
        problems,
    };
    let mappings: Vec<_> = model
        .collections
        .iter()
        .map(|collection| {
            mapping::mapping(collection, model.defaults.unknown_fields.as_ref(), &mut scope, &mut warnings)
        })
        .collect();
    check_tables(&model.collections, &mappings, problems);
    check_depends_on(&model.collections, problems);
    let complete = mappings.iter().all(Option::is_some);
    let collections: Vec<Collection> = model
        .collections
        .iter()
        .zip(mappings)
        .filter_map(|(collection, mapping)| Some(self::collection(collection, Arc::new(mapping?), &model, problems)))
        .collect();
    check_cycle(&model.collections, &collections, problems);
    check_source_collection(&model, problems);
    let source = source?;
    let tests = if complete {
        test::tests(&model.tests, &collections, source.id_field().unwrap_or("id"), problems)
    } else {
        Vec::new()
    };
    let gates = gates::gates(&model.gates, problems);
    let fingerprint = fingerprint(&source, &collections);
    Some(Pipeline {
        name: name?,
        file: file.to_owned(),
        environment: overrides.environment.clone(),
        source,
        destination: destination?,
        schema: model.schema.as_ref().map(|schema| resolve(&folder, &schema.value)),
        backup: model.backup.unwrap_or(BackupPolicy::EveryRun),
        backup_keep: model.backup_keep.unwrap_or(5),
        gates,
        settings,
        collections,
        tests,
        warnings,
        fingerprint,
    })
}

/// Names go into tables of state, file names and messages.
fn pipeline_name(name: Option<&At<String>>, problems: &mut Problems<'_>) -> Option<String> {
    let name = name?;
    let allowed = |char: char| char.is_ascii_alphanumeric() || "-_.".contains(char);
    let fits = name.value.starts_with(|char: char| char.is_ascii_alphanumeric())
        && name.value.chars().all(allowed)
        && name.value.len() <= 64;
    if !fits {
        let message = "a pipeline's name has letters, digits, `-`, `_` and `.`, at most 64, a letter or digit first";
        problems.add("invalid_name", name.mark, message);
    }
    fits.then(|| name.value.clone())
}

/// Sizes and limits with their defaults, chosen so that memory stays small.
fn settings(model: &PipelineModel) -> Settings {
    let given = &model.defaults;
    Settings {
        commit_documents: given.commit_documents.map_or(50_000, |number| number.0),
        commit_bytes: to_usize(given.commit_bytes.map_or(64 << 20, |size| size.0)),
        max_lock_time: given.max_lock_time.unwrap_or(Duration::from_secs(5)),
        batch_bytes: to_usize(given.batch_bytes.map_or(1 << 20, |size| size.0)),
        queue_batches: given.queue_batches.map_or(4, |number| number.0),
        readers: given.readers.map_or(2, |number| number.0),
        max_document_bytes: to_usize(given.max_document_bytes.map_or(16 << 20, |size| size.0)),
        max_rejects: given.max_rejects,
        max_deletes: given.max_deletes.unwrap_or(RejectLimit::Percent(10.0)),
        max_time: given.max_time,
        max_bytes: given.max_bytes.map(|size| size.0),
        max_rate: given.max_rate.map(|number| number.0),
        time_limit: given.time_limit,
        max_reads: given.max_reads,
        max_unsaved_documents: given.max_unsaved_documents.map_or(10_000, |number| number.0),
        mapped_fields_only: false,
        max_retries: given.max_retries.unwrap_or(10),
        max_retry_time: given.max_retry_time.unwrap_or(Duration::from_secs(60)),
        undo: model.undo.unwrap_or(UndoPolicy::On) == UndoPolicy::On,
        undo_keep: model.undo_keep.map_or(5, |number| number.0),
        undo_keep_time: model.undo_keep_time,
        rollback_on_failure: model.on_failure == Some(OnFailure::Rollback),
        ledger_required: model.ledger.unwrap_or(LedgerPolicy::Required) == LedgerPolicy::Required,
    }
}

fn to_usize(size: u64) -> usize {
    usize::try_from(size).unwrap_or(usize::MAX)
}

fn collection(
    model: &CollectionModel,
    mapping: Arc<crate::domain::mapping::Mapping>,
    pipeline: &PipelineModel,
    problems: &mut Problems<'_>,
) -> Collection {
    let defaults = &pipeline.defaults;
    let on_conflict = model.on_conflict.as_ref().or(defaults.on_conflict.as_ref());
    if let Some(strategy) = on_conflict
        && let Some(misfit) = conflict_misfit(&strategy.value, &mapping)
    {
        problems.add_with_hint("conflict_column_unfit", strategy.mark, misfit.message, misfit.hint);
    }
    let deletes = deletes(model, &mapping, problems);
    Collection {
        mapping,
        depends_on: model.depends_on.iter().filter_map(|name| CollectionPattern::parse(&name.value).ok()).collect(),
        on_conflict: on_conflict.map_or(OnConflict::Replace, |strategy| strategy.value.clone()),
        batch_size: model.batch_size.or(defaults.batch_size).map_or(500, |size| size.0),
        expect_documents: model.expect_documents.or(defaults.expect_documents).unwrap_or(true),
        hidden_columns: model.hidden_columns.clone(),
        deletes,
        watermark: model.watermark.as_ref().and_then(|watermark| self::watermark(watermark, problems)),
    }
}

/// A column that says that a document is gone is nobody else's.
fn deletes(model: &CollectionModel, mapping: &Mapping, problems: &mut Problems<'_>) -> Deletes {
    match &model.deletes {
        None | Some(DeletesModel::Ignore) => Deletes::Ignore,
        Some(DeletesModel::Hard) => Deletes::Hard,
        Some(DeletesModel::Soft(column)) => {
            if mapping.columns.iter().any(|mapped| mapped.name.eq_ignore_ascii_case(&column.value)) {
                let message = format!("`{}` is mapped already, so it cannot say that a document is gone", column.value);
                let hint = "give the table a TEXT column of its own for this, e.g. deleted_at";
                problems.add_with_hint("deletes_column", column.mark, message, hint);
            }
            Deletes::Soft(column.value.clone())
        }
    }
}

/// Late writers and clocks that differ, unless the pipeline knows better.
const OVERLAP: Duration = Duration::from_secs(300);

fn watermark(model: &WatermarkModel, problems: &mut Problems<'_>) -> Option<Watermark> {
    let field = match FieldPath::parse(&model.field.value) {
        Ok(field) => field,
        Err(message) => {
            problems.add_quoting("invalid_field_path", model.field.mark, message);
            return None;
        }
    };
    if field.segments().iter().any(|segment| segment.starts_with('$')) {
        let message = format!("`{}` is no field: a source cannot be asked by it", model.field.value);
        let hint = "name a field that the application sets to the time of every change, e.g. updatedAt";
        problems.add_with_hint("invalid_field_path", model.field.mark, message, hint);
        return None;
    }
    Some(Watermark {
        field,
        unit: model.unit.unwrap_or(TimeUnit::Timestamp),
        overlap: model.overlap.unwrap_or(OVERLAP),
    })
}

/// One table is filled by one collection, or by one child table of it.
fn check_tables(
    models: &[CollectionModel],
    mappings: &[Option<crate::domain::mapping::Mapping>],
    problems: &mut Problems<'_>,
) {
    let mut owners: HashMap<String, String> = HashMap::new();
    let mut claim = |table: &str, mark: Mark, owner: String| {
        if let Some(first) = owners.get(&table.to_ascii_lowercase()) {
            let message = format!("table `{table}` is filled by {first} already");
            let hint = "give each its own table; SQL table names do not distinguish upper and lower case";
            problems.add_with_hint("duplicate_table", mark, message, hint);
        } else {
            owners.insert(table.to_ascii_lowercase(), owner);
        }
    };
    for (model, mapping) in models.iter().zip(mappings) {
        let Some(mapping) = mapping else { continue };
        let mark = model.table.as_ref().map_or(model.name.mark, |table| table.mark);
        claim(&mapping.table, mark, format!("collection `{}`", model.name.value));
        for child in &model.children {
            if let Some(table) = &child.table {
                claim(&table.value, table.mark, format!("a child table of `{}`", model.name.value));
            }
        }
    }
}

fn check_depends_on(models: &[CollectionModel], problems: &mut Problems<'_>) {
    let names = || models.iter().map(|model| model.name.value.as_str());
    for model in models {
        for parent in &model.depends_on {
            if parent.value == model.name.value {
                let message = format!("`{}` depends on itself", parent.value);
                let hint = "remove it; rows that refer to rows of their own table need no declaration";
                problems.add_with_hint("depends_on_itself", parent.mark, message, hint);
            } else if !names().any(|name| name == parent.value) {
                unknown_collection(parent, names(), problems);
            }
        }
    }
}

/// `depends_on` must leave an order; foreign keys are judged when the destination is known.
fn check_cycle(models: &[CollectionModel], collections: &[Collection], problems: &mut Problems<'_>) {
    let Some(cycle) = graph::declared_cycle(collections) else { return };
    let first = cycle.first().and_then(|name| models.iter().find(|model| model.name.value == *name));
    let edge = first.and_then(|model| model.depends_on.iter().find(|parent| Some(&parent.value) == cycle.get(1)));
    if let Some(edge) = edge {
        problems.add_with_hint("dependency_cycle", edge.mark, graph::cycle_message(&cycle), graph::CYCLE_HINT);
    }
}

/// `source.collection` names one of the collections, or nothing would be read.
fn check_source_collection(model: &PipelineModel, problems: &mut Problems<'_>) {
    let names = || model.collections.iter().map(|collection| collection.name.value.as_str());
    let name = model.source.as_ref().and_then(|source| source.collection.as_ref());
    let unknown =
        |name: &&At<String>| CollectionPattern::parse(&name.value).is_ok() && !names().any(|own| own == name.value);
    if let Some(name) = name.filter(unknown).filter(|_| names().next().is_some()) {
        unknown_collection(name, names(), problems);
    }
}

/// Reports a name that no collection of the file has.
fn unknown_collection<'n>(
    name: &At<String>,
    names: impl Iterator<Item = &'n str> + Clone,
    problems: &mut Problems<'_>,
) {
    let hint = match nearest(&name.value, names.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("defined are: {}", names.collect::<Vec<_>>().join(", ")),
    };
    let message = format!("`{}` is not a collection of this pipeline", name.value);
    problems.add_with_hint("unknown_collection", name.mark, message, hint);
}

/// A path of the file: relative ones start from its folder.
fn resolve(folder: &Path, path: &str) -> PathBuf {
    normal(&folder.join(path))
}

/// Without `.` and `x/..`, where that can be told from the text alone.
pub(in crate::pipeline) fn normal(path: &Path) -> PathBuf {
    use std::path::Component;
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(out.components().next_back(), Some(Component::Normal(_))) => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}
