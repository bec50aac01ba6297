//! What documents look like: types, presence, distinct values, ranges, references, per field path, in one pass.
//!
//! Pure and bounded: whatever comes, an accumulator holds a capped amount, and what passes its cap is *forgotten as a
//! whole*, never in part. So no result depends on the order of documents, and what is still there is exact.
//!
//! The path: [`Collector::observe`] every document → [`Collector::finish`] → [`resolve`] across collections →
//! [`model`], plain data.

mod circles;
mod collection;
mod dictionary;
mod distinct;
mod examples;
mod fields;
mod finish;
mod held;
mod meter;
pub mod model;
mod node;
mod references;
mod resolve;
mod scalars;
#[cfg(test)]
mod tests;
mod values;

pub use collection::{Collector, Known, singular, words};
pub use held::hold;
pub use model::{CollectionProfile, FieldProfile, Profile};
pub use resolve::resolve;

/// Distinct values kept exactly where they prove a key or a reference, at 8 bytes each.
const MOST_KEYS: usize = 2_000_000;
/// Distinct values kept exactly elsewhere.
const MOST_VALUES: usize = 14_000;
/// The same, deep inside of documents, where there may be many paths.
const MOST_DEEP_VALUES: usize = 1_700;
/// Distinct values of an enumeration that are counted one by one.
const MOST_COUNTED: usize = 24;
/// A longer text is no value of an enumeration, in bytes.
const LONGEST_COUNTED: usize = 40;
/// Names in a map, by depth; a map with more is a dictionary.
const MOST_NAMES: [usize; 4] = [400, 64, 48, 32];
/// Deeper maps and arrays are only counted.
const DEEPEST: usize = 7;
/// Collections that one field's references are told apart by.
const MOST_TARGETS: usize = 8;
