//! From the tree to the model: every mistake is collected with its place, unknown keys get a suggestion.

mod fields;
mod form;
mod scalars;

pub use fields::Fields;
pub use form::{Declared, Form, Needed, Object};
pub use scalars::{OneOrMany, Positive, Price, Size};

use super::mark::{Mark, Sources};
use super::yaml::{Key, Kind, Node};
use crate::error::{Code, Error};

/// Collects problems of one pipeline.
pub struct Problems<'a> {
    sources: &'a Sources,
    errors: Vec<Error>,
    hidden: Vec<Hidden>,
    described: Option<Object>,
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
    pub fn new(sources: &'a Sources) -> Self {
        Self { sources, errors: Vec::new(), hidden: Vec::new(), described: None }
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
        self.errors.push(self.sources.error(code, mark, message));
    }

    /// Adds one whose message may quote any part of the value at the mark: left out where that came from variables.
    pub fn add_quoting(&mut self, code: Code, mark: Mark, message: impl Into<String>) {
        match self.hidden.iter().find(|hidden| hidden.mark == mark) {
            Some(hidden) => {
                let message = format!("the value of `{}` cannot stand here", hidden.written);
                self.errors.push(self.sources.error(code, mark, message));
            }
            None => self.add(code, mark, message),
        }
    }

    /// Adds one with what to do.
    pub fn add_with_hint(&mut self, code: Code, mark: Mark, message: impl Into<String>, hint: impl Into<String>) {
        let (message, hint) = (self.redacted(mark, message.into()), self.redacted(mark, hint.into()));
        self.errors.push(self.sources.error(code, mark, message).hint(hint));
    }

    /// Adds ready errors.
    pub fn extend(&mut self, errors: Vec<Error>) {
        self.errors.extend(errors);
    }

    /// The files.
    pub fn sources(&self) -> &'a Sources {
        self.sources
    }

    /// Remembers which keys the map that was read last can have.
    fn describe(&mut self, object: Object) {
        self.described = Some(object);
    }

    /// The keys of the map that was read last.
    fn described(self) -> Option<Object> {
        self.described
    }

    /// All of them as one error in the order of the files, or `Ok`.
    pub fn into_result(mut self) -> Result<(), Error> {
        let sources = self.sources;
        let place =
            |error: &Error| (sources.number(error.place().file.as_ref()), error.place().line, error.place().column);
        self.errors.sort_by_key(place);
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

    /// What nodes that can be read look like.
    fn form() -> Form;
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
