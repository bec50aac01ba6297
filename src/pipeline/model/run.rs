//! `defaults` and `ledger`.

use std::time::Duration;

use super::collection::KeepUnknown;
use crate::destination::OnConflict;
use crate::pipeline::decode::{Choice, Decode, Fields, Form, Positive, Problems, Size, choice};
use crate::pipeline::mark::At;
use crate::pipeline::resolved::RejectLimit;
use crate::pipeline::yaml::{Kind, Node};

/// `defaults`: what collections do unless they say otherwise, and sizes and limits of a run.
#[derive(Debug, Default)]
pub struct DefaultsModel {
    /// `batch_size`
    pub batch_size: Option<Positive>,
    /// `on_conflict`
    pub on_conflict: Option<At<OnConflict>>,
    /// `unknown_fields`
    pub unknown_fields: Option<At<KeepUnknown>>,
    /// `max_rejects`, of the whole run.
    pub max_rejects: Option<RejectLimit>,
    /// `max_deletes`
    pub max_deletes: Option<RejectLimit>,
    /// `expect_documents`
    pub expect_documents: Option<bool>,
    /// `max_document_bytes`
    pub max_document_bytes: Option<Size>,
    /// `max_value_bytes`
    pub max_value_bytes: Option<Size>,
    /// `commit_documents`
    pub commit_documents: Option<Positive>,
    /// `commit_bytes`
    pub commit_bytes: Option<Size>,
    /// `max_lock_time`
    pub max_lock_time: Option<Duration>,
    /// `batch_bytes`
    pub batch_bytes: Option<Size>,
    /// `queue_batches`
    pub queue_batches: Option<Positive>,
    /// `readers`
    pub readers: Option<Positive>,
    /// `max_time`
    pub max_time: Option<Duration>,
    /// `max_bytes`
    pub max_bytes: Option<Size>,
    /// `max_reads`
    pub max_reads: Option<u64>,
    /// `max_unsaved_documents`
    pub max_unsaved_documents: Option<Positive>,
    /// `max_rate`
    pub max_rate: Option<Positive>,
    /// `time_limit`
    pub time_limit: Option<Duration>,
    /// `max_retries`
    pub max_retries: Option<usize>,
    /// `max_retry_time`
    pub max_retry_time: Option<Duration>,
}

impl Decode for OnConflict {
    fn decode(node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        match &node.kind {
            Kind::Map(_) => by_column(node, problems),
            Kind::Text(name) if Self::BY_COLUMN.iter().any(|(own, _)| own == name) => {
                let message = format!("`{name}` needs the column that decides");
                let hint = format!("write `{{ {name}: COLUMN }}`");
                problems.add_with_hint("missing_key", node.mark, message, hint);
                None
            }
            _ => choice::<ConflictWord>(node, problems).map(|word| word.0.clone()),
        }
    }

    fn form() -> Form {
        Form::Either(vec![Form::names::<ConflictWord>(), Form::of(by_column)])
    }
}

/// A strategy that is a word alone.
#[derive(Clone, Copy)]
struct ConflictWord(&'static OnConflict);

impl Choice for ConflictWord {
    const WHAT: &'static str = "a conflict strategy";
    const NAMES: &'static [(&'static str, Self)] = &[
        ("replace", Self(&OnConflict::Replace)),
        ("skip", Self(&OnConflict::Skip)),
        ("fail", Self(&OnConflict::Fail)),
        ("merge", Self(&OnConflict::Merge)),
    ];
}

/// `{ keep_newest: COLUMN }` or `{ keep_oldest: COLUMN }`.
fn by_column(node: &Node, problems: &mut Problems<'_>) -> Option<OnConflict> {
    let mut fields = Fields::of(node, "`on_conflict`", problems)?;
    let mut named = Vec::new();
    for (name, make) in OnConflict::BY_COLUMN {
        named.extend(fields.optional::<String>(name, problems).map(make));
    }
    let mark = fields.mark();
    fields.finish(problems);
    match (named.pop(), named.pop(), &node.kind) {
        (Some(strategy), None, _) => Some(strategy),
        // The key, or its value, was reported.
        (None, _, Kind::Map(entries)) if !entries.is_empty() => None,
        _ => {
            let message = "`on_conflict` needs one strategy";
            let hint = "valid: replace, skip, fail, merge, { keep_newest: COLUMN }, { keep_oldest: COLUMN }";
            problems.add_with_hint("missing_key", mark, message, hint);
            None
        }
    }
}

impl Decode for DefaultsModel {
    fn decode(node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        let mut fields = Fields::of(node, "`defaults`", problems)?;
        let model = Self {
            batch_size: fields.optional("batch_size", problems),
            on_conflict: fields.optional_at("on_conflict", problems),
            unknown_fields: fields.optional_at("unknown_fields", problems),
            max_rejects: fields.optional("max_rejects", problems),
            max_deletes: fields.optional("max_deletes", problems),
            expect_documents: fields.optional("expect_documents", problems),
            max_document_bytes: fields.optional("max_document_bytes", problems),
            max_value_bytes: fields.optional("max_value_bytes", problems),
            commit_documents: fields.optional("commit_documents", problems),
            commit_bytes: fields.optional("commit_bytes", problems),
            max_lock_time: fields.optional("max_lock_time", problems),
            batch_bytes: fields.optional("batch_bytes", problems),
            queue_batches: fields.optional("queue_batches", problems),
            readers: fields.optional("readers", problems),
            max_time: fields.optional("max_time", problems),
            max_bytes: fields.optional("max_bytes", problems),
            max_reads: fields.optional::<Positive>("max_reads", problems).map(|number| number.0 as u64),
            max_unsaved_documents: fields.optional("max_unsaved_documents", problems),
            max_rate: fields.optional("max_rate", problems),
            time_limit: fields.optional("time_limit", problems),
            max_retries: fields.optional("max_retries", problems),
            max_retry_time: fields.optional("max_retry_time", problems),
        };
        fields.finish(problems);
        Some(model)
    }

    fn form() -> Form {
        Form::of(Self::decode)
    }
}

/// `ledger`: whether a run may go on without its history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LedgerPolicy {
    /// No.
    Required,
    /// Yes, with a warning.
    BestEffort,
}

impl Choice for LedgerPolicy {
    const WHAT: &'static str = "a ledger policy";
    const NAMES: &'static [(&'static str, Self)] = &[("required", Self::Required), ("best_effort", Self::BestEffort)];
}

/// `undo`: whether what a run changes is kept for a rollback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UndoPolicy {
    /// Yes.
    On,
    /// No.
    Off,
}

impl Choice for UndoPolicy {
    const WHAT: &'static str = "a setting of the undo log";
    const NAMES: &'static [(&'static str, Self)] = &[("on", Self::On), ("off", Self::Off)];
}

/// `on_failure`: what becomes of a run that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// What it wrote stays, and it can be resumed.
    Keep,
    /// It is taken back.
    Rollback,
}

impl Choice for OnFailure {
    const WHAT: &'static str = "something to do with a failed run";
    const NAMES: &'static [(&'static str, Self)] = &[("keep", Self::Keep), ("rollback", Self::Rollback)];
}
