//! The pipeline file as written: keys and their values, nothing resolved, no default filled in.

mod collection;
mod conditions;
mod deletes;
mod gates;
mod names;
pub mod parts;
mod run;
mod test;
mod watermark;

pub use collection::{ChildModel, CollectionModel, ColumnModel, KeepUnknown, LookupModel};
pub use conditions::Conditions;
pub use deletes::DeletesModel;
pub use gates::{GateModel, GatesModel};
pub use names::{ReferencePart, TypeName};
pub use run::{DefaultsModel, LedgerPolicy, OnFailure, UndoPolicy};
pub use test::{ExpectModel, TestModel};
pub use watermark::WatermarkModel;

use std::time::Duration;

use super::decode::{Choice, Decode, Fields, Form, Needed, OneOrMany, Positive, Price, Problems, choice, entries};
use super::mark::{At, Mark};
use super::resolved::BackupPolicy;
use super::yaml::{Kind, Node};

/// The only format version there is.
pub const VERSION: u64 = 1;

/// The whole file.
#[derive(Debug, Default)]
pub struct PipelineModel {
    /// `name`
    pub name: Option<At<String>>,
    /// `source`
    pub source: Option<SourceModel>,
    /// `destination`
    pub destination: Option<DestinationModel>,
    /// `schema`
    pub schema: Option<At<String>>,
    /// `backup`
    pub backup: Option<BackupPolicy>,
    /// `backup_keep`
    pub backup_keep: Option<usize>,
    /// `gates`
    pub gates: GatesModel,
    /// `undo`
    pub undo: Option<UndoPolicy>,
    /// `undo_keep`
    pub undo_keep: Option<Positive>,
    /// `undo_keep_time`
    pub undo_keep_time: Option<Duration>,
    /// `on_failure`
    pub on_failure: Option<OnFailure>,
    /// `ledger`
    pub ledger: Option<LedgerPolicy>,
    /// `defaults`
    pub defaults: DefaultsModel,
    /// `collections`, in the order of the file.
    pub collections: Vec<CollectionModel>,
    /// `tests`
    pub tests: Vec<TestModel>,
    /// Where errors about the file as a whole point.
    pub mark: Option<Mark>,
}

/// `source`
#[derive(Debug)]
pub struct SourceModel {
    /// `kind`
    pub kind: Option<At<SourceKind>>,
    /// `path`
    pub path: Option<At<String>>,
    /// `shape`
    pub shape: Option<At<Shape>>,
    /// `id_field`
    pub id_field: Option<At<String>>,
    /// `collection`
    pub collection: Option<At<String>>,
    /// `on_success`
    pub on_success: Option<OnSuccess>,
    /// `project`, of Firestore.
    pub project: Option<At<String>>,
    /// `database`, of Firestore.
    pub database: Option<At<String>>,
    /// `credentials`, of Firestore.
    pub credentials: Option<At<String>>,
    /// `snapshot`, of Firestore.
    pub snapshot: Option<At<Snapshot>>,
    /// `partitions`, of Firestore.
    pub partitions: Option<At<Positive>>,
    /// `concurrency`, of Firestore.
    pub concurrency: Option<At<Positive>>,
    /// `push_down`, of Firestore.
    pub push_down: Option<At<bool>>,
    /// `fields`, of Firestore.
    pub fields: Option<At<WhichFields>>,
    /// `price_per_100k_reads`, of Firestore.
    pub price_per_100k_reads: Option<At<Price>>,
    /// The section.
    pub mark: Mark,
}

/// Keys of `source` that only one kind has.
pub const KEYS_OF_KIND: [(&str, &[&str]); 2] = [
    ("json", &["path", "shape", "id_field", "collection", "on_success"]),
    (
        "firestore",
        &[
            "project",
            "database",
            "credentials",
            "snapshot",
            "partitions",
            "concurrency",
            "push_down",
            "fields",
            "price_per_100k_reads",
        ],
    ),
];

/// `source.kind`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    /// JSON files.
    Json,
    /// A live Firestore database.
    Firestore,
}

impl Choice for SourceKind {
    const WHAT: &'static str = "a kind of source";
    const NAMES: &'static [(&'static str, Self)] = &[("json", Self::Json), ("firestore", Self::Firestore)];
}

/// `source.snapshot`: the point in time that a run reads at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Snapshot {
    /// When the run starts.
    Now,
    /// The next whole minute.
    Minute,
    /// None: every document as it is when it is read.
    Off,
}

impl Choice for Snapshot {
    const WHAT: &'static str = "a kind of snapshot";
    const NAMES: &'static [(&'static str, Self)] = &[("now", Self::Now), ("minute", Self::Minute), ("off", Self::Off)];
}

/// `source.fields`: what is read of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhichFields {
    /// Everything.
    All,
    /// What the mapping names.
    Mapped,
}

impl Choice for WhichFields {
    const WHAT: &'static str = "a choice of fields";
    const NAMES: &'static [(&'static str, Self)] = &[("all", Self::All), ("mapped", Self::Mapped)];
}

/// `source.shape`: the layout that an export tool writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape(pub &'static str);

impl Choice for Shape {
    const WHAT: &'static str = "a shape of JSON files";
    const CODE: &'static str = "unknown_shape";
    const NAMES: &'static [(&'static str, Self)] = &[
        ("plain", Self("plain")),
        ("firestore_rest", Self("firestore_rest")),
        ("firestore_export_import", Self("firestore_export_import")),
        ("node_firestore_import_export", Self("node_firestore_import_export")),
        ("firestore_backfire", Self("firestore_backfire")),
        ("firebase_to_supabase", Self("firebase_to_supabase")),
        ("firebase_auth_export", Self("firebase_auth_export")),
    ];
}

/// `source.on_success`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnSuccess {
    /// Leave the files as they are.
    Keep,
    /// Rename each to `*.migrated`.
    RenameMigrated,
}

impl Choice for OnSuccess {
    const WHAT: &'static str = "something to do with migrated files";
    const NAMES: &'static [(&'static str, Self)] = &[("keep", Self::Keep), ("rename_migrated", Self::RenameMigrated)];
}

impl Choice for BackupPolicy {
    const WHAT: &'static str = "a backup policy";
    const NAMES: &'static [(&'static str, Self)] = &[
        ("every_run", Self::EveryRun),
        ("first_run", Self::FirstRun),
        ("daily", Self::Daily),
        ("before_destructive", Self::BeforeDestructive),
        ("never", Self::Never),
    ];
}

/// `destination`
#[derive(Debug)]
pub struct DestinationModel {
    /// `url`
    pub url: Option<At<String>>,
    /// `url` as written, for messages.
    pub url_written: Option<String>,
    /// `auth_token`
    pub auth_token: Option<At<String>>,
    /// The token stands in the file itself, not in a variable.
    pub literal_token: bool,
    /// `auth_token_file`
    pub auth_token_file: Option<At<String>>,
    /// `plain_http_to`
    pub plain_http_to: Option<String>,
    /// `concurrency`
    pub concurrency: Option<Positive>,
    /// `request_timeout`
    pub request_timeout: Option<Duration>,
    /// `lease_time`
    pub lease_time: Option<Duration>,
    /// The section.
    pub mark: Mark,
}

impl PipelineModel {
    /// Reads the tree; mistakes are added to `problems`.
    pub fn read(root: &Node, problems: &mut Problems<'_>) -> Self {
        let mut model = Self::default();
        let Some(mut fields) = Fields::of(root, "a pipeline", problems) else { return model };
        model.mark = Some(fields.mark());
        if !version_fits(&mut fields, problems) {
            return model;
        }
        model.name = fields.required_at("name", problems);
        let source = fields.needed_node("source", Needed::Unless("environments"), SourceModel::form);
        model.source = source.and_then(|node| SourceModel::decode(node, problems));
        let destination = fields.needed_node("destination", Needed::Unless("environments"), DestinationModel::form);
        model.destination = destination.and_then(|node| DestinationModel::decode(node, problems));
        model.schema = fields.optional_at("schema", problems);
        model.backup = fields.choice("backup", problems);
        model.backup_keep = fields.optional("backup_keep", problems);
        model.gates = fields.optional("gates", problems).unwrap_or_default();
        model.undo = fields.choice("undo", problems);
        model.undo_keep = fields.optional("undo_keep", problems);
        model.undo_keep_time = fields.optional("undo_keep_time", problems);
        model.on_failure = fields.choice("on_failure", problems);
        model.ledger = fields.choice("ledger", problems);
        model.defaults = fields.optional("defaults", problems).unwrap_or_default();
        if let Some(collections) =
            fields.needed_node("collections", Needed::Unless("include"), || CollectionModel::form().map())
        {
            let list = entries(collections, "a map of collections", problems).unwrap_or_default();
            if list.is_empty() && matches!(collections.kind, Kind::Map(_)) {
                problems.add("missing_key", collections.mark, "`collections` names no collection");
            }
            model.collections =
                list.iter().filter_map(|(key, node)| CollectionModel::read(key, node, problems)).collect();
        }
        if let Some(tests) = fields.optional::<OneOrMany<TestModel>>("tests", problems) {
            model.tests = tests.0.into_iter().map(|test| test.value).collect();
        }
        // These two are done with when the file is put together.
        fields.node("include", OneOrMany::<String>::form);
        fields.node("environments", || parts::environment().map());
        fields.finish(problems);
        model
    }

    /// What the file looks like.
    pub fn form() -> Form {
        Form::of(Self::read)
    }
}

/// A file of another version is read no further: its keys may mean something else.
fn version_fits(fields: &mut Fields<'_>, problems: &mut Problems<'_>) -> bool {
    let hint = format!("write `version: {VERSION}` as the first line");
    let Some(node) = fields.awaited_node("version", || Form::Constant(VERSION)) else {
        problems.add_with_hint("version_missing", fields.mark(), "the file does not say its format version", hint);
        return true;
    };
    let Some(version) = u64::decode(node, problems) else { return false };
    if version != VERSION {
        let message = format!("format version {version} is not supported; this program reads version {VERSION}");
        problems.add_with_hint("version_unsupported", node.mark, message, hint);
    }
    version == VERSION
}

impl Decode for SourceModel {
    fn decode(node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        let mut fields = Fields::of(node, "`source`", problems)?;
        let kind = fields.required_node("kind", Form::names::<SourceKind>);
        let model = Self {
            kind: kind.and_then(|node| Some(At { value: choice(node, problems)?, mark: node.mark })),
            path: fields.optional_at("path", problems),
            shape: choice_at(&mut fields, "shape", problems),
            id_field: fields.optional_at("id_field", problems),
            collection: fields.optional_at("collection", problems),
            on_success: fields.choice("on_success", problems),
            project: fields.optional_at("project", problems),
            database: fields.optional_at("database", problems),
            credentials: fields.optional_at("credentials", problems),
            snapshot: choice_at(&mut fields, "snapshot", problems),
            partitions: fields.optional_at("partitions", problems),
            concurrency: fields.optional_at("concurrency", problems),
            push_down: fields.optional_at("push_down", problems),
            fields: choice_at(&mut fields, "fields", problems),
            price_per_100k_reads: fields.optional_at("price_per_100k_reads", problems),
            mark: fields.mark(),
        };
        fields.finish(problems);
        Some(model)
    }

    fn form() -> Form {
        Form::of(Self::decode)
    }
}

fn choice_at<T: Choice>(fields: &mut Fields<'_>, key: &'static str, problems: &mut Problems<'_>) -> Option<At<T>> {
    let node = fields.node(key, Form::names::<T>)?;
    Some(At { value: choice(node, problems)?, mark: node.mark })
}

impl Decode for DestinationModel {
    fn decode(node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        let mut fields = Fields::of(node, "`destination`", problems)?;
        let mark = fields.mark();
        let url_written = fields.node("url", String::form).map(Node::shown);
        let literal_token = fields.node("auth_token", String::form).is_some_and(|node| node.written.is_none());
        let model = Self {
            url: fields.optional_at("url", problems),
            url_written,
            auth_token: secret(&mut fields, problems),
            literal_token,
            auth_token_file: fields.optional_at("auth_token_file", problems),
            plain_http_to: fields.optional("plain_http_to", problems),
            concurrency: fields.optional("concurrency", problems),
            request_timeout: fields.optional("request_timeout", problems),
            lease_time: fields.optional("lease_time", problems),
            mark,
        };
        fields.finish(problems);
        Some(model)
    }

    fn form() -> Form {
        Form::of(Self::decode)
    }
}

/// A token of any type but text is refused without showing it.
fn secret(fields: &mut Fields<'_>, problems: &mut Problems<'_>) -> Option<At<String>> {
    let node = fields.node("auth_token", String::form)?;
    match &node.kind {
        Kind::Text(text) => Some(At { value: text.clone(), mark: node.mark }),
        _ => {
            problems.add("wrong_type", node.mark, "`auth_token` must be text; put it in quotes");
            None
        }
    }
}
