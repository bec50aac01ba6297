//! Paths to fields: `address.city`, `` `a.b`.c ``.

use tonic::Status;

use crate::proto::{Document, MapValue, Value, ValueType};

/// A path as names; `["__name__"]` is the document's own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldPath(pub Vec<String>);

impl FieldPath {
    /// Parses a path; names that are no plain identifiers stand in backticks.
    pub fn parse(text: &str) -> Result<Self, Status> {
        let invalid = || Status::invalid_argument(format!("Invalid property path \"{text}\"."));
        let mut names = Vec::new();
        let mut rest = text.chars().peekable();
        loop {
            let name = if rest.next_if_eq(&'`').is_some() { quoted(&mut rest) } else { plain(&mut rest) };
            names.push(name.filter(|name| !name.is_empty()).ok_or_else(invalid)?);
            match rest.next() {
                None => return Ok(Self(names)),
                Some('.') => {}
                Some(_) => return Err(invalid()),
            }
        }
    }

    /// Whether this is the document's name.
    pub fn is_name(&self) -> bool {
        self.0 == ["__name__"]
    }

    /// The value there.
    pub fn find<'a>(&self, document: &'a Document) -> Option<&'a Value> {
        let (first, rest) = self.0.split_first()?;
        rest.iter().try_fold(document.fields.get(first)?, |value, name| as_map(value)?.fields.get(name))
    }
}

/// The map that a value is.
pub fn as_map(value: &Value) -> Option<&MapValue> {
    match &value.value_type {
        Some(ValueType::MapValue(map)) => Some(map),
        _ => None,
    }
}

type Characters<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn quoted(rest: &mut Characters<'_>) -> Option<String> {
    let mut name = String::new();
    loop {
        match rest.next()? {
            '`' => return Some(name),
            '\\' => name.push(rest.next()?),
            other => name.push(other),
        }
    }
}

fn plain(rest: &mut Characters<'_>) -> Option<String> {
    let mut name = String::new();
    while let Some(next) = rest.next_if(|next| next.is_ascii_alphanumeric() || *next == '_') {
        name.push(next);
    }
    (!name.starts_with(|first: char| first.is_ascii_digit())).then_some(name)
}
