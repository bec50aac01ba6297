//! From a profile to a relational draft: tables with types, keys and constraints, the pipeline that fills them, and what
//! was doubtful.
//!
//! Pure. One rule above all: no constraint may refuse a document that was profiled, and none is made of documents that
//! were not read. What does not fit one type goes into a column that holds all of them exactly.

mod circles;
mod columns;
mod containers;
mod ddl;
mod doubts;
mod evidence;
mod keywords;
pub mod model;
mod names;
mod parents;
pub mod readiness;
mod scalar;
mod tables;
pub mod update;
mod yaml;

pub use ddl::{down, next, up};
pub use model::{Doubt, Draft};
pub use readiness::{Readiness, readiness};
pub use tables::draft;
pub use update::update;
pub use yaml::{Addition, AdditionKind, PipelineSource, additions, pipeline};

/// Fewer values prove neither a unique field nor an enumeration.
const ENOUGH: u64 = 20;
/// Values of an enumeration, at most, that become a CHECK.
const MOST_CHECKED: usize = 12;
/// Each of them occurs so often on average.
const OFTEN: u64 = 10;
/// Fields of a map, at most, that become columns.
const MOST_FLATTENED: usize = 24;
/// Maps in maps are flattened so deep.
const DEEPEST_FLATTENED: usize = 3;
/// Longer arrays of scalars become tables.
const LONG_ARRAY: u64 = 16;
