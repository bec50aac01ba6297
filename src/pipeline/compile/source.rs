//! The source: JSON files or a live Firestore, of the file or of the command line.

use std::path::{Path, PathBuf};

use super::ends::Overrides;
use super::resolve;
use crate::domain::document::CollectionPattern;
use crate::error::{Error, ErrorKind, Result};
use crate::pipeline::decode::Problems;
use crate::pipeline::mark::{At, Mark};
use crate::pipeline::model::{OnSuccess, Snapshot, SourceKind, SourceModel, WhichFields};
use crate::pipeline::resolved::{FirestoreSpec, JsonSpec, SnapshotSpec, SourceSpec};

/// The first database of a project.
const DEFAULT_DATABASE: &str = "(default)";
/// Requests under way at most: enough to hide 50 ms of latency, few enough for a small project's quota.
const CONCURRENCY: usize = 8;
/// US dollars for 100,000 reads of a multi-region database, the dearest common kind.
const PRICE_PER_100K_READS: f64 = 0.06;
/// The field that plain objects have their id in.
const ID_FIELD: &str = "id";
/// How `--source` names a live Firestore.
const SCHEME: &str = "firestore:";

/// A source that no pipeline file describes yet, as the command line names it: a path, or
/// `firestore:PROJECT[/DATABASE]`.
///
/// # Errors
/// Kind `Usage`, for names that no project or database can have.
pub fn source_named(text: &str, shape: Option<&str>, id_field: Option<&str>) -> Result<SourceSpec> {
    let Some(name) = text.strip_prefix(SCHEME) else {
        return Ok(SourceSpec::Json(JsonSpec {
            path: working_directory_path(text),
            shape: shape.map(str::to_owned),
            id_field: id_field.unwrap_or(ID_FIELD).to_owned(),
            collection: None,
            rename_migrated: false,
        }));
    };
    let (project, database) = name.split_once('/').unwrap_or((name, DEFAULT_DATABASE));
    check_names(project, database).map_err(|message| {
        Error::new(ErrorKind::Usage, "invalid_source", message)
            .hint("write `firestore:PROJECT` or `firestore:PROJECT/DATABASE`")
    })?;
    Ok(SourceSpec::Firestore(FirestoreSpec {
        project: project.to_owned(),
        database: database.to_owned(),
        credentials: None,
        snapshot: SnapshotSpec::Now,
        partitions: None,
        concurrency: CONCURRENCY,
        push_down: true,
        mapped_fields_only: false,
        price_per_100k_reads: PRICE_PER_100K_READS,
    }))
}

/// The source of the file, or of the command line with the file's settings.
pub(super) fn source(
    model: Option<&SourceModel>,
    overrides: &Overrides,
    folder: &Path,
    problems: &mut Problems<'_>,
) -> Option<SourceSpec> {
    let model = model?;
    if let Some(source) = &overrides.source {
        return match source.strip_prefix(SCHEME) {
            Some(name) => named(name, model, folder, problems),
            None => json(model, Some(working_directory_path(source)), problems),
        };
    }
    match model.kind.as_ref()?.value {
        SourceKind::Json => {
            refuse("json", &firestore_keys(model), problems);
            if model.path.is_none() {
                problems.add("missing_key", model.mark, "a source of kind `json` needs the key `path`");
            }
            json(model, Some(resolve(folder, local_path(&model.path.as_ref()?.value))), problems)
        }
        SourceKind::Firestore => {
            refuse("firestore", &json_keys(model), problems);
            written(model, folder, problems)
        }
    }
}

/// The Firestore of the file.
fn written(model: &SourceModel, folder: &Path, problems: &mut Problems<'_>) -> Option<SourceSpec> {
    let Some(project) = &model.project else {
        let message = "a source of kind `firestore` needs the key `project`";
        problems.add_with_hint("missing_key", model.mark, message, "write the project's id, e.g. `my-app-1a2b3`");
        return None;
    };
    let database = model.database.as_ref();
    let mark = database.map_or(project.mark, |database| database.mark);
    let database = database.map_or(DEFAULT_DATABASE, |database| database.value.as_str());
    if let Err(message) = check_names(&project.value, database) {
        problems.add_quoting("invalid_name", mark, message);
        return None;
    }
    Some(SourceSpec::Firestore(firestore(model, &project.value, database, folder)))
}

/// `PROJECT` or `PROJECT/DATABASE` of the command line.
fn named(name: &str, model: &SourceModel, folder: &Path, problems: &mut Problems<'_>) -> Option<SourceSpec> {
    let (project, database) = name.split_once('/').unwrap_or((name, DEFAULT_DATABASE));
    match check_names(project, database) {
        Ok(()) => Some(SourceSpec::Firestore(firestore(model, project, database, folder))),
        Err(message) => {
            let error = Error::new(ErrorKind::Usage, "invalid_source", format!("`--source`: {message}"));
            problems.extend(vec![error.hint("write `firestore:PROJECT` or `firestore:PROJECT/DATABASE`")]);
            None
        }
    }
}

fn check_names(project: &str, database: &str) -> Result<(), String> {
    let plain = |char: char| char.is_ascii_alphanumeric() || "-_.:()".contains(char);
    for (what, name) in [("project", project), ("database", database)] {
        if name.is_empty() || !name.chars().all(plain) {
            return Err(format!("`{name}` is not the name of a {what}"));
        }
    }
    Ok(())
}

fn firestore(model: &SourceModel, project: &str, database: &str, folder: &Path) -> FirestoreSpec {
    fn value<T: Copy>(written: Option<&At<T>>) -> Option<T> {
        written.map(|written| written.value)
    }
    FirestoreSpec {
        project: project.to_owned(),
        database: database.to_owned(),
        credentials: model.credentials.as_ref().map(|path| resolve(folder, local_path(&path.value))),
        snapshot: match value(model.snapshot.as_ref()).unwrap_or(Snapshot::Now) {
            Snapshot::Now => SnapshotSpec::Now,
            Snapshot::Minute => SnapshotSpec::Minute,
            Snapshot::Off => SnapshotSpec::Off,
        },
        partitions: value(model.partitions.as_ref()).map(|number| number.0),
        concurrency: value(model.concurrency.as_ref()).map_or(CONCURRENCY, |number| number.0),
        push_down: value(model.push_down.as_ref()).unwrap_or(true),
        mapped_fields_only: value(model.fields.as_ref()) == Some(WhichFields::Mapped),
        price_per_100k_reads: value(model.price_per_100k_reads.as_ref()).map_or(PRICE_PER_100K_READS, |price| price.0),
    }
}

/// Keys that have a meaning only for one kind, with their places where they are written.
type Keys = Vec<(&'static str, Option<Mark>)>;

fn place<T>(written: &Option<At<T>>) -> Option<Mark> {
    written.as_ref().map(|written| written.mark)
}

fn firestore_keys(model: &SourceModel) -> Keys {
    vec![
        ("project", place(&model.project)),
        ("database", place(&model.database)),
        ("credentials", place(&model.credentials)),
        ("snapshot", place(&model.snapshot)),
        ("partitions", place(&model.partitions)),
        ("concurrency", place(&model.concurrency)),
        ("push_down", place(&model.push_down)),
        ("fields", place(&model.fields)),
        ("price_per_100k_reads", place(&model.price_per_100k_reads)),
    ]
}

fn json_keys(model: &SourceModel) -> Keys {
    vec![
        ("path", place(&model.path)),
        ("shape", place(&model.shape)),
        ("id_field", place(&model.id_field)),
        ("collection", place(&model.collection)),
        ("on_success", model.on_success.map(|_| model.mark)),
    ]
}

fn refuse(kind: &str, keys: &Keys, problems: &mut Problems<'_>) {
    for (key, mark) in keys {
        if let Some(mark) = mark {
            problems.add("key_does_not_fit", *mark, format!("`{key}` has no meaning for a source of kind `{kind}`"));
        }
    }
}

fn json(model: &SourceModel, path: Option<PathBuf>, problems: &mut Problems<'_>) -> Option<SourceSpec> {
    let collection = match &model.collection {
        None => None,
        Some(name) => match CollectionPattern::parse(&name.value) {
            Ok(pattern) => Some(pattern),
            Err(message) => {
                problems.add_quoting("invalid_collection", name.mark, message);
                None
            }
        },
    };
    if let Some(field) = model.id_field.as_ref().filter(|field| field.value.is_empty()) {
        problems.add("invalid_name", field.mark, "`id_field` is empty");
    }
    Some(SourceSpec::Json(JsonSpec {
        path: path?,
        shape: model.shape.as_ref().map(|shape| shape.value.0.to_owned()),
        id_field: model.id_field.as_ref().map_or_else(|| ID_FIELD.to_owned(), |field| field.value.clone()),
        collection,
        rename_migrated: model.on_success == Some(OnSuccess::RenameMigrated),
    }))
}

/// `file:` in front of a path is allowed wherever a path is.
fn local_path(path: &str) -> &str {
    path.strip_prefix("file://").or_else(|| path.strip_prefix("file:")).unwrap_or(path)
}

fn working_directory_path(path: &str) -> PathBuf {
    let folder = std::env::current_dir().unwrap_or_default();
    resolve(&folder, local_path(path))
}
