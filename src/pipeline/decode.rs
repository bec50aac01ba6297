//! From the tree to the model: every mistake is collected with its place, unknown keys get a suggestion.

use std::time::Duration;

use super::mark::{At, Mark, SourceText};
use super::resolved::RejectLimit;
use super::units;
use super::yaml::{Key, Kind, Node};
use crate::error::{Code, Error};

/// Collects problems of one file.
pub struct Problems<'a> {
    source: &'a SourceText,
    errors: Vec<Error>,
    hidden: Vec<Hidden>,
}

/// A value that came from variables: where, what, and how the file writes it.
struct Hidden {
    mark: Mark,
    value: String,
    written: String,
}

/// A shorter value is hidden only where it stands in backticks: it is no secret, and may be part of any word.
const SECRET_LENGTH: usize = 6;

impl<'a> Problems<'a> {
    /// No problems yet.
    pub fn new(source: &'a SourceText) -> Self {
        Self { source, errors: Vec::new(), hidden: Vec::new() }
    }

    /// Hides a value that came from variables: messages show what the file says instead.
    pub fn hide(&mut self, mark: Mark, value: &str, written: &str) {
        if !value.is_empty() {
            self.hidden.push(Hidden { mark, value: value.to_owned(), written: written.to_owned() });
        }
    }

    fn redacted(&self, mark: Mark, text: String) -> String {
        let mut text = text;
        for hidden in &self.hidden {
            if hidden.value.len() >= SECRET_LENGTH {
                text = text.replace(&hidden.value, &hidden.written);
            } else if hidden.mark == mark {
                text = text.replace(&format!("`{}`", hidden.value), &format!("`{}`", hidden.written));
            }
        }
        text
    }

    /// Adds one.
    pub fn add(&mut self, code: Code, mark: Mark, message: impl Into<String>) {
        let message = self.redacted(mark, message.into());
        self.errors.push(self.source.error(code, mark, message));
    }

    /// Adds one with what to do.
    pub fn add_with_hint(&mut self, code: Code, mark: Mark, message: impl Into<String>, hint: impl Into<String>) {
        let (message, hint) = (self.redacted(mark, message.into()), self.redacted(mark, hint.into()));
        self.errors.push(self.source.error(code, mark, message).hint(hint));
    }

    /// Adds ready errors.
    pub fn extend(&mut self, errors: Vec<Error>) {
        self.errors.extend(errors);
    }

    /// All of them as one error in the order of the file, or `Ok`.
    pub fn into_result(mut self) -> Result<(), Error> {
        self.errors.sort_by_key(|error| (error.place().line, error.place().column));
        let mut errors = self.errors.into_iter();
        match errors.next() {
            Some(first) => Err(first.and_others(errors.collect())),
            None => Ok(()),
        }
    }
}

/// Something a node can be read as. `None` after a problem was added.
pub trait Decode: Sized {
    /// Reads it.
    fn decode(node: &Node, problems: &mut Problems<'_>) -> Option<Self>;
}

/// A value out of a fixed set of names.
pub trait Choice: Copy + 'static {
    /// What it is, with article: `a backup policy`.
    const WHAT: &'static str;
    /// Code of the error for an unknown name.
    const CODE: Code = "unknown_name";
    /// Names and values.
    const NAMES: &'static [(&'static str, Self)];

    /// Names that other tools use, and ours.
    const SYNONYMS: &'static [(&'static str, &'static str)] = &[];

    /// The value of a name.
    fn find(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(own, _)| *own == name).map(|(_, value)| *value)
    }
}

/// Reads a name out of a set.
pub fn choice<T: Choice>(node: &Node, problems: &mut Problems<'_>) -> Option<T> {
    let name = String::decode(node, problems)?;
    if let Some(value) = T::find(&name) {
        return Some(value);
    }
    let names: Vec<&str> = T::NAMES.iter().map(|(own, _)| *own).collect();
    let message = format!("`{}` is not {}", node.shown(), T::WHAT);
    let synonym = T::SYNONYMS.iter().find(|(other, _)| other.eq_ignore_ascii_case(&name)).map(|(_, own)| *own);
    let hint = match synonym.or_else(|| nearest(&name, names.iter().copied())) {
        Some(near) if node.written.is_none() => format!("did you mean `{near}`? Valid: {}", names.join(", ")),
        _ => format!("valid: {}", names.join(", ")),
    };
    problems.add_with_hint(T::CODE, node.mark, message, hint);
    None
}

/// The candidate that was probably meant: a few letters away, or begun.
pub fn nearest<'c>(name: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    let name = name.to_lowercase();
    candidates
        .map(|candidate| (strsim::damerau_levenshtein(&name, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| {
            let begun = name.len() >= 3 && candidate.to_lowercase().starts_with(&name);
            begun || *distance <= (candidate.chars().count().max(3) / 3).min(3)
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A map being read: remembers which keys were asked for, so that the rest are unknown.
pub struct Fields<'n> {
    entries: &'n [(Key, Node)],
    mark: Mark,
    what: &'static str,
    known: Vec<&'static str>,
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

    fn know(&mut self, key: &'static str) {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
    }

    /// The node of a key; a key without value, or whose variables left nothing, counts as not written.
    pub fn node(&mut self, key: &'static str) -> Option<&'n Node> {
        self.know(key);
        let (_, node) = self.entries.iter().find(|(own, _)| own.text == key)?;
        let emptied = node.written.is_some() && node.kind == Kind::Text(String::new());
        (node.kind != Kind::Null && !emptied).then_some(node)
    }

    /// Where the value of a key is the word `null`.
    pub fn written_null(&mut self, key: &'static str) -> Option<Mark> {
        self.know(key);
        let (_, node) = self.entries.iter().find(|(own, _)| own.text == key)?;
        let is_word = node.mark.width == "null".len() as u64;
        (node.kind == Kind::Null && is_word).then_some(node.mark)
    }

    /// An optional key.
    pub fn optional<T: Decode>(&mut self, key: &'static str, problems: &mut Problems<'_>) -> Option<T> {
        T::decode(self.node(key)?, problems)
    }

    /// An optional key with its place.
    pub fn optional_at<T: Decode>(&mut self, key: &'static str, problems: &mut Problems<'_>) -> Option<At<T>> {
        let node = self.node(key)?;
        Some(At { value: T::decode(node, problems)?, mark: node.mark })
    }

    /// A key that must be there.
    pub fn required<T: Decode>(&mut self, key: &'static str, problems: &mut Problems<'_>) -> Option<T> {
        T::decode(self.required_node(key)?, problems)
    }

    /// A key that must be there, with its place.
    pub fn required_at<T: Decode>(&mut self, key: &'static str, problems: &mut Problems<'_>) -> Option<At<T>> {
        let node = self.required_node(key)?;
        Some(At { value: T::decode(node, problems)?, mark: node.mark })
    }

    /// The node of a key that must be there.
    pub fn required_node(&mut self, key: &'static str) -> Option<&'n Node> {
        let node = self.node(key);
        if node.is_none() {
            self.missing.push(key);
        }
        node
    }

    /// An optional name out of a set.
    pub fn choice<T: Choice>(&mut self, key: &'static str, problems: &mut Problems<'_>) -> Option<T> {
        choice(self.node(key)?, problems)
    }

    /// Reports unknown keys and missing ones; a missing key that an unknown one was meant to be is not reported twice.
    pub fn finish(self, problems: &mut Problems<'_>) {
        let mut meant = Vec::new();
        for (key, _) in self.entries.iter().filter(|(key, _)| !self.known.contains(&key.text.as_str())) {
            let near = nearest(&key.text, self.known.iter().copied());
            meant.extend(near);
            let hint = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => elsewhere(&key.text).unwrap_or_else(|| format!("valid keys: {}", self.known.join(", "))),
            };
            let message = format!("`{}` is not a key of {}", key.text, self.what);
            problems.add_with_hint("unknown_key", key.mark, message, hint);
        }
        for key in self.missing.iter().filter(|key| !meant.contains(key)) {
            problems.add("missing_key", self.mark, format!("{} needs the key `{key}`", self.what));
        }
    }
}

/// Keys that people look for in another place.
fn elsewhere(key: &str) -> Option<String> {
    let place = match key {
        "max_rejects" | "batch_size" | "on_conflict" | "unknown_fields" | "max_document_bytes" | "max_value_bytes"
        | "commit_documents" | "commit_bytes" | "max_lock_time" | "batch_bytes" | "queue_batches" | "readers"
        | "max_time" | "max_bytes" | "time_limit" | "max_retries" | "max_retry_time" => "in `defaults`",
        "id_field" | "shape" | "on_success" => "in `source`",
        "auth_token" | "url" => "in `destination`",
        "backup" | "backup_keep" | "ledger" | "schema" | "tests" => "at the top of the file",
        "table" | "key" | "columns" | "where" | "children" | "depends_on" | "expect_documents" => {
            "in a collection, under `collections: { NAME: { … } }`"
        }
        _ => return None,
    };
    Some(format!("`{key}` belongs {place}"))
}

/// Entries of a map whose keys the user chooses (collections, columns).
pub fn entries<'n>(node: &'n Node, what: &str, problems: &mut Problems<'_>) -> Option<&'n [(Key, Node)]> {
    match &node.kind {
        Kind::Map(entries) => Some(entries),
        _ => {
            problems.add("wrong_type", node.mark, format!("expected {what}, found {}", node.describe()));
            None
        }
    }
}

fn wrong_type<T>(node: &Node, expected: &str, problems: &mut Problems<'_>) -> Option<T> {
    problems.add("wrong_type", node.mark, format!("expected {expected}, found {}", node.describe()));
    None
}

impl Decode for String {
    fn decode(node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        match &node.kind {
            Kind::Text(text) => Some(text.clone()),
            Kind::Bool(_) | Kind::Integer(_) | Kind::HugeInteger(_) | Kind::Float(_) => {
                let message = format!("expected text, found {}", node.describe());
                problems.add_with_hint("wrong_type", node.mark, message, "put it in quotes if text is meant");
                None
            }
            _ => wrong_type(node, "text", problems),
        }
    }
}

impl Decode for bool {
    fn decode(node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        match (&node.kind, &node.written) {
            (Kind::Bool(value), _) => Some(*value),
            (Kind::Text(text), Some(_)) if text == "true" || text == "false" => Some(text == "true"),
            _ => wrong_type(node, "`true` or `false`", problems),
        }
    }
}

impl Decode for u64 {
    fn decode(node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        let number = match (&node.kind, &node.written) {
            (Kind::Integer(number), _) => u64::try_from(*number).ok(),
            (Kind::Text(text), Some(_)) => text.trim().parse().ok(),
            _ => None,
        };
        number.or_else(|| wrong_type(node, "a whole number, 0 or more", problems))
    }
}

impl Decode for usize {
    fn decode(node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        usize::try_from(u64::decode(node, problems)?).ok().or_else(|| wrong_type(node, "a smaller number", problems))
    }
}

/// A whole number of at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Positive(pub usize);

impl Decode for Positive {
    fn decode(node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        match usize::decode(node, problems)? {
            0 => wrong_type(node, "a number of at least 1", problems),
            number => Some(Self(number)),
        }
    }
}

/// A size in bytes, at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size(pub u64);

impl Decode for Size {
    fn decode(node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        let size = match &node.kind {
            Kind::Integer(number) => u64::try_from(*number).ok(),
            Kind::Text(text) => units::size(text),
            _ => None,
        };
        size.filter(|size| *size > 0)
            .map(Self)
            .or_else(|| wrong_type(node, "a size like `16MiB`, `1MB` or `1000`", problems))
    }
}

impl Decode for Duration {
    fn decode(node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        let duration = match &node.kind {
            Kind::Text(text) => units::duration(text),
            _ => None,
        };
        duration
            .filter(|duration| !duration.is_zero())
            .or_else(|| wrong_type(node, "a duration like `500ms`, `5s`, `10m` or `2h`", problems))
    }
}

impl Decode for RejectLimit {
    fn decode(node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        let limit = match &node.kind {
            Kind::Integer(number) => u64::try_from(*number).ok().map(Self::Count),
            Kind::Text(text) => units::reject_limit(text),
            _ => None,
        };
        limit.or_else(|| wrong_type(node, "a number of rejects like `100`, or a percentage like `1%`", problems))
    }
}

/// One value, or a list of them.
#[derive(Debug, Clone, PartialEq)]
pub struct OneOrMany<T>(pub Vec<At<T>>);

impl<T: Decode> Decode for OneOrMany<T> {
    fn decode(node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        let items = match &node.kind {
            Kind::List(items) => items.as_slice(),
            _ => std::slice::from_ref(node),
        };
        let decoded: Vec<Option<At<T>>> =
            items.iter().map(|item| T::decode(item, problems).map(|value| At { value, mark: item.mark })).collect();
        decoded.into_iter().collect::<Option<Vec<_>>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_nearest_name_is_suggested_only_when_it_is_near() {
        let keys = ["batch_size", "on_conflict", "key", "table"];
        for (name, near) in [
            ("batchsize", Some("batch_size")),
            ("Batch_Size", Some("batch_size")),
            ("tabel", Some("table")),
            ("keys", Some("key")),
            ("conf", None),
            ("batch", Some("batch_size")),
            ("colour", None),
            ("x", None),
        ] {
            assert_eq!(nearest(name, keys.into_iter()), near, "{name}");
        }
    }
}
