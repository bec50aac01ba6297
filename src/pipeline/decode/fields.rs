//! The keys of one map: which are there, which are missing, which nobody knows.

use super::form::{Declared, Form, Needed, Object};
use super::{Choice, Decode, Problems, choice, nearest};
use crate::pipeline::mark::{At, Mark};
use crate::pipeline::yaml::{Key, Kind, Node};

/// A map being read: remembers which keys were asked for, so that the rest are unknown.
pub struct Fields<'n> {
    entries: &'n [(Key, Node)],
    mark: Mark,
    what: &'static str,
    known: Vec<Declared>,
    missing: Vec<&'static str>,
}

impl<'n> Fields<'n> {
    /// Reads a node as a map; `what` names it in messages (`a column`).
    pub fn of(node: &'n Node, what: &'static str, problems: &mut Problems<'_>) -> Option<Self> {
        match &node.kind {
            Kind::Map(entries) => {
                let mark = entries.first().map_or(node.mark, |(key, _)| key.mark);
                Some(Self { entries, mark, what, known: Vec::new(), missing: Vec::new() })
            }
            _ => {
                let message = format!("expected {what} as a map of keys, found {}", node.describe());
                problems.add("wrong_type", node.mark, message);
                None
            }
        }
    }

    /// Where an error about the map as a whole points: its first key.
    pub fn mark(&self) -> Mark {
        self.mark
    }

    fn know(&mut self, key: &'static str, needed: Needed, form: fn() -> Form) {
        match self.known.iter_mut().find(|known| known.key == key) {
            Some(known) if known.needed == Needed::No => known.needed = needed,
            Some(_) => {}
            None => self.known.push(Declared { key, needed, form }),
        }
    }

    /// The node of a key; a key without value, or whose variables left nothing, counts as not written.
    pub fn node(&mut self, key: &'static str, form: fn() -> Form) -> Option<&'n Node> {
        self.known_node(key, Needed::No, form)
    }

    fn known_node(&mut self, key: &'static str, needed: Needed, form: fn() -> Form) -> Option<&'n Node> {
        self.know(key, needed, form);
        let (_, node) = self.entries.iter().find(|(own, _)| own.text == key)?;
        let emptied = node.written.is_some() && node.kind == Kind::Text(String::new());
        (node.kind != Kind::Null && !emptied).then_some(node)
    }

    /// Where the value of a key is the word `null`.
    pub fn written_null<T: Choice>(&mut self, key: &'static str) -> Option<Mark> {
        self.know(key, Needed::No, Form::names::<T>);
        let (_, node) = self.entries.iter().find(|(own, _)| own.text == key)?;
        let is_word = node.mark.width == "null".len() as u64;
        (node.kind == Kind::Null && is_word).then_some(node.mark)
    }

    /// An optional key.
    pub fn optional<T: Decode>(&mut self, key: &'static str, problems: &mut Problems<'_>) -> Option<T> {
        T::decode(self.node(key, T::form)?, problems)
    }

    /// An optional key with its place.
    pub fn optional_at<T: Decode>(&mut self, key: &'static str, problems: &mut Problems<'_>) -> Option<At<T>> {
        let node = self.node(key, T::form)?;
        Some(At { value: T::decode(node, problems)?, mark: node.mark })
    }

    /// A key that must be there.
    pub fn required<T: Decode>(&mut self, key: &'static str, problems: &mut Problems<'_>) -> Option<T> {
        T::decode(self.required_node(key, T::form)?, problems)
    }

    /// A key that must be there, with its place.
    pub fn required_at<T: Decode>(&mut self, key: &'static str, problems: &mut Problems<'_>) -> Option<At<T>> {
        let node = self.required_node(key, T::form)?;
        Some(At { value: T::decode(node, problems)?, mark: node.mark })
    }

    /// The node of a key that must be there.
    pub fn required_node(&mut self, key: &'static str, form: fn() -> Form) -> Option<&'n Node> {
        self.needed_node(key, Needed::Yes, form)
    }

    /// The node of a key that must be there, or be brought in by another one.
    pub fn needed_node(&mut self, key: &'static str, needed: Needed, form: fn() -> Form) -> Option<&'n Node> {
        let node = self.known_node(key, needed, form);
        if node.is_none() && needed != Needed::No {
            self.missing.push(key);
        }
        node
    }

    /// The node of a key that must be there, whose absence the caller reports.
    pub fn awaited_node(&mut self, key: &'static str, form: fn() -> Form) -> Option<&'n Node> {
        self.known_node(key, Needed::Yes, form)
    }

    /// An optional name out of a set.
    pub fn choice<T: Choice>(&mut self, key: &'static str, problems: &mut Problems<'_>) -> Option<T> {
        choice(self.node(key, Form::names::<T>)?, problems)
    }

    /// Only checks the keys of a map that is read later, or by nobody.
    pub fn check(node: &'n Node, object: Object, problems: &mut Problems<'_>) {
        if let Some(mut fields) = Self::of(node, object.what, problems) {
            fields.known = object.keys;
            fields.finish(problems);
        }
    }

    /// Reports unknown keys and missing ones; a missing key that an unknown one was meant to be is not reported twice.
    pub fn finish(self, problems: &mut Problems<'_>) {
        let mut meant = Vec::new();
        let known: Vec<&'static str> = self.known.iter().map(|known| known.key).collect();
        for (key, _) in self.entries.iter().filter(|(key, _)| !known.contains(&key.text.as_str())) {
            let near = nearest(&key.text, known.iter().copied());
            meant.extend(near);
            let hint = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => elsewhere(&key.text).unwrap_or_else(|| format!("valid keys: {}", known.join(", "))),
            };
            let message = format!("`{}` is not a key of {}", key.text, self.what);
            problems.add_with_hint("unknown_key", key.mark, message, hint);
        }
        for key in self.missing.iter().filter(|key| !meant.contains(key)) {
            problems.add("missing_key", self.mark, format!("{} needs the key `{key}`", self.what));
        }
        problems.describe(Object { what: self.what, keys: self.known, part: false });
    }
}

/// Keys that people look for in another place.
fn elsewhere(key: &str) -> Option<String> {
    let place = match key {
        "max_rejects"
        | "max_deletes"
        | "batch_size"
        | "on_conflict"
        | "unknown_fields"
        | "max_document_bytes"
        | "max_value_bytes"
        | "commit_documents"
        | "commit_bytes"
        | "max_lock_time"
        | "batch_bytes"
        | "queue_batches"
        | "readers"
        | "max_time"
        | "max_bytes"
        | "max_reads"
        | "max_unsaved_documents"
        | "max_rate"
        | "time_limit"
        | "max_retries"
        | "max_retry_time" => "in `defaults`",
        "id_field" | "shape" | "on_success" | "project" | "database" | "credentials" | "snapshot" | "push_down" => {
            "in `source`"
        }
        "auth_token" | "auth_token_file" | "url" | "plain_http_to" | "request_timeout" | "lease_time" => {
            "in `destination`"
        }
        "backup" | "backup_keep" | "gates" | "ledger" | "schema" | "tests" | "include" | "environments" => {
            "at the top of the pipeline file"
        }
        "table" | "key" | "columns" | "where" | "children" | "depends_on" | "expect_documents" | "hidden_columns"
        | "watermark" | "deletes" => "in a collection, under `collections: { NAME: { … } }`",
        _ => return None,
    };
    Some(format!("`{key}` belongs {place}"))
}
