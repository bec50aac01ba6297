//! What may stand where in the file: decoding seen from outside, for the JSON Schema.
//!
//! Nothing is declared twice. A map's form comes out of its decoder: it reads an empty map, and the keys it asked
//! for, each with the form of the type it asked for, are the keys there are.

use super::{Choice, Problems};
use crate::pipeline::mark::{Mark, Sources};
use crate::pipeline::yaml::{Kind, Node};

/// What a value looks like.
#[derive(Debug, Clone, PartialEq)]
pub enum Form {
    /// Anything.
    Any,
    /// Text, a number, `true`, `false` or null: neither a list nor a map.
    Scalar,
    /// A typed value: `{ $timestamp: … }`.
    Typed,
    /// Text.
    Text,
    /// `true` or `false`.
    Boolean,
    /// A number.
    Number {
        /// Without a fraction.
        whole: bool,
        /// The smallest.
        least: u8,
    },
    /// Text of a form (a regular expression), or, where it may, a whole number of at least so much.
    Written {
        /// The form.
        pattern: &'static str,
        /// The smallest number that may stand for it.
        number: Option<u8>,
    },
    /// Exactly this number.
    Constant(u64),
    /// One of these names; the word `null` may be one.
    Names(Vec<&'static str>),
    /// A list.
    List(Box<Form>),
    /// A map whose keys the user chooses.
    Map(Box<Form>),
    /// A map whose keys are given.
    Object(Object),
    /// One of these.
    Either(Vec<Form>),
}

/// A map whose keys are given.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// What it is, with article: `a column`.
    pub what: &'static str,
    /// Its keys.
    pub keys: Vec<Declared>,
    /// Only a part of the map is written here: no key must be there.
    pub part: bool,
}

/// A key that a decoder asked for.
#[derive(Debug, Clone, Copy)]
pub struct Declared {
    /// The key.
    pub key: &'static str,
    /// Whether it must be there.
    pub needed: Needed,
    /// What its value looks like.
    pub form: fn() -> Form,
}

/// Whether a key must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needed {
    /// No.
    No,
    /// Yes.
    Yes,
    /// Yes, where this other key is not there.
    Unless(&'static str),
}

impl PartialEq for Declared {
    /// By key: within one map it is unique.
    fn eq(&self, other: &Self) -> bool {
        (self.key, self.needed) == (other.key, other.needed)
    }
}

impl Form {
    /// Anything, as a function like the others.
    pub fn any() -> Self {
        Self::Any
    }

    /// The form of the map that a decoder reads.
    pub fn of<T>(read: impl FnOnce(&Node, &mut Problems<'_>) -> T) -> Self {
        let sources = Sources::default();
        let mut problems = Problems::new(&sources);
        read(&Node { mark: Mark::START, kind: Kind::Map(Vec::new()), written: None }, &mut problems);
        problems.described().map_or(Self::Any, Self::Object)
    }

    /// The names of a choice.
    pub fn names<T: Choice>() -> Self {
        Self::Names(T::NAMES.iter().map(|(name, _)| *name).collect())
    }

    /// A part of this map, to be laid over a whole one.
    pub fn part(self) -> Self {
        match self {
            Self::Object(mut object) => {
                object.keys.iter_mut().for_each(|key| key.needed = Needed::No);
                Self::Object(Object { part: true, ..object })
            }
            other => other,
        }
    }

    /// A map with keys of the user's and values of this form.
    pub fn map(self) -> Self {
        Self::Map(Box::new(self))
    }

    /// A list of this.
    pub fn list(self) -> Self {
        Self::List(Box::new(self))
    }
}
