//! The pipeline file: from YAML text to a validated [`resolved::Pipeline`].
//!
//! `yaml` (a tree with positions) → `assemble` (included files, the environment) → `interpolate` (variables) → `model` (keys as written, read by `decode`) →
//! `compile` (names resolved, defaults filled in) → `resolved`. Every stage reports mistakes at their place in the
//! file. `graph` orders the collections, `tests` runs the pipeline's own tests.

mod assemble;
mod compile;
mod conflict;
mod decode;
pub mod edit;
mod fingerprint;
pub mod graph;
mod interpolate;
mod json_schema;
mod load;
mod mark;
mod model;
mod reference;
pub mod resolved;
mod secrets;
pub mod tests;
mod units;
mod yaml;

pub use compile::{Overrides, source_named};
pub use conflict::conflict_misfit;
pub use json_schema::{json_schema, json_schema_of_included};
pub use load::load;
pub use units::{duration, reject_limit, size};
