//! One entry of `collections`.

use super::conditions::{self, Conditions, conditions_form};
use super::deletes::DeletesModel;
use super::names::{ReferencePart, TypeName};
use super::watermark::WatermarkModel;
use crate::destination::OnConflict;
use crate::domain::mapping::{LookupMissing, Mismatch, NegativeZero, NonFinite, Transform};
use crate::pipeline::decode::{Choice, Decode, Fields, Form, OneOrMany, Positive, Problems, choice, entries};
use crate::pipeline::mark::{At, Mark};
use crate::pipeline::yaml::{Key, Kind, Node};

/// A collection definition.
#[derive(Debug)]
pub struct CollectionModel {
    /// Its path pattern, the key of the entry.
    pub name: At<String>,
    /// `table`
    pub table: Option<At<String>>,
    /// `key`
    pub key: Option<OneOrMany<String>>,
    /// `where`
    pub conditions: Vec<Conditions>,
    /// `columns`
    pub columns: Vec<ColumnModel>,
    /// `children`
    pub children: Vec<ChildModel>,
    /// `unknown_fields`
    pub unknown_fields: Option<At<KeepUnknown>>,
    /// `depends_on`
    pub depends_on: Vec<At<String>>,
    /// `on_conflict`
    pub on_conflict: Option<At<OnConflict>>,
    /// `batch_size`
    pub batch_size: Option<Positive>,
    /// `expect_documents`
    pub expect_documents: Option<bool>,
    /// `hidden_columns`
    pub hidden_columns: Vec<String>,
    /// `watermark`
    pub watermark: Option<WatermarkModel>,
    /// `deletes`
    pub deletes: Option<DeletesModel>,
}

/// A column.
#[derive(Debug)]
pub struct ColumnModel {
    /// Column name.
    pub name: At<String>,
    /// `from`
    pub from: Option<At<String>>,
    /// `type`
    pub kind: Option<At<TypeName>>,
    /// `required`
    pub required: Option<bool>,
    /// `default`
    pub default: Option<Node>,
    /// `transform`
    pub transforms: Vec<Transform>,
    /// `lookup`
    pub lookup: Option<LookupModel>,
    /// `digits`
    pub digits: Option<At<u64>>,
    /// `non_finite`
    pub non_finite: Option<At<NonFinite>>,
    /// `negative_zero`
    pub negative_zero: Option<At<NegativeZero>>,
    /// `reference`
    pub reference: Option<At<ReferencePart>>,
    /// `mismatch`
    pub mismatch: Option<At<Mismatch>>,
}

/// A child table.
#[derive(Debug)]
pub struct ChildModel {
    /// `table`
    pub table: Option<At<String>>,
    /// `each`
    pub each: Option<At<String>>,
    /// `key`
    pub key: Option<OneOrMany<String>>,
    /// `columns`
    pub columns: Vec<ColumnModel>,
    /// The entry.
    pub mark: Mark,
}

/// `lookup`
#[derive(Debug)]
pub struct LookupModel {
    /// `file`
    pub file: At<String>,
    /// `file` as written, for messages.
    pub written: String,
    /// `missing`
    pub missing: LookupMissing,
}

/// `unknown_fields`
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeepUnknown {
    /// Leave them out.
    Ignore,
    /// Reject the document.
    Reject,
    /// Keep them in this column.
    Keep(At<String>),
}

impl CollectionModel {
    /// Reads an entry of `collections`.
    pub fn read(key: &Key, node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        let mut fields = Fields::of(node, "a collection", problems)?;
        let conditions = fields.node("where", conditions_form);
        let conditions = conditions.map(|node| conditions::conditions(node, problems)).unwrap_or_default();
        let model = Self {
            name: At { value: key.text.clone(), mark: key.mark },
            table: fields.optional_at("table", problems),
            key: fields.required("key", problems),
            conditions,
            columns: columns(&mut fields, problems),
            children: list(&mut fields, "children", problems),
            unknown_fields: fields.optional_at("unknown_fields", problems),
            depends_on: list_at(&mut fields, "depends_on", problems),
            on_conflict: fields.optional_at("on_conflict", problems),
            batch_size: fields.optional("batch_size", problems),
            expect_documents: fields.optional("expect_documents", problems),
            hidden_columns: list(&mut fields, "hidden_columns", problems),
            watermark: fields.optional("watermark", problems),
            deletes: fields.optional("deletes", problems),
        };
        fields.finish(problems);
        Some(model)
    }

    /// What an entry of `collections` looks like.
    pub fn form() -> Form {
        Form::of(|node, problems| Self::read(&Key { text: String::new(), mark: Mark::START }, node, problems))
    }
}

fn list_at<T: Decode>(fields: &mut Fields<'_>, key: &'static str, problems: &mut Problems<'_>) -> Vec<At<T>> {
    fields.optional::<OneOrMany<T>>(key, problems).map(|list| list.0).unwrap_or_default()
}

fn list<T: Decode>(fields: &mut Fields<'_>, key: &'static str, problems: &mut Problems<'_>) -> Vec<T> {
    list_at(fields, key, problems).into_iter().map(|item| item.value).collect()
}

fn columns(fields: &mut Fields<'_>, problems: &mut Problems<'_>) -> Vec<ColumnModel> {
    let Some(node) = fields.required_node("columns", || ColumnModel::form().map()) else { return Vec::new() };
    let list = entries(node, "a map of columns", problems).unwrap_or_default();
    if list.is_empty() && matches!(node.kind, Kind::Map(_)) {
        problems.add("missing_key", node.mark, "`columns` names no column");
    }
    list.iter().filter_map(|(key, node)| ColumnModel::read(key, node, problems)).collect()
}

impl ColumnModel {
    /// Reads `name: displayName` or `name: { from: displayName, … }`.
    fn read(key: &Key, node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        let name = At { value: key.text.clone(), mark: key.mark };
        match &node.kind {
            Kind::Text(text) => Some(Self::short(name, Some(At { value: text.clone(), mark: node.mark }))),
            Kind::Map(_) => Self::long(name, node, problems),
            _ => {
                let message = format!("expected a field path or a map with `from`, found {}", node.describe());
                let hint = format!("for a field of the same name write `{0}: {0}`", key.text);
                problems.add_with_hint("wrong_type", node.mark, message, hint);
                // The name stays, so that a key with it is not reported too.
                Some(Self::short(name, None))
            }
        }
    }

    fn form() -> Form {
        let nameless = || At { value: String::new(), mark: Mark::START };
        Form::Either(vec![Form::Text, Form::of(|node, problems| Self::long(nameless(), node, problems))])
    }

    fn short(name: At<String>, from: Option<At<String>>) -> Self {
        Self {
            name,
            from,
            kind: None,
            required: None,
            default: None,
            transforms: Vec::new(),
            lookup: None,
            digits: None,
            non_finite: None,
            negative_zero: None,
            reference: None,
            mismatch: None,
        }
    }

    fn long(name: At<String>, node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        let mut fields = Fields::of(node, "a column", problems)?;
        let model = Self {
            name,
            from: fields.required_at("from", problems),
            kind: choice_at(&mut fields, "type", problems),
            required: fields.optional("required", problems),
            default: fields.node("default", Form::any).cloned(),
            transforms: list::<Chosen<Transform>>(&mut fields, "transform", problems)
                .into_iter()
                .map(|chosen| chosen.0)
                .collect(),
            lookup: fields.optional("lookup", problems),
            digits: fields.optional_at("digits", problems),
            non_finite: choice_at_or_null(&mut fields, "non_finite", problems),
            negative_zero: choice_at(&mut fields, "negative_zero", problems),
            reference: choice_at(&mut fields, "reference", problems),
            mismatch: choice_at_or_null(&mut fields, "mismatch", problems),
        };
        fields.finish(problems);
        Some(model)
    }
}

/// Like [`choice`], where the name may be `null`, which YAML takes for nothing.
fn choice_or_null<T: Choice>(fields: &mut Fields<'_>, key: &'static str, problems: &mut Problems<'_>) -> Option<T> {
    choice_at_or_null(fields, key, problems).map(|choice| choice.value)
}

fn choice_at_or_null<T: Choice>(
    fields: &mut Fields<'_>,
    key: &'static str,
    problems: &mut Problems<'_>,
) -> Option<At<T>> {
    match fields.written_null::<T>(key) {
        Some(mark) => Some(At { value: T::find("null")?, mark }),
        None => choice_at(fields, key, problems),
    }
}

pub(super) fn choice_at<T: Choice>(
    fields: &mut Fields<'_>,
    key: &'static str,
    problems: &mut Problems<'_>,
) -> Option<At<T>> {
    let node = fields.node(key, Form::names::<T>)?;
    Some(At { value: choice(node, problems)?, mark: node.mark })
}

/// A [`Choice`] as an item of a list.
struct Chosen<T>(T);

impl<T: Choice> Decode for Chosen<T> {
    fn decode(node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        choice(node, problems).map(Self)
    }

    fn form() -> Form {
        Form::names::<T>()
    }
}

impl Decode for ChildModel {
    fn decode(node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        let mut fields = Fields::of(node, "a child table", problems)?;
        let model = Self {
            mark: fields.mark(),
            table: fields.required_at("table", problems),
            each: fields.required_at("each", problems),
            key: fields.optional("key", problems),
            columns: columns(&mut fields, problems),
        };
        fields.finish(problems);
        Some(model)
    }

    fn form() -> Form {
        Form::of(Self::decode)
    }
}

impl Decode for LookupModel {
    fn decode(node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        if let Kind::Text(file) = &node.kind {
            let file = At { value: file.clone(), mark: node.mark };
            return Some(Self { file, written: node.shown(), missing: LookupMissing::default() });
        }
        let mut fields = Fields::of(node, "a lookup", problems)?;
        let written = fields.node("file", String::form).map(Node::shown).unwrap_or_default();
        let file = fields.required_at("file", problems);
        let missing = choice_or_null(&mut fields, "missing", problems).unwrap_or_default();
        fields.finish(problems);
        Some(Self { file: file?, written, missing })
    }

    fn form() -> Form {
        Form::Either(vec![Form::Text, Form::of(Self::decode)])
    }
}

impl Decode for KeepUnknown {
    fn decode(node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        match &node.kind {
            Kind::Text(text) if text == "ignore" => Some(Self::Ignore),
            Kind::Text(text) if text == "reject" => Some(Self::Reject),
            Kind::Map(_) => {
                let mut fields = Fields::of(node, "`unknown_fields`", problems)?;
                let keep = fields.required_at("keep", problems);
                fields.finish(problems);
                keep.map(Self::Keep)
            }
            _ => {
                let message = format!("`unknown_fields` cannot be {}", node.describe());
                problems.add_with_hint("unknown_name", node.mark, message, "valid: ignore, reject, { keep: COLUMN }");
                None
            }
        }
    }

    fn form() -> Form {
        Form::Either(vec![Form::Names(vec!["ignore", "reject"]), Form::of(Self::decode)])
    }
}
